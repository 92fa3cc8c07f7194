using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Numerics;
using AppChain.Node;

namespace AppChain.Simulation;

/// <summary>
/// The disk under a validator's <see cref="ChainStore"/>: batches are appended to a log of bytes, each with a checksum,
/// and only what was flushed survives the loss of power; of the rest a prefix does, cut at any byte, and the torn batch
/// at its end is dropped when the log is read again. The values themselves live in sorted families, as RocksDB keeps
/// them.
/// </summary>
internal sealed class SimulatedDisk(int families, Action<StepKind, long> step) : IKeyValueStore
{
    private readonly MemoryStream _log = new();
    private SortedRows[] _families = Empty(families);
    private SortedRows[] _base = Empty(families);
    private long _flushed;
    private long _written;
    private long _baseWritten;

    /// <summary>Called before each write; true finds the disk full.</summary>
    public Func<bool>? IsFull { get; set; }

    /// <summary>Entries of a family, ascending by key.</summary>
    public IEnumerable<KeyValuePair<byte[], byte[]>> Family(int family) => _families[family].All;

    /// <summary>Those of them whose key begins with a byte.</summary>
    public IReadOnlyDictionary<byte[], byte[]> Of(int family, byte first) => _families[family].Of(first);

    /// <summary>The data directory is removed, by an operator who means to begin anew.</summary>
    public void Wipe()
    {
        (_families, _base) = (Empty(families), Empty(families));
        _log.SetLength(0);
        _flushed = _written = _baseWritten = 0;
    }

    /// <summary>The machine loses power: what was not flushed survives up to a random byte.</summary>
    /// <returns>Batches lost, the torn one included.</returns>
    public int LosePower(Random random)
    {
        long before = _written;
        long kept = _flushed + (long)((_log.Length - _flushed + 1) * random.NextDouble());
        _log.SetLength(Math.Min(kept, _log.Length));
        Recover();
        return (int)(before - _written);
    }

    /// <summary>Forgets the history of what is flushed, so that the log of a long run stays small.</summary>
    private void Compact()
    {
        _base = Array.ConvertAll(_families, static family => new SortedRows(family));
        _baseWritten = _written;
        _log.SetLength(0);
        _flushed = 0;
    }

    public byte[]? Get(int family, ReadOnlySpan<byte> key) =>
        _families[family].TryGet(key.ToArray(), out byte[]? value) ? value : null;

    public IEnumerable<KeyValuePair<byte[], byte[]>> Scan(int family) => _families[family].All.ToList();

    public IWriteBatch NewBatch() => new Batch();

    public void Write(IWriteBatch batch, bool durable)
    {
        step(StepKind.BeforeDisk, durable ? 1 : 0);
        ReadOnlySpan<byte> content = ((Batch)batch).Content;
        Span<byte> head = stackalloc byte[8];
        BinaryPrimitives.WriteInt32LittleEndian(head, content.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(head[4..], Checksum(content));
        _log.Position = _log.Length;
        _log.Write(head);
        _log.Write(content);
        Apply(content);
        if (durable) _flushed = _log.Length;
        if (_flushed == _log.Length && _log.Length > 1 << 20) Compact();
        step(StepKind.AfterDisk, durable ? 1 : 0);
    }

    public void RequireSpace(int recordBytes)
    {
        if (IsFull?.Invoke() == true) throw new StorageException("the disk is full");
    }

    public void Dispose()
    {
    }

    private static SortedRows[] Empty(int families) => [.. Enumerable.Range(0, families).Select(_ => new SortedRows())];

    // What a database does when it opens: reads its log, and ends where a batch is torn.
    private void Recover()
    {
        _families = Array.ConvertAll(_base, static family => new SortedRows(family));
        _written = _baseWritten;
        byte[] log = _log.ToArray();
        int at = 0;
        while (log.Length - at >= 8)
        {
            int length = BinaryPrimitives.ReadInt32LittleEndian(log.AsSpan(at));
            if (length > log.Length - at - 8) break;
            byte[] content = log.AsSpan(at + 8, length).ToArray();
            if (Checksum(content) != BinaryPrimitives.ReadUInt32LittleEndian(log.AsSpan(at + 4))) break;
            Apply(content);
            at += 8 + length;
        }
        _log.SetLength(at);
        _flushed = at;
    }

    private void Apply(ReadOnlySpan<byte> rest)
    {
        _written++;
        while (!rest.IsEmpty)
        {
            int family = rest[0];
            int keyLength = BinaryPrimitives.ReadInt32LittleEndian(rest[1..]);
            int valueLength = BinaryPrimitives.ReadInt32LittleEndian(rest[5..]);
            byte[] key = rest.Slice(9, keyLength).ToArray();
            if (valueLength < 0) _families[family].Remove(key);
            else _families[family].Set(key, rest.Slice(9 + keyLength, valueLength).ToArray());
            rest = rest[(9 + keyLength + Math.Max(0, valueLength))..];
        }
    }

    private static uint Checksum(ReadOnlySpan<byte> bytes)
    {
        uint crc = ~0u;
        for (; bytes.Length >= 8; bytes = bytes[8..])
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        foreach (byte value in bytes) crc = BitOperations.Crc32C(crc, value);
        return ~crc;
    }

    private sealed class Batch : IWriteBatch
    {
        private readonly MemoryStream _content = new(4096);

        public void Put(int family, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
        {
            Head(family, key, value.Length);
            _content.Write(value);
        }

        public void Delete(int family, ReadOnlySpan<byte> key) => Head(family, key, -1);

        public ReadOnlySpan<byte> Content => _content.GetBuffer().AsSpan(0, (int)_content.Length);

        public void Dispose()
        {
        }

        private void Head(int family, ReadOnlySpan<byte> key, int valueLength)
        {
            Span<byte> head = stackalloc byte[9];
            head[0] = (byte)family;
            BinaryPrimitives.WriteInt32LittleEndian(head[1..], key.Length);
            BinaryPrimitives.WriteInt32LittleEndian(head[5..], valueLength);
            _content.Write(head);
            _content.Write(key);
        }
    }
}
