using System;
using AppChain.Margin;

namespace AppChain.StateMachine;

/// <summary>
/// Step 12 of a block: what must be true after every block. The cheap part costs nothing and always runs; the full scan
/// visits every row and proves that the running sums are what they claim to be.
/// </summary>
internal static class Conservation
{
    /// <summary>I1, I6 and I7 from sums and best prices.</summary>
    public static void Check(State state)
    {
        ref readonly PoolRow pool = ref state.Pool.Read(0);
        Invariant.Assert(pool.Held == pool.Claims + pool.InsuranceFund + pool.Fees + pool.Leaving);
        Invariant.Assert(pool.InsuranceFund >= 0);
        Invariant.Assert(pool.Leaving >= 0);
        for (int slot = 0; slot < state.Books.Count; slot++)
        {
            long bid = state.Books[slot].Bids.BestPrice;
            long ask = state.Books[slot].Asks.BestPrice;
            Invariant.Assert(bid == 0 || ask == 0 || bid < ask);
        }
    }

    /// <summary>I1, I2, I3, I5 and the derived links and sums, by visiting every row.</summary>
    public static void CheckEveryRow(State state, BlockContext context)
    {
        Int128 claims = 0;
        var sizes = new Int128[state.Books.Count];
        var longs = new Int128[state.Books.Count];
        var unsettled = new Int128[state.Books.Count];
        int positions = 0;
        int resting = 0;
        for (int account = 0; account < state.Accounts.Count; account++)
        {
            claims += state.Accounts.Read(account).Collateral;
            for (int slot = state.Accounts.Read(account).FirstPosition; slot >= 0;
                slot = state.Positions.Read(slot).Next)
            {
                ref readonly PositionRow position = ref state.Positions.Read(slot);
                Invariant.Assert(position.Account == account);
                int market = state.MarketSlot(position.Market);
                claims -= position.EntryNotional;
                sizes[market] += position.Size;
                longs[market] += Math.Max(position.Size, 0);
                unsettled[market] += Arithmetic.Multiply(
                    state.Markets.Read(market).FundingIndex - position.FundingIndex, position.Size);
                Invariant.Assert(position.Size != 0 || position.OrderCount > 0);
                Invariant.Assert(position.Size != 0 || position.EntryNotional == 0);
                positions++;
                resting += CheckOrders(state, position);
            }

            if (AccountRisk.Of(state, context, account).IsLiquidatable || AccountRisk.IsDebtor(state, account))
            {
                Invariant.Assert(state.Liquidations.TryFind(account, out _));
            }
        }

        // Every position is linked to its account, and every order to its position.
        Invariant.Assert(positions == state.Positions.Count);
        Invariant.Assert(resting == state.Orders.Count);
        for (int market = 0; market < state.Books.Count; market++)
        {
            ref readonly MarketRow row = ref state.Markets.Read(market);
            claims += row.FundingClearing;
            Invariant.Assert(sizes[market] == 0);
            Invariant.Assert(longs[market] == row.OpenInterest);

            // Funding nets to zero: what has been collected and not paid out is what is still owed to positions, plus
            // dust.
            Invariant.Assert(
                (row.FundingClearing << MarketRow.FundingScaleBits) + unsettled[market] == row.FundingDust);
        }

        Invariant.Assert(claims == state.Pool.Read(0).Claims);
        VaultInvariants.CheckEveryRow(state);
    }

    /// <summary>I10: while withdrawals are open nobody owes, by visiting every account.</summary>
    public static void CheckWithdrawalGate(State state, BlockContext context)
    {
        for (int account = 0; context.WithdrawalsOpen && account < state.Accounts.Count; account++)
        {
            Invariant.Assert(!AccountRisk.IsDebtor(state, account));
            Invariant.Assert(AccountRisk.Of(state, context, account).EquityHigh >= 0);
        }
    }

    // The orders of a position, and the sums over them; returns how many there are.
    private static int CheckOrders(State state, in PositionRow position)
    {
        long buys = 0;
        long sells = 0;
        long reducing = 0;
        int count = 0;
        for (int order = position.FirstOrder; order >= 0; order = state.Orders.Read(order).AccountNext)
        {
            ref readonly OrderRow row = ref state.Orders.Read(order);
            Invariant.Assert(row.Account == position.Account);
            Invariant.Assert(row.Market == position.Market);
            Invariant.Assert(row.Quantity > 0);
            buys += !row.ReduceOnly && row.Side == Side.Buy ? row.Quantity : 0;
            reducing += row.ReduceOnly ? row.Quantity : 0;
            sells += !row.ReduceOnly && row.Side == Side.Sell ? row.Quantity : 0;
            count++;
        }

        Invariant.Assert(buys == position.OpenBuys);
        Invariant.Assert(sells == position.OpenSells);
        Invariant.Assert(reducing == position.OpenReducing);
        Invariant.Assert(count == position.OrderCount);
        return count;
    }
}
