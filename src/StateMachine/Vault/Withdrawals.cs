using System;
using System.Collections.Immutable;
using AppChain.Margin;

namespace AppChain.StateMachine;

/// <summary>
/// Collateral that goes out, up to its admission (VAULT-7, VAULT-8, VAULT-10): request, timelock, cancel, veto, caps
/// and gate. The release itself is <see cref="Releases"/>.
/// </summary>
internal sealed class Withdrawals
{
    private const int ExaminedPerBlockMax = 32;
    private const int ExpiredPerBlockMax = 32;

    private readonly State _state;
    private readonly Flows _flows;

    /// <summary>Withdrawals of a state.</summary>
    public Withdrawals(State state, Flows flows)
    {
        _state = state;
        _flows = flows;
    }

    /// <summary>
    /// Queues an amount that has left the collateral of an account. VaultClosed, InvalidDestination,
    /// WithdrawalAboveCap or TooManyWithdrawals when it may not.
    /// </summary>
    public ResultCode Request(int account, long amount, WithdrawalDestination? content, BlockContext context)
    {
        if (_state.Vault.Count == 0)
        {
            return ResultCode.VaultClosed;
        }

        if (content is null || content.Destination.Length is < 1 or > WithdrawalDestination.BytesMax)
        {
            return ResultCode.InvalidDestination;
        }

        VaultTerms terms = _state.Vault.Read(0).Terms;
        if (amount > terms.OwnerCap)
        {
            return ResultCode.WithdrawalAboveCap;
        }

        Address owner = _state.Accounts.Read(account).Id.Owner;
        FlowRow own = _flows.Of(owner);
        if (own.Open >= Flows.OpenMax)
        {
            return ResultCode.TooManyWithdrawals;
        }

        // The size grows with all that is on its way, so that parts wait as long as the whole.
        long seconds = VaultTerms.SecondsOf(terms.Tiers, own.SizeAt(context.Time) + amount);
        long ready = context.Time + (seconds * Councils.Second);
        ref CounterRow counters = ref _state.Counters.Write(0);
        var row = new WithdrawalRow
        {
            Id = counters.NextWithdrawal++,
            Account = account,
            State = WithdrawalState.Waiting,
            Amount = amount,
            Destination = content.Destination,
            RequestedTime = context.Time,
            ReadyTime = ready,
            DueTime = ready,
            Signatures = [],
        };
        _state.Withdrawals.Add(row);
        _state.WaitingWithdrawals.Add(ready, row.Id);
        _state.Pool.Write(0).Leaving += amount;
        _flows.Requested(owner, amount);
        Emit(EventKind.WithdrawalRequested, row, ready, context);
        return ResultCode.Ok;
    }

    /// <summary>The owner takes back a withdrawal that was never admitted.</summary>
    public ResultCode Cancel(int account, ulong id, BlockContext context)
    {
        if (!_state.Withdrawals.TryFind(id, out int slot) || _state.Withdrawals.Read(slot).Account != account)
        {
            return ResultCode.UnknownWithdrawal;
        }

        ref readonly WithdrawalRow row = ref _state.Withdrawals.Read(slot);
        if (row.State != WithdrawalState.Waiting || row.Sequence != 0)
        {
            return ResultCode.WithdrawalNotWaiting;
        }

        Return(slot, WithdrawalState.Cancelled, context);
        return ResultCode.Ok;
    }

    /// <summary>
    /// A guardian vetoes a withdrawal. With the last veto the collateral of one that waits goes back at once, that of
    /// one that is admitted when its admission expires: until then others may sign it.
    /// </summary>
    public ResultCode Veto(Address signer, ulong id, BlockContext context)
    {
        ResultCode code = Councils.Find(_state, CouncilKind.Guardians, signer, out int council, out int guardian);
        if (code != ResultCode.Ok)
        {
            return code;
        }

        if (!_state.Withdrawals.TryFind(id, out int slot))
        {
            return ResultCode.UnknownWithdrawal;
        }

        if (_state.Withdrawals.Read(slot).State == WithdrawalState.Released)
        {
            return ResultCode.WithdrawalNotWaiting;
        }

        ref readonly CouncilRow guardians = ref _state.Councils.Read(council);
        ref WithdrawalRow row = ref _state.Withdrawals.Write(slot);
        if (row.CouncilVersion != guardians.Version)
        {
            // An admission is for the guardians of its version: those of now are asked with the next one.
            if (row.State == WithdrawalState.Releasable)
            {
                return ResultCode.WithdrawalNotWaiting;
            }

            row.CouncilVersion = guardians.Version;
            row.Vetoes = 0;
        }

        if ((row.Vetoes >> guardian & 1) != 0)
        {
            return ResultCode.AlreadyVoted;
        }

        row.Vetoes |= (ushort)(1 << guardian);
        int vetoes = CouncilRow.Count(row.Vetoes);
        Emit(EventKind.WithdrawalVetoed, row, vetoes, context);

        if (row.State == WithdrawalState.Waiting && IsStopped(row))
        {
            Return(slot, WithdrawalState.Vetoed, context);
        }

        return ResultCode.Ok;
    }

