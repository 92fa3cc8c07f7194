using System;
using System.Collections.Generic;
using System.Runtime.CompilerServices;
using AppChain.Margin;

namespace AppChain.StateMachine;

/// <summary>
/// Rows of one kind in slots, with an index by key. Slots are reused; their numbers never reach the app hash. The first
/// write to a slot after a savepoint saves the old image. The table remembers which rows a block touched, so the cost
/// of hashing a block is proportional to what the block changed.
/// </summary>
internal sealed class Table<TKey, TRow> : IJournaled, ITable
    where TKey : struct, IEquatable<TKey>, IComparable<TKey>
    where TRow : struct, IRow<TKey, TRow>
{
    private const int Added = 0;
    private const int Removed = 1;
    private const int Written = 2;

    // A row and the serial of the savepoint at which its image was last saved.
    private struct Slot
    {
        public TRow Row;
        public long SavedAt;
    }

    private readonly record struct Touched(TKey Key, bool ExistedBefore) : IComparable<Touched>
    {
        public int CompareTo(Touched other) => Key.CompareTo(other.Key);
    }

    private readonly Journal _journal;
    private readonly int _self;
    private readonly KeyIndex<TKey> _index;
    private readonly List<Touched> _touched = [];
    private Slot[] _slots = [];
    private int[] _free = [];
    private int _freeCount;
    private TRow[] _images = new TRow[16];
    private int _imageCount;

    /// <summary>An empty table whose changes go to the journal.</summary>
    public Table(Journal journal, int capacity = 16)
    {
        _journal = journal;
        _self = journal.Register(this);
        _index = new KeyIndex<TKey>(capacity);
        Grow(capacity);
    }

    /// <summary>Rows in the table.</summary>
    public int Count => _index.Count;

    /// <summary>Slots in use or free; a free one holds a cleared row.</summary>
    public int SlotCount => _slots.Length;

    /// <summary>Finds the slot of a key; false when there is no such row.</summary>
    public bool TryFind(in TKey key, out int slot) => _index.TryFind(key, out slot);

    /// <summary>
    /// Reads the row in a slot in use. Reading a free slot is the caller's error and gives a cleared row.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ref readonly TRow Read(int slot) => ref _slots[slot].Row;

    /// <summary>
    /// Opens the row in a slot for writing. Good until the next <see cref="Add"/>. The key may not change.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ref TRow Write(int slot)
    {
        ref Slot item = ref _slots[slot];
        if (item.SavedAt < _journal.Serial)
        {
            SaveImage(slot, Written);
        }

        return ref item.Row;
    }

    /// <summary>
    /// Opens a row for a change of links and sums only, which the encoding does not cover. It leaves no trace here:
    /// whoever keeps the links records the change and takes it back by the opposite one.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ref TRow Relink(int slot) => ref _slots[slot].Row;

    /// <summary>Adds a row with a key that is not in the table; returns its slot.</summary>
    public int Add(in TRow row)
    {
        if (_freeCount == 0)
        {
            Grow(_slots.Length * 2);
        }

        TKey key = row.Key;
        int slot = _free[--_freeCount];
        _index.Add(key, slot);
        _slots[slot].Row = row;
        _slots[slot].SavedAt = _journal.Serial;
        _journal.Record(_self, Added, slot);
        _touched.Add(new Touched(key, false));
        return slot;
    }

    /// <summary>Removes the row in a slot in use; its image stays until the journal forgets it.</summary>
    public void Remove(int slot)
    {
        SaveImage(slot, Removed);
        Free(slot);
    }

    /// <inheritdoc/>
    public void Undo(int operation, int slot, long savedAt)
    {
        if (operation == Added)
        {
            Free(slot);
            return;
        }

        _slots[slot].Row = _images[--_imageCount];
        _slots[slot].SavedAt = savedAt;
        if (operation == Removed)
        {
            // Whatever freed or took slots after the removal has been taken back: this one is on top again.
            Invariant.Assert(_free[_freeCount - 1] == slot);
            _freeCount--;
            _index.Add(_slots[slot].Row.Key, slot);
        }
    }

    /// <summary>
    /// Appends the changes of the block so far, ascending by key: for each row it touched, the value now or that it is
    /// gone. A row that came and went within the block was never there.
    /// </summary>
    public void CollectChanges(List<RowChange> changes, ref ByteWriter writer)
    {
        // ORDER: ascending by key, which is the order of the encoded keys; repeated keys come together.
        _touched.Sort();
        for (int i = 0; i < _touched.Count;)
        {
            TKey key = _touched[i].Key;
            bool existedBefore = false;
            // BOUND: each pass takes one entry.
            while (i < _touched.Count && _touched[i].Key.Equals(key))
            {
                existedBefore |= _touched[i++].ExistedBefore;
            }

            bool exists = _index.TryFind(key, out int slot);
            if (!exists && !existedBefore)
            {
                continue;
            }

            writer.Clear();
            writer.WriteByte((byte)TRow.Kind);
            TRow.EncodeKey(key, ref writer);
            byte[] encodedKey = writer.ToArray();
            byte[]? value = null;
            if (exists)
            {
                writer.Clear();
                TRow.EncodeValue(_slots[slot].Row, ref writer);
                value = writer.ToArray();
            }

            changes.Add(new RowChange(encodedKey, value, existedBefore));
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
        _imageCount = 0;
    }

    /// <summary>The slots in use in ascending order of key. For loading, full scans and queries: it sorts.</summary>
    public int[] SlotsInKeyOrder(IComparer<TKey> order)
    {
        if (_index.Count == 0)
        {
            return [];
        }

        var keys = new TKey[_index.Count];
        var slots = new int[_index.Count];
        // ORDER: sorted here by a total order of distinct keys, so the order of the index does not matter.
        _index.CopyTo(keys, slots);
        Array.Sort(keys, slots, order);
        return slots;
    }

    private void SaveImage(int slot, int operation)
    {
        if (_imageCount == _images.Length)
        {
            Array.Resize(ref _images, _imageCount * 2);
        }

        ref Slot item = ref _slots[slot];
        if (item.SavedAt < _journal.Start)
        {
            _touched.Add(new Touched(item.Row.Key, true));
        }

        _images[_imageCount++] = item.Row;
        _journal.Record(_self, operation, slot, item.SavedAt);
        item.SavedAt = _journal.Serial;
    }

    private void Free(int slot)
    {
        _index.Remove(_slots[slot].Row.Key);
        _slots[slot] = default;
        _free[_freeCount++] = slot;
    }

    // ORDER: lower slots are taken first. New ones go in while none is free, below all that are freed later, so that
    // undoing finds the stack as it was.
    private void Grow(int capacity)
    {
        int from = _slots.Length;
        Array.Resize(ref _slots, capacity);
        Array.Resize(ref _free, capacity);
        for (int slot = capacity - 1; slot >= from; slot--)
        {
            _free[_freeCount++] = slot;
        }
    }
}

/// <summary>What <see cref="State"/> needs of every table alike.</summary>
internal interface ITable
{
    /// <inheritdoc cref="Table{TKey,TRow}.CollectChanges"/>
    void CollectChanges(List<RowChange> changes, ref ByteWriter writer);

    /// <inheritdoc cref="Table{TKey,TRow}.Load"/>
    void Load(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value);

    /// <inheritdoc cref="Table{TKey,TRow}.Forget"/>
    void Forget();
}
