using System;
using System.Collections.Generic;
using AppChain.Abci.Wire.Crypto;
using AppChain.Abci.Wire.Types;
using Google.Protobuf;

namespace AppChain.Abci;

/// <summary>
/// An encoded block cut into parts of 65,536 bytes, each with the proof that it belongs to the header's root. Blocks
/// are gossiped in this form.
/// </summary>
public sealed class PartSet
{
    /// <summary>Bytes of every part but the last.</summary>
    public const int PartSize = 65_536;

    private PartSet(PartSetHeader header, IReadOnlyList<Part> parts)
    {
        Header = header;
        Parts = parts;
    }

    /// <summary>Number of parts and Merkle root over them.</summary>
    public PartSetHeader Header { get; }

    /// <summary>The parts in order.</summary>
    public IReadOnlyList<Part> Parts { get; }

    /// <summary>Cuts a block.</summary>
    public static PartSet Of(Block block) => Of(WireForm.Encode(block));

    /// <summary>Cuts an encoded block. It must not be empty.</summary>
    public static PartSet Of(ReadOnlySpan<byte> encodedBlock)
    {
        (byte[] root, IReadOnlyList<Proof> proofs) = MerkleTree.ProveOf(HashesOf(encodedBlock));
        Part[] parts = new Part[proofs.Count];
        for (int i = 0; i < parts.Length; i++)
        {
            ByteString bytes = ByteString.CopyFrom(PartOf(encodedBlock, i));
            parts[i] = new Part { Index = (uint)i, Bytes = bytes, Proof = proofs[i] };
        }
        return new PartSet(HeaderOf(parts.Length, root), parts);
    }

    /// <summary>The header alone of what <see cref="Of(ReadOnlySpan{byte})"/> makes.</summary>
    public static PartSetHeader HeaderOf(ReadOnlySpan<byte> encodedBlock)
    {
        int count = CountOf(encodedBlock);
        MerkleLeaves parts = new(count);
        for (int i = 0; i < count; i++) parts.Add(PartOf(encodedBlock, i));
        return HeaderOf(count, parts.Root());
    }

    /// <summary>Whether a part received from a peer belongs to <paramref name="header"/>. Never throws.</summary>
    public static bool Verify(PartSetHeader header, Part part)
    {
        if (header is null || part?.Proof is not { } proof) return false;
        // The index is gossiped twice; a part that disagrees with its own proof would be stored in the wrong place.
        if (part.Index >= header.Total || proof.Index != part.Index || proof.Total != header.Total) return false;
        if (part.Bytes.Length > PartSize) return false;
        return MerkleTree.Verify(proof, header.Hash.Span, part.Bytes.Span);
    }

    private static byte[][] HashesOf(ReadOnlySpan<byte> encodedBlock)
    {
        byte[][] hashes = new byte[CountOf(encodedBlock)][];
        for (int i = 0; i < hashes.Length; i++) hashes[i] = MerkleTree.LeafHash(PartOf(encodedBlock, i));
        return hashes;
    }

    private static int CountOf(ReadOnlySpan<byte> encodedBlock)
    {
        if (encodedBlock.IsEmpty) throw new ArgumentException("a block is never empty", nameof(encodedBlock));
        return (encodedBlock.Length + PartSize - 1) / PartSize;
    }

    private static ReadOnlySpan<byte> PartOf(ReadOnlySpan<byte> encodedBlock, int index)
    {
        ReadOnlySpan<byte> rest = encodedBlock[(index * PartSize)..];
        return rest[..Math.Min(PartSize, rest.Length)];
    }

    private static PartSetHeader HeaderOf(int parts, byte[] root) =>
        new() { Total = (uint)parts, Hash = ByteString.CopyFrom(root) };
}
