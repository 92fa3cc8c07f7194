using System.Linq;
using AppChain.Abci;
using AppChain.Abci.Wire.Types;
using NUnit.Framework;

namespace AppChain.Localnet.Tests;

public sealed class ConsensusStateTests
{
    private const SignedMsgType Prevote = SignedMsgType.Prevote;
    private const SignedMsgType Precommit = SignedMsgType.Precommit;

    // C6, C7, C9
    [Test]
    public void A_round_with_a_good_proposal_decides_it()
    {
        SingleValidator single = new();
        SealedBlock block = single.Block("X");
        single.Fire();
        single.Propose(block, round: 0, proposer: 0);
        Assert.That(single.Voted(Prevote, 0, block), Is.EqualTo("X"));
        single.Prevote(block, 0, 0, 2);
        Assert.That(single.Voted(Precommit, 0, block), Is.EqualTo("X"));
        single.Precommit(block, 0, 0, 2);
        Assert.That(single.Consensus.State.LastHeight, Is.EqualTo(1));
        Assert.That(single.Consensus.Height, Is.EqualTo(2));
        Assert.That(single.Timeouts[^1], Is.EqualTo(new ConsensusTimeout(2, 0, ConsensusStep.NewHeight)));
        Assert.That(CallOrder.Text(single.Application.Calls.Select(call => call.Kind)), Is.EqualTo("QFC"));
    }

    // C6, C9, C10
    [Test]
    public void Without_a_proposal_it_prevotes_nil_and_goes_through_all_waits_to_the_next_round()
    {
        SingleValidator single = new();
        single.Fire();
        Assert.That(single.Timeouts[^1].Step, Is.EqualTo(ConsensusStep.Propose));
        single.Fire();
        Assert.That(single.Voted(Prevote, 0), Is.EqualTo("nil"));
        SealedBlock unknown = single.Block("U");
        single.Prevote(unknown, 0, 0);
        single.Prevote(null, 0, 2);
        Assert.That(single.Timeouts[^1].Step, Is.EqualTo(ConsensusStep.PrevoteWait), "two thirds, but for nothing");
        single.Fire();
        Assert.That(single.Voted(Precommit, 0), Is.EqualTo("nil"));
        single.Precommit(null, 0, 0, 2);
        Assert.That(single.Timeouts[^1].Step, Is.EqualTo(ConsensusStep.PrecommitWait), "also a majority for nil waits");
        single.Fire();
        Assert.That(single.Consensus.Round, Is.EqualTo(1));
    }

    // C6
    [Test]
    public void A_locked_validator_prevotes_its_block_and_nothing_else()
    {
        SingleValidator single = new(index: 3);
        (SealedBlock x, SealedBlock y) = (single.Block("X"), single.Block("Y", 1));
        LockOn(single, x);
        GoToRound(single, 1);
        single.Propose(y, round: 1, proposer: 1);
        Assert.That(single.Voted(Prevote, 1, x, y), Is.Not.EqualTo("Y"));
        single.Fire();
        Assert.That(single.Voted(Prevote, 1, x, y), Is.EqualTo("X"));
        Assert.That(single.Application.Calls.Count(call => call.Kind == "process_proposal"), Is.EqualTo(1),
            "the application is not asked about a proposal against the lock");
    }

    // C7, C8
    [Test]
    public void A_majority_for_another_block_in_a_later_round_moves_the_lock()
    {
        SingleValidator single = new(index: 3);
        (SealedBlock x, SealedBlock y) = (single.Block("X"), single.Block("Y", 1));
        LockOn(single, x);
        GoToRound(single, 1);
        single.Propose(y, round: 1, proposer: 1);
        single.Prevote(y, 1, 0, 1, 2);
        Assert.That(single.Voted(Precommit, 1, x, y), Is.EqualTo("Y"));
        Assert.That(single.Consensus.LockedBlock, Is.SameAs(y));
        Assert.That(single.Consensus.LockedRound, Is.EqualTo(1));
    }

