using System;
using System.Collections.Concurrent;
using System.Threading;

namespace AppChain.Node;

/// <summary>
/// Brings the rows on the disk up to date with the change log, behind Commit and without a flush: what a crash takes
/// from them, the log still has. Part of <see cref="ChainStore"/>.
/// </summary>
/// <param name="disk">Where rows and log are.</param>
/// <param name="recordOf">Reads a record of the log.</param>
/// <param name="heightsKept">Heights whose records stay, besides the newest.</param>
internal sealed class RowWriter(IKeyValueStore disk, Func<long, ChangeRecord> recordOf, int heightsKept) : IDisposable
{
    // BOUND: records that wait in memory; then Commit waits too.
    private const int WaitingMax = 256;

    private readonly BlockingCollection<ChangeRecord> _waiting = new(WaitingMax);
    private Thread? _thread;
    private volatile Exception? _failure;

    /// <summary>Why the rows cannot be written any more; null as long as they can.</summary>
    public Exception? Failure => _failure;

    /// <summary>Height of the rows on the disk; -1 when there are none.</summary>
    public long Height => DiskLayout.HeightIn(disk, DiskLayout.RowsHeight);

    /// <summary>Starts to write in the background, unless it does already.</summary>
    /// <param name="oldest">First record of the log.</param>
    /// <param name="newest">
    /// Rows that a stop left behind come first, up to this height; <see cref="Add"/> brings all later ones.
    /// </param>
    public void Start(long oldest, long newest)
    {
        if (_thread is null)
        {
            long first = Math.Max(Height + 1, oldest);
            _thread = new Thread(() => Run(first, newest)) { IsBackground = true, Name = "row writer" };
            _thread.Start();
        }
    }

    /// <summary>Hands over the newest record; waits when too many are waiting.</summary>
    public void Add(ChangeRecord record) => _waiting.Add(record);

    /// <summary>Writes up to the newest record at once.</summary>
    public void CatchUp(long oldest, ChangeRecord newest)
    {
        for (long height = Math.Max(Height + 1, oldest); height < newest.Height; height++)
        {
            Write(recordOf(height));
        }

        Write(newest);
    }

    /// <summary>Writes what is waiting and ends.</summary>
    public void Dispose()
    {
        _waiting.CompleteAdding();
        _thread?.Join();
        _waiting.Dispose();
    }

    private void Run(long first, long last)
    {
        try
        {
            for (long height = first; height <= last; height++)
            {
                Write(recordOf(height));
            }

            foreach (ChangeRecord record in _waiting.GetConsumingEnumerable())
            {
                if (record.Height > Height)
                {
                    Write(record);
                }
            }
        }
        catch (Exception failure) when (failure is StorageException or ObjectDisposedException)
        {
            // The next Append reports it; until then nobody must wait for room in the queue.
            _failure = failure;
            foreach (ChangeRecord _ in _waiting.GetConsumingEnumerable())
            {
            }
        }
    }

    private void Write(ChangeRecord record)
    {
        using IWriteBatch batch = disk.NewBatch();
        foreach (RowDelta row in record.Rows)
        {
            if (row.After is null)
            {
                batch.Delete(DiskLayout.Rows, row.Key);
            }
            else
            {
                batch.Put(DiskLayout.Rows, row.Key, row.After);
            }
        }

        batch.Put(DiskLayout.Meta, DiskLayout.RowsHeight, DiskLayout.Key(record.Height));
        long expired = record.Height - heightsKept - 1;
        if (expired >= 0)
        {
            batch.Delete(DiskLayout.ChangeLog, DiskLayout.Key(expired));
        }

        disk.RequireSpace(record.Size);
        disk.Write(batch, durable: false);
    }
}
