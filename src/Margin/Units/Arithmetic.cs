using System;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace AppChain.Margin;

/// <summary>
/// The only place of the deterministic core that divides. C# division truncates toward zero, which is almost never
/// the wanted rule for money, so every division says its direction by name. All operations are exact or throw on
/// overflow.
/// </summary>
public static class Arithmetic
{
    /// <summary>Parts per million in one whole: the scale of every rate.</summary>
    public const long PpmOne = 1_000_000;

    /// <summary>⌊numerator / denominator⌋ (toward negative infinity). The denominator must be positive.</summary>
    public static Int128 DivFloor(Int128 numerator, Int128 denominator)
    {
        Invariant.Assert(denominator > 0);
        if (FitsLong(numerator) && FitsLong(denominator))
        {
            return DivFloor((long)numerator, (long)denominator);
        }

        Int128 quotient = numerator / denominator;
        return numerator < 0 && quotient * denominator != numerator ? quotient - 1 : quotient;
    }

    /// <summary>⌈numerator / denominator⌉ (toward positive infinity). The denominator must be positive.</summary>
    public static Int128 DivCeil(Int128 numerator, Int128 denominator)
    {
        Invariant.Assert(denominator > 0);
        if (FitsLong(numerator) && FitsLong(denominator))
        {
            return DivCeil((long)numerator, (long)denominator);
        }

        Int128 quotient = numerator / denominator;
        return numerator > 0 && quotient * denominator != numerator ? quotient + 1 : quotient;
    }

    /// <summary>⌊numerator / denominator⌋. The denominator must be positive.</summary>
    public static long DivFloor(long numerator, long denominator)
    {
        Invariant.Assert(denominator > 0);
        long quotient = numerator / denominator;
        return numerator < 0 && quotient * denominator != numerator ? quotient - 1 : quotient;
    }

    /// <summary>⌈numerator / denominator⌉. The denominator must be positive.</summary>
    public static long DivCeil(long numerator, long denominator)
    {
        Invariant.Assert(denominator > 0);
        long quotient = numerator / denominator;
        return numerator > 0 && quotient * denominator != numerator ? quotient + 1 : quotient;
    }

    /// <summary>⌊amount × ppm / 1,000,000⌋.</summary>
    public static Int128 PpmFloor(Int128 amount, long ppm) => DivFloor(Multiply(amount, ppm), PpmOne);

    /// <summary>⌈amount × ppm / 1,000,000⌉.</summary>
    public static Int128 PpmCeil(Int128 amount, long ppm) => DivCeil(Multiply(amount, ppm), PpmOne);

    /// <summary>a × b; one multiplication of the processor when a fits in 64 bits, as nearly always.</summary>
    public static Int128 Multiply(Int128 a, long b) => FitsLong(a) ? Math.BigMul((long)a, b) : a * b;

    /// <summary>a × b × c.</summary>
    public static Int128 Multiply(long a, long b, long c) => Multiply(Math.BigMul(a, b), c);

    /// <summary>
    /// Sign of a×b − c×d computed in 256 bits, so that two ratios are compared by cross-multiplication without any
    /// division or overflow.
    /// </summary>
    public static int CompareProducts(Int128 a, Int128 b, Int128 c, Int128 d)
    {
        int left = Sign(a) * Sign(b);
        int right = Sign(c) * Sign(d);
        if (left != right)
        {
            return left < right ? -1 : 1;
        }

        if (left == 0)
        {
            return 0;
        }

        Multiply(Magnitude(a), Magnitude(b), out UInt128 highLeft, out UInt128 lowLeft);
        Multiply(Magnitude(c), Magnitude(d), out UInt128 highRight, out UInt128 lowRight);
        int magnitude = highLeft != highRight ? highLeft.CompareTo(highRight) : lowLeft.CompareTo(lowRight);
        int sign = magnitude < 0 ? -1 : magnitude > 0 ? 1 : 0;
        return left * sign;
    }

