using System;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace AppChain.Hsm;

/// <summary>
/// The functions of libsodium that the product uses. Thread safe. Wrong sizes throw <see cref="ArgumentException"/>.
/// </summary>
public static partial class Sodium
{
    /// <summary>Bytes of an Ed25519 seed.</summary>
    public const int SeedSize = 32;

    /// <summary>Bytes of an Ed25519 public key.</summary>
    public const int PublicKeySize = 32;

    /// <summary>Bytes of an Ed25519 secret key: the seed followed by the public key.</summary>
    public const int SecretKeySize = 64;

    /// <summary>Bytes of an Ed25519 signature.</summary>
    public const int SignatureSize = 64;

    /// <summary>Bytes of a key for <see cref="Seal"/>.</summary>
    public const int SealKeySize = 32;

    /// <summary>Bytes of a nonce for <see cref="Seal"/>; large enough to be drawn at random.</summary>
    public const int SealNonceSize = 24;

    /// <summary>Bytes that <see cref="Seal"/> adds.</summary>
    public const int SealTagSize = 16;

    /// <summary>Bytes of an X25519 scalar, point or shared secret.</summary>
    public const int ExchangeSize = 32;

    /// <summary>Bytes of a nonce for <see cref="SealFrame"/>.</summary>
    public const int FrameNonceSize = 12;

    /// <summary>Bytes of a salt for <see cref="StretchPassphrase"/>.</summary>
    public const int SaltSize = 16;

    private const int Argon2Id13 = 2;

    static Sodium()
    {
        NativeLibraries.Register();
        if (sodium_init() < 0) throw new CryptographicException("libsodium cannot be initialised");
    }

    /// <summary>The Ed25519 secret key (seed and public key) of a seed.</summary>
    public static void SecretKeyOf(ReadOnlySpan<byte> seed, Span<byte> secretKey)
    {
        RequireSize(seed, SeedSize, nameof(seed));
        RequireSize(secretKey, SecretKeySize, nameof(secretKey));
        Span<byte> publicKey = stackalloc byte[PublicKeySize];
        Require(crypto_sign_ed25519_seed_keypair(publicKey, secretKey, seed), "derive a key pair");
    }

    /// <summary>The Ed25519 signature of a message (RFC 8032, deterministic).</summary>
    public static void Sign(ReadOnlySpan<byte> secretKey, ReadOnlySpan<byte> message, Span<byte> signature)
    {
        RequireSize(secretKey, SecretKeySize, nameof(secretKey));
        RequireSize(signature, SignatureSize, nameof(signature));
        Require(crypto_sign_ed25519_detached(signature, 0, message, (ulong)message.Length, secretKey), "sign");
    }

    /// <summary>
    /// Strict Ed25519 verification: without the cofactor, and refusing keys and points of small order and encodings
    /// that are not canonical. False for inputs of wrong size. For consensus use <see cref="Ed25519.Verify"/>.
    /// </summary>
    public static bool VerifyStrict(
        ReadOnlySpan<byte> publicKey, ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature) =>
        publicKey.Length == PublicKeySize && signature.Length == SignatureSize
        && crypto_sign_ed25519_verify_detached(signature, message, (ulong)message.Length, publicKey) == 0;

    /// <summary>Whether 32 bytes are a canonical point of the main subgroup. False for inputs of wrong size.</summary>
    public static bool IsMainSubgroupPoint(ReadOnlySpan<byte> point) =>
        point.Length == PublicKeySize && crypto_core_ed25519_is_valid_point(point) == 1;

    /// <summary>Fills with random bytes from the system.</summary>
    public static void FillRandom(Span<byte> bytes) => randombytes_buf(bytes, (nuint)bytes.Length);

