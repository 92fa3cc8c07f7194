using System;
using System.Collections.Generic;
using System.Runtime.CompilerServices;
using AppChain.Margin;

namespace AppChain.StateMachine;

/// <summary>
/// A kind of row: its key, and the one canonical encoding of key and value that the app hash covers. Fields of the
/// struct that are not encoded are links and sums that <see cref="State"/> rebuilds when it loads.
/// </summary>
public interface IRow<TKey, TRow>
    where TRow : struct, IRow<TKey, TRow>
{
    /// <summary>First byte of the encoded key.</summary>
    static abstract RowKind Kind { get; }

    /// <summary>The key of this row.</summary>
    TKey Key { get; }

    /// <summary>Appends the key, without the kind byte. Big-endian integers, so that byte order is key order.</summary>
    static abstract void EncodeKey(in TKey key, ref ByteWriter writer);

    /// <summary>Appends the value.</summary>
    static abstract void EncodeValue(in TRow row, ref ByteWriter writer);

    /// <summary>Reads a row back from the bytes after the kind byte, and the value.</summary>
    static abstract TRow Decode(ref ByteReader key, ref ByteReader value);
}

/// <summary>
/// Rows of one kind: a journaled pool of slots with an index by key. It remembers which rows a block touched, so the
/// cost of hashing a block is proportional to what the block changed.
/// </summary>
internal sealed class Table<TKey, TRow> : IJournaled, ITable
    where TKey : struct, IEquatable<TKey>
    where TRow : struct, IRow<TKey, TRow>
{
    private const int Indexed = 0;
    private const int Unindexed = 1;

    private readonly Journal _journal;
    private readonly Slots<TRow> _slots;
    private readonly Dictionary<TKey, int> _index;
    private readonly List<Touched> _touched = [];
    private TKey[] _removedKeys = new TKey[16];
    private int _removedCount;
    private long[] _touchedIn;
    private long _block = 1;

    private readonly record struct Touched(TKey Key, bool ExistedBefore);

    /// <summary>An empty table whose changes go to the journal.</summary>
    public Table(Journal journal, int capacity = 64)
    {
        _journal = journal;
        _slots = new Slots<TRow>(journal, capacity);
        _index = new Dictionary<TKey, int>(capacity);
        _touchedIn = new long[capacity];
    }

    /// <summary>Rows in the table.</summary>
    public int Count => _index.Count;

    /// <summary>Finds the slot of a key; false when there is no such row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryFind(in TKey key, out int slot) => _index.TryGetValue(key, out slot);

    /// <summary>Reads the row in a slot in use.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ref readonly TRow Read(int slot) => ref _slots.Read(slot);

    /// <summary>Opens the row in a slot for writing. Good until the next <see cref="Add"/>. The key may not change.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ref TRow Write(int slot)
    {
        if (_touchedIn[slot] != _block)
        {
            Touch(slot);
        }

        return ref _slots.Write(slot);
    }

    /// <summary>
    /// Opens a row for a change of links and sums only, which the encoding does not cover: it is undone like any other
    /// change, but does not make the row dirty.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ref TRow Relink(int slot) => ref _slots.Write(slot);

    /// <summary>Adds a row with a key that is not in the table; returns its slot.</summary>
    public int Add(in TRow row)
    {
        TKey key = row.Key;
        int slot = _slots.Add(row);
        bool added = _index.TryAdd(key, slot);
        Invariant.Assert(added);
        _journal.Record(this, Indexed, slot, 0);
        _touched.Add(new Touched(key, false));
        if (slot >= _touchedIn.Length)
        {
            Array.Resize(ref _touchedIn, slot * 2);
        }

        _touchedIn[slot] = _block;
        return slot;
    }

    /// <summary>Removes the row in a slot in use.</summary>
    public void Remove(int slot)
    {
        TKey key = _slots.Read(slot).Key;
        if (_touchedIn[slot] != _block)
        {
            Touch(slot);
        }

        bool removed = _index.Remove(key);
        Invariant.Assert(removed);
        if (_removedCount == _removedKeys.Length)
        {
            Array.Resize(ref _removedKeys, _removedCount * 2);
        }

        _removedKeys[_removedCount++] = key;
        _journal.Record(this, Unindexed, slot, 0);
        _slots.Remove(slot);
    }

    /// <inheritdoc/>
    public void Undo(int operation, int slot, int detail)
    {
        if (operation == Indexed)
        {
            bool removed = _index.Remove(_slots.Read(slot).Key);
            Invariant.Assert(removed);
            return;
        }

        _index.Add(_removedKeys[--_removedCount], slot);
    }

    /// <summary>Appends the changes of the block so far: for each row it touched, the value now or that it is gone.</summary>
    public void CollectChanges(List<RowChange> changes)
    {
        var writer = new ByteWriter();
        // ORDER: the order of touching; the caller sorts all changes by key and merges repeated keys.
        foreach (Touched touch in _touched)
        {
            writer.Clear();
            writer.WriteByte((byte)TRow.Kind);
            TRow.EncodeKey(touch.Key, ref writer);
            byte[] key = writer.ToArray();
            byte[]? value = null;
            if (_index.TryGetValue(touch.Key, out int slot))
            {
                writer.Clear();
                TRow.EncodeValue(_slots.Read(slot), ref writer);
                value = writer.ToArray();
            }

            changes.Add(new RowChange(key, value, touch.ExistedBefore));
        }
    }

    /// <summary>Adds the row that an encoded key and value stand for. For loading only.</summary>
    public void Load(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        var keyReader = new ByteReader(key[1..]);
        var valueReader = new ByteReader(value);
        TRow row = TRow.Decode(ref keyReader, ref valueReader);
        Invariant.Assert(keyReader.IsAtEnd);
        Invariant.Assert(valueReader.IsAtEnd);
        Add(row);
    }

    /// <summary>Forgets what was touched and every saved image: the block is final or gone.</summary>
    public void Forget()
    {
        _touched.Clear();
        _block++;
        _removedCount = 0;
        _slots.Forget();
    }

    private void Touch(int slot)
    {
        _touched.Add(new Touched(_slots.Read(slot).Key, true));
        _touchedIn[slot] = _block;
    }

    /// <summary>The slots in use in ascending order of key. For loading, full scans and queries: it sorts.</summary>
    public int[] SlotsInKeyOrder(IComparer<TKey> order)
    {
        var keys = new TKey[_index.Count];
        var slots = new int[_index.Count];
        int count = 0;
        // ORDER: sorted below by a total order of distinct keys, so the dictionary's own order does not matter.
        foreach (KeyValuePair<TKey, int> pair in _index)
        {
            keys[count] = pair.Key;
            slots[count++] = pair.Value;
        }

        Array.Sort(keys, slots, order);
        return slots;
    }
}

/// <summary>What <see cref="State"/> needs of every table alike.</summary>
internal interface ITable
{
    /// <inheritdoc cref="Table{TKey,TRow}.CollectChanges"/>
    void CollectChanges(List<RowChange> changes);

    /// <inheritdoc cref="Table{TKey,TRow}.Load"/>
    void Load(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value);

    /// <inheritdoc cref="Table{TKey,TRow}.Forget"/>
    void Forget();
}
