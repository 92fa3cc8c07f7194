using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;

namespace AppChain.Hsm;

/// <summary>
/// Verifies Ed25519 signatures and remembers those that held, because consensus meets most of them again: a precommit
/// in the commit that the next block carries, an extension in the price update. One validator has one; calls come from
/// one thread at a time.
/// </summary>
/// <remarks>
/// Key, message and signature are kept and compared byte by byte, so nothing is taken for verified that was not
/// verified here. What did not hold is not remembered.
/// </remarks>
public sealed class VerifiedSignatures
{
    // BOUND: two generations of these hold what a hundred validators sign at ten heights, in at most 20 MiB.
    private const int GenerationSize = 4096;
    private const int LongestMessage = 2048;

    // By the first half of the nonce point: another signature with the same one takes the place of the first.
    private Dictionary<UInt128, byte[]> _recent = [];
    private Dictionary<UInt128, byte[]> _older = [];

    /// <summary>Signatures that were verified and not found.</summary>
    public long Verifications { get; private set; }

    /// <summary>The verdict of <see cref="Ed25519.Verify"/>.</summary>
    public bool Verify(ReadOnlySpan<byte> publicKey, ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature)
    {
        bool mayBeKnown = publicKey.Length == Sodium.PublicKeySize && signature.Length == Sodium.SignatureSize;
        if (!mayBeKnown || message.Length > LongestMessage) return Ed25519.Verify(publicKey, message, signature);
        UInt128 key = MemoryMarshal.Read<UInt128>(signature);
        bool isKnown = _recent.TryGetValue(key, out byte[]? known) || _older.TryGetValue(key, out known);
        if (isKnown && IsSame(known, publicKey, message, signature)) return true;
        Verifications++;
        if (!Ed25519.Verify(publicKey, message, signature)) return false;
        if (_recent.Count >= GenerationSize) (_older, _recent) = (_recent, []);
        _recent[key] = [.. publicKey, .. signature, .. message];
        return true;
    }

    private static bool IsSame(
        ReadOnlySpan<byte> known,
        ReadOnlySpan<byte> publicKey,
        ReadOnlySpan<byte> message,
        ReadOnlySpan<byte> signature)
    {
        const int messageAt = Sodium.PublicKeySize + Sodium.SignatureSize;
        return known[..Sodium.PublicKeySize].SequenceEqual(publicKey)
            && known[Sodium.PublicKeySize..messageAt].SequenceEqual(signature)
            && known[messageAt..].SequenceEqual(message);
    }
}
