using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Runtime.Versioning;
using AppChain.StateMachine;
using NUnit.Framework;

namespace AppChain.Node.Tests;

/// <summary>The chain on disk: what was appended comes back, and damage is refused by name.</summary>
[TestFixture]
public sealed class ChainStoreTests
{
    private static readonly string[] s_families = ["default", "changelog", "rows"];

    private string _directory = "";

    [SetUp]
    public void CreateDirectory() => _directory = Directory.CreateTempSubdirectory("appchain-store-").FullName;

    [TearDown]
    public void RemoveDirectory() => Directory.Delete(_directory, true);

    [Test]
    public void A_stop_before_rows_are_written_loses_nothing([Values(1, 7, 130)] int blocks)
    {
        var chain = new RandomChain();
        using (var store = new ChainStore(_directory, materialise: false))
        {
            chain.Write(store, blocks);
        }

        using var reopened = new ChainStore(_directory, materialise: false);
        chain.AssertLoaded(reopened);
    }

    [Test]
    public void A_stop_between_written_rows_and_later_blocks_loses_nothing()
    {
        var chain = new RandomChain();
        using (var store = new ChainStore(_directory))
        {
            chain.Write(store, 40);
        }

        using (var store = new ChainStore(_directory, materialise: false))
        {
            chain.Write(store, 25);
        }

        using (var store = new ChainStore(_directory))
        {
            chain.AssertLoaded(store);
            chain.Write(store, 90);
        }

        using var last = new ChainStore(_directory);
        chain.AssertLoaded(last);
    }

    [Test]
    public void Proofs_of_the_last_heights_can_be_given_after_a_restart()
    {
        var chain = new RandomChain();
        using (var store = new ChainStore(_directory))
        {
            chain.Write(store, 250);
        }

        using var reopened = new ChainStore(_directory, materialise: false);
        StateTree tree = reopened.Load()!.Value.Tree;
        byte[] key = chain.Rows.Keys.First();
        for (long height = 250 - ChainStore.HeightsKept + 1; height <= 250; height++)
        {
            Assert.That(tree.TryGetRoot(height, out byte[]? root), Is.True, $"root of {height}");
            Assert.That(root, Is.EqualTo(chain.Roots[height]));
            Assert.That(tree.TryProve(height, key, out StateProof? proof), Is.True);
            byte[]? value = tree.TryGet(height, key, out byte[]? found) ? found : null;
            Assert.That(StateProof.Verify(proof!, root!, key, value), Is.True, $"proof of {height}");
        }
    }

    [Test]
    public void The_change_log_keeps_only_the_records_that_restart_needs()
    {
        var chain = new RandomChain();
        using (var store = new ChainStore(_directory))
        {
            chain.Write(store, 250);
        }

        using var db = new RocksDb(_directory, s_families);
        Assert.That(db.Scan(1).Count(), Is.EqualTo(ChainStore.HeightsKept + 1));
    }

    [Test]
    public void A_damaged_record_is_refused_by_its_height([Values(0, 9, 60)] int offset)
    {
        WriteTen();
        Change(db => db.Get(1, Key(8)), (db, batch, record) =>
        {
            record[offset] ^= 1;
            batch.Put(1, Key(8), record);
        });
        AssertRefused("change log record of height 8 is damaged", "restore the data directory from a backup");
    }

    [Test]
    public void A_torn_last_record_is_refused()
    {
        WriteTen();
        Change(
            db => db.Get(1, Key(10)),
            (db, batch, record) => batch.Put(1, Key(10), record.AsSpan(0, record.Length / 2)));
        AssertRefused("change log record of height 10 is damaged");
    }

    [Test]
    public void A_gap_in_the_change_log_is_refused()
    {
        WriteTen();
        Change(db => [], (db, batch, _) => batch.Delete(1, Key(5)));
        AssertRefused("the change log has no record of height 5");
    }

    [Test]
    public void A_changed_row_is_refused_because_its_app_hash_differs()
    {
        RandomChain chain = WriteTen();
        Change(db => [], (db, batch, _) => batch.Put(2, RandomChain.StableKey, [9, 9, 9]));
        Assert.That(chain.Rows, Does.ContainKey(RandomChain.StableKey));

        // The stable row is in the genesis record, so undo and redo restore it; past the kept records they cannot.
        using (var store = new ChainStore(_directory))
        {
            chain.AssertLoaded(store);
            chain.Write(store, 120);
        }

        Change(db => [], (db, batch, _) => batch.Put(2, RandomChain.StableKey, [9, 9, 9]));
        AssertRefused("but the block's app hash is", "restore the data directory from a backup");
    }

