using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Diagnostics;
using AppChain.Abci.Wire;
using AppChain.Abci.Wire.Types;
using AppChain.StateMachine;
using Google.Protobuf;
using Block = AppChain.StateMachine.Block;
using Validator = AppChain.StateMachine.Validator;

namespace AppChain.Node;

public sealed partial class Application
{
    private long _initialHeight = -1;

    /// <summary>Height of the first block of the chain.</summary>
    private long InitialHeight => _initialHeight >= 0 ? _initialHeight : _initialHeight = Chain.InitialHeight;

    /// <inheritdoc/>
    public ResponseFinalizeBlock FinalizeBlock(RequestFinalizeBlock request)
    {
        lock (_consensus)
        {
            if (_candidate is null || _candidate.Hash != request.Hash || !Chain.HasOpenBlock)
            {
                DropCandidate();
                Block block = BlockOf(request, out int updates);
                Execute(request.Hash, block, updates);
            }

            return ResponseOf(_candidate!, request.Txs.Count);
        }
    }

    /// <inheritdoc/>
    public ResponseCommit Commit(RequestCommit request)
    {
        lock (_consensus)
        {
            Candidate candidate = _candidate
                ?? throw new InvalidOperationException("the engine called Commit without FinalizeBlock");
            Exchange exchange = Chain;
            IReadOnlyList<RowChange> changes = exchange.Commit();
            ChangeRecord record = ChangeRecord.Of(exchange.Height, exchange.AppHash, changes, exchange.Committed);
            _store.Append(record, _genesis);
            _genesis = null;
            _model.Apply(changes, candidate.Result.Events, exchange.Height, exchange.Time, exchange.AppHash);
            _model.Count(candidate.Result.Transactions, exchange.CheckEveryRow);
            Publish();
            _candidate = null;
            _snapshots?.Begin(exchange.Committed, exchange.Height, exchange.AppHash);
            return new ResponseCommit { RetainHeight = RetainHeight(exchange.Height) };
        }
    }

    // Blocks that come by block sync were never proposed here: 2/3 accepted them, so the price update is sound, and
    // whatever is not a transaction gets its code.
    private Block BlockOf(RequestFinalizeBlock request, out int updates)
    {
        ImmutableArray<ValidatorReports> reports = [];
        updates = 0;
        if (request.Txs.Count > 0 && PriceUpdate.IsClaimedBy(request.Txs[0].Span))
        {
            updates = 1;
            ImmutableArray<Validator> validators = Chain.ValidatorsAt(request.Height - 1);
            reports = PriceUpdate.Decode(request.Txs[0].Span)?.Reports(validators) ?? [];
        }

        var users = new List<ByteString>(request.Txs.Count);
        for (int i = updates; i < request.Txs.Count; i++)
        {
            users.Add(request.Txs[i]);
        }

        return BlockOf(request.Height, request.Time, request.Misbehavior, reports, Verified.VerifyAll(users));
    }

    private void Execute(ByteString hash, Block block, int updates)
    {
        long started = Stopwatch.GetTimestamp();
        Chain.CheckEveryRow = CheckEveryRow;
        BlockResult result = Chain.Execute(block);
        _candidate = new Candidate(hash, result, updates);
        if (!_log.IsInfo)
        {
            return;
        }

        int fills = 0;
        int liquidations = 0;
        foreach (ExchangeEvent happened in result.Events)
        {
            fills += happened.Kind == EventKind.Fill ? 1 : 0;
            liquidations += happened.Kind == EventKind.LiquidationOpened ? 1 : 0;
        }

        double milliseconds = Stopwatch.GetElapsedTime(started).TotalMilliseconds;
        _log.Info($"executed {block.Height}: {block.Transactions.Length} transactions, {fills} fills, {liquidations} "
            + $"liquidations, {milliseconds:0.0} ms, app hash {Convert.ToHexString(result.AppHash.AsSpan(0, 6))}");
    }

    private ResponseFinalizeBlock ResponseOf(Candidate candidate, int transactions)
    {
        var response = new ResponseFinalizeBlock { AppHash = ByteString.CopyFrom(candidate.Result.AppHash) };
        var results = new ExecTxResult[transactions];
        for (int i = 0; i < results.Length; i++)
        {
            results[i] = i < candidate.PriceUpdates
                ? new ExecTxResult()
                : ResultEncoding.Of(candidate.Result.Transactions[i - candidate.PriceUpdates]);
        }

        Func<int, string> accountName = AccountNames();
        foreach (ExchangeEvent happened in candidate.Result.Events)
        {
            Event abci = EventEncoding.Of(happened, accountName);
            if (happened.Transaction < 0)
            {
                response.Events.Add(abci);
            }
            else
            {
                results[happened.Transaction + candidate.PriceUpdates].Events.Add(abci);
            }
        }

        response.TxResults.AddRange(results);
        foreach (StateMachine.ValidatorUpdate update in candidate.Result.ValidatorUpdates)
        {
            response.ValidatorUpdates.Add(new Abci.Wire.ValidatorUpdate
            {
                PubKey = new Abci.Wire.Crypto.PublicKey { Ed25519 = ByteString.CopyFrom(update.PublicKey.AsSpan()) },
                Power = update.Power,
            });
        }

        response.ConsensusParamUpdates = candidate.Result.ParameterUpdate is { } parameters
            ? EngineParameters.Of(parameters)
            : null;
        return response;
    }

    // Names accounts by number, each spelt once. Good for one response only: a candidate that is dropped may take
    // account numbers with it.
    private Func<int, string> AccountNames()
    {
        var names = new Dictionary<int, string>();
        return number =>
        {
            if (!names.TryGetValue(number, out string? name))
            {
                names[number] = name = AccountText.Of(Chain.AccountOf(number));
            }

            return name;
        };
    }
}
