using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using AppChain.Margin;

namespace AppChain.StateMachine;

/// <summary>
/// Step 2 of a block: the validators' reports become one consensus price per market, with an interval and a state
/// (docs/spec/oracle.md). Reports are widened by age rather than dropped, absentees keep their last word, and a move
/// beyond the volatility bound needs two thirds of the power behind it, in which case it passes at once.
/// </summary>
internal static class OracleUpdate
{
    private readonly record struct Report(long Price, long Confidence, long Width, long SourceTime, long Weight, long Power, bool IsFresh);

    private readonly record struct Vote(long Price, long Weight) : IComparable<Vote>
    {
        public int CompareTo(Vote other) =>
            Price != other.Price ? Price.CompareTo(other.Price) : Weight.CompareTo(other.Weight);
    }

    /// <summary>Takes the reports of the block in and moves the price and state of every market, ascending by id.</summary>
    public static void Execute(State state, Block block, List<ExchangeEvent> events)
    {
        ImmutableArray<Validator> validators = ValidatorChanges.At(state, block.Height - 1);
        for (int slot = 0; slot < state.Books.Count; slot++)
        {
            uint market = state.Markets.Read(slot).Parameters.MarketId;
            bool anyFresh = TakeReports(state, block, market, validators);
            Move(state, block, market, validators, anyFresh, events);
        }
    }

    /// <summary>The interval at which positions are valued: mark ± the oracle's interval, widened by its age.</summary>
    public static Valuation ValuationOf(in MarketRow market, in OracleRow oracle, long blockTime)
    {
        long width = Widened(oracle.Price, oracle.Confidence, blockTime - oracle.SourceTime, oracle.Variance);
        long mark = market.MarkPrice;
        return new Valuation(Math.Max(1, mark - width), mark, Math.Min(Limits.PriceMax, mark + width));
    }

    /// <summary>
    /// √(confidence² + (2 σ)² age) in ticks, σ the volatility per √second. ROUNDING: down, a fraction of a tick.
    /// A negative age counts as none.
    /// </summary>
    public static long Widened(long price, long confidence, long age, Int128 variance)
    {
        // Ages beyond an hour widen no further: the market is frozen long before.
        long milliseconds = Arithmetic.DivFloor(Arithmetic.Clamp(age, 0, 3_600_000_000_000), 1_000_000);
        Int128 relative = Arithmetic.DivFloor(variance * OracleRules.WideningSquared * milliseconds, 1_000);
        Int128 square = ((Int128)confidence * confidence) + Scaled(price, relative);
        return (long)Int128.Min(Arithmetic.SqrtFloor(square), price);
    }

    private static bool TakeReports(State state, Block block, uint market, ImmutableArray<Validator> validators)
    {
        bool anyFresh = false;
        foreach (ValidatorReports said in block.PriceUpdate)
        {
            foreach (PriceReport report in said.Reports)
            {
                long age = block.Time - report.SourceTime;
                if (report.Market != market || age < -OracleRules.SkewMax || age > OracleRules.ReportAgeMax)
                {
                    continue;
                }

                anyFresh |= Store(state, new ReportRow
                {
                    Id = new ReportKey(market, said.Validator),
                    Price = report.Price,
                    Confidence = report.Confidence,
                    SourceTime = report.SourceTime,
                });
            }
        }

        return anyFresh;
    }

    private static bool Store(State state, in ReportRow report)
    {
        if (!state.Reports.TryFind(report.Id, out int slot))
        {
            state.Reports.Add(report);
            return true;
        }

        // An older word never replaces a newer one, and the same word again says nothing new.
        if (report.SourceTime <= state.Reports.Read(slot).SourceTime)
        {
            return false;
        }

        state.Reports.Write(slot) = report;
        return true;
    }

