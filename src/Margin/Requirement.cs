using System;

namespace AppChain.Margin;

/// <summary>How much collateral must stand behind a position (docs/spec/margin.md). All amounts in micro-USD.</summary>
public static class Requirement
{
    /// <summary>
    /// Maintenance margin of a position with this notional (≥ 0): each tier's rate on the part of the notional inside
    /// the tier. ROUNDING: up, the account must hold the last fraction too.
    /// </summary>
    public static Int128 Maintenance(MarketParameters parameters, Int128 notional)
    {
        Int128 scaled = 0;
        ReadOnlySpan<MarginTier> tiers = parameters.Tiers.AsSpan();
        // BOUND: at most Limits.MarginTiersMax tiers.
        for (int i = 0; i < tiers.Length && notional > tiers[i].NotionalFrom; i++)
        {
            scaled += Arithmetic.Multiply(PartInside(tiers, i, notional), tiers[i].MaintenancePpm);
        }

        return Arithmetic.DivCeil(scaled, Arithmetic.PpmOne);
    }

    /// <summary>
    /// Initial margin of a position with this notional (≥ 0). With s the open-interest scale, the requirement moves
    /// from the tiers' base to the whole notional: base + s × (notional − base), as dYdX v4 scales its initial margin
    /// fraction. ROUNDING: up.
    /// </summary>
    public static Int128 Initial(MarketParameters parameters, Int128 notional, long openInterestScalePpm)
    {
        Int128 scaled = 0;
        ReadOnlySpan<MarginTier> tiers = parameters.Tiers.AsSpan();
        // BOUND: at most Limits.MarginTiersMax tiers.
        for (int i = 0; i < tiers.Length && notional > tiers[i].NotionalFrom; i++)
        {
            scaled += Arithmetic.Multiply(PartInside(tiers, i, notional), tiers[i].InitialPpm);
        }

        Int128 tiered = Arithmetic.DivCeil(scaled, Arithmetic.PpmOne);
        return openInterestScalePpm == 0
            ? tiered
            : tiered + Arithmetic.PpmCeil(notional - tiered, openInterestScalePpm);
    }

    /// <summary>
    /// How far open interest has used up the market's capacity: (open notional − lower) / (upper − lower), in ppm,
    /// within 0…1,000,000. ROUNDING: up. 0 when the market does not scale.
    /// </summary>
    public static long OpenInterestScalePpm(MarketParameters parameters, long openInterestLots, long markPrice)
    {
        if (parameters.OpenInterestScaleUpper == 0)
        {
            return 0;
        }

        Int128 above = parameters.Notional(markPrice, openInterestLots) - parameters.OpenInterestScaleLower;
        Int128 range = parameters.OpenInterestScaleUpper - parameters.OpenInterestScaleLower;
        if (above <= 0)
        {
            return 0;
        }

        return above >= range ? Arithmetic.PpmOne : (long)Arithmetic.DivCeil(above * Arithmetic.PpmOne, range);
    }

    private static Int128 PartInside(ReadOnlySpan<MarginTier> tiers, int tier, Int128 notional)
    {
        Int128 top = tier + 1 < tiers.Length && tiers[tier + 1].NotionalFrom < notional
            ? tiers[tier + 1].NotionalFrom
            : notional;
        return top - tiers[tier].NotionalFrom;
    }
}
