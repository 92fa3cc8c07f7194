using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading;
using AppChain.Abci;
using AppChain.Abci.Wire;
using AppChain.Abci.Wire.Types;
using Google.Protobuf;

namespace AppChain.Localnet;

/// <summary>
/// What a validator keeps: blocks with the precommits seen for them, results of their execution, and the state after
/// each height. The three are written one after the other inside a height, so after a crash the block may be ahead of
/// the state by one. Safe for one writer and many readers.
/// </summary>
public sealed class BlockStore : IDisposable
{
    private const byte BlockRecord = 1;
    private const byte CommitRecord = 2;
    private const byte ResponseRecord = 3;
    private const byte StateRecord = 4;

    private readonly RecordLog _log;
    private readonly Dictionary<ByteString, (long Height, int Index)> _transactions = [];
    private volatile SealedBlock? _last;
    private long _height;
    private long _stateHeight;

    /// <summary>Opens the store over a log.</summary>
    public BlockStore(RecordLog log)
    {
        _log = log;
        List<long> blocks = log.Heights(BlockRecord);
        _height = blocks.Count == 0 ? 0 : blocks[^1];
        Base = blocks.Count == 0 ? 0 : blocks[0];
        _stateHeight = log.Heights(StateRecord).LastOrDefault();
        foreach (long height in log.Heights(ResponseRecord)) IndexTransactions(height);
    }

    /// <summary>Evidence in the blocks whose state is stored.</summary>
    public IEnumerable<Evidence> CommittedEvidence() =>
        _log.Heights(BlockRecord).Where(height => height <= StateHeight)
            .SelectMany(height => LoadBlock(height)!.Block.Evidence.Evidence);

    /// <summary>Height of the first stored block, 0 if there is none.</summary>
    public long Base { get; private set; }

    /// <summary>Height of the last stored block, 0 if there is none.</summary>
    public long Height => Volatile.Read(ref _height);

    /// <summary>Height of the last stored state, 0 if none is later than the genesis.</summary>
    public long StateHeight => Volatile.Read(ref _stateHeight);

    /// <summary>Stores a decided block with the precommits that decided it.</summary>
    public void SaveBlock(SealedBlock block, ExtendedCommit seen)
    {
        long height = block.Height;
        _log.Append(CommitRecord, height, seen.ToByteArray());
        _log.Append(BlockRecord, height, block.Bytes.Span);
        _last = block;
        if (Base == 0) Base = height;
        Volatile.Write(ref _height, height);
    }

    /// <summary>The block of a height, or null.</summary>
    public SealedBlock? LoadBlock(long height)
    {
        if (_last is { } last && last.Height == height) return last;
        return _log.Read(BlockRecord, height) is { } bytes ? SealedBlock.Decode(bytes) : null;
    }

    /// <summary>The precommits of a height as this validator saw them when it decided, or null.</summary>
    public ExtendedCommit? LoadSeenCommit(long height) =>
        _log.Read(CommitRecord, height) is { } bytes ? ExtendedCommit.Parser.Read(bytes) : null;

    /// <summary>The commit of a height: the one in the next block, or for the last block the one seen.</summary>
    public (Commit Commit, bool Canonical)? LoadCommit(long height)
    {
        if (LoadBlock(height + 1) is { } next) return (next.Block.LastCommit, true);
        return LoadSeenCommit(height) is { } seen ? (Commits.Strip(seen), false) : null;
    }

    /// <summary>Stores the results of a block, before the application commits.</summary>
    public void SaveResponse(long height, ResponseFinalizeBlock response)
    {
        _log.Append(ResponseRecord, height, response.ToByteArray());

        // ORDER: the application commits next. It must not be ahead of the blocks kept here, and cannot be asked for
        // the results again; the block and its precommits were written before, so this one wait covers them too.
        _log.Sync();
        IndexTransactions(height);
    }

    /// <summary>The results of a block, or null.</summary>
    public ResponseFinalizeBlock? LoadResponse(long height) =>
        _log.Read(ResponseRecord, height) is { } bytes ? ResponseFinalizeBlock.Parser.Read(bytes) : null;

    /// <summary>Stores the state after its last height.</summary>
    public void SaveState(ChainState state)
    {
        _log.Append(StateRecord, state.LastHeight, state.ToBytes());
        Volatile.Write(ref _stateHeight, state.LastHeight);
    }

    /// <summary>The state after a height (0: the genesis), or null.</summary>
    public ChainState? LoadState(long height) =>
        _log.Read(StateRecord, height) is { } bytes ? ChainState.FromBytes(bytes) : null;

    /// <summary>
    /// The state that height <paramref name="height"/> starts from: its validators and parameters are those in force.
    /// </summary>
    public ChainState? LoadStateBefore(long height) =>
        LoadState(height - 1) ?? (LoadState(0) is { } genesis && genesis.InitialHeight == height ? genesis : null);

    /// <summary>Where a transaction of a given hash was executed, or null.</summary>
    public (long Height, int Index)? FindTransaction(ByteString hash)
    {
        lock (_transactions) return _transactions.TryGetValue(hash, out (long, int) place) ? place : null;
    }

    /// <inheritdoc/>
    public void Dispose() => _log.Dispose();

    private void IndexTransactions(long height)
    {
        if (LoadBlock(height) is not { } block) return;
        lock (_transactions)
        {
            for (int i = 0; i < block.Block.Data.Txs.Count; i++)
            {
                _transactions[BlockHashes.Transaction(block.Block.Data.Txs[i].Span)] = (height, i);
            }
        }
    }
}
