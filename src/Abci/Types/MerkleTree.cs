using System;
using System.Collections.Generic;
using System.Numerics;
using AppChain.Abci.Wire.Crypto;
using AppChain.Hashing;
using Google.Protobuf;

namespace AppChain.Abci;

/// <summary>
/// The Merkle tree of RFC 6962 over SHA-256, as CometBFT uses it for every list in a block: leaves and inner nodes are
/// told apart by their first byte, and a list is split at the largest power of two strictly below its length.
/// </summary>
public static class MerkleTree
{
    /// <summary>Bytes of a hash.</summary>
    public const int HashSize = 32;

    // BOUND: a list cannot have more than 2^31 leaves, so no honest proof is deeper than 31.
    private const int DepthMax = 32;

    /// <summary>Root over the leaves in order; SHA-256 of nothing for an empty list.</summary>
    public static byte[] Root(IReadOnlyList<byte[]> leaves)
    {
        ArgumentNullException.ThrowIfNull(leaves);
        MerkleLeaves added = new(leaves.Count);
        foreach (byte[] leaf in leaves) added.Add(leaf);
        return added.Root();
    }

    /// <summary>Root over the leaves, and for each leaf the proof that it is one.</summary>
    public static (byte[] Root, IReadOnlyList<Proof> Proofs) Prove(IReadOnlyList<byte[]> leaves)
    {
        ArgumentNullException.ThrowIfNull(leaves);
        return leaves.Count == 0 ? (Sha256.Hash([]), []) : ProveOf(LeafHashes(leaves));
    }

    /// <summary>As <see cref="Prove"/>, over leaves that are hashed already, of which there is at least one.</summary>
    internal static (byte[] Root, IReadOnlyList<Proof> Proofs) ProveOf(byte[][] hashes)
    {
        Proof[] proofs = new Proof[hashes.Length];
        for (int i = 0; i < hashes.Length; i++)
        {
            proofs[i] = new Proof
            {
                Total = hashes.Length,
                Index = i,
                LeafHash = ByteString.CopyFrom(hashes[i]),
            };
        }
        return (CollectAunts(hashes, proofs), proofs);
    }

    /// <summary>
    /// Whether <paramref name="proof"/> shows that <paramref name="leaf"/> is the leaf number <c>proof.Index</c> of the
    /// <c>proof.Total</c> leaves under <paramref name="root"/>. Never throws, whatever the proof holds.
    /// </summary>
    public static bool Verify(Proof proof, ReadOnlySpan<byte> root, ReadOnlySpan<byte> leaf)
    {
        if (proof is null || proof.Total <= 0 || proof.Index < 0 || proof.Index >= proof.Total) return false;
        if (proof.Aunts.Count > DepthMax) return false;
        foreach (ByteString aunt in proof.Aunts)
        {
            if (aunt.Length != HashSize) return false;
        }
        byte[] leafHash = LeafHash(leaf);
        if (!proof.LeafHash.Span.SequenceEqual(leafHash)) return false;

        byte[]? computed = RootFrom(leafHash, proof.Index, proof.Total, proof.Aunts, proof.Aunts.Count);
        return computed is not null && root.SequenceEqual(computed);
    }

    /// <summary>SHA-256 of 0x00 and the leaf.</summary>
    public static byte[] LeafHash(ReadOnlySpan<byte> leaf)
    {
        byte[] digest = new byte[HashSize];
        Sha256.Hash(MerkleLeaves.LeafPrefix, leaf, [], digest);
        return digest;
    }

    /// <summary>SHA-256 of 0x01 and both children.</summary>
    public static byte[] InnerHash(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right)
    {
        byte[] digest = new byte[HashSize];
        Sha256.Hash(MerkleLeaves.InnerPrefix, left, right, digest);
        return digest;
    }

    private static byte[][] LeafHashes(IReadOnlyList<byte[]> leaves)
    {
        byte[][] hashes = new byte[leaves.Count][];
        for (int i = 0; i < hashes.Length; i++) hashes[i] = LeafHash(leaves[i]);
        return hashes;
    }

    private static byte[] CollectAunts(ReadOnlySpan<byte[]> hashes, Span<Proof> proofs)
    {
        if (hashes.Length == 1) return hashes[0];
        int split = (int)SplitPoint(hashes.Length);
        byte[] left = CollectAunts(hashes[..split], proofs[..split]);
        byte[] right = CollectAunts(hashes[split..], proofs[split..]);

        // ORDER: children first, so that aunts are listed from the leaf upwards.
        ByteString leftAunt = ByteString.CopyFrom(left);
        ByteString rightAunt = ByteString.CopyFrom(right);
        foreach (Proof proof in proofs[..split]) proof.Aunts.Add(rightAunt);
        foreach (Proof proof in proofs[split..]) proof.Aunts.Add(leftAunt);
        return InnerHash(left, right);
    }

    /// <summary>
    /// The root that the first <paramref name="count"/> aunts lead to, or null when their number is wrong.
    /// </summary>
    private static byte[]? RootFrom(byte[] leafHash, long index, long total, IList<ByteString> aunts, int count)
    {
        if (total == 1) return count == 0 ? leafHash : null;
        if (count == 0) return null;

        long split = SplitPoint(total);
        bool isLeft = index < split;
        byte[]? child = isLeft
            ? RootFrom(leafHash, index, split, aunts, count - 1)
            : RootFrom(leafHash, index - split, total - split, aunts, count - 1);
        if (child is null) return null;
        ReadOnlySpan<byte> aunt = aunts[count - 1].Span;
        return isLeft ? InnerHash(child, aunt) : InnerHash(aunt, child);
    }

    /// <summary>The largest power of two strictly below <paramref name="count"/>, which is at least 2.</summary>
    private static long SplitPoint(long count) => 1L << BitOperations.Log2((ulong)(count - 1));
}
