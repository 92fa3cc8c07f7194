using System;
using System.Collections.Generic;
using System.Linq;
using System.Numerics;
using NUnit.Framework;

namespace AppChain.Liquidation.Tests;

/// <summary>LIQ-9: deleveraging cuts the most leveraged down to a common level, exactly, whatever the order.</summary>
[TestFixture]
public sealed class WaterFillTests
{
    [Test]
    public void The_most_leveraged_are_cut_to_a_common_level()
    {
        // Leverage 10, 5 and 1: cutting 9 lots brings the first two to the level 4 and leaves the third alone.
        List<DeleveragingCut> cuts = Deleveraging.WaterFill([new(1, 10, 1), new(2, 15, 3), new(3, 2, 2)], 9);
        Assert.That(Text(cuts), Is.EqualTo("1:6 2:3"));
    }

    [Test]
    public void Equal_leverage_is_cut_in_proportion() =>
        Assert.That(Text(Deleveraging.WaterFill([new(1, 10, 10), new(2, 30, 30)], 20)), Is.EqualTo("1:5 2:15"));

    [Test]
    public void Left_over_lots_go_to_the_largest_remainder_then_to_the_lowest_account()
    {
        Assert.That(
            Text(Deleveraging.WaterFill([new(9, 10, 10), new(4, 10, 10), new(7, 10, 10)], 4)),
            Is.EqualTo("4:2 7:1 9:1"));
        Assert.That(Text(Deleveraging.WaterFill([new(1, 10, 10), new(2, 11, 11)], 1)), Is.EqualTo("2:1"));
    }

    [Test]
    public void When_the_winners_do_not_suffice_they_give_all_they_have() =>
        Assert.That(Text(Deleveraging.WaterFill([new(1, 10, 1), new(2, 5, 3)], 100)), Is.EqualTo("1:10 2:5"));

    [Test]
    public void Nobody_gives_way_when_there_is_nobody() => Assert.That(Deleveraging.WaterFill([], 5), Is.Empty);

    [Test]
    public void The_cuts_sum_exactly_and_never_exceed_what_is_held([Range(1, 20)] int seed)
    {
        var random = new Random(seed);
        for (int run = 0; run < 100; run++)
        {
            List<DeleveragingCandidate> candidates = Markets.Candidates(random, random.Next(1, 40));
            long held = candidates.Sum(c => c.Lots);
            long needed = 1 + (long)(random.NextDouble() * held * 1.2);
            List<DeleveragingCut> cuts = Deleveraging.WaterFill(candidates, needed);
            Assert.That(Markets.Total(cuts), Is.EqualTo(Math.Min(held, needed)));
            Assert.That(cuts.Select(c => c.Account).Distinct().Count(), Is.EqualTo(cuts.Count));
            foreach (DeleveragingCut cut in cuts)
            {
                Assert.That(cut.Lots, Is.InRange(1, candidates.Single(c => c.Account == cut.Account).Lots));
            }
        }
    }

    [Test]
    public void The_cuts_equal_the_naive_level_within_a_lot([Range(1, 20)] int seed)
    {
        var random = new Random(seed * 31);
        for (int run = 0; run < 50; run++)
        {
            List<DeleveragingCandidate> candidates = Markets.Candidates(random, random.Next(1, 40));
            long held = candidates.Sum(c => c.Lots);
            long needed = 1 + (long)(random.NextDouble() * held * 0.99);
            var cut = Deleveraging.WaterFill(candidates, needed).ToDictionary(c => c.Account, c => c.Lots);
            Dictionary<int, BigInteger> naive = NaiveFloors(candidates, needed);
            foreach (DeleveragingCandidate candidate in candidates)
            {
                BigInteger beyond = cut.GetValueOrDefault(candidate.Account) - naive[candidate.Account];
                Assert.That(beyond, Is.InRange(BigInteger.Zero, BigInteger.One), $"{candidate}");
            }
        }
    }

    [Test]
    public void The_order_of_the_candidates_does_not_matter([Range(1, 20)] int seed)
    {
        var random = new Random(seed * 17);
        for (int run = 0; run < 50; run++)
        {
            // Small numbers make ties in leverage and in remainders.
            List<DeleveragingCandidate> candidates = Markets.Candidates(random, random.Next(1, 30), 4, 3);
            long needed = 1 + random.NextInt64(candidates.Sum(c => c.Lots));
            string expected = Text(Deleveraging.WaterFill(candidates, needed));
            DeleveragingCandidate[] shuffled = candidates.ToArray();
            random.Shuffle(shuffled);
            Assert.That(Text(Deleveraging.WaterFill(shuffled, needed)), Is.EqualTo(expected));
        }
    }

