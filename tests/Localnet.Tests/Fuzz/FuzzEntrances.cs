using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using System.Security.Cryptography;
using System.Text;
using AppChain.Hsm;
using AppChain.Node;
using AppChain.StateMachine;
using AppChain.StateMachine.Tests;
using NodeGenesis = AppChain.StateMachine.Genesis;

namespace AppChain.Localnet.Tests.Fuzz;

/// <summary>Every place where bytes come in, by name. Each keeps what it needs until it is disposed.</summary>
internal sealed class FuzzEntrances : IDisposable
{
    private readonly Random _random;
    private readonly WireDamage _wire;
    private readonly TextDamage _text;
    private IDisposable? _held;

    /// <summary>Opens an entrance.</summary>
    public FuzzEntrances(string name, int seed)
    {
        _random = new Random(seed);
        _wire = new WireDamage(_random);
        _text = new TextDamage(_random);
        Entrance = name switch
        {
            "transaction" => Transactions(),
            "extension" => Extensions(),
            "injected" => PriceUpdates(),
            "abci" => Abci(),
            "privval" => Privval(),
            "chunk" => Chunks(),
            "genesis" => GenesisDocuments(),
            "config" => Configurations(),
            "http" => Http(),
            _ => throw new ArgumentException($"no entrance {name}"),
        };
    }

    /// <summary>The names.</summary>
    public static IReadOnlyList<string> Names { get; } =
        ["transaction", "extension", "injected", "abci", "privval", "chunk", "genesis", "config", "http"];

    /// <summary>The entrance that was opened.</summary>
    public FuzzEntrance Entrance { get; }

    /// <inheritdoc/>
    public void Dispose() => _held?.Dispose();

    private FuzzEntrance Transactions()
    {
        var pill = new PoisonPill(_random, _wire);
        return new FuzzEntrance("transaction", pill.Next, pill.Run);
    }

    private FuzzEntrance Abci()
    {
        var frames = new AbciFrames(_random, _wire);
        _held = frames;
        return new FuzzEntrance("abci", frames.Next, frames.Run);
    }

    private FuzzEntrance Privval()
    {
        var questions = new SignerQuestions(_random, _wire);
        return new FuzzEntrance("privval", questions.Next, questions.Run);
    }

    private FuzzEntrance Http()
    {
        var requests = new HttpRequests(_random, _text);
        return new FuzzEntrance("http", requests.Next, requests.Run);
    }

    private FuzzEntrance Extensions() => new(
        "extension",
        () => _wire.Bytes(PriceVote.Encode(PoisonPill.Reports(_random, TestMarkets.GenesisTime))),
        bytes =>
        {
            if (!PriceVote.TryDecode(bytes, out var reports))
            {
                return "refused";
            }

            Require(PriceVote.Encode(reports.AsSpan()).AsSpan().SequenceEqual(bytes), "a second encoding");
            return $"{reports.Length} reports";
        });

    private FuzzEntrance PriceUpdates()
    {
        NodeGenesis genesis = PoisonPill.NewGenesis();
        Exchange chain = Exchange.FromGenesis(genesis);
        chain.Commit();
        byte[] Next()
        {
            byte[] update = PoisonPill.Update(_random, _wire, genesis.Validators.Length, TestMarkets.GenesisTime);
            return _random.Next(3) == 0 ? update : _wire.Bytes(update);
        }

        string Run(byte[] bytes)
        {
            if (!PriceUpdate.IsClaimedBy(bytes) || PriceUpdate.Decode(bytes) is not { } update)
            {
                return "refused";
            }

            Require(update.Encode().AsSpan().SequenceEqual(bytes), "a second encoding");
            update.Reports(genesis.Validators);
            return update.Check(genesis.Validators, [true, true, false, true], 0).ToString();
        }

        return new FuzzEntrance("injected", Next, Run);
    }

    private FuzzEntrance Chunks()
    {
        var tree = new StateTree(2);
        var rows = new List<RowChange>();
        for (int i = 0; i < 40; i++)
        {
            rows.Add(new RowChange(
                [(byte)(i / 7), (byte)i], _wire.Noise(30) is { Length: > 0 } value ? value : [1], false));
        }

        byte[] root = tree.Apply(1, rows);
        tree.Commit();
        var chunks = new List<(ChunkPlace Place, byte[] Bytes)>();
        Cut(tree, ChunkPlace.Whole, chunks);
        var known = new HashSet<string>(chunks.Select(chunk => Convert.ToHexString(chunk.Bytes)));

        // The first byte says for which place the rest is sent.
        byte[] Next()
        {
            int index = _random.Next(chunks.Count);
            byte[] chunk = chunks[_random.Next(20) == 0 ? _random.Next(chunks.Count) : index].Bytes;
            return [(byte)index, .. _random.Next(10) == 0 ? chunk : _wire.Bytes(chunk)];
        }

        string Run(byte[] bytes)
        {
            if (bytes.Length == 0)
            {
                return "nothing";
            }

            (ChunkPlace place, byte[] own) = chunks[bytes[0] % chunks.Count];
            bool accepted = StateChunk.TryRead(root, place, bytes.AsSpan(1), out _);
            Require(
                accepted == bytes.AsSpan(1).SequenceEqual(own), "accepted what is not the chunk, or refused what is");
            return accepted ? "accepted" : "refused";
        }

        return new FuzzEntrance("chunk", Next, Run);
    }