    /// <summary>
    /// Turns a passphrase into a key with Argon2id, version 1.3.
    /// </summary>
    /// <param name="passphrase">UTF-8 bytes.</param>
    /// <param name="salt">16 random bytes, kept with the result.</param>
    /// <param name="passes">Passes over the memory, 1 or more.</param>
    /// <param name="memoryBytes">Memory to use, at least 8,192 bytes.</param>
    /// <param name="key">Receives at least 16 bytes.</param>
    public static void StretchPassphrase(
        ReadOnlySpan<byte> passphrase, ReadOnlySpan<byte> salt, int passes, long memoryBytes, Span<byte> key)
    {
        RequireSize(salt, SaltSize, nameof(salt));
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(passes);
        ArgumentOutOfRangeException.ThrowIfLessThan(memoryBytes, 8192);
        int result = crypto_pwhash(key, (ulong)key.Length, passphrase, (ulong)passphrase.Length, salt,
            (ulong)passes, (nuint)memoryBytes, Argon2Id13);
        Require(result, $"stretch a passphrase with {memoryBytes >> 20} MiB of memory");
    }

    /// <summary>
    /// Encrypts and authenticates with XChaCha20-Poly1305. <paramref name="sealedBytes"/> is 16 bytes longer than
    /// <paramref name="plain"/>. The same nonce must never be used twice with one key.
    /// </summary>
    public static void Seal(
        ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> plain, ReadOnlySpan<byte> associated,
        Span<byte> sealedBytes)
    {
        RequireSize(key, SealKeySize, nameof(key));
        RequireSize(nonce, SealNonceSize, nameof(nonce));
        RequireSize(sealedBytes, plain.Length + SealTagSize, nameof(sealedBytes));
        Require(crypto_aead_xchacha20poly1305_ietf_encrypt(sealedBytes, 0, plain, (ulong)plain.Length, associated,
            (ulong)associated.Length, 0, nonce, key), "encrypt");
    }

    /// <summary>
    /// Undoes <see cref="Seal"/>. False when key, nonce, associated data or any byte is not the original.
    /// </summary>
    public static bool TryOpen(
        ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> sealedBytes, ReadOnlySpan<byte> associated,
        Span<byte> plain)
    {
        RequireSize(key, SealKeySize, nameof(key));
        RequireSize(nonce, SealNonceSize, nameof(nonce));
        if (sealedBytes.Length < SealTagSize) return false;
        RequireSize(plain, sealedBytes.Length - SealTagSize, nameof(plain));
        return crypto_aead_xchacha20poly1305_ietf_decrypt(plain, 0, 0, sealedBytes, (ulong)sealedBytes.Length,
            associated, (ulong)associated.Length, nonce, key) == 0;
    }

    /// <summary>The X25519 public point of a secret scalar.</summary>
    public static void ExchangePoint(ReadOnlySpan<byte> secret, Span<byte> point)
    {
        RequireSize(secret, ExchangeSize, nameof(secret));
        RequireSize(point, ExchangeSize, nameof(point));
        Require(crypto_scalarmult_curve25519_base(point, secret), "multiply the base point");
    }

    /// <summary>
    /// The X25519 shared secret (RFC 7748). False when it is zero, as it is for points of small order: then it is known
    /// to everyone.
    /// </summary>
    public static bool TryExchange(ReadOnlySpan<byte> secret, ReadOnlySpan<byte> point, Span<byte> shared)
    {
        RequireSize(secret, ExchangeSize, nameof(secret));
        RequireSize(point, ExchangeSize, nameof(point));
        RequireSize(shared, ExchangeSize, nameof(shared));
        return crypto_scalarmult_curve25519(shared, secret, point) == 0;
    }

    /// <summary>
    /// Encrypts and authenticates with ChaCha20-Poly1305 (RFC 8439) as <see cref="Seal"/> does, but with a nonce of 12
    /// bytes: too short to be drawn at random, so it counts.
    /// </summary>
    public static void SealFrame(
        ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> plain, ReadOnlySpan<byte> associated,
        Span<byte> sealedBytes)
    {
        RequireSize(key, SealKeySize, nameof(key));
        RequireSize(nonce, FrameNonceSize, nameof(nonce));
        RequireSize(sealedBytes, plain.Length + SealTagSize, nameof(sealedBytes));
        Require(crypto_aead_chacha20poly1305_ietf_encrypt(sealedBytes, 0, plain, (ulong)plain.Length, associated,
            (ulong)associated.Length, 0, nonce, key), "encrypt");
    }

