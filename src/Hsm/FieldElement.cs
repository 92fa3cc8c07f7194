using System;
using System.Buffers.Binary;

namespace AppChain.Hsm;

/// <summary>
/// A number modulo 2^255 - 19, in five limbs of 51 bits. For verification only: the time taken depends on the values.
/// </summary>
/// <remarks>
/// BOUND: every operation takes and returns limbs below 2^52. A multiplication then sums five products below 2^52 × 19
/// × 2^52, less than 2^111, whose upper parts (from bit 51 on) fit 64 bits even after the last factor of 19.
/// </remarks>
internal readonly struct FieldElement
{
    /// <summary>Bytes of an encoded number.</summary>
    public const int Size = 32;

    private const ulong Mask = (1UL << 51) - 1;

    // Four times the prime, limb by limb: added before a subtraction so that no limb falls below zero.
    private const ulong FourPrimeLow = 4 * ((1UL << 51) - 19);
    private const ulong FourPrimeHigh = 4 * ((1UL << 51) - 1);

    private readonly ulong _a;
    private readonly ulong _b;
    private readonly ulong _c;
    private readonly ulong _d;
    private readonly ulong _e;

    private FieldElement(ulong a, ulong b, ulong c, ulong d, ulong e)
    {
        _a = a;
        _b = b;
        _c = c;
        _d = d;
        _e = e;
    }

    /// <summary>Zero.</summary>
    public static FieldElement Zero => default;

    /// <summary>One.</summary>
    public static FieldElement One => Of(1);

    /// <summary>A small number.</summary>
    public static FieldElement Of(uint value) => new(value, 0, 0, 0, 0);

    /// <summary>
    /// Little-endian bytes without the highest bit. Numbers at or above the prime are taken modulo it.
    /// </summary>
    public static FieldElement Decode(ReadOnlySpan<byte> bytes)
    {
        ulong x0 = BinaryPrimitives.ReadUInt64LittleEndian(bytes);
        ulong x1 = BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]);
        ulong x2 = BinaryPrimitives.ReadUInt64LittleEndian(bytes[16..]);
        ulong x3 = BinaryPrimitives.ReadUInt64LittleEndian(bytes[24..]);
        return new FieldElement(
            x0 & Mask,
            ((x0 >> 51) | (x1 << 13)) & Mask,
            ((x1 >> 38) | (x2 << 26)) & Mask,
            ((x2 >> 25) | (x3 << 39)) & Mask,
            (x3 >> 12) & Mask);
    }

    /// <summary>The one encoding below the prime, little-endian.</summary>
    public void Encode(Span<byte> bytes)
    {
        FieldElement x = Carried(_a, _b, _c, _d, _e);
        // x is below 2^255 + 2^13 now. Adding 19 overflows 2^255 exactly when x is at or above the prime.
        ulong over = (x._a + 19) >> 51;
        over = (x._b + over) >> 51;
        over = (x._c + over) >> 51;
        over = (x._d + over) >> 51;
        over = (x._e + over) >> 51;
        ulong a = x._a + (19 * over);
        ulong b = x._b + (a >> 51);
        ulong c = x._c + (b >> 51);
        ulong d = x._d + (c >> 51);
        ulong e = x._e + (d >> 51);
        a &= Mask;
        b &= Mask;
        c &= Mask;
        d &= Mask;
        e &= Mask;
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, a | (b << 51));
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[8..], (b >> 13) | (c << 38));
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[16..], (c >> 26) | (d << 25));
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[24..], (d >> 39) | (e << 12));
    }

    /// <summary>Whether the number in its encoding below the prime is odd.</summary>
    public bool IsOdd
    {
        get
        {
            Span<byte> bytes = stackalloc byte[Size];
            Encode(bytes);
            return (bytes[0] & 1) != 0;
        }
    }

    /// <summary>Whether both are the same number modulo the prime.</summary>
    public bool IsSame(in FieldElement other)
    {
        Span<byte> ours = stackalloc byte[Size];
        Span<byte> theirs = stackalloc byte[Size];
        Encode(ours);
        other.Encode(theirs);
        return ours.SequenceEqual(theirs);
    }

    public static FieldElement operator +(in FieldElement x, in FieldElement y) =>
        Carried(x._a + y._a, x._b + y._b, x._c + y._c, x._d + y._d, x._e + y._e);

    public static FieldElement operator -(in FieldElement x, in FieldElement y) => Carried(
        x._a + FourPrimeLow - y._a,
        x._b + FourPrimeHigh - y._b,
        x._c + FourPrimeHigh - y._c,
        x._d + FourPrimeHigh - y._d,
        x._e + FourPrimeHigh - y._e);

    public static FieldElement operator -(in FieldElement x) => Zero - x;

    public static FieldElement operator *(in FieldElement x, in FieldElement y)
    {
        // Limbs beyond 2^255 come back multiplied by 19.
        ulong b19 = 19 * y._b;
        ulong c19 = 19 * y._c;
        ulong d19 = 19 * y._d;
        ulong e19 = 19 * y._e;
        UInt128 a = Product(x._a, y._a) + Product(x._b, e19) + Product(x._c, d19) + Product(x._d, c19)
            + Product(x._e, b19);
        UInt128 b = Product(x._a, y._b) + Product(x._b, y._a) + Product(x._c, e19) + Product(x._d, d19)
            + Product(x._e, c19);
        UInt128 c = Product(x._a, y._c) + Product(x._b, y._b) + Product(x._c, y._a) + Product(x._d, e19)
            + Product(x._e, d19);
        UInt128 d = Product(x._a, y._d) + Product(x._b, y._c) + Product(x._c, y._b) + Product(x._d, y._a)
            + Product(x._e, e19);
        UInt128 e = Product(x._a, y._e) + Product(x._b, y._d) + Product(x._c, y._c) + Product(x._d, y._b)
            + Product(x._e, y._a);

        b += (ulong)(a >> 51);
        c += (ulong)(b >> 51);
        d += (ulong)(c >> 51);
        e += (ulong)(d >> 51);
        ulong low = Low(a) + (19 * (ulong)(e >> 51));
        return new FieldElement(low & Mask, Low(b) + (low >> 51), Low(c), Low(d), Low(e));
    }

    /// <summary>The number to the power of 2^<paramref name="count"/>.</summary>
    public FieldElement SquaredTimes(int count)
    {
        FieldElement x = this;
        for (int i = 0; i < count; i++) x *= x;
        return x;
    }

    /// <summary>The number to the power of 2^252 - 3, which is (prime - 5) / 8: the heart of a square root.</summary>
    public FieldElement RootPower()
    {
        FieldElement x = this;
        FieldElement ones2 = x.SquaredTimes(1) * x; // x to the power of 2^2 - 1, and so on
        FieldElement ones4 = ones2.SquaredTimes(2) * ones2;
        FieldElement ones5 = ones4.SquaredTimes(1) * x;
        FieldElement ones10 = ones5.SquaredTimes(5) * ones5;
        FieldElement ones20 = ones10.SquaredTimes(10) * ones10;
        FieldElement ones40 = ones20.SquaredTimes(20) * ones20;
        FieldElement ones50 = ones40.SquaredTimes(10) * ones10;
        FieldElement ones100 = ones50.SquaredTimes(50) * ones50;
        FieldElement ones200 = ones100.SquaredTimes(100) * ones100;
        FieldElement ones250 = ones200.SquaredTimes(50) * ones50;
        return ones250.SquaredTimes(2) * x;
    }

    private static UInt128 Product(ulong x, ulong y) => (UInt128)x * y;

    private static ulong Low(UInt128 x) => unchecked((ulong)x) & Mask;

    private static FieldElement Carried(ulong a, ulong b, ulong c, ulong d, ulong e) => new(
        (a & Mask) + (19 * (e >> 51)),
        (b & Mask) + (a >> 51),
        (c & Mask) + (b >> 51),
        (d & Mask) + (c >> 51),
        (e & Mask) + (d >> 51));
}
