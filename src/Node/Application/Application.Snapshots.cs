using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using AppChain.Abci.Wire;
using AppChain.Margin;
using AppChain.StateMachine;
using Google.Protobuf;

namespace AppChain.Node;

public sealed partial class Application
{
    private SnapshotRestore? _restore;
    private long _restoreStarted;

    /// <inheritdoc/>
    public ResponseListSnapshots ListSnapshots(RequestListSnapshots request)
    {
        var response = new ResponseListSnapshots();
        foreach (Snapshot snapshot in _snapshots?.List() ?? [])
        {
            response.Snapshots.Add(new Abci.Wire.Snapshot
            {
                Height = (ulong)snapshot.Height,
                Format = Snapshot.Format,
                Chunks = (uint)snapshot.Places.Count,
                Hash = ByteString.CopyFrom(snapshot.Hash()),
                Metadata = ByteString.CopyFrom(snapshot.Metadata()),
            });
        }

        return response;
    }

    /// <inheritdoc/>
    public ResponseLoadSnapshotChunk LoadSnapshotChunk(RequestLoadSnapshotChunk request)
    {
        bool isKnown = request.Format == Snapshot.Format && request.Height <= long.MaxValue;
        byte[]? chunk = isKnown ? _snapshots?.Chunk((long)request.Height, request.Chunk) : null;
        return new ResponseLoadSnapshotChunk { Chunk = ByteString.CopyFrom(chunk ?? []) };
    }

    /// <inheritdoc/>
    public ResponseOfferSnapshot OfferSnapshot(RequestOfferSnapshot request)
    {
        lock (_consensus)
        {
            OfferSnapshotResult result = Judge(request, out Snapshot? snapshot);
            _restore = snapshot is null ? null : new SnapshotRestore(snapshot);
            _restoreStarted = Stopwatch.GetTimestamp();
            _log.Info(string.Create(
                CultureInfo.InvariantCulture,
                $"snapshot {request.Snapshot?.Height} of {request.Snapshot?.Chunks} chunks was offered: {result}"));
            return new ResponseOfferSnapshot { Result = result };
        }
    }

    /// <inheritdoc/>
    public ResponseApplySnapshotChunk ApplySnapshotChunk(RequestApplySnapshotChunk request)
    {
        lock (_consensus)
        {
            var response = new ResponseApplySnapshotChunk { Result = ApplySnapshotChunkResult.Accept };
            if (_restore is not { } restore)
            {
                response.Result = ApplySnapshotChunkResult.Abort;
                return response;
            }

            switch (restore.Apply(request.Index, request.Chunk.Span))
            {
                case ChunkVerdict.Refused:
                    _log.Info(
                        $"snapshot {restore.Snapshot.Height}: chunk {request.Index} of {request.Sender} is not what "
                        + "the app hash covers");
                    response.Result = ApplySnapshotChunkResult.Retry;
                    response.RefetchChunks.Add(request.Index);
                    if (request.Sender.Length > 0)
                    {
                        response.RejectSenders.Add(request.Sender);
                    }

                    break;
                case ChunkVerdict.Hopeless:
                    _restore = null;
                    response.Result = ApplySnapshotChunkResult.RejectSnapshot;
                    break;
                case ChunkVerdict.Complete:
                    _restore = null;
                    response.Result = TryFinish(restore)
                        ? ApplySnapshotChunkResult.Accept
                        : ApplySnapshotChunkResult.RejectSnapshot;
                    break;
                case ChunkVerdict.Kept:
                    break;
            }

            return response;
        }
    }

    // The app hash comes from the engine's light client; all else comes from the peers that offer the snapshot.
    private OfferSnapshotResult Judge(RequestOfferSnapshot request, out Snapshot? snapshot)
    {
        snapshot = null;
        if (_exchange is not null)
        {
            _log.Error(
                "a snapshot was offered to a node that holds a chain; remove its data directory to sync from others");
            return OfferSnapshotResult.Abort;
        }

        if (request.Snapshot is not { } offered || request.AppHash.Length != SHA256.HashSizeInBytes
            || offered.Height is 0 or > long.MaxValue)
        {
            return OfferSnapshotResult.Reject;
        }

        if (offered.Format != Snapshot.Format)
        {
            return OfferSnapshotResult.RejectFormat;
        }

        bool isSound = Snapshot.TryRead(
                (long)offered.Height, request.AppHash.ToByteArray(), offered.Metadata.Span, out Snapshot? read)
            && offered.Chunks == read.Places.Count
            && offered.Hash.Span.SequenceEqual(read.Hash());
        snapshot = isSound ? read : null;
        return isSound ? OfferSnapshotResult.Accept : OfferSnapshotResult.RejectSender;
    }

    // Every row is proven; it can still be of a kind that this release does not know.
    private bool TryFinish(SnapshotRestore restore)
    {
        long height = restore.Snapshot.Height;
        List<KeyValuePair<byte[], byte[]>> rows = restore.Rows();
        var changes = new List<RowChange>(rows.Count);
        foreach (KeyValuePair<byte[], byte[]> row in rows)
        {
            changes.Add(new RowChange(row.Key, row.Value, false));
        }

        var tree = new StateTree(ChainStore.HeightsKept);
        byte[] root = tree.Apply(height, changes);
        tree.Commit();
        Exchange exchange;
        try
        {
            Invariant.Assert(root.AsSpan().SequenceEqual(restore.Snapshot.AppHash));
            exchange = Exchange.Load(rows, tree);
        }
        catch (InvariantException)
        {
            _log.Error(
                $"the rows of snapshot {height} are not those of a chain that this release ({NodeVersion.Text}) "
                + "can run");
            return false;
        }

        _store.Restore(height, restore.Snapshot.AppHash, rows);
        Adopt(exchange);
        _model.Clear();
        _model.Apply(changes, [], exchange.Height, exchange.Time, exchange.AppHash);
        _feed?.Bind(_model.MarketParameters());
        Publish();
        string seconds = Stopwatch.GetElapsedTime(_restoreStarted).TotalSeconds.ToString(
            "0.00", CultureInfo.InvariantCulture);
        _log.Info($"restored snapshot {height}: {rows.Count} rows, {seconds} s since it was offered");
        return true;
    }

    // Blocks below this height are of no use to this node any more: neither to itself nor to whoever starts from one of
    // its snapshots. 0: all are kept.
    private long RetainHeight(long height)
    {
        if (_keepBlocks == 0 || height <= _keepBlocks)
        {
            return 0;
        }

        long retain = height - _keepBlocks + 1;
        return _snapshots is { Interval: > 0 } ? Math.Min(retain, _snapshots.OldestHeight) : retain;
    }
}
