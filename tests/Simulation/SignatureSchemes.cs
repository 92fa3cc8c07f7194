using System.Collections.Generic;

namespace AppChain.Simulation;

/// <summary>Variants of the product that sign or verify faster, for more blocks in the same time.</summary>
internal static class SignatureSchemes
{
    private const string Sodium = "src/Hsm/Native/Sodium.cs";
    private const string Ed25519 = "src/Hsm/Ed25519.cs";
    private const string Verified = "src/Hsm/VerifiedSignatures.cs";
    private const string Secp256k1 = "src/Hsm/Native/Secp256k1.cs";
    private const string Verification =
        "&& crypto_sign_ed25519_verify_detached(signature, message, (ulong)message.Length, publicKey) == 0;";

    /// <summary>
    /// Real signatures, but all validators of the process share the verdicts: each signature is verified once, when it
    /// is made, and not by every receiver again.
    /// </summary>
    public static IReadOnlyList<Change> Shared { get; } =
    [
        new(Sodium, Verification, """
            && SharedVerdict(publicKey, message, signature);

                private static readonly System.Collections.Generic.HashSet<System.UInt128> s_good = [];

                private static bool SharedVerdict(
                    ReadOnlySpan<byte> publicKey, ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature)
                {
                    Span<byte> hash = stackalloc byte[32];
                    byte[] all = [.. publicKey, .. signature, .. message];
                    SHA256.HashData(all, hash);
                    System.UInt128 key = MemoryMarshal.Read<System.UInt128>(hash);
                    if (s_good.Contains(key)) return true;
                    int verdict = crypto_sign_ed25519_verify_detached(
                        signature, message, (ulong)message.Length, publicKey);
                    if (verdict != 0) return false;
                    if (s_good.Count > 100_000) s_good.Clear();
                    return s_good.Add(key);
                }
            """),
    ];

    /// <summary>
    /// Simulated signatures: a quick hash over key and message, which anybody could forge and nobody in a simulation
    /// does.
    /// </summary>
    public static IReadOnlyList<Change> Simulated { get; } =
    [
        new(Sodium,
            "Require(crypto_sign_ed25519_detached(signature, 0, message, (ulong)message.Length, secretKey), \"sign\");",
            "SimulatedSignature(secretKey[SeedSize..], message, signature);"),
        new(Sodium, Verification, """
            && IsSimulated(publicKey, message, signature);

                private static void SimulatedSignature(
                    ReadOnlySpan<byte> publicKey, ReadOnlySpan<byte> message, Span<byte> signature)
                {
                    // Four lanes of a multiply-and-rotate hash: quick, and any other key or message gives another one.
                    const ulong start = 0x9E3779B97F4A7C15;
                    (ulong A, ulong B, ulong C, ulong D) hash = (start, start >> 1, start >> 2, start >> 3);
                    Mix(ref hash, publicKey);
                    Mix(ref hash, message);
                    Span<ulong> lanes = MemoryMarshal.Cast<byte, ulong>(signature);
                    (lanes[0], lanes[1], lanes[2], lanes[3]) = hash;
                    signature[..32].CopyTo(signature[32..]);
                }

                // The lanes side by side: each step of one waits for the step before.
                private static void Mix(ref (ulong A, ulong B, ulong C, ulong D) hash, ReadOnlySpan<byte> bytes)
                {
                    unchecked
                    {
                        (ulong a, ulong b, ulong c, ulong d) = hash;
                        ulong value = (ulong)bytes.Length;
                        (a, b, c, d) = (a ^ value, b ^ value, c ^ value, d ^ value);
                        for (; bytes.Length >= 8; bytes = bytes[8..])
                        {
                            value = MemoryMarshal.Read<ulong>(bytes);
                            const ulong factor = 0xBF58476D1CE4E5B9;
                            a = ulong.RotateLeft((a ^ value) * factor, 31);
                            b = ulong.RotateLeft((b ^ value) * factor, 31);
                            c = ulong.RotateLeft((c ^ value) * factor, 31);
                            d = ulong.RotateLeft((d ^ value) * factor, 31);
                        }
                        foreach (byte one in bytes)
                        {
                            const ulong factor = 0x94D049BB133111EB;
                            a = ulong.RotateLeft((a ^ one) * factor, 29);
                            b = ulong.RotateLeft((b ^ one) * factor, 29);
                            c = ulong.RotateLeft((c ^ one) * factor, 29);
                            d = ulong.RotateLeft((d ^ one) * factor, 29);
                        }
                        hash = (a ^ (a >> 32), b ^ (b >> 32), c ^ (c >> 32), d ^ (d >> 32));
                    }
                }

                private static bool IsSimulated(
                    ReadOnlySpan<byte> publicKey, ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature)
                {
                    Span<byte> expected = stackalloc byte[SignatureSize];
                    SimulatedSignature(publicKey, message, expected);
                    return signature.SequenceEqual(expected);
                }
            """),
        new(Ed25519,
            "Sodium.VerifyStrict(publicKey, message, signature) || VerifyZip215(publicKey, message, signature);",
            "Sodium.VerifyStrict(publicKey, message, signature);"),
        // Quicker to verify than to look up.
        new(Verified,
            "bool mayBeKnown = publicKey.Length == Sodium.PublicKeySize && signature.Length == Sodium.SignatureSize;",
            "bool mayBeKnown = false;"),
        new(Secp256k1, """
                    return secp256k1_ecdsa_signature_parse_compact(Context, parsed, signature) == 1
                        && secp256k1_ecdsa_verify(Context, parsed, digest, key) == 1;
            """, """
                    Span<byte> expected = stackalloc byte[64];
                    SimulatedSignature(Serialize(key), digest, expected);
                    return signature.SequenceEqual(expected);
            """),
        new(Secp256k1, """
                    if (secp256k1_ecdsa_sign(Context, made, digest, secretKey, 0, 0) != 1) throw InvalidSecretKey();
                    secp256k1_ecdsa_signature_serialize_compact(Context, signature, made);
                    if (!IsLowS(signature)) throw new CryptographicException("libsecp256k1 made a signature with a high s");
                }
            """, """
                    byte[] publicKey = s_publicKeys.GetOrAdd(
                        Convert.ToHexString(secretKey), static (_, secret) => PublicKeyOf(secret), secretKey);
                    SimulatedSignature(publicKey, digest, signature);
                }

                private static readonly System.Collections.Concurrent.ConcurrentDictionary<string, byte[]>
                    s_publicKeys = new();

                private static void SimulatedSignature(
                    ReadOnlySpan<byte> publicKey, ReadOnlySpan<byte> digest, Span<byte> signature)
                {
                    byte[] all = [.. publicKey, .. digest];
                    SHA256.HashData(all, signature);
                    // The second half must look like a low s.
                    signature[..32].CopyTo(signature[32..]);
                    signature[32] &= 0x3f;
                }
            """),
    ];
}
