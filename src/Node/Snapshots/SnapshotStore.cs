using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Threading;
using AppChain.Hashing;
using AppChain.StateMachine;

namespace AppChain.Node;

/// <summary>
/// Snapshots on disk: a directory per height with a file per chunk and a manifest. They are written by a background
/// thread from a version of the tree, chunk after chunk, while blocks go on. What is damaged is not served, because
/// every chunk is proven again when it is read.
/// </summary>
public sealed class SnapshotStore : IDisposable
{
    private const string Manifest = "manifest";

    // A chain must never stop because its snapshots filled the disk.
    private const long FreeBytesMin = 256L << 20;

    private readonly string _directory;
    private readonly int _keep;
    private readonly NodeLog _log;
    private readonly Lock _lock = new();
    private SortedDictionary<long, Snapshot> _snapshots;
    private Thread? _writer;
    private volatile bool _stopping;

    /// <summary>Opens the directory, creating it, and forgets what a stop left half written.</summary>
    /// <param name="directory">Directory of the snapshots alone.</param>
    /// <param name="interval">A snapshot of every height that this divides; 0 makes none.</param>
    /// <param name="keep">Newest snapshots that are kept, at least 1.</param>
    /// <param name="log">A line per snapshot, and why one was not made.</param>
    public SnapshotStore(string directory, long interval, int keep, NodeLog log)
    {
        _directory = directory;
        Interval = interval;
        _keep = keep;
        _log = log;
        Directory.CreateDirectory(directory);
        _snapshots = Scan();
    }

    /// <summary>Blocks between snapshots; 0: none are made.</summary>
    public long Interval { get; }

    /// <summary>Most rows of a chunk, in bytes; less only in tests, so that few rows make many chunks.</summary>
    internal int ChunkBytesMax { get; init; } = Snapshot.ChunkBytesMax;

    /// <summary>The oldest height with a snapshot; 0 when there is none.</summary>
    public long OldestHeight
    {
        get
        {
            lock (_lock)
            {
                foreach (long height in _snapshots.Keys)
                {
                    return height;
                }

                return 0;
            }
        }
    }

    /// <summary>The snapshots, the newest first.</summary>
    internal IReadOnlyList<Snapshot> List()
    {
        lock (_lock)
        {
            var newestFirst = new List<Snapshot>(_snapshots.Values);
            newestFirst.Reverse();
            return newestFirst;
        }
    }

    /// <summary>Reads a chunk and proves it again; null when it is not there or damaged.</summary>
    internal byte[]? Chunk(long height, uint index)
    {
        Snapshot? snapshot;
        lock (_lock)
        {
            _snapshots.TryGetValue(height, out snapshot);
        }

        if (snapshot is null || index >= snapshot.Places.Count)
        {
            return null;
        }

        try
        {
            byte[] chunk = File.ReadAllBytes(ChunkFile(DirectoryOf(height), (int)index));
            if (StateChunk.TryRead(snapshot.AppHash, snapshot.Places[(int)index], chunk, out _))
            {
                return chunk;
            }
        }
        catch (Exception missing) when (missing is IOException or UnauthorizedAccessException)
        {
        }

        _log.Error($"snapshot {height}: chunk {index} is damaged or gone; the snapshot is no longer offered");
        Forget(height);
        return null;
    }

    /// <summary>
    /// Starts a snapshot of a committed height if it is due and no other is being written. Returns at once.
    /// </summary>
    internal void Begin(StateTree tree, long height, byte[] appHash)
    {
        if (Interval == 0 || height % Interval != 0 || _stopping)
        {
            return;
        }

        if (_writer is { IsAlive: true })
        {
            _log.Info($"no snapshot of {height}: the one before is still being written");
            return;
        }

        _writer = new Thread(() => Make(tree, height, appHash)) { IsBackground = true, Name = "snapshot" };
        _writer.Start();
    }

    /// <summary>Waits until no snapshot is being written.</summary>
    internal void Wait() => _writer?.Join();

