using System;
using System.Collections.Generic;
using System.Linq;
using System.Numerics;
using AppChain.Margin;
using NUnit.Framework;

namespace AppChain.StateMachine.Tests.Oracle;

/// <summary>ORACLE-6 to ORACLE-9 against their own words and against liars; invariant I9.</summary>
public sealed class PriceAggregateTests
{
    private const long AgeMax = OracleRules.ReportAgeMax;

    [Test]
    [Property("Spec", "ORACLE-7")]
    public void Agrees_with_a_naive_twin()
    {
        var random = new Random(11);
        for (int i = 0; i < 4_000; i++)
        {
            List<CountedReport> reports = Enumerable.Range(0, random.Next(1, 12)).Select(_ => Honest(random)).ToList();
            BigInteger reporting = reports.Aggregate(BigInteger.Zero, (sum, report) => sum + report.Power);
            Int128 total = (Int128)(reporting * random.Next(100, 150) / 100);
            var aggregate = new PriceAggregate(reports, total);
            bool weighed = reporting * 4 >= (BigInteger)total * 3;
            var votes = new List<(long Price, BigInteger Weight)>();
            foreach (CountedReport report in reports)
            {
                BigInteger weight = (BigInteger)report.Power * ((5 * (BigInteger)AgeMax) - (weighed ? report.Age : 0));
                votes.Add((Math.Max(1, report.Price - report.Width), weight));
                votes.Add((report.Price, weight));
                votes.Add((report.Price + report.Width, weight));
            }

            BigInteger all = votes.Aggregate(BigInteger.Zero, (sum, vote) => sum + vote.Weight);
            BigInteger AtOrBelow(long price) => Sum(votes.Where(vote => vote.Price <= price));
            BigInteger AtOrAbove(long price) => Sum(votes.Where(vote => vote.Price >= price));
            long Lower(int parts) => votes.Where(vote => AtOrBelow(vote.Price) * parts >= all).Min(vote => vote.Price);
            long Upper(int parts) => votes.Where(vote => AtOrAbove(vote.Price) * parts >= all).Max(vote => vote.Price);
            Assert.That(aggregate.Median, Is.EqualTo((Lower(2) + Upper(2)) / 2));
            var reaches = reports.ConvertAll(report => (
                Price: Math.Abs(report.Price - aggregate.Median) + report.Width,
                Weight: (BigInteger)report.Power * ((5 * (BigInteger)AgeMax) - (weighed ? report.Age : 0))));
            BigInteger half = Sum(reaches);
            long farthest = 2 * reaches
                .Where(reach => Sum(reaches.Where(other => other.Price >= reach.Price)) * 2 >= half)
                .Max(reach => reach.Price);
            Assert.That(aggregate.Low, Is.EqualTo(Math.Max(Lower(4), aggregate.Median - farthest)));
            Assert.That(aggregate.High, Is.EqualTo(Math.Min(Upper(4), aggregate.Median + farthest)));
        }
    }

    // 44 % of the power that reports, every liar fresh and every honest report as old as can be.
    [Test]
    [Property("Spec", "ORACLE-8")]
    public void Liars_below_four_ninths_of_the_reporting_power_never_leave_the_honest_interval()
    {
        var random = new Random(12);
        int pressed = 0;
        for (int i = 0; i < 20_000; i++)
        {
            List<CountedReport> honest = Enumerable.Range(0, random.Next(1, 10)).Select(_ => Honest(random)).ToList();
            Int128 honestPower = PriceAggregate.PowerOf(honest);
            List<CountedReport> liars = Liars(random, (long)(((honestPower * 4) - 1) / 5));
            Int128 total = honestPower + (liars.Count == 0 ? 0 : PriceAggregate.PowerOf(liars));
            AssertInside(honest, liars, total);
            pressed += liars.Count > 0 && PriceAggregate.PowerOf(liars) * (Int128)100 > total * 43 ? 1 : 0;
        }

        Assert.That(pressed, Is.GreaterThan(1_000), "cases near the bound");
    }