    [Test]
    public void Splitting_an_account_changes_nothing_but_the_rounding([Range(1, 20)] int seed)
    {
        var random = new Random(seed * 13);
        for (int run = 0; run < 50; run++)
        {
            List<DeleveragingCandidate> candidates = Markets.Candidates(random, random.Next(2, 30));
            long needed = 1 + (long)(random.NextDouble() * candidates.Sum(c => c.Lots) * 0.99);
            DeleveragingCandidate whole = candidates[0];
            int parts = random.Next(2, 6);
            var exact = new DeleveragingCandidate(
                whole.Account, whole.Lots / parts * parts + parts, whole.Equity * parts);
            candidates[0] = exact;
            needed = Math.Min(needed, candidates.Sum(c => c.Lots) - 1);
            long together = Deleveraging.WaterFill(candidates, needed)
                .Where(c => c.Account == whole.Account).Sum(c => c.Lots);
            candidates.RemoveAt(0);
            for (int i = 0; i < parts; i++)
            {
                candidates.Add(new DeleveragingCandidate(1_000_000 + i, exact.Lots / parts, exact.Equity / parts));
            }

            long apart = Deleveraging.WaterFill(candidates, needed).Where(c => c.Account >= 1_000_000).Sum(c => c.Lots);
            Assert.That(Math.Abs(apart - together), Is.LessThanOrEqualTo(parts));
        }
    }

    [Test]
    public void Extremes_of_lots_and_equity_do_not_overflow()
    {
        Int128 most = Int128.One << 100;
        List<DeleveragingCut> cuts = Deleveraging.WaterFill(
            [new(1, (1L << 40) - 1, most), new(2, 1, 1), new(3, (1L << 40) - 1, 1)], 1L << 40);
        Assert.That(Markets.Total(cuts), Is.EqualTo(1L << 40));
        Assert.That(cuts.First(c => c.Account == 3).Lots, Is.EqualTo((1L << 40) - 1));
    }

    /// <summary>
    /// 400 random accounts, 12 % of the open interest closed: a queue by profit and leverage wipes a few accounts out
    /// and leaves others leveraged; water-filling wipes out nobody and ends at the lowest leverage of all rules.
    /// </summary>
    [Test]
    public void Water_filling_wipes_nobody_out_and_leaves_the_lowest_leverage()
    {
        var random = new Random(2026);
        var candidates = new List<DeleveragingCandidate>();
        for (int i = 0; i < 400; i++)
        {
            double leverage = 1 + (29 * Math.Pow(random.NextDouble(), 2));
            long equity = (long)(1_000_000 * Math.Exp(2 * random.NextDouble()));
            candidates.Add(new DeleveragingCandidate(i, (long)(leverage * equity), equity));
        }

        long needed = candidates.Sum(c => c.Lots) * 12 / 100;
        var filled = Deleveraging.WaterFill(candidates, needed).ToDictionary(c => c.Account, c => c.Lots);
        var queued = new Dictionary<int, long>();
        long left = needed;
        foreach (DeleveragingCandidate candidate in candidates.OrderByDescending(
            c => (double)c.Lots / (double)c.Equity))
        {
            long lots = Math.Min(left, candidate.Lots);
            queued[candidate.Account] = lots;
            left -= lots;
        }

        var proRata = candidates.ToDictionary(c => c.Account, c => (long)((double)c.Lots * 0.12));
        TestContext.Out.WriteLine($"water-filling: {Describe(candidates, filled)}");
        TestContext.Out.WriteLine($"queue by leverage: {Describe(candidates, queued)}");
        TestContext.Out.WriteLine($"pro rata: {Describe(candidates, proRata)}");
        Assert.That(Wiped(candidates, filled), Is.Zero);
        Assert.That(Wiped(candidates, queued), Is.GreaterThan(0));
        Assert.That(MaxLeverage(candidates, filled), Is.LessThan(MaxLeverage(candidates, queued)));
        Assert.That(MaxLeverage(candidates, filled), Is.LessThan(MaxLeverage(candidates, proRata)));
    }

    private static string Describe(List<DeleveragingCandidate> all, Dictionary<int, long> cuts) =>
        $"{cuts.Count(c => c.Value > 0)} touched, {Wiped(all, cuts)} wiped out, "
        + FormattableString.Invariant($"highest leverage after {MaxLeverage(all, cuts):F2}");

    private static int Wiped(List<DeleveragingCandidate> all, Dictionary<int, long> cuts) =>
        all.Count(c => cuts.GetValueOrDefault(c.Account) == c.Lots);

    private static double MaxLeverage(List<DeleveragingCandidate> all, Dictionary<int, long> cuts) =>
        all.Max(c => (c.Lots - cuts.GetValueOrDefault(c.Account)) / (double)c.Equity);

    // The level as a fraction of 2^200, by bisection: the highest at which the cuts still cover what is needed.
    private static Dictionary<int, BigInteger> NaiveFloors(List<DeleveragingCandidate> candidates, long needed)
    {
        BigInteger one = BigInteger.One << 200;
        BigInteger low = 0;
        BigInteger high = BigInteger.One << 260;
        while (high - low > 1)
        {
            BigInteger level = (low + high) / 2;
            BigInteger sum = 0;
            foreach (DeleveragingCandidate candidate in candidates)
            {
                sum += BigInteger.Max(0, (candidate.Lots * one) - (level * candidate.Equity));
            }

            if (sum >= needed * one)
            {
                low = level;
            }
            else
            {
                high = level;
            }
        }

        // The bisection stops just below the true level: a hair is taken off before rounding down.
        BigInteger hair = BigInteger.One << 120;
        return candidates.ToDictionary(
            c => c.Account,
            c => BigInteger.Max(0, Markets.Floor((c.Lots * one) - (low * c.Equity) - hair, one)));
    }

    private static string Text(IEnumerable<DeleveragingCut> cuts) =>
        string.Join(' ', cuts.OrderBy(c => c.Account).Select(c => $"{c.Account}:{c.Lots}"));
}
