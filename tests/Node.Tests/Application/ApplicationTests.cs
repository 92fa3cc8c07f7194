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
using static AppChain.Node.Tests.TestNetwork;
using Operation = AppChain.StateMachine.Operation;
using Side = AppChain.StateMachine.Side;
using Validator = AppChain.Abci.Wire.Validator;

namespace AppChain.Node.Tests;

/// <summary>
/// Four applications driven by hand as consensus would: proposal, votes with extensions, block, commit.
/// </summary>
[TestFixture]
public sealed class ApplicationTests
{
    private const string ChainId = TestNetwork.ChainId;
    private const long Second = TestNetwork.Second;
    private const long GenesisTime = TestNetwork.GenesisTime;

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
        victim.Application = new Node.Application(
            new ChainStore(victim.Directory, materialised), victim.Feed, true, NodeLog.Silent);
        ResponseInfo info = victim.Application.Info(new RequestInfo());
        Assert.That(info.LastBlockHeight, Is.EqualTo(5));
        Assert.That(info.LastBlockAppHash.ToByteArray(), Is.EqualTo(network.AppHash));
        network.Step(network.Sign("alice", 7, Order(Side.Buy, 10, 490_000)));
        network.Step();
    }

    // BLOCK-9, ORACLE-2
    [Test]
    public void A_block_gives_the_same_answer_whatever_was_executed_before_the_decision()
    {
        using var network = new TestNetwork(NewDirectory);
        var random = new Random(11);
        ulong nonce = 0;
        for (int block = 0; block < 40; block++)
        {
            network.Price *= 1 + ((random.NextDouble() - 0.5) / 100);
            ByteString Order() => network.Sign(
                random.Next(2) == 0 ? "alice" : "bob",
                ++nonce,
                TestNetwork.Order(
                    random.Next(2) == 0 ? Side.Buy : Side.Sell, random.Next(1, 50), random.Next(499_000, 501_000)));
            RequestProcessProposal decided = network.Propose(Order(), Order(), Order());
            RequestProcessProposal rival = network.Propose(Order(), Order());
            rival.Hash = ByteString.CopyFrom(SHA256.HashData(decided.Hash.Span));
            network.Decide(decided, validator =>
            {
                switch ((network.Validators.IndexOf(validator) + block) % 4)
                {
                    case 1:
                        validator.Application.PrepareProposal(new RequestPrepareProposal
                        {
                            Height = decided.Height, Time = decided.Time, LocalLastCommit = network.LastCommit,
                        });
                        break;
                    case 2:
                        Assert.That(
                            validator.Application.ProcessProposal(rival).Status, Is.EqualTo(ProposalStatus.Accept));
                        break;
                    case 3 when network.Height > 0:
                        validator.Application.Dispose();
                        validator.Application = new Node.Application(
                            new ChainStore(validator.Directory), validator.Feed, true, NodeLog.Silent);
                        break;
                }
            });
        }

        Assert.That(network.Validators[0].Application.Height, Is.EqualTo(40));
    }

    // BLOCK-2
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
        Assert.That(
            Status(r => Update(r, u => new PriceUpdate { Round = 1, Entries = u.Entries })),
            Is.EqualTo(ProposalStatus.Reject),
            "round");
        Assert.That(
            Status(r => Update(r, u => new PriceUpdate { Round = 0, Entries = u.Entries.RemoveAt(3) })),
            Is.EqualTo(ProposalStatus.Reject),
            "count");
        Assert.That(
            Status(r => Update(r, u => With(With(u, 0, PriceUpdateEntry.Absent), 1, PriceUpdateEntry.Absent))),
            Is.EqualTo(ProposalStatus.Reject), "too little power");
        Assert.That(
            Status(r => Update(r, u => With(u, 0, PriceUpdateEntry.Absent))),
            Is.EqualTo(ProposalStatus.Accept),
            "one may be missing");
        Assert.That(
            Status(r => Update(r, u => With(u, 0, u.Entries[0] with { Extension = [] }))),
            Is.EqualTo(ProposalStatus.Reject),
            "signature");
        Assert.That(
            Status(r => Update(r, u => With(u, 0, u.Entries[1]))),
            Is.EqualTo(ProposalStatus.Reject),
            "another validator's word");
        Assert.That(
            Status(r => r.ProposedLastCommit.Votes[0].BlockIdFlag = BlockIDFlag.Nil),
            Is.EqualTo(ProposalStatus.Reject),
            "flag");
        Assert.That(
            Status(r => r.ProposedLastCommit.Votes[0].Validator.Power = 11),
            Is.EqualTo(ProposalStatus.Reject),
            "power");
        Assert.That(Status(r => r.Txs.Add(r.Txs[0])), Is.EqualTo(ProposalStatus.Reject), "a second one");
        Assert.That(
            Status(r => r.Txs[0] = ByteString.CopyFrom([.. r.Txs[0].Span, 0])),
            Is.EqualTo(ProposalStatus.Reject),
            "trailing byte");
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
        var finalize = new RequestFinalizeBlock
        {
            Height = proposal.Height,
            Time = proposal.Time,
            Hash = proposal.Hash,
        };
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
                any.VerifyVoteExtension(new RequestVerifyVoteExtension
                {
                    VoteExtension = ByteString.CopyFrom(bytes),
                }).Status,
                Is.Not.EqualTo((VerifyStatus)0));
        }

        ByteString wrongChain = network.Sign("alice", 3, Order(Side.Buy, 1, 490_000));
        byte[] flipped = wrongChain.ToByteArray();
        flipped[^1] ^= 1;
        Assert.That(
            any.CheckTx(new RequestCheckTx { Tx = ByteString.CopyFrom(flipped) }).Code,
            Is.EqualTo((uint)ResultCode.InvalidSignature));
    }

    [Test]
    public void Proofs_verify_for_kept_heights()
    {
        using var network = new TestNetwork(NewDirectory);
        for (int i = 0; i < 4; i++)
        {
            network.Step();
        }

        byte[] key = RowChange.KeyOf<SingleKey, PoolRow>(default);
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
