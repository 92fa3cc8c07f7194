using System;
using AppChain.Margin;

namespace AppChain.StateMachine;

/// <summary>The exponential of event-time averages, in integers.</summary>
internal static class Decay
{
    /// <summary>Fraction bits of the result.</summary>
    public const int Bits = 32;

    /// <summary>
    /// e^(−elapsed/tau) in units of 2^-32, for elapsed ≥ 0 and tau &gt; 0; within 2^-28 of the true value. The argument
    /// is halved until it is below 1/16, the series is taken to the sixth power and squared back. ROUNDING: down.
    /// </summary>
    public static long Factor(long elapsed, long tau)
    {
        Invariant.Assert(elapsed >= 0);
        const long one = 1L << Bits;
        if (elapsed >= tau * 20)
        {
            return 0;
        }

        // 62 fraction bits inside, so that squaring back loses nothing visible.
        const int inner = 62;
        Int128 unit = Int128.One << inner;
        Int128 x = Arithmetic.DivFloor((Int128)elapsed << inner, tau);
        int halvings = 0;
        // BOUND: 20 needs nine halvings to come below 1/16.
        while (x > unit >> 4)
        {
            x >>= 1;
            halvings++;
        }

        // Everything from here on is at most one, so a product is one multiplication of the processor.
        Int128 sum = unit;
        Int128 term = unit;
        for (int i = 1; i <= 6; i++)
        {
            term = -Arithmetic.DivFloor(Arithmetic.Multiply(term, (long)x) >> inner, i);
            sum += term;
        }

        for (int i = 0; i < halvings; i++)
        {
            sum = Arithmetic.Multiply(sum, (long)sum) >> inner;
        }

        return (long)Arithmetic.Clamp(sum >> (inner - Bits), 0, one);
    }
}
