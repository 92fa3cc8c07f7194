using System;
using AppChain.Margin;

namespace AppChain.Liquidation;

/// <summary>
/// The worst price at which a liquidation may trade: the deeper the account is under maintenance margin, the further
/// from the mark (dYdX v4 with a bankruptcy adjustment of 1 and a spread of 1.5 maintenance margins).
/// </summary>
public static class FillablePrice
{
    private const long SpreadPpm = 1_500_000;

    /// <summary>
    /// Limit price in ticks, within 1…PriceMax: for a long, mark − adjustment × 1.5 × maintenance / lots with
    /// adjustment = clamp(1 − equity / total maintenance, 0, 1). ROUNDING: away from the mark, so that the order is
    /// never stricter than the rule.
    /// </summary>
    /// <param name="parameters">Parameters of the market.</param>
    /// <param name="size">Signed lots, not zero.</param>
    /// <param name="mark">Mark price, ticks.</param>
    /// <param name="equity">Equity of the account at mark, micro-USD.</param>
    /// <param name="positionMaintenance">Maintenance margin of this position.</param>
    /// <param name="totalMaintenance">Maintenance margin of all positions, &gt; 0.</param>
    public static long Of(
        MarketParameters parameters, long size, long mark, Int128 equity, Int128 positionMaintenance,
        Int128 totalMaintenance)
    {
        Invariant.Assert(size != 0);
        Int128 missing = Arithmetic.Clamp(totalMaintenance - equity, 0, totalMaintenance);
        Int128 adjusted = Arithmetic.MulDivCeil(positionMaintenance, missing, totalMaintenance);
        Int128 perTick = (Int128)Math.Abs(size) * parameters.TickLotValue;
        Int128 distance = Arithmetic.DivCeil(adjusted * SpreadPpm, perTick * Arithmetic.PpmOne);
        Int128 price = size > 0 ? mark - distance : mark + distance;
        return (long)Arithmetic.Clamp(price, 1, Limits.PriceMax);
    }
}
