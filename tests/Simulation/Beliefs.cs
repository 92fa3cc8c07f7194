using System;
using System.Collections.Generic;
using System.Linq;
using System.Numerics;
using AppChain.Margin;
using AppChain.StateMachine;

namespace AppChain.Simulation;

/// <summary>
/// What must be true of the rows after every block, worked out the slow way, with numbers of any size.
/// </summary>
internal static class Beliefs
{
    private const long Million = 1_000_000;

    /// <summary>Checks the rows after a block.</summary>
    /// <exception cref="Violation">One does not hold.</exception>
    public static void Check(Rows rows, long height)
    {
        Dictionary<uint, MarketRow> markets =
            rows.Of<uint, MarketRow>().ToDictionary(market => market.Parameters.MarketId);
        List<PositionRow> positions = rows.Of<PositionKey, PositionRow>();
        List<OrderRow> orders = rows.Of<ulong, OrderRow>();
        ChainRow chain = rows.Of<SingleKey, ChainRow>().Single();
        if (chain.Height != height) throw new Violation("rows", $"the rows are of height {chain.Height}, not {height}");
        CheckConservation(rows, markets, positions, height);
        CheckBooks(orders, chain, height);
        CheckLiquidations(rows, markets, positions, chain.Time, height);
    }

    // I1, I2, I6.
    private static void CheckConservation(
        Rows rows, Dictionary<uint, MarketRow> markets, List<PositionRow> positions, long height)
    {
        PoolRow pool = rows.Of<SingleKey, PoolRow>().Single();
        BigInteger claims = 0;
        foreach (AccountRow account in rows.Of<AccountId, AccountRow>()) claims += account.Collateral;
        foreach (PositionRow position in positions) claims -= position.EntryNotional;
        foreach (MarketRow market in markets.Values) claims += market.FundingClearing;
        if (claims != pool.Claims)
            throw new Violation("conservation", height, $"claims {pool.Claims}, in fact {claims}");
        if (pool.Held != pool.Claims + pool.InsuranceFund + pool.Fees + pool.Leaving)
            throw new Violation("conservation", height, $"held {pool.Held} is not claims + fund + fees + leaving");
        if (pool.InsuranceFund < 0) throw new Violation("conservation", height, "the insurance fund is negative");
        foreach ((uint id, MarketRow market) in markets)
        {
            BigInteger sum = 0;
            BigInteger longs = 0;
            foreach (PositionRow position in positions.Where(position => position.Market == id))
            {
                sum += position.Size;
                longs += Math.Max(0, position.Size);
            }
            if (sum != 0) throw new Violation("conservation", height, $"sizes of market {id} sum to {sum}");
            if (longs != market.OpenInterest)
                throw new Violation("conservation", height, $"open interest of market {id} is not the sum of longs");
        }
    }

    // I7, and that no order is in the book that should have left it.
    private static void CheckBooks(List<OrderRow> orders, ChainRow chain, long height)
    {
        foreach (IGrouping<uint, OrderRow> book in orders.GroupBy(order => order.Market))
        {
            long bid = book.Where(order => order.Side == Side.Buy).Select(order => order.Price).DefaultIfEmpty(0).Max();
            long ask = book.Where(order => order.Side == Side.Sell).Select(order => order.Price)
                .DefaultIfEmpty(long.MaxValue).Min();
            if (bid >= ask) throw new Violation("crossed book", height, $"market {book.Key}: bid {bid}, ask {ask}");
        }
        foreach (OrderRow order in orders)
        {
            if (order.Quantity <= 0 || order.Quantity > order.OriginalQuantity || order.OrderId >= chain.NextOrderId)
                throw new Violation("book", height, $"order {order.OrderId} of {order.Quantity} lots cannot be");
            if (order.GoodTilHeight != 0 && order.GoodTilHeight < height)
                throw new Violation("book", height, $"order {order.OrderId} was good til {order.GoodTilHeight}");
        }
    }

    // I5, both ways: whoever is below maintenance margin or owes has a record, and nobody else has.
    private static void CheckLiquidations(
        Rows rows, Dictionary<uint, MarketRow> markets, List<PositionRow> positions, long time, long height)
    {
        Dictionary<uint, OracleRow> oracles = rows.Of<uint, OracleRow>().ToDictionary(oracle => oracle.Market);
        HashSet<int> recorded = [.. rows.Of<int, LiquidationRow>().Select(row => row.Account)];
        foreach (AccountRow account in rows.Of<AccountId, AccountRow>())
        {
            BigInteger equity = account.Collateral;
            BigInteger maintenance = 0;
            bool holds = false;
            foreach (PositionRow position in positions.Where(item => item.Account == account.Number && item.Size != 0))
            {
                holds = true;
                MarketRow market = markets[position.Market];
                Valuation valuation = OracleUpdate.ValuationOf(market, oracles[position.Market], time);
                long best = position.Size > 0 ? valuation.High : valuation.Low;
                BigInteger value = market.Parameters.TickLotValue;
                BigInteger owed = (BigInteger)(market.FundingIndex - position.FundingIndex) * position.Size;
                equity += (value * best * position.Size) - (BigInteger)position.EntryNotional;
                equity -= Ceiling(owed, BigInteger.One << 32);
                maintenance += Maintenance(market.Parameters, value * valuation.Mark * Math.Abs(position.Size));
            }
            bool mustBeRecorded = (maintenance > 0 && equity < maintenance) || (!holds && account.Collateral < 0);
            if (mustBeRecorded != recorded.Contains(account.Number))
            {
                throw new Violation("liquidation", height,
                    $"account {account.Number} has equity {equity} and maintenance "
                    + $"margin {maintenance}, and {(mustBeRecorded ? "no" : "still a")} liquidation record");
            }
        }
    }

    private static BigInteger Maintenance(MarketParameters parameters, BigInteger notional)
    {
        BigInteger scaled = 0;
        for (int i = 0; i < parameters.Tiers.Length; i++)
        {
            BigInteger from = parameters.Tiers[i].NotionalFrom;
            BigInteger to = i + 1 < parameters.Tiers.Length ? parameters.Tiers[i + 1].NotionalFrom : notional;
            BigInteger part = BigInteger.Min(notional, to) - from;
            if (part > 0) scaled += part * parameters.Tiers[i].MaintenancePpm;
        }
        return Ceiling(scaled, Million);
    }

    /// <summary>The quotient, rounded up.</summary>
    public static BigInteger Ceiling(BigInteger amount, BigInteger divisor)
    {
        BigInteger quotient = BigInteger.DivRem(amount, divisor, out BigInteger rest);
        return rest > 0 ? quotient + 1 : quotient;
    }
}
