using System;
using System.Collections.Generic;
using AppChain.Margin;

namespace AppChain.StateMachine;

/// <summary>The changes of one version, hashed and sorted by the hash of their key, one array per field.</summary>
internal sealed class StateTreeChanges
{
    private const int RadixBits = 11;
    private const int RadixPasses = 3;

    // So few are quicker put in order one by one than counted by digits.
    private const int FewChanges = 64;

    // Room for more than this is not kept.
    private const int UsualSize = 1 << 17;

    private struct Entry
    {
        public ulong Prefix;
        public int Index;
    }

    private byte[][] _messages = [];
    private Sha256Digest[] _unsortedKeyHashes = [];
    private Entry[] _entries = [];
    private Entry[] _otherEntries = [];
    private byte[]?[] _replaced = [];
    private int _replacedCount;

    /// <summary>Number of changes.</summary>
    public int Count { get; private set; }

    /// <summary>Position of each sorted change in the list it was loaded from.</summary>
    public int[] Order { get; private set; } = [];

    /// <summary>SHA-256 of the key of each sorted change, strictly ascending.</summary>
    public Sha256Digest[] KeyHashes { get; private set; } = [];

    /// <summary>SHA-256 of the value of each change, in the order of the list it was loaded from.</summary>
    public Sha256Digest[] ValueHashes { get; private set; } = [];

    /// <summary>Hash of the new leaf of each sorted change; filled by the owner.</summary>
    public Sha256Digest[] LeafHashes { get; private set; } = [];

    /// <summary>The child number of each sorted change's new leaf, 0 for a removed row; filled by the owner.</summary>
    public int[] Leaves { get; private set; } = [];

    /// <summary>
    /// The value before each change, in the order of the list it was loaded from; null where there was none. Filled
    /// by the owner.
    /// </summary>
    public Span<byte[]?> Replaced => _replaced.AsSpan(0, _replacedCount);

    /// <summary>Hashes and sorts the changes of a block. Their keys must be distinct.</summary>
    public void Load(IReadOnlyList<RowChange> changes)
    {
        Count = changes.Count;
        Reserve(Count);
        ReserveReplaced();
        for (int index = 0; index < Count; index++)
        {
            _messages[index] = changes[index].Key;
        }

        Sha256Lanes.HashMessages(_messages.AsSpan(0, Count), _unsortedKeyHashes.AsSpan(0, Count));
        for (int index = 0; index < Count; index++)
        {
            _messages[index] = changes[index].Value ?? [];
        }

        Sha256Lanes.HashMessages(_messages.AsSpan(0, Count), ValueHashes.AsSpan(0, Count));
        Array.Clear(_messages, 0, Count);
        Sort();
    }

    /// <summary>Forgets the changes, and gives back the room of an uncommonly large block.</summary>
    public void Forget()
    {
        Count = 0;
        if (Order.Length > UsualSize)
        {
            _messages = [];
            Reserve(0);
        }
    }

    /// <summary>
    /// First change in [low, high) whose key hash has this bit set, or high. All of them agree in the bits before it.
    /// </summary>
    public int FindSetBit(int low, int high, int bit)
    {
        Sha256Digest[] hashes = KeyHashes;
        if (high - low == 1)
        {
            return high - hashes[low].Bit(bit);
        }

        while (low < high)
        {
            int middle = (low + high) >> 1;
            if (hashes[middle].Bit(bit) == 0)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }

    /// <summary>The change in [low, high) with this key hash, or -1.</summary>
    public int Find(int low, int high, in Sha256Digest keyHash)
    {
        while (low < high)
        {
            int middle = (low + high) >> 1;
            int order = KeyHashes[middle].CompareTo(keyHash);
            if (order == 0)
            {
                return middle;
            }

            if (order < 0)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return -1;
    }

    private void Reserve(int count)
    {
        if (_messages.Length >= count && _messages.Length > 0)
        {
            return;
        }

        int size = Math.Max(1024, count + (count >> 2));
        _messages = new byte[size][];
        _unsortedKeyHashes = new Sha256Digest[size];
        _entries = new Entry[size];
        _otherEntries = new Entry[size];
        Order = new int[size];
        KeyHashes = new Sha256Digest[size];
        ValueHashes = new Sha256Digest[size];
        LeafHashes = new Sha256Digest[size];
        Leaves = new int[size];
    }

    // What was replaced is asked for after the rest of the changes has been forgotten.
    private void ReserveReplaced()
    {
        Replaced.Clear();
        if (_replaced.Length < Count || _replaced.Length > UsualSize)
        {
            _replaced = new byte[]?[Math.Max(1024, Count + (Count >> 2))];
        }

        _replacedCount = Count;
    }

    private void Sort()
    {
        for (int index = 0; index < Count; index++)
        {
            _entries[index].Prefix = _unsortedKeyHashes[index].Prefix;
            _entries[index].Index = index;
        }

        for (int pass = 0; pass < RadixPasses && Count > FewChanges; pass++)
        {
            SortByDigit(64 - (RadixBits * (RadixPasses - pass)));
        }

        // The radix passes, if any, order the first 33 bits; the few that agree in them change places here.
        for (int index = 1; index < Count; index++)
        {
            Entry entry = _entries[index];
            int position = index;
            while (position > 0 && IsBefore(entry, _entries[position - 1]))
            {
                _entries[position] = _entries[position - 1];
                position--;
            }

            _entries[position] = entry;
        }

        for (int index = 0; index < Count; index++)
        {
            Order[index] = _entries[index].Index;
            KeyHashes[index] = _unsortedKeyHashes[_entries[index].Index];
            Invariant.Assert(index == 0 || !KeyHashes[index].Equals(KeyHashes[index - 1]));
        }
    }

    private bool IsBefore(Entry left, Entry right) => left.Prefix != right.Prefix
        ? left.Prefix < right.Prefix
        : _unsortedKeyHashes[left.Index].CompareTo(_unsortedKeyHashes[right.Index]) < 0;

    private void SortByDigit(int shift)
    {
        const ulong mask = (1 << RadixBits) - 1;
        Span<int> starts = stackalloc int[1 << RadixBits];
        starts.Clear();
        for (int index = 0; index < Count; index++)
        {
            starts[(int)((_entries[index].Prefix >> shift) & mask)]++;
        }

        int start = 0;
        for (int digit = 0; digit < starts.Length; digit++)
        {
            (starts[digit], start) = (start, start + starts[digit]);
        }

        for (int index = 0; index < Count; index++)
        {
            int digit = (int)((_entries[index].Prefix >> shift) & mask);
            _otherEntries[starts[digit]++] = _entries[index];
        }

        (_entries, _otherEntries) = (_otherEntries, _entries);
    }
}
