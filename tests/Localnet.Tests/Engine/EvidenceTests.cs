using System;
using System.Linq;
using AppChain.Abci;
using AppChain.Abci.Wire;
using AppChain.Abci.Wire.Types;
using NUnit.Framework;

namespace AppChain.Localnet.Tests;

public sealed class EvidenceTests
{
    // C19
    [TestCase(SignedMsgType.Prevote)]
    [TestCase(SignedMsgType.Precommit)]
    public void A_double_sign_becomes_evidence_in_a_later_block_and_misbehavior_to_every_application(SignedMsgType type)
    {
        TestNetwork network = null!;
        network = new TestNetwork(seed: 21, adjust: options => options with
        {
            Copies = (_, from, to, message) =>
            {
                if (from != 3 || message is not Vote { Height: 5, Round: 0 } vote || vote.Type != type) return 1;
                if (!BlockIds.IsNil(vote.BlockId)) network.Simulation.Transmit(3, to, network.Lie(3, vote));
                return 1;
            },
        });
        network.StartAll();
        network.RunToHeight(12);
        BlockStore store = network.Simulation.StoreOf(0);
        SealedBlock[] blocks = [.. Enumerable.Range(1, 12).Select(height => store.LoadBlock(height)!)];
        SealedBlock guilty = blocks.Single(block => block.Block.Evidence.Evidence.Count > 0);
        DuplicateVoteEvidence evidence = guilty.Block.Evidence.Evidence.Single().DuplicateVoteEvidence;
        Assert.Multiple(() =>
        {
            Assert.That(guilty.Height, Is.InRange(6, 10));
            Assert.That(evidence.VoteA.ValidatorAddress, Is.EqualTo(network.Simulation.Node(3)!.Address));
            Assert.That(evidence.VoteA.Height, Is.EqualTo(5));
            Assert.That(evidence.TotalVotingPower, Is.EqualTo(40));
        });
        foreach (RecorderApplication application in network.Applications)
        {
            RequestFinalizeBlock request = application.Finalized.Single(item => item.Misbehavior.Count > 0);
            Misbehavior misbehavior = request.Misbehavior.Single();
            Assert.That(request.Height, Is.EqualTo(guilty.Height));
            Assert.That(misbehavior.Type, Is.EqualTo(MisbehaviorType.DuplicateVote));
            Assert.That(misbehavior.Validator.Address, Is.EqualTo(evidence.VoteA.ValidatorAddress));
            Assert.That(misbehavior.Validator.Power, Is.EqualTo(10));
            Assert.That(misbehavior.Height, Is.EqualTo(5));
            Assert.That(misbehavior.Time, Is.EqualTo(blocks[4].Block.Header.Time));
        }
    }

    [Test]
    public void Invented_evidence_is_refused()
    {
        TestNetwork network = new(seed: 22);
        network.StartAll();
        network.RunToHeight(5);
        ValidatorNode node = network.Simulation.Node(0)!;
        ExtendedCommit seen = node.Store.LoadSeenCommit(4)!;
        Vote real = Enumerable.Range(1, 3).Select(i => Commits.Precommit(seen, i)).OfType<Vote>().First();
        Vote forged = network.Lie(real.ValidatorIndex, real);
        forged.Signature = real.Signature;
        bool inOrder = BlockIds.Key(real.BlockId).AsSpan().SequenceCompareTo(BlockIds.Key(forged.BlockId)) < 0;
        node.Deliver(1, new DuplicateVoteEvidence
        {
            VoteA = inOrder ? real : forged,
            VoteB = inOrder ? forged : real,
            TotalVotingPower = 40,
            ValidatorPower = 10,
            Timestamp = node.Store.LoadBlock(4)!.Block.Header.Time,
        });
        network.RunToHeight(12);
        Assert.That(Enumerable.Range(1, 12)
            .Select(height => node.Store.LoadBlock(height)!.Block.Evidence.Evidence.Count),
            Has.All.Zero);
    }
}
