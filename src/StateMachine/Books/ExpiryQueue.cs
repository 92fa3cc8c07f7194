using System.Collections.Generic;

namespace AppChain.StateMachine;

/// <summary>
/// Orders by when they expire, for heights or for times. Entries are only hints: an entry whose order is gone, or
/// has another expiry, is passed over, so closing an order need not search the queue. Taking an entry out is journaled.
/// </summary>
internal sealed class ExpiryQueue : IJournaled
{
    private readonly record struct Entry(long Expiry, ulong OrderId);

    private readonly Journal _journal;
    private readonly int _self;

    // ORDER: by expiry, then order id: a total order, so equal priorities cannot arise.
    private readonly PriorityQueue<Entry, (long Expiry, ulong OrderId)> _queue = new();
    private readonly List<Entry> _taken = [];

    /// <summary>An empty queue.</summary>
    public ExpiryQueue(Journal journal)
    {
        _journal = journal;
        _self = journal.Register(this);
    }

    /// <summary>Notes that an order expires when the clock passes <paramref name="expiry"/>.</summary>
    public void Add(long expiry, ulong orderId) =>
        _queue.Enqueue(new Entry(expiry, orderId), (expiry, orderId));

    /// <summary>Takes the next entry whose expiry lies before <paramref name="now"/>.</summary>
    public bool TryTake(long now, out long expiry, out ulong orderId)
    {
        if (_queue.TryPeek(out Entry entry, out _) && entry.Expiry < now)
        {
            _queue.Dequeue();
            _taken.Add(entry);
            _journal.Record(_self, 0, 0);
            expiry = entry.Expiry;
            orderId = entry.OrderId;
            return true;
        }

        expiry = 0;
        orderId = 0;
        return false;
    }

    /// <inheritdoc/>
    public void Undo(int operation, int position, long detail)
    {
        Entry entry = _taken[^1];
        _taken.RemoveAt(_taken.Count - 1);
        Add(entry.Expiry, entry.OrderId);
    }

    /// <summary>Forgets what the undo journal no longer needs.</summary>
    public void Forget() => _taken.Clear();
}
