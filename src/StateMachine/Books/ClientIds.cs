using System.Collections.Generic;

namespace AppChain.StateMachine;

/// <summary>Finds an open order by its owner's own number. Journaled; rebuilt from the order rows at load.</summary>
internal sealed class ClientIds : IJournaled
{
    private readonly record struct Key(int Account, ulong ClientId);

    private readonly Journal _journal;
    private readonly Dictionary<Key, int> _slots = [];
    private readonly List<Key> _changed = [];

    /// <summary>An empty index.</summary>
    public ClientIds(Journal journal) => _journal = journal;

    /// <summary>Slot of the open order; false when there is none.</summary>
    public bool TryFind(int account, ulong clientId, out int slot) =>
        _slots.TryGetValue(new Key(account, clientId), out slot);

    /// <summary>Adds an open order; a client id of 0 is not indexed.</summary>
    public void Add(int account, ulong clientId, int slot)
    {
        if (clientId == 0)
        {
            return;
        }

        var key = new Key(account, clientId);
        _slots.Add(key, slot);
        _changed.Add(key);
        _journal.Record(this, 0, slot, 0);
    }

    /// <summary>Removes an order that closes.</summary>
    public void Remove(int account, ulong clientId)
    {
        if (clientId == 0)
        {
            return;
        }

        var key = new Key(account, clientId);
        bool removed = _slots.Remove(key, out int slot);
        Margin.Invariant.Assert(removed);
        _changed.Add(key);
        _journal.Record(this, 1, slot, 0);
    }

    /// <inheritdoc/>
    public void Undo(int operation, int slot, int detail)
    {
        Key key = _changed[^1];
        _changed.RemoveAt(_changed.Count - 1);
        if (operation == 0)
        {
            _slots.Remove(key);
        }
        else
        {
            _slots.Add(key, slot);
        }
    }

    /// <summary>Forgets what the undo journal no longer needs.</summary>
    public void Forget() => _changed.Clear();
}
