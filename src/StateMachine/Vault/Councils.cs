using System;
using AppChain.Margin;

namespace AppChain.StateMachine;

/// <summary>
/// The one mechanism by which councils decide (docs/spec/vault.md, VAULT-1 to VAULT-4): a member proposes, others
/// approve, the timelock runs, members may veto, and the block whose time has come executes.
/// </summary>
internal sealed class Councils
{
    /// <summary>Nanoseconds of a second.</summary>
    public const long Second = 1_000_000_000;

    /// <summary>Nanoseconds for which a proposal waits for approvals, and an approved one for its limit.</summary>
    public const long ProposalLife = 7 * AgentRow.DayNanoseconds;

    /// <summary>Nanoseconds for which the row of an executed proposal is kept.</summary>
    public const long Retention = 30 * AgentRow.DayNanoseconds;

    private const int OpenMax = 32;
    private const int OpenPerMemberMax = 8;
    private const int DuePerBlockMax = 16;

    private readonly State _state;
    private readonly ProposalExecution _execution;

    /// <summary>Councils of a state.</summary>
    public Councils(State state)
    {
        _state = state;
        _execution = new ProposalExecution(state);
    }

    /// <summary>True when the signer is a member of any council now.</summary>
    public static bool IsMember(State state, Address signer) =>
        Find(state, CouncilKind.Guardians, signer, out _, out _) == ResultCode.Ok
        || Find(state, CouncilKind.Treasurers, signer, out _, out _) == ResultCode.Ok;

    /// <summary>Slot of a council and number of a member of it: NotCouncilMember when the signer is none.</summary>
    public static ResultCode Find(State state, CouncilKind kind, Address signer, out int council, out int member)
    {
        member = -1;
        if (state.Councils.TryFind((uint)kind, out council))
        {
            member = state.Councils.Read(council).MemberOf(signer);
        }

        return member >= 0 ? ResultCode.Ok : ResultCode.NotCouncilMember;
    }

    /// <summary>Opens a proposal; the proposer approves it by that.</summary>
    public ResultCode Propose(Address signer, IOperationContent? content, BlockContext context)
    {
        CouncilKind kind = content switch
        {
            VaultPolicy or ConsensusParameters or ValidatorPowers => CouncilKind.Guardians,
            TreasurySpend or TreasuryPolicy => CouncilKind.Treasurers,
            _ => CouncilKind.None,
        };
        ResultCode code = Find(_state, kind, signer, out int council, out int member);
        if (code == ResultCode.Ok)
        {
            code = _execution.Check(content!);
        }

        if (code == ResultCode.Ok && !HasRoom(_state.Councils.Read(council), member))
        {
            code = ResultCode.TooManyProposals;
        }

        if (code != ResultCode.Ok)
        {
            return code;
        }

        ref CounterRow counters = ref _state.Counters.Write(0);
        var row = new ProposalRow
        {
            Id = counters.NextProposal++,
            Council = kind,
            CouncilVersion = _state.Councils.Read(council).Version,
            State = ProposalState.Open,
            Proposer = (byte)member,
            CreatedTime = context.Time,
            DueTime = context.Time + ProposalLife,
            Payload = VaultEncoder.EncodeProposal(content!),
        };
        int slot = _state.Proposals.Add(row);
        _state.DueProposals.Add(row.DueTime, row.Id);
        Emit(EventKind.ProposalOpened, row, signer, 0, context);
        AddApproval(slot, council, member, signer, context);
        return ResultCode.Ok;
    }

    /// <summary>Approves an open proposal; with the last approval its timelock begins.</summary>
    public ResultCode Approve(Address signer, ulong id, BlockContext context)
    {
        ResultCode code = FindProposal(signer, id, out int slot, out int council, out int member);
        if (code != ResultCode.Ok)
        {
            return code;
        }

        ref readonly ProposalRow proposal = ref _state.Proposals.Read(slot);
        if (proposal.State != ProposalState.Open)
        {
            return ResultCode.ProposalNotOpen;
        }

        if ((proposal.Approvals >> member & 1) != 0)
        {
            return ResultCode.AlreadyVoted;
        }

        AddApproval(slot, council, member, signer, context);
        return ResultCode.Ok;
    }

