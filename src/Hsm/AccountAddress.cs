using System;
using System.Diagnostics.CodeAnalysis;
using AppChain.Hashing;

namespace AppChain.Hsm;

/// <summary>
/// Addresses of traders: the first 20 bytes of SHA-256 of the compressed secp256k1 public key, as text <c>app1…</c>.
/// </summary>
public static class AccountAddress
{
    /// <summary>Bytes of an address.</summary>
    public const int Size = 20;

    /// <summary>What every address begins with, before the digit 1.</summary>
    public const string Prefix = "app";

    /// <summary>The 20 bytes for a compressed public key of 33 bytes.</summary>
    public static byte[] AddressOf(ReadOnlySpan<byte> publicKey)
    {
        if (publicKey.Length != Secp256k1.PublicKeySize)
        {
            throw new ArgumentException($"takes {Secp256k1.PublicKeySize} bytes", nameof(publicKey));
        }
        return Sha256.Hash(publicKey)[..Size];
    }

    /// <summary>The text of 20 bytes.</summary>
    public static string ToText(ReadOnlySpan<byte> address)
    {
        if (address.Length != Size) throw new ArgumentException($"takes {Size} bytes", nameof(address));
        return Bech32.Encode(Prefix, address);
    }

    /// <summary>The 20 bytes of a text; false with the reason when it is no address of this chain.</summary>
    public static bool TryParse(
        string text, [NotNullWhen(true)] out byte[]? address, [NotNullWhen(false)] out string? reason)
    {
        reason = null;
        if (!Bech32.TryDecode(text, out string? prefix, out address)) reason = "mistyped: the checksum does not fit";
        else if (prefix != Prefix) reason = $"begins with '{prefix}1' instead of '{Prefix}1'";
        else if (address.Length != Size) reason = $"holds {address.Length} bytes instead of {Size}";
        if (reason is not null) address = null;
        return address is not null;
    }
}