    private static void Move(
        State state, Block block, uint market, ImmutableArray<Validator> validators, bool anyFresh, List<ExchangeEvent> events)
    {
        bool known = state.Oracles.TryFind(market, out int slot);
        OracleRow oracle = known
            ? state.Oracles.Read(slot)
            : new OracleRow { Market = market, Variance = OracleRules.VarianceInitial };
        OracleState before = oracle.State;
        long powerTotal = 0;
        List<Report> reports = Gather(state, block, market, validators, oracle.Variance, ref powerTotal);
        long power = 0;
        foreach (Report report in reports)
        {
            power += report.Power;
        }

        bool updated = anyFresh && (Int128)power * 3 > (Int128)powerTotal * 2;
        if (updated)
        {
            Aggregate(ref oracle, reports, powerTotal, block.Time);
            oracle.Power = power;
        }

        oracle.State = StateOf(oracle, block.Time);
        if (!updated && oracle.State == before)
        {
            return;
        }

        if (known)
        {
            state.Oracles.Write(slot) = oracle;
        }
        else
        {
            state.Oracles.Add(oracle);
        }

        events.Add(new ExchangeEvent
        {
            Kind = updated ? EventKind.OracleUpdated : EventKind.OracleStateChanged,
            Transaction = -1,
            Account = -1,
            Counterparty = -1,
            Market = market,
            Price = oracle.Price,
            Amount = oracle.Confidence,
            Amount2 = oracle.Power,
            Amount3 = oracle.SourceTime,
            Reason = (byte)oracle.State,
        });
    }

    // ORDER: validator-set order; every report that still counts, new in this block or kept from before.
    private static List<Report> Gather(
        State state, Block block, uint market, ImmutableArray<Validator> validators, Int128 variance, ref long powerTotal)
    {
        var reports = new List<Report>();
        foreach (Validator validator in validators)
        {
            powerTotal += validator.Power;
            if (!state.Reports.TryFind(new ReportKey(market, validator.Address), out int slot))
            {
                continue;
            }

            ReportRow row = state.Reports.Read(slot);
            long age = Math.Max(0, block.Time - row.SourceTime);
            if (age > OracleRules.ReportAgeMax)
            {
                continue;
            }

            // ROUNDING: down; equal for all.
            long loss = (long)Arithmetic.DivFloor((Int128)OracleRules.WeightLossPpm * age, OracleRules.ReportAgeMax);
            long shareOfPower = PowerShare(validator.Power, validators);
            reports.Add(new Report(
                row.Price,
                row.Confidence,
                Widened(row.Price, row.Confidence, age, variance),
                row.SourceTime,
                shareOfPower * (Arithmetic.PpmOne - loss),
                validator.Power,
                IsFresh(block, row)));
        }

        return reports;
    }

    // Powers can be up to 2^60; shares of the total in 2^-20 keep the sums of weights within 63 bits.
    private static long PowerShare(long power, ImmutableArray<Validator> validators)
    {
        Int128 total = 0;
        foreach (Validator validator in validators)
        {
            total += validator.Power;
        }

        return (long)Arithmetic.DivCeil((Int128)power << 20, total);
    }

    private static bool IsFresh(Block block, in ReportRow row)
    {
        foreach (ValidatorReports said in block.PriceUpdate)
        {
            if (said.Validator != row.Id.Validator)
            {
                continue;
            }

            foreach (PriceReport report in said.Reports)
            {
                if (report.Market == row.Id.Market && report.SourceTime == row.SourceTime)
                {
                    return true;
                }
            }
        }

        return false;
    }

    private static void Aggregate(ref OracleRow oracle, List<Report> reports, long powerTotal, long blockTime)
    {
        var votes = new List<Vote>(reports.Count * 3);
        foreach (Report report in reports)
        {
            votes.Add(new Vote(Math.Max(1, report.Price - report.Width), report.Weight));
            votes.Add(new Vote(report.Price, report.Weight));
            votes.Add(new Vote(Math.Min(Limits.PriceMax, report.Price + report.Width), report.Weight));
        }

        // ORDER: by price; equal prices are one step of the cumulative weight, whatever their order.
        votes.Sort();
        long total = 0;
        foreach (Vote vote in votes)
        {
            total += vote.Weight;
        }

        // ROUNDING: the mean of the lower and the upper median, down.
        long median = (long)Arithmetic.DivFloor(
            (Int128)Quantile(votes, total, 1, 2, strict: false) + Quantile(votes, total, 1, 2, strict: true), 2);
        long lowQuartile = Quantile(votes, total, 1, 4, strict: false);
        long highQuartile = Quantile(votes, total, 3, 4, strict: false);
        long confidence = Math.Max(median - lowQuartile, highQuartile - median);
        long elapsed = oracle.UpdatedAt == 0 ? 0 : Arithmetic.DivFloor(blockTime - oracle.UpdatedAt, 1_000_000);
        long price = oracle.Price == 0 || Agrees(reports, median, confidence, powerTotal)
            ? median
            : Bounded(oracle, median, elapsed);
        confidence += Math.Abs(median - price);
        if (oracle.Price > 0 && elapsed > 0)
        {
            oracle.Variance = NextVariance(oracle.Variance, oracle.Price, price, elapsed);
        }

        oracle.Price = price;
        oracle.Confidence = Math.Min(confidence, price);
        oracle.SourceTime = Math.Min(blockTime, SourceMedian(reports));
        oracle.UpdatedAt = blockTime;
        oracle.Updates++;
    }