    // C7
    [Test]
    public void A_majority_for_nil_takes_the_lock_away()
    {
        SingleValidator single = new(index: 3);
        SealedBlock x = single.Block("X");
        LockOn(single, x);
        GoToRound(single, 1);
        single.Fire();
        Assert.That(single.Voted(Prevote, 1, x), Is.EqualTo("X"));
        single.Prevote(null, 1, 0, 1, 2);
        Assert.That(single.Voted(Precommit, 1, x), Is.EqualTo("nil"));
        Assert.That(single.Consensus.LockedBlock, Is.Null);
        Assert.That(single.Consensus.ValidBlock, Is.SameAs(x), "the valid block is kept for a proposal of its own");
    }

    [Test]
    public void No_majority_keeps_the_lock()
    {
        SingleValidator single = new(index: 3);
        SealedBlock x = single.Block("X");
        LockOn(single, x);
        GoToRound(single, 1);
        single.Fire();
        single.Prevote(null, 1, 0, 1);
        single.Fire();
        Assert.That(single.Voted(Precommit, 1, x), Is.EqualTo("nil"));
        Assert.That(single.Consensus.LockedBlock, Is.SameAs(x));
    }

    // C7
    [Test]
    public void A_majority_for_an_unknown_block_precommits_nil_and_waits_for_that_block()
    {
        SingleValidator single = new(index: 3);
        (SealedBlock x, SealedBlock y) = (single.Block("X"), single.Block("Y", 1));
        LockOn(single, x);
        GoToRound(single, 1);
        single.Fire();
        single.Prevote(y, 1, 0, 1, 2);
        Assert.That(single.Consensus.LockedBlock, Is.Null);
        Assert.That(single.Consensus.ExpectedParts, Is.EqualTo(y.Id.PartSetHeader));
        Assert.That(single.Timeouts[^1].Step, Is.EqualTo(ConsensusStep.PrevoteWait), "the proposal is not complete");
        single.Fire();
        Assert.That(single.Voted(Precommit, 1, x, y), Is.EqualTo("nil"));
        single.Precommit(y, 1, 0, 1, 2);
        Assert.That(single.Consensus.Step, Is.EqualTo(ConsensusStep.Commit));
        single.Consensus.Receive(0, y);
        Assert.That(single.Consensus.State.LastBlockId, Is.EqualTo(y.Id));
    }

    [Test]
    public void A_relock_happens_only_on_prevotes_of_the_new_round()
    {
        SingleValidator single = new(index: 3);
        SealedBlock x = single.Block("X");
        LockOn(single, x);
        GoToRound(single, 1);
        single.Propose(x, round: 1, proposer: 1, polRound: 0);
        Assert.That(single.Voted(Prevote, 1, x), Is.EqualTo("X"));
        Assert.That(single.Consensus.LockedRound, Is.Zero);
        single.Prevote(x, 1, 0, 1);
        Assert.That(single.Voted(Precommit, 1, x), Is.EqualTo("X"));
        Assert.That(single.Consensus.LockedRound, Is.EqualTo(1));
    }

    [Test]
    public void A_proposal_with_a_proof_of_lock_is_complete_only_with_the_prevotes_of_that_round()
    {
        SingleValidator single = new(index: 3);
        SealedBlock x = single.Block("X");
        single.Fire();
        single.Fire();
        single.Prevote(null, 0, 0);
        single.Prevote(x, 0, 1);
        single.Precommit(null, 0, 0, 1, 2);
        single.Fire();
        Assert.That(single.Consensus.Round, Is.EqualTo(1));
        single.Propose(x, round: 1, proposer: 1, polRound: 0);
        Assert.That(single.Voted(Prevote, 1, x), Is.EqualTo("nothing"), "of round 0 only one prevote for X is known");
        SingleValidator other = new(index: 3);
        other.Fire();
        other.Fire();
        other.Precommit(null, 0, 0, 1, 2);
        other.Fire();
        other.Propose(x, round: 1, proposer: 1, polRound: 0);
        other.Prevote(x, 0, 0, 1);
        Assert.That(other.Voted(Prevote, 1, x), Is.EqualTo("nothing"));
        other.Prevote(x, 0, 2);
        Assert.That(other.Voted(Prevote, 1, x), Is.EqualTo("X"));
    }

