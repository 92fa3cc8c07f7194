using System;
using System.IO;
using AppChain.Abci;
using AppChain.Abci.Wire.Types;
using AppChain.Hsm;
using Google.Protobuf;

namespace AppChain.Localnet;

/// <content>The steps of a round. Each is entered at most once per round; a call for an older step does
/// nothing.</content>
public sealed partial class ConsensusState
{
    private const long MillisecondOfChain = 1_000_000;

    private void EnterNewRound(int round)
    {
        if (round < Round || (round == Round && Step != ConsensusStep.NewHeight)) return;
        if (round > Round) _roundValidators = _roundValidators.Increment(round - Round);
        (Round, Step) = (round, ConsensusStep.NewRound);
        if (round > 0)
        {
            Proposal = null;
            ProposalBlock = null;
            ExpectedParts = null;
        }
        Votes.EnterRound(round);
        _precommitWaitTriggered = false;
        _unsigned = null;
        EnterPropose(round);
    }

    private void EnterPropose(int round)
    {
        if (round < Round || (round == Round && Step >= ConsensusStep.Propose)) return;
        Schedule(round, ConsensusStep.Propose, _timeouts.Of(ConsensusStep.Propose, round));
        if (_roundValidators.Proposer.Address == _address) Propose(round);
        Step = ConsensusStep.Propose;
        if (IsProposalComplete()) EnterPrevote(Round);
    }

    private void Propose(int round)
    {
        SealedBlock? block = ValidBlock ?? BuildBlock();
        if (block is null) return;
        Proposal proposal = new()
        {
            Type = SignedMsgType.Proposal,
            Height = Height,
            Round = round,
            PolRound = ValidRound,
            BlockId = block.Id,
            Timestamp = WireTime.FromNanoseconds(_host.ChainTime),
        };
        Proposal? signed = Signed(() => _signer.SignProposal(proposal));
        if (signed is null) return;
        proposal.Signature = signed.Signature;
        _own.Enqueue(proposal);
        _own.Enqueue(block);
    }

    /// <summary>A new block, or null if the precommits of the last height are not there.</summary>
    private SealedBlock? BuildBlock()
    {
        if (Height == State.InitialHeight) return _executor.Propose(State, null, _address);
        return LastCommit?.Majority is null ? null : _executor.Propose(State, LastCommit.ToExtendedCommit(), _address);
    }

    private void EnterPrevote(int round)
    {
        if (round < Round || (round == Round && Step >= ConsensusStep.Prevote)) return;
        SignVote(SignedMsgType.Prevote, ChoosePrevote());
        Step = ConsensusStep.Prevote;
        // Prevotes that came before this step set nothing in motion; where the signer refuses, no own one will
        // (C22).
        if (_unsigned is not null) OnPrevote(round);
    }

    /// <summary>
    /// The locked block; else the proposed one if the validator and its application find it good; else nil.
    /// </summary>
    private SealedBlock? ChoosePrevote()
    {
        if (LockedBlock is not null) return LockedBlock;
        if (ProposalBlock is null) return null;
        if (_executor.Validate(State, ProposalBlock, _host.ChainTime) is not null) return null;
        return _executor.Process(State, ProposalBlock) ? ProposalBlock : null;
    }

    private void EnterPrevoteWait(int round)
    {
        if (round < Round || (round == Round && Step >= ConsensusStep.PrevoteWait)) return;
        Step = ConsensusStep.PrevoteWait;
        Schedule(round, ConsensusStep.PrevoteWait, _timeouts.Of(ConsensusStep.PrevoteWait, round));
    }

    private void EnterPrecommit(int round)
    {
        if (round < Round || (round == Round && Step >= ConsensusStep.Precommit)) return;
        SignVote(SignedMsgType.Precommit, ChoosePrecommit(round));
        Step = ConsensusStep.Precommit;
    }

    /// <summary>
    /// The block that has a majority of prevotes, which locks it; nil if there is none. A majority for nil or for an
    /// unknown block takes the lock away; no majority leaves it.
    /// </summary>
    private SealedBlock? ChoosePrecommit(int round)
    {
        BlockID? majority = Votes.Prevotes(round)?.Majority;
        if (majority is null) return null;
        if (BlockIds.IsNil(majority))
        {
            (LockedRound, LockedBlock) = (-1, null);
            return null;
        }
        if (LockedBlock is not null && LockedBlock.Id.Equals(majority))
        {
            LockedRound = round;
            return LockedBlock;
        }
        if (ProposalBlock is not null && ProposalBlock.Id.Equals(majority))
        {
            if (_executor.Validate(State, ProposalBlock, _host.ChainTime) is { } wrong)
                throw new ConsensusFailure($"two thirds prevoted an invalid block at height {Height}: {wrong}");
            (LockedRound, LockedBlock) = (round, ProposalBlock);
            return ProposalBlock;
        }
        (LockedRound, LockedBlock) = (-1, null);
        Expect(majority);
        return null;
    }

    private void EnterPrecommitWait(int round)
    {
        if (round < Round || (round == Round && _precommitWaitTriggered)) return;
        _precommitWaitTriggered = true;
        Schedule(round, ConsensusStep.PrecommitWait, _timeouts.Of(ConsensusStep.PrecommitWait, round));
    }