    /// <summary>
    /// ⌊a × b / c⌋ with a 256-bit product, for b ≥ 0 and c &gt; 0. The quotient must fit in 127 bits.
    /// </summary>
    public static Int128 MulDivFloor(Int128 a, Int128 b, Int128 c)
    {
        Invariant.Assert(b >= 0);
        Invariant.Assert(c > 0);
        if (FitsLong(a) && FitsLong(b))
        {
            return DivFloor((Int128)(long)a * (long)b, c);
        }

        Multiply(Magnitude(a), (UInt128)b, out UInt128 high, out UInt128 low);
        UInt128 divisor = (UInt128)c;
        UInt128 quotient;
        UInt128 rest;
        if (high == 0)
        {
            quotient = low / divisor;
            rest = low - (quotient * divisor);
        }
        else
        {
            Invariant.Assert(high < divisor);
            quotient = 0;
            rest = high;
            // BOUND: one step per bit of the low half.
            for (int bit = 127; bit >= 0; bit--)
            {
                // The divisor has at most 127 bits, so the doubled rest cannot overflow.
                rest = (rest << 1) | ((low >> bit) & 1);
                quotient <<= 1;
                if (rest >= divisor)
                {
                    rest -= divisor;
                    quotient |= 1;
                }
            }
        }

        Int128 result = (Int128)quotient;
        return a >= 0 ? result : rest == 0 ? -result : -result - 1;
    }

    /// <summary>
    /// ⌈a × b / c⌉ with a 256-bit product, for b ≥ 0 and c &gt; 0. The quotient must fit in 127 bits.
    /// </summary>
    public static Int128 MulDivCeil(Int128 a, Int128 b, Int128 c) => -MulDivFloor(-a, b, c);

    /// <summary>⌊√value⌋ for value ≥ 0.</summary>
    public static Int128 SqrtFloor(Int128 value)
    {
        Invariant.Assert(value >= 0);
        return value <= long.MaxValue ? SqrtByNewton((ulong)value) : SqrtByDigits((UInt128)value);
    }

    // Newton's method from above: the first guess is a power of two not below the root, each next one is nearer and
    // still not below ⌊√value⌋, and the first that is no nearer is the answer.
    private static long SqrtByNewton(ulong value)
    {
        if (value == 0)
        {
            return 0;
        }

        ulong root = 1UL << ((65 - BitOperations.LeadingZeroCount(value)) / 2);
        // BOUND: the error squares: at most seven steps.
        while (true)
        {
            ulong next = (root + (value / root)) >> 1;
            if (next >= root)
            {
                return (long)root;
            }

            root = next;
        }
    }

    private static Int128 SqrtByDigits(UInt128 rest)
    {
        UInt128 root = 0;
        UInt128 bit = UInt128.One << 126;
        while (bit > rest)
        {
            bit >>= 2;
        }

        // BOUND: the bit moves down two places a step, at most 64 steps.
        while (bit != 0)
        {
            if (rest >= root + bit)
            {
                rest -= root + bit;
                root = (root >> 1) + bit;
            }
            else
            {
                root >>= 1;
            }

            bit >>= 2;
        }

        return (Int128)root;
    }

    /// <summary>The value moved into [low, high].</summary>
    public static Int128 Clamp(Int128 value, Int128 low, Int128 high)
    {
        Invariant.Assert(low <= high);
        return value < low ? low : value > high ? high : value;
    }

    /// <summary>The value moved into [low, high].</summary>
    public static long Clamp(long value, long low, long high)
    {
        Invariant.Assert(low <= high);
        return value < low ? low : value > high ? high : value;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool FitsLong(Int128 value)
    {
        long low = unchecked((long)value);
        return low == value && low != long.MinValue;
    }

    private static int Sign(Int128 value) => value < 0 ? -1 : value > 0 ? 1 : 0;

    private static UInt128 Magnitude(Int128 value) =>
        value < 0 ? unchecked((UInt128)(-(value + 1)) + 1) : (UInt128)value;

    private static void Multiply(UInt128 a, UInt128 b, out UInt128 high, out UInt128 low)
    {
        const ulong mask = ulong.MaxValue;
        unchecked
        {
            UInt128 a0 = a & mask, a1 = a >> 64, b0 = b & mask, b1 = b >> 64;
            UInt128 p00 = a0 * b0, p01 = a0 * b1, p10 = a1 * b0, p11 = a1 * b1;
            UInt128 middle = (p00 >> 64) + (p01 & mask) + (p10 & mask);
            low = (p00 & mask) | (middle << 64);
            high = p11 + (p01 >> 64) + (p10 >> 64) + (middle >> 64);
        }
    }
}
