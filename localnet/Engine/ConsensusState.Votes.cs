using AppChain.Abci;
using AppChain.Abci.Wire.Types;

namespace AppChain.Localnet;

/// <content>What a vote sets in motion.</content>
public sealed partial class ConsensusState
{
    private void OnVote(int from, Vote vote)
    {
        if (vote.Height + 1 == Height && vote.Type == SignedMsgType.Precommit)
        {
            OnLatePrecommit(vote);
            return;
        }
        if (vote.Height != Height || !Signatures.IsWellFormed(vote) || !HasGoodExtension(vote)) return;
        VoteOutcome outcome = Votes.Add(from, vote, out Vote? earlier);
        ReportConflict(outcome, earlier, vote);
        // Its own vote, forgotten with the machine and cast again, others may have brought back before: its step goes
        // on from the votes that are there all the same (C22).
        bool isOwnAgain = from == Self && outcome == VoteOutcome.Duplicate;
        if (outcome is not (VoteOutcome.Added or VoteOutcome.ConflictingAdded) && !isOwnAgain) return;
        if (vote.Type == SignedMsgType.Prevote) OnPrevote(vote.Round);
        else OnPrecommit(vote.Round);
    }

    /// <summary>
    /// Until the height begins, precommits of the one before complete its commit. Their extensions are not shown to the
    /// application any more; whoever uses them must judge them again.
    /// </summary>
    private void OnLatePrecommit(Vote vote)
    {
        if (Step != ConsensusStep.NewHeight || LastCommit is null) return;
        VoteOutcome outcome = LastCommit.Add(vote, out Vote? earlier);
        ReportConflict(outcome, earlier, vote);
        if (outcome == VoteOutcome.Added && _timeouts.SkipCommit && LastCommit.HasAll) EnterNewRound(0);
    }

    /// <summary>
    /// The extension of another validator's precommit for a block: first its signature, then the application's verdict,
    /// both before it is known whether the vote is new. A refused extension costs the whole vote.
    /// </summary>
    private bool HasGoodExtension(Vote vote)
    {
        if (!ExtensionsEnabled) return vote.Extension.IsEmpty && vote.ExtensionSignature.IsEmpty;
        if (vote.Type != SignedMsgType.Precommit || BlockIds.IsNil(vote.BlockId)) return true;
        if (vote.ValidatorAddress == _address) return true;
        if (vote.ValidatorIndex < 0 || vote.ValidatorIndex >= State.Validators.Count) return false;
        Validator validator = State.Validators.Members[vote.ValidatorIndex];
        if (!Signatures.VerifyExtension(vote, State.ChainId, validator.PublicKey, _verified)) return false;
        return _executor.VerifyExtension(vote);
    }

    private void ReportConflict(VoteOutcome outcome, Vote? earlier, Vote vote)
    {
        bool isConflict = outcome is VoteOutcome.Conflicting or VoteOutcome.ConflictingAdded;
        if (isConflict && earlier is not null && vote.ValidatorAddress != _address) _evidence.Report(earlier, vote);
    }

    private void OnPrevote(int round)
    {
        VoteSet prevotes = Votes.Prevotes(round)!;
        if (prevotes.Majority is { } majority) OnPrevoteMajority(round, majority);
        if (Round < round && prevotes.HasTwoThirdsAny)
        {
            EnterNewRound(round);
        }
        else if (Round == round && Step >= ConsensusStep.Prevote)
        {
            if (prevotes.Majority is { } id && (IsProposalComplete() || BlockIds.IsNil(id))) EnterPrecommit(round);
            else if (prevotes.HasTwoThirdsAny) EnterPrevoteWait(round);
        }
        else if (Proposal is not null && Proposal.PolRound == round && IsProposalComplete())
        {
            EnterPrevote(Round);
        }
    }

    private void OnPrevoteMajority(int round, BlockID majority)
    {
        if (LockedBlock is not null && LockedRound < round && round <= Round && !LockedBlock.Id.Equals(majority))
            (LockedRound, LockedBlock) = (-1, null);
        if (BlockIds.IsNil(majority) || ValidRound >= round || round != Round) return;
        if (ProposalBlock is not null && ProposalBlock.Id.Equals(majority)) SetValid(round);
        else ProposalBlock = null;
        Expect(majority);
    }

    private void OnPrecommit(int round)
    {
        VoteSet precommits = Votes.Precommits(round)!;
        if (precommits.Majority is { } majority)
        {
            EnterNewRound(round);
            EnterPrecommit(round);
            if (BlockIds.IsNil(majority))
            {
                EnterPrecommitWait(round);
                return;
            }
            EnterCommit(round);
            if (_timeouts.SkipCommit && precommits.HasAll && Step == ConsensusStep.NewHeight) EnterNewRound(0);
        }
        else if (Round <= round && precommits.HasTwoThirdsAny)
        {
            EnterNewRound(round);
            EnterPrecommitWait(round);
        }
    }
}
