using System;
using System.Collections.Generic;
using System.Diagnostics.CodeAnalysis;
using AppChain.Hashing;
using AppChain.Margin;

namespace AppChain.StateMachine;

/// <summary>The place of a chunk: all paths whose first <paramref name="Depth"/> bits are those of a start.</summary>
/// <param name="Start">First 64 bits of the lowest path; the bits after the depth are 0.</param>
/// <param name="Depth">Inner nodes above the subtree, 0…<see cref="StateChunk.DepthMax"/>.</param>
public readonly record struct ChunkPlace(ulong Start, int Depth)
{
    /// <summary>The whole tree.</summary>
    public static ChunkPlace Whole => default;

    /// <summary>Bit of the path at a depth above this place's: 0 left, 1 right.</summary>
    internal int Bit(int depth) => (int)((Start >> (63 - depth)) & 1);

    /// <summary>The left (0) or right (1) half of this place.</summary>
    public ChunkPlace Half(int side) => new(Start | ((ulong)side << (63 - Depth)), Depth + 1);

    /// <summary>True for a path of this place, given its first 64 bits.</summary>
    internal bool Covers(ulong path) => Depth == 0 || (path ^ Start) >> (64 - Depth) == 0;
}

/// <summary>
/// A piece of a state that proves itself: all rows of one subtree, ascending by path, with the hashes beside the way
/// from the root down to it. Nobody can leave a row out, add one or change one and still meet the root. One piece has
/// one encoding (docs/spec/snapshots.md).
/// </summary>
public static class StateChunk
{
    /// <summary>Deepest place of a chunk.</summary>
    public const int DepthMax = 48;

    // A row by its path: where it hangs and its leaf's hash.
    private readonly record struct Leaf(Sha256Digest Path, Sha256Digest Hash);

    /// <summary>
    /// Checks a chunk against a trusted root and reads its rows; false when it is not the canonical chunk of this place
    /// under this root.
    /// </summary>
    /// <param name="root">App hash of the height.</param>
    /// <param name="place">The place whose rows must be shown.</param>
    /// <param name="chunk">Bytes from anyone.</param>
    /// <param name="rows">The rows, ascending by path.</param>
    public static bool TryRead(
        ReadOnlySpan<byte> root,
        ChunkPlace place,
        ReadOnlySpan<byte> chunk,
        [NotNullWhen(true)] out List<KeyValuePair<byte[], byte[]>>? rows)
    {
        Invariant.Assert(place.Depth is >= 0 and <= DepthMax);
        rows = null;
        ReadOnlySpan<byte> rest = chunk;
        var siblings = new Sha256Digest[place.Depth];
        var read = new List<KeyValuePair<byte[], byte[]>>();
        if (!TryReadSiblings(ref rest, siblings) || !TryReadRows(rest, place, read, out Leaf[] leaves))
        {
            return false;
        }

        Sha256Digest hash = HashOf(leaves, 0, leaves.Length, place.Depth);
        for (int depth = place.Depth - 1; depth >= 0; depth--)
        {
            hash = place.Bit(depth) == 0
                ? Sha256Digest.OfPair(1, hash, siblings[depth])
                : Sha256Digest.OfPair(1, siblings[depth], hash);
        }

        if (!hash.Bytes.SequenceEqual(root))
        {
            return false;
        }

        rows = read;
        return true;
    }

    /// <summary>Encodes what stands at a place.</summary>
    internal static byte[] Encode(List<Sha256Digest> siblings, List<TreeLeaf> leaves)
    {
        var writer = new ByteWriter();
        for (int start = 0; start < siblings.Count; start += 8)
        {
            int bits = 0;
            for (int depth = start; depth < Math.Min(start + 8, siblings.Count); depth++)
            {
                bits |= siblings[depth].IsNonzero ? 0x80 >> (depth - start) : 0;
            }

            writer.WriteByte((byte)bits);
        }

        foreach (Sha256Digest sibling in siblings)
        {
            if (sibling.IsNonzero)
            {
                Sha256Digest written = sibling;
                writer.WriteFixed(written.Bytes);
            }
        }

        foreach (TreeLeaf leaf in leaves)
        {
            writer.WriteBytes(leaf.Key);
            writer.WriteUInt32((uint)(leaf.Value?.Length ?? 0));
            writer.WriteFixed(leaf.Value);
        }

        return writer.ToArray();
    }