    /// <summary>Vetoes a proposal that is not executed; with the last veto it is gone.</summary>
    public ResultCode Veto(Address signer, ulong id, BlockContext context)
    {
        ResultCode code = FindProposal(signer, id, out int slot, out int council, out int member);
        if (code != ResultCode.Ok)
        {
            return code;
        }

        if (_state.Proposals.Read(slot).State is not (ProposalState.Open or ProposalState.Approved))
        {
            return ResultCode.ProposalNotOpen;
        }

        if ((_state.Proposals.Read(slot).Vetoes >> member & 1) != 0)
        {
            return ResultCode.AlreadyVoted;
        }

        ref ProposalRow proposal = ref _state.Proposals.Write(slot);
        proposal.Vetoes |= (ushort)(1 << member);
        int vetoes = CouncilRow.Count(proposal.Vetoes);
        Emit(EventKind.ProposalVetoed, proposal, signer, vetoes, context);
        if (vetoes >= _state.Councils.Read(council).Terms.VetoThreshold)
        {
            Drop(slot, ProposalState.Vetoed, context);
        }

        return ResultCode.Ok;
    }

    /// <summary>Takes a proposal back before it is approved.</summary>
    public ResultCode Cancel(Address signer, ulong id, BlockContext context)
    {
        ResultCode code = FindProposal(signer, id, out int slot, out _, out int member);
        if (code != ResultCode.Ok)
        {
            return code;
        }

        ref readonly ProposalRow proposal = ref _state.Proposals.Read(slot);
        if (proposal.State != ProposalState.Open)
        {
            return ResultCode.ProposalNotOpen;
        }

        if (proposal.Proposer != member)
        {
            return ResultCode.NotProposer;
        }

        Drop(slot, ProposalState.Cancelled, context);
        return ResultCode.Ok;
    }

    /// <summary>Step 6 of a block: what is due is executed, expires or is forgotten.</summary>
    public void Step(BlockContext context)
    {
        // BOUND: a few a block; the rest is due in the next one.
        for (int i = 0; i < DuePerBlockMax && _state.DueProposals.TryPeek(context.Time, out ulong id); i++)
        {
            bool found = _state.Proposals.TryFind(id, out int slot);
            Invariant.Assert(found);
            switch (_state.Proposals.Read(slot).State)
            {
                case ProposalState.Open:
                    Drop(slot, ProposalState.Expired, context);
                    break;
                case ProposalState.Approved:
                    TryExecute(slot, context);
                    break;
                default:
                    Remove(slot);
                    break;
            }
        }
    }

    private void TryExecute(int slot, BlockContext context)
    {
        ProposalRow proposal = _state.Proposals.Read(slot);
        if (context.Time >= proposal.ReadyTime + ProposalLife)
        {
            Drop(slot, ProposalState.Expired, context);
            return;
        }

        // I11: nothing happens without its threshold and timelock, by the council that voted.
        CouncilRow council = _state.CouncilOf(proposal.Council);
        Invariant.Assert(proposal.CouncilVersion == council.Version && context.Time >= proposal.ReadyTime);
        Invariant.Assert(CouncilRow.Count(proposal.Approvals) >= council.Terms.Threshold);
        Invariant.Assert(CouncilRow.Count(proposal.Vetoes) < council.Terms.VetoThreshold);
        if (!_execution.TryExecute(proposal, context))
        {
            // A limit of this epoch or the balance stands in the way: it is tried again when the hour changes.
            SetDue(slot, NextHour(context.Time));
            return;
        }

        _state.Proposals.Write(slot).State = ProposalState.Executed;
        SetDue(slot, context.Time + Retention);
        EmitClosed(proposal, ProposalState.Executed, context);
        if (_state.CouncilOf(proposal.Council).Version != council.Version)
        {
            DropOpen(proposal.Council, context);
        }
    }

    /// <summary>The block time at which the next hour begins.</summary>
    public static long NextHour(long time) => ((time / FlowRow.HourNanoseconds) + 1) * FlowRow.HourNanoseconds;

