using System;
using System.Numerics;
using System.Security.Cryptography;
using AppChain.Hsm;

namespace AppChain.Tests;

/// <summary>
/// ZIP-215 with big integers, straight from the formulas: the naive twin of the product's arithmetic.
/// </summary>
internal static class NaiveEd25519
{
    private static readonly BigInteger Prime = BigInteger.Pow(2, 255) - 19;
    private static readonly BigInteger Order =
        BigInteger.Pow(2, 252) + BigInteger.Parse("27742317777372353535851937790883648493");
    private static readonly BigInteger D = Mod(-121665 * Inverse(121666));
    private static readonly BigInteger RootOfMinusOne = BigInteger.ModPow(2, (Prime - 1) / 4, Prime);
    private static readonly Point Identity = new(0, 1, 1, 0);
    private static readonly Point Base = BasePoint();

    public static bool Verify(
        ReadOnlySpan<byte> publicKey, ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature)
    {
        if (publicKey.Length != Sodium.PublicKeySize || signature.Length != Sodium.SignatureSize) return false;
        ReadOnlySpan<byte> r = signature[..32];
        BigInteger s = new(signature[32..], isUnsigned: true);
        if (s >= Order) return false;
        if (!TryDecode(publicKey, out Point keyPoint) || !TryDecode(r, out Point noncePoint)) return false;

        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA512);
        hash.AppendData(r);
        hash.AppendData(publicKey);
        hash.AppendData(message);
        BigInteger k = new BigInteger(hash.GetHashAndReset(), isUnsigned: true) % Order;

        // [S]B - [k]A - R, then the cofactor as three doublings.
        Point difference = Add(MultiplyAndAdd(s, Base, k, Negate(keyPoint)), Negate(noncePoint));
        for (int i = 0; i < 3; i++) difference = Add(difference, difference);
        return difference.X.IsZero && difference.Y == difference.Z;
    }

    /// <summary>
    /// A signature for the key with secret scalar 7, made by the equation with nonce point [5]B plus a point of order
    /// 8.
    /// </summary>
    public static (byte[] Key, byte[] Message, byte[] Signature) SignWithSmallOrderNonce()
    {
        byte[] message = "torsion"u8.ToArray();
        byte[] key = Encode(MultiplyAndAdd(7, Base, 0, Base));
        TryDecode(Convert.FromHexString("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
            out Point small);
        byte[] nonce = Encode(Add(MultiplyAndAdd(5, Base, 0, Base), small));
        BigInteger k = new BigInteger(SHA512.HashData([.. nonce, .. key, .. message]), isUnsigned: true) % Order;
        byte[] s = new byte[32];
        ((5 + (k * 7)) % Order).TryWriteBytes(s, out _, isUnsigned: true);
        return (key, message, [.. nonce, .. s]);
    }

    private static byte[] Encode(Point point)
    {
        BigInteger inverse = Inverse(point.Z);
        BigInteger x = Mod(point.X * inverse);
        byte[] bytes = new byte[32];
        Mod(point.Y * inverse).TryWriteBytes(bytes, out _, isUnsigned: true);
        if (!x.IsEven) bytes[31] |= 0x80;
        return bytes;
    }

    /// <summary>[a]P + [b]Q, both scalars walked together from the highest bit.</summary>
    private static Point MultiplyAndAdd(BigInteger a, Point p, BigInteger b, Point q)
    {
        Point both = Add(p, q);
        Point sum = Identity;
        for (long bit = Math.Max(a.GetBitLength(), b.GetBitLength()) - 1; bit >= 0; bit--)
        {
            sum = Add(sum, sum);
            bool hasA = !((a >> (int)bit) & 1).IsZero;
            bool hasB = !((b >> (int)bit) & 1).IsZero;
            if (hasA && hasB) sum = Add(sum, both);
            else if (hasA) sum = Add(sum, p);
            else if (hasB) sum = Add(sum, q);
        }
        return sum;
    }

    /// <summary>
    /// The point with the encoded y and sign of x. Unlike RFC 8032, y at or above the prime and a negative zero are
    /// taken as they are. False when no point has that y.
    /// </summary>
    private static bool TryDecode(ReadOnlySpan<byte> encoded, out Point point)
    {
        point = Identity;
        Span<byte> bytes = stackalloc byte[32];
        encoded.CopyTo(bytes);
        bool isOdd = bytes[31] >= 0x80;
        bytes[31] &= 0x7F;
        BigInteger y = Mod(new BigInteger(bytes, isUnsigned: true));

        // x² = u / v; the root by one exponentiation, RFC 8032 section 5.1.3.
        BigInteger u = Mod((y * y) - 1);
        BigInteger v = Mod((D * y * y) + 1);
        BigInteger power = BigInteger.ModPow(u * BigInteger.ModPow(v, 7, Prime), (Prime - 5) / 8, Prime);
        BigInteger x = Mod(u * BigInteger.ModPow(v, 3, Prime) * power);
        BigInteger check = Mod(v * x * x);
        if (check == Mod(-u)) x = Mod(x * RootOfMinusOne);
        else if (check != u) return false;

        if (x.IsEven == isOdd) x = Mod(-x);
        point = new Point(x, y, 1, Mod(x * y));
        return true;
    }

    /// <summary>Sum in extended coordinates; the formula is complete on this curve, so it doubles as well.</summary>
    private static Point Add(Point p, Point q)
    {
        BigInteger a = Mod((p.Y - p.X) * (q.Y - q.X));
        BigInteger b = Mod((p.Y + p.X) * (q.Y + q.X));
        BigInteger c = Mod(2 * D * p.T * q.T);
        BigInteger d = Mod(2 * p.Z * q.Z);
        BigInteger e = b - a;
        BigInteger f = d - c;
        BigInteger g = d + c;
        BigInteger h = b + a;
        return new Point(Mod(e * f), Mod(g * h), Mod(f * g), Mod(e * h));
    }

    private static Point Negate(Point p) => new(Mod(-p.X), p.Y, p.Z, Mod(-p.T));

    private static Point BasePoint()
    {
        BigInteger y = Mod(4 * Inverse(5));
        TryDecode(y.ToByteArray(isUnsigned: true), out Point point);
        return point;
    }

    private static BigInteger Inverse(BigInteger value) => BigInteger.ModPow(value, Prime - 2, Prime);

    private static BigInteger Mod(BigInteger value)
    {
        BigInteger rest = value % Prime;
        return rest.Sign < 0 ? rest + Prime : rest;
    }

    /// <summary>x = X / Z, y = Y / Z, xy = T / Z. Coordinates are reduced.</summary>
    private readonly record struct Point(BigInteger X, BigInteger Y, BigInteger Z, BigInteger T);
}
