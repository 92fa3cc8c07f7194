using System;
using System.Numerics;
using FsCheck.Fluent;
using NUnit.Framework;

namespace AppChain.Margin.Tests;

/// <summary>MARGIN-2 to MARGIN-4: tiers, open-interest scaling, rounding.</summary>
[TestFixture]
public sealed class RequirementTests
{
    private const long Usd = 1_000_000;

    private static readonly MarketParameters s_tiered = Draw.Market(
        new MarginTier(0, 20_000, 10_000),
        new MarginTier(50_000 * Usd, 50_000, 25_000),
        new MarginTier(250_000 * Usd, 100_000, 50_000));

    [TestCase(0, 0, 0)]
    [TestCase(1_000, 10, 20)]
    [TestCase(50_000, 500, 1_000)]
    [TestCase(60_000, 750, 1_500)]
    [TestCase(250_000, 5_500, 11_000)]
    [TestCase(350_000, 10_500, 21_000)]
    public void Each_rate_applies_to_the_part_inside_its_tier(long notional, long maintenance, long initial)
    {
        Assert.That(Requirement.Maintenance(s_tiered, (Int128)notional * Usd), Is.EqualTo((Int128)maintenance * Usd));
        Assert.That(Requirement.Initial(s_tiered, (Int128)notional * Usd, 0), Is.EqualTo((Int128)initial * Usd));
    }

    [Test]
    public void A_fraction_of_a_unit_is_required_whole()
    {
        Assert.That(Requirement.Maintenance(s_tiered, 1), Is.EqualTo((Int128)1));
        Assert.That(Requirement.Initial(s_tiered, 51, 0), Is.EqualTo((Int128)2));
        Assert.That(Requirement.Initial(s_tiered, 51, 1), Is.EqualTo((Int128)3));
    }

    [Test]
    public void Both_requirements_equal_the_naive_sum() => Draw.Check(
        from market in Draw.Market()
        from notional in Draw.Natural(100)
        from scale in Gen.Choose(0, 1_000_000)
        select (market, notional, scale),
        static x =>
        {
            BigInteger tiered = Naive(x.market, x.notional, initial: true);
            BigInteger expected = tiered + Draw.Ceiling((x.notional - tiered) * x.scale, 1_000_000);
            Assert.That(
                (BigInteger)Requirement.Maintenance(x.market, x.notional),
                Is.EqualTo(Naive(x.market, x.notional, false)));
            Assert.That((BigInteger)Requirement.Initial(x.market, x.notional, x.scale), Is.EqualTo(expected));
        },
        1_000);

    [Test]
    public void Requirements_are_continuous_at_the_edges_of_the_tiers() => Draw.Check(
        Draw.Market(),
        static market =>
        {
            foreach (MarginTier tier in market.Tiers)
            {
                Int128 step = Requirement.Maintenance(market, (Int128)tier.NotionalFrom + 1)
                    - Requirement.Maintenance(market, tier.NotionalFrom);
                Assert.That(step, Is.InRange((Int128)0, (Int128)1));
                step = Requirement.Initial(market, (Int128)tier.NotionalFrom + 1, 0)
                    - Requirement.Initial(market, tier.NotionalFrom, 0);
                Assert.That(step, Is.InRange((Int128)0, (Int128)1));
            }
        });

    [Test]
    public void Requirements_are_monotone_and_never_above_the_notional() => Draw.Check(
        from market in Draw.Market()
        from a in Draw.Natural(90)
        from b in Draw.Natural(90)
        from scale in Gen.Choose(0, 1_000_000)
        from more in Gen.Choose(0, 1_000_000)
        select (market, low: Int128.Min(a, b), high: Int128.Max(a, b), scale, more: Math.Max(scale, more)),
        static x =>
        {
            Int128 initial = Requirement.Initial(x.market, x.high, x.scale);
            Assert.That(
                Requirement.Maintenance(x.market, x.low),
                Is.LessThanOrEqualTo(Requirement.Maintenance(x.market, x.high)));
            Assert.That(Requirement.Initial(x.market, x.low, x.scale), Is.LessThanOrEqualTo(initial));
            Assert.That(Requirement.Initial(x.market, x.high, x.more), Is.GreaterThanOrEqualTo(initial));
            Assert.That(initial, Is.LessThanOrEqualTo(x.high));
            Assert.That(Requirement.Maintenance(x.market, x.high), Is.LessThanOrEqualTo(initial));
        },
        1_000);

    [TestCase(0, 0)]
    [TestCase(100, 0)]
    [TestCase(101, 10_000)]
    [TestCase(150, 500_000)]
    [TestCase(200, 1_000_000)]
    [TestCase(900, 1_000_000)]
    public void Initial_margin_scales_between_the_bounds_of_open_interest(long openInterest, long scale)
    {
        MarketParameters market = Draw.Market([new MarginTier(0, 50_000, 25_000)], 100 * 7, 200 * 7);
        Assert.That(Requirement.OpenInterestScalePpm(market, openInterest, 7), Is.EqualTo(scale));
    }

    [Test]
    public void The_scale_rounds_up_and_is_absent_without_bounds()
    {
        MarketParameters market = Draw.Market([new MarginTier(0, 50_000, 25_000)], 0, 3_000_000);
        Assert.That(Requirement.OpenInterestScalePpm(market, 1, 1), Is.EqualTo(1));
        Assert.That(Requirement.OpenInterestScalePpm(s_tiered, Limits.QuantityMax, Limits.PriceMax), Is.Zero);
    }

    [Test]
    public void At_full_scale_the_whole_notional_is_required() =>
        Assert.That(Requirement.Initial(s_tiered, 777_777, 1_000_000), Is.EqualTo((Int128)777_777));

    [Test]
    public void The_largest_position_of_every_market_can_be_summed()
    {
        Int128 notional = (Int128)Limits.PriceMax * Limits.QuantityMax * Limits.TickLotValueMax;
        MarketParameters market = Draw.Market(new MarginTier(0, 1_000_000, 1_000_000));
        Int128 sum = 0;
        for (int i = 0; i < Limits.MarketsMax; i++)
        {
            sum += Requirement.Initial(market, notional, 1_000_000);
        }

        Assert.That(sum, Is.EqualTo(notional * Limits.MarketsMax));
    }

    private static BigInteger Naive(MarketParameters market, Int128 notional, bool initial)
    {
        BigInteger sum = 0;
        for (int i = 0; i < market.Tiers.Length; i++)
        {
            MarginTier tier = market.Tiers[i];
            BigInteger to = i + 1 < market.Tiers.Length
                ? market.Tiers[i + 1].NotionalFrom
                : (BigInteger)Int128.MaxValue;
            BigInteger part = BigInteger.Max(0, BigInteger.Min(notional, to) - tier.NotionalFrom);
            sum += part * (initial ? tier.InitialPpm : tier.MaintenancePpm);
        }

        return Draw.Ceiling(sum, 1_000_000);
    }
}
