using System;
using System.Text;
using AppChain.Hashing;
using AppChain.Margin;

namespace AppChain.StateMachine;

/// <summary>What a guardian's key signs to release a withdrawal (docs/spec/vault.md, VAULT-9).</summary>
public static class ReleaseMessage
{
    private static ReadOnlySpan<byte> Domain => "appchain/v1/release\0"u8;

    /// <summary>
    /// SHA-256 of the domain tag, the length of the chain id in one byte, the chain id, then id, sequence, expiry,
    /// council version and amount in 8 bytes each, big-endian, the length of the destination in one byte, and the
    /// destination.
    /// </summary>
    public static void ComputeDigest(string chainId, Release release, Span<byte> digest)
    {
        var writer = new ByteWriter();
        byte[] chain = Encoding.UTF8.GetBytes(chainId);
        Invariant.Assert(chain.Length <= TransactionCodec.ChainIdBytesMax);
        writer.WriteFixed(Domain);
        writer.WriteByte((byte)chain.Length);
        writer.WriteFixed(chain);
        writer.WriteUInt64(release.Id);
        writer.WriteUInt64(release.Sequence);
        writer.WriteInt64(release.Expiry);
        writer.WriteUInt64(release.CouncilVersion);
        writer.WriteInt64(release.Amount);
        writer.WriteByte((byte)release.Destination.Length);
        writer.WriteFixed(release.Destination.AsSpan());
        Sha256.Hash(writer.Written, digest);
    }
}
