using System;
using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.IO;
using System.Security.Cryptography;
using Cosmos.Ics23.V1;
using Google.Protobuf;

namespace AppChain.Node;

/// <summary>The two operations of an ICS-23 proof, and what a specification demands of each.</summary>
internal static class Ics23Operations
{
    /// <summary>False for the hash functions that we do not have: all but SHA-256 and SHA-512.</summary>
    public static bool IsSupported(HashOp operation) => operation is HashOp.Sha256 or HashOp.Sha512;

    /// <summary>Hashes bytes; false when the hash function is none or one that we do not have.</summary>
    public static bool TryHash(HashOp operation, ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out byte[]? hash)
    {
        hash = operation switch
        {
            HashOp.Sha256 => SHA256.HashData(bytes),
            HashOp.Sha512 => SHA512.HashData(bytes),
            _ => null,
        };
        return hash is not null;
    }

    /// <summary>Hash of the leaf of a key and value; false when the operation cannot be done on them.</summary>
    public static bool TryApply(LeafOp leaf, ByteString key, ByteString value, [NotNullWhen(true)] out byte[]? hash)
    {
        hash = null;
        if (key.IsEmpty || value.IsEmpty)
        {
            return false;
        }

        var preimage = new MemoryStream();
        preimage.Write(leaf.Prefix.Span);
        return TryAppend(preimage, leaf.PrehashKey, leaf.Length, key)
            && TryAppend(preimage, leaf.PrehashValue, leaf.Length, value)
            && TryHash(leaf.Hash, preimage.ToArray(), out hash);
    }

    /// <summary>Hash of the node above a child; false when the operation cannot be done.</summary>
    public static bool TryApply(InnerOp inner, ReadOnlySpan<byte> child, [NotNullWhen(true)] out byte[]? hash)
    {
        hash = null;
        return !child.IsEmpty && TryHash(inner.Hash, [.. inner.Prefix.Span, .. child, .. inner.Suffix.Span], out hash);
    }

    /// <summary>Why a leaf operation does not meet a specification; null when it does.</summary>
    public static string? Refuse(LeafOp leaf, ProofSpec spec)
    {
        if (spec.LeafSpec is not { } demanded)
        {
            return "the specification has no leaf";
        }

        if (IsLike(spec, Ics23Specs.Iavl) && RefuseIavl(leaf.Prefix, leaf.Hash, 0) is { } refusal)
        {
            return refusal;
        }

        bool isSame = leaf.Hash == demanded.Hash
            && leaf.PrehashKey == demanded.PrehashKey
            && leaf.PrehashValue == demanded.PrehashValue
            && leaf.Length == demanded.Length
            && leaf.Prefix.Span.StartsWith(demanded.Prefix.Span);
        return isSame ? null : "the leaf operation is not the one of the specification";
    }

    /// <summary>
    /// Why an inner operation does not meet a specification; null when it does. The layer is 1 above the leaf.
    /// </summary>
    public static string? Refuse(InnerOp inner, ProofSpec spec, int layer)
    {
        if (spec.LeafSpec is not { } leaf || spec.InnerSpec is not { } demanded)
        {
            return "the specification lacks the leaf or the inner node";
        }

        if (demanded.ChildSize <= 0 || demanded.MaxPrefixLength >= demanded.MinPrefixLength + demanded.ChildSize)
        {
            return "the specification lets a prefix take the place of a child";
        }

        if (inner.Hash != demanded.Hash)
        {
            return "the hash of an inner node is not the one of the specification";
        }

        if (IsLike(spec, Ics23Specs.Iavl) && RefuseIavl(inner.Prefix, inner.Hash, layer) is { } refusal)
        {
            return refusal;
        }

        if (IsLike(spec, Ics23Specs.Tendermint) && !IsTendermintInner(inner))
        {
            return "the prefix of an inner node does not start with 1";
        }

        if (inner.Prefix.Span.StartsWith(leaf.Prefix.Span))
        {
            return "the prefix of an inner node starts as that of a leaf";
        }

        int prefixMax = demanded.MaxPrefixLength + ((demanded.ChildOrder.Count - 1) * demanded.ChildSize);
        if (inner.Prefix.Length < demanded.MinPrefixLength || inner.Prefix.Length > prefixMax)
        {
            return "the prefix of an inner node is too short or too long";
        }

        bool isWhole = inner.Suffix.Length % demanded.ChildSize == 0;
        return isWhole ? null : "the suffix of an inner node is not whole children";
    }

