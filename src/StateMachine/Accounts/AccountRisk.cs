using System;
using AppChain.Margin;

namespace AppChain.StateMachine;

/// <summary>Evaluates the risk of an account exactly, as it is or as it would be after a change.</summary>
internal static class AccountRisk
{
    /// <summary>Risk of the account as it is.</summary>
    public static Risk Of(State state, BlockContext context, int account)
    {
        ref readonly AccountRow row = ref state.Accounts.Read(account);
        var risk = new Risk(row.Collateral);
        // BOUND: at most Limits.MarketsMax positions of an account.
        for (int slot = row.FirstPosition; slot >= 0; slot = state.Positions.Read(slot).Next)
        {
            ref readonly PositionRow position = ref state.Positions.Read(slot);
            int marketSlot = state.MarketSlot(position.Market);
            Add(ref risk, state, context, marketSlot, position, state.Markets.Read(marketSlot).OpenInterest);
        }

        return risk;
    }

    /// <summary>True when the account owes collateral and has no position left that could still earn it.</summary>
    public static bool IsDebtor(State state, int account)
    {
        ref readonly AccountRow row = ref state.Accounts.Read(account);
        if (row.Collateral >= 0)
        {
            return false;
        }

        // BOUND: at most Limits.MarketsMax positions of an account.
        for (int slot = row.FirstPosition; slot >= 0; slot = state.Positions.Read(slot).Next)
        {
            if (state.Positions.Read(slot).Size != 0)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>
    /// Risk of the account if its position in one market were <paramref name="changed"/> (which has settled funding),
    /// its collateral <paramref name="collateral"/> and the open interest of that market as given.
    /// </summary>
    public static Risk After(
        State state, BlockContext context, int account, int marketSlot, in PositionRow changed, Int128 collateral,
        long openInterest)
    {
        var risk = new Risk(collateral);
        Add(ref risk, state, context, marketSlot, changed, openInterest);
        // BOUND: at most Limits.MarketsMax positions of an account.
        for (int slot = state.Accounts.Read(account).FirstPosition; slot >= 0; slot = state.Positions.Read(slot).Next)
        {
            ref readonly PositionRow position = ref state.Positions.Read(slot);
            if (position.Market == changed.Market)
            {
                continue;
            }

            int other = state.MarketSlot(position.Market);
            Add(ref risk, state, context, other, position, state.Markets.Read(other).OpenInterest);
        }

        return risk;
    }

    private static void Add(
        ref Risk risk, State state, BlockContext context, int marketSlot, in PositionRow position, long openInterest)
    {
        ref readonly MarketRow market = ref state.Markets.Read(marketSlot);
        Valuation valuation = context.Valuations[marketSlot];
        if (valuation.Mark == 0)
        {
            // No price yet: nothing has traded, so there is nothing to value.
            Invariant.Assert(position.Size == 0);
            return;
        }

        Int128 owed = position.FundingIndex == market.FundingIndex
            ? 0
            : FundingPayment.Owed(position.Size, market.FundingIndex, position.FundingIndex, out _);
        risk.Add(
            market.Parameters,
            valuation,
            position.Size,
            position.EntryNotional,
            owed,
            position.OpenBuys,
            position.OpenSells,
            Requirement.OpenInterestScalePpm(market.Parameters, openInterest, valuation.Mark));
    }
}
