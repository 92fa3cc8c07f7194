using System;
using System.IO;
using System.Linq;
using AppChain.Abci.Wire.Crypto;
using AppChain.Abci.Wire.Types;
using AppChain.Hsm;
using NUnit.Framework;

namespace AppChain.Localnet.Tests;

/// <summary>SIGN-17: a vote that the signer did not sign in time is asked for again.</summary>
public sealed class UnsignedVoteTests
{
    /// <summary>Refuses, or does not answer, some of the first questions for each vote.</summary>
    private sealed class LateSigner(ConsensusSigner signer, Func<Vote, int, bool> isLate) : IVoteSigner
    {
        private (long, int, SignedMsgType) _place;
        private int _times;

        public int Refused { get; private set; }

        public PublicKey PublicKey() => signer.PublicKey();

        public Vote SignVote(Vote vote)
        {
            (long, int, SignedMsgType) place = (vote.Height, vote.Round, vote.Type);
            _times = place == _place ? _times + 1 : 0;
            _place = place;
            if (!isLate(vote, _times)) return signer.SignVote(vote);
            Refused++;
            throw Refused % 2 == 0 ? new IOException("no answer") : new SigningRefusedException("the device is slow");
        }

        public Proposal SignProposal(Proposal proposal) => signer.SignProposal(proposal);
    }

    [TestCase(1, SignedMsgType.Prevote)]
    [TestCase(1, SignedMsgType.Precommit)]
    [TestCase(4, SignedMsgType.Prevote)]
    [TestCase(4, SignedMsgType.Precommit)]
    public void Votes_that_no_signer_signed_at_first_do_not_stop_the_chain(int validators, SignedMsgType type)
    {
        LateSigner[] late = [];
        TestNetwork network = new(seed: 5, validators, options =>
        {
            late = [.. Enumerable.Range(0, validators).Select(i => new LateSigner(
                (ConsensusSigner)options.Signer(i),
                (vote, times) => vote.Type == type && vote.Height % 3 == 0 && times < 3))];
            return options with { Signer = i => late[i] };
        });
        network.StartAll();
        network.RunToHeight(10);
        Assert.That(late.Sum(signer => signer.Refused), Is.GreaterThanOrEqualTo(9 * validators));
        Assert.That(network.DecidedRounds(0), Has.All.Zero, "the vote of the same round, later");
    }

    [Test]
    public void One_of_four_whose_signer_refuses_everything_holds_nobody_up()
    {
        LateSigner? broken = null;
        TestNetwork network = new(seed: 6, adjust: options => options with
        {
            Signer = i => i == 2
                ? broken ??= new LateSigner((ConsensusSigner)options.Signer(2), (_, _) => true)
                : options.Signer(i),
        });
        network.StartAll();
        network.RunToHeight(20, limitSeconds: 60);
        Assert.That(broken!.Refused, Is.LessThan(100), "it is not asked without pause");
    }

    // C22. What the others have may all be there before the step, and then nothing comes after it.
    [Test]
    public void Where_the_signer_refuses_the_prevotes_that_came_early_lead_on()
    {
        SingleValidator single = new(index: 3);
        SealedBlock x = single.Block("X");
        Vote forgotten = single.NewVote(SignedMsgType.Prevote, null, 0, 3);
        single.SignsAndForgets(forgotten);
        single.Fire();
        single.Prevote(x, 0, 0, 1);
        single.Prevote(null, 0, 2);
        single.Consensus.Receive(0, forgotten);
        single.Propose(x, round: 0, proposer: 0);
        Assert.That(single.Consensus.Step, Is.EqualTo(ConsensusStep.PrevoteWait));
        single.Fire();
        Assert.That(single.Voted(SignedMsgType.Prevote, 0, x), Is.EqualTo("nothing"));
        Assert.That(single.Voted(SignedMsgType.Precommit, 0, x), Is.EqualTo("nil"));
    }

    // C22. It signs what it had forgotten, but others have brought that back already: it is no news.
    [Test]
    public void An_own_prevote_that_others_brought_back_before_leads_on()
    {
        SingleValidator single = new(index: 3);
        Vote forgotten = single.NewVote(SignedMsgType.Prevote, null, 0, 3);
        single.SignsAndForgets(forgotten);
        single.Fire();
        single.Prevote(null, 0, 0, 1, 2);
        single.Consensus.Receive(0, forgotten);
        Assert.That(single.Consensus.Step, Is.EqualTo(ConsensusStep.Propose));
        single.Fire();
        Assert.That(single.Voted(SignedMsgType.Precommit, 0), Is.EqualTo("nil"));
    }

    [Test]
    public void A_restart_while_a_vote_is_missing_asks_for_the_same_vote()
    {
        bool isAway = true;
        TestNetwork network = new(seed: 7, validators: 1, adjust: options =>
        {
            IVoteSigner signer = new LateSigner(
                (ConsensusSigner)options.Signer(0), (vote, _) => vote.Height == 4 && isAway);
            return options with { Signer = _ => signer };
        });
        network.StartAll();
        network.RunToHeight(3);
        network.Simulation.RunUntil(() => false, TimeSpan.FromSeconds(20));
        Assert.That(network.Simulation.StoreOf(0).Height, Is.EqualTo(3));
        network.Simulation.Crash(0);
        network.Simulation.Start(0);
        network.Simulation.RunUntil(() => false, TimeSpan.FromSeconds(5));
        isAway = false;
        network.RunToHeight(6);
    }
}
