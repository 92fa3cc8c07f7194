using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Diagnostics.CodeAnalysis;
using AppChain.Hashing;
using AppChain.Margin;

namespace AppChain.StateMachine;

/// <summary>What stands where the path of a key ends.</summary>
public enum StateProofKind : byte
{
    /// <summary>Never written.</summary>
    None = 0,

    /// <summary>The leaf of the key: the row is there.</summary>
    Present = 1,

    /// <summary>The leaf of another key: the row is not there.</summary>
    OtherLeaf = 2,

    /// <summary>An empty subtree: the row is not there.</summary>
    Empty = 3,
}

/// <summary>
/// Proof that a row with a value is in a state tree, or that no row with the key is. It carries neither key nor value.
/// One proof has one encoding (docs/spec/state.md).
/// </summary>
public sealed class StateProof
{
    /// <summary>Most inner nodes above a leaf.</summary>
    public const int DepthMax = 256;

    private readonly Sha256Digest[] _siblings;
    private readonly Sha256Digest _otherKeyHash;
    private readonly Sha256Digest _otherValueHash;

    private StateProof(
        StateProofKind kind, Sha256Digest[] siblings, Sha256Digest otherKeyHash, Sha256Digest otherValueHash)
    {
        Kind = kind;
        _siblings = siblings;
        _otherKeyHash = otherKeyHash;
        _otherValueHash = otherValueHash;
    }

    /// <summary>What the proof shows.</summary>
    public StateProofKind Kind { get; }

    /// <summary>Inner nodes above the end of the path, 0…256.</summary>
    public int Depth => _siblings.Length;

    /// <summary>
    /// The 32-byte hash beside the path under the inner node at a depth, 0 for the root; zeros for an empty subtree.
    /// </summary>
    public ReadOnlySpan<byte> Sibling(int depth) => _siblings[depth].Bytes;

    /// <summary>
    /// Checks a proof against a trusted root.
    /// </summary>
    /// <param name="proof">The proof, from anyone.</param>
    /// <param name="root">App hash of the block.</param>
    /// <param name="key">Key of the row.</param>
    /// <param name="value">The value that must be shown, or null to show that the row is not there.</param>
    public static bool Verify(StateProof proof, ReadOnlySpan<byte> root, ReadOnlySpan<byte> key, byte[]? value)
    {
        var keyHash = new Sha256Digest(Sha256.Hash(key));
        if ((value is not null) != (proof.Kind == StateProofKind.Present) || root.Length != Sha256Digest.Size)
        {
            return false;
        }

        Sha256Digest hash = default;
        if (value is not null)
        {
            hash = Sha256Digest.OfPair(0, keyHash, new Sha256Digest(Sha256.Hash(value)));
        }
        else if (proof.Kind == StateProofKind.OtherLeaf)
        {
            if (proof._otherKeyHash.Equals(keyHash) || !SharesBits(proof._otherKeyHash, keyHash, proof.Depth))
            {
                return false;
            }

            hash = Sha256Digest.OfPair(0, proof._otherKeyHash, proof._otherValueHash);
        }

        for (int depth = proof.Depth - 1; depth >= 0; depth--)
        {
            Sha256Digest sibling = proof._siblings[depth];
            hash = keyHash.Bit(depth) == 0
                ? Sha256Digest.OfPair(1, hash, sibling)
                : Sha256Digest.OfPair(1, sibling, hash);
        }

        return hash.Bytes.SequenceEqual(root);
    }

    /// <summary>
    /// The canonical bytes: kind, depth in two bytes, one bit per depth that says whether the sibling is not empty
    /// (the root's first, the last byte padded with zeros), the siblings that are not empty, the root's first, and for
    /// another leaf the hashes of its key and value.
    /// </summary>
    public byte[] Encode()
    {
        var writer = new ByteWriter();
        writer.WriteByte((byte)Kind);
        writer.WriteUInt16((ushort)Depth);
        for (int start = 0; start < Depth; start += 8)
        {
            int bits = 0;
            for (int depth = start; depth < Math.Min(start + 8, Depth); depth++)
            {
                bits |= _siblings[depth].IsNonzero ? 0x80 >> (depth - start) : 0;
            }

            writer.WriteByte((byte)bits);
        }

        foreach (Sha256Digest sibling in _siblings)
        {
            if (sibling.IsNonzero)
            {
                Write(ref writer, sibling);
            }
        }

        if (Kind == StateProofKind.OtherLeaf)
        {
            Write(ref writer, _otherKeyHash);
            Write(ref writer, _otherValueHash);
        }

        return writer.ToArray();
    }

    /// <summary>Reads the canonical bytes of a proof from anyone; false when they are not exactly that.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out StateProof? proof)
    {
        proof = null;
        if (bytes.Length < 3 || bytes[0] is 0 or > (byte)StateProofKind.Empty)
        {
            return false;
        }

        var kind = (StateProofKind)bytes[0];
        int depth = BinaryPrimitives.ReadUInt16BigEndian(bytes[1..]);
        int bitmapSize = (depth + 7) / 8;
        ReadOnlySpan<byte> rest = bytes[3..];
        if (depth > DepthMax || rest.Length < bitmapSize)
        {
            return false;
        }

        ReadOnlySpan<byte> bitmap = rest[..bitmapSize];
        rest = rest[bitmapSize..];
        if (depth % 8 != 0 && (bitmap[^1] & (0xff >> (depth % 8))) != 0)
        {
            return false;
        }

        var siblings = new Sha256Digest[depth];
        for (int index = 0; index < depth; index++)
        {
            bool isNonzero = (bitmap[index / 8] & (0x80 >> (index % 8))) != 0;
            if (isNonzero && (!TryTake(ref rest, out siblings[index]) || !siblings[index].IsNonzero))
            {
                return false;
            }
        }

        Sha256Digest otherKeyHash = default;
        Sha256Digest otherValueHash = default;
        if (kind == StateProofKind.OtherLeaf
            && (!TryTake(ref rest, out otherKeyHash) || !TryTake(ref rest, out otherValueHash)))
        {
            return false;
        }

        proof = rest.IsEmpty ? new StateProof(kind, siblings, otherKeyHash, otherValueHash) : null;
        return proof is not null;
    }

    internal static StateProof Present(List<Sha256Digest> siblings) =>
        new(StateProofKind.Present, siblings.ToArray(), default, default);

    internal static StateProof Empty(List<Sha256Digest> siblings) =>
        new(StateProofKind.Empty, siblings.ToArray(), default, default);

    internal static StateProof OtherLeaf(
        List<Sha256Digest> siblings, Sha256Digest otherKeyHash, Sha256Digest otherValueHash) =>
        new(StateProofKind.OtherLeaf, siblings.ToArray(), otherKeyHash, otherValueHash);

    private static bool SharesBits(Sha256Digest left, Sha256Digest right, int count)
    {
        for (int bit = 0; bit < count; bit++)
        {
            if (left.Bit(bit) != right.Bit(bit))
            {
                return false;
            }
        }

        return true;
    }

    private static void Write(ref ByteWriter writer, Sha256Digest digest) => writer.WriteFixed(digest.Bytes);

    private static bool TryTake(ref ReadOnlySpan<byte> rest, out Sha256Digest digest)
    {
        digest = default;
        if (rest.Length < Sha256Digest.Size)
        {
            return false;
        }

        digest = new Sha256Digest(rest[..Sha256Digest.Size]);
        rest = rest[Sha256Digest.Size..];
        return true;
    }
}