    // The reference implementation finds the trees with rules of their own in this way too: by the fields that shape
    // the preimages, not by those that only bound it.
    private static bool IsLike(ProofSpec spec, ProofSpec known) =>
        spec.LeafSpec is { } leaf
        && spec.InnerSpec is { } inner
        && leaf.Hash == known.LeafSpec.Hash
        && leaf.PrehashKey == known.LeafSpec.PrehashKey
        && leaf.PrehashValue == known.LeafSpec.PrehashValue
        && leaf.Length == known.LeafSpec.Length
        && inner.Hash == known.InnerSpec.Hash
        && inner.MinPrefixLength == known.InnerSpec.MinPrefixLength
        && inner.MaxPrefixLength == known.InnerSpec.MaxPrefixLength
        && inner.ChildSize == known.InnerSpec.ChildSize
        && inner.ChildOrder.Count == known.InnerSpec.ChildOrder.Count;

    private static bool IsTendermintInner(InnerOp inner) => inner.Suffix.IsEmpty
        ? inner.Prefix.Length > 0 && inner.Prefix[0] == 1
        : inner.Prefix.Length == 1 && inner.Prefix[0] == 1;

    /// <summary>
    /// An IAVL prefix is height, size and version as signed varints. Above a leaf there follow the length byte of the
    /// left child, or that child and the length byte of the right one.
    /// </summary>
    private static string? RefuseIavl(ByteString prefix, HashOp hash, int layer)
    {
        ReadOnlySpan<byte> rest = prefix.Span;
        if (!TryReadVarint(ref rest, out long height)
            || !TryReadVarint(ref rest, out long size)
            || !TryReadVarint(ref rest, out long version))
        {
            return "an IAVL prefix does not hold height, size and version";
        }

        if (height < layer || size < 0 || version < 0)
        {
            return "height, size or version of an IAVL prefix is out of range";
        }

        if (layer == 0)
        {
            return rest.IsEmpty && height == 0 && size == 1 ? null : "an IAVL leaf must have height 0 and size 1";
        }

        return rest.Length is 1 or 34 && hash == HashOp.Sha256 ? null : "an IAVL inner node is malformed";
    }

    private static bool TryReadVarint(ref ReadOnlySpan<byte> rest, out long value)
    {
        value = 0;
        ulong bits = 0;
        for (int index = 0; index < 10 && index < rest.Length; index++)
        {
            byte part = rest[index];
            if (index == 9 && part > 1)
            {
                return false;
            }

            bits |= (ulong)(part & 0x7f) << (7 * index);
            if (part < 0x80)
            {
                // Zigzag: even numbers stand for 0, 1, 2 …, odd ones for −1, −2 ….
                value = unchecked((long)(bits >> 1) ^ -(long)(bits & 1));
                rest = rest[(index + 1)..];
                return true;
            }
        }

        return false;
    }

    private static bool TryAppend(MemoryStream preimage, HashOp prehash, LengthOp length, ByteString data)
    {
        ReadOnlySpan<byte> bytes = data.Span;
        if (prehash != HashOp.NoHash)
        {
            if (!TryHash(prehash, bytes, out byte[]? hash))
            {
                return false;
            }

            bytes = hash;
        }

        if (!TryAppendLength(preimage, length, bytes.Length))
        {
            return false;
        }

        preimage.Write(bytes);
        return true;
    }

    private static bool TryAppendLength(MemoryStream preimage, LengthOp operation, int length)
    {
        Span<byte> field = stackalloc byte[8];
        switch (operation)
        {
            case LengthOp.NoPrefix:
                return true;
            case LengthOp.Require32Bytes:
                return length == 32;
            case LengthOp.Require64Bytes:
                return length == 64;
            case LengthOp.VarProto:
                for (; length >= 0x80; length >>= 7)
                {
                    preimage.WriteByte((byte)(length & 0x7f | 0x80));
                }

                preimage.WriteByte((byte)length);
                return true;
            case LengthOp.Fixed32Big:
                BinaryPrimitives.WriteInt32BigEndian(field, length);
                preimage.Write(field[..4]);
                return true;
            case LengthOp.Fixed32Little:
                BinaryPrimitives.WriteInt32LittleEndian(field, length);
                preimage.Write(field[..4]);
                return true;
            case LengthOp.Fixed64Big:
                BinaryPrimitives.WriteInt64BigEndian(field, length);
                preimage.Write(field);
                return true;
            case LengthOp.Fixed64Little:
                BinaryPrimitives.WriteInt64LittleEndian(field, length);
                preimage.Write(field);
                return true;
            default:
                return false;
        }
    }
}
