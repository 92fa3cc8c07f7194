using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Security.Cryptography;
using AppChain.Abci;
using AppChain.Abci.Wire;
using AppChain.Abci.Wire.Types;
using AppChain.Hsm;
using AppChain.StateMachine;
using AppChain.V1;
using Google.Protobuf;
using NUnit.Framework;
using Operation = AppChain.StateMachine.Operation;
using Side = AppChain.StateMachine.Side;
using Validator = AppChain.Abci.Wire.Validator;

namespace AppChain.Node.Tests;

/// <summary>Four applications driven by hand as consensus would: proposal, votes with extensions, block, commit.</summary>
[TestFixture]
public sealed class ApplicationTests
{
    private const string ChainId = "test-node-1";
    private const long Second = 1_000_000_000;
    private const long GenesisTime = 1_790_000_000L * Second;

    private readonly List<string> _directories = [];

    [TearDown]
    public void RemoveDirectories()
    {
        foreach (string directory in _directories)
        {
            Directory.Delete(directory, true);
        }

        _directories.Clear();
    }

    private string NewDirectory()
    {
        string directory = Directory.CreateTempSubdirectory("appchain-test-").FullName;
        _directories.Add(directory);
        return directory;
    }

    private sealed class TestValidator
    {
        public required byte[] SecretKey { get; init; }

        public required byte[] PublicKey { get; init; }

        public required byte[] Address { get; init; }

        public required PriceFeed Feed { get; init; }

        public required Node.Application Application { get; set; }

        public required string Directory { get; init; }
    }

    private sealed class TestNetwork : IDisposable
    {
        public List<TestValidator> Validators { get; } = [];

        public double Price { get; set; } = 50_000;

        public long Height { get; private set; }

        public long Time { get; private set; } = GenesisTime;

        public byte[] AppHash { get; private set; } = [];

        public Dictionary<string, byte[]> Keys { get; } = [];

        public List<ByteString> LastTransactions { get; private set; } = [];

        public ExtendedCommitInfo LastCommit { get; set; } = new();

        public TestNetwork(Func<string> newDirectory, int validators = 4)
        {
            for (int i = 0; i < validators; i++)
            {
                byte[] secret = new byte[Sodium.SecretKeySize];
                Sodium.SecretKeyOf(SHA256.HashData([(byte)i, 1]), secret);
                byte[] key = secret[32..];
                var feed = new PriceFeed();
                feed.Add(1, 1, (out double price, out long age) =>
                {
                    price = Price;
                    age = 0;
                    return true;
                });
                string directory = newDirectory();
                Validators.Add(new TestValidator
                {
                    SecretKey = secret,
                    PublicKey = key,
                    Address = SHA256.HashData(key)[..20],
                    Feed = feed,
                    Directory = directory,
                    Application = new Node.Application(new ChainStore(directory), feed, true, _ => { }),
                });
            }

            Validators.Sort((left, right) => left.Address.AsSpan().SequenceCompareTo(right.Address));
            foreach (string name in new[] { "alice", "bob" })
            {
                Keys[name] = SHA256.HashData(System.Text.Encoding.ASCII.GetBytes(name));
            }

            RequestInitChain genesis = Genesis();
            foreach (TestValidator validator in Validators)
            {
                AppHash = validator.Application.InitChain(genesis).AppHash.ToByteArray();
            }
        }

        public RequestInitChain Genesis()
        {
            var accounts = Keys.Values.Select(key => new GenesisAccount(
                new AccountId(TransactionCodec.AddressOf(Secp256k1.PublicKeyOf(key)), 0), 100_000_000_000)).ToArray();
            var request = new RequestInitChain
            {
                ChainId = ChainId,
                InitialHeight = 1,
                Time = WireTime.FromNanoseconds(GenesisTime),
                AppStateBytes = ByteString.CopyFromUtf8(
                    GenesisFile.Write(new GenesisState(GenesisFile.DefaultMarkets, [.. accounts], 1_000_000_000)).ToJsonString()),
            };
            foreach (TestValidator validator in Validators)
            {
                request.Validators.Add(new Abci.Wire.ValidatorUpdate
                {
                    PubKey = new Abci.Wire.Crypto.PublicKey { Ed25519 = ByteString.CopyFrom(validator.PublicKey) },
                    Power = 10,
                });
            }

            return request;
        }

