using System;
using AppChain.Margin;

namespace AppChain.StateMachine;

/// <summary>
/// Step 3 of a block: the mark price, which margin and liquidation use, is the median of three estimates
/// (docs/spec/mark.md): the index price plus the average basis of the book, the book itself, and the last fill bounded
/// around the index. A missing one is replaced by the index price, so no single distorted source can move the mark.
/// </summary>
internal static class MarkPrice
{
    private const long Second = 1_000_000_000;

    /// <summary>Time constant of the basis average.</summary>
    private const long BasisTau = 150 * Second;

    /// <summary>Longest time that one sample stands for: a halt of the chain gives no sample a greater say.</summary>
    private const long SampleTimeMax = 60 * Second;

    /// <summary>Age at which a fill says nothing any more: the time constant of the average.</summary>
    private const long FillAgeMax = BasisTau;

    /// <summary>
    /// How far a basis sample may count, ppm of the index: beyond it the book is an accident, not a price.
    /// </summary>
    private const long BasisMaxPpm = 50_000;

    /// <summary>
    /// How far the last fill may pull the mark from the index, ppm. In the block of a jump the book and the last fill
    /// are older than the index, and this is all they can hold the mark back.
    /// </summary>
    private const long LastFillBandPpm = 5_000;

    /// <summary>Fraction of a tick in which the basis is kept.</summary>
    private const long MicroTicks = 1_000_000;

    /// <summary>
    /// Moves the mark price of one market. Leaves it at 0 until the oracle has a price, and where it is while the
    /// oracle is frozen.
    /// </summary>
    public static void Update(State state, int marketSlot, in BookQuote quote, long blockTime)
    {
        uint market = state.Markets.Read(marketSlot).Parameters.MarketId;
        if (!state.Oracles.TryFind(market, out int oracleSlot))
        {
            return;
        }

        ref readonly OracleRow oracle = ref state.Oracles.Read(oracleSlot);
        if (oracle.State is OracleState.None or OracleState.Frozen)
        {
            return;
        }

        ref MarketRow row = ref state.Markets.Write(marketSlot);
        SampleBasis(ref row, quote, oracle.PreviousPrice, blockTime);
        long index = oracle.Price;
        long lastFill = row.LastPrice > 0 && blockTime - row.LastFillTime <= FillAgeMax ? row.LastPrice : 0;
        row.MarkPrice = Median(
            Math.Clamp(index + Basis(row), 1, Limits.PriceMax),
            BookMedian(quote, lastFill, index),
            lastFill == 0 ? index : Bounded(lastFill, index, LastFillBandPpm));
    }

    /// <summary>The average basis in ticks. ROUNDING: down.</summary>
    public static long Basis(in MarketRow row) => row.BasisDenominator == 0
        ? 0
        : (long)Arithmetic.DivFloor(row.BasisNumerator, row.BasisDenominator * MicroTicks);

    // Event time: both sums decay by e^(−t/τ) and take in the sample with the time it stood. The book at this point is
    // that of the block before, so it is measured against the index of the block before; a book without two sides has
    // no basis to show and counts as zero.
    private static void SampleBasis(ref MarketRow row, in BookQuote quote, long previousIndex, long blockTime)
    {
        if (previousIndex == 0)
        {
            return;
        }

        long elapsed = row.BasisTime == 0 ? 0 : Math.Max(0, blockTime - row.BasisTime);
        row.BasisTime = blockTime;
        if (elapsed == 0)
        {
            return;
        }

        Int128 basis = 0;
        if (quote.BestBid > 0 && quote.BestAsk > 0)
        {
            Int128 limit = Arithmetic.DivFloor((Int128)previousIndex * BasisMaxPpm * MicroTicks, Arithmetic.PpmOne);
            Int128 twice = (Int128)quote.BestBid + quote.BestAsk - (2 * (Int128)previousIndex);
            basis = Arithmetic.Clamp(twice * (MicroTicks / 2), -limit, limit);
        }

        // BOUND: a sample is below 2^56 micro-ticks and the weights sum to less than 183 s < 2^38 ns, so the sum stays
        // below 2^94, and its product with the factor below 2^126.
        long weight = Math.Min(elapsed, SampleTimeMax);
        long factor = Decay.Factor(elapsed, BasisTau);
        row.BasisNumerator = ((row.BasisNumerator * factor) >> Decay.Bits) + (basis * weight);
        row.BasisDenominator = ((row.BasisDenominator * factor) >> Decay.Bits) + weight;
    }

    // Median of best bid, best ask and last fill; their middle without a fill. ROUNDING: down, half a tick.
    private static long BookMedian(in BookQuote quote, long lastFill, long index)
    {
        if (quote.BestBid == 0 || quote.BestAsk == 0)
        {
            return index;
        }

        return lastFill == 0
            ? Arithmetic.DivFloor(quote.BestBid + quote.BestAsk, 2)
            : Arithmetic.Clamp(lastFill, quote.BestBid, quote.BestAsk);
    }

    private static long Bounded(long price, long index, long ppm)
    {
        // ROUNDING: outward by less than a tick.
        long band = (long)Arithmetic.PpmCeil(index, ppm);
        return Arithmetic.Clamp(price, Math.Max(1, index - band), Math.Min(Limits.PriceMax, index + band));
    }

    private static long Median(long first, long second, long third) =>
        Arithmetic.Clamp(first, Math.Min(second, third), Math.Max(second, third));
}
