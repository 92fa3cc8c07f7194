using System;
using AppChain.Margin;

namespace AppChain.StateMachine;

/// <summary>
/// I11: whatever guardians and treasurers brought about in a block had its threshold, its timelock and its limit. Looks
/// at the rows as the block leaves them, for each event that says that something was done.
/// </summary>
internal static class VaultInvariants
{
    /// <summary>Checks every administrative event of a block.</summary>
    public static void Check(State state, BlockContext context)
    {
        foreach (ExchangeEvent happened in context.Events)
        {
            switch (happened.Kind)
            {
                case EventKind.DepositCredited:
                    CheckCredited(state, new Sha256Digest(happened.Data));
                    break;
                case EventKind.WithdrawalAdmitted:
                    CheckAdmitted(state, happened.OrderId, context);
                    break;
                case EventKind.WithdrawalReleased:
                    CheckReleased(state, happened.OrderId, context);
                    break;
                case EventKind.TreasurySpent:
                    ref readonly TreasuryRow treasury = ref state.Treasury.Read(0);
                    Invariant.Assert(treasury.Epoch == TreasuryRow.EpochOf(context.Time));

                    // The limit of the epoch is at most twice that at its beginning, and may have been lowered since.
                    Invariant.Assert(treasury.Spent <= 2 * (Int128)treasury.BaseLimit);
                    Invariant.Assert(happened.Amount2 >= 0);
                    break;
                default:
                    break;
            }
        }
    }

    /// <summary>What leaves is what the withdrawals say, of each owner and in all, by visiting every row.</summary>
    public static void CheckEveryRow(State state)
    {
        // ORDER: by slot, which nodes need not share: sums and assertions come out the same in any order.
        var sums = new Sums[state.Flows.SlotCount];
        Sums all = default;
        for (int slot = 0; slot < state.Withdrawals.SlotCount; slot++)
        {
            ref readonly WithdrawalRow row = ref state.Withdrawals.Read(slot);
            if (row.State is WithdrawalState.Waiting or WithdrawalState.Releasable)
            {
                bool found = state.Flows.TryFind(state.Accounts.Read(row.Account).Id.Owner, out int flow);
                Invariant.Assert(found);
                sums[flow].Add(row);
                all.Add(row);
            }
        }

        Invariant.Assert(state.Pool.Read(0).Leaving == all.Waiting + all.Admitted);
        for (int slot = 0; slot < state.Flows.SlotCount; slot++)
        {
            ref readonly FlowRow flow = ref state.Flows.Read(slot);
            if (state.Flows.TryFind(flow.Owner, out int used) && used == slot)
            {
                Sums sum = flow.Owner == default ? all : sums[slot];
                Invariant.Assert(flow.Open == sum.Open);
                Invariant.Assert(flow.Waiting == sum.Waiting);
                Invariant.Assert(flow.Admitted == sum.Admitted);
            }
        }
    }

    private static void CheckCredited(State state, Sha256Digest depositId)
    {
        bool found = state.CreditedDeposits.TryFind(depositId, out int slot);
        Invariant.Assert(found);
        ref readonly CreditedDepositRow deposit = ref state.CreditedDeposits.Read(slot);
        CheckGuardians(state, deposit.CouncilVersion, deposit.Attestations);
    }

    private static void CheckAdmitted(State state, ulong id, BlockContext context)
    {
        bool found = state.Withdrawals.TryFind(id, out int slot);
        Invariant.Assert(found);
        ref readonly WithdrawalRow row = ref state.Withdrawals.Read(slot);
        Invariant.Assert(row.State == WithdrawalState.Releasable);
        Invariant.Assert(context.Time >= row.ReadyTime);
        VaultTerms terms = state.Vault.Read(0).Terms;
        CheckCap(state, state.Accounts.Read(row.Account).Id.Owner, terms.OwnerCap, context);
        CheckCap(state, default, terms.TotalCap, context);
        Invariant.Assert(WithdrawalGate.IsOpen(state, context));
    }

    private static void CheckReleased(State state, ulong id, BlockContext context)
    {
        bool found = state.Withdrawals.TryFind(id, out int slot);
        Invariant.Assert(found);
        ref readonly WithdrawalRow row = ref state.Withdrawals.Read(slot);
        Invariant.Assert(row.State == WithdrawalState.Released);
        Invariant.Assert(row.Sequence > 0 && context.Time < row.Expiry && context.Time >= row.ReadyTime);
        Invariant.Assert(row.Signatures.Length == CouncilRow.Count(row.Signers) * WithdrawalRow.SignedSize);
        CheckGuardians(state, row.CouncilVersion, row.Signers);
    }

    private static void CheckGuardians(State state, ulong version, ushort votes)
    {
        ref readonly CouncilRow guardians = ref state.CouncilOf(CouncilKind.Guardians);

        // Councils change before the transactions of a block, so the guardians that acted are those at its end.
        Invariant.Assert(guardians.Version == version);
        Invariant.Assert(CouncilRow.Count(votes) >= guardians.Terms.Threshold);
        Invariant.Assert(votes >> guardians.Terms.Members.Length == 0);
    }

    private static void CheckCap(State state, Address owner, long cap, BlockContext context)
    {
        bool found = state.Flows.TryFind(owner, out int slot);
        Invariant.Assert(found);
        ref readonly FlowRow flow = ref state.Flows.Read(slot);
        Invariant.Assert(flow.Admitted + flow.NetAt(context.Time) <= cap);
    }

    // Of one owner, or of all.
    private struct Sums
    {
        public int Open;
        public Int128 Waiting;
        public Int128 Admitted;

        public void Add(in WithdrawalRow row)
        {
            Open++;
            Waiting += row.State == WithdrawalState.Waiting ? row.Amount : 0;
            Admitted += row.State == WithdrawalState.Releasable ? row.Amount : 0;
        }
    }
}