    // One that was admitted may have been paid on the other side by signatures that never came here: to say that it was
    // not takes as many guardians as to say that it may be.
    private bool IsStopped(in WithdrawalRow row)
    {
        ref readonly CouncilRow guardians = ref _state.CouncilOf(CouncilKind.Guardians);
        int needed = row.Sequence == 0
            ? guardians.Terms.VetoThreshold
            : Math.Max(guardians.Terms.VetoThreshold, guardians.Terms.Threshold);
        return row.CouncilVersion == guardians.Version && CouncilRow.Count(row.Vetoes) >= needed;
    }

    /// <summary>
    /// After the last liquidations of a block: admissions that expired wait again, and what is due is admitted while
    /// the gate is open and the caps allow.
    /// </summary>
    public void Step(BlockContext context)
    {
        // BOUND: a few a block; the rest is due in the next one.
        for (int i = 0; i < ExpiredPerBlockMax && _state.AdmittedWithdrawals.TryPeek(context.Time, out ulong id); i++)
        {
            Expire(id, context);
        }

        if (!_state.WaitingWithdrawals.TryPeek(context.Time, out _) || !WithdrawalGate.IsOpen(_state, context))
        {
            return;
        }

        // BOUND: a few a block; the rest is due in the next one. One that a cap stops is looked at again when the hour
        // changes, and does not stand in the way of others.
        for (int i = 0; i < ExaminedPerBlockMax && _state.WaitingWithdrawals.TryPeek(context.Time, out ulong id); i++)
        {
            Examine(id, context);
        }
    }

    private void Expire(ulong id, BlockContext context)
    {
        bool found = _state.Withdrawals.TryFind(id, out int slot);
        Invariant.Assert(found);
        ref readonly WithdrawalRow row = ref _state.Withdrawals.Read(slot);
        _state.AdmittedWithdrawals.Remove(row.DueTime, id);
        if (row.State == WithdrawalState.Released)
        {
            _state.Withdrawals.Remove(slot);
            return;
        }

        Invariant.Assert(row.State == WithdrawalState.Releasable);
        Emit(EventKind.WithdrawalExpired, row, row.Expiry, context);
        ref WithdrawalRow waiting = ref _state.Withdrawals.Write(slot);
        waiting.State = WithdrawalState.Waiting;
        waiting.DueTime = context.Time;
        waiting.Signers = 0;
        waiting.Signatures = [];
        _state.WaitingWithdrawals.Add(context.Time, id);
        _flows.Expired(OwnerOf(waiting), waiting.Amount);
        if (IsStopped(waiting))
        {
            Return(slot, WithdrawalState.Vetoed, context);
        }
    }

    private void Examine(ulong id, BlockContext context)
    {
        bool found = _state.Withdrawals.TryFind(id, out int slot);
        Invariant.Assert(found);
        ref WithdrawalRow row = ref _state.Withdrawals.Write(slot);
        _state.WaitingWithdrawals.Remove(row.DueTime, id);
        VaultTerms terms = _state.Vault.Read(0).Terms;
        Address owner = OwnerOf(row);
        if (!Fits(_flows.Of(owner), row.Amount, terms.OwnerCap, context)
            || !Fits(_flows.Of(default), row.Amount, terms.TotalCap, context))
        {
            row.DueTime = Councils.NextHour(context.Time);
            _state.WaitingWithdrawals.Add(row.DueTime, id);
            return;
        }

        row.State = WithdrawalState.Releasable;
        row.Sequence = _state.Counters.Write(0).NextSequence++;
        row.Expiry = context.Time + (terms.ReleaseExpirySeconds * Councils.Second);
        row.DueTime = row.Expiry;
        row.CouncilVersion = _state.CouncilOf(CouncilKind.Guardians).Version;
        row.Vetoes = 0;
        row.Signers = 0;
        row.Signatures = [];
        _state.AdmittedWithdrawals.Add(row.DueTime, id);
        _flows.Admitted(owner, row.Amount);
        Emit(EventKind.WithdrawalAdmitted, row, row.Expiry, context);
    }

    private static bool Fits(in FlowRow flow, long amount, long cap, BlockContext context) =>
        flow.Admitted + flow.NetAt(context.Time) + amount <= cap;

    private void Return(int slot, WithdrawalState end, BlockContext context)
    {
        WithdrawalRow row = _state.Withdrawals.Read(slot);
        _state.WaitingWithdrawals.Remove(row.DueTime, row.Id);
        _state.Withdrawals.Remove(slot);
        _state.Pool.Write(0).Leaving -= row.Amount;
        _flows.Returned(OwnerOf(row), row.Amount);
        Settlement.AddCollateral(_state, context, row.Account, row.Amount);
        context.Emit(new ExchangeEvent
        {
            Kind = EventKind.WithdrawalClosed,
            Account = row.Account,
            Counterparty = -1,
            OrderId = row.Id,
            Amount = row.Amount,
            Reason = (byte)end,
        });
    }

    private Address OwnerOf(in WithdrawalRow row) => _state.Accounts.Read(row.Account).Id.Owner;

    /// <summary>Emits an event about a withdrawal, with an amount of its own.</summary>
    public static void Emit(EventKind kind, in WithdrawalRow row, long detail, BlockContext context) =>
        context.Emit(new ExchangeEvent
        {
            Kind = kind,
            Account = row.Account,
            Counterparty = -1,
            OrderId = row.Id,
            ClientId = row.Sequence,
            Amount = row.Amount,
            Amount2 = detail,
            Data = row.Destination.AsSpan().ToArray(),
        });
}
