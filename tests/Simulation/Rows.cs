using System;
using System.Collections.Generic;
using AppChain.StateMachine;

namespace AppChain.Simulation;

/// <summary>The committed rows of a validator, read from its disk.</summary>
internal sealed class Rows
{
    private const int RowFamily = 2;

    private readonly List<KeyValuePair<byte[], byte[]>>[] _byKind = new List<KeyValuePair<byte[], byte[]>>[32];

    /// <summary>Reads the rows that lie on a disk.</summary>
    public Rows(SimulatedDisk disk)
    {
        for (int i = 0; i < _byKind.Length; i++) _byKind[i] = [];
        foreach (KeyValuePair<byte[], byte[]> row in disk.Family(RowFamily)) _byKind[row.Key[0]].Add(row);
    }

    /// <summary>The rows of a kind, ascending by key.</summary>
    public IEnumerable<TRow> Of<TKey, TRow>()
        where TRow : struct, IRow<TKey, TRow>
    {
        foreach (KeyValuePair<byte[], byte[]> row in _byKind[(int)TRow.Kind])
        {
            var key = new ByteReader(row.Key.AsSpan(1));
            var value = new ByteReader(row.Value);
            yield return TRow.Decode(ref key, ref value);
        }
    }
}
