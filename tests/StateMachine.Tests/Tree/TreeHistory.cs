using System;
using System.Collections.Generic;
using System.Linq;

namespace AppChain.StateMachine.Tests.Tree;

/// <summary>A random history of rows beside a tree, with the rows of every version that the tree keeps.</summary>
internal sealed class TreeHistory
{
    private sealed class KeyOrder : IComparer<byte[]>
    {
        public int Compare(byte[]? left, byte[]? right) => left.AsSpan().SequenceCompareTo(right);
    }

    private readonly Random _random;
    private readonly int _keyCount;

    public TreeHistory(int seed, int keyCount, int versionsKept, long firstVersion)
    {
        _random = new Random(seed);
        _keyCount = keyCount;
        Tree = new StateTree(versionsKept);
        VersionsKept = versionsKept;
        NextVersion = firstVersion;
    }

    public StateTree Tree { get; }

    public int VersionsKept { get; }

    public long NextVersion { get; private set; }

    public SortedDictionary<byte[], byte[]> Rows { get; private set; } = Empty();

    /// <summary>Rows of the committed versions, the oldest first.</summary>
    public List<(long Version, SortedDictionary<byte[], byte[]> Rows)> Kept { get; } = [];

    public static SortedDictionary<byte[], byte[]> Empty() => new(new KeyOrder());

    public byte[] RandomKey() => BitConverter.GetBytes(_random.Next(_keyCount)).Append((byte)7).ToArray();

    /// <summary>Applies random writes and removals; commits or drops them.</summary>
    public (byte[] Root, byte[] Expected, bool IsKept) Step(int changeCount, int removePercent)
    {
        SortedDictionary<byte[], RowChange> changes = new(new KeyOrder());
        SortedDictionary<byte[], byte[]> after = Empty();
        foreach (KeyValuePair<byte[], byte[]> row in Rows)
        {
            after.Add(row.Key, row.Value);
        }

        for (int count = 0; count < changeCount; count++)
        {
            byte[] key = RandomKey();
            if (_random.Next(100) < removePercent)
            {
                changes[key] = new RowChange(key, null, Rows.ContainsKey(key));
                after.Remove(key);
                continue;
            }

            var value = new byte[_random.Next(1, 150)];
            _random.NextBytes(value);
            changes[key] = new RowChange(key, value, Rows.ContainsKey(key));
            after[key] = value;
        }

        byte[] root = Tree.Apply(NextVersion, changes.Values.ToArray());
        bool isKept = _random.Next(4) != 0;
        if (!isKept)
        {
            Tree.Drop();
            return (root, NaiveTree.Root(after), false);
        }

        Tree.Commit();
        Rows = after;
        Kept.Add((NextVersion++, after));
        if (Kept.Count > VersionsKept)
        {
            Kept.RemoveAt(0);
        }

        return (root, NaiveTree.Root(after), true);
    }
}
