using System;
using System.Collections.Generic;
using AppChain.Margin;

namespace AppChain.StateMachine;

/// <summary>
/// Step 4 of a block: the premium of the book over the index is sampled in every block, and at each whole hour its
/// average moves the funding index that positions settle on touch (docs/spec/funding.md).
/// </summary>
internal static class FundingSchedule
{
    private const long Second = 1_000_000_000;
    private const long Hour = 3_600 * Second;

    /// <summary>Hours that premium and interest are quoted for.</summary>
    private const long QuoteHours = 8;

    /// <summary>
    /// Interest per eight hours, 0.01 %, and how far it may pull the premium, 0.05 %: the rule of the field.
    /// </summary>
    private const long InterestPpm = 100;
    private const long InterestClampPpm = 500;

    /// <summary>Samples beyond this are cut: the book is then no price but an accident.</summary>
    private const long PremiumMaxPpm = 50_000;

    /// <summary>Longest time that one sample stands for: a halt of the chain gives no sample a greater say.</summary>
    private const long SampleTimeMax = 60 * Second;

    /// <summary>Samples the premium of one market and applies funding when a whole hour has been reached.</summary>
    public static void Update(
        State state, int marketSlot, in BookQuote quote, long blockTime, List<ExchangeEvent> events)
    {
        uint market = state.Markets.Read(marketSlot).Parameters.MarketId;
        if (!state.Oracles.TryFind(market, out int oracleSlot))
        {
            return;
        }

        ref readonly OracleRow oracle = ref state.Oracles.Read(oracleSlot);
        ref MarketRow row = ref state.Markets.Write(marketSlot);
        bool isTrusted = oracle.State is not (OracleState.None or OracleState.Frozen);
        if (isTrusted && oracle.PreviousPrice > 0)
        {
            Sample(ref row, PremiumPpm(quote, oracle.PreviousPrice), blockTime);
        }

        long hour = Arithmetic.DivFloor(blockTime, Hour) * Hour;
        bool isDue = row.FundingAppliedAt != 0 && hour > row.FundingAppliedAt;
        if (isDue && isTrusted && row.PremiumTime > 0)
        {
            Apply(ref row, oracle.Price, events);
        }

        if (isDue || row.FundingAppliedAt == 0)
        {
            row.FundingAppliedAt = hour;
            row.PremiumSum = 0;
            row.PremiumTime = 0;
        }
    }

    /// <summary>
    /// The rate of one hour, ppm, positive when longs pay, for the average premium of eight hours: (P + clamp(0.01 % −
    /// P, ± 0.05 %)) / 8, within ± cap. ROUNDING: toward zero, less than 1 ppm that neither side pays.
    /// </summary>
    public static long RatePpm(long averagePremiumPpm, long capPpm)
    {
        long pull = Arithmetic.Clamp(InterestPpm - averagePremiumPpm, -InterestClampPpm, InterestClampPpm);
        long quoted = averagePremiumPpm + pull;
        long hourly = Math.Sign(quoted) * Arithmetic.DivFloor(Math.Abs(quoted), QuoteHours);
        return Arithmetic.Clamp(hourly, -capPpm, capPpm);
    }

    /// <summary>
    /// (max(0, impact bid − index) − max(0, index − impact ask)) / index in ppm, within ± 5 %. A side that is not deep
    /// enough says nothing. ROUNDING: down, 1 ppm of eight hours' funding.
    /// </summary>
    public static long PremiumPpm(in BookQuote quote, long index)
    {
        long above = quote.ImpactBid == 0 ? 0 : Math.Max(0, quote.ImpactBid - index);
        long below = quote.ImpactAsk == 0 ? 0 : Math.Max(0, index - quote.ImpactAsk);
        Int128 premium = Arithmetic.DivFloor(((Int128)above - below) * Arithmetic.PpmOne, index);
        return (long)Arithmetic.Clamp(premium, -PremiumMaxPpm, PremiumMaxPpm);
    }

    private static void Sample(ref MarketRow row, long premiumPpm, long blockTime)
    {
        if (row.PremiumSampledAt > 0 && blockTime > row.PremiumSampledAt)
        {
            long elapsed = Math.Min(blockTime - row.PremiumSampledAt, SampleTimeMax);
            row.PremiumSum += (Int128)premiumPpm * elapsed;
            row.PremiumTime += elapsed;
        }

        row.PremiumSampledAt = blockTime;
    }

    // Once, however many hours have passed: in the hours of a halt nobody could trade out of a position, and there was
    // no book to take a premium from. So no block moves the index by more than one hour's cap.
    private static void Apply(ref MarketRow row, long index, List<ExchangeEvent> events)
    {
        // ROUNDING: down, 1 ppm of eight hours' funding.
        long average = (long)Arithmetic.DivFloor(row.PremiumSum, row.PremiumTime);
        long rate = RatePpm(average, row.Parameters.FundingCapPpm);

        // ROUNDING: down. Payers and receivers move by the same index, so nothing is lost by it.
        // BOUND: price 40 + tick-lot value 21 + rate 20 + scale 32 = 113 bits.
        Int128 perLot = (Int128)index * row.Parameters.TickLotValue * rate;
        row.FundingIndex += Arithmetic.DivFloor(perLot << MarketRow.FundingScaleBits, Arithmetic.PpmOne);
        row.LastFundingRatePpm = rate;
        events.Add(new ExchangeEvent
        {
            Kind = EventKind.FundingApplied,
            Transaction = -1,
            Account = -1,
            Counterparty = -1,
            Market = row.Parameters.MarketId,
            Price = index,
            Amount = rate,
            Amount2 = row.FundingIndex,
        });
    }
}
