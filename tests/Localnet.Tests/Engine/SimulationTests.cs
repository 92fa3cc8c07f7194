using System;
using System.Collections.Generic;
using System.Linq;
using AppChain.Abci;
using AppChain.Abci.Wire;
using AppChain.Abci.Wire.Crypto;
using AppChain.Abci.Wire.Types;
using Google.Protobuf;
using NUnit.Framework;

namespace AppChain.Localnet.Tests;

public sealed class SimulationTests
{
    [Test]
    public void Four_validators_decide_fifty_heights_in_round_zero()
    {
        TestNetwork network = new(seed: 1);
        network.StartAll();
        network.RunToHeight(50);
        Assert.That(network.DecidedRounds(0), Has.All.Zero);
        Assert.That(network.Applications.Select(app => Convert.ToHexString(app.AppHash)).Distinct().Count(),
            Is.LessThanOrEqualTo(2), "applications are at most one height apart");
    }

    [Test]
    public void The_same_seed_gives_the_same_blocks()
    {
        List<ByteString> first = HashesOf(seed: 11);
        Assert.That(HashesOf(seed: 11), Is.EqualTo(first));
        Assert.That(HashesOf(seed: 12), Is.Not.EqualTo(first));
    }

    [Test]
    public void An_absent_validator_is_flagged_and_catches_up_when_it_returns()
    {
        TestNetwork network = new(seed: 2);
        network.StartAll();
        network.RunToHeight(5);
        network.Simulation.Crash(3);
        network.RunToHeight(20);
        Block block = network.Simulation.StoreOf(0).LoadBlock(15)!.Block;
        Assert.That(block.LastCommit.Signatures[3].BlockIdFlag, Is.EqualTo(BlockIDFlag.Absent));
        int before = network.Applications[3].Calls.Count;
        network.Simulation.Start(3);
        network.RunToHeight(25);
        string calls = CallOrder.Text(network.Applications[3].Calls.Skip(before).Select(call => call.Kind));
        Assert.That(calls, Does.StartWith("IFCFCFCFC"), "old blocks come without proposals and votes");
        Assert.That(network.Simulation.StoreOf(0).LoadBlock(25)!.Block.LastCommit.Signatures[3].BlockIdFlag,
            Is.EqualTo(BlockIDFlag.Commit));
    }

    [Test]
    public void Without_a_quorum_nothing_is_decided_and_with_it_again_the_chain_goes_on()
    {
        TestNetwork network = new(seed: 4);
        network.StartAll();
        network.RunToHeight(5);
        network.Simulation.Crash(2);
        network.Simulation.Crash(3);
        network.Simulation.RunUntil(() => false, TimeSpan.FromSeconds(30));
        long height = network.Simulation.StoreOf(0).Height;
        Assert.That(height, Is.LessThanOrEqualTo(7));
        network.Simulation.Start(2);
        network.RunToHeight(height + 10);
    }

    [Test]
    public void A_block_that_one_validator_refuses_is_decided_and_executed_by_it_too()
    {
        TestNetwork network = new(seed: 5);
        network.Applications[3].Rejects = (height, _) => height == 6;
        network.StartAll();
        network.RunToHeight(8);
        string calls = string.Concat(network.Applications[3].Calls.Where(call => call.Height == 6)
            .Select(call => CallOrder.Text([call.Kind])));
        Assert.That(CallOrder.WithoutVerifications(calls), Is.EqualTo("QEF"));
        Assert.That(network.DecidedRounds(3)[5], Is.Zero);
    }

    [Test]
    public void A_refused_extension_costs_the_vote_but_may_return_as_a_late_precommit()
    {
        TestNetwork network = new(seed: 6);
        network.Applications[0].Extension = height => ByteString.CopyFromUtf8(height == 4 ? "BAD" : "good");
        network.StartAll();
        network.RunToHeight(8);
        for (int i = 1; i < 4; i++)
        {
            ExtendedCommit seen = network.Simulation.StoreOf(i).LoadSeenCommit(4)!;
            Assert.That(seen.ExtendedSignatures[0].BlockIdFlag, Is.EqualTo(BlockIDFlag.Absent), $"validator {i}");
        }
        ExtendedCommitInfo info = network.Applications.SelectMany(app => app.Prepared)
            .First(request => request.Height == 5).LocalLastCommit;
        Assert.That(info.Votes[0].VoteExtension.ToStringUtf8(), Is.EqualTo("BAD"));
        Assert.That(info.Votes[0].BlockIdFlag, Is.EqualTo(BlockIDFlag.Commit));
    }

