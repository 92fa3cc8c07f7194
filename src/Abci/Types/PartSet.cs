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
        if (encodedBlock.IsEmpty) throw new ArgumentException("a block is never empty", nameof(encodedBlock));
        List<byte[]> leaves = [];
        for (ReadOnlySpan<byte> rest = encodedBlock; !rest.IsEmpty;)
        {
            int size = Math.Min(PartSize, rest.Length);
            leaves.Add(rest[..size].ToArray());
            rest = rest[size..];
        }

        (byte[] root, IReadOnlyList<Proof> proofs) = MerkleTree.Prove(leaves);
        Part[] parts = new Part[leaves.Count];
        for (int i = 0; i < parts.Length; i++)
        {
            parts[i] = new Part { Index = (uint)i, Bytes = ByteString.CopyFrom(leaves[i]), Proof = proofs[i] };
        }
        PartSetHeader header = new() { Total = (uint)parts.Length, Hash = ByteString.CopyFrom(root) };
        return new PartSet(header, parts);
    }

    /// <summary>The header alone of what <see cref="Of(ReadOnlySpan{byte})"/> makes.</summary>
    public static PartSetHeader HeaderOf(ReadOnlySpan<byte> encodedBlock)
    {
        if (encodedBlock.IsEmpty) throw new ArgumentException("a block is never empty", nameof(encodedBlock));
        byte[][] hashes = new byte[(encodedBlock.Length + PartSize - 1) / PartSize][];
        for (int i = 0; i < hashes.Length; i++)
        {
            ReadOnlySpan<byte> rest = encodedBlock[(i * PartSize)..];
            hashes[i] = MerkleTree.LeafHash(rest[..Math.Min(PartSize, rest.Length)]);
        }
        return new PartSetHeader { Total = (uint)hashes.Length, Hash = ByteString.CopyFrom(MerkleTree.RootOf(hashes)) };
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
}
