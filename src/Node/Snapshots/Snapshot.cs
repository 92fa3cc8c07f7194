using System;
using System.Collections.Generic;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using AppChain.StateMachine;

namespace AppChain.Node;

/// <summary>
/// What identifies a snapshot: its height, its app hash, and how the tree is cut into chunks. Two honest nodes make the
/// same one of the same height (docs/spec/snapshots.md).
/// </summary>
/// <param name="Height">Height of the state.</param>
/// <param name="AppHash">Root that every chunk is proven against.</param>
/// <param name="Places">Where each chunk stands, from left to right; together they cover every path once.</param>
internal sealed record Snapshot(long Height, byte[] AppHash, IReadOnlyList<ChunkPlace> Places)
{
    /// <summary>The encoding of this specification.</summary>
    public const uint Format = 1;

    /// <summary>Most rows of a chunk, in bytes. A mebibyte is far below the 16 MB that CometBFT carries.</summary>
    public const int ChunkBytesMax = 1 << 20;

    /// <summary>Most chunks, CometBFT's own limit.</summary>
    public const int ChunksMax = 100_000;

    /// <summary>The depths of the chunks, one byte each: places follow from them.</summary>
    public byte[] Metadata()
    {
        var depths = new byte[Places.Count];
        for (int i = 0; i < depths.Length; i++)
        {
            depths[i] = (byte)Places[i].Depth;
        }

        return depths;
    }

    /// <summary>SHA-256 over app hash and metadata.</summary>
    public byte[] Hash() => SHA256.HashData([.. AppHash, .. Metadata()]);

    /// <summary>Reads the metadata; false when the depths do not cover every path exactly once.</summary>
    public static bool TryRead(
        long height, byte[] appHash, ReadOnlySpan<byte> metadata, [NotNullWhen(true)] out Snapshot? snapshot)
    {
        snapshot = null;
        if (metadata.Length is 0 or > ChunksMax)
        {
            return false;
        }

        var places = new ChunkPlace[metadata.Length];
        UInt128 start = 0;
        UInt128 end = (UInt128)1 << 64;
        for (int i = 0; i < places.Length; i++)
        {
            if (metadata[i] > StateChunk.DepthMax)
            {
                return false;
            }

            UInt128 length = end >> metadata[i];
            if (start >= end || start % length != 0)
            {
                return false;
            }

            places[i] = new ChunkPlace((ulong)start, metadata[i]);
            start += length;
        }

        snapshot = start == end ? new Snapshot(height, appHash, places) : null;
        return snapshot is not null;
    }
}
