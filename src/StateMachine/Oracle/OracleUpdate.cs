using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using AppChain.Margin;

namespace AppChain.StateMachine;

/// <summary>
/// Step 2 of a block: the validators' reports become one consensus price per market, with an interval and a state
/// (docs/spec/oracle.md, ORACLE-3 to ORACLE-12). Reports are widened by age rather than dropped, absentees keep their
/// last word, and a move beyond the volatility bound passes at once as far as two thirds of the power stand behind it.
/// </summary>
public static class OracleUpdate
{
    /// <summary>
    /// Takes the reports of the block in and moves the price and state of every market, ascending by id.
    /// </summary>
    internal static void Execute(State state, Block block, List<ExchangeEvent> events)
    {
        ImmutableArray<Validator> validators = ValidatorChanges.At(state, block.Height - 1);
        Int128 powerTotal = Validator.TotalOf(validators);
        bool[] isNews = TakeReports(state, block, validators);
        int counted = 0;
        // ORDER: by slot, which is ascending by market id; markets are never removed.
        for (int slot = 0; slot < state.Markets.Count; slot++)
        {
            uint market = state.Markets.Read(slot).Parameters.MarketId;
            bool isKnown = state.Oracles.TryFind(market, out int oracleSlot);
            OracleRow oracle = isKnown
                ? state.Oracles.Read(oracleSlot)
                : new OracleRow { Market = market, Variance = OracleRules.VarianceInitial };
            List<CountedReport> reports = Gather(state, market, validators, oracle.Variance, block.Time);
            counted += reports.Count;
            Move(state, oracle, reports, isNews[slot], powerTotal, block.Time, events);
        }

        if (counted != state.Reports.Count)
        {
            ForgetReports(state, validators, block.Time);
        }
    }

    /// <summary>
    /// The interval at which positions are valued (ORACLE-11): mark ± the oracle's interval, widened since the update
    /// by 2 σ, and by 4 σ when the price is stale or frozen. Low is at least 1.
    /// </summary>
    public static Valuation ValuationOf(in MarketRow market, in OracleRow oracle, long blockTime)
    {
        long width = WidthAt(oracle, blockTime);
        long mark = market.MarkPrice;
        return new Valuation(Math.Max(1, mark - width), mark, Math.Min(Limits.PriceMax, mark + width));
    }

    // The votes are widened up to the update; from there on the price ages.
    private static long WidthAt(in OracleRow oracle, long blockTime) => Volatility.Width(
        oracle.Price,
        oracle.Confidence,
        blockTime - oracle.UpdatedAt,
        oracle.Variance,
        oracle.State is OracleState.Stale or OracleState.Frozen
            ? OracleRules.StaleWideningSquared
            : OracleRules.WideningSquared);

    // Which markets, by slot, heard something new. ORDER: validator-set order, within it ascending by market.
    private static bool[] TakeReports(State state, Block block, ImmutableArray<Validator> validators)
    {
        var isNews = new bool[state.Markets.Count];
        if (block.PriceUpdate.IsDefaultOrEmpty)
        {
            return isNews;
        }

        int next = 0;
        foreach (ValidatorReports said in block.PriceUpdate)
        {
            // They come in the order of the set, so the search begins behind the one before.
            int member = Find(validators, said.Validator, next);
            if (member < 0)
            {
                continue;
            }

            next = member + 1;

            foreach (PriceReport report in said.Reports)
            {
                if (state.Markets.TryFind(report.Market, out int slot) && IsPlausible(report, block.Time))
                {
                    isNews[slot] |= Store(state, said.Validator, report);
                }
            }
        }

        return isNews;
    }

    // Position of a validator in the set, looked for from a position on and then before it; -1 when it is none.
    private static int Find(ImmutableArray<Validator> validators, Address address, int from)
    {
        // BOUND: at most Limits.ValidatorsMax members.
        for (int i = 0; i < validators.Length; i++)
        {
            int at = (from + i) % validators.Length;
            if (validators[at].Address == address)
            {
                return at;
            }
        }

        return -1;
    }

    private static bool IsPlausible(in PriceReport report, long blockTime) =>
        report.Price is > 0 and <= Limits.PriceMax
        && report.Confidence >= 0
        && report.Confidence <= report.Price
        && report.SourceTime <= blockTime + OracleRules.SkewMax
        && report.SourceTime >= blockTime - OracleRules.ReportAgeMax;

    private static bool Store(State state, Address validator, in PriceReport report)
    {
        var row = new ReportRow
        {
            Id = new ReportKey(report.Market, validator),
            Price = report.Price,
            Confidence = report.Confidence,
            SourceTime = report.SourceTime,
        };
        if (!state.Reports.TryFind(row.Id, out int slot))
        {
            state.Reports.Add(row);
            return true;
        }

        // An older word never replaces a newer one, and the same word again says nothing new.
        ReportRow last = state.Reports.Read(slot);
        bool isSame = last.Price == row.Price && last.Confidence == row.Confidence && last.SourceTime == row.SourceTime;
        if (isSame || row.SourceTime < last.SourceTime)
        {
            return false;
        }

        state.Reports.Write(slot) = row;
        return true;
    }