    [Test]
    public void A_validator_that_sees_no_prevotes_precommits_nil_and_is_flagged_so()
    {
        TestNetwork network = new(seed: 8, adjust: options => options with
        {
            Copies = (_, _, to, message) =>
                to == 3 && message is Vote { Type: SignedMsgType.Prevote, Height: > 3 and < 15 } ? 0 : 1,
        });
        network.StartAll();
        network.RunToHeight(18);
        BlockStore store = network.Simulation.StoreOf(0);
        List<Commit> commits = [.. Enumerable.Range(5, 11).Select(height => store.LoadBlock(height)!.Block.LastCommit)];
        int nil = commits.Count(commit => commit.Signatures[3].BlockIdFlag == BlockIDFlag.Nil);
        Assert.That(nil, Is.AtLeast(8), "few of its nil votes come too late");
        Assert.That(commits.All(commit => commit.Signatures[3].BlockIdFlag != BlockIDFlag.Commit));
        RequestPrepareProposal request = network.Applications.SelectMany(app => app.Prepared)
            .First(item => item.Height is > 5 and < 15 && item.LocalLastCommit.Votes[3].BlockIdFlag == BlockIDFlag.Nil);
        Assert.That(request.LocalLastCommit.Votes[3].VoteExtension.IsEmpty);
        Assert.That(request.LocalLastCommit.Votes[3].Validator.Power, Is.EqualTo(10));
    }

    // C11
    [Test]
    public void Block_time_is_the_median_and_advances_with_skewed_clocks()
    {
        TestNetwork network = new(seed: 9, adjust: options => options with
        {
            ClockSkew = index => index == 0 ? 30_000_000_000 : index == 1 ? -30_000_000_000 : 0,
        });
        network.StartAll();
        network.RunToHeight(20);
        BlockStore store = network.Simulation.StoreOf(0);
        long last = 0;
        for (long height = 1; height <= 20; height++)
        {
            long time = WireTime.ToNanoseconds(store.LoadBlock(height)!.Block.Header.Time);
            Assert.That(time, Is.GreaterThan(last));
            long drift = time - network.Genesis.Time - network.Simulation.Now.Ticks * 100;
            Assert.That(drift, Is.LessThan(1_000_000_000), "one fast clock of four does not move the chain's");
            last = time;
        }
    }

    // C3
    [Test]
    public void Validator_updates_take_effect_two_heights_later_and_parameters_at_once()
    {
        TestNetwork network = new(seed: 10);
        foreach (RecorderApplication application in network.Applications)
        {
            application.Updates[5] = [Update(network, 2, 25)];
            application.Updates[8] = [Update(network, 3, 0)];
            application.Parameters[6] =
                new ConsensusParams { Block = new BlockParams { MaxBytes = 2_000_000, MaxGas = -1 } };
            application.Parameters[7] = new ConsensusParams { Version = new VersionParams { App = 3 } };
        }
        network.StartAll();
        network.RunToHeight(16);
        BlockStore store = network.Simulation.StoreOf(0);
        Assert.Multiple(() =>
        {
            Assert.That(PowersAt(store, 6), Is.EqualTo(new long[] { 10, 10, 10, 10 }));
            Assert.That(PowersAt(store, 7), Is.EqualTo(new long[] { 25, 10, 10, 10 }));
            Assert.That(PowersAt(store, 10), Is.EqualTo(new long[] { 25, 10, 10 }));
            Header header6 = store.LoadBlock(6)!.Block.Header;
            Assert.That(header6.NextValidatorsHash, Is.EqualTo(store.LoadStateBefore(7)!.Validators.Hash()));
            Assert.That(header6.ValidatorsHash, Is.Not.EqualTo(header6.NextValidatorsHash));
            Assert.That(store.LoadBlock(7)!.Block.Header.ConsensusHash,
                Is.Not.EqualTo(store.LoadBlock(6)!.Block.Header.ConsensusHash));
            Assert.That(store.LoadBlock(7)!.Block.Header.Version.App, Is.Zero);
            Assert.That(store.LoadBlock(8)!.Block.Header.Version.App, Is.EqualTo(3));
            Assert.That(network.Applications[0].Finalized.Single(request => request.Height == 8).DecidedLastCommit
                .Votes.Select(vote => vote.Validator.Power), Is.EqualTo(new long[] { 25, 10, 10, 10 }));
            Assert.That(network.Applications[3].Calls.Any(call => call == ("extend_vote", 12)), Is.False);
            Assert.That(network.Applications[3].Calls.Any(call => call == ("process_proposal", 12)), Is.True);
        });
    }