        public ByteString Sign(string name, ulong nonce, params Operation[] operations)
        {
            byte[] key = Keys[name];
            byte[] publicKey = Secp256k1.PublicKeyOf(key);
            byte[] body = TransactionCodec.EncodeBody(new Transaction
            {
                Signer = TransactionCodec.AddressOf(publicKey),
                Subaccount = 0,
                Nonce = nonce,
                ExpiryHeight = Height + 50,
                AllOrNothing = false,
                Operations = operations,
            });
            Span<byte> digest = stackalloc byte[32];
            TransactionCodec.ComputeDigest(ChainId, body, digest);
            byte[] signature = new byte[64];
            Secp256k1.Sign(key, digest, signature);
            return ByteString.CopyFrom(TransactionCodec.Join(body, publicKey, signature));
        }

        public CommitInfo CommitInfoOf(ExtendedCommitInfo extended)
        {
            var commit = new CommitInfo { Round = extended.Round };
            foreach (ExtendedVoteInfo vote in extended.Votes)
            {
                commit.Votes.Add(new VoteInfo { Validator = vote.Validator, BlockIdFlag = vote.BlockIdFlag });
            }

            return commit;
        }

        public RequestProcessProposal Propose(params ByteString[] pool)
        {
            long height = Height + 1;
            long time = height == 1 ? GenesisTime : Time + Second;
            TestValidator proposer = Validators[(int)(height % Validators.Count)];
            var prepare = new RequestPrepareProposal
            {
                MaxTxBytes = 1_000_000,
                Height = height,
                Time = WireTime.FromNanoseconds(time),
                LocalLastCommit = LastCommit,
            };
            prepare.Txs.AddRange(pool);
            var process = new RequestProcessProposal
            {
                Height = height,
                Time = prepare.Time,
                ProposedLastCommit = CommitInfoOf(LastCommit),
                Hash = ByteString.CopyFrom(SHA256.HashData(BitConverter.GetBytes(height))),
            };
            process.Txs.AddRange(proposer.Application.PrepareProposal(prepare).Txs);
            return process;
        }

        public ResponseFinalizeBlock Step(params ByteString[] pool) => Decide(Propose(pool));

        public ResponseFinalizeBlock Decide(RequestProcessProposal process)
        {
            foreach (TestValidator validator in Validators)
            {
                Assert.That(validator.Application.ProcessProposal(process).Status, Is.EqualTo(ProposalStatus.Accept));
            }

            LastCommit = Vote(process);
            var finalize = new RequestFinalizeBlock
            {
                Height = process.Height,
                Time = process.Time,
                Hash = process.Hash,
                DecidedLastCommit = process.ProposedLastCommit,
            };
            finalize.Txs.AddRange(process.Txs);
            ResponseFinalizeBlock? first = null;
            foreach (TestValidator validator in Validators)
            {
                ResponseFinalizeBlock response = validator.Application.FinalizeBlock(finalize);
                first ??= response;
                Assert.That(response.AppHash, Is.EqualTo(first.AppHash));
                Assert.That(response.TxResults, Has.Count.EqualTo(process.Txs.Count));
                validator.Application.Commit(new RequestCommit());
            }

            Height = process.Height;
            Time = WireTime.ToNanoseconds(process.Time);
            AppHash = first!.AppHash.ToByteArray();
            LastTransactions = [.. process.Txs];
            return first;
        }

        private ExtendedCommitInfo Vote(RequestProcessProposal process)
        {
            var commit = new ExtendedCommitInfo();
            foreach (TestValidator validator in Validators)
            {
                ByteString extension = validator.Application.ExtendVote(new RequestExtendVote
                {
                    Height = process.Height,
                    Hash = process.Hash,
                    Time = process.Time,
                }).VoteExtension;
                byte[] signature = new byte[64];
                Sodium.Sign(validator.SecretKey, SignBytes.VoteExtension(ChainId, process.Height, 0, extension), signature);
                commit.Votes.Add(new ExtendedVoteInfo
                {
                    Validator = new Validator { Address = ByteString.CopyFrom(validator.Address), Power = 10 },
                    VoteExtension = extension,
                    ExtensionSignature = ByteString.CopyFrom(signature),
                    BlockIdFlag = BlockIDFlag.Commit,
                });
            }

            return commit;
        }

        public void Dispose()
        {
            foreach (TestValidator validator in Validators)
            {
                validator.Application.Dispose();
            }
        }
    }

    private static Operation Order(Side side, long lots, long price) => new()
    {
        Kind = OperationKind.PlaceOrder,
        Side = side,
        Market = 1,
        Price = price,
        Quantity = lots,
    };