    private void AddApproval(int slot, int council, int member, Address signer, BlockContext context)
    {
        ref ProposalRow proposal = ref _state.Proposals.Write(slot);
        CouncilTerms terms = _state.Councils.Read(council).Terms;
        proposal.Approvals |= (ushort)(1 << member);
        int approvals = CouncilRow.Count(proposal.Approvals);
        if (approvals >= terms.Threshold)
        {
            proposal.State = ProposalState.Approved;
            proposal.ApprovedTime = context.Time;
            proposal.ReadyTime = context.Time + (terms.TimelockSeconds * Second);
            SetDue(slot, proposal.ReadyTime);
        }

        Emit(EventKind.ProposalApproved, _state.Proposals.Read(slot), signer, approvals, context);
    }

    private ResultCode FindProposal(Address signer, ulong id, out int slot, out int council, out int member)
    {
        council = -1;
        member = -1;
        if (!_state.Proposals.TryFind(id, out slot))
        {
            return IsMember(_state, signer) ? ResultCode.UnknownProposal : ResultCode.NotCouncilMember;
        }

        ref readonly ProposalRow proposal = ref _state.Proposals.Read(slot);
        ResultCode code = Find(_state, proposal.Council, signer, out council, out member);
        if (code != ResultCode.Ok)
        {
            return code;
        }

        // Only an executed one outlives its council.
        return proposal.CouncilVersion == _state.Councils.Read(council).Version
            ? ResultCode.Ok
            : ResultCode.ProposalNotOpen;
    }

    // Each member has its own share, so that nobody takes the room of another.
    private bool HasRoom(in CouncilRow council, int member)
    {
        int own = 0;
        // BOUND: the open ones have a limit, the executed ones took the approvals of their council.
        foreach (ulong id in _state.DueProposals.Keys())
        {
            _state.Proposals.TryFind(id, out int slot);
            ref readonly ProposalRow row = ref _state.Proposals.Read(slot);
            if (row.Council == council.Council && row.State is ProposalState.Open or ProposalState.Approved)
            {
                own += row.Proposer == member ? 1 : 0;
            }
        }

        return own < Math.Min(OpenPerMemberMax, OpenMax / council.Terms.Members.Length);
    }

    private void DropOpen(CouncilKind kind, BlockContext context)
    {
        foreach (ulong id in _state.DueProposals.Keys())
        {
            _state.Proposals.TryFind(id, out int slot);
            ref readonly ProposalRow row = ref _state.Proposals.Read(slot);
            if (row.Council == kind && row.State is ProposalState.Open or ProposalState.Approved)
            {
                Drop(slot, ProposalState.Superseded, context);
            }
        }
    }

    private void Drop(int slot, ProposalState end, BlockContext context)
    {
        EmitClosed(_state.Proposals.Read(slot), end, context);
        Remove(slot);
    }

    private void Remove(int slot)
    {
        ref readonly ProposalRow proposal = ref _state.Proposals.Read(slot);
        _state.DueProposals.Remove(proposal.DueTime, proposal.Id);
        _state.Proposals.Remove(slot);
    }

    private void SetDue(int slot, long time)
    {
        ref ProposalRow proposal = ref _state.Proposals.Write(slot);
        _state.DueProposals.Remove(proposal.DueTime, proposal.Id);
        proposal.DueTime = time;
        _state.DueProposals.Add(time, proposal.Id);
    }

    private static void Emit(
        EventKind kind, in ProposalRow proposal, Address signer, int votes, BlockContext context) =>
        context.Emit(new ExchangeEvent
        {
            Kind = kind,
            Account = -1,
            Counterparty = -1,
            OrderId = proposal.Id,
            Reason = (byte)proposal.Council,
            Quantity = votes,
            Amount = proposal.ReadyTime,
            Data = signer.ToArray(),
        });

    private static void EmitClosed(in ProposalRow proposal, ProposalState end, BlockContext context) =>
        context.Emit(new ExchangeEvent
        {
            Kind = EventKind.ProposalClosed,
            Account = -1,
            Counterparty = -1,
            OrderId = proposal.Id,
            Reason = (byte)end,
            Quantity = (long)proposal.Council,
        });
}
