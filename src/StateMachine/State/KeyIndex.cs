using System;
using System.Runtime.CompilerServices;
using AppChain.Margin;

namespace AppChain.StateMachine;

/// <summary>
/// Finds the slot of a key: a hash table with open addressing in one array, so that a look-up touches one line of
/// memory and adding and removing allocate nothing once the array has its size. It is not journaled; its owner undoes
/// by the opposite operation.
/// </summary>
internal sealed class KeyIndex<TKey>
    where TKey : struct, IEquatable<TKey>
{
    private struct Cell
    {
        public TKey Key;

        // The slot plus one; 0 is an empty cell.
        public int Slot;
    }

    private Cell[] _cells;
    private int _shift;
    private int _count;

    /// <summary>An empty index that has room for some keys and grows as needed.</summary>
    public KeyIndex(int capacity)
    {
        int bits = 4;
        while (1 << bits < capacity * 2)
        {
            bits++;
        }

        _cells = new Cell[1 << bits];
        _shift = 32 - bits;
    }

    /// <summary>Keys held.</summary>
    public int Count => _count;

    /// <summary>Finds the slot of a key; false when it is not held.</summary>
    public bool TryFind(in TKey key, out int slot)
    {
        slot = _cells[Locate(key)].Slot - 1;
        return slot >= 0;
    }

    /// <summary>Adds a key that is not held.</summary>
    public void Add(in TKey key, int slot)
    {
        if (_count * 3 >= _cells.Length * 2)
        {
            Grow();
        }

        ref Cell cell = ref _cells[Locate(key)];
        Invariant.Assert(cell.Slot == 0);
        cell.Key = key;
        cell.Slot = slot + 1;
        _count++;
    }

    /// <summary>Removes a key that is held.</summary>
    public void Remove(in TKey key)
    {
        Cell[] cells = _cells;
        int mask = cells.Length - 1;
        int gap = Locate(key);
        Invariant.Assert(cells[gap].Slot != 0);
        // BOUND: ends at an empty cell, and a third of them is. A key that could not be found across the gap moves into
        // it.
        for (int at = (gap + 1) & mask; cells[at].Slot != 0; at = (at + 1) & mask)
        {
            int home = Home(cells[at].Key);
            if (((at - home) & mask) >= ((at - gap) & mask))
            {
                cells[gap] = cells[at];
                gap = at;
            }
        }

        cells[gap] = default;
        _count--;
    }

    /// <summary>Copies all keys and their slots, in no order.</summary>
    public void CopyTo(Span<TKey> keys, Span<int> slots)
    {
        int copied = 0;
        // BOUND: one step per cell; the table of one row or two is the one most asked.
        for (int at = 0; copied < _count; at++)
        {
            ref readonly Cell cell = ref _cells[at];
            if (cell.Slot != 0)
            {
                keys[copied] = cell.Key;
                slots[copied++] = cell.Slot - 1;
            }
        }
    }

    // Multiplying by 2^32 / φ spreads consecutive numbers evenly; the highest bits of the product depend on all of the
    // key's.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int Home(in TKey key) => unchecked((int)(((uint)key.GetHashCode() * 0x9E3779B9u) >> _shift));

    // The cell that holds the key, or the empty one where it belongs.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int Locate(in TKey key)
    {
        Cell[] cells = _cells;
        int mask = cells.Length - 1;
        int at = Home(key);
        // BOUND: ends at an empty cell, and a third of them is.
        while (cells[at].Slot != 0 && !cells[at].Key.Equals(key))
        {
            at = (at + 1) & mask;
        }

        return at;
    }

    private void Grow()
    {
        Cell[] old = _cells;
        _cells = new Cell[old.Length * 2];
        _shift--;
        foreach (ref readonly Cell cell in old.AsSpan())
        {
            if (cell.Slot != 0)
            {
                _cells[Locate(cell.Key)] = cell;
            }
        }
    }
}
