using System;
using System.Collections.Generic;
using System.Linq;
using System.Numerics;
using NUnit.Framework;

namespace AppChain.StateMachine.Tests.Oracle;

/// <summary>FUND-1 to FUND-6.</summary>
public sealed class FundingScheduleTests
{
    private const long Index = 1_000_000;
    private const long Hour = 3_600 * OracleStage.Second;

    private static BookQuote Impact(long bid, long ask) => new(0, 0, bid, ask);

    // The first block of a stage whose clock stands on a whole hour.
    private static OracleStage Stage()
    {
        var stage = new OracleStage(10, 10, 10, 10);
        long seconds = (Hour - (stage.Time % Hour)) / OracleStage.Second;
        stage.All(seconds, Index);
        stage.UpdateFunding(default);
        return stage;
    }

    private static List<ExchangeEvent> Run(OracleStage stage, int blocks, long seconds, BookQuote quote)
    {
        var events = new List<ExchangeEvent>();
        for (int i = 0; i < blocks; i++)
        {
            stage.All(seconds, Index);
            events.AddRange(stage.UpdateFunding(quote));
        }

        return events;
    }

    [TestCase(0, 0, 0)]
    [TestCase(1_010_000, 1_020_000, 10_000)]
    [TestCase(980_000, 990_000, -10_000)]
    [TestCase(990_000, 1_010_000, 0)]
    [TestCase(1_010_000, 0, 10_000)]
    [TestCase(0, 1_010_000, 0)]
    [TestCase(9_000_000, 9_000_000, 50_000)]
    [TestCase(1, 1, -50_000)]
    [Property("Spec", "FUND-1")]
    public void The_premium_of_the_impact_prices(long bid, long ask, long ppm) =>
        Assert.That(FundingSchedule.PremiumPpm(Impact(bid, ask), Index), Is.EqualTo(ppm));

    // (P + clamp(100 − P, ±500)) / 8, toward zero, within the cap.
    [TestCase(0, 12)]
    [TestCase(100, 12)]
    [TestCase(600, 12)]
    [TestCase(700, 25)]
    [TestCase(-400, 12)]
    [TestCase(-500, 0)]
    [TestCase(-508, -1)]
    [TestCase(-507, 0)]
    [TestCase(10_500, 1_250)]
    [TestCase(50_000, 4_000)]
    [TestCase(-50_000, -4_000)]
    [Property("Spec", "FUND-3")]
    public void The_hourly_rate(long premium, long rate) =>
        Assert.That(FundingSchedule.RatePpm(premium, 4_000), Is.EqualTo(rate));

    [Test]
    [Property("Spec", "FUND-4")]
    public void Funding_is_applied_in_the_first_block_of_each_whole_hour()
    {
        OracleStage stage = Stage();
        Assert.That(Run(stage, 59, 60, Impact(1_010_500, 1_020_000)), Is.Empty);
        ExchangeEvent applied = Run(stage, 1, 60, Impact(1_010_500, 1_020_000)).Single();
        Assert.That(applied.Kind, Is.EqualTo(EventKind.FundingApplied));
        Assert.That((long)applied.Amount, Is.EqualTo(1_250));
        BigInteger expected = (BigInteger)Index * 1_000_000 * 1_250 * (BigInteger.One << 32) / 1_000_000;
        Assert.That((BigInteger)stage.Market.FundingIndex, Is.EqualTo(expected));
        Assert.That((BigInteger)applied.Amount2, Is.EqualTo(expected));
        Assert.That(stage.Market.FundingAppliedAt, Is.EqualTo(stage.Time));
        Assert.That(Run(stage, 60, 60, Impact(980_000, 989_500)).Single().Amount, Is.EqualTo((Int128)(-1_250)));
        Assert.That(stage.Market.FundingIndex, Is.EqualTo((Int128)0));
    }

    [Test]
    [Property("Spec", "FUND-2")]
    public void Samples_count_by_the_time_they_stood_but_none_by_more_than_a_minute()
    {
        OracleStage stage = Stage();
        Run(stage, 1, 5, Impact(9, 9));
        Assert.That(stage.Market.PremiumTime, Is.Zero, "the first sample has stood for no time");
        Run(stage, 1, 10, Impact(1_030_000, 1_040_000));
        Run(stage, 1, 30, Impact(0, 0));
        Run(stage, 1, 80, Impact(1_010_000, 1_020_000));
        Assert.That(stage.Market.PremiumTime, Is.EqualTo(100 * OracleStage.Second));
        Assert.That(
            (BigInteger)stage.Market.PremiumSum,
            Is.EqualTo(
                ((BigInteger)30_000 * 10 * OracleStage.Second) + ((BigInteger)10_000 * 60 * OracleStage.Second)));
    }

    // In the block of a jump the book is that of the block before, and so is the index it is measured against.
    [Test]
    [Property("Spec", "FUND-1")]
    public void A_jump_of_the_index_is_no_premium()
    {
        OracleStage stage = Stage();
        Run(stage, 5, 10, Impact(999_900, 1_000_100));
        stage.All(10, Index / 2);
        stage.UpdateFunding(Impact(999_900, 1_000_100));
        Assert.That(stage.Market.PremiumSum, Is.EqualTo((Int128)0));
    }

    [Test]
    [Property("Spec", "FUND-5")]
    public void A_halt_of_many_hours_is_charged_as_one_hour()
    {
        OracleStage stage = Stage();
        Run(stage, 30, 60, Impact(1_010_500, 1_020_000));
        stage.All(5 * 3_600, Index);
        Assert.That(stage.Oracle.State, Is.EqualTo(OracleState.Live));
        ExchangeEvent applied = stage.UpdateFunding(Impact(1_010_500, 1_020_000)).Single();
        Assert.That((long)applied.Amount, Is.EqualTo(1_250));
        Assert.That(stage.Time - stage.Market.FundingAppliedAt, Is.EqualTo(Hour / 2));
    }

    [Test]
    [Property("Spec", "FUND-5")]
    public void Hours_that_end_frozen_are_not_charged()
    {
        OracleStage stage = Stage();
        Run(stage, 30, 60, Impact(1_010_500, 1_020_000));
        Assert.That(stage.Block(2_000).State, Is.EqualTo(OracleState.Frozen));
        Assert.That(stage.UpdateFunding(Impact(1_010_500, 1_020_000)), Is.Empty);
        Assert.That(stage.Market.FundingIndex, Is.EqualTo((Int128)0));
        Assert.That(stage.Market.PremiumTime, Is.Zero);
        Assert.That(Run(stage, 60, 60, default), Has.Count.EqualTo(1));
    }

    [Test]
    [Property("Spec", "FUND-6")]
    public void No_hour_moves_the_index_by_more_than_the_cap()
    {
        OracleStage stage = Stage();
        var random = new Random(41);
        Int128 last = 0;
        Int128 most = (Int128)Index * 1_000_000 * stage.Market.Parameters.FundingCapPpm * (1L << 32) / 1_000_000;
        for (int i = 0; i < 3_000; i++)
        {
            long bid = random.NextInt64(1, 3 * Index);
            Run(stage, 1, random.Next(1, 500), Impact(bid, bid + random.Next(1_000)));
            Int128 moved = stage.Market.FundingIndex - last;
            Assert.That(moved <= most && moved >= -most, Is.True);
            last = stage.Market.FundingIndex;
        }

        Assert.That(last, Is.Not.EqualTo((Int128)0));
    }
}
