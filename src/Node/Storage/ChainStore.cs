using System;
using System.Buffers;
using System.Buffers.Binary;
using System.Collections.Generic;
using AppChain.StateMachine;

namespace AppChain.Node;

/// <summary>
/// The chain on disk. A committed block is one record in the change log, written with one flush; a background thread
/// then brings the rows up to date. Restart reads the rows and the records after them. The last 101 records stay, so
/// that proofs of the last 100 heights can be given after a restart too (docs/decisions/0003-change-log.md).
/// </summary>
public sealed class ChainStore : IDisposable
{
    /// <summary>Heights whose state can be rebuilt after a restart, besides the newest.</summary>
    public const int HeightsKept = 100;

    private readonly IKeyValueStore _db;
    private readonly Materialising _materialising;
    private readonly RowWriter _rows;
    private long _oldest;
    private bool _disposed;

    /// <summary>
    /// Opens the store in a directory. Without materialising, rows stay as they are: for tests of recovery.
    /// </summary>
    /// <exception cref="StorageException">See the message.</exception>
    public ChainStore(string directory, bool materialise = true)
        : this(
            new RocksDb(directory, DiskLayout.Families), materialise ? Materialising.Background : Materialising.Never)
    {
    }

    /// <summary>Opens the store over a disk, which it owns from now on.</summary>
    /// <exception cref="StorageException">See the message.</exception>
    internal ChainStore(IKeyValueStore disk, Materialising materialising)
    {
        _db = disk;
        _materialising = materialising;
        _rows = new RowWriter(disk, Record, HeightsKept);
        Height = -1;
        _oldest = long.MaxValue;
        bool whole = true;
        foreach (KeyValuePair<byte[], byte[]> record in _db.Scan(DiskLayout.ChangeLog))
        {
            long height = record.Key.Length == sizeof(long) ? BinaryPrimitives.ReadInt64BigEndian(record.Key) : -1;
            if (height < 0 || (Height >= 0 && height != Height + 1))
            {
                whole = false;
                break;
            }

            _oldest = Math.Min(_oldest, height);
            Height = height;
        }

        if (!whole)
        {
            _db.Dispose();
            throw new StorageException(
                $"the change log has no record of height {Height + 1}; restore the data directory from a backup, "
                + "or remove it and sync from the other validators");
        }

        if (Height < 0)
        {
            RemoveRows();
        }
    }

    /// <summary>Height of the newest durable block; -1 when there is none.</summary>
    public long Height { get; private set; }

    /// <summary>Makes a committed block durable; returns when it is on the disk.</summary>
    /// <param name="record">What the block changed.</param>
    /// <param name="genesis">The rows before the first block, which become durable together with it.</param>
    /// <exception cref="StorageException">Nothing was written; the node must stop.</exception>
    internal void Append(ChangeRecord record, ChangeRecord? genesis = null)
    {
        if (_rows.Failure is { } failure)
        {
            throw new StorageException($"the rows could not be written: {failure.Message}", failure);
        }

        if (genesis is not null && Height >= 0)
        {
            throw new StorageException(
                $"the engine starts a new chain, but the data directory holds one of height {Height}; "
                + "give the new chain an empty data directory");
        }

        long before = genesis?.Height ?? Height;
        if (before >= 0 && record.Height != before + 1)
        {
            throw new StorageException($"block {record.Height} does not follow {before}");
        }

        using (IWriteBatch batch = _db.NewBatch())
        {
            int size = genesis is null ? 0 : PutRecord(batch, genesis);
            size += PutRecord(batch, record);
            _db.RequireSpace(size);
            _db.Write(batch, durable: true);
        }

        _oldest = Math.Min(_oldest, genesis?.Height ?? record.Height);
        Height = record.Height;
        if (_materialising == Materialising.AtOnce)
        {
            _rows.CatchUp(_oldest, record);
        }
        else if (_materialising == Materialising.Background)
        {
            _rows.Start(_oldest, Height);
            _rows.Add(record);
        }
    }

