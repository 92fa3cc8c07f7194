using System;
using AppChain.Margin;

namespace AppChain.StateMachine;

/// <summary>
/// What the variance of a market says about its price: how far age widens an interval, how far a price may move, and
/// how the variance follows the moves. Variance is in ppm² per second, times are in ns (docs/spec/oracle.md).
/// </summary>
internal static class Volatility
{
    private const long PartsPerBillion = 1_000_000_000;

    /// <summary>
    /// Half-width in ticks of an interval of the given age: √(confidence² + drift²), drift = price × σ × √(k² × age).
    /// At most the price. ROUNDING: up, so a wider truth is never cut. A negative age counts as none.
    /// </summary>
    public static long Width(long price, long confidence, long age, Int128 variance, long sigmasSquared)
    {
        Int128 ppb = DriftPpb(variance, sigmasSquared, age);
        Int128 drift = Arithmetic.DivCeil(Arithmetic.Multiply(ppb, price), PartsPerBillion);
        drift = Int128.Min(drift, price);
        Int128 square = Math.BigMul(confidence, confidence) + Math.BigMul((long)drift, (long)drift);
        Int128 root = square == 0 ? 0 : Arithmetic.SqrtFloor(square - 1) + 1;
        return (long)Int128.Min(root, price);
    }

    /// <summary>
    /// Largest move in ticks that needs no agreement: price × (4 σ √elapsed + 0.1 %). ROUNDING: down, but at least one
    /// tick, so that a price can always follow.
    /// </summary>
    public static long MoveBound(long price, long elapsed, Int128 variance)
    {
        Int128 ppb = DriftPpb(variance, OracleRules.MoveSquared, elapsed) + (OracleRules.MoveFloorPpm * 1_000);
        Int128 bound = Arithmetic.DivFloor(Arithmetic.Multiply(ppb, price), PartsPerBillion);
        return (long)Arithmetic.Clamp(bound, 1, Limits.PriceMax);
    }

    /// <summary>
    /// The exponential average of r² / elapsed after a move: V e^(−t/τ) + min(r² / t, 36 V) (1 − e^(−t/τ)), τ one hour.
    /// Unchanged when no time has passed. ROUNDING: down.
    /// </summary>
    public static Int128 Next(Int128 variance, long before, long after, long elapsed)
    {
        if (elapsed <= 0)
        {
            return variance;
        }

        long change = Math.Min(Math.Abs(after - before), before);

        // BOUND: change² < 2^80 and 10^12 < 2^40, so the product fits in 120 bits.
        Int128 square = Arithmetic.DivFloor(
            Arithmetic.Multiply(change, change, 1_000_000_000_000), Math.BigMul(before, before));
        Int128 perSecond = Arithmetic.DivFloor(Arithmetic.Multiply(square, PartsPerBillion), elapsed);
        Int128 sample = Int128.Min(perSecond, variance * OracleRules.WinsorSquared);
        long kept = Decay.Factor(elapsed, OracleRules.VarianceTau);
        Int128 next = (Arithmetic.Multiply(variance, kept) + Arithmetic.Multiply(sample, (1L << Decay.Bits) - kept))
            >> Decay.Bits;
        return Arithmetic.Clamp(next, OracleRules.VarianceMin, OracleRules.VarianceMax);
    }

    // σ √(k² × age) in parts per billion: the root of ppm² × 10^6 × age / 10^9.
    private static Int128 DriftPpb(Int128 variance, long sigmasSquared, long age)
    {
        long counted = Arithmetic.Clamp(age, 0, OracleRules.WideningAgeMax);

        // ROUNDING: down, less than a part per billion.
        return Arithmetic.SqrtFloor(Arithmetic.DivFloor(
            Arithmetic.Multiply(Arithmetic.Multiply(variance, sigmasSquared), counted), 1_000));
    }
}