    /// <summary>Bytes of a row in a chunk.</summary>
    internal static int SizeOf(in TreeLeaf leaf) => 6 + (leaf.Key?.Length ?? 0) + (leaf.Value?.Length ?? 0);

    private static bool TryReadSiblings(ref ReadOnlySpan<byte> rest, Sha256Digest[] siblings)
    {
        int bitmapSize = (siblings.Length + 7) / 8;
        if (rest.Length < bitmapSize)
        {
            return false;
        }

        ReadOnlySpan<byte> bitmap = rest[..bitmapSize];
        rest = rest[bitmapSize..];
        for (int bit = 0; bit < bitmapSize * 8; bit++)
        {
            if ((bitmap[bit / 8] & (0x80 >> (bit % 8))) == 0)
            {
                continue;
            }

            if (bit >= siblings.Length || rest.Length < Sha256Digest.Size)
            {
                return false;
            }

            siblings[bit] = new Sha256Digest(rest[..Sha256Digest.Size]);
            rest = rest[Sha256Digest.Size..];
            if (!siblings[bit].IsNonzero)
            {
                return false;
            }
        }

        return true;
    }

    private static bool TryReadRows(
        ReadOnlySpan<byte> rest, ChunkPlace place, List<KeyValuePair<byte[], byte[]>> rows, out Leaf[] leaves)
    {
        var read = new List<Leaf>();
        leaves = [];
        while (!rest.IsEmpty)
        {
            if (!TryTake(ref rest, 2, out byte[]? key) || key.Length == 0
                || !TryTake(ref rest, 4, out byte[]? value) || value.Length == 0)
            {
                return false;
            }

            var path = new Sha256Digest(Sha256.Hash(key));
            if (!place.Covers(path.Prefix) || (read.Count > 0 && read[^1].Path.CompareTo(path) >= 0))
            {
                return false;
            }

            read.Add(new Leaf(path, Sha256Digest.OfPair(0, path, new Sha256Digest(Sha256.Hash(value)))));
            rows.Add(new KeyValuePair<byte[], byte[]>(key, value));
        }

        leaves = [.. read];
        return true;
    }

    // A big-endian length of 2 or 4 bytes and that many bytes.
    private static bool TryTake(
        ref ReadOnlySpan<byte> rest, int lengthSize, [NotNullWhen(true)] out byte[]? bytes)
    {
        bytes = null;
        if (rest.Length < lengthSize)
        {
            return false;
        }

        uint length = 0;
        foreach (byte part in rest[..lengthSize])
        {
            length = (length << 8) | part;
        }

        rest = rest[lengthSize..];
        if (length > rest.Length)
        {
            return false;
        }

        bytes = rest[..(int)length].ToArray();
        rest = rest[(int)length..];
        return true;
    }

    // The hash of the subtree at a depth that holds the leaves from one index to another (T3).
    private static Sha256Digest HashOf(Leaf[] leaves, int from, int to, int depth)
    {
        if (to - from < 2)
        {
            return from == to ? default : leaves[from].Hash;
        }

        // The leaves ascend by path, so those whose bit is 1 come last. BOUND: distinct paths part before bit 256.
        int low = from;
        int high = to;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (leaves[middle].Path.Bit(depth) == 0)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return Sha256Digest.OfPair(1, HashOf(leaves, from, low, depth + 1), HashOf(leaves, low, to, depth + 1));
    }
}
