using System;
using System.Collections.Generic;
using System.Linq;
using System.Security.Cryptography;
using NUnit.Framework;

namespace AppChain.StateMachine.Tests.Tree;

/// <summary>Chunks of a state: together they are the rows, and not a byte of one can be changed.</summary>
[TestFixture]
public sealed class StateChunkTests
{
    // SNAP-1, SNAP-2, SNAP-3, SNAP-4
    [Test]
    public void The_chunks_of_a_version_are_its_rows_and_each_proves_itself(
        [Values(0, 1, 2, 40, 700)] int rows, [Values(1, 60, 900, 1 << 20)] int bytesMax)
    {
        (StateTree tree, byte[] root, SortedDictionary<byte[], byte[]> model) = Tree(rows, seed: rows);
        var read = TreeHistory.Empty();
        foreach ((ChunkPlace place, byte[] chunk) in Cut(tree, bytesMax))
        {
            Assert.That(StateChunk.TryRead(root, place, chunk, out List<KeyValuePair<byte[], byte[]>>? found), Is.True);
            Assert.That(
                found!.Count < 2 || found.Sum(row => 6 + row.Key.Length + row.Value.Length) <= bytesMax, Is.True);
            found.ForEach(row => read.Add(row.Key, row.Value));
        }

        Assert.That(read, Is.EqualTo(model));
    }

    // SNAP-3
    [Test]
    public void No_changed_byte_no_other_length_and_no_other_place_is_accepted()
    {
        (StateTree tree, byte[] root, _) = Tree(60, seed: 5);
        List<(ChunkPlace Place, byte[] Chunk)> chunks = Cut(tree, 700);
        Assert.That(chunks, Has.Count.GreaterThan(3));
        foreach ((ChunkPlace place, byte[] chunk) in chunks)
        {
            for (int i = 0; i < chunk.Length; i++)
            {
                byte[] changed = [.. chunk];
                changed[i] ^= (byte)(1 << (i % 8));
                AssertRefused(root, place, changed);
                AssertRefused(root, place, chunk[..i]);
            }

            AssertRefused(root, place, [.. chunk, 0]);
            AssertRefused(SHA256.HashData(root), place, chunk);
            foreach ((ChunkPlace other, _) in chunks)
            {
                Assert.That(StateChunk.TryRead(root, other, chunk, out _), Is.EqualTo(other == place));
            }
        }
    }

    // SNAP-3
    [Test]
    public void A_row_left_out_added_repeated_or_moved_is_refused()
    {
        (StateTree tree, byte[] root, _) = Tree(30, seed: 8);
        (ChunkPlace place, byte[] chunk) = Cut(tree, 1 << 20).Single();
        StateChunk.TryRead(root, place, chunk, out List<KeyValuePair<byte[], byte[]>>? rows);
        byte[] Encoded(IEnumerable<KeyValuePair<byte[], byte[]>> list) => StateChunk.Encode(
            [], [.. list.Select(row => new TreeLeaf { Key = row.Key, Value = row.Value })]);
        Assert.That(Encoded(rows!), Is.EqualTo(chunk), "one encoding");
        for (int i = 0; i < rows!.Count; i++)
        {
            AssertRefused(root, place, Encoded(rows.Where((_, index) => index != i)));
            AssertRefused(root, place, Encoded(rows.Concat([rows[i]])));
            AssertRefused(root, place, Encoded(rows.Take(i).Append(rows[i]).Concat(rows.Skip(i))));
            AssertRefused(root, place, Encoded(rows.Skip(i).Concat(rows.Take(i)).Skip(i == 0 ? 1 : 0)));
        }

        AssertRefused(root, place, []);
        AssertRefused(root, place, Encoded(rows.Append(new KeyValuePair<byte[], byte[]>([1, 2], [3]))));
        AssertRefused(root, place, [255, 255, 0, 0, 0, 0]);
        AssertRefused(root, place, [0, 1, 9, 255, 255, 255, 255]);
    }

