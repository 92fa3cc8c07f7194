using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using AppChain.Margin;

namespace AppChain.StateMachine;

/// <summary>
/// The last step out (VAULT-9): guardians sign an admitted withdrawal, and with the last signature the collateral has
/// left. The signatures themselves were verified with those of the transactions.
/// </summary>
internal sealed class Releases
{
    private readonly State _state;
    private readonly Flows _flows;

    /// <summary>Releases of a state.</summary>
    public Releases(State state, Flows flows)
    {
        _state = state;
        _flows = flows;
    }

    /// <summary>Adds the signature of a guardian to the release that it signed.</summary>
    public ResultCode Sign(Address signer, ReleaseSignature content, BlockContext context)
    {
        ResultCode code = Councils.Find(_state, CouncilKind.Guardians, signer, out int council, out int guardian);
        if (code != ResultCode.Ok)
        {
            return code;
        }

        if (!_state.Withdrawals.TryFind(content.Release.Id, out int slot))
        {
            return ResultCode.UnknownWithdrawal;
        }

        ref readonly WithdrawalRow asked = ref _state.Withdrawals.Read(slot);
        if (asked.State != WithdrawalState.Releasable)
        {
            return ResultCode.WithdrawalNotReleasable;
        }

        ref readonly CouncilRow guardians = ref _state.Councils.Read(council);
        if (!content.Release.Matches(asked.Release) || asked.CouncilVersion != guardians.Version)
        {
            return ResultCode.ReleaseMismatch;
        }

        if (context.Time >= asked.Expiry)
        {
            return ResultCode.ReleaseExpired;
        }

        if ((asked.Signers >> guardian & 1) != 0)
        {
            return ResultCode.AlreadyVoted;
        }

        ref WithdrawalRow row = ref _state.Withdrawals.Write(slot);
        int before = CouncilRow.Count((ushort)(row.Signers & ((1 << guardian) - 1)));
        row.Signers |= (ushort)(1 << guardian);
        int at = before * WithdrawalRow.SignedSize;
        row.Signatures = row.Signatures
            .InsertRange(at, content.Signature)
            .InsertRange(at, guardians.Terms.Members[guardian]);
        int signatures = CouncilRow.Count(row.Signers);
        Withdrawals.Emit(EventKind.WithdrawalSigned, row, signatures, context);
        if (signatures >= guardians.Terms.Threshold)
        {
            Complete(slot, context);
        }

        return ResultCode.Ok;
    }

    /// <summary>
    /// Drops the signatures of every admission that waits for more: they name the chain id, so under another one they
    /// complete no release that proves itself.
    /// </summary>
    public static void ForgetSignatures(State state)
    {
        foreach (int slot in state.Withdrawals.SlotsInKeyOrder(Comparer<ulong>.Default))
        {
            if (state.Withdrawals.Read(slot) is { State: WithdrawalState.Releasable, Signers: not 0 })
            {
                ref WithdrawalRow row = ref state.Withdrawals.Write(slot);
                row.Signers = 0;
                row.Signatures = [];
            }
        }
    }

    private void Complete(int slot, BlockContext context)
    {
        ref WithdrawalRow row = ref _state.Withdrawals.Write(slot);
        _state.AdmittedWithdrawals.Remove(row.DueTime, row.Id);
        row.State = WithdrawalState.Released;
        row.DueTime = context.Time + Councils.Retention;
        _state.AdmittedWithdrawals.Add(row.DueTime, row.Id);
        ref PoolRow pool = ref _state.Pool.Write(0);
        pool.Held -= row.Amount;
        pool.Leaving -= row.Amount;
        Invariant.Assert(pool.Leaving >= 0);
        _flows.Released(_state.Accounts.Read(row.Account).Id.Owner, row.Amount, context.Time);
        Withdrawals.Emit(EventKind.WithdrawalReleased, row, CouncilRow.Count(row.Signers), context);
    }
}
