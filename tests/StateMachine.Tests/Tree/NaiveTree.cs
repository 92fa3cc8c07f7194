using System;
using System.Collections.Generic;
using System.Linq;
using System.Security.Cryptography;

namespace AppChain.StateMachine.Tests.Tree;

/// <summary>The tree as the specification words it: recursion over the sorted rows, nothing kept.</summary>
internal static class NaiveTree
{
    public static byte[] Root(IEnumerable<KeyValuePair<byte[], byte[]>> rows)
    {
        (string Path, byte[] Hash)[] leaves = rows
            .Select(row => (Hash: SHA256.HashData(row.Key), row.Value))
            .Select(row => (Bits(row.Hash), HashOf(0, row.Hash, SHA256.HashData(row.Value))))
            .ToArray();
        return Root(leaves, 0);
    }

    private static byte[] Root((string Path, byte[] Hash)[] leaves, int depth)
    {
        return leaves.Length switch
        {
            0 => new byte[32],
            1 => leaves[0].Hash,
            _ => HashOf(
                1,
                Root(leaves.Where(leaf => leaf.Path[depth] == '0').ToArray(), depth + 1),
                Root(leaves.Where(leaf => leaf.Path[depth] == '1').ToArray(), depth + 1)),
        };
    }

    private static byte[] HashOf(byte prefix, byte[] left, byte[] right) =>
        SHA256.HashData([prefix, .. left, .. right]);

    private static string Bits(byte[] hash) => string.Concat(hash.Select(part => part.ToString("B8")));
}