    /// <summary>Takes back the newest block; durable when it returns. For a store that materialises nothing.</summary>
    /// <exception cref="StorageException">The height before is not known here.</exception>
    internal void Rollback()
    {
        if (Height <= _oldest || Height <= BaseHeight())
        {
            throw new StorageException(
                $"height {Height} is the oldest that the data directory knows: there is nothing before it to go "
                + "back to");
        }

        ChangeRecord record = Record(Height);
        using IWriteBatch batch = _db.NewBatch();
        if (_rows.Height == Height)
        {
            foreach (RowDelta row in record.Rows)
            {
                if (row.Before is null)
                {
                    batch.Delete(DiskLayout.Rows, row.Key);
                }
                else
                {
                    batch.Put(DiskLayout.Rows, row.Key, row.Before);
                }
            }

            batch.Put(DiskLayout.Meta, DiskLayout.RowsHeight, DiskLayout.Key(Height - 1));
        }

        batch.Delete(DiskLayout.ChangeLog, DiskLayout.Key(Height));
        _db.RequireSpace(record.Size);
        _db.Write(batch, durable: true);
        Height--;
    }

    /// <summary>Begins an empty store with the rows of a snapshot; durable when it returns.</summary>
    /// <exception cref="StorageException">The store holds a chain, or the rows could not be written.</exception>
    internal void Restore(long height, byte[] appHash, IReadOnlyList<KeyValuePair<byte[], byte[]>> rows)
    {
        const int batchBytesMax = 4 << 20;
        if (Height >= 0)
        {
            throw new StorageException(
                $"the data directory holds a chain of height {Height}; a snapshot needs an empty one");
        }

        RemoveRows();
        for (int i = 0; i < rows.Count;)
        {
            using IWriteBatch batch = _db.NewBatch();
            int bytes = 0;
            for (; i < rows.Count && bytes < batchBytesMax; i++)
            {
                batch.Put(DiskLayout.Rows, rows[i].Key, rows[i].Value);
                bytes += rows[i].Key.Length + rows[i].Value.Length;
            }

            _db.RequireSpace(bytes);
            _db.Write(batch, durable: false);
        }

        // ORDER: last and with a flush. Without it the rows count as none, and the next start removes them.
        using IWriteBatch end = _db.NewBatch();
        var record = new ChangeRecord { Height = height, AppHash = appHash, Rows = [] };
        end.Put(DiskLayout.Meta, DiskLayout.RowsHeight, DiskLayout.Key(height));
        end.Put(DiskLayout.Meta, DiskLayout.BaseHeight, DiskLayout.Key(height));
        end.Put(DiskLayout.ChangeLog, DiskLayout.Key(height), record.Encode());
        _db.RequireSpace(record.Size);
        _db.Write(end, durable: true);
        _oldest = height;
        Height = height;
    }