    // SNAP-3
    [Test]
    public void A_place_claimed_empty_beside_its_neighbour_is_refused()
    {
        // A lone row beside an empty half is that row (T3): a chunk may not hide it by naming its hash as a neighbour.
        (StateTree tree, byte[] root, _) = Tree(1, seed: 3);
        byte[] claim = [0x80, .. root];
        foreach (int side in new[] { 0, 1 })
        {
            AssertRefused(root, ChunkPlace.Whole.Half(side), claim);
        }

        AssertRefused(root, ChunkPlace.Whole, []);
        Assert.That(tree.Version, Is.Zero);
    }

    [Test]
    public void Random_bytes_are_refused_without_an_exception([Range(1, 5)] int seed)
    {
        var random = new Random(seed);
        (StateTree tree, byte[] root, _) = Tree(50, seed);
        List<(ChunkPlace Place, byte[] Chunk)> chunks = Cut(tree, 800);
        for (int i = 0; i < 1_000; i++)
        {
            (ChunkPlace place, byte[] chunk) = chunks[random.Next(chunks.Count)];
            byte[] bytes = random.Next(2) == 0 ? new byte[random.Next(300)] : [.. chunk];
            if (random.Next(2) == 0 || bytes.Length == 0)
            {
                random.NextBytes(bytes);
            }
            else
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }

            bool isOriginal = bytes.AsSpan().SequenceEqual(chunk);
            Assert.That(StateChunk.TryRead(root, place, bytes, out _), Is.EqualTo(isOriginal));
        }
    }

    [Test]
    public void A_version_that_left_the_window_gives_no_chunk()
    {
        var history = new TreeHistory(4, 30, versionsKept: 3, firstVersion: 1);
        while (history.NextVersion < 9)
        {
            history.Step(6, 20);
        }

        Assert.That(history.Tree.TryReadChunk(2, ChunkPlace.Whole, 1 << 20, out _), Is.False);
        Assert.That(
            history.Tree.TryReadChunk(history.Tree.OldestVersion, ChunkPlace.Whole, 1 << 20, out byte[]? chunk),
            Is.True);
        (long version, SortedDictionary<byte[], byte[]> rows) = history.Kept[0];
        history.Tree.TryGetRoot(version, out byte[]? root);
        Assert.That(
            StateChunk.TryRead(root, ChunkPlace.Whole, chunk, out List<KeyValuePair<byte[], byte[]>>? read), Is.True);
        Assert.That(read!.OrderBy(row => row.Key, rows.Comparer), Is.EqualTo(rows));
    }

    private static void AssertRefused(byte[] root, ChunkPlace place, byte[] chunk) =>
        Assert.That(StateChunk.TryRead(root, place, chunk, out _), Is.False);

    private static (StateTree Tree, byte[] Root, SortedDictionary<byte[], byte[]> Rows) Tree(int count, int seed)
    {
        var random = new Random(seed);
        SortedDictionary<byte[], byte[]> rows = TreeHistory.Empty();
        while (rows.Count < count)
        {
            byte[] key = new byte[random.Next(1, 30)];
            byte[] value = new byte[random.Next(1, 80)];
            random.NextBytes(key);
            random.NextBytes(value);
            rows[key] = value;
        }

        var tree = new StateTree();
        byte[] root = tree.Apply(0, [.. rows.Select(row => new RowChange(row.Key, row.Value, false))]);
        tree.Commit();
        return (tree, root, rows);
    }

    private static List<(ChunkPlace Place, byte[] Chunk)> Cut(StateTree tree, int bytesMax)
    {
        var chunks = new List<(ChunkPlace, byte[])>();
        void Visit(ChunkPlace place)
        {
            Assert.That(tree.TryReadChunk(tree.Version, place, bytesMax, out byte[]? chunk), Is.True);
            if (chunk is not null || place.Depth == StateChunk.DepthMax)
            {
                chunks.Add((place, chunk!));
                return;
            }

            Visit(place.Half(0));
            Visit(place.Half(1));
        }

        Visit(ChunkPlace.Whole);
        return chunks;
    }
}
