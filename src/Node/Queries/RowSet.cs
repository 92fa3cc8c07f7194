using System.Collections.Generic;
using AppChain.StateMachine;

namespace AppChain.Node;

/// <summary>Decoded rows under their keys.</summary>
internal static class RowSet
{
    /// <summary>Takes in a row that a block wrote, and gives it back.</summary>
    public static TRow Put<TKey, TRow>(this IDictionary<TKey, TRow> rows, ref ByteReader key, ref ByteReader value)
        where TRow : struct, IRow<TKey, TRow>
    {
        TRow row = TRow.Decode(ref key, ref value);
        rows[row.Key] = row;
        return row;
    }
}
