using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using AppChain.Abci;
using AppChain.Hsm;
using AppChain.Margin;
using AppChain.Node;
using AppChain.StateMachine;

namespace AppChain.Localnet;

/// <summary>Writes everything a network needs before it starts: keys, genesis, configurations.</summary>
internal sealed class NetworkFiles
{
    /// <summary>Chain id of every localnet.</summary>
    public const string ChainId = "appchain-localnet";

    // In every home directory that a localnet made, and locked while it runs.
    private const string Mark = ".appchain-localnet";
    private const string CallsFile = "data/abci-calls.log";

    // Blocks here are short: a snapshot must still be there when a node that found it asks for its chunks.
    private const int SnapshotsKept = 50;
    private const long Usd = 1_000_000;
    private readonly RunOptions _options;
    private DeviceKeys? _device;
    private FileStream? _lock;

    /// <summary>For a run.</summary>
    public NetworkFiles(RunOptions options)
    {
        _options = options;
        var keys = new List<FundedKey>();
        foreach (string name in new[] { "alice", "bob", "carol", "dave" })
        {
            keys.Add(new FundedKey(name, Derive("account:" + name), 100_000 * Usd));
        }

        Named = keys;
        Guardians = CouncilKeys("guardian");
        Treasurers = CouncilKeys("treasurer");
        Traders = [.. Enumerable.Range(0, options.Traders).Select(i => new FundedKey(
            string.Create(CultureInfo.InvariantCulture, $"trader{i}"), Derive($"trader:{i}"), CollateralOf(i) * Usd))];
    }

    /// <summary>alice, bob, carol, dave.</summary>
    public IReadOnlyList<FundedKey> Named { get; }

    /// <summary>guardian1, guardian2, guardian3: two of them release and decide. They have no accounts.</summary>
    public IReadOnlyList<FundedKey> Guardians { get; }

    /// <summary>treasurer1, treasurer2, treasurer3, likewise.</summary>
    public IReadOnlyList<FundedKey> Treasurers { get; }

    /// <summary>The agents' keys.</summary>
    public IReadOnlyList<FundedKey> Traders { get; }

    /// <summary>Directory of a validator.</summary>
    public string HomeOf(int validator) =>
        Path.Combine(_options.Home, string.Create(CultureInfo.InvariantCulture, $"node{validator}"));

    /// <summary>
    /// Socket of a validator's application. Unix paths are short, so they are under the temporary directory.
    /// </summary>
    public string AbciAddress(int validator) => $"unix://{Path.Combine(SocketDirectory, $"abci{validator}.sock")}";

    /// <summary>Socket on which the engine waits for a validator's signer.</summary>
    public string PrivvalAddress(int validator) => $"unix://{Path.Combine(SocketDirectory, $"sign{validator}.sock")}";

    /// <summary>Options of the verb signer for one signer of a validator.</summary>
    public IReadOnlyList<string> SignerOptions(int validator, int signer) => _options.Signers > 1
        ? ["--config", Path.Combine(SignerHomeOf(validator, signer), "signer.conf"), "--create-state"]
        :
        [
            "--chain", ChainId,
            "--key", KeyOf(validator, signer),
            "--state", Path.Combine(SignerHomeOf(validator, signer), "sign-state.json"),
            "--audit", AuditLogOf(validator, signer),
            "--engine", PrivvalAddress(validator),
            "--create-state",
        ];

    /// <summary>Variables that a signer's process needs beside its options.</summary>
    public IReadOnlyDictionary<string, string>? SignerEnvironment(int validator, int signer) =>
        _device?.EnvironmentOf(validator, signer);

    /// <summary>Where a signer keeps its state and its audit log.</summary>
    public string SignerHomeOf(int validator, int signer) => Path.Combine(
        HomeOf(validator),
        _options.Signers > 1 ? string.Create(CultureInfo.InvariantCulture, $"signer{signer}") : "data");

    /// <summary>The audit log of a signer.</summary>
    public string AuditLogOf(int validator, int signer) =>
        Path.Combine(SignerHomeOf(validator, signer), "sign-audit.jsonl");

    /// <summary>Seed of a validator's consensus key.</summary>
    public byte[] ConsensusSeed(int validator) => Derive($"validator:{validator}");

    /// <summary>Any bytes that are a function of the run's seed and a purpose.</summary>
    public byte[] Derive(string purpose) =>
        SHA256.HashData(Encoding.UTF8.GetBytes(
            string.Create(CultureInfo.InvariantCulture, $"appchain localnet {_options.Seed} {purpose}")));