    // ORDER: validator-set order; every report that still counts, new in this block or kept from before.
    private static List<CountedReport> Gather(
        State state, uint market, ImmutableArray<Validator> validators, Int128 variance, long blockTime)
    {
        var reports = new List<CountedReport>(validators.Length);
        foreach (Validator validator in validators)
        {
            if (!state.Reports.TryFind(new ReportKey(market, validator.Address), out int slot))
            {
                continue;
            }

            ref readonly ReportRow row = ref state.Reports.Read(slot);
            long age = Math.Max(0, blockTime - row.SourceTime);
            if (age <= OracleRules.ReportAgeMax)
            {
                long width = Volatility.Width(row.Price, row.Confidence, age, variance, OracleRules.WideningSquared);
                reports.Add(new CountedReport(row.Price, width, age, row.SourceTime, validator.Power));
            }
        }

        return reports;
    }

    private static void Move(
        State state,
        OracleRow oracle,
        List<CountedReport> reports,
        bool isNews,
        Int128 powerTotal,
        long blockTime,
        List<ExchangeEvent> events)
    {
        OracleState stateBefore = oracle.State;
        bool isPreviousOld = oracle.PreviousPrice != oracle.Price;
        oracle.PreviousPrice = oracle.Price;
        bool isUpdated = isNews && (Int128)PriceAggregate.PowerOf(reports) * 3 > powerTotal * 2;
        long agreed = isUpdated ? Accept(ref oracle, new PriceAggregate(reports, powerTotal), blockTime) : 0;
        oracle.State = StateOf(oracle, blockTime);
        bool isStateChanged = oracle.State != stateBefore;
        if (!isUpdated && !isStateChanged && !isPreviousOld)
        {
            return;
        }

        if (state.Oracles.TryFind(oracle.Market, out int slot))
        {
            state.Oracles.Write(slot) = oracle;
        }
        else
        {
            state.Oracles.Add(oracle);
        }

        if (isUpdated || isStateChanged)
        {
            events.Add(new ExchangeEvent
            {
                Kind = isUpdated ? EventKind.OracleUpdated : EventKind.OracleStateChanged,
                Transaction = -1,
                Account = -1,
                Counterparty = -1,
                Market = oracle.Market,
                Price = oracle.Price,
                Quantity = agreed,
                Amount = oracle.Confidence,
                Amount2 = oracle.Power,
                Amount3 = oracle.SourceTime,
                Reason = (byte)oracle.State,
            });
        }
    }

    // Moves the price to the median, or as far as the bound and the agreement of two thirds allow; returns what they
    // agreed on.
    private static long Accept(ref OracleRow oracle, PriceAggregate aggregate, long blockTime)
    {
        long before = oracle.Price;
        long price = aggregate.Median;
        long agreed = price;
        if (before > 0)
        {
            long elapsed = blockTime - oracle.UpdatedAt;
            long bound = Volatility.MoveBound(before, elapsed, oracle.Variance);
            agreed = aggregate.AgreedPrice(before);
            price = price > before
                ? Math.Min(price, Math.Max(before + bound, agreed))
                : Math.Max(price, Math.Min(before - bound, agreed));
            oracle.Variance = Volatility.Next(oracle.Variance, before, price, elapsed);
        }

        oracle.Price = price;

        // Measured from the price in force, so the interval holds the median even while the bound keeps it away.
        long confidence = Math.Max(price - aggregate.Low, aggregate.High - price);
        oracle.Confidence = Arithmetic.Clamp(confidence, 0, price);
        oracle.SourceTime = Math.Min(blockTime, aggregate.SourceTime);
        oracle.UpdatedAt = blockTime;
        oracle.Power = aggregate.Power;
        oracle.Updates++;
        return agreed;
    }

    // ORACLE-10. The interval is measured as of the block, before the state itself can widen it.
    private static OracleState StateOf(OracleRow oracle, long blockTime)
    {
        if (oracle.Price == 0)
        {
            return OracleState.None;
        }

        long age = blockTime - oracle.SourceTime;
        if (age > OracleRules.StaleAfter)
        {
            return age > OracleRules.FrozenAfter ? OracleState.Frozen : OracleState.Stale;
        }

        oracle.State = OracleState.Live;
        Int128 relative = (Int128)WidthAt(oracle, blockTime) * Arithmetic.PpmOne;
        return relative > (Int128)oracle.Price * OracleRules.UncertainPpm ? OracleState.Uncertain : OracleState.Live;
    }

    // Reports beyond the maximum age, and those of validators that left the set.
    private static void ForgetReports(State state, ImmutableArray<Validator> validators, long blockTime)
    {
        var members = new HashSet<Address>(validators.Length);
        foreach (Validator validator in validators)
        {
            members.Add(validator.Address);
        }

        // ORDER: by key. BOUND: one step per report; a validator has at most one per market.
        foreach (int slot in state.Reports.SlotsInKeyOrder(Comparer<ReportKey>.Default))
        {
            ref readonly ReportRow row = ref state.Reports.Read(slot);
            if (!members.Contains(row.Id.Validator) || blockTime - row.SourceTime > OracleRules.ReportAgeMax)
            {
                state.Reports.Remove(slot);
            }
        }
    }
}
