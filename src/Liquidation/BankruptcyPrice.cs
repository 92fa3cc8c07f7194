using System;
using AppChain.Margin;

namespace AppChain.Liquidation;

/// <summary>
/// The price at which closing a position uses up exactly the position's share of the account's equity. Equity is
/// shared among the positions by maintenance margin, so closing all of them at their bankruptcy prices leaves nothing
/// (dYdX v4's definition; docs/spec/liquidation.md).
/// </summary>
public static class BankruptcyPrice
{
    /// <summary>
    /// Bankruptcy price in ticks, within 1…PriceMax: for a long, mark − equity × share / lots; for a short, mark + the
    /// same. ROUNDING: in the account's favour (up for a long, down for a short), so that closing at it leaves the
    /// account with no debt that the insurance fund would have to pay.
    /// </summary>
    /// <param name="parameters">Parameters of the market.</param>
    /// <param name="size">Signed lots, not zero.</param>
    /// <param name="mark">Mark price, ticks.</param>
    /// <param name="equity">Equity of the account at mark, micro-USD, may be negative.</param>
    /// <param name="positionMaintenance">Maintenance margin of this position, &gt; 0.</param>
    /// <param name="totalMaintenance">Maintenance margin of all positions, ≥ the position's.</param>
    public static long Of(
        MarketParameters parameters, long size, long mark, Int128 equity, Int128 positionMaintenance,
        Int128 totalMaintenance)
    {
        Invariant.Assert(size != 0);
        Invariant.Assert(positionMaintenance > 0);
        Invariant.Assert(totalMaintenance >= positionMaintenance);
        Int128 perTick = (Int128)Math.Abs(size) * parameters.TickLotValue;

        // The share rounded down leaves the price rounded in the account's favour.
        Int128 share = Arithmetic.MulDivFloor(equity, positionMaintenance, totalMaintenance);
        Int128 distance = Arithmetic.DivFloor(share, perTick);
        Int128 price = size > 0 ? mark - distance : mark + distance;
        return (long)Arithmetic.Clamp(price, 1, Limits.PriceMax);
    }
}