    /// <summary>
    /// The newest durable state: rows ascending by key, and a tree of the kept heights whose newest version has their
    /// root. Null when the store is empty.
    /// </summary>
    /// <exception cref="StorageException">The store is damaged; the message says what to do.</exception>
    public (IReadOnlyList<KeyValuePair<byte[], byte[]>> Rows, StateTree Tree)? Load()
    {
        if (Height < 0)
        {
            return null;
        }

        var rows = new SortedDictionary<byte[], byte[]>(Comparer<byte[]>.Create(
            static (left, right) => left.AsSpan().SequenceCompareTo(right)));
        foreach (KeyValuePair<byte[], byte[]> row in _db.Scan(DiskLayout.Rows))
        {
            rows.Add(row.Key, row.Value);
        }

        long at = _rows.Height;
        if (at + 1 < _oldest && !(at < 0 && rows.Count == 0))
        {
            throw new StorageException($"rows of height {at} and a change log from {_oldest} do not meet");
        }

        // Back to the oldest height that the records reach, then forward again, one tree version per height.
        long first = Math.Max(Math.Max(_oldest, BaseHeight() + 1), Height - HeightsKept + 1);
        for (long height = at; height >= first; height--)
        {
            foreach (RowDelta row in Record(height).Rows)
            {
                Put(rows, row.Key, row.Before);
            }

            at = height - 1;
        }

        var tree = new StateTree(HeightsKept);
        if (at >= 0 && rows.Count > 0)
        {
            var all = new List<RowChange>(rows.Count);
            foreach (KeyValuePair<byte[], byte[]> row in rows)
            {
                all.Add(new RowChange(row.Key, row.Value, false));
            }

            byte[] root = tree.Apply(at, all);
            tree.Commit();
            if (at >= _oldest)
            {
                RequireRoot(root, Record(at));
            }
        }

        for (long height = Math.Max(at + 1, _oldest); height <= Height; height++)
        {
            Redo(rows, tree, Record(height));
        }

        // ORDER: not before the rows were read, so that they and their height are of one moment.
        if (_materialising == Materialising.Background)
        {
            _rows.Start(_oldest, Height);
        }

        return (new List<KeyValuePair<byte[], byte[]>>(rows), tree);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        _rows.Dispose();
        _db.Dispose();
    }

    private static void Redo(SortedDictionary<byte[], byte[]> rows, StateTree tree, ChangeRecord record)
    {
        var changes = new List<RowChange>(record.Rows.Length);
        foreach (RowDelta row in record.Rows)
        {
            Put(rows, row.Key, row.After);
            changes.Add(new RowChange(row.Key, row.After, row.Before is not null));
        }

        byte[] root = tree.Apply(record.Height, changes);
        tree.Commit();
        RequireRoot(root, record);
    }

    private static void RequireRoot(byte[] root, ChangeRecord record)
    {
        if (!root.AsSpan().SequenceEqual(record.AppHash))
        {
            throw new StorageException(
                $"the rows of height {record.Height} hash to {Convert.ToHexString(root)}, but the block's app hash is "
                + $"{Convert.ToHexString(record.AppHash)}; restore the data directory from a backup, or remove it and "
                + "sync from the other validators");
        }
    }

    private static void Put(SortedDictionary<byte[], byte[]> rows, byte[] key, byte[]? value)
    {
        if (value is null)
        {
            rows.Remove(key);
        }
        else
        {
            rows[key] = value;
        }
    }

    // Puts a record into the log; returns its length.
    private static int PutRecord(IWriteBatch batch, ChangeRecord record)
    {
        int size = record.Size;
        byte[] buffer = ArrayPool<byte>.Shared.Rent(size);
        Span<byte> bytes = buffer.AsSpan(0, size);
        record.Encode(bytes);
        batch.Put(DiskLayout.ChangeLog, DiskLayout.Key(record.Height), bytes);
        ArrayPool<byte>.Shared.Return(buffer);
        return size;
    }

    private ChangeRecord Record(long height) => ChangeRecord.Decode(
        height,
        _db.Get(DiskLayout.ChangeLog, DiskLayout.Key(height))
        ?? throw new StorageException($"the change log has no record of height {height}"));

    // The height of the snapshot that the store began with: what was before is not known here.
    private long BaseHeight() => DiskLayout.HeightIn(_db, DiskLayout.BaseHeight);

    // Rows without a record of the log were left by a snapshot that was not received to its end.
    private void RemoveRows()
    {
        using IWriteBatch batch = _db.NewBatch();
        bool any = false;
        foreach (KeyValuePair<byte[], byte[]> row in _db.Scan(DiskLayout.Rows))
        {
            batch.Delete(DiskLayout.Rows, row.Key);
            any = true;
        }

        if (any)
        {
            _db.Write(batch, durable: false);
        }
    }
}
