using System;
using System.Collections.Generic;
using AppChain.Margin;

namespace AppChain.StateMachine;

/// <summary>
/// Keys of rows by the block time at which they are looked at next. Derived from the rows; changes are taken back by
/// their opposites.
/// </summary>
internal sealed class DueQueue<TKey> : IJournaled
    where TKey : struct, IComparable<TKey>
{
    // ORDER: by time, then key: a total order.
    private readonly record struct Entry(long Time, TKey Key) : IComparable<Entry>
    {
        public int CompareTo(Entry other)
        {
            int order = Time.CompareTo(other.Time);
            return order != 0 ? order : Key.CompareTo(other.Key);
        }
    }

    private const int Added = 0;
    private const int Removed = 1;

    private readonly Journal _journal;
    private readonly int _self;
    private readonly SortedSet<Entry> _entries = [];
    private readonly List<Entry> _changed = [];

    /// <summary>An empty queue.</summary>
    public DueQueue(Journal journal)
    {
        _journal = journal;
        _self = journal.Register(this);
    }

    /// <summary>Adds a key that is not in the queue.</summary>
    public void Add(long time, in TKey key) => Change(Added, new Entry(time, key));

    /// <summary>Removes a key by the time under which it was added.</summary>
    public void Remove(long time, in TKey key) => Change(Removed, new Entry(time, key));

    /// <summary>The first key whose time has come.</summary>
    public bool TryPeek(long now, out TKey key)
    {
        Entry first = _entries.Min;
        key = first.Key;
        return _entries.Count > 0 && first.Time <= now;
    }

    /// <summary>All keys, by time.</summary>
    public TKey[] Keys()
    {
        var keys = new TKey[_entries.Count];
        int count = 0;
        foreach (Entry entry in _entries)
        {
            keys[count++] = entry.Key;
        }

        return keys;
    }

    /// <inheritdoc/>
    public void Undo(int operation, int position, long detail)
    {
        Entry entry = _changed[^1];
        _changed.RemoveAt(_changed.Count - 1);
        Apply(operation == Added ? Removed : Added, entry);
    }

    /// <summary>Forgets what the undo journal no longer needs.</summary>
    public void Forget() => _changed.Clear();

    private void Change(int operation, in Entry entry)
    {
        Apply(operation, entry);
        _changed.Add(entry);
        _journal.Record(_self, operation, 0);
    }

    private void Apply(int operation, in Entry entry)
    {
        bool changed = operation == Added ? _entries.Add(entry) : _entries.Remove(entry);
        Invariant.Assert(changed);
    }
}
