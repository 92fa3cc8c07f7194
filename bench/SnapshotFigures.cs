using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Security.Cryptography;
using AppChain.Abci;
using AppChain.Abci.Wire;
using AppChain.Hsm;
using AppChain.Node;
using AppChain.StateMachine;
using Google.Protobuf;
using Block = AppChain.StateMachine.Block;
using Validator = AppChain.StateMachine.Validator;

namespace AppChain.Bench;

/// <summary>
/// Snapshot, restore and restart of a chain with a million accounts; replay of blocks after a restart; and what the
/// flush of Commit takes of a block.
/// </summary>
internal sealed class SnapshotFigures : IDisposable
{
    private const string ChainId = "bench-1";
    private const long Second = 1_000_000_000;
    private const long GenesisTime = 1_790_000_000L * Second;
    private const int Signers = 50;
    private const int ReplayBlocks = 300;
    private const int BlockTransactions = 50;

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("appchain-bench-");
    private readonly int _accounts;
    private readonly byte[][] _keys = new byte[Signers][];
    private readonly byte[][] _publicKeys = new byte[Signers][];

    private SnapshotFigures(int accounts)
    {
        _accounts = accounts;
        for (int i = 0; i < Signers; i++)
        {
            _keys[i] = SHA256.HashData(BitConverter.GetBytes(i));
            _publicKeys[i] = Secp256k1.PublicKeyOf(_keys[i]);
        }
    }

    /// <summary>Measures and prints.</summary>
    public static void Print(int accounts)
    {
        using var figures = new SnapshotFigures(accounts);
        figures.Run();
    }

    /// <inheritdoc/>
    public void Dispose() => _directory.Delete(true);

    private void Run()
    {
        Console.WriteLine($"a chain of {_accounts} accounts");
        string home = At("chain");
        byte[] appHash = WriteChain(home);
        GC.Collect();

        using var snapshots = new SnapshotStore(At("snapshots"), 1, 2, NodeLog.Silent);
        var server = Restart(home, snapshots, "restart: rows read, tree and books built");
        long started = Stopwatch.GetTimestamp();
        Step(server, 2, []);
        snapshots.Wait();
        Line("snapshot, from Commit to the last file", started);
        long bytes = 0;
        foreach (string file in Directory.GetFiles(At("snapshots"), "*", SearchOption.AllDirectories))
        {
            bytes += new FileInfo(file).Length;
        }

        Console.WriteLine(
            $"  {snapshots.List()[0].Places.Count} chunks a snapshot, {bytes / snapshots.List().Count} bytes");
        Restore(server, snapshots);
        server.Dispose();
        Restart(home, null, "restart once more").Dispose();
        Replay();
        Console.WriteLine(
            $"largest memory of the process: {Process.GetCurrentProcess().PeakWorkingSet64 >> 20} MiB, two chains "
            + "in it");
        Console.WriteLine($"chain of height 1: {Convert.ToHexString(appHash)}");
    }

    private static void Restore(Application server, SnapshotStore snapshots)
    {
        AppChain.Node.Snapshot snapshot = snapshots.List()[0];
        Abci.Wire.Snapshot offered = server.ListSnapshots(new RequestListSnapshots()).Snapshots[0];
        string home = Directory.CreateTempSubdirectory("appchain-bench-").FullName;
        using (var late = new Application(new ChainStore(home), null, false, NodeLog.Silent))
        {
            long started = Stopwatch.GetTimestamp();
            late.OfferSnapshot(new RequestOfferSnapshot
            {
                Snapshot = offered,
                AppHash = ByteString.CopyFrom(snapshot.AppHash),
            });
            ApplySnapshotChunkResult result = ApplySnapshotChunkResult.Unknown;
            for (uint i = 0; i < offered.Chunks; i++)
            {
                ByteString chunk = server.LoadSnapshotChunk(
                    new RequestLoadSnapshotChunk { Height = offered.Height, Format = offered.Format, Chunk = i }).Chunk;
                result = late.ApplySnapshotChunk(new RequestApplySnapshotChunk
                {
                    Index = i,
                    Chunk = chunk,
                    Sender = "a",
                }).Result;
                if (i + 2 == offered.Chunks)
                {
                    Line("restore, all chunks but the last loaded, proven and kept", started);
                }
            }

            Line("restore, whole: chunks, tree, books, rows on the disk", started);
            if (result != ApplySnapshotChunkResult.Accept || late.Height != (long)offered.Height)
            {
                throw new InvalidOperationException($"not restored: {result}");
            }
        }

        Directory.Delete(home, true);
    }

