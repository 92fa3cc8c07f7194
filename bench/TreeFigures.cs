using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Runtime.InteropServices;
using AppChain.StateMachine;

namespace AppChain.Bench;

/// <summary>One measured number.</summary>
/// <param name="Name">What was measured.</param>
/// <param name="Value">The number.</param>
/// <param name="Unit">Its unit.</param>
public sealed record TreeFigure(string Name, double Value, string Unit);

/// <summary>
/// What the state tree costs: the app hash of a block that changed some rows of a large state, and building the tree
/// anew at restart. One thread; keys of 25 bytes, values of 100 random bytes; the changed rows are chosen at random.
/// </summary>
public static class TreeFigures
{
    private const int KeySize = 25;
    private const int ValueSize = 100;
    private const int RebuildCount = 3;

    /// <summary>Measures and prints one line per figure.</summary>
    public static void Print(TextWriter output)
    {
        foreach (TreeFigure figure in Measure(1_000_000, 10_000, 200))
        {
            output.WriteLine($"{figure.Name,-52} {figure.Value,12:F2} {figure.Unit}");
        }
    }

    /// <summary>
    /// Measures. Blocks beyond the hundred kept versions reuse what old versions leave, so count more than that to see
    /// the steady state: only the last quarter of the blocks is measured.
    /// </summary>
    public static IReadOnlyList<TreeFigure> Measure(int rowCount, int dirtyCount, int blockCount)
    {
        var random = new Random(5);
        var rows = new RowChange[rowCount];
        for (int row = 0; row < rowCount; row++)
        {
            rows[row] = new RowChange(Key(row), RandomValue(random), false);
        }

        List<TreeFigure> figures = [];
        MeasureHashes(figures);
        StateTree tree = MeasureRebuild(figures, rows);
        rows = [];
        MeasureBlocks(figures, tree, random, rowCount, dirtyCount, blockCount);
        MeasureProofs(figures, tree, random, rowCount);
        return figures;
    }

    private static void MeasureHashes(List<TreeFigure> figures)
    {
        const int count = 1024;
        var pairs = new Sha256Digest[2 * count];
        var digests = new Sha256Digest[count];
        new Random(1).NextBytes(MemoryMarshal.AsBytes(pairs.AsSpan()));
        foreach (Sha256Width width in (Sha256Width[])[Sha256Width.One, Sha256Width.Eight, Sha256Width.Sixteen])
        {
            if (Sha256Lanes.IsSupported(width))
            {
                double[] times = Repeat(200, () => Sha256Lanes.HashPairs(width, 1, pairs, digests));
                string name = $"hash of one node, {(int)width} at once";
                figures.Add(new TreeFigure(name, Median(times) / count * 1e6, "ns"));
            }
        }

        figures.Add(new TreeFigure("nodes hashed at once on this machine", (int)Sha256Lanes.Width, string.Empty));
    }

    private static StateTree MeasureRebuild(List<TreeFigure> figures, RowChange[] rows)
    {
        StateTree tree = new();
        double[] times = Repeat(RebuildCount, () =>
        {
            tree = new StateTree();
            tree.Apply(0, rows);
            tree.Commit();
        });
        figures.Add(new TreeFigure($"build of {rows.Length:N0} rows, median of {RebuildCount}", Median(times), "ms"));
        return tree;
    }

    private static void MeasureBlocks(
        List<TreeFigure> figures, StateTree tree, Random random, int rowCount, int dirtyCount, int blockCount)
    {
        var times = new List<double>();
        var commits = new List<double>();
        long allocated = 0;
        for (int block = 1; block <= blockCount; block++)
        {
            RowChange[] changes = RandomChanges(random, rowCount, dirtyCount);
            long allocatedBefore = GC.GetAllocatedBytesForCurrentThread();
            long start = Stopwatch.GetTimestamp();
            tree.Apply(block, changes);
            long applied = Stopwatch.GetTimestamp();
            tree.Commit();
            if (block > blockCount * 3 / 4)
            {
                times.Add(Stopwatch.GetElapsedTime(start, applied).TotalMilliseconds);
                commits.Add(Stopwatch.GetElapsedTime(applied).TotalMilliseconds);
                allocated = Math.Max(allocated, GC.GetAllocatedBytesForCurrentThread() - allocatedBefore);
            }
        }

        times.Sort();
        string title = $"app hash of {dirtyCount:N0} of {rowCount:N0} rows";
        figures.Add(new TreeFigure($"{title}, least", times[0], "ms"));
        figures.Add(new TreeFigure($"{title}, median", times[times.Count / 2], "ms"));
        figures.Add(new TreeFigure($"{title}, 90 %", times[times.Count * 9 / 10], "ms"));
        figures.Add(new TreeFigure("commit of the version, median", Median([.. commits]), "ms"));
        figures.Add(new TreeFigure("allocated in apply and commit, most", allocated, "bytes"));
        double memory = GC.GetTotalMemory(true) / 1048576.0;
        figures.Add(new TreeFigure("memory of rows and all kept versions", memory, "MiB"));
    }

    private static void MeasureProofs(List<TreeFigure> figures, StateTree tree, Random random, int rowCount)
    {
        const int count = 1000;
        int size = 0;
        double[] times = Repeat(20, () =>
        {
            for (int number = 0; number < count; number++)
            {
                tree.TryProve(tree.Version, Key(random.Next(rowCount)), out StateProof? proof);
                size = proof!.Encode().Length;
            }
        });
        figures.Add(new TreeFigure("proof of a row, made and encoded, median", Median(times) / count * 1000, "µs"));
        figures.Add(new TreeFigure("bytes of such a proof, for example", size, "bytes"));
    }

    private static RowChange[] RandomChanges(Random random, int rowCount, int dirtyCount)
    {
        var chosen = new SortedSet<int>();
        while (chosen.Count < dirtyCount)
        {
            chosen.Add(random.Next(rowCount));
        }

        var changes = new List<RowChange>(dirtyCount);
        foreach (int row in chosen)
        {
            changes.Add(new RowChange(Key(row), RandomValue(random), true));
        }

        return [.. changes];
    }

    private static byte[] Key(int row)
    {
        var key = new byte[KeySize];
        key[0] = (byte)RowKind.Account;
        BinaryPrimitives.WriteInt32BigEndian(key.AsSpan(1), row);
        return key;
    }

    private static byte[] RandomValue(Random random)
    {
        var value = new byte[ValueSize];
        random.NextBytes(value);
        return value;
    }

    private static double[] Repeat(int count, Action action)
    {
        var times = new double[count];
        for (int index = 0; index < count; index++)
        {
            long start = Stopwatch.GetTimestamp();
            action();
            times[index] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        }

        return times;
    }

    private static double Median(double[] times)
    {
        Array.Sort(times);
        return times[times.Length / 2];
    }
}
