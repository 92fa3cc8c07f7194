using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace AppChain.Hsm;

/// <summary>
/// ECDSA over secp256k1 with libsecp256k1, in the one form the chain accepts: a compressed public key of 33 bytes, a
/// 32-byte digest, a signature of 64 bytes r ‖ s with s in the lower half of the group. One context serves all threads.
/// </summary>
public static partial class Secp256k1
{
    /// <summary>Bytes of a compressed public key.</summary>
    public const int PublicKeySize = 33;

    /// <summary>Bytes of a public key with both coordinates.</summary>
    public const int UncompressedPublicKeySize = 65;

    /// <summary>Bytes of a secret key.</summary>
    public const int SecretKeySize = 32;

    /// <summary>Bytes of a digest.</summary>
    public const int DigestSize = 32;

    /// <summary>Bytes of a signature.</summary>
    public const int SignatureSize = 64;

    private const int ScalarSize = 32;
    private const uint ContextForVerifyAndSign = 0x301;
    private const uint CompressedFlag = 0x102;

    /// <summary>Half of the group order, rounded down: the largest s that is low.</summary>
    private static ReadOnlySpan<byte> HalfOrder =>
    [
        0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
        0x5D, 0x57, 0x6E, 0x73, 0x57, 0xA4, 0x50, 0x1D, 0xDF, 0xE9, 0x2F, 0x46, 0x68, 0x1B, 0x20, 0xA0,
    ];

    private static readonly nint Context = CreateContext();

    /// <summary>
    /// A public key checked to be a point of the curve, in the library's own form: verifying with it saves a seventh of
    /// the time against parsing it anew. Keep it by the 33 bytes it was parsed from.
    /// </summary>
    [InlineArray(64)]
    public struct PublicKey
    {
        private byte _first;
    }

    /// <summary>Parses a compressed public key. False for any other size, form, or a point off the curve.</summary>
    public static bool TryParse(ReadOnlySpan<byte> compressed, out PublicKey key)
    {
        key = default;
        return compressed.Length == PublicKeySize && TryParseAny(compressed, out key);
    }

    /// <summary>
    /// Parses 65 bytes 0x04 ‖ x ‖ y, as test vectors give them. The chain itself never accepts this form.
    /// </summary>
    public static bool TryParseUncompressed(ReadOnlySpan<byte> uncompressed, out PublicKey key)
    {
        key = default;
        return uncompressed.Length == UncompressedPublicKeySize && uncompressed[0] == 4
            && TryParseAny(uncompressed, out key);
    }

    /// <summary>
    /// Whether the signature is r ‖ s with a low s and belongs to key and digest. A high s is refused although it would
    /// verify by itself, because otherwise anyone could turn one valid signature into another and change a
    /// transaction's hash. Wrong sizes are refused as well.
    /// </summary>
    public static bool Verify(in PublicKey key, ReadOnlySpan<byte> digest, ReadOnlySpan<byte> signature)
    {
        if (digest.Length != DigestSize || !IsLowS(signature) || IsUnset(key)) return false;
        Span<byte> parsed = stackalloc byte[64];
        return secp256k1_ecdsa_signature_parse_compact(Context, parsed, signature) == 1
            && secp256k1_ecdsa_verify(Context, parsed, digest, key) == 1;
    }

    /// <summary>Parses the key and verifies.</summary>
    public static bool Verify(ReadOnlySpan<byte> compressed, ReadOnlySpan<byte> digest, ReadOnlySpan<byte> signature) =>
        TryParse(compressed, out PublicKey key) && Verify(key, digest, signature);

    /// <summary>Whether s is at most half of the group order. Zero counts as low here and fails to verify.</summary>
    public static bool IsLowS(ReadOnlySpan<byte> signature) =>
        signature.Length == SignatureSize && signature[ScalarSize..].SequenceCompareTo(HalfOrder) <= 0;

    /// <summary>Signs with the nonce of RFC 6979; the same inputs always give the same signature. s is low.</summary>
    /// <exception cref="CryptographicException">The secret key is zero or not below the group order.</exception>
    public static void Sign(ReadOnlySpan<byte> secretKey, ReadOnlySpan<byte> digest, Span<byte> signature)
    {
        RequireSize(secretKey, SecretKeySize, nameof(secretKey));
        RequireSize(digest, DigestSize, nameof(digest));
        RequireSize(signature, SignatureSize, nameof(signature));
        Span<byte> made = stackalloc byte[64];
        if (secp256k1_ecdsa_sign(Context, made, digest, secretKey, 0, 0) != 1) throw InvalidSecretKey();
        secp256k1_ecdsa_signature_serialize_compact(Context, signature, made);
        if (!IsLowS(signature)) throw new CryptographicException("libsecp256k1 made a signature with a high s");
    }

    /// <summary>The compressed public key of a secret key.</summary>
    /// <exception cref="CryptographicException">The secret key is zero or not below the group order.</exception>
    public static byte[] PublicKeyOf(ReadOnlySpan<byte> secretKey)
    {
        RequireSize(secretKey, SecretKeySize, nameof(secretKey));
        if (secp256k1_ec_pubkey_create(Context, out PublicKey key, secretKey) != 1) throw InvalidSecretKey();
        return Serialize(key);
    }

    /// <summary>The compressed form of a parsed key.</summary>
    public static byte[] Serialize(in PublicKey key)
    {
        if (IsUnset(key)) throw new ArgumentException("the key was never parsed", nameof(key));
        byte[] compressed = new byte[PublicKeySize];
        nuint size = PublicKeySize;
        secp256k1_ec_pubkey_serialize(Context, compressed, ref size, key, CompressedFlag);
        return compressed;
    }

