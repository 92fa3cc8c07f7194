using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using AppChain.Hashing;
using AppChain.StateMachine;

namespace AppChain.Node;

/// <summary>One row of a block's change: its value before and after; null where there is none.</summary>
internal readonly record struct RowDelta(byte[] Key, byte[]? Before, byte[]? After);

/// <summary>
/// What one block did to the rows, as the change log keeps it: enough to redo it and to take it back. The encoding ends
/// with a SHA-256 over the rest, so a damaged record is recognised.
/// </summary>
internal sealed class ChangeRecord
{
    private const int DigestSize = 32;

    /// <summary>Height of the block.</summary>
    public required long Height { get; init; }

    /// <summary>App hash after the block.</summary>
    public required byte[] AppHash { get; init; }

    /// <summary>Rows, ascending by key.</summary>
    public required RowDelta[] Rows { get; init; }

    /// <summary>Pairs each changed row of the tree's newest version with the value that it replaced.</summary>
    public static ChangeRecord Of(
        long height, byte[] appHash, IReadOnlyList<RowChange> changes, StateTree tree)
    {
        var rows = new RowDelta[changes.Count];
        ReadOnlySpan<byte[]?> before = tree.Replaced;
        for (int i = 0; i < rows.Length; i++)
        {
            rows[i] = new RowDelta(changes[i].Key, before[i], changes[i].Value);
        }

        return new ChangeRecord { Height = height, AppHash = appHash, Rows = rows };
    }

    /// <summary>Length of the encoded record in bytes.</summary>
    public int Size
    {
        get
        {
            int size = sizeof(long) + SizeOf(AppHash) + sizeof(int) + DigestSize;
            foreach (RowDelta row in Rows)
            {
                size += SizeOf(row.Key) + SizeOf(row.Before) + SizeOf(row.After);
            }

            return size;
        }
    }

    /// <summary>The bytes of the record.</summary>
    public byte[] Encode()
    {
        var record = new byte[Size];
        Encode(record);
        return record;
    }

    /// <summary>Writes the record into a span of its <see cref="Size"/>.</summary>
    public void Encode(Span<byte> record)
    {
        Span<byte> rest = record;
        BinaryPrimitives.WriteInt64LittleEndian(rest, Height);
        rest = WriteBytes(rest[sizeof(long)..], AppHash);
        BinaryPrimitives.WriteInt32LittleEndian(rest, Rows.Length);
        rest = rest[sizeof(int)..];
        foreach (RowDelta row in Rows)
        {
            rest = WriteBytes(WriteBytes(WriteBytes(rest, row.Key), row.Before), row.After);
        }

        Sha256.Hash(record[..^DigestSize], rest);
    }

    /// <summary>Reads a record back.</summary>
    /// <exception cref="StorageException">The record is damaged.</exception>
    public static ChangeRecord Decode(long height, ReadOnlySpan<byte> record)
    {
        string damaged = $"the change log record of height {height} is damaged; restore the data directory from a "
            + "backup, or remove it and sync from the other validators";
        if (record.Length < DigestSize)
        {
            throw new StorageException(damaged);
        }

        ReadOnlySpan<byte> body = record[..^DigestSize];
        Span<byte> digest = stackalloc byte[DigestSize];
        Sha256.Hash(body, digest);
        if (!digest.SequenceEqual(record[^DigestSize..]) || BinaryPrimitives.ReadInt64LittleEndian(body) != height)
        {
            throw new StorageException(damaged);
        }

        ReadOnlySpan<byte> rest = body[sizeof(long)..];
        byte[] appHash = ReadBytes(ref rest) ?? [];
        var rows = new RowDelta[ReadInt32(ref rest)];
        for (int i = 0; i < rows.Length; i++)
        {
            rows[i] = new RowDelta(ReadBytes(ref rest) ?? [], ReadBytes(ref rest), ReadBytes(ref rest));
        }

        return new ChangeRecord { Height = height, AppHash = appHash, Rows = rows };
    }

    private static int SizeOf(byte[]? bytes) => sizeof(int) + (bytes?.Length ?? 0);

    // The length, -1 for none, and the bytes; returns what is left of the span.
    private static Span<byte> WriteBytes(Span<byte> target, byte[]? bytes)
    {
        BinaryPrimitives.WriteInt32LittleEndian(target, bytes?.Length ?? -1);
        bytes.CopyTo(target[sizeof(int)..]);
        return target[SizeOf(bytes)..];
    }

    private static byte[]? ReadBytes(ref ReadOnlySpan<byte> rest)
    {
        int length = ReadInt32(ref rest);
        if (length < 0)
        {
            return null;
        }

        byte[] bytes = rest[..length].ToArray();
        rest = rest[length..];
        return bytes;
    }

    private static int ReadInt32(ref ReadOnlySpan<byte> rest)
    {
        int value = BinaryPrimitives.ReadInt32LittleEndian(rest);
        rest = rest[sizeof(int)..];
        return value;
    }
}
