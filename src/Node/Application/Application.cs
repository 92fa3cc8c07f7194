using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Threading;
using AppChain.Abci;
using AppChain.Abci.Wire;
using AppChain.Hsm;
using AppChain.Margin;
using AppChain.StateMachine;

namespace AppChain.Node;

/// <summary>
/// The chain as CometBFT sees it: one method per call of ABCI 2.0, a file per family. Calls that may touch the state in
/// flight take the one lock; CheckTx and Query read committed data only and never wait for a block in execution.
/// </summary>
public sealed partial class Application : IAbciApplication, IDisposable
{
    private readonly Lock _consensus = new();
    private readonly ChainStore _store;
    private readonly PriceFeed? _feed;
    private readonly NodeLog _log;
    private readonly Func<long>? _chainTime;
    private readonly SnapshotStore? _snapshots;
    private readonly long _keepBlocks;
    private readonly ReadModel _model = new();

    // Under the lock of consensus: who proposes a block judges it too, and of one price update there can be several
    // blocks.
    private readonly VerifiedSignatures _signatures = new();

    private Exchange? _exchange;
    private VerifiedTransactions? _verified;
    private ChangeRecord? _genesis;
    private Candidate? _candidate;

    // Published at Commit; read by CheckTx and Query without the lock.
    private volatile Committed? _committed;

    /// <summary>What readers see: the tree, and the height of it that is committed.</summary>
    private sealed record Committed(StateTree Tree, long Height, byte[] AppHash, string ChainId);

    /// <summary>The last block executed and not committed.</summary>
    private sealed record Candidate(Google.Protobuf.ByteString Hash, BlockResult Result, int PriceUpdates);

    /// <summary>Recovers the chain from its store.</summary>
    /// <param name="store">Owned by the application from now on.</param>
    /// <param name="feed">Local prices; null when this node reports none.</param>
    /// <param name="checkEveryRow">Visit every row after every block.</param>
    /// <param name="log">One line per block, and why a proposal is refused.</param>
    /// <param name="chainTime">Reads the chain's clock for the feed; null: the time of the block voted for.</param>
    /// <param name="snapshots">Snapshots for others, owned by the application from now on; null: none.</param>
    /// <param name="keepBlocks">Blocks that the engine is asked to keep; 0: all.</param>
    /// <exception cref="StorageException">The store is damaged.</exception>
    /// <exception cref="FeedException">The feed prices a market that the chain does not have.</exception>
    public Application(
        ChainStore store,
        PriceFeed? feed,
        bool checkEveryRow,
        NodeLog log,
        Func<long>? chainTime = null,
        SnapshotStore? snapshots = null,
        long keepBlocks = 0)
    {
        _snapshots = snapshots;
        _keepBlocks = keepBlocks;
        _chainTime = chainTime;
        _store = store;
        _feed = feed;
        CheckEveryRow = checkEveryRow;
        _log = log;
        Recover();
    }

    /// <summary>Height of the last durable block; 0 before the first.</summary>
    public long Height => _committed?.Height ?? 0;

    /// <summary>Visit every row after each block that is executed from now on.</summary>
    internal bool CheckEveryRow { get; set; }

    /// <inheritdoc/>
    public ResponseInfo Info(RequestInfo request)
    {
        // A restarted engine may ask while the Commit of its former life still runs: it must hear of that block.
        lock (_consensus)
        {
            var response = new ResponseInfo
            {
                Data = "appchain",
                Version = NodeVersion.Text,
                AppVersion = NodeVersion.Consensus,
            };
            if (_committed is { } committed)
            {
                response.LastBlockHeight = committed.Height;
                response.LastBlockAppHash = Google.Protobuf.ByteString.CopyFrom(committed.AppHash);
            }

            return response;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _snapshots?.Dispose();
        _store.Dispose();
    }

    private void Recover()
    {
        if (_store.Load() is not { } loaded)
        {
            return;
        }

        Exchange exchange = Exchange.Load(loaded.Rows, loaded.Tree);
        var rows = new List<RowChange>(loaded.Rows.Count);
        foreach (KeyValuePair<byte[], byte[]> row in loaded.Rows)
        {
            rows.Add(new RowChange(row.Key, row.Value, false));
        }

        Adopt(exchange);
        _model.Apply(rows, [], exchange.Height, exchange.Time, exchange.AppHash);
        _feed?.Bind(_model.MarketParameters());
        Publish();
    }

    private void Adopt(Exchange exchange)
    {
        _exchange = exchange;
        _verified = new VerifiedTransactions(exchange.ChainId);
        _candidate = null;
    }

    private void Publish()
    {
        Exchange exchange = Chain;
        _committed = new Committed(exchange.Committed, exchange.Height, exchange.AppHash, exchange.ChainId);
    }

    private Exchange Chain => _exchange
        ?? throw new InvalidOperationException(
            "the engine called before InitChain; start it with this application's genesis");

    private VerifiedTransactions Verified => _verified
        ?? throw new InvalidOperationException(
            "the engine called before InitChain; start it with this application's genesis");

    // ABCI 2.0: a block is executed against the last committed state, whatever candidate lies on it.
    private void DropCandidate()
    {
        _candidate = null;
        if (Chain.HasOpenBlock)
        {
            Chain.Rollback();
        }
    }
}
