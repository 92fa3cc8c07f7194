using System;
using System.Collections.Generic;
using System.Linq;
using System.Security.Cryptography;
using System.Text;
using System.Threading;
using NUnit.Framework;

namespace AppChain.StateMachine.Tests.Tree;

[TestFixture]
public sealed class StateTreeTests
{
    [Test(Description = "T3, T4")]
    public void Empty_tree_has_the_zero_root()
    {
        var tree = new StateTree();
        Assert.That(tree.Apply(0, []), Is.EqualTo(new byte[32]));
        tree.Commit();
        Assert.That(tree.TryProve(0, "k"u8, out StateProof? proof), Is.True);
        Assert.That(StateProof.Verify(proof!, new byte[32], "k"u8, null), Is.True);
    }

    [Test(Description = "T3")]
    public void Root_of_one_row_is_its_leaf()
    {
        var tree = new StateTree();
        byte[] root = tree.Apply(5, [Write("key", "value")]);
        byte[] leaf = [0, .. SHA256.HashData("key"u8), .. SHA256.HashData("value"u8)];
        Assert.That(root, Is.EqualTo(SHA256.HashData(leaf)));
    }

    [TestCase(1, 8, 3, 40, Description = "T2, T3, T6")]
    [TestCase(2, 40, 6, 60)]
    [TestCase(3, 300, 40, 30)]
    [TestCase(4, 300, 200, 70)]
    [TestCase(5, 100_000, 400, 20)]
    public void Roots_agree_with_the_naive_tree_through_writes_removals_and_drops(
        int seed, int keyCount, int changeCount, int removePercent)
    {
        var history = new TreeHistory(seed, keyCount, versionsKept: 5, firstVersion: 17);
        for (int step = 0; step < 60; step++)
        {
            (byte[] root, byte[] expected, bool _) = history.Step(changeCount, removePercent);
            Assert.That(root, Is.EqualTo(expected), $"step {step}");
        }
    }

    [Test(Description = "T5")]
    public void Every_kept_version_can_be_read_and_no_other()
    {
        var history = new TreeHistory(seed: 6, keyCount: 200, versionsKept: 7, firstVersion: 1);
        for (int step = 0; step < 80; step++)
        {
            history.Step(changeCount: 30, removePercent: 40);
            long newest = history.NextVersion - 1;
            Assert.That(history.Tree.Version, Is.EqualTo(newest));
            Assert.That(history.Tree.OldestVersion, Is.EqualTo(Math.Max(1, newest - 6)));
            Assert.That(history.Tree.TryGetRoot(history.Tree.OldestVersion - 1, out _), Is.False);
            Assert.That(history.Tree.TryGetRoot(newest + 1, out _), Is.False);
            foreach ((long version, SortedDictionary<byte[], byte[]> rows) in history.Kept)
            {
                Assert.That(history.Tree.TryGetRoot(version, out byte[]? root), Is.True);
                Assert.That(root, Is.EqualTo(NaiveTree.Root(rows)));
                for (int probe = 0; probe < 20; probe++)
                {
                    byte[] key = history.RandomKey();
                    bool isThere = history.Tree.TryGet(version, key, out byte[]? value);
                    Assert.That(isThere, Is.EqualTo(rows.TryGetValue(key, out byte[]? expected)));
                    Assert.That(value, Is.EqualTo(expected));
                }
            }
        }
    }

    [Test(Description = "T1")]
    public void Root_depends_on_the_rows_and_not_on_their_history()
    {
        var history = new TreeHistory(seed: 8, keyCount: 500, versionsKept: 3, firstVersion: 1);
        for (int step = 0; step < 50; step++)
        {
            history.Step(changeCount: 60, removePercent: 45);
        }

        var rebuilt = new StateTree();
        byte[] root = rebuilt.Apply(
            history.Tree.Version,
            history.Rows.Select(row => new RowChange(row.Key, row.Value, false)).ToArray());
        Assert.That(history.Tree.TryGetRoot(history.Tree.Version, out byte[]? expected), Is.True);
        Assert.That(root, Is.EqualTo(expected));
    }

