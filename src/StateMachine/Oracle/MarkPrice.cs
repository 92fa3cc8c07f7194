using System;
using AppChain.Margin;

namespace AppChain.StateMachine;

/// <summary>
/// Step 3 of a block: the mark price, which margin and liquidation use, is the median of three estimates
/// (docs/spec/mark.md): the index price plus the average basis of the book, the book itself, and the last fill bounded
/// around the index. A single distorted source cannot move it far.
/// </summary>
internal static class MarkPrice
{
    private const long Millisecond = 1_000_000;

    /// <summary>Time constant of the basis average, milliseconds.</summary>
    private const long BasisTau = 150_000;

    /// <summary>Longest gap that one basis sample stands for, milliseconds.</summary>
    private const long BasisGapMax = 150_000;

    /// <summary>How far the last fill and the mark may lie from the index, ppm.</summary>
    private const long LastFillBandPpm = 10_000;
    private const long MarkBandPpm = 50_000;

    /// <summary>Fraction of a tick in which the basis is kept.</summary>
    private const long MicroTicks = 1_000_000;

    /// <summary>Moves the mark price of one market; leaves it at 0 until the oracle has a price.</summary>
    public static void Update(State state, int marketSlot, in BookQuote quote, long blockTime)
    {
        uint market = state.Markets.Read(marketSlot).Parameters.MarketId;
        if (!state.Oracles.TryFind(market, out int oracleSlot) || state.Oracles.Read(oracleSlot).Price == 0)
        {
            return;
        }

        long index = state.Oracles.Read(oracleSlot).Price;
        ref MarketRow row = ref state.Markets.Write(marketSlot);
        bool twoSided = quote.BestBid > 0 && quote.BestAsk > 0;
        if (twoSided)
        {
            SampleBasis(ref row, index, quote, blockTime);
        }

        long withBasis = index + (row.BasisDenominator == 0
            ? 0
            : (long)Arithmetic.DivFloor(row.BasisNumerator, row.BasisDenominator * MicroTicks));
        long low = (long)Arithmetic.PpmFloor(index, Arithmetic.PpmOne - MarkBandPpm);
        long high = (long)Arithmetic.PpmCeil(index, Arithmetic.PpmOne + MarkBandPpm);
        long mark = Middle(withBasis, BookMedian(row, quote, twoSided), LastFill(row, index));
        row.MarkPrice = Arithmetic.Clamp(Arithmetic.Clamp(mark, low, high), 1, Limits.PriceMax);
    }

    // Event time: both sums decay by e^(−dt/τ) and take in the sample with the weight of the time it stood.
    private static void SampleBasis(ref MarketRow row, long index, in BookQuote quote, long blockTime)
    {
        long elapsed = row.BasisTime == 0
            ? 1
            : Arithmetic.DivFloor(blockTime - row.BasisTime, Millisecond);
        row.BasisTime = blockTime;
        if (elapsed <= 0)
        {
            return;
        }

        long factor = Decay.Factor(elapsed, BasisTau);
        long weight = Math.Min(elapsed, BasisGapMax);
        Int128 basis = (((Int128)quote.BestBid + quote.BestAsk) * (MicroTicks / 2)) - ((Int128)index * MicroTicks);
        row.BasisNumerator = ((row.BasisNumerator * factor) >> Decay.Bits) + (basis * weight);
        row.BasisDenominator = ((row.BasisDenominator * factor) >> Decay.Bits) + weight;
    }

    // Median of best bid, best ask and last fill; their middle when nothing has traded; 0 when a side is empty.
    private static long BookMedian(in MarketRow row, in BookQuote quote, bool twoSided)
    {
        if (!twoSided)
        {
            return 0;
        }

        return row.LastPrice == 0
            ? Arithmetic.DivFloor(quote.BestBid + quote.BestAsk, 2)
            : Arithmetic.Clamp(row.LastPrice, quote.BestBid, quote.BestAsk);
    }

    private static long LastFill(in MarketRow row, long index) => row.LastPrice == 0
        ? 0
        : Arithmetic.Clamp(
            row.LastPrice,
            (long)Arithmetic.PpmFloor(index, Arithmetic.PpmOne - LastFillBandPpm),
            (long)Arithmetic.PpmCeil(index, Arithmetic.PpmOne + LastFillBandPpm));

    // Median of those that are there (not 0); the first always is. Of two, ROUNDING: their mean, down.
    private static long Middle(long first, long second, long third)
    {
        if (second == 0 && third == 0)
        {
            return first;
        }

        if (second == 0 || third == 0)
        {
            return Arithmetic.DivFloor(first + Math.Max(second, third), 2);
        }

        long low = Math.Min(second, third);
        long high = Math.Max(second, third);
        return Arithmetic.Clamp(first, low, high);
    }
}
