using System;
using System.Collections.Generic;
using System.IO;
using AppChain.Abci;
using AppChain.Abci.Wire.Types;
using AppChain.Hsm;
using Google.Protobuf;

namespace AppChain.Localnet;

/// <summary>
/// The consensus state machine of one validator: proposals, blocks, votes and time-outs go in, one at a time; messages,
/// time-outs and decided blocks come out. It has no thread, no clock and no socket of its own. This file holds the
/// state and the inputs; the steps of a round and the handling of votes are in the files beside it.
/// </summary>
public sealed partial class ConsensusState
{
    /// <summary>Stands for this validator itself as the sender of a message.</summary>
    public const int Self = -1;

    private readonly BlockExecutor _executor;
    private readonly EvidencePool _evidence;
    private readonly VerifiedSignatures _verified;
    private readonly IVoteSigner _signer;
    private readonly IConsensusHost _host;
    private readonly ConsensusTimeouts _timeouts;
    private readonly WriteAheadLog _log;
    private readonly Queue<object> _own = new();

    private ValidatorSet _roundValidators = ValidatorSet.Empty;
    private ByteString _address = ByteString.Empty;
    private ConsensusTimeout? _lastTimeout;
    private TimeSpan _startTime;
    private TimeSpan? _commitTime;
    private bool _precommitWaitTriggered;
    private bool _isReplaying;

    // The vote of the current step that was not signed, and how often it was asked for.
    private Vote? _unsigned;
    private int _asked;

    /// <summary>Creates the machine in front of the height after <paramref name="state"/>.</summary>
    /// <param name="state">State after the last applied block.</param>
    /// <param name="lastCommit">Precommits of the last block; null before the initial height.</param>
    /// <param name="executor">Builds, judges and applies blocks.</param>
    /// <param name="evidence">Receives conflicting votes.</param>
    /// <param name="verified">Signatures that this validator has verified.</param>
    /// <param name="signer">The validator's key.</param>
    /// <param name="host">Time and network.</param>
    /// <param name="timeouts">Waiting times.</param>
    /// <param name="log">Inputs of the current height, for a restart in the middle of it.</param>
    public ConsensusState(ChainState state, VoteSet? lastCommit, BlockExecutor executor, EvidencePool evidence,
        VerifiedSignatures verified, IVoteSigner signer, IConsensusHost host, ConsensusTimeouts timeouts,
        WriteAheadLog log)
    {
        _executor = executor;
        _evidence = evidence;
        _verified = verified;
        _signer = signer;
        _host = host;
        _timeouts = timeouts;
        _log = log;
        State = state;
        Votes = null!;
        MoveTo(state, lastCommit);
    }

    /// <summary>State after the last applied block.</summary>
    public ChainState State { get; private set; }

    /// <summary>Height being decided.</summary>
    public long Height { get; private set; }

    /// <summary>Current round.</summary>
    public int Round { get; private set; }

    /// <summary>Current step.</summary>
    public ConsensusStep Step { get; private set; }

    /// <summary>Proposal of the current round.</summary>
    public Proposal? Proposal { get; private set; }

    /// <summary>The block that is proposed, or has a majority.</summary>
    public SealedBlock? ProposalBlock { get; private set; }

    /// <summary>Part set header of the block that is waited for or has come.</summary>
    public PartSetHeader? ExpectedParts { get; private set; }

    /// <summary>Round of the last precommit for a block, -1 if none.</summary>
    public int LockedRound { get; private set; }

    /// <summary>The block that this validator is locked on.</summary>
    public SealedBlock? LockedBlock { get; private set; }

    /// <summary>Last round in which a known block had a majority of prevotes, -1 if none.</summary>
    public int ValidRound { get; private set; }

    /// <summary>That block.</summary>
    public SealedBlock? ValidBlock { get; private set; }

    /// <summary>Round whose precommits decided, -1 before the decision.</summary>
    public int CommitRound { get; private set; }

    /// <summary>All votes of the height.</summary>
    public HeightVoteSet Votes { get; private set; }

    /// <summary>Precommits of the height before; null at the initial height.</summary>
    public VoteSet? LastCommit { get; private set; }

    /// <summary>Address of this validator.</summary>
    public ByteString Address => _address;

    private bool ExtensionsEnabled => State.ExtensionsEnabled(Height);

    /// <summary>Repeats the logged inputs of the current height, then waits for the height to begin.</summary>
    public void Start()
    {
        _isReplaying = true;
        foreach ((int from, object input) in _log.Open(Height)) Receive(from, input);
        _isReplaying = false;
        ScheduleStart();
    }

    /// <summary>
    /// Takes one input: a <see cref="Abci.Wire.Types.Proposal"/>, <see cref="SealedBlock"/>, <see cref="Vote"/>,
    /// <see cref="MajorityClaim"/> or <see cref="ConsensusTimeout"/>, and then every message that this validator sends
    /// itself as a consequence.
    /// </summary>
    /// <exception cref="ConsensusFailure">The application broke the contract; consensus must stop.</exception>
    public void Receive(int from, object input)
    {
        Log(from, input);
        Handle(from, input);
        while (_own.TryDequeue(out object? message))
        {
            Log(Self, message);
            _host.Broadcast(message);
            Handle(Self, message);
        }
    }

    private void Log(int from, object input)
    {
        if (!_isReplaying) _log.Append(from, input);
    }