    private static void Cut(StateTree tree, ChunkPlace place, List<(ChunkPlace Place, byte[] Bytes)> chunks)
    {
        bool isKept = tree.TryReadChunk(1, place, 200, out byte[]? chunk);
        Require(isKept, "the version is there");
        if (chunk is not null)
        {
            chunks.Add((place, chunk));
            return;
        }

        Cut(tree, place.Half(0), chunks);
        Cut(tree, place.Half(1), chunks);
    }

    private FuzzEntrance GenesisDocuments()
    {
        NodeGenesis genesis = PoisonPill.NewGenesis();
        Exchange chain = Exchange.FromGenesis(genesis);
        List<KeyValuePair<byte[], byte[]>> rows =
            [.. chain.Commit().Select(row => new KeyValuePair<byte[], byte[]>(row.Key, row.Value!))];
        CouncilTerms council = new(
            [.. Enumerable.Range(1, 3).Select(
                i => Secp256k1.PublicKeyOf(SHA256.HashData([(byte)i])).ToImmutableArray())], 2, 2, 30);
        string fresh = GenesisFile.Write(new GenesisState(
            GenesisFile.DefaultMarkets,
            genesis.Accounts,
            1_000_000,
            genesis.Vault! with { Guardians = council },
            genesis.Treasury! with { Treasurers = council })).ToJsonString();
        string document = Encoding.UTF8.GetString(ExportedState.Write(chain, rows, "{}"));
        string exported =
            document[document.IndexOf("\"app_state\":", StringComparison.Ordinal)..][12..].TrimEnd()[..^1];
        byte[] Next() =>
            Encoding.UTF8.GetBytes(_random.Next(3) == 0 ? _text.Text(Rotten(exported)) : _text.Text(fresh));
        return new FuzzEntrance("genesis", Next, bytes => GenesisVerdict(bytes, genesis));
    }

    // A row of the export with other bytes: sound JSON, and sound base64.
    private string Rotten(string exported)
    {
        string[] parts = exported.Split('"');
        int at = 3 + (2 * _random.Next((parts.Length - 3) / 2));
        parts[at] = at < parts.Length ? Convert.ToBase64String(_wire.Bytes(Convert.FromBase64String(parts[at]))) : "";
        return string.Join('"', parts);
    }

    private static string GenesisVerdict(byte[] bytes, NodeGenesis like)
    {
        try
        {
            if (ExportedState.TryParse(bytes, out List<KeyValuePair<byte[], byte[]>>? rows))
            {
                Application.FirstState(rows, Like(like, new GenesisState([], [], 0)));
                return "rows";
            }

            Application.FirstState(null, Like(like, GenesisFile.Parse(Encoding.UTF8.GetString(bytes))));
            return "accepted";
        }
        catch (GenesisException)
        {
            return "refused";
        }
    }

    private static NodeGenesis Like(NodeGenesis like, GenesisState state) => new()
    {
        ChainId = like.ChainId,
        InitialHeight = 1,
        Time = like.Time,
        Validators = like.Validators,
        Markets = state.Markets,
        Accounts = state.Accounts,
        InsuranceFund = state.InsuranceFund,
        Vault = state.Vault,
        Treasury = state.Treasury,
    };

    private FuzzEntrance Configurations()
    {
        string node = new NodeConfig { FeedFiles = [new FeedFile("BTC-PERP", "a.csv", "X")] }.Write();
        const string signer =
            "chain.c.key = k\nchain.c.state = s\nchain.c.engine = unix:///e\nmetrics = 127.0.0.1:9000\n";
        string Run(byte[] bytes)
        {
            string[] lines = Encoding.UTF8.GetString(bytes).Split('\n');
            string verdict = "node: read";
            try
            {
                NodeConfig.Parse(lines, "f");
            }
            catch (ConfigException refused)
            {
                verdict = refused.Message.Contains("unknown key", StringComparison.Ordinal)
                    ? "node: unknown key"
                    : "node: refused";
            }

            try
            {
                SignerConfig.Parse(lines, "f");
                return verdict + ", signer: read";
            }
            catch (FormatException)
            {
                return verdict + ", signer: refused";
            }
        }

        return new FuzzEntrance(
            "config", () => Encoding.UTF8.GetBytes(_text.Text(_random.Next(2) == 0 ? node : signer)), Run);
    }

    /// <summary>Fails the run of an entrance.</summary>
    public static void Require(bool condition, string what)
    {
        if (!condition)
        {
            throw new InvalidOperationException(what);
        }
    }
}
