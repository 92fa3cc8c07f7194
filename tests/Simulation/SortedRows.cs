using System;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.InteropServices;

namespace AppChain.Simulation;

/// <summary>Values by key, ascending, with the keys of one first byte at hand without those of others.</summary>
internal sealed class SortedRows
{
    private readonly List<KeyValuePair<byte[], byte[]>>?[] _byFirst = new List<KeyValuePair<byte[], byte[]>>?[256];

    /// <summary>All, ascending by key.</summary>
    public IEnumerable<KeyValuePair<byte[], byte[]>> All =>
        _byFirst.Where(part => part is not null).SelectMany(part => part!);

    /// <summary>Those whose key begins with a byte, ascending; until the next write.</summary>
    public ReadOnlySpan<KeyValuePair<byte[], byte[]>> Of(byte first) => CollectionsMarshal.AsSpan(_byFirst[first]);

    /// <summary>The value of a key, or null.</summary>
    public byte[]? Get(ReadOnlySpan<byte> key)
    {
        int at = Find(Of(key[0]), key);
        return at >= 0 ? Of(key[0])[at].Value : null;
    }

    /// <summary>
    /// Sets the value of a key, or removes the key where it is null; returns the value before, or null.
    /// </summary>
    public byte[]? Exchange(byte[] key, byte[]? value)
    {
        List<KeyValuePair<byte[], byte[]>> part = _byFirst[key[0]] ??= [];
        int at = Find(CollectionsMarshal.AsSpan(part), key);
        byte[]? before = at >= 0 ? part[at].Value : null;
        if (value is null)
        {
            if (at >= 0) part.RemoveAt(at);
        }
        else if (at >= 0)
        {
            part[at] = new KeyValuePair<byte[], byte[]>(part[at].Key, value);
        }
        else
        {
            part.Insert(~at, new KeyValuePair<byte[], byte[]>(key, value));
        }
        return before;
    }

    // The place of a key, or the complement of the place where it belongs.
    private static int Find(ReadOnlySpan<KeyValuePair<byte[], byte[]>> part, ReadOnlySpan<byte> key)
    {
        int from = 0;
        for (int to = part.Length; from < to;)
        {
            int middle = (from + to) / 2;
            int order = part[middle].Key.AsSpan().SequenceCompareTo(key);
            if (order == 0) return middle;
            if (order < 0) from = middle + 1;
            else to = middle;
        }
        return ~from;
    }
}