    // BLOCK-2
    [Test]
    public void Four_applications_trade_on_the_price_of_their_votes()
    {
        using var network = new TestNetwork(NewDirectory);
        network.Step();
        network.Step();
        ByteString sell = network.Sign("alice", 1, Order(Side.Sell, 1_000, 500_000));
        ByteString buy = network.Sign("bob", 1, Order(Side.Buy, 1_000, 500_000));
        Node.Application any = network.Validators[0].Application;
        Assert.That(any.CheckTx(new RequestCheckTx { Tx = sell }).Code, Is.Zero);
        ResponseFinalizeBlock block = network.Step(sell, buy);
        Assert.That(block.TxResults.Select(result => result.Code), Is.All.Zero);
        Assert.That(block.TxResults[2].Events.Any(e => e.Type == "appchain.v1.Fill"), Is.True);
        Assert.That(any.CheckTx(new RequestCheckTx { Tx = sell }).Code, Is.EqualTo((uint)ResultCode.NonceUsed));

        ResponseQuery chain = any.Query(new RequestQuery { Path = "/chain" });
        ChainResponse answer = ChainResponse.Parser.ParseFrom(chain.Value);
        Assert.That(answer.Difference, Is.EqualTo("0"));
        Assert.That(answer.Fills, Is.EqualTo(1));
    }

    [Test]
    public void A_restarted_application_reports_the_same_height_and_hash_and_goes_on([Values] bool materialised)
    {
        using var network = new TestNetwork(NewDirectory);
        for (int i = 0; i < 5; i++)
        {
            network.Step();
        }

        TestValidator victim = network.Validators[2];
        victim.Application.Dispose();
        victim.Application = new Node.Application(new ChainStore(victim.Directory, materialised), victim.Feed, true, _ => { });
        ResponseInfo info = victim.Application.Info(new RequestInfo());
        Assert.That(info.LastBlockHeight, Is.EqualTo(5));
        Assert.That(info.LastBlockAppHash.ToByteArray(), Is.EqualTo(network.AppHash));
        network.Step(network.Sign("alice", 7, Order(Side.Buy, 10, 490_000)));
        network.Step();
    }

    // BLOCK-9, ORACLE-2
    [Test]
    public void Every_lie_in_a_price_update_is_refused()
    {
        using var network = new TestNetwork(NewDirectory);
        network.Step();
        network.Step();
        RequestProcessProposal honest = network.Propose();
        Node.Application judge = network.Validators[0].Application;

        ProposalStatus Status(Action<RequestProcessProposal> change)
        {
            RequestProcessProposal copy = honest.Clone();
            change(copy);
            return judge.ProcessProposal(copy).Status;
        }

        void Update(RequestProcessProposal request, Func<PriceUpdate, PriceUpdate> change) =>
            request.Txs[0] = ByteString.CopyFrom(change(PriceUpdate.Decode(request.Txs[0].Span)!).Encode());

        PriceUpdate With(PriceUpdate update, int index, PriceUpdateEntry entry) =>
            new() { Round = update.Round, Entries = update.Entries.SetItem(index, entry) };

        Assert.That(Status(_ => { }), Is.EqualTo(ProposalStatus.Accept));
        Assert.That(Status(r => r.Txs.Clear()), Is.EqualTo(ProposalStatus.Reject), "omission");
        Assert.That(Status(r => Update(r, u => new PriceUpdate { Round = 1, Entries = u.Entries })), Is.EqualTo(ProposalStatus.Reject), "round");
        Assert.That(Status(r => Update(r, u => new PriceUpdate { Round = 0, Entries = u.Entries.RemoveAt(3) })), Is.EqualTo(ProposalStatus.Reject), "count");
        Assert.That(
            Status(r => Update(r, u => With(With(u, 0, PriceUpdateEntry.Absent), 1, PriceUpdateEntry.Absent))),
            Is.EqualTo(ProposalStatus.Reject), "too little power");
        Assert.That(Status(r => Update(r, u => With(u, 0, PriceUpdateEntry.Absent))), Is.EqualTo(ProposalStatus.Accept), "one may be missing");
        Assert.That(
            Status(r => Update(r, u => With(u, 0, u.Entries[0] with { Extension = [] }))), Is.EqualTo(ProposalStatus.Reject), "signature");
        Assert.That(
            Status(r => Update(r, u => With(u, 0, u.Entries[1]))), Is.EqualTo(ProposalStatus.Reject), "another validator's word");
        Assert.That(
            Status(r => r.ProposedLastCommit.Votes[0].BlockIdFlag = BlockIDFlag.Nil), Is.EqualTo(ProposalStatus.Reject), "flag");
        Assert.That(
            Status(r => r.ProposedLastCommit.Votes[0].Validator.Power = 11), Is.EqualTo(ProposalStatus.Reject), "power");
        Assert.That(Status(r => r.Txs.Add(r.Txs[0])), Is.EqualTo(ProposalStatus.Reject), "a second one");
        Assert.That(
            Status(r => r.Txs[0] = ByteString.CopyFrom([.. r.Txs[0].Span, 0])), Is.EqualTo(ProposalStatus.Reject), "trailing byte");
    }