    [Test]
    public void Extensions_can_be_enabled_later_and_the_first_height_need_not_be_one()
    {
        TestNetwork network = new(seed: 13, extensionsFrom: 12, initialHeight: 8);
        network.StartAll();
        network.RunToHeight(16);
        Assert.That(network.Applications[0].Calls.Where(call => call.Kind == "extend_vote").Min(call => call.Height),
            Is.EqualTo(12));
        RequestPrepareProposal first = network.Applications.SelectMany(app => app.Prepared).Single(r => r.Height == 12);
        Assert.That(first.LocalLastCommit.Votes.Select(vote => vote.ExtensionSignature.IsEmpty), Has.All.True);
        RequestPrepareProposal second =
            network.Applications.SelectMany(app => app.Prepared).Single(r => r.Height == 13);
        Assert.That(second.LocalLastCommit.Votes.Count(vote => !vote.ExtensionSignature.IsEmpty), Is.AtLeast(3));
    }

    [Test]
    public void Transactions_reach_every_mempool_and_leave_it_with_the_block()
    {
        TestNetwork network = new(seed: 14);
        network.StartAll();
        network.RunToHeight(2);
        List<ByteString> transactions =
            [.. Enumerable.Range(0, 10).Select(i => ByteString.CopyFromUtf8($"key{i}=value"))];
        foreach (ByteString transaction in transactions)
        {
            ResponseCheckTx answer = network.Simulation.Node(1)!.Submit(transaction).GetAwaiter().GetResult();
            Assert.That(answer.Code, Is.Zero);
        }
        Assert.That(() => network.Simulation.Node(1)!.Submit(transactions[0]).GetAwaiter().GetResult(),
            Throws.TypeOf<MempoolRefusal>());
        network.RunToHeight(7);
        BlockStore store = network.Simulation.StoreOf(2);
        List<ByteString> committed =
            [.. Enumerable.Range(1, 7).SelectMany(height => store.LoadBlock(height)!.Block.Data.Txs)
            .Where(transaction => transaction.ToStringUtf8().StartsWith("key"))];
        Assert.That(committed, Is.EqualTo(transactions), "first in, first out");
        Assert.That(network.Live().Select(node => node.Mempool.Size.Count), Has.All.Zero);
        Assert.That(store.FindTransaction(Mempool.HashOf(transactions[0])), Is.Not.Null);
    }

    private static ValidatorUpdate Update(TestNetwork network, int validator, long power) =>
        new() { PubKey = new PublicKey { Ed25519 = network.Keys[validator].PublicKey }, Power = power };

    private static long[] PowersAt(BlockStore store, long height) =>
        [.. store.LoadStateBefore(height)!.Validators.Members.Select(member => member.Power)];

    private static List<ByteString> HashesOf(int seed)
    {
        TestNetwork network = new(seed);
        network.StartAll();
        network.RunToHeight(10);
        BlockStore store = network.Simulation.StoreOf(0);
        return [.. Enumerable.Range(1, 10).Select(height => store.LoadBlock(height)!.Id.Hash)];
    }
}