    // Blocks of transfers through FinalizeBlock and Commit, as a node gets them that was away.
    private void Replay()
    {
        var blocks = new List<RequestFinalizeBlock>();
        var random = new Random(1);
        for (long height = 2; height < 2 + ReplayBlocks; height++)
        {
            blocks.Add(Request(height, SignBlock(random, height)));
        }

        string home = At("replay");
        WriteChain(home, accounts: Signers);
        using var node = new Application(new ChainStore(home), null, false, NodeLog.Silent);
        var commits = new List<Cost>();
        long started = Stopwatch.GetTimestamp();
        foreach (RequestFinalizeBlock block in blocks)
        {
            node.FinalizeBlock(block);
            commits.Add(Cost.Of(() => node.Commit(new RequestCommit())));
        }

        double seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        Cost median = Cost.Median(commits);
        Cost rare = Cost.Quantile(commits, 0.99);
        double sum = 0;
        commits.ForEach(cost => sum += cost.Wall);
        Console.WriteLine(
            $"replay of blocks with {BlockTransactions} transactions, signatures verified: {ReplayBlocks / seconds:0} "
            + "blocks/s");
        Console.WriteLine(
            $"  Commit with its flush: median {median.Wall * 1e3:0.00} ms, 99 % {rare.Wall * 1e3:0.00} ms, "
            + $"{sum / seconds * 100:0} % of the replay");
    }

    private Application Restart(string home, SnapshotStore? snapshots, string what)
    {
        long started = Stopwatch.GetTimestamp();
        var application = new Application(new ChainStore(home), null, false, NodeLog.Silent, null, snapshots);
        Line(what, started);
        return application;
    }

    private static void Line(string what, long started) =>
        Console.WriteLine($"{what}: {Stopwatch.GetElapsedTime(started).TotalSeconds:0.00} s");

    private static void Step(Application application, long height, List<ByteString> transactions)
    {
        application.FinalizeBlock(Request(height, transactions));
        application.Commit(new RequestCommit());
    }

    private static RequestFinalizeBlock Request(long height, List<ByteString> transactions) => new()
    {
        Height = height,
        Time = WireTime.FromNanoseconds(GenesisTime + (height * Second)),
        Hash = ByteString.CopyFrom(BitConverter.GetBytes(height)),
        Txs = { transactions },
    };

    private List<ByteString> SignBlock(Random random, long height)
    {
        var signed = new List<ByteString>(BlockTransactions);
        byte[] digest = new byte[TransactionCodec.DigestSize];
        byte[] signature = new byte[SigningKey.SignatureSize];
        for (int i = 0; i < BlockTransactions; i++)
        {
            int account = i % Signers;
            byte[] body = TransactionCodec.EncodeBody(new Transaction
            {
                Signer = TransactionCodec.AddressOf(_publicKeys[account]),
                Subaccount = 0,
                Nonce = (ulong)height,
                ExpiryHeight = height + 10,
                AllOrNothing = false,
                Operations =
                [
                    new Operation
                    {
                        Kind = OperationKind.Transfer,
                        Recipient = new AccountId(TransactionCodec.AddressOf(_publicKeys[random.Next(Signers)]), 1),
                        Amount = random.Next(1, 1_000),
                    },
                ],
            });
            TransactionCodec.ComputeDigest(ChainId, body, digest);
            Secp256k1.Sign(_keys[account], digest, signature);
            signed.Add(ByteString.CopyFrom(TransactionCodec.Join(body, _publicKeys[account], signature)));
        }

        return signed;
    }

    // The genesis rows and one block, straight into a store: a genesis document of this size would not be carried.
    private byte[] WriteChain(string home, int accounts = 0)
    {
        var funded = new List<GenesisAccount>();
        for (int i = 0; i < (accounts == 0 ? _accounts : accounts); i++)
        {
            Address owner = i < Signers
                ? TransactionCodec.AddressOf(_publicKeys[i])
                : new Address(SHA256.HashData(BitConverter.GetBytes(i)).AsSpan(0, Address.Size));
            funded.Add(new GenesisAccount(new AccountId(owner, 0), 1_000_000_000));
        }

        funded.Sort(static (left, right) => left.Account.CompareTo(right.Account));
        byte[] validator = SHA256.HashData("validator"u8);
        Exchange exchange = Exchange.FromGenesis(new Genesis
        {
            ChainId = ChainId,
            InitialHeight = 1,
            Time = GenesisTime,
            Validators =
            [
                new Validator(new Address(BlockHashes.Address(validator.AsSpan()).Span), [.. validator], 10),
            ],
            Markets = GenesisFile.DefaultMarkets,
            Accounts = [.. funded],
            InsuranceFund = 1_000_000_000,
        });
        exchange.CheckEveryRow = false;
        byte[] hash = exchange.AppHash;
        var genesis = ChangeRecord.Of(exchange.Height, hash, exchange.Commit(), exchange.Committed);
        exchange.Execute(new Block
        {
            Height = 1, Time = GenesisTime, Transactions = [], UndecodedCodes = [],
        });
        IReadOnlyList<RowChange> changes = exchange.Commit();
        using var store = new ChainStore(home);
        store.Append(ChangeRecord.Of(1, exchange.AppHash, changes, exchange.Committed), genesis);
        return exchange.AppHash;
    }

    private string At(string name) => Path.Combine(_directory.FullName, name);
}