    [Test]
    [UnsupportedOSPlatform("windows")]
    public void A_directory_of_another_user_is_told_so()
    {
        if (Environment.UserName == "root")
        {
            Assert.Ignore("root may write everywhere");
        }

        new ChainStore(_directory).Dispose();
        UnixFileMode before = File.GetUnixFileMode(_directory);
        File.SetUnixFileMode(_directory, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        try
        {
            var refusal = Assert.Throws<StorageException>(() => _ = new ChainStore(_directory));
            Assert.That(refusal!.Message, Does.Contain("Permission denied").And.Contain("as the user whose directory"));
        }
        finally
        {
            File.SetUnixFileMode(_directory, before);
        }
    }

    [Test]
    public void A_second_process_on_one_directory_is_told_so()
    {
        using var first = new ChainStore(_directory);
        var refusal = Assert.Throws<StorageException>(() => _ = new ChainStore(_directory));
        Assert.That(refusal!.Message, Does.Contain("another process uses this data directory"));
    }

    [Test]
    public void A_block_that_does_not_follow_and_a_second_genesis_are_refused()
    {
        using var store = new ChainStore(_directory);
        var chain = new RandomChain();
        chain.Write(store, 2);
        var stranger = new ChangeRecord { Height = 7, AppHash = new byte[32], Rows = [] };
        Assert.That(
            Assert.Throws<StorageException>(() => store.Append(stranger))!.Message,
            Does.Contain("7 does not follow 2"));
        var genesis = new ChangeRecord { Height = 0, AppHash = new byte[32], Rows = [] };
        var block = new ChangeRecord { Height = 1, AppHash = new byte[32], Rows = [] };
        Assert.That(
            Assert.Throws<StorageException>(() => store.Append(block, genesis))!.Message,
            Does.Contain("give the new chain an empty data directory"));
        Assert.That(store.Height, Is.EqualTo(2));
    }

    // SNAP-10
    [Test]
    public void A_snapshot_that_was_not_received_to_its_end_leaves_an_empty_store()
    {
        using (new ChainStore(_directory))
        {
        }

        Change(db => [], (db, batch, _) => batch.Put(2, [7, 7], [9]));
        using (var store = new ChainStore(_directory))
        {
            Assert.That(store.Load(), Is.Null);
        }

        using var db = new RocksDb(_directory, s_families);
        Assert.That(db.Scan(2), Is.Empty);
    }

    [Test]
    public void Closing_twice_is_harmless()
    {
        var store = new ChainStore(_directory);
        store.Dispose();
        Assert.DoesNotThrow(store.Dispose);
    }

    private RandomChain WriteTen()
    {
        var chain = new RandomChain();
        using var store = new ChainStore(_directory);
        chain.Write(store, 10);
        return chain;
    }

    private void Change(Func<RocksDb, byte[]?> read, Action<RocksDb, RocksDb.WriteBatch, byte[]> change)
    {
        using var db = new RocksDb(_directory, s_families);
        using RocksDb.WriteBatch batch = db.NewBatch();
        change(db, batch, read(db)!);
        db.Write(batch, durable: true);
    }

    private void AssertRefused(params string[] words)
    {
        var refusal = Assert.Throws<StorageException>(() =>
        {
            using var store = new ChainStore(_directory);
            store.Load();
        });
        foreach (string word in words)
        {
            Assert.That(refusal!.Message, Does.Contain(word));
        }
    }

    private static byte[] Key(long height)
    {
        var key = new byte[8];
        BinaryPrimitives.WriteInt64BigEndian(key, height);
        return key;
    }

    // A chain of random row changes with a model of what the store must give back.
    private sealed class RandomChain
    {
        public static readonly byte[] StableKey = [255, 0];

        private readonly Random _random = new(11);
        private readonly StateTree _tree = new(ChainStore.HeightsKept);
        private long _height = -1;

        public SortedDictionary<byte[], byte[]> Rows { get; } = new(Comparer<byte[]>.Create(
            static (left, right) => left.AsSpan().SequenceCompareTo(right)));

        public Dictionary<long, byte[]> Roots { get; } = [];

        public void Write(ChainStore store, int blocks)
        {
            ChangeRecord? genesis = _height < 0 ? Next() : null;
            for (int i = 0; i < blocks; i++)
            {
                store.Append(Next(), genesis);
                genesis = null;
            }
        }

        public void AssertLoaded(ChainStore store)
        {
            (IReadOnlyList<KeyValuePair<byte[], byte[]>> rows, StateTree tree) = store.Load()!.Value;
            Assert.That(store.Height, Is.EqualTo(_height));
            Assert.That(tree.TryGetRoot(_height, out byte[]? root), Is.True);
            Assert.That(root, Is.EqualTo(Roots[_height]));
            Assert.That(rows.Select(row => row.Key), Is.EqualTo(Rows.Keys));
            Assert.That(rows.Select(row => row.Value), Is.EqualTo(Rows.Values));
        }

        private ChangeRecord Next()
        {
            long previous = _height++;
            var wanted = new SortedDictionary<byte[], byte[]?>(Rows.Comparer);
            if (previous < 0)
            {
                wanted[StableKey] = [1, 2, 3];
            }

            for (int i = 0; i < 12; i++)
            {
                byte[] key = [(byte)_random.Next(1, 9), (byte)_random.Next(0, 9)];
                bool remove = Rows.ContainsKey(key) && _random.Next(3) == 0;
                byte[] value = new byte[_random.Next(1, 40)];
                _random.NextBytes(value);
                wanted[key] = remove ? null : value;
            }

            var changes = new List<RowChange>();
            foreach (KeyValuePair<byte[], byte[]?> row in wanted)
            {
                changes.Add(new RowChange(row.Key, row.Value, Rows.ContainsKey(row.Key)));
                if (row.Value is null)
                {
                    Rows.Remove(row.Key);
                }
                else
                {
                    Rows[row.Key] = row.Value;
                }
            }

            byte[] root = _tree.Apply(_height, changes);
            _tree.Commit();
            Roots[_height] = root;
            return ChangeRecord.Of(_height, root, changes, _tree);
        }
    }
}
