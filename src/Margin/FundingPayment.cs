using System;

namespace AppChain.Margin;

/// <summary>What a position owes for a move of its market's funding index.</summary>
public static class FundingPayment
{
    /// <summary>Fraction bits of a funding index: its unit is 2^-32 micro-USD per lot.</summary>
    public const int ScaleBits = 32;

    /// <summary>
    /// Micro-USD owed by a position since it last settled; negative when it receives. ROUNDING: up, the account pays
    /// the fraction; what the exact amount fell short of it is returned as dust, 0 ≤ dust &lt; 2^32, for the insurance
    /// fund.
    /// </summary>
    public static Int128 Owed(long size, Int128 indexNow, Int128 indexThen, out long dust)
    {
        const long one = 1L << ScaleBits;

        // BOUND: whole units and fraction apart, so that no product leaves 127 bits: with the largest position it would
        // take an index of 2^118, some billion years at the highest rate and price. The shift rounds down, so
        // 0 ≤ fraction < 2^32.
        Int128 moved = indexNow - indexThen;
        Int128 whole = moved >> ScaleBits;
        Int128 part = (moved & (one - 1)) * size;

        // An arithmetic shift rounds toward negative infinity for either sign.
        Int128 owed = -(-part >> ScaleBits);
        dust = (long)((owed * one) - part);
        return Arithmetic.Multiply(whole, size) + owed;
    }
}
