using System;
using System.Collections.Generic;
using System.Linq;
using AppChain.Node;

namespace AppChain.Simulation;

/// <summary>
/// The disk under a validator's <see cref="ChainStore"/>: sorted families of values, as RocksDB keeps them, behind a
/// log of batches. Only what was flushed survives the loss of power; of the rest of the log a prefix does, cut at any
/// byte, and the torn batch at its end is dropped. So the batches since the last flush are remembered, each as the one
/// that takes it back.
/// </summary>
internal sealed class SimulatedDisk(int families, Action<StepKind, long> step) : IKeyValueStore
{
    private readonly List<Batch> _unflushed = [];
    private SortedRows[] _families = Empty(families);

    /// <summary>Called before each write; true finds the disk full.</summary>
    public Func<bool>? IsFull { get; set; }

    /// <summary>Entries of a family, ascending by key.</summary>
    public IEnumerable<KeyValuePair<byte[], byte[]>> Family(int family) => _families[family].All;

    /// <summary>Those of them whose key begins with a byte; until the next write.</summary>
    public ReadOnlySpan<KeyValuePair<byte[], byte[]>> Of(int family, byte first) => _families[family].Of(first);

    /// <summary>The data directory is removed, by an operator who means to begin anew.</summary>
    public void Wipe()
    {
        _families = Empty(families);
        _unflushed.Clear();
    }

    /// <summary>A disk with the same content, on which nothing ever fails.</summary>
    public SimulatedDisk Copy()
    {
        var copy = new SimulatedDisk(families, static (_, _) => { });
        for (int family = 0; family < families; family++)
        {
            foreach ((byte[] key, byte[] value) in _families[family].All) copy._families[family].Exchange(key, value);
        }
        return copy;
    }

    /// <summary>The machine loses power: what was not flushed survives up to a random byte.</summary>
    /// <returns>Batches lost, the torn one included.</returns>
    public int LosePower(Random random)
    {
        long kept = (long)((_unflushed.Sum(static batch => batch.Bytes) + 1) * random.NextDouble());
        int whole = 0;
        for (; whole < _unflushed.Count && kept >= _unflushed[whole].Bytes; whole++) kept -= _unflushed[whole].Bytes;
        int lost = _unflushed.Count - whole;
        for (int i = _unflushed.Count - 1; i >= whole; i--) _unflushed[i].Exchange(_families);
        _unflushed.Clear();
        return lost;
    }

    public byte[]? Get(int family, ReadOnlySpan<byte> key) => _families[family].Get(key);

    public IEnumerable<KeyValuePair<byte[], byte[]>> Scan(int family) => _families[family].All.ToList();

    public IWriteBatch NewBatch() => new Batch();

    public void Write(IWriteBatch batch, bool durable)
    {
        step(StepKind.BeforeDisk, durable ? 1 : 0);
        var written = (Batch)batch;
        written.Exchange(_families);
        if (durable) _unflushed.Clear();
        else _unflushed.Add(written);
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

    private sealed class Batch : IWriteBatch
    {
        // Length and checksum of the batch, family and two lengths of each entry.
        private const int Head = 8;
        private const int EntryHead = 9;

        private readonly List<(int Family, byte[] Key, byte[]? Value)> _entries = [];

        /// <summary>What the batch takes in the log.</summary>
        public long Bytes { get; private set; } = Head;

        public void Put(int family, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
        {
            _entries.Add((family, key.ToArray(), value.ToArray()));
            Bytes += EntryHead + key.Length + value.Length;
        }

        public void Delete(int family, ReadOnlySpan<byte> key)
        {
            _entries.Add((family, key.ToArray(), null));
            Bytes += EntryHead + key.Length;
        }

        /// <summary>Writes the entries, and turns them into those that take them back.</summary>
        public void Exchange(SortedRows[] families)
        {
            // ORDER: forth and back, so that of two entries for one key each takes back its own.
            for (int i = 0; i < _entries.Count; i++)
            {
                (int family, byte[] key, byte[]? value) = _entries[i];
                _entries[i] = (family, key, families[family].Exchange(key, value));
            }
            _entries.Reverse();
        }

        public void Dispose()
        {
        }
    }
}