    // First price at which the cumulative weight reaches (strict: exceeds) the fraction of the total.
    private static long Quantile(List<Vote> votes, long total, int numerator, int denominator, bool strict)
    {
        Int128 wanted = (Int128)total * numerator;
        Int128 sum = 0;
        foreach (Vote vote in votes)
        {
            sum += vote.Weight;
            if (strict ? sum * denominator > wanted : sum * denominator >= wanted)
            {
                return vote.Price;
            }
        }

        return votes[^1].Price;
    }

    // At least two thirds of all power reported in this very block, within the interval of the median.
    private static bool Agrees(List<Report> reports, long median, long confidence, long powerTotal)
    {
        Int128 agreeing = 0;
        long near = (long)Arithmetic.PpmFloor(median, OracleRules.AgreementPpm);
        foreach (Report report in reports)
        {
            long allowed = Math.Max(near, Math.Min(confidence, report.Width));
            if (report.IsFresh && Math.Abs(report.Price - median) <= allowed)
            {
                agreeing += report.Power;
            }
        }

        return agreeing * 3 >= (Int128)powerTotal * 2;
    }

    private static long Bounded(in OracleRow oracle, long median, long elapsed)
    {
        long capped = Math.Min(elapsed, 3_600_000);
        Int128 relative = Arithmetic.DivFloor(oracle.Variance * OracleRules.MoveSquared * capped, 1_000);
        Int128 bound = Arithmetic.SqrtFloor(Scaled(oracle.Price, relative))
            + Arithmetic.PpmFloor(oracle.Price, OracleRules.MoveFloorPpm);
        Int128 price = Arithmetic.Clamp(median, oracle.Price - bound, oracle.Price + bound);
        return (long)Arithmetic.Clamp(price, 1, Limits.PriceMax);
    }

    // price² × relative variance (ppm²), in ticks².
    private static Int128 Scaled(long price, Int128 relativePpmSquared) => Arithmetic.MulDivFloor(
        (Int128)price * price, Int128.Min(relativePpmSquared, 1_000_000_000_000), 1_000_000_000_000);

    // V ← V + (r²/dt − V) × dt / (τ + dt): the first-order form of an exponential average, in ppm² per second.
    private static Int128 NextVariance(Int128 variance, long before, long after, long elapsed)
    {
        Int128 change = Arithmetic.DivFloor((Int128)Math.Abs(after - before) * Arithmetic.PpmOne, before);
        Int128 cut = Arithmetic.DivFloor(variance * OracleRules.WinsorSquared * elapsed, 1_000);
        Int128 square = Int128.Min(Int128.Min(change, Arithmetic.PpmOne) * Int128.Min(change, Arithmetic.PpmOne), cut);
        Int128 perSecond = Arithmetic.DivFloor(square * 1_000, elapsed);
        Int128 next = variance
            + Arithmetic.DivFloor((perSecond - variance) * elapsed, OracleRules.VarianceTau + elapsed);
        return Arithmetic.Clamp(next, OracleRules.VarianceMin, OracleRules.VarianceMax);
    }

    private static long SourceMedian(List<Report> reports)
    {
        var times = new List<Vote>(reports.Count);
        long total = 0;
        foreach (Report report in reports)
        {
            times.Add(new Vote(report.SourceTime, report.Weight));
            total += report.Weight;
        }

        times.Sort();
        return Quantile(times, total, 1, 2, strict: false);
    }

    private static OracleState StateOf(in OracleRow oracle, long blockTime)
    {
        if (oracle.Price == 0)
        {
            return OracleState.None;
        }

        long age = blockTime - oracle.SourceTime;
        if (age > OracleRules.FrozenAfter)
        {
            return OracleState.Frozen;
        }

        if (age > OracleRules.StaleAfter)
        {
            return OracleState.Stale;
        }

        return (Int128)oracle.Confidence * Arithmetic.PpmOne > (Int128)oracle.Price * OracleRules.UncertainPpm
            ? OracleState.Uncertain
            : OracleState.Live;
    }
}