    // Any quorum that makes a price: more than two thirds report, liars hold less than a third of all power.
    [Test]
    [Property("Spec", "ORACLE-8")]
    public void Liars_below_a_third_of_all_power_never_win_by_the_silence_of_others()
    {
        var random = new Random(13);
        for (int i = 0; i < 20_000; i++)
        {
            List<CountedReport> honest = Enumerable.Range(0, random.Next(1, 10)).Select(_ => Honest(random)).ToList();
            Int128 honestPower = PriceAggregate.PowerOf(honest);
            List<CountedReport> liars = Liars(random, (long)(honestPower - 1));
            if (liars.Count == 0)
            {
                continue;
            }

            // The largest set of which these still are a quorum, in which the liars must stay below a third.
            Int128 liarPower = PriceAggregate.PowerOf(liars);
            Int128 totalMax = (((honestPower + liarPower) * 3) - 1) / 2;
            if (liarPower * 3 < totalMax)
            {
                AssertInside(honest, liars, totalMax);
            }
        }
    }

    [Test]
    [Property("Spec", "ORACLE-8")]
    public void The_bound_is_tight()
    {
        CountedReport honest = new(100, 0, AgeMax, 0, 400_000);
        CountedReport liar = new(900, 0, 0, 0, 320_000);
        Assert.That(new PriceAggregate([honest, liar with { Power = 319_999 }], 719_999).Median, Is.EqualTo(100));
        Assert.That(new PriceAggregate([honest, liar with { Power = 320_001 }], 720_001).Median, Is.EqualTo(900));
    }

    [Test]
    [Property("Spec", "ORACLE-9")]
    public void The_agreed_price_has_two_thirds_behind_it_and_none_beyond_it_has()
    {
        var random = new Random(14);
        int moved = 0;
        for (int i = 0; i < 10_000; i++)
        {
            List<CountedReport> reports = Enumerable.Range(0, random.Next(1, 10)).Select(_ => Honest(random)).ToList();
            Int128 total = PriceAggregate.PowerOf(reports) * (Int128)random.Next(100, 150) / 100;
            var aggregate = new PriceAggregate(reports, total);
            long before = random.NextInt64(900_000, 1_100_000);
            long agreed = aggregate.AgreedPrice(before);
            int way = Math.Sign(aggregate.Median - before);
            bool Agree(long price) =>
                Sum(reports.Where(r => (r.Price - price) * way >= 0)) * 3 >= (BigInteger)total * 2;
            Assert.That(agreed, Is.InRange(Math.Min(before, aggregate.Median), Math.Max(before, aggregate.Median)));
            if (agreed != before)
            {
                moved++;
                Assert.That(Agree(agreed), Is.True);
            }

            if (agreed != aggregate.Median)
            {
                Assert.That(Agree(agreed + way), Is.False);
            }
        }

        Assert.That(moved, Is.GreaterThan(1_000));
    }

    private static void AssertInside(List<CountedReport> honest, List<CountedReport> liars, Int128 total)
    {
        var aggregate = new PriceAggregate([.. liars, .. honest], total);
        Assert.That(
            aggregate.Median,
            Is.InRange(
                honest.Min(report => Math.Max(1, report.Price - report.Width)),
                honest.Max(report => report.Price + report.Width)));
        long reach = honest.Max(report => Math.Abs(report.Price - aggregate.Median) + report.Width);
        Assert.That(aggregate.Low, Is.InRange(aggregate.Median - (2 * reach), aggregate.Median));
        Assert.That(aggregate.High, Is.InRange(aggregate.Median, aggregate.Median + (2 * reach)));
    }

    private static BigInteger Sum(IEnumerable<(long Price, BigInteger Weight)> votes) =>
        votes.Aggregate(BigInteger.Zero, (sum, vote) => sum + vote.Weight);

    private static BigInteger Sum(IEnumerable<CountedReport> reports) =>
        reports.Aggregate(BigInteger.Zero, (sum, report) => sum + report.Power);

    private static CountedReport Honest(Random random) => new(
        random.NextInt64(990_000, 1_010_001),
        random.NextInt64(20_000),
        random.Next(3) switch { 0 => 0, 1 => AgeMax, _ => random.NextInt64(AgeMax + 1) },
        0,
        random.NextInt64(1, 1L << random.Next(1, 50)));

    // All on one side or on both, as far out as prices go, always fresh; together at most the given power.
    private static List<CountedReport> Liars(Random random, long powerMax)
    {
        var liars = new List<CountedReport>();
        long left = powerMax;
        bool isOneSided = random.Next(2) == 0;
        while (left > 0 && liars.Count < 6)
        {
            long power = random.Next(2) == 0 ? left : random.NextInt64(1, left + 1);
            bool isHigh = isOneSided || random.Next(2) == 0;
            liars.Add(new CountedReport(isHigh ? Limits.PriceMax : 1, isHigh ? random.Next(5) : 0, 0, 0, power));
            left -= power;
        }

        return liars;
    }
}
