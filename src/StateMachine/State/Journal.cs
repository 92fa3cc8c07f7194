using System;
using System.Collections.Generic;
using AppChain.Margin;

namespace AppChain.StateMachine;

/// <summary>A structure whose changes can be taken back, newest first.</summary>
internal interface IJournaled
{
    /// <summary>Takes back the newest change of this structure, which is the one the entry names.</summary>
    void Undo(int operation, int position, long detail);
}

/// <summary>
/// The undo journal of the state. The state is changed in place; every change leaves one entry here and, where it
/// overwrites something, the old image in the structure that owns it. A failed operation rolls back to its savepoint,
/// an undecided proposal to the start of its block. Committing forgets the entries.
/// </summary>
internal sealed class Journal
{
    // Sixteen bytes without a reference: the garbage collector need not look at what is written most.
    private struct Entry
    {
        public long Detail;
        public int Position;
        public ushort Owner;
        public ushort Operation;
    }

    private readonly List<IJournaled> _owners = [];
    private Entry[] _entries = new Entry[1024];
    private int _count;
    private long _serials = 1;

    /// <summary>
    /// Number of the innermost open savepoint. A slot saved at or after this number need not be saved again.
    /// Numbers only grow, so one that was stored never has to be cleared.
    /// </summary>
    public long Serial { get; private set; } = 1;

    /// <summary>
    /// What <see cref="Serial"/> was after the last <see cref="Forget"/>: what was saved before it, an earlier block
    /// did.
    /// </summary>
    public long Start { get; private set; } = 1;

    /// <summary>Entries now held.</summary>
    public int Count => _count;

    /// <summary>Makes a structure known; returns the number under which it records.</summary>
    public int Register(IJournaled owner)
    {
        Invariant.Assert(_owners.Count <= ushort.MaxValue);
        _owners.Add(owner);
        return _owners.Count - 1;
    }

    /// <summary>Notes a change of a structure; it keeps what it needs to take it back beyond these numbers.</summary>
    public void Record(int owner, int operation, int position, long detail = 0)
    {
        if (_count == _entries.Length)
        {
            Array.Resize(ref _entries, _count * 2);
        }

        ref Entry entry = ref _entries[_count++];
        entry.Detail = detail;
        entry.Position = position;
        entry.Owner = unchecked((ushort)owner);
        entry.Operation = unchecked((ushort)operation);
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
            Entry entry = _entries[--_count];
            _owners[entry.Owner].Undo(entry.Operation, entry.Position, entry.Detail);
        }

        Serial = savepoint.OuterSerial;
    }

    /// <summary>Forgets all entries: the changes are final. No savepoint may be open.</summary>
    public void Forget()
    {
        _count = 0;
        Serial = ++_serials;
        Start = Serial;
    }
}

/// <summary>A place in the journal to go back to.</summary>
internal readonly struct Savepoint
{
    /// <summary>Entries that stay.</summary>
    public readonly int Position;

    /// <summary>Serial of the enclosing savepoint; that of no savepoint when there is none.</summary>
    public readonly long OuterSerial;

    /// <summary>Made by <see cref="Journal.Mark"/> only.</summary>
    public Savepoint(int position, long outerSerial)
    {
        Position = position;
        OuterSerial = outerSerial;
    }
}