    // C8
    [Test]
    public void A_proposer_repeats_its_valid_block_without_preparing_a_new_one()
    {
        SingleValidator single = new(index: 1);
        SealedBlock x = single.Block("X");
        LockOn(single, x);
        GoToRound(single, 1);
        Proposal proposal = single.Sent.OfType<Proposal>().Single();
        Assert.That(proposal.PolRound, Is.Zero);
        Assert.That(proposal.BlockId, Is.EqualTo(x.Id));
        Assert.That(single.Application.Calls.Any(call => call.Kind == "prepare_proposal"), Is.False);
    }

    [Test]
    public void Proposals_of_the_wrong_validator_or_with_a_bad_round_are_ignored()
    {
        SingleValidator single = new(index: 3);
        SealedBlock x = single.Block("X");
        single.Fire();
        single.Propose(x, round: 0, proposer: 2);
        single.Propose(x, round: 0, proposer: 0, polRound: 0);
        single.Propose(x, round: 0, proposer: 0, polRound: -2);
        single.Propose(x, round: 1, proposer: 1);
        Assert.That(single.Consensus.Proposal, Is.Null);
        Assert.That(single.Voted(Prevote, 0, x), Is.EqualTo("nothing"));
    }

    // C9
    [Test]
    public void Two_thirds_of_precommits_of_a_later_round_decide_at_once()
    {
        SingleValidator single = new(index: 3);
        SealedBlock x = single.Block("X");
        single.Fire();
        single.Precommit(x, 5, 0, 1, 2);
        Assert.That(single.Consensus.Round, Is.EqualTo(5));
        Assert.That(single.Consensus.Step, Is.EqualTo(ConsensusStep.Commit));
        single.Consensus.Receive(0, x);
        Assert.That(single.Consensus.State.LastHeight, Is.EqualTo(1));
    }

    // C5
    [Test]
    public void Votes_of_many_later_rounds_are_kept_for_two_of_them_per_peer()
    {
        SingleValidator single = new(index: 3);
        single.Fire();
        foreach (int round in (int[])[10, 20, 30]) single.Prevote(null, round, 0);
        Assert.That(single.Consensus.Votes.Rounds, Is.EqualTo(new[] { 0, 1, 10, 20 }));
    }

    // C10
    [Test]
    public void Old_timeouts_are_ignored_and_only_later_ones_replace_the_pending_one()
    {
        SingleValidator single = new(index: 3);
        single.Fire();
        ConsensusTimeout propose = single.Timeouts[^1];
        SealedBlock x = single.Block("X");
        single.Propose(x, round: 0, proposer: 0);
        single.Consensus.Receive(ConsensusState.Self, propose);
        Assert.That(single.Sent.OfType<Vote>().Count(), Is.EqualTo(1), "no second prevote");
        for (int i = 1; i < single.Timeouts.Count; i++)
            Assert.That(single.Timeouts[i].IsLaterThan(single.Timeouts[i - 1]), Is.True);
    }

