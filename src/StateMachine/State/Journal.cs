using System;
using AppChain.Margin;

namespace AppChain.StateMachine;

/// <summary>A structure whose changes can be taken back, newest first.</summary>
internal interface IJournaled
{
    /// <summary>Takes back the newest change of this structure, which is the one the entry names.</summary>
    void Undo(int operation, int position, int detail);
}

/// <summary>
/// The undo journal of the state. The state is changed in place; every change leaves one entry here and, where it
/// overwrites something, the old image in the structure that owns it. A failed operation rolls back to its savepoint,
/// an undecided proposal to the start of its block. Committing forgets the entries.
/// </summary>
internal sealed class Journal
{
    private struct Entry
    {
        public IJournaled Owner;
        public int Operation;
        public int Position;
        public int Detail;
    }

    private Entry[] _entries = new Entry[1024];
    private int _count;
    private long _serials;

    /// <summary>
    /// Number of the innermost open savepoint. A slot saved at or after this number need not be saved again.
    /// </summary>
    public long Serial { get; private set; }

    /// <summary>Entries now held.</summary>
    public int Count => _count;

    /// <summary>Notes a change of <paramref name="owner"/>; the owner keeps what it needs to take it back.</summary>
    public void Record(IJournaled owner, int operation, int position, int detail)
    {
        if (_count == _entries.Length)
        {
            Array.Resize(ref _entries, _count * 2);
        }

        ref Entry entry = ref _entries[_count++];
        entry.Owner = owner;
        entry.Operation = operation;
        entry.Position = position;
        entry.Detail = detail;
    }

    /// <summary>Opens a savepoint. Savepoints nest; each is closed by exactly one Release or Rollback.</summary>
    public Savepoint Mark()
    {
        var savepoint = new Savepoint(_count, Serial);
        Serial = ++_serials;
        return savepoint;
    }

    /// <summary>Keeps the changes made since the savepoint as changes of the enclosing one.</summary>
    public void Release(Savepoint savepoint)
    {
        Invariant.Assert(savepoint.Position <= _count);
        Serial = savepoint.OuterSerial;
    }

    /// <summary>Takes back every change made since the savepoint, newest first.</summary>
    public void Rollback(Savepoint savepoint)
    {
        Invariant.Assert(savepoint.Position <= _count);
        // BOUND: one step per entry since the savepoint.
        while (_count > savepoint.Position)
        {
            ref Entry entry = ref _entries[--_count];
            entry.Owner.Undo(entry.Operation, entry.Position, entry.Detail);
        }

        Serial = savepoint.OuterSerial;
    }

    /// <summary>Forgets all entries: the changes are final. No savepoint may be open.</summary>
    public void Forget()
    {
        Array.Clear(_entries, 0, _count);
        _count = 0;
        Serial = 0;
    }
}

/// <summary>A place in the journal to go back to.</summary>
internal readonly struct Savepoint
{
    /// <summary>Entries that stay.</summary>
    public readonly int Position;

    /// <summary>Serial of the enclosing savepoint; 0 when there is none.</summary>
    public readonly long OuterSerial;

    /// <summary>Made by <see cref="Journal.Mark"/> only.</summary>
    public Savepoint(int position, long outerSerial)
    {
        Position = position;
        OuterSerial = outerSerial;
    }
}
