using System;
using System.Collections.Generic;
using System.IO;
using System.Security.Cryptography;
using AppChain.Abci;
using AppChain.Abci.Wire;
using AppChain.Abci.Wire.Types;
using AppChain.Hsm;
using AppChain.Node;
using AppChain.StateMachine;
using Google.Protobuf;

namespace AppChain.Bench;

/// <summary>
/// The calls of ABCI around the state machine, on one validator: blocks of 2,000 signed transactions of 5 orders each,
/// as in <see cref="OrderFigures"/>. A second node gets the decided block without its proposal and executes it anew.
/// And the change log alone: records of 10,000 rows, each made durable with one flush.
/// </summary>
internal sealed class NodeFigures : IDisposable
{
    private const string ChainId = "bench-1";
    private const long Second = 1_000_000_000;
    private const long GenesisTime = 1_790_000_000L * Second;
    private const long Price = 500_000;
    private const int Accounts = 200;
    private const int Transactions = 2_000;
    private const int PerTransaction = 5;
    private const int WarmUp = 15;
    private const int Blocks = 25;
    private const int Records = 50;
    private const int RowsPerRecord = 10_000;

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("appchain-bench-");
    private readonly byte[] _secret = new byte[Sodium.SecretKeySize];
    private readonly byte[][] _keys = new byte[Accounts][];
    private readonly byte[][] _publicKeys = new byte[Accounts][];
    private readonly Application _proposer;
    private readonly Application _follower;
    private ExtendedCommitInfo _lastCommit = new();
    private ulong _nonce;
    private long _height;

    // What each call cost, block by block.
    private sealed class Calls
    {
        public readonly List<Cost> Check = [];
        public readonly List<Cost> Process = [];
        public readonly List<Cost> Finalize = [];
        public readonly List<Cost> Execute = [];
        public readonly List<Cost> Commit = [];
    }

    private NodeFigures()
    {
        Sodium.SecretKeyOf(SHA256.HashData([1]), _secret);
        for (int i = 0; i < Accounts; i++)
        {
            _keys[i] = SHA256.HashData(BitConverter.GetBytes(i));
            _publicKeys[i] = Secp256k1.PublicKeyOf(_keys[i]);
        }

        _proposer = NewApplication("proposer");
        _follower = NewApplication("follower");
    }

    /// <summary>Measures and prints.</summary>
    public static void Print()
    {
        using var figures = new NodeFigures();
        figures.PrintLog(materialise: false, "nothing else written");
        figures.PrintLog(materialise: true, "while the rows of the record before are written");
        figures.PrintCalls();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _proposer.Dispose();
        _follower.Dispose();
        _directory.Delete(true);
    }

    private void PrintLog(bool materialise, string when)
    {
        using var store = new ChainStore(Path.Combine(_directory.FullName, $"log-{materialise}"), materialise);
        var costs = new List<Cost>();
        int bytes = 0;
        for (int height = 1; height <= Records; height++)
        {
            var random = new Random(height);
            var rows = new RowDelta[RowsPerRecord];
            for (int i = 0; i < rows.Length; i++)
            {
                byte[] key = [(byte)RowKind.Order, .. BitConverter.GetBytes(((long)height << 32) + i)];
                byte[] value = new byte[62];
                random.NextBytes(value);
                rows[i] = new RowDelta(key, null, value);
            }

            var record = new ChangeRecord { Height = height, AppHash = new byte[32], Rows = rows };
            bytes = record.Encode().Length;
            costs.Add(Cost.Of(() => store.Append(record)));
        }

        Line($"change log: one durable record of {RowsPerRecord} rows ({bytes} bytes), {when}", costs);
    }

    private void PrintCalls()
    {
        Step([], new Calls());
        Step([], new Calls());
        var calls = new Calls();
        for (int block = 0; block < WarmUp + Blocks; block++)
        {
            calls = block == WarmUp ? new Calls() : calls;
            Step(SignBlock(), calls);
        }

        Console.WriteLine($"node: blocks of {Transactions} transactions with {Transactions * PerTransaction} orders");
        Line("  CheckTx of all transactions, signatures verified", calls.Check);
        Line("  ProcessProposal of transactions known from CheckTx: execution, rows and app hash", calls.Process);
        Line("  FinalizeBlock of the block that ProcessProposal executed: the response only", calls.Finalize);
        Line("  FinalizeBlock of a block whose proposal was not seen: execution and response", calls.Execute);
        Line("  Commit: change log with one flush, read model", calls.Commit);
    }

    private static void Line(string what, List<Cost> costs)
    {
        Cost median = Cost.Median(costs);
        Console.WriteLine(
            $"{what}: {median.Wall * 1e3:0.0} ms, {median.Processor * 1e3:0.0} ms by processor time "
            + $"(median of {costs.Count}, 99 % {Cost.Quantile(costs, 0.99).Wall * 1e3:0.0} ms)");
    }

