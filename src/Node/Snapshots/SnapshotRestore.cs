using System.Collections.Generic;
using AppChain.StateMachine;

namespace AppChain.Node;

/// <summary>What became of a chunk.</summary>
internal enum ChunkVerdict
{
    /// <summary>Proven and kept; more are missing.</summary>
    Kept,

    /// <summary>Proven, and the last that was missing.</summary>
    Complete,

    /// <summary>Not the chunk of this place: whoever sent it is at fault.</summary>
    Refused,

    /// <summary>Too many were refused, or the snapshot has no such chunk.</summary>
    Hopeless,
}

/// <summary>A snapshot that is being received: chunks are proven one by one, in any order.</summary>
internal sealed class SnapshotRestore(Snapshot snapshot)
{
    /// <summary>Refused chunks after which the snapshot is given up.</summary>
    public const int RefusalsMax = 100;

    private readonly List<KeyValuePair<byte[], byte[]>>?[] _rows =
        new List<KeyValuePair<byte[], byte[]>>?[snapshot.Places.Count];

    private int _missing = snapshot.Places.Count;
    private int _refusals;

    /// <summary>What is being received.</summary>
    public Snapshot Snapshot => snapshot;

    /// <summary>Takes a chunk of a peer. One that came before changes nothing.</summary>
    public ChunkVerdict Apply(uint index, System.ReadOnlySpan<byte> chunk)
    {
        if (index >= _rows.Length)
        {
            return ChunkVerdict.Hopeless;
        }

        if (!StateChunk.TryRead(
            snapshot.AppHash, snapshot.Places[(int)index], chunk, out List<KeyValuePair<byte[], byte[]>>? rows))
        {
            return ++_refusals < RefusalsMax ? ChunkVerdict.Refused : ChunkVerdict.Hopeless;
        }

        _missing -= _rows[index] is null ? 1 : 0;
        _rows[index] = rows;
        return _missing == 0 ? ChunkVerdict.Complete : ChunkVerdict.Kept;
    }

    /// <summary>All rows, ascending by key. Only when complete.</summary>
    public List<KeyValuePair<byte[], byte[]>> Rows()
    {
        var all = new List<KeyValuePair<byte[], byte[]>>();
        foreach (List<KeyValuePair<byte[], byte[]>>? rows in _rows)
        {
            all.AddRange(rows!);
        }

        all.Sort(static (left, right) => System.MemoryExtensions.SequenceCompareTo<byte>(left.Key, right.Key));
        return all;
    }
}
