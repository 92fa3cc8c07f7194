using System;
using System.Collections.Generic;
using AppChain.Margin;
using AppChain.StateMachine;

namespace AppChain.Node;

/// <summary>
/// The margin test of a new order, made by a client from the answers of a node with the chain's own formulas. An
/// estimate: prices, positions and open interest may have moved when the order arrives, and fees and the price of an
/// immediate fill are left out.
/// </summary>
public sealed class MarginEstimate
{
    private readonly V1.AccountResponse _account;
    private readonly IReadOnlyDictionary<uint, V1.Market> _markets;

    /// <summary>Estimates for an account.</summary>
    /// <param name="account">The answer of /account.</param>
    /// <param name="markets">The answer of /markets, by number.</param>
    public MarginEstimate(V1.AccountResponse account, IReadOnlyDictionary<uint, V1.Market> markets)
    {
        _account = account.Clone();
        _markets = markets;
    }

    /// <summary>Counts an order as open from now on.</summary>
    public void Assume(uint market, Side side, long lots)
    {
        V1.Position position = PositionIn(market);
        position.OpenBuys += side == Side.Buy ? (ulong)lots : 0;
        position.OpenSells += side == Side.Sell ? (ulong)lots : 0;
    }

    /// <summary>
    /// Initial margin (micro-USD) that positions and open orders would need if these lots more were open on one side of
    /// a market, and the equity at adverse prices that there is.
    /// </summary>
    public (Int128 Needed, Int128 Available) WithOrder(uint market, Side side, long lots)
    {
        var risk = new Risk(DecimalText.ParseAmount(_account.Collateral));
        V1.Position changed = PositionIn(market);
        foreach (V1.Position position in _account.Positions)
        {
            if (_markets.TryGetValue(position.Market, out V1.Market? its))
            {
                Add(ref risk, its, position, side, ReferenceEquals(position, changed) ? lots : 0);
            }
        }

        return (risk.InitialWithOrders, risk.EquityLow);
    }

    /// <summary>Most lots, up to a number, that pass the test; 0 when none do.</summary>
    public long LargestQuantity(uint market, Side side, long highest)
    {
        long passes = 0;
        long fails = highest + 1;
        // BOUND: halves the range each turn.
        while (fails - passes > 1)
        {
            long middle = passes + ((fails - passes) / 2);
            (Int128 needed, Int128 available) = WithOrder(market, side, middle);
            if (needed <= available)
            {
                passes = middle;
            }
            else
            {
                fails = middle;
            }
        }

        return passes;
    }

    private V1.Position PositionIn(uint market)
    {
        foreach (V1.Position position in _account.Positions)
        {
            if (position.Market == market)
            {
                return position;
            }
        }

        var empty = new V1.Position { Market = market, EntryNotional = "0", FundingOwed = "0" };
        _account.Positions.Add(empty);
        return empty;
    }

    private static void Add(ref Risk risk, V1.Market market, V1.Position position, Side side, long lots)
    {
        MarketParameters parameters = market.ToParameters();
        long mark = (long)market.MarkPrice;
        risk.Add(
            parameters,
            new Valuation((long)market.MarkLow, mark, (long)market.MarkHigh),
            position.Size,
            DecimalText.ParseAmount(position.EntryNotional),
            DecimalText.ParseAmount(position.FundingOwed),
            (long)position.OpenBuys + (side == Side.Buy ? lots : 0),
            (long)position.OpenSells + (side == Side.Sell ? lots : 0),
            Requirement.OpenInterestScalePpm(parameters, (long)market.OpenInterest, mark));
    }
}