    private FileStream Lock(string mark)
    {
        try
        {
            return new FileStream(mark, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException held)
        {
            throw new InvalidOperationException(
                $"--home: another localnet runs in {_options.Home}; stop it, or give another directory", held);
        }
    }

    private string SocketDirectory => Path.Combine(
        Path.GetTempPath(), string.Create(CultureInfo.InvariantCulture, $"appchain-{Environment.ProcessId}"));

    /// <summary>Replaces what an earlier localnet left in the home directory, and writes keys and folders.</summary>
    /// <exception cref="InvalidOperationException">
    /// The directory holds something else, or another localnet runs there; nothing was touched.
    /// </exception>
    public void WriteKeys()
    {
        string mark = Path.Combine(_options.Home, Mark);
        if (File.Exists(mark))
        {
            Lock(mark).Dispose();
            Directory.Delete(_options.Home, recursive: true);
        }
        else if (Directory.Exists(_options.Home) && Directory.EnumerateFileSystemEntries(_options.Home).Any())
        {
            throw new InvalidOperationException(
                $"--home: {_options.Home} holds files that no localnet made ({Mark} is not "
                    + "there); give a directory that is new or empty, or of an earlier localnet");
        }

        Directory.CreateDirectory(SocketDirectory);
        Directory.CreateDirectory(_options.Home);
        File.WriteAllText(mark, "A localnet made this directory; the next one with this --home replaces it.\n");
        _lock = Lock(mark);
        var store = new KeyStore(Path.Combine(_options.Home, "keys"));
        foreach (FundedKey key in Named.Concat(Guardians).Concat(Treasurers))
        {
            store.Add(key.Name, KeyFile.InClear(key.SecretKey));
        }

        for (int i = 0; i < _options.Validators; i++)
        {
            Directory.CreateDirectory(Path.Combine(HomeOf(i), "config"));
            Directory.CreateDirectory(Path.Combine(HomeOf(i), "data"));
        }

        _device = _options.Hsm ? new DeviceKeys(_options.Home, _options.Validators, _options.Signers) : null;
        for (int i = 0; i < _options.Validators; i++)
        {
            for (int j = 0; j < _options.Signers; j++)
            {
                WriteSigner(i, j);
            }
        }
    }

    /// <summary>Removes the sockets.</summary>
    public void RemoveSockets()
    {
        if (Directory.Exists(SocketDirectory))
        {
            Directory.Delete(SocketDirectory, recursive: true);
        }
    }

    /// <summary>The genesis document.</summary>
    public string Genesis(DateTimeOffset time, IEnumerable<MarketParameters> markets)
    {
        var accounts = Named.Concat(Traders).Select(key => new GenesisAccount(
            new AccountId(TransactionCodec.AddressOf(Secp256k1.PublicKeyOf(key.SecretKey)), 0),
            key.Collateral)).ToArray();
        var validators = new JsonArray();
        for (int i = 0; i < _options.Validators; i++)
        {
            byte[] key = _device?.PublicKey(i) ?? SoftwareKey.FromSeed(ConsensusSeed(i)).PublicKey.ToByteArray();
            validators.Add(new JsonObject
            {
                ["address"] = RpcJsonWriter.Hex(BlockHashes.Address(key)),
                ["pub_key"] =
                    new JsonObject { ["type"] = "tendermint/PubKeyEd25519", ["value"] = Convert.ToBase64String(key) },
                ["power"] = "10",
                ["name"] = string.Create(CultureInfo.InvariantCulture, $"node{i}"),
            });
        }

        var genesis = new JsonObject
        {
            ["genesis_time"] =
                time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fffffff'Z'", CultureInfo.InvariantCulture),
            ["chain_id"] = ChainId,
            ["initial_height"] = "1",
            ["consensus_params"] = new JsonObject
            {
                ["block"] = new JsonObject { ["max_bytes"] = "4194304", ["max_gas"] = "-1" },
                ["evidence"] = new JsonObject
                {
                    ["max_age_num_blocks"] = "100000",
                    ["max_age_duration"] = "172800000000000",
                    ["max_bytes"] = "1048576",
                },
                ["validator"] = new JsonObject { ["pub_key_types"] = new JsonArray("ed25519") },
                ["version"] = new JsonObject { ["app"] = "1" },
                ["abci"] = new JsonObject { ["vote_extensions_enable_height"] = "1" },
            },
            ["validators"] = validators,
            ["app_hash"] = "",
            ["app_state"] = GenesisFile.Write(new GenesisState(
                [.. markets], [.. accounts], 1_000_000 * Usd, Vault(), Treasury())),
        };
        return genesis.ToJsonString(new JsonSerializerOptions { WriteIndented = true });
    }

    /// <summary>
    /// The calls that a validator's application has noted, without a line that is still being written.
    /// </summary>
    public IEnumerable<AbciCall> CallsOf(int validator)
    {
        string path = Path.Combine(HomeOf(validator), CallsFile);
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var reader = new StreamReader(file);
        string[] lines = reader.ReadToEnd().Split('\n');
        return lines.SkipLast(1).Select(AbciCall.Parse);
    }

    /// <summary>Notes among a validator's calls that its application was taken back to a height.</summary>
    public void NoteRollback(int validator, long height) => File.AppendAllText(
        Path.Combine(HomeOf(validator), CallsFile), $"{new AbciCall(CallKind.Rollback, height)}\n");

    /// <summary>Writes the configuration of a validator's application.</summary>
    public void WriteConfig(int validator, IReadOnlyList<FeedFile> files, long start, long epoch, long chainStart)
    {
        var config = new NodeConfig
        {
            AbciAddress = AbciAddress(validator),
            AbciCalls = CallsFile,
            SnapshotInterval = _options.SnapshotInterval,
            SnapshotKeep = SnapshotsKept,
            CheckEveryRow = true,
            FeedFiles = files,
            FeedSpeed = _options.Speed,
            FeedStart = start,
            FeedEpoch = epoch,
            FeedChainStart = chainStart,
        };
        File.WriteAllText(Path.Combine(HomeOf(validator), "config", "appchain.conf"), config.Write());
    }

    private FundedKey[] CouncilKeys(string name) =>
    [
        .. Enumerable.Range(1, 3).Select(i => new FundedKey(
            string.Create(CultureInfo.InvariantCulture, $"{name}{i}"), Derive($"{name}:{i}"), 0)),
    ];

    // Timelocks short enough to try everything by hand.
    private GenesisVault Vault() => new(
        Council(Guardians),
        new VaultTerms(
            [new TimelockTier(0, 10), new TimelockTier(1_000 * Usd, 60), new TimelockTier(10_000 * Usd, 300)],
            OwnerCap: 50_000 * Usd,
            TotalCap: 200_000 * Usd,
            ReleaseExpirySeconds: 600));

    private GenesisTreasury Treasury() => new(Council(Treasurers), 10_000 * Usd);

    private static CouncilTerms Council(IEnumerable<FundedKey> members) => new(
        [.. members.Select(member => Secp256k1.PublicKeyOf(member.SecretKey).ToImmutableArray())],
        Threshold: 2,
        VetoThreshold: 2,
        TimelockSeconds: 30);

    private void WriteSigner(int validator, int signer)
    {
        Directory.CreateDirectory(SignerHomeOf(validator, signer));
        if (_device is null)
        {
            SoftwareKey.Store(KeyOf(validator, signer), ConsensusSeed(validator));
        }

        if (_options.Signers == 1)
        {
            return;
        }

        SoftwareKey.Store(Path.Combine(SignerHomeOf(validator, signer), "identity.key"), Identity(validator, signer));
        var lines = new List<string>
        {
            "identity = identity.key",
            $"listen = {WitnessAddress(validator, signer)}",
            $"chain.{ChainId}.key = {KeyOf(validator, signer)}",
            $"chain.{ChainId}.state = sign-state.json",
            $"chain.{ChainId}.audit = sign-audit.jsonl",
            $"chain.{ChainId}.engine = {PrivvalAddress(validator)}",
        };
        for (int j = 0; j < _options.Signers; j++)
        {
            if (j != signer)
            {
                using var identity = SoftwareKey.FromSeed(Identity(validator, j));
                string key = Convert.ToHexStringLower(identity.PublicKey.Span);
                lines.Add($"peer = {key}@{WitnessAddress(validator, j)}");
            }
        }

        File.WriteAllLines(Path.Combine(SignerHomeOf(validator, signer), "signer.conf"), lines);
    }

    private string KeyOf(int validator, int signer) => _device?.PlaceOf(validator) ?? (_options.Signers > 1
        ? Path.Combine(SignerHomeOf(validator, signer), "consensus.key")
        : Path.Combine(HomeOf(validator), "config", "consensus.key"));

    private byte[] Identity(int validator, int signer) =>
        Derive(string.Create(CultureInfo.InvariantCulture, $"signer:{validator}:{signer}"));

    private string WitnessAddress(int validator, int signer) =>
        $"tcp://127.0.0.1:{_options.Ports.Witness(validator, signer)}";

    /// <summary>Writes the configuration of a node that joins later and reports no prices.</summary>
    public void WriteLateConfig(int number)
    {
        Directory.CreateDirectory(Path.Combine(HomeOf(number), "config"));
        Directory.CreateDirectory(Path.Combine(HomeOf(number), "data"));
        var config = new NodeConfig { AbciAddress = AbciAddress(number), AbciCalls = CallsFile, CheckEveryRow = true };
        File.WriteAllText(Path.Combine(HomeOf(number), "config", "appchain.conf"), config.Write());
    }

    // Makers stand behind the book with much; the others with what a person would risk.
    private static long CollateralOf(int trader) => AgentKinds.Of(trader) switch
    {
        AgentKind.Maker => 5_000_000,
        AgentKind.Holder => 2_000 + (trader * 37 % 40 * 500),
        _ => 20_000,
    };
}
