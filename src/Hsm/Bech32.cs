using System;
using System.Diagnostics.CodeAnalysis;

namespace AppChain.Hsm;

/// <summary>
/// Bech32 text (BIP-173): a human-readable prefix, the digit 1, data in 32 letters, and a checksum of six letters that
/// finds any error in up to four places.
/// </summary>
public static class Bech32
{
    /// <summary>Longest text.</summary>
    public const int LengthMax = 90;

    private const int ChecksumLength = 6;
    private const string Letters = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";

    /// <summary>Text of <paramref name="bytes"/> under a lower-case prefix.</summary>
    public static string Encode(string prefix, ReadOnlySpan<byte> bytes)
    {
        ArgumentException.ThrowIfNullOrEmpty(prefix);
        int count = ((bytes.Length * 8) + 4) / 5;
        if (prefix.Length + 1 + count + ChecksumLength > LengthMax) throw new ArgumentException("too long for bech32");

        Span<byte> groups = stackalloc byte[count + ChecksumLength];
        int bits = 0;
        int accumulator = 0;
        int at = 0;
        foreach (byte one in bytes)
        {
            accumulator = ((accumulator << 8) | one) & 0xFFF;
            bits += 8;
            while (bits >= 5)
            {
                bits -= 5;
                groups[at++] = (byte)((accumulator >> bits) & 31);
            }
        }
        if (bits > 0) groups[at] = (byte)((accumulator << (5 - bits)) & 31);

        uint checksum = Checksum(prefix, groups) ^ 1;
        for (int i = 0; i < ChecksumLength; i++)
        {
            groups[count + i] = (byte)((checksum >> (5 * (ChecksumLength - 1 - i))) & 31);
        }
        Span<char> text = stackalloc char[groups.Length];
        for (int i = 0; i < groups.Length; i++) text[i] = Letters[groups[i]];
        return $"{prefix}1{text}";
    }

    /// <summary>
    /// Reads a text back into its prefix (in lower case) and bytes. False for a bad checksum, mixed case, or data that
    /// is not whole bytes padded with zero bits.
    /// </summary>
    public static bool TryDecode(
        string text, [NotNullWhen(true)] out string? prefix, [NotNullWhen(true)] out byte[]? bytes)
    {
        bytes = null;
        return TryDecodeGroups(text, out prefix, out byte[]? groups) && TryJoin(groups, out bytes);
    }

    /// <summary>Reads a text into its prefix and its data as numbers of five bits, without the checksum.</summary>
    public static bool TryDecodeGroups(
        string text, [NotNullWhen(true)] out string? prefix, [NotNullWhen(true)] out byte[]? groups)
    {
        prefix = null;
        groups = null;
        if (text is null || text.Length > LengthMax || !IsPrintable(text)) return false;
        string lower = text.ToLowerInvariant();
        if (lower != text && text.ToUpperInvariant() != text) return false;

        int separator = lower.LastIndexOf('1');
        if (separator < 1 || lower.Length - separator - 1 < ChecksumLength) return false;
        byte[] all = new byte[lower.Length - separator - 1];
        for (int i = 0; i < all.Length; i++)
        {
            int value = Letters.IndexOf(lower[separator + 1 + i], StringComparison.Ordinal);
            if (value < 0) return false;
            all[i] = (byte)value;
        }
        string found = lower[..separator];
        if (Checksum(found, all) != 1) return false;
        prefix = found;
        groups = all[..^ChecksumLength];
        return true;
    }

    /// <summary>Joins numbers of five bits to bytes. False when bits are left over that are not zero padding.</summary>
    public static bool TryJoin(ReadOnlySpan<byte> groups, [NotNullWhen(true)] out byte[]? bytes)
    {
        bytes = new byte[groups.Length * 5 / 8];
        int bits = 0;
        int accumulator = 0;
        int at = 0;
        foreach (byte group in groups)
        {
            accumulator = ((accumulator << 5) | group) & 0xFFF;
            bits += 5;
            if (bits < 8) continue;
            bits -= 8;
            bytes[at++] = (byte)((accumulator >> bits) & 0xFF);
        }
        return bits < 5 && (accumulator & ((1 << bits) - 1)) == 0;
    }

    private static bool IsPrintable(string text)
    {
        foreach (char one in text)
        {
            if (one is < (char)33 or > (char)126) return false;
        }
        return true;
    }

    /// <summary>The BCH code of BIP-173 over prefix and data; 1 when the data ends in the right checksum.</summary>
    private static uint Checksum(string prefix, ReadOnlySpan<byte> groups)
    {
        uint state = 1;
        foreach (char one in prefix) state = Step(state, (uint)one >> 5);
        state = Step(state, 0);
        foreach (char one in prefix) state = Step(state, (uint)one & 31);
        foreach (byte group in groups) state = Step(state, group);
        return state;
    }

    private static uint Step(uint state, uint value)
    {
        uint top = state >> 25;
        uint next = ((state & 0x1FFFFFF) << 5) ^ value;
        if ((top & 1) != 0) next ^= 0x3b6a57b2;
        if ((top & 2) != 0) next ^= 0x26508e6d;
        if ((top & 4) != 0) next ^= 0x1ea119fa;
        if ((top & 8) != 0) next ^= 0x3d4233dd;
        if ((top & 16) != 0) next ^= 0x2a1462b3;
        return next;
    }
}