    [Test]
    public void What_changes_replaced_is_what_the_version_before_has()
    {
        static byte[] Bytes(int number) => [1, (byte)(number >> 8), (byte)(number & 255)];
        var tree = new StateTree(4);
        tree.Apply(
            1,
            [.. Enumerable.Range(0, 300).Select(number => new RowChange(Bytes(number), Bytes(number + 5000), false))]);
        tree.Commit();
        RowChange[] next = [.. Enumerable.Range(250, 100).Select(
            number => new RowChange(
                Bytes(number), number % 3 == 0 ? null : Bytes(number + 9000), number < 300))];
        tree.Apply(2, next);
        tree.Commit();
        byte[]?[] before = tree.Replaced.ToArray();
        Assert.That(before, Has.Length.EqualTo(next.Length));
        for (int i = 0; i < next.Length; i++)
        {
            bool found = tree.TryGet(1, next[i].Key, out byte[]? value);
            Assert.That(found, Is.EqualTo(next[i].ExistedBefore));
            Assert.That(before[i], Is.EqualTo(value));
        }
    }

    [Test]
    public void Slots_are_freed_when_versions_leave_the_window_and_when_one_is_dropped()
    {
        var history = new TreeHistory(seed: 9, keyCount: 400, versionsKept: 4, firstVersion: 1);
        for (int step = 0; step < 40; step++)
        {
            (int nodesBefore, int leavesBefore) = history.Tree.CountSlots();
            (byte[] _, byte[] _, bool isKept) = history.Step(changeCount: 50, removePercent: 50);
            if (!isKept)
            {
                Assert.That(history.Tree.CountSlots(), Is.EqualTo((nodesBefore, leavesBefore)));
            }
        }

        // Once the window and the two versions behind it are empty, each has its head and no more.
        history.Tree.Apply(history.NextVersion, Removals(history.Rows));
        history.Tree.Commit();
        for (int version = 1; version < 4 + 2; version++)
        {
            history.Tree.Apply(history.NextVersion + version, []);
            history.Tree.Commit();
        }

        Assert.That(history.Tree.CountSlots(), Is.EqualTo((4 + 2, 0)));
    }

    [Test(Description = "T6")]
    public void Removing_an_absent_row_changes_nothing()
    {
        var tree = new StateTree();
        byte[] before = tree.Apply(1, [Write("a", "1"), Write("b", "2")]);
        tree.Commit();
        Assert.That(tree.Apply(2, [new RowChange("c"u8.ToArray(), null, true)]), Is.EqualTo(before));
    }

    [Test]
    public void Misuse_stops_the_node()
    {
        var tree = new StateTree();
        Assert.That(tree.Commit, Throws.InstanceOf<Margin.InvariantException>());
        Assert.That(tree.Drop, Throws.InstanceOf<Margin.InvariantException>());
        tree.Apply(3, [Write("a", "1")]);
        Assert.That(() => tree.Apply(4, []), Throws.InstanceOf<Margin.InvariantException>());
        tree.Commit();
        Assert.That(() => tree.Apply(5, []), Throws.InstanceOf<Margin.InvariantException>());
        Assert.That(
            () => tree.Apply(4, [Write("a", "1"), Write("a", "2")]), Throws.InstanceOf<Margin.InvariantException>());
    }

    [Test]
    public void Readers_on_other_threads_see_whole_versions_while_blocks_are_applied()
    {
        var tree = new StateTree(versionsKept: 4);
        string[] keys = Enumerable.Range(0, 64).Select(number => $"key {number}").ToArray();
        string? failure = null;
        bool isDone = false;
        long proofs = 0;
        tree.Apply(1, keys.Select(key => Write(key, "1")).ToArray());
        tree.Commit();
        var reader = new Thread(() =>
        {
            var random = new Random(3);
            while (!Volatile.Read(ref isDone))
            {
                long version = tree.OldestVersion + random.Next(4);
                byte[] key = Encoding.ASCII.GetBytes(keys[random.Next(keys.Length)]);
                if (tree.TryGetRoot(version, out byte[]? root)
                    && tree.TryGet(version, key, out byte[]? value)
                    && tree.TryProve(version, key, out StateProof? proof))
                {
                    proofs++;
                    if (Encoding.ASCII.GetString(value) != $"{version}" || !StateProof.Verify(proof, root, key, value))
                    {
                        failure ??= $"version {version}";
                    }
                }
            }
        });
        reader.Start();
        for (long version = 2; version < 3000; version++)
        {
            tree.Apply(version, keys.Select(key => Write(key, $"{version}")).ToArray());
            tree.Commit();
        }

        Volatile.Write(ref isDone, true);
        reader.Join();
        Assert.That(failure, Is.Null);
        Assert.That(proofs, Is.Positive);
    }

    private static RowChange Write(string key, string value) =>
        new(Encoding.ASCII.GetBytes(key), Encoding.ASCII.GetBytes(value), false);

    private static RowChange[] Removals(SortedDictionary<byte[], byte[]> rows) =>
        rows.Keys.Select(key => new RowChange(key, null, true)).ToArray();
}