    // BLOCK-8
    [Test]
    public void User_transactions_must_be_sound_distinct_and_in_class_order()
    {
        using var network = new TestNetwork(NewDirectory);
        network.Step();
        network.Step();
        ByteString other = network.Sign("alice", 1, Order(Side.Buy, 1, 490_000));
        ByteString cancel = network.Sign("bob", 1, new Operation { Kind = OperationKind.CancelAll, Market = 1 });
        RequestProcessProposal proposal = network.Propose(other, cancel);
        Assert.That(proposal.Txs[1], Is.EqualTo(cancel), "the proposer orders by class");
        Node.Application judge = network.Validators[0].Application;
        RequestProcessProposal swapped = proposal.Clone();
        (swapped.Txs[1], swapped.Txs[2]) = (swapped.Txs[2], swapped.Txs[1]);
        Assert.That(judge.ProcessProposal(swapped).Status, Is.EqualTo(ProposalStatus.Reject));
        RequestProcessProposal twice = proposal.Clone();
        twice.Txs.Add(other);
        Assert.That(judge.ProcessProposal(twice).Status, Is.EqualTo(ProposalStatus.Reject));
        RequestProcessProposal garbage = proposal.Clone();
        garbage.Txs.Add(ByteString.CopyFromUtf8("garbage"));
        Assert.That(judge.ProcessProposal(garbage).Status, Is.EqualTo(ProposalStatus.Reject));
        network.Decide(proposal);
    }

    [Test]
    public void A_decided_block_with_undecodable_bytes_gives_them_a_code()
    {
        using var network = new TestNetwork(NewDirectory);
        network.Step();
        Node.Application any = network.Validators[0].Application;
        RequestProcessProposal proposal = network.Propose();
        var finalize = new RequestFinalizeBlock { Height = proposal.Height, Time = proposal.Time, Hash = proposal.Hash };
        finalize.Txs.AddRange(proposal.Txs);
        finalize.Txs.Add(ByteString.CopyFromUtf8("garbage"));
        ResponseFinalizeBlock response = any.FinalizeBlock(finalize);
        Assert.That(response.TxResults[^1].Code, Is.EqualTo((uint)ResultCode.Malformed));
    }

    [Test]
    public void Garbage_at_check_tx_and_extensions_gives_a_code()
    {
        using var network = new TestNetwork(NewDirectory);
        network.Step();
        Node.Application any = network.Validators[0].Application;
        var random = new Random(5);
        for (int i = 0; i < 500; i++)
        {
            byte[] bytes = new byte[random.Next(0, 300)];
            random.NextBytes(bytes);
            Assert.That(any.CheckTx(new RequestCheckTx { Tx = ByteString.CopyFrom(bytes) }).Code, Is.Not.Zero);
            Assert.That(
                any.VerifyVoteExtension(new RequestVerifyVoteExtension { VoteExtension = ByteString.CopyFrom(bytes) }).Status,
                Is.Not.EqualTo((VerifyStatus)0));
        }

        ByteString wrongChain = network.Sign("alice", 3, Order(Side.Buy, 1, 490_000));
        byte[] flipped = wrongChain.ToByteArray();
        flipped[^1] ^= 1;
        Assert.That(
            any.CheckTx(new RequestCheckTx { Tx = ByteString.CopyFrom(flipped) }).Code, Is.EqualTo((uint)ResultCode.InvalidSignature));
    }

    [Test]
    public void Proofs_verify_for_kept_heights()
    {
        using var network = new TestNetwork(NewDirectory);
        for (int i = 0; i < 4; i++)
        {
            network.Step();
        }

        byte[] key = Exchange.RowKey<SingleKey, PoolRow>(default);
        ResponseQuery response = network.Validators[0].Application.Query(new RequestQuery
        {
            Path = "/proof",
            Data = new ProofRequest { Key = ByteString.CopyFrom(key) }.ToByteString(),
        });
        ProofResponse answer = ProofResponse.Parser.ParseFrom(response.Value);
        Assert.That(answer.Exists, Is.True);
        Assert.That(StateProof.TryDecode(answer.Proof.Span, out StateProof? proof), Is.True);
        Assert.That(StateProof.Verify(proof!, network.AppHash, key, answer.Value.ToByteArray()), Is.True);
    }
}
