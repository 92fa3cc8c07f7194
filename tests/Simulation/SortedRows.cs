using System;
using System.Collections.Generic;
using System.Diagnostics.CodeAnalysis;
using System.Linq;

namespace AppChain.Simulation;

/// <summary>Values by key, ascending, with the keys of one first byte at hand without those of others.</summary>
internal sealed class SortedRows
{
    private static readonly Comparer<byte[]> ByBytes = Comparer<byte[]>.Create(
        static (left, right) => left.AsSpan().SequenceCompareTo(right));
    private static readonly SortedDictionary<byte[], byte[]> None = [];

    private readonly SortedDictionary<byte[], byte[]>?[] _byFirst = new SortedDictionary<byte[], byte[]>?[256];

    public SortedRows()
    {
    }

    public SortedRows(SortedRows other)
    {
        for (int i = 0; i < _byFirst.Length; i++)
        {
            if (other._byFirst[i] is { } part) _byFirst[i] = new SortedDictionary<byte[], byte[]>(part, ByBytes);
        }
    }

    /// <summary>All, ascending by key.</summary>
    public IEnumerable<KeyValuePair<byte[], byte[]>> All =>
        _byFirst.Where(part => part is not null).SelectMany(part => part!);

    /// <summary>Those whose key begins with a byte, ascending.</summary>
    public IReadOnlyDictionary<byte[], byte[]> Of(byte first) => _byFirst[first] ?? None;

    public bool TryGet(byte[] key, [NotNullWhen(true)] out byte[]? value)
    {
        value = null;
        return _byFirst[key[0]]?.TryGetValue(key, out value) ?? false;
    }

    public void Set(byte[] key, byte[] value) =>
        (_byFirst[key[0]] ??= new SortedDictionary<byte[], byte[]>(ByBytes))[key] = value;

    public void Remove(byte[] key) => _byFirst[key[0]]?.Remove(key);
}
