using System;
using System.Collections.Generic;
using AppChain.Margin;

namespace AppChain.StateMachine;

/// <summary>A report that counts in this block: the newest of its validator, not older than the maximum age.</summary>
/// <param name="Price">Ticks.</param>
/// <param name="Width">Half-width in ticks, widened by age.</param>
/// <param name="Age">ns, ≥ 0.</param>
/// <param name="SourceTime">Venue time, ns.</param>
/// <param name="Power">Voting power.</param>
internal readonly record struct CountedReport(long Price, long Width, long Age, long SourceTime, long Power);

/// <summary>
/// The reports of one market made into one price (docs/spec/oracle.md, ORACLE-7 to ORACLE-9): each votes for the two
/// ends and the middle of its interval, and the weighted median of all votes lies inside the interval of the honest as
/// long as the liars have less than half of the weight.
/// </summary>
internal sealed class PriceAggregate
{
    private readonly record struct Vote(long Value, Int128 Weight) : IComparable<Vote>
    {
        public int CompareTo(Vote other) => Value.CompareTo(other.Value);
    }

    private readonly List<CountedReport> _reports;
    private readonly Int128 _powerTotal;

    /// <summary>Weighted median, ticks. ROUNDING: the mean of the lower and the upper median, down.</summary>
    public long Median { get; }

    /// <summary>
    /// Low end of the interval: the vote below which at most a quarter of the weight lies, but no farther from the
    /// median than twice the reach of the middle report, so that a quarter of liars cannot stretch it.
    /// </summary>
    public long Low { get; }

    /// <summary>High end of the interval, likewise.</summary>
    public long High { get; }

    /// <summary>Median of the venue times by power, the older one of two.</summary>
    public long SourceTime { get; }

    /// <summary>Power that counts.</summary>
    public long Power { get; }

    /// <summary>Aggregates at least one report of a set with the given power in all.</summary>
    public PriceAggregate(List<CountedReport> reports, Int128 powerTotal)
    {
        Invariant.Assert(reports.Count > 0);
        _reports = reports;
        _powerTotal = powerTotal;
        Power = PowerOf(reports);

        // Below three quarters of the power, age counts nothing: liars with a third of all power would otherwise get
        // more than half of the weight by their freshness alone.
        bool isWeighed = (Int128)Power * 4 >= powerTotal * 3;
        int count = reports.Count;
        Span<Vote> votes = stackalloc Vote[count * 3];
        Span<Vote> times = stackalloc Vote[count];
        Span<Vote> reaches = stackalloc Vote[count];
        for (int i = 0; i < count; i++)
        {
            CountedReport report = reports[i];
            long factor = (OracleRules.WeightRatioNumerator * OracleRules.ReportAgeMax) - (isWeighed ? report.Age : 0);
            Int128 weight = Math.BigMul(report.Power, factor);
            votes[3 * i] = new Vote(Math.Max(1, report.Price - report.Width), weight);
            votes[(3 * i) + 1] = new Vote(report.Price, weight);
            votes[(3 * i) + 2] = new Vote(Math.Min(Limits.PriceMax, report.Price + report.Width), weight);
            times[i] = new Vote(report.SourceTime, report.Power);
            reaches[i] = new Vote(0, weight);
        }

        Sort(votes);
        Sort(times);
        Median = (long)Arithmetic.DivFloor((Int128)FromBelow(votes, 2) + FromAbove(votes, 2), 2);
        for (int i = 0; i < count; i++)
        {
            // How far from the median a report reaches at the far end of its interval.
            long reach = Math.Abs(reports[i].Price - Median) + reports[i].Width;
            reaches[i] = reaches[i] with { Value = reach };
        }

        Sort(reaches);
        long farthest = 2 * FromAbove(reaches, 2);
        Low = Math.Max(FromBelow(votes, 4), Median - farthest);
        High = Math.Min(FromAbove(votes, 4), Median + farthest);
        SourceTime = FromBelow(times, 2);
    }

    /// <summary>Power of all reports.</summary>
    public static long PowerOf(List<CountedReport> reports)
    {
        long power = 0;
        foreach (CountedReport report in reports)
        {
            power += report.Power;
        }

        return power;
    }

    /// <summary>
    /// The furthest price on the way from <paramref name="before"/> to the median that two thirds of all power stand
    /// behind, absentees counted as against: their reports lie there or beyond. <paramref name="before"/> itself when
    /// they do not agree on any move.
    /// </summary>
    public long AgreedPrice(long before)
    {
        Span<Vote> prices = stackalloc Vote[_reports.Count];
        bool isRise = Median > before;
        for (int i = 0; i < prices.Length; i++)
        {
            prices[i] = new Vote(_reports[i].Price, _reports[i].Power);
        }

        Sort(prices);
        Int128 power = 0;
        for (int i = 0; i < prices.Length; i++)
        {
            Vote vote = prices[isRise ? prices.Length - 1 - i : i];
            power += vote.Weight;
            if (power * 3 >= _powerTotal * 2)
            {
                return Arithmetic.Clamp(vote.Value, Math.Min(before, Median), Math.Max(before, Median));
            }
        }

        return before;
    }

    // ORDER: by value; votes of equal value are one step of the cumulative weight, whatever their order.
    private static void Sort(Span<Vote> votes) => votes.Sort();

    // The lowest value at which the weight at or below it reaches one part in so many.
    private static long FromBelow(ReadOnlySpan<Vote> votes, int parts)
    {
        Int128 total = Total(votes);
        Int128 sum = 0;
        int i = 0;
        // BOUND: the last vote reaches the total.
        for (; Arithmetic.Multiply(sum += votes[i].Weight, parts) < total; i++)
        {
        }

        return votes[i].Value;
    }

    // The highest value at which the weight at or above it reaches one part in so many.
    private static long FromAbove(ReadOnlySpan<Vote> votes, int parts)
    {
        Int128 total = Total(votes);
        Int128 sum = 0;
        int i = votes.Length - 1;
        // BOUND: the first vote reaches the total.
        for (; Arithmetic.Multiply(sum += votes[i].Weight, parts) < total; i--)
        {
        }

        return votes[i].Value;
    }

    private static Int128 Total(ReadOnlySpan<Vote> votes)
    {
        Int128 total = 0;
        foreach (Vote vote in votes)
        {
            total += vote.Weight;
        }

        return total;
    }
}