    private void EnterCommit(int round)
    {
        if (Step >= ConsensusStep.Commit) return;
        BlockID decided = Votes.Precommits(round)!.Majority!;
        if (LockedBlock is not null && LockedBlock.Id.Equals(decided))
        {
            ProposalBlock = LockedBlock;
            ExpectedParts = decided.PartSetHeader;
        }
        if (ProposalBlock is null || !ProposalBlock.Id.Equals(decided)) Expect(decided);
        Step = ConsensusStep.Commit;
        CommitRound = round;
        _commitTime = _host.WallTime;
        TryFinalize();
    }

    private void TryFinalize()
    {
        if (Votes.Precommits(CommitRound) is not { Majority: { } decided } precommits) return;
        if (ProposalBlock is null || !ProposalBlock.Id.Equals(decided)) return;
        if (_executor.Validate(State, ProposalBlock, _host.ChainTime) is { } wrong)
            throw new ConsensusFailure($"an invalid block was decided at height {Height}: {wrong}");
        ChainState next = _executor.Apply(State, ProposalBlock, precommits.ToExtendedCommit());
        MoveTo(next, precommits);
        if (!_isReplaying) _log.Begin(Height);
        ScheduleStart();
    }

    /// <summary>
    /// Signs a vote for a block, or for nil, and sends it. A vote that is not signed is asked for again as long as the
    /// round waits for nothing else: a device may have been late, and a validator without whose vote nothing is decided
    /// would otherwise wait for ever.
    /// </summary>
    private void SignVote(SignedMsgType type, SealedBlock? block)
    {
        _unsigned = null;
        int index = State.Validators.IndexOf(_address);
        if (index < 0) return;
        bool isExtended = type == SignedMsgType.Precommit && block is not null && ExtensionsEnabled;
        // ORDER: the extension before the time. What it says of now is then not younger than the vote, of whose times
        // the next block's is the median; where the chain's clock runs fast, a moment between the two is many seconds.
        ByteString extension = isExtended ? _executor.ExtendVote(State, block!) : ByteString.Empty;
        Vote vote = new()
        {
            Type = type,
            Height = Height,
            Round = Round,
            BlockId = block?.Id ?? new BlockID { PartSetHeader = new PartSetHeader() },
            Timestamp = WireTime.FromNanoseconds(VoteTime()),
            ValidatorAddress = _address,
            ValidatorIndex = index,
            Extension = extension,
        };
        _asked = 0;
        Ask(vote);
    }

    private void Ask(Vote vote)
    {
        Vote? signed = Signed(() => _signer.SignVote(vote));
        _unsigned = signed is null ? vote : null;
        if (signed is null)
        {
            bool isPrevote = vote.Type == SignedMsgType.Prevote;
            ConsensusStep wait = isPrevote ? ConsensusStep.PrevoteWait : ConsensusStep.PrecommitWait;
            ConsensusStep step = isPrevote ? ConsensusStep.Prevote : ConsensusStep.Precommit;
            Schedule(Round, step, _timeouts.Of(wait, Round + _asked++));
            return;
        }
        bool isExtended = vote.Type == SignedMsgType.Precommit && !BlockIds.IsNil(vote.BlockId) && ExtensionsEnabled;
        (vote.Signature, vote.Timestamp) = (signed.Signature, signed.Timestamp);
        vote.ExtensionSignature = isExtended ? signed.ExtensionSignature : ByteString.Empty;
        if (isExtended && vote.ExtensionSignature.IsEmpty)
            throw new ConsensusFailure("the signer left out the signature of the vote extension");
        _own.Enqueue(vote);
    }

    /// <summary>Asks the signer once more for the vote that it did not sign.</summary>
    private void AskAgain(ConsensusTimeout timeout)
    {
        bool isOfStep = _unsigned is { } unsigned && unsigned.Round == timeout.Round
            && unsigned.Type
                == (timeout.Step == ConsensusStep.Prevote ? SignedMsgType.Prevote : SignedMsgType.Precommit);
        if (!isOfStep) return;
        // It has fired, so none is pending: the same one may be set again.
        _lastTimeout = null;
        Ask(_unsigned!);
    }

    /// <summary>What the signer signed, or null if it refused or cannot be reached.</summary>
    private T? Signed<T>(Func<T> sign) where T : class
    {
        // ORDER: what a signature follows from is on the disk before there is one. A lock that was forgotten with the
        // machine could break the agreement of the others; and a signer that remembers a round which this log forgot
        // would sign nothing before it, and where everyone's vote is needed the others could not bring this validator
        // there.
        if (!_isReplaying) _log.Sync();
        try
        {
            return sign();
        }
        catch (Exception error) when (error is SigningRefusedException or IOException)
        {
            return null;
        }
    }

    /// <summary>
    /// Now, but at least one millisecond after the block voted on, so that block time always advances.
    /// </summary>
    private long VoteTime()
    {
        long now = _host.ChainTime;
        SealedBlock? block = LockedBlock ?? ProposalBlock;
        if (block is null || !WireTime.IsValid(block.Block.Header.Time)) return now;
        return Math.Max(now, WireTime.ToNanoseconds(block.Block.Header.Time) + MillisecondOfChain);
    }
}
