using System;
using System.Numerics;
using System.Security.Cryptography;

namespace AppChain.Hsm;

/// <summary>
/// Verification of Ed25519 signatures by the rule of CometBFT, which is ZIP-215: the equation is checked with the
/// cofactor, [8][S]B = [8]R + [8][k]A; A and R may be any encoding of a point, canonical or not, of any order; S must
/// be below the group order. The rule is exact, so every node comes to the same verdict whatever library it runs on.
/// Rule SIGN-19.
/// </summary>
/// <remarks>
/// libsodium is stricter: it checks without the cofactor and refuses keys and points of small order and encodings that
/// are not canonical. What it accepts, ZIP-215 accepts, so it decides all honestly made signatures. Only what it
/// refuses is judged again by the arithmetic here, which handles public data only and is not constant in time.
/// <see cref="Sodium.VerifyStrict"/> is libsodium's rule alone.
/// </remarks>
public static class Ed25519
{
    private const int ScalarBits = 253;

    private static readonly BigInteger Order =
        BigInteger.Pow(2, 252) + BigInteger.Parse("27742317777372353535851937790883648493");

    // d = -121665 / 121666 and the root of -1, both from RFC 8032, section 5.1.
    private static readonly FieldElement D = FieldElement.Decode(
        Convert.FromHexString("a3785913ca4deb75abd841414d0a700098e879777940c78c73fe6f2bee6c0352"));
    private static readonly FieldElement DoubledD = D + D;
    private static readonly FieldElement RootOfMinusOne = FieldElement.Decode(
        Convert.FromHexString("b0a00e4a271beec478e42fad0618432fa7d7fb3d99004d2b0bdfc14f8024832b"));
    private static readonly Point Identity =
        new(FieldElement.Zero, FieldElement.One, FieldElement.One, FieldElement.Zero);
    private static readonly Point Base = BasePoint();

    /// <summary>Whether the signature is valid under ZIP-215. False for a key or signature of the wrong size.</summary>
    public static bool Verify(
        ReadOnlySpan<byte> publicKey, ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature) =>
        Sodium.VerifyStrict(publicKey, message, signature) || VerifyZip215(publicKey, message, signature);

    /// <summary>
    /// Whether a key is what an honest key generation makes: a canonical point of the main subgroup. A slip of the pen
    /// is none in 15 of 16 cases, and a key of small order, for which anybody can sign, never.
    /// </summary>
    public static bool IsPublicKey(ReadOnlySpan<byte> key) => Sodium.IsMainSubgroupPoint(key);

    /// <summary>The rule by itself, without libsodium: the second half of <see cref="Verify"/>.</summary>
    public static bool VerifyZip215(
        ReadOnlySpan<byte> publicKey, ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature)
    {
        if (publicKey.Length != Sodium.PublicKeySize || signature.Length != Sodium.SignatureSize) return false;
        ReadOnlySpan<byte> r = signature[..FieldElement.Size];
        ReadOnlySpan<byte> s = signature[FieldElement.Size..];
        if (new BigInteger(s, isUnsigned: true) >= Order) return false;
        if (!TryDecode(publicKey, out Point keyPoint) || !TryDecode(r, out Point noncePoint)) return false;

        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA512);
        hash.AppendData(r);
        hash.AppendData(publicKey);
        hash.AppendData(message);
        Span<byte> k = stackalloc byte[FieldElement.Size];
        k.Clear();
        (new BigInteger(hash.GetHashAndReset(), isUnsigned: true) % Order).TryWriteBytes(k, out _, isUnsigned: true);

        // [S]B - [k]A - R, then the cofactor as three doublings.
        Point difference = Add(MultiplyAndAdd(s, Base, k, Negate(keyPoint)), Negate(noncePoint));
        for (int i = 0; i < 3; i++) difference = Add(difference, difference);
        return difference.X.IsSame(FieldElement.Zero) && difference.Y.IsSame(difference.Z);
    }

    /// <summary>[a]P + [b]Q, both scalars walked together from the highest bit.</summary>
    private static Point MultiplyAndAdd(ReadOnlySpan<byte> a, in Point p, ReadOnlySpan<byte> b, in Point q)
    {
        Point both = Add(p, q);
        Point sum = Identity;
        for (int bit = ScalarBits - 1; bit >= 0; bit--)
        {
            sum = Add(sum, sum);
            bool hasA = ((a[bit >> 3] >> (bit & 7)) & 1) != 0;
            bool hasB = ((b[bit >> 3] >> (bit & 7)) & 1) != 0;
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
        bool isOdd = encoded[^1] >= 0x80;
        FieldElement y = FieldElement.Decode(encoded);

        // x² = u / v; the root by one exponentiation, RFC 8032 section 5.1.3.
        FieldElement u = (y * y) - FieldElement.One;
        FieldElement v = (D * y * y) + FieldElement.One;
        FieldElement v3 = v * v * v;
        FieldElement x = u * v3 * (u * v3 * v3 * v).RootPower();
        FieldElement check = v * x * x;
        if (check.IsSame(-u)) x *= RootOfMinusOne;
        else if (!check.IsSame(u)) return false;

        if (x.IsOdd != isOdd) x = -x;
        point = new Point(x, y, FieldElement.One, x * y);
        return true;
    }

    /// <summary>Sum in extended coordinates; the formula is complete on this curve, so it doubles as well.</summary>
    private static Point Add(in Point p, in Point q)
    {
        FieldElement a = (p.Y - p.X) * (q.Y - q.X);
        FieldElement b = (p.Y + p.X) * (q.Y + q.X);
        FieldElement c = DoubledD * p.T * q.T;
        FieldElement d = p.Z * q.Z;
        d += d;
        FieldElement e = b - a;
        FieldElement f = d - c;
        FieldElement g = d + c;
        FieldElement h = b + a;
        return new Point(e * f, g * h, f * g, e * h);
    }

    private static Point Negate(in Point p) => new(-p.X, p.Y, p.Z, -p.T);

    /// <summary>The point with y = 4/5 and even x.</summary>
    private static Point BasePoint()
    {
        byte[] encoded = new byte[FieldElement.Size];
        Array.Fill(encoded, (byte)0x66);
        encoded[0] = 0x58;
        TryDecode(encoded, out Point point);
        return point;
    }

    /// <summary>x = X / Z, y = Y / Z, xy = T / Z.</summary>
    private readonly record struct Point(FieldElement X, FieldElement Y, FieldElement Z, FieldElement T);
}