    /// <summary>Whether 32 bytes are a secret key: above zero and below the group order.</summary>
    public static bool IsSecretKey(ReadOnlySpan<byte> secretKey) =>
        secretKey.Length == SecretKeySize && secp256k1_ec_seckey_verify(Context, secretKey) == 1;

    /// <summary>
    /// Reads a DER signature, as test vectors give them, into r ‖ s as it is. False when it is not strict DER; an r or
    /// s beyond the group order gives zeros, which never verify.
    /// </summary>
    public static bool TryReadDer(ReadOnlySpan<byte> der, Span<byte> signature)
    {
        RequireSize(signature, SignatureSize, nameof(signature));
        Span<byte> parsed = stackalloc byte[64];
        if (secp256k1_ecdsa_signature_parse_der(Context, parsed, der, (nuint)der.Length) != 1) return false;
        secp256k1_ecdsa_signature_serialize_compact(Context, signature, parsed);
        return true;
    }

    /// <summary>Replaces a high s by its low twin. False when r or s is not below the group order.</summary>
    public static bool TryNormalize(ReadOnlySpan<byte> signature, Span<byte> normalized)
    {
        RequireSize(normalized, SignatureSize, nameof(normalized));
        Span<byte> parsed = stackalloc byte[64];
        Span<byte> low = stackalloc byte[64];
        if (signature.Length != SignatureSize
            || secp256k1_ecdsa_signature_parse_compact(Context, parsed, signature) != 1) return false;
        secp256k1_ecdsa_signature_normalize(Context, low, parsed);
        secp256k1_ecdsa_signature_serialize_compact(Context, normalized, low);
        return true;
    }

    private static nint CreateContext()
    {
        NativeLibraries.Register();
        nint context = secp256k1_context_create(ContextForVerifyAndSign);
        // Blinding against side channels while signing. The context is not changed after this, so threads may share it.
        Span<byte> seed = stackalloc byte[32];
        RandomNumberGenerator.Fill(seed);
        if (secp256k1_context_randomize(context, seed) != 1)
        {
            throw new CryptographicException("libsecp256k1 cannot be initialised");
        }
        return context;
    }

    /// <summary>
    /// The library ends the process when it is given a key that was not parsed, so that is found here.
    /// </summary>
    private static bool IsUnset(in PublicKey key) => !((ReadOnlySpan<byte>)key).ContainsAnyExcept((byte)0);

    private static bool TryParseAny(ReadOnlySpan<byte> bytes, out PublicKey key) =>
        secp256k1_ec_pubkey_parse(Context, out key, bytes, (nuint)bytes.Length) == 1;

    private static CryptographicException InvalidSecretKey() =>
        new("the secret key is zero or not below the order of secp256k1");

    private static void RequireSize(ReadOnlySpan<byte> bytes, int size, string name)
    {
        if (bytes.Length != size) throw new ArgumentException($"takes {size} bytes, not {bytes.Length}", name);
    }

    [LibraryImport(NativeLibraries.Secp256k1)]
    private static partial nint secp256k1_context_create(uint flags);

    [LibraryImport(NativeLibraries.Secp256k1)]
    private static partial int secp256k1_context_randomize(nint context, ReadOnlySpan<byte> seed);

    [LibraryImport(NativeLibraries.Secp256k1)]
    private static partial int secp256k1_ec_pubkey_parse(
        nint context, out PublicKey key, ReadOnlySpan<byte> bytes, nuint size);

    [LibraryImport(NativeLibraries.Secp256k1)]
    private static partial int secp256k1_ec_pubkey_serialize(
        nint context, Span<byte> bytes, ref nuint size, in PublicKey key, uint flags);

    [LibraryImport(NativeLibraries.Secp256k1)]
    private static partial int secp256k1_ec_pubkey_create(
        nint context, out PublicKey key, ReadOnlySpan<byte> secretKey);

    [LibraryImport(NativeLibraries.Secp256k1)]
    private static partial int secp256k1_ec_seckey_verify(nint context, ReadOnlySpan<byte> secretKey);

    [LibraryImport(NativeLibraries.Secp256k1)]
    private static partial int secp256k1_ecdsa_sign(
        nint context, Span<byte> signature, ReadOnlySpan<byte> digest, ReadOnlySpan<byte> secretKey, nint nonceFunction,
        nint nonceData);

    [LibraryImport(NativeLibraries.Secp256k1)]
    private static partial int secp256k1_ecdsa_verify(
        nint context, ReadOnlySpan<byte> signature, ReadOnlySpan<byte> digest, in PublicKey key);

    [LibraryImport(NativeLibraries.Secp256k1)]
    private static partial int secp256k1_ecdsa_signature_parse_compact(
        nint context, Span<byte> signature, ReadOnlySpan<byte> compact);

    [LibraryImport(NativeLibraries.Secp256k1)]
    private static partial int secp256k1_ecdsa_signature_parse_der(
        nint context, Span<byte> signature, ReadOnlySpan<byte> der, nuint size);

    [LibraryImport(NativeLibraries.Secp256k1)]
    private static partial int secp256k1_ecdsa_signature_serialize_compact(
        nint context, Span<byte> compact, ReadOnlySpan<byte> signature);

    [LibraryImport(NativeLibraries.Secp256k1)]
    private static partial int secp256k1_ecdsa_signature_normalize(
        nint context, Span<byte> normalized, ReadOnlySpan<byte> signature);
}
