using System;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.InteropServices;
using AppChain.Margin;
using AppChain.StateMachine;

namespace AppChain.Simulation;

/// <summary>
/// What must be true of the rows after every block, worked out the slow way, row by row. Sums that leave 128 bits are a
/// failure too.
/// </summary>
internal static class Beliefs
{
    private const long Million = 1_000_000;

    /// <summary>Checks the rows after a block.</summary>
    /// <exception cref="Violation">One does not hold.</exception>
    public static void Check(Rows rows, long height)
    {
        List<MarketRow> markets = rows.Of<uint, MarketRow>();
        ReadOnlySpan<PositionRow> positions = CollectionsMarshal.AsSpan(rows.Of<PositionKey, PositionRow>());
        ReadOnlySpan<OrderRow> orders = CollectionsMarshal.AsSpan(rows.Of<ulong, OrderRow>());
        ChainRow chain = rows.Of<SingleKey, ChainRow>().Single();
        if (chain.Height != height) throw new Violation("rows", $"the rows are of height {chain.Height}, not {height}");
        CheckConservation(rows, markets, positions, height);
        CheckBooks(markets, orders, chain, height);
        CheckLiquidations(rows, markets, positions, chain.Time, height);
    }

    // I1, I2, I6.
    private static void CheckConservation(
        Rows rows, List<MarketRow> markets, ReadOnlySpan<PositionRow> positions, long height)
    {
        PoolRow pool = rows.Of<SingleKey, PoolRow>().Single();
        Int128 claims = 0;
        foreach (AccountRow account in rows.Of<AccountId, AccountRow>()) claims += account.Collateral;
        foreach (ref readonly PositionRow position in positions) claims -= position.EntryNotional;
        foreach (MarketRow market in markets) claims += market.FundingClearing;
        if (claims != pool.Claims)
            throw new Violation("conservation", height, $"claims {pool.Claims}, in fact {claims}");
        if (pool.Held != pool.Claims + pool.InsuranceFund + pool.Fees + pool.Leaving)
            throw new Violation("conservation", height, $"held {pool.Held} is not claims + fund + fees + leaving");
        if (pool.InsuranceFund < 0) throw new Violation("conservation", height, "the insurance fund is negative");
        foreach (MarketRow market in markets)
        {
            uint id = market.Parameters.MarketId;
            Int128 sum = 0;
            Int128 longs = 0;
            foreach (ref readonly PositionRow position in positions)
            {
                if (position.Market != id) continue;
                sum += position.Size;
                longs += Math.Max(0, position.Size);
            }
            if (sum != 0) throw new Violation("conservation", height, $"sizes of market {id} sum to {sum}");
            if (longs != market.OpenInterest)
                throw new Violation("conservation", height, $"open interest of market {id} is not the sum of longs");
        }
    }

    // I7, and that no order is in the book that should have left it.
    private static void CheckBooks(
        List<MarketRow> markets, ReadOnlySpan<OrderRow> orders, ChainRow chain, long height)
    {
        int inBooks = 0;
        foreach (MarketRow market in markets)
        {
            uint id = market.Parameters.MarketId;
            long bid = 0;
            long ask = long.MaxValue;
            foreach (ref readonly OrderRow order in orders)
            {
                if (order.Market != id) continue;
                if (order.Side == Side.Buy) bid = Math.Max(bid, order.Price);
                if (order.Side == Side.Sell) ask = Math.Min(ask, order.Price);
                inBooks++;
            }
            if (bid >= ask) throw new Violation("crossed book", height, $"market {id}: bid {bid}, ask {ask}");
        }
        if (inBooks != orders.Length) throw new Violation("book", height, "an order is in the book of no market");
        foreach (ref readonly OrderRow order in orders)
        {
            if (order.Quantity <= 0 || order.Quantity > order.OriginalQuantity || order.OrderId >= chain.NextOrderId)
                throw new Violation("book", height, $"order {order.OrderId} of {order.Quantity} lots cannot be");
            if (order.GoodTilHeight != 0 && order.GoodTilHeight < height)
                throw new Violation("book", height, $"order {order.OrderId} was good til {order.GoodTilHeight}");
        }
    }

    // I5, both ways: whoever is below maintenance margin or owes has a record, and nobody else has.
    private static void CheckLiquidations(
        Rows rows, List<MarketRow> markets, ReadOnlySpan<PositionRow> positions, long time, long height)
    {
        Dictionary<uint, MarketRow> byId = markets.ToDictionary(market => market.Parameters.MarketId);
        Dictionary<uint, OracleRow> oracles = rows.Of<uint, OracleRow>().ToDictionary(oracle => oracle.Market);
        List<LiquidationRow> records = rows.Of<int, LiquidationRow>();
        foreach (AccountRow account in rows.Of<AccountId, AccountRow>())
        {
            Int128 equity = account.Collateral;
            Int128 maintenance = 0;
            bool holds = false;
            foreach (ref readonly PositionRow position in positions)
            {
                if (position.Account != account.Number || position.Size == 0) continue;
                holds = true;
                MarketRow market = byId[position.Market];
                Valuation valuation = OracleUpdate.ValuationOf(market, oracles[position.Market], time);
                long best = position.Size > 0 ? valuation.High : valuation.Low;
                Int128 value = market.Parameters.TickLotValue;
                Int128 owed = (market.FundingIndex - position.FundingIndex) * position.Size;
                equity += (value * best * position.Size) - position.EntryNotional;
                equity -= Ceiling(owed, Int128.One << 32);
                maintenance += Maintenance(market.Parameters, value * valuation.Mark * Math.Abs(position.Size));
            }
            bool mustBeRecorded = (maintenance > 0 && equity < maintenance) || (!holds && account.Collateral < 0);
            if (mustBeRecorded != IsRecorded(records, account.Number))
            {
                throw new Violation("liquidation", height,
                    $"account {account.Number} has equity {equity} and maintenance "
                    + $"margin {maintenance}, and {(mustBeRecorded ? "no" : "still a")} liquidation record");
            }
        }
    }

    private static bool IsRecorded(List<LiquidationRow> records, int account)
    {
        foreach (LiquidationRow record in records)
        {
            if (record.Account == account) return true;
        }
        return false;
    }

    private static Int128 Maintenance(MarketParameters parameters, Int128 notional)
    {
        Int128 scaled = 0;
        for (int i = 0; i < parameters.Tiers.Length; i++)
        {
            Int128 from = parameters.Tiers[i].NotionalFrom;
            Int128 to = i + 1 < parameters.Tiers.Length ? parameters.Tiers[i + 1].NotionalFrom : notional;
            Int128 part = Int128.Min(notional, to) - from;
            if (part > 0) scaled += part * parameters.Tiers[i].MaintenancePpm;
        }
        return Ceiling(scaled, Million);
    }

    /// <summary>The quotient, rounded up.</summary>
    public static Int128 Ceiling(Int128 amount, Int128 divisor)
    {
        (Int128 quotient, Int128 rest) = Int128.DivRem(amount, divisor);
        return rest > 0 ? quotient + 1 : quotient;
    }
}
