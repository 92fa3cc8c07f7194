using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using System.Text;
using AppChain.StateMachine;
using BenchmarkDotNet.Attributes;

namespace AppChain.Bench;

/// <summary>Small operations of the state tree, for comparison between commits.</summary>
[MemoryDiagnoser]
public class TreeBenchmarks
{
    private const int NodeCount = 1024;
    private const int RowCount = 100_000;

    private readonly Sha256Digest[] _pairs = new Sha256Digest[2 * NodeCount];
    private readonly Sha256Digest[] _digests = new Sha256Digest[NodeCount];
    private readonly StateTree _tree = new();
    private readonly byte[] _key = Key(7);
    private RowChange[] _changes = [];

    /// <summary>Builds the tree.</summary>
    [GlobalSetup]
    public void SetUp()
    {
        new Random(1).NextBytes(MemoryMarshal.AsBytes(_pairs.AsSpan()));
        var rows = new List<RowChange>(RowCount);
        for (int row = 0; row < RowCount; row++)
        {
            rows.Add(new RowChange(Key(row), new byte[100], false));
        }

        _tree.Apply(0, rows);
        _tree.Commit();
        _changes = [.. rows.GetRange(0, 1000)];
    }

    /// <summary>Hashes 1,024 tree nodes.</summary>
    [Benchmark(OperationsPerInvoke = NodeCount)]
    public void HashNode() => Sha256Lanes.HashPairs(1, _pairs, _digests);

    /// <summary>Applies and drops a block of 1,000 changed rows in a tree of 100,000.</summary>
    [Benchmark]
    public byte[] ApplyThousandRows()
    {
        byte[] root = _tree.Apply(1, _changes);
        _tree.Drop();
        return root;
    }

    /// <summary>Proves one row and encodes the proof.</summary>
    [Benchmark]
    public byte[] Prove()
    {
        _tree.TryProve(0, _key, out StateProof? proof);
        return proof!.Encode();
    }

    private static byte[] Key(int row) => Encoding.ASCII.GetBytes($"benchmark row {row:D8}");
}