    // C13, C14
    [Test]
    public void Extensions_are_verified_once_per_arrival_but_not_the_own_and_not_late_ones()
    {
        SingleValidator single = new(index: 3, extensionsFrom: 1);
        SealedBlock x = single.Block("X");
        single.Fire();
        Vote early = single.NewVote(Precommit, x, 0, 0);
        single.Consensus.Receive(0, early);
        single.Consensus.Receive(1, early);
        single.Propose(x, round: 0, proposer: 0);
        single.Prevote(x, 0, 0, 1);
        Vote refused = single.NewVote(Precommit, x, 0, 1, "BAD");
        single.Consensus.Receive(1, refused);
        Assert.That(CallOrder.Text(single.Application.Calls.Select(call => call.Kind)), Is.EqualTo("VVQEV"));
        Assert.That(single.Consensus.Votes.Precommits(0)!.Votes[1], Is.Null);

        single.Precommit(x, 0, 2);
        Assert.That(single.Consensus.Height, Is.EqualTo(2));
        int calls = single.Application.Calls.Count;
        single.Consensus.Receive(1, refused);
        Assert.That(single.Application.Calls.Count, Is.EqualTo(calls));
        Assert.That(single.Consensus.LastCommit!.Votes[1], Is.EqualTo(refused));
    }

    [TestCase("extension signature")]
    [TestCase("signature")]
    [TestCase("address")]
    [TestCase("index")]
    [TestCase("nil with extension")]
    public void Malformed_and_forged_votes_do_not_count(string fault)
    {
        SingleValidator single = new(index: 3, extensionsFrom: 1);
        SealedBlock x = single.Block("X");
        single.Fire();
        Vote vote = single.NewVote(Precommit, fault == "nil with extension" ? null : x, 0, 0);
        if (fault == "extension signature") vote.ExtensionSignature = vote.Signature;
        if (fault == "signature") vote.Signature = vote.ExtensionSignature;
        if (fault == "address") vote.ValidatorAddress = single.Consensus.State.Validators.Members[1].Address;
        if (fault == "index") vote.ValidatorIndex = 9;
        if (fault == "nil with extension") vote.Extension = Google.Protobuf.ByteString.CopyFromUtf8("x");
        single.Consensus.Receive(0, vote);
        Assert.That(single.Consensus.Votes.Precommits(0)!.Votes, Has.All.Null);
    }

    // C11
    [Test]
    public void A_vote_is_at_least_a_millisecond_after_the_block()
    {
        SingleValidator single = new();
        SealedBlock block = single.Block("X");
        single.Fire();
        single.Propose(block, round: 0, proposer: 0);
        Vote vote = single.Sent.OfType<Vote>().Single();
        Assert.That(WireTime.ToNanoseconds(vote.Timestamp),
            Is.GreaterThanOrEqualTo(WireTime.ToNanoseconds(block.Block.Header.Time) + 1_000_000));
    }

    // C4
    [Test]
    public void A_vote_for_the_claimed_majority_counts_in_spite_of_an_earlier_one()
    {
        SingleValidator single = new(index: 3);
        SealedBlock x = single.Block("X");
        single.Fire();
        single.Prevote(null, 0, 0);
        single.Prevote(x, 0, 0, 1);
        Assert.That(single.Consensus.Votes.Prevotes(0)!.Votes[0]!.BlockId.Hash.IsEmpty, Is.True);
        single.Consensus.Receive(1, new MajorityClaim(1, 0, Prevote, x.Id));
        single.Prevote(x, 0, 0, 2);
        Assert.That(single.Consensus.Votes.Prevotes(0)!.Majority, Is.EqualTo(x.Id));
    }

    private static void LockOn(SingleValidator single, SealedBlock block)
    {
        single.Fire();
        single.Propose(block, round: 0, proposer: 0);
        single.Prevote(block, 0, [.. Enumerable.Range(0, 3).Where(i => i != single.Index)]);
        Assert.That(single.Consensus.LockedBlock, Is.SameAs(block));
    }

    private static void GoToRound(SingleValidator single, int round)
    {
        single.Precommit(null, round - 1, [.. Enumerable.Range(0, 3).Where(i => i != single.Index)]);
        single.Fire();
        Assert.That(single.Consensus.Round, Is.EqualTo(round));
    }
}