    private Application NewApplication(string name)
    {
        var feed = new PriceFeed();
        feed.Add("BTC-PERP", static (out double price, out long age) =>
        {
            price = Price / 10.0;
            age = 0;
            return true;
        });
        var application = new Application(
            new ChainStore(Path.Combine(_directory.FullName, name)), feed, checkEveryRow: false, NodeLog.Silent);
        var accounts = new List<GenesisAccount>();
        foreach (byte[] key in _publicKeys)
        {
            accounts.Add(new GenesisAccount(new AccountId(TransactionCodec.AddressOf(key), 0), 100_000_000_000_000));
        }

        var genesis = new GenesisState(GenesisFile.DefaultMarkets, [.. accounts], 0);
        application.InitChain(new RequestInitChain
        {
            ChainId = ChainId,
            InitialHeight = 1,
            Time = WireTime.FromNanoseconds(GenesisTime),
            AppStateBytes = ByteString.CopyFromUtf8(GenesisFile.Write(genesis).ToJsonString()),
            Validators =
            {
                new Abci.Wire.ValidatorUpdate
                {
                    PubKey = new Abci.Wire.Crypto.PublicKey { Ed25519 = ByteString.CopyFrom(_secret, 32, 32) },
                    Power = 10,
                },
            },
        });
        return application;
    }

    private List<ByteString> SignBlock()
    {
        var random = new Random((int)_height);
        var pool = new List<ByteString>(Transactions);
        byte[] digest = new byte[TransactionCodec.DigestSize];
        byte[] signature = new byte[SigningKey.SignatureSize];
        for (int i = 0; i < Transactions; i++)
        {
            int account = i % Accounts;
            _nonce += account == 0 ? 1u : 0u;
            byte[] body = TransactionCodec.EncodeBody(new Transaction
            {
                Signer = TransactionCodec.AddressOf(_publicKeys[account]),
                Subaccount = 0,
                Nonce = _nonce,
                ExpiryHeight = _height + 10,
                AllOrNothing = false,
                Operations = OrderFigures.Operations(random, PerTransaction, _height + 2),
            });
            TransactionCodec.ComputeDigest(ChainId, body, digest);
            Secp256k1.Sign(_keys[account], digest, signature);
            pool.Add(ByteString.CopyFrom(TransactionCodec.Join(body, _publicKeys[account], signature)));
        }

        return pool;
    }

    private void Step(List<ByteString> pool, Calls calls)
    {
        calls.Check.Add(Cost.Of(() => Check(_proposer, pool)));
        Check(_follower, pool);
        var prepare = new RequestPrepareProposal
        {
            MaxTxBytes = 4_000_000,
            Height = _height + 1,
            Time = WireTime.FromNanoseconds(GenesisTime + (_height * Second)),
            LocalLastCommit = _lastCommit,
            Txs = { pool },
        };
        var proposal = new RequestProcessProposal
        {
            Height = prepare.Height,
            Time = prepare.Time,
            ProposedLastCommit = new CommitInfo(),
            Hash = ByteString.CopyFrom(SHA256.HashData(BitConverter.GetBytes(_height))),
            Txs = { _proposer.PrepareProposal(prepare).Txs },
        };
        foreach (ExtendedVoteInfo vote in _lastCommit.Votes)
        {
            proposal.ProposedLastCommit.Votes.Add(
                new VoteInfo { Validator = vote.Validator, BlockIdFlag = vote.BlockIdFlag });
        }

        ProposalStatus status = ProposalStatus.Unknown;
        calls.Process.Add(Cost.Of(() => status = _proposer.ProcessProposal(proposal).Status));
        if (status != ProposalStatus.Accept)
        {
            throw new InvalidOperationException($"the proposal of height {proposal.Height} was refused");
        }

        _lastCommit = Vote(proposal);
        var decided = new RequestFinalizeBlock
        {
            Height = proposal.Height,
            Time = proposal.Time,
            Hash = proposal.Hash,
            DecidedLastCommit = proposal.ProposedLastCommit,
            Txs = { proposal.Txs },
        };
        calls.Finalize.Add(Cost.Of(() => _proposer.FinalizeBlock(decided)));
        calls.Execute.Add(Cost.Of(() => _follower.FinalizeBlock(decided)));
        calls.Commit.Add(Cost.Of(() => _proposer.Commit(new RequestCommit())));
        _follower.Commit(new RequestCommit());
        _height++;
    }

    private static void Check(Application application, List<ByteString> pool)
    {
        foreach (ByteString transaction in pool)
        {
            if (application.CheckTx(new RequestCheckTx { Tx = transaction }).Code != 0)
            {
                throw new InvalidOperationException("CheckTx refused a transaction");
            }
        }
    }

    private ExtendedCommitInfo Vote(RequestProcessProposal proposal)
    {
        ByteString extension = _proposer.ExtendVote(new RequestExtendVote
        {
            Height = proposal.Height,
            Hash = proposal.Hash,
            Time = proposal.Time,
        }).VoteExtension;
        byte[] signature = new byte[Sodium.SignatureSize];
        Sodium.Sign(_secret, SignBytes.VoteExtension(ChainId, proposal.Height, 0, extension), signature);
        return new ExtendedCommitInfo
        {
            Votes =
            {
                new ExtendedVoteInfo
                {
                    Validator = new Abci.Wire.Validator
                    {
                        Address = ByteString.CopyFrom(SHA256.HashData(_secret.AsSpan(32, 32)), 0, 20),
                        Power = 10,
                    },
                    VoteExtension = extension,
                    ExtensionSignature = ByteString.CopyFrom(signature),
                    BlockIdFlag = BlockIDFlag.Commit,
                },
            },
        };
    }
}