    /// <summary>Undoes <see cref="SealFrame"/>. False when any byte is not the original.</summary>
    public static bool TryOpenFrame(
        ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> sealedBytes, ReadOnlySpan<byte> associated,
        Span<byte> plain)
    {
        RequireSize(key, SealKeySize, nameof(key));
        RequireSize(nonce, FrameNonceSize, nameof(nonce));
        if (sealedBytes.Length < SealTagSize) return false;
        RequireSize(plain, sealedBytes.Length - SealTagSize, nameof(plain));
        return crypto_aead_chacha20poly1305_ietf_decrypt(plain, 0, 0, sealedBytes, (ulong)sealedBytes.Length,
            associated, (ulong)associated.Length, nonce, key) == 0;
    }

    private static void RequireSize(ReadOnlySpan<byte> bytes, int size, string name)
    {
        if (bytes.Length != size) throw new ArgumentException($"takes {size} bytes, not {bytes.Length}", name);
    }

    private static void Require(int result, string what)
    {
        if (result != 0) throw new CryptographicException($"libsodium could not {what}");
    }

    [LibraryImport(NativeLibraries.Sodium)]
    private static partial int sodium_init();

    [LibraryImport(NativeLibraries.Sodium)]
    private static partial int crypto_sign_ed25519_seed_keypair(
        Span<byte> publicKey, Span<byte> secretKey, ReadOnlySpan<byte> seed);

    [LibraryImport(NativeLibraries.Sodium)]
    private static partial int crypto_sign_ed25519_detached(
        Span<byte> signature, nint signatureLength, ReadOnlySpan<byte> message, ulong messageLength,
        ReadOnlySpan<byte> secretKey);

    [LibraryImport(NativeLibraries.Sodium)]
    private static partial int crypto_sign_ed25519_verify_detached(
        ReadOnlySpan<byte> signature, ReadOnlySpan<byte> message, ulong messageLength, ReadOnlySpan<byte> publicKey);

    [LibraryImport(NativeLibraries.Sodium)]
    private static partial int crypto_core_ed25519_is_valid_point(ReadOnlySpan<byte> point);

    [LibraryImport(NativeLibraries.Sodium)]
    private static partial void randombytes_buf(Span<byte> bytes, nuint size);

    [LibraryImport(NativeLibraries.Sodium)]
    private static partial int crypto_pwhash(
        Span<byte> key, ulong keyLength, ReadOnlySpan<byte> passphrase, ulong passphraseLength, ReadOnlySpan<byte> salt,
        ulong passes, nuint memoryBytes, int algorithm);

    [LibraryImport(NativeLibraries.Sodium)]
    private static partial int crypto_aead_xchacha20poly1305_ietf_encrypt(
        Span<byte> sealedBytes, nint sealedLength, ReadOnlySpan<byte> plain, ulong plainLength,
        ReadOnlySpan<byte> associated, ulong associatedLength, nint unused, ReadOnlySpan<byte> nonce,
        ReadOnlySpan<byte> key);

    [LibraryImport(NativeLibraries.Sodium)]
    private static partial int crypto_aead_xchacha20poly1305_ietf_decrypt(
        Span<byte> plain, nint plainLength, nint unused, ReadOnlySpan<byte> sealedBytes, ulong sealedLength,
        ReadOnlySpan<byte> associated, ulong associatedLength, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> key);

    [LibraryImport(NativeLibraries.Sodium)]
    private static partial int crypto_scalarmult_curve25519_base(Span<byte> point, ReadOnlySpan<byte> secret);

    [LibraryImport(NativeLibraries.Sodium)]
    private static partial int crypto_scalarmult_curve25519(
        Span<byte> shared, ReadOnlySpan<byte> secret, ReadOnlySpan<byte> point);

    [LibraryImport(NativeLibraries.Sodium)]
    private static partial int crypto_aead_chacha20poly1305_ietf_encrypt(
        Span<byte> sealedBytes, nint sealedLength, ReadOnlySpan<byte> plain, ulong plainLength,
        ReadOnlySpan<byte> associated, ulong associatedLength, nint unused, ReadOnlySpan<byte> nonce,
        ReadOnlySpan<byte> key);

    [LibraryImport(NativeLibraries.Sodium)]
    private static partial int crypto_aead_chacha20poly1305_ietf_decrypt(
        Span<byte> plain, nint plainLength, nint unused, ReadOnlySpan<byte> sealedBytes, ulong sealedLength,
        ReadOnlySpan<byte> associated, ulong associatedLength, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> key);
}
