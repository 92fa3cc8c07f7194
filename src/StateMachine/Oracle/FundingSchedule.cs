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
    private const long Hour = 3_600_000_000_000;

    /// <summary>Interest per eight hours, ppm, and how far it may pull the premium.</summary>
    private const long InterestPpm = 100;
    private const long InterestClampPpm = 500;

    /// <summary>Hours that the premium is quoted for.</summary>
    private const long QuoteHours = 8;

    /// <summary>Most hours that one block makes up for after a halt.</summary>
    private const long HoursMax = 24;

    /// <summary>Premiums beyond this are cut: the book is then no price but an accident.</summary>
    private const long PremiumMaxPpm = 100_000;

    /// <summary>Samples the premium of one market and applies funding when an hour has passed.</summary>
    public static void Update(State state, int marketSlot, in BookQuote quote, long blockTime, List<ExchangeEvent> events)
    {
        uint market = state.Markets.Read(marketSlot).Parameters.MarketId;
        if (!state.Oracles.TryFind(market, out int oracleSlot) || state.Oracles.Read(oracleSlot).Price == 0)
        {
            return;
        }

        long index = state.Oracles.Read(oracleSlot).Price;
        ref MarketRow row = ref state.Markets.Write(marketSlot);
        if (row.PremiumSampledAt == 0)
        {
            row.FundingAppliedAt = Arithmetic.DivFloor(blockTime, Hour) * Hour;
        }
        else
        {
            long elapsed = Math.Min(blockTime - row.PremiumSampledAt, Hour);
            row.PremiumSum += (Int128)PremiumPpm(quote, index) * elapsed;
            row.PremiumTime += elapsed;
        }

        row.PremiumSampledAt = blockTime;
        long hours = Arithmetic.DivFloor(blockTime - row.FundingAppliedAt, Hour);
        if (hours > 0)
        {
            Apply(ref row, index, hours, events);
        }
    }

    // (max(0, impact bid − index) − max(0, index − impact ask)) / index. A side that is not deep enough says nothing.
    private static long PremiumPpm(in BookQuote quote, long index)
    {
        long above = quote.ImpactBid == 0 ? 0 : Math.Max(0, quote.ImpactBid - index);
        long below = quote.ImpactAsk == 0 ? 0 : Math.Max(0, index - quote.ImpactAsk);

        // ROUNDING: down; at most 1 ppm of eight hours' funding.
        Int128 premium = Arithmetic.DivFloor(((Int128)above - below) * Arithmetic.PpmOne, index);
        return (long)Arithmetic.Clamp(premium, -PremiumMaxPpm, PremiumMaxPpm);
    }

    private static void Apply(ref MarketRow row, long index, long hours, List<ExchangeEvent> events)
    {
        // ROUNDING: down, at most 1 ppm; what receivers and payers move is the same index, so nothing is lost by it.
        long average = row.PremiumTime == 0 ? 0 : (long)Arithmetic.DivFloor(row.PremiumSum, row.PremiumTime);
        long quoted = average + Arithmetic.Clamp(InterestPpm - average, -InterestClampPpm, InterestClampPpm);
        long cap = row.Parameters.FundingCapPpm;
        long rate = Arithmetic.Clamp(Arithmetic.DivFloor(quoted, QuoteHours), -cap, cap);
        Int128 perLot = (Int128)index * row.Parameters.TickLotValue * rate * Math.Min(hours, HoursMax);
        row.FundingIndex += Arithmetic.DivFloor(perLot << MarketRow.FundingScaleBits, Arithmetic.PpmOne);
        row.FundingAppliedAt += hours * Hour;
        row.LastFundingRatePpm = rate;
        row.PremiumSum = 0;
        row.PremiumTime = 0;
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