    private void Handle(int from, object input)
    {
        switch (input)
        {
            case Proposal proposal:
                OnProposal(proposal);
                break;
            case SealedBlock block:
                OnBlock(block);
                break;
            case Vote vote:
                OnVote(from, vote);
                break;
            case MajorityClaim claim:
                if (claim.Height == Height) Votes.Set(claim.Round, claim.Type)?.Claim(from, claim.BlockId);
                break;
            case ConsensusTimeout timeout:
                OnTimeout(timeout);
                break;
            default:
                throw new ArgumentException($"no consensus input: {input.GetType().Name}", nameof(input));
        }
    }

    private void OnProposal(Proposal proposal)
    {
        if (Proposal is not null || proposal.Height != Height || proposal.Round != Round) return;
        if (proposal.PolRound < -1 || proposal.PolRound >= proposal.Round) return;
        if (!BlockIds.IsComplete(proposal.BlockId)) return;
        if (!Signatures.Verify(proposal, State.ChainId, _roundValidators.Proposer.PublicKey, _verified)) return;
        if (proposal.BlockId.PartSetHeader.Total > MaximumParts()) return;
        Proposal = proposal;
        ExpectedParts ??= proposal.BlockId.PartSetHeader;
    }

    /// <summary>A block arrives whole; it is taken if its part set header is the one waited for.</summary>
    private void OnBlock(SealedBlock block)
    {
        if (ProposalBlock is not null || ExpectedParts is null || block.Height != Height) return;
        if (!block.Id.PartSetHeader.Equals(ExpectedParts)) return;
        if (block.Bytes.Length > ParameterRules.BlockBytes(State.Parameters)) return;
        ProposalBlock = block;
        BlockID? majority = Votes.Prevotes(Round)!.Majority;
        if (majority is not null && ValidRound < Round && majority.Equals(block.Id)) SetValid(Round);
        if (Step <= ConsensusStep.Propose && IsProposalComplete())
        {
            EnterPrevote(Round);
            if (majority is not null) EnterPrecommit(Round);
        }
        else if (Step == ConsensusStep.Commit)
        {
            TryFinalize();
        }
    }

    private void OnTimeout(ConsensusTimeout timeout)
    {
        if (timeout.Height != Height) return;
        if ((timeout.Round, (int)timeout.Step).CompareTo((Round, (int)Step)) < 0) return;
        switch (timeout.Step)
        {
            case ConsensusStep.NewHeight:
                EnterNewRound(0);
                break;
            case ConsensusStep.Propose:
                EnterPrevote(Round);
                break;
            case ConsensusStep.PrevoteWait:
                EnterPrecommit(Round);
                break;
            case ConsensusStep.PrecommitWait:
                EnterPrecommit(Round);
                EnterNewRound(Round + 1);
                break;
            case ConsensusStep.Prevote or ConsensusStep.Precommit:
                AskAgain(timeout);
                break;
            default:
                throw new ArgumentException($"no time-out exists for step {timeout.Step}", nameof(timeout));
        }
    }

    /// <summary>One time-out is pending; a new one replaces it only if it belongs to a later step.</summary>
    private void Schedule(int round, ConsensusStep step, TimeSpan delay)
    {
        ConsensusTimeout timeout = new(Height, round, step);
        if (!timeout.IsLaterThan(_lastTimeout)) return;
        _lastTimeout = timeout;
        _host.Schedule(timeout, delay > TimeSpan.Zero ? delay : TimeSpan.Zero);
    }

    private void ScheduleStart() => Schedule(0, ConsensusStep.NewHeight, _startTime - _host.WallTime);

    /// <summary>Sets everything for the height after <paramref name="state"/>.</summary>
    private void MoveTo(ChainState state, VoteSet? lastCommit)
    {
        State = state;
        Height = state.NextHeight;
        Round = 0;
        Step = ConsensusStep.NewHeight;
        _startTime = (_commitTime ?? _host.WallTime) + _timeouts.Commit;
        _commitTime = null;
        _roundValidators = state.Validators;
        RefreshAddress();
        Proposal = null;
        ProposalBlock = null;
        ExpectedParts = null;
        (LockedRound, LockedBlock) = (-1, null);
        (ValidRound, ValidBlock) = (-1, null);
        CommitRound = -1;
        LastCommit = lastCommit;
        _precommitWaitTriggered = false;
        _unsigned = null;
        Votes = new HeightVoteSet(state.ChainId, Height, state.Validators, ExtensionsEnabled, _verified);
    }

    /// <summary>
    /// Asks for the key at every height, as CometBFT does; while the signer is away the last answer holds.
    /// </summary>
    private void RefreshAddress()
    {
        try
        {
            _address = BlockHashes.Address(_signer.PublicKey().Ed25519.Span);
        }
        catch (IOException) when (!_address.IsEmpty)
        {
            // Its votes of this height are missed, nothing else.
        }
    }

    private bool IsProposalComplete()
    {
        if (Proposal is null || ProposalBlock is null) return false;
        return Proposal.PolRound < 0 || Votes.Prevotes(Proposal.PolRound)?.Majority is not null;
    }

    private void SetValid(int round) => (ValidRound, ValidBlock) = (round, ProposalBlock);

    /// <summary>Waits for the block of an id unless its parts are expected already.</summary>
    private void Expect(BlockID id)
    {
        if (id.PartSetHeader.Equals(ExpectedParts)) return;
        ProposalBlock = null;
        ExpectedParts = id.PartSetHeader;
    }

    private long MaximumParts() => (ParameterRules.BlockBytes(State.Parameters) - 1) / PartSet.PartSize + 1;
}
