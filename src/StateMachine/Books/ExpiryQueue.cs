using System;
using System.Collections.Generic;

namespace AppChain.StateMachine;

/// <summary>
/// Orders by when they expire, for heights or for times: a binary heap. Entries are only hints: an entry whose order is
/// gone, or has another expiry, is passed over, so closing an order need not search the queue. Taking an entry out is
/// journaled.
/// </summary>
internal sealed class ExpiryQueue : IJournaled
{
    // Below this many entries it does not matter how many of them are stale.
    private const int UsualCount = 4096;

    // ORDER: by expiry, then order id: a total order, so equal entries are the same hint twice.
    private readonly record struct Entry(long Expiry, ulong OrderId)
    {
        public bool IsBefore(in Entry other) =>
            Expiry < other.Expiry || (Expiry == other.Expiry && OrderId < other.OrderId);
    }

    private readonly Journal _journal;
    private readonly int _self;
    private readonly List<Entry> _taken = [];
    private Entry[] _heap = new Entry[64];
    private int _count;

    /// <summary>An empty queue.</summary>
    public ExpiryQueue(Journal journal)
    {
        _journal = journal;
        _self = journal.Register(this);
    }

    /// <summary>Entries held, stale ones included.</summary>
    public int Count => _count;

    /// <summary>Notes that an order expires when the clock passes <paramref name="expiry"/>.</summary>
    public void Add(long expiry, ulong orderId) => Add(new Entry(expiry, orderId));

    /// <summary>Takes the next entry whose expiry lies before <paramref name="now"/>.</summary>
    public bool TryTake(long now, out long expiry, out ulong orderId)
    {
        (expiry, orderId) = _heap[0];
        if (_count == 0 || expiry >= now)
        {
            return false;
        }

        _taken.Add(_heap[0]);
        _journal.Record(_self, 0, 0);
        Entry last = _heap[--_count];
        MoveUp(MoveHoleDown(), last);
        return true;
    }

    /// <summary>
    /// Forgets entries whose order is gone, once they are most. Only at the start of a block: an order that is gone
    /// then cannot come back by undoing.
    /// </summary>
    public void DropStale(Table<ulong, OrderRow> orders)
    {
        if (_count < UsualCount || _count / 4 < orders.Count)
        {
            return;
        }

        int count = _count;
        _count = 0;
        // BOUND: each pass takes an entry from further on than any that was put back.
        for (int i = 0; i < count; i++)
        {
            if (orders.TryFind(_heap[i].OrderId, out _))
            {
                Add(_heap[i]);
            }
        }
    }

    /// <inheritdoc/>
    public void Undo(int operation, int position, long detail)
    {
        Add(_taken[^1]);
        _taken.RemoveAt(_taken.Count - 1);
    }

    /// <summary>Forgets what the undo journal no longer needs.</summary>
    public void Forget() => _taken.Clear();

    private void Add(Entry entry)
    {
        if (_count == _heap.Length)
        {
            Array.Resize(ref _heap, _count * 2);
        }

        MoveUp(_count++, entry);
    }

    // Puts an entry into a hole, or above it where it comes before its parents.
    private void MoveUp(int hole, Entry entry)
    {
        // BOUND: the depth of the heap.
        while (hole > 0 && entry.IsBefore(_heap[(hole - 1) >> 1]))
        {
            _heap[hole] = _heap[(hole - 1) >> 1];
            hole = (hole - 1) >> 1;
        }

        _heap[hole] = entry;
    }

    // Fills the hole at the top from below; returns where it ends. The entry that goes there was among the last, so it
    // hardly moves up again.
    private int MoveHoleDown()
    {
        int hole = 0;
        // BOUND: the depth of the heap.
        for (int child = 1; child < _count; child = (2 * hole) + 1)
        {
            if (child + 1 < _count && _heap[child + 1].IsBefore(_heap[child]))
            {
                child++;
            }

            _heap[hole] = _heap[child];
            hole = child;
        }

        return hole;
    }
}
