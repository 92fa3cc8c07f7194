using System;
using System.Collections.Generic;
using System.Numerics;
using AppChain.Margin;

namespace AppChain.Liquidation.Tests;

/// <summary>Markets and random values that the tests share.</summary>
internal static class Markets
{
    public static MarketParameters Of(
        int maintenancePpm = 50_000, long tickLotValue = 1, int feePpm = 10_000, long whole = 1_000,
        int slicePpm = 250_000) => new()
    {
        MarketId = 1,
        Ticker = "BTC-PERP",
        PriceDecimals = 2,
        QuantityDecimals = 4,
        TickLotValue = tickLotValue,
        Tiers = [new MarginTier(0, Math.Min(1_000_000, maintenancePpm * 2), maintenancePpm)],
        OpenInterestScaleLower = 0,
        OpenInterestScaleUpper = 0,
        MakerFeePpm = 0,
        TakerFeePpm = 0,
        PositionLimit = Limits.QuantityMax,
        OpenInterestCap = Limits.QuantityMax,
        PriceBandPpm = 100_000,
        ImpactNotional = 1_000_000_000,
        FundingCapPpm = 5_000,
        LiquidationFeePpm = feePpm,
        LiquidationWholeNotional = whole,
        LiquidationSlicePpm = slicePpm,
    };

    /// <summary>A whole number below 2^bits of any width.</summary>
    public static long Long(Random random, int bits) => random.NextInt64() >>> (63 - random.Next(1, bits + 1));

    public static List<DeleveragingCandidate> Candidates(
        Random random, int count, int lotBits = 30, int equityBits = 50)
    {
        var candidates = new List<DeleveragingCandidate>();
        for (int i = 0; i < count; i++)
        {
            candidates.Add(new DeleveragingCandidate(
                (i * 7) + 3, 1 + Long(random, lotBits), 1 + (Int128)Long(random, equityBits)));
        }

        return candidates;
    }

    public static long Total(IEnumerable<DeleveragingCut> cuts)
    {
        long total = 0;
        foreach (DeleveragingCut cut in cuts)
        {
            total += cut.Lots;
        }

        return total;
    }

    /// <summary>⌊a / b⌋ by BigInteger, for b &gt; 0.</summary>
    public static BigInteger Floor(BigInteger a, BigInteger b)
    {
        BigInteger quotient = BigInteger.DivRem(a, b, out BigInteger rest);
        return rest.Sign < 0 ? quotient - 1 : quotient;
    }
}
