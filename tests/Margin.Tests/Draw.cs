using System;
using System.Collections.Immutable;
using System.Numerics;
using FsCheck;
using FsCheck.Fluent;

namespace AppChain.Margin.Tests;

/// <summary>Generators with many edge values, and the one way properties are run here.</summary>
internal static class Draw
{
    private static readonly Gen<uint> s_word = Gen.Choose(int.MinValue, int.MaxValue).Select(i => unchecked((uint)i));

    /// <summary>
    /// 0 … 2^bits − 1, of any width, powers of two and their neighbours more often than chance has it.
    /// </summary>
    public static Gen<Int128> Natural(int bits) =>
        from width in Gen.Choose(0, bits)
        from shape in Gen.Choose(0, 4)
        from a in s_word
        from b in s_word
        from c in s_word
        from d in s_word
        select Shaped(width, bits, shape, new UInt128(((ulong)a << 32) | b, ((ulong)c << 32) | d));

    /// <summary>The same with either sign.</summary>
    public static Gen<Int128> Integer(int bits) =>
        from magnitude in Natural(bits)
        from negative in Gen.Elements(true, false)
        select negative ? -magnitude : magnitude;

    public static Gen<long> Long(long low, long high) =>
        from a in Natural(62)
        select low + (long)(a % ((Int128)high - low + 1));

    /// <summary>Markets with one to eight tiers of rising rates.</summary>
    public static Gen<MarketParameters> Market() =>
        from count in Gen.Choose(1, Limits.MarginTiersMax)
        from steps in Gen.ArrayOf(Long(1, 5_000_000_000_000), Limits.MarginTiersMax)
        from rates in Gen.ArrayOf(Gen.Choose(0, 120_000), Limits.MarginTiersMax)
        from share in Gen.Choose(1, 100)
        from lower in Long(0, 1_000_000_000_000_000)
        from range in Long(1, 1_000_000_000_000_000)
        from scales in Gen.Elements(true, false)
        select Market(count, steps, rates, share, scales ? lower : 0, scales ? lower + range : 0);

    public static void Check<T>(Gen<T> values, Action<T> property, int runs = 500) =>
        Prop.ForAll(values.ToArbitrary(), property)
            .Check(Config.QuickThrowOnFailure.WithMaxTest(runs).WithEndSize(100));

    public static MarketParameters Market(params MarginTier[] tiers) => Market([.. tiers], 0, 0);

    public static MarketParameters Market(ImmutableArray<MarginTier> tiers, long scaleLower, long scaleUpper) => new()
    {
        MarketId = 1,
        Ticker = "BTC-PERP",
        PriceDecimals = 2,
        QuantityDecimals = 4,
        TickLotValue = 1,
        Tiers = tiers,
        OpenInterestScaleLower = scaleLower,
        OpenInterestScaleUpper = scaleUpper,
        MakerFeePpm = -100,
        TakerFeePpm = 500,
        PositionLimit = Limits.QuantityMax,
        OpenInterestCap = Limits.QuantityMax,
        PriceBandPpm = 100_000,
        ImpactNotional = 1_000_000_000,
        FundingCapPpm = 5_000,
        LiquidationFeePpm = 10_000,
        LiquidationWholeNotional = 1_000_000_000,
        LiquidationSlicePpm = 250_000,
    };

    /// <summary>The same market with another value of one lot and one tick.</summary>
    public static MarketParameters WithTickLotValue(MarketParameters market, long tickLotValue) => new()
    {
        MarketId = market.MarketId,
        Ticker = market.Ticker,
        PriceDecimals = 0,
        QuantityDecimals = 0,
        TickLotValue = tickLotValue,
        Tiers = market.Tiers,
        OpenInterestScaleLower = market.OpenInterestScaleLower,
        OpenInterestScaleUpper = market.OpenInterestScaleUpper,
        MakerFeePpm = market.MakerFeePpm,
        TakerFeePpm = market.TakerFeePpm,
        PositionLimit = market.PositionLimit,
        OpenInterestCap = market.OpenInterestCap,
        PriceBandPpm = market.PriceBandPpm,
        ImpactNotional = market.ImpactNotional,
        FundingCapPpm = market.FundingCapPpm,
        LiquidationFeePpm = market.LiquidationFeePpm,
        LiquidationWholeNotional = market.LiquidationWholeNotional,
        LiquidationSlicePpm = market.LiquidationSlicePpm,
    };

    private static MarketParameters Market(int count, long[] steps, int[] rates, int share, long lower, long upper)
    {
        var tiers = ImmutableArray.CreateBuilder<MarginTier>();
        long from = 0;
        int rate = 1;
        for (int i = 0; i < count; i++)
        {
            rate += rates[i];
            tiers.Add(new MarginTier(from, rate, Math.Max(1, rate * share / 100)));
            from += steps[i];
        }

        return Market(tiers.ToImmutable(), lower, upper);
    }

    private static Int128 Shaped(int width, int bits, int shape, UInt128 random)
    {
        UInt128 top = (UInt128.One << bits) - 1;
        UInt128 value = shape switch
        {
            0 => UInt128.One << width,
            1 => (UInt128.One << width) - 1,
            2 => (UInt128.One << width) + 1,
            _ => random & ((UInt128.One << width) - 1),
        };
        return (Int128)(value > top ? top : value);
    }

    /// <summary>⌊a / b⌋ by BigInteger, for b &gt; 0.</summary>
    public static BigInteger Floor(BigInteger a, BigInteger b)
    {
        BigInteger quotient = BigInteger.DivRem(a, b, out BigInteger rest);
        return rest.Sign < 0 ? quotient - 1 : quotient;
    }

    /// <summary>⌈a / b⌉ by BigInteger, for b &gt; 0.</summary>
    public static BigInteger Ceiling(BigInteger a, BigInteger b) => -Floor(-a, b);
}
