using System;
using System.Text.Json;

namespace AppChain.Hsm;

/// <summary>The vectors of what a secret connection is made of: key exchange and sealed frames.</summary>
public static partial class WycheproofVectors
{
    /// <summary>A point of small order; the file allows to refuse it, and the handshake must.</summary>
    public const string SmallOrder = "the handshake refuses points of small order, as the file allows";

    /// <summary>X25519: groups of type XdhComp. Our verdict is whether the shared secret is the file's.</summary>
    public static VectorReport RunX25519(string path) => Run(path, "XDH", RunX25519Group);

    /// <summary>
    /// ChaCha20-Poly1305: groups of type AeadTest. A valid case must be sealed to the same bytes and opened again, an
    /// invalid one must not open; sizes other than those of RFC 8439 are refused.
    /// </summary>
    public static VectorReport RunChaCha20Poly1305(string path) => Run(path, "CHACHA20-POLY1305", RunSealGroup);

    private static void RunX25519Group(JsonElement group, VectorReport report)
    {
        string curve = group.GetProperty("curve").GetString() ?? "";
        byte[] shared = new byte[Sodium.ExchangeSize];
        foreach (JsonElement test in group.GetProperty("tests").EnumerateArray())
        {
            byte[] secret = Hex(test, "private");
            byte[] point = Hex(test, "public");
            if (curve != "curve25519") report.Skip($"curve {curve}");
            else if (secret.Length != Sodium.ExchangeSize || point.Length != Sodium.ExchangeSize)
            {
                report.Count(Name(test), IsValid(test), actual: false);
            }
            else if (Sodium.TryExchange(secret, point, shared))
            {
                // A case that the file leaves open must still give the one right result.
                report.Count(
                    Name(test), IsValid(test) || IsOpen(test), shared.AsSpan().SequenceEqual(Hex(test, "shared")));
            }
            else if (IsOpen(test) && Hex(test, "shared").AsSpan().IndexOfAnyExcept((byte)0) < 0)
                report.Skip(SmallOrder);
            else report.Count(Name(test), IsValid(test), actual: false);
        }
    }

    private static void RunSealGroup(JsonElement group, VectorReport report)
    {
        foreach (JsonElement test in group.GetProperty("tests").EnumerateArray())
        {
            if (IsOpen(test)) report.Skip(Acceptable);
            else report.Count(Name(test), IsValid(test), SealsAndOpens(test));
        }
    }

    private static bool SealsAndOpens(JsonElement test)
    {
        byte[] key = Hex(test, "key");
        byte[] nonce = Hex(test, "iv");
        byte[] associated = Hex(test, "aad");
        byte[] message = Hex(test, "msg");
        byte[] expected = [.. Hex(test, "ct"), .. Hex(test, "tag")];
        if (key.Length != Sodium.SealKeySize || nonce.Length != Sodium.FrameNonceSize
            || expected.Length != message.Length + Sodium.SealTagSize) return false;

        byte[] opened = new byte[message.Length];
        bool opens = Sodium.TryOpenFrame(key, nonce, expected, associated, opened);
        byte[] made = new byte[expected.Length];
        Sodium.SealFrame(key, nonce, message, associated, made);
        return opens && opened.AsSpan().SequenceEqual(message) && made.AsSpan().SequenceEqual(expected);
    }
}
