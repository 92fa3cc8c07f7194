using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using AppChain.Hsm;
using AppChain.StateMachine;
using Google.Protobuf;

namespace AppChain.Node;

/// <summary>
/// A release as `query release` gives it, checked against guardians whom one trusts, without a node: what the other
/// side does before it pays (docs/spec/vault.md, VAULT-9).
/// </summary>
public static class ReleaseFile
{
    private static readonly JsonParser s_parser = new(JsonParser.Settings.Default.WithIgnoreUnknownFields(false));

    /// <summary>Reads the JSON of a release or of a council.</summary>
    /// <exception cref="FormatException">It is none; the message says what is wrong.</exception>
    public static T Parse<T>(string json)
        where T : IMessage, new()
    {
        try
        {
            return s_parser.Parse<T>(json);
        }
        catch (Exception cause) when (cause is InvalidProtocolBufferException or InvalidJsonException)
        {
            throw new FormatException(cause.Message, cause);
        }
    }

    /// <summary>What is wrong with a release at a time; null: pay it, once per withdrawal id.</summary>
    /// <param name="release">The release.</param>
    /// <param name="guardians">Whom one trusts.</param>
    /// <param name="now">Nanoseconds since 1970.</param>
    public static string? Fault(V1.ReleaseResponse release, V1.CouncilResponse guardians, long now)
    {
        if (guardians.Threshold < 1 || guardians.Threshold > guardians.Members.Count)
        {
            return "the file of guardians has no threshold that they could reach";
        }

        if (release.CouncilVersion != guardians.Version)
        {
            return $"it is signed by guardians of version {release.CouncilVersion}, not {guardians.Version}";
        }

        if (ToRelease(release) is not { } signed || release.ChainId.Length is 0 or > TransactionCodec.ChainIdBytesMax)
        {
            return "it has fields that no release can have";
        }

        if (now >= signed.Expiry)
        {
            return "it has expired";
        }

        Span<byte> digest = stackalloc byte[TransactionCodec.DigestSize];
        ReleaseMessage.ComputeDigest(release.ChainId, signed, digest);
        var counted = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (V1.GuardianSignature one in release.Signatures)
        {
            if (!guardians.Members.Any(member => Same(member.PublicKey, one.PublicKey)))
            {
                return $"{one.PublicKey} is no guardian";
            }

            if (!counted.Add(one.PublicKey))
            {
                return $"{one.PublicKey} is there twice";
            }

            if (!TryHex(one.PublicKey, out byte[] key)
                || !TryHex(one.Signature, out byte[] signature)
                || signature.Length != SigningKey.SignatureSize
                || !Secp256k1.TryParse(key, out Secp256k1.PublicKey point)
                || !Secp256k1.Verify(point, digest, signature))
            {
                return $"the signature of {one.PublicKey} does not verify";
            }
        }

        return counted.Count >= guardians.Threshold
            ? null
            : $"{counted.Count} guardians have signed; it takes {guardians.Threshold}";
    }

    /// <summary>What a release says, in words.</summary>
    internal static (string Name, string Value)[] Words(V1.ReleaseResponse release) =>
    [
        ("chain", release.ChainId),
        ("withdrawal", QueryText.Number(release.WithdrawalId)),
        ("amount", QueryText.Amount(release.Amount)),
        ("to", TryHex(release.Destination, out byte[] to) ? VaultWords.Destination([.. to]) : release.Destination),
        ("sequence", QueryText.Number(release.Sequence)),
        ("expires", QueryText.Time(release.Expiry)),
        ("guardians", $"version {release.CouncilVersion}"),
    ];

    private static Release? ToRelease(V1.ReleaseResponse release)
    {
        bool isRelease = long.TryParse(release.Amount, NumberStyles.None, CultureInfo.InvariantCulture, out long amount)
            & TryHex(release.Destination, out byte[] destination);
        return isRelease
            && amount > 0
            && destination.Length is >= 1 and <= WithdrawalDestination.BytesMax
            && release.Expiry <= long.MaxValue
            ? new Release(
                release.WithdrawalId, release.Sequence, (long)release.Expiry, release.CouncilVersion, amount,
                [.. destination])
            : null;
    }

    private static bool TryHex(string text, out byte[] bytes)
    {
        bytes = new byte[text.Length / 2];
        return text.Length % 2 == 0
            && Convert.FromHexString(text, bytes, out _, out _) == System.Buffers.OperationStatus.Done;
    }

    private static bool Same(string left, string right) =>
        string.Equals(left, right, StringComparison.OrdinalIgnoreCase);
}