    /// <summary>Removes the snapshots above a height.</summary>
    internal void RemoveAbove(long height)
    {
        foreach (Snapshot snapshot in List())
        {
            if (snapshot.Height > height)
            {
                Forget(snapshot.Height);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _stopping = true;
        _writer?.Join();
    }

    private void Make(StateTree tree, long height, byte[] appHash)
    {
        string target = Path.Combine(_directory, "unfinished");
        try
        {
            long started = Stopwatch.GetTimestamp();
            Remove(target);
            Directory.CreateDirectory(target);
            if (TryWrite(tree, height, appHash, target, out Snapshot? snapshot, out long bytes))
            {
                File.WriteAllBytes(Path.Combine(target, Manifest), Encode(snapshot!));
                Remove(DirectoryOf(height));
                Directory.Move(target, DirectoryOf(height));
                lock (_lock)
                {
                    _snapshots[height] = snapshot!;
                }

                Prune();
                string seconds = Stopwatch.GetElapsedTime(started).TotalSeconds.ToString(
                    "0.00", CultureInfo.InvariantCulture);
                _log.Info($"snapshot {height}: {snapshot!.Places.Count} chunks, {bytes} bytes, {seconds} s");
            }

            Remove(target);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            _log.Error($"no snapshot of {height}: {failure.Message}");
        }
    }

    // From left to right; a place whose rows are too many is halved. Holds one chunk in memory.
    private bool TryWrite(
        StateTree tree, long height, byte[] appHash, string target, out Snapshot? snapshot, out long bytes)
    {
        snapshot = null;
        bytes = 0;
        var places = new List<ChunkPlace>();
        var waiting = new Stack<ChunkPlace>();
        waiting.Push(ChunkPlace.Whole);
        while (waiting.TryPop(out ChunkPlace place))
        {
            if (_stopping)
            {
                return false;
            }

            if (!tree.TryReadChunk(height, place, ChunkBytesMax, out byte[]? chunk))
            {
                _log.Info($"no snapshot of {height}: the height left the window of proofs before it was written");
                return false;
            }

            if (chunk is null)
            {
                waiting.Push(place.Half(1));
                waiting.Push(place.Half(0));
                continue;
            }

            if (places.Count == Snapshot.ChunksMax || new DriveInfo(_directory).AvailableFreeSpace < FreeBytesMin)
            {
                _log.Error($"no snapshot of {height}: less than {FreeBytesMin >> 20} MiB are free, or too many chunks");
                return false;
            }

            File.WriteAllBytes(ChunkFile(target, places.Count), chunk);
            places.Add(place);
            bytes += chunk.Length;
        }

        snapshot = new Snapshot(height, appHash, places);
        return true;
    }

    private SortedDictionary<long, Snapshot> Scan()
    {
        var found = new SortedDictionary<long, Snapshot>();
        foreach (string path in Directory.GetDirectories(_directory))
        {
            string manifest = Path.Combine(path, Manifest);
            bool isHeight = long.TryParse(
                Path.GetFileName(path), NumberStyles.None, CultureInfo.InvariantCulture, out long height);
            if (isHeight && File.Exists(manifest) && Decode(height, File.ReadAllBytes(manifest)) is { } snapshot)
            {
                found.Add(height, snapshot);
            }
            else
            {
                TryRemove(path);
            }
        }

        return found;
    }

    private void Prune()
    {
        IReadOnlyList<Snapshot> newestFirst = List();
        for (int i = _keep; i < newestFirst.Count; i++)
        {
            Forget(newestFirst[i].Height);
        }
    }

    private void Forget(long height)
    {
        bool isOurs;
        lock (_lock)
        {
            isOurs = _snapshots.Remove(height);
        }

        // One caller deletes: a chunk can be asked for in the moment in which a newer snapshot takes this one's place.
        if (isOurs)
        {
            TryRemove(DirectoryOf(height));
        }
    }

    // What cannot be removed stops nothing. The manifest goes first: without it the rest is no snapshot.
    private void TryRemove(string directory)
    {
        try
        {
            File.Delete(Path.Combine(directory, Manifest));
            Remove(directory);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            _log.Error($"{directory} is no longer used and cannot be removed: {failure.Message}");
        }
    }

    private string DirectoryOf(long height) =>
        Path.Combine(_directory, height.ToString(CultureInfo.InvariantCulture));

    private static string ChunkFile(string directory, int index) =>
        Path.Combine(directory, index.ToString("000000", CultureInfo.InvariantCulture));

    private static void Remove(string directory)
    {
        if (Directory.Exists(directory))
        {
            Directory.Delete(directory, true);
        }
    }

    // Height, app hash, depths, SHA-256 over the rest.
    private static byte[] Encode(Snapshot snapshot)
    {
        var height = new byte[sizeof(long)];
        BinaryPrimitives.WriteInt64BigEndian(height, snapshot.Height);
        byte[] body = [.. height, .. snapshot.AppHash, .. snapshot.Metadata()];
        return [.. body, .. Sha256.Hash(body)];
    }

    private static Snapshot? Decode(long height, byte[] manifest)
    {
        const int head = sizeof(long) + Sha256.Size;
        if (manifest.Length < head + Sha256.Size)
        {
            return null;
        }

        ReadOnlySpan<byte> body = manifest.AsSpan(0, manifest.Length - Sha256.Size);
        bool isWhole = Sha256.Hash(body).AsSpan().SequenceEqual(manifest.AsSpan(body.Length))
            && BinaryPrimitives.ReadInt64BigEndian(body) == height;
        return isWhole
            && Snapshot.TryRead(height, body[sizeof(long)..head].ToArray(), body[head..], out Snapshot? snapshot)
            ? snapshot
            : null;
    }
}
