using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using AppChain.Abci;
using AppChain.Abci.Wire;
using AppChain.Abci.Wire.Types;
using Google.Protobuf;

namespace AppChain.Localnet;

/// <summary>Limits of a mempool.</summary>
public sealed record MempoolOptions
{
    /// <summary>Most transactions held.</summary>
    public int MaximumCount { get; init; } = 5000;

    /// <summary>Most bytes held, over all transactions.</summary>
    public long MaximumBytes { get; init; } = 1L << 30;

    /// <summary>Largest transaction.</summary>
    public int MaximumTransactionBytes { get; init; } = 1 << 20;

    /// <summary>Hashes remembered, the least recently used is forgotten first.</summary>
    public int CacheSize { get; init; } = 10_000;

    /// <summary>Whether what remains is checked again after each block.</summary>
    public bool Recheck { get; init; } = true;

    /// <summary>How long a recheck waits for answers; a transaction without an answer stays.</summary>
    public TimeSpan RecheckTimeout { get; init; } = TimeSpan.FromSeconds(1);
}

/// <summary>
/// A transaction was not admitted for a reason of the mempool itself; the message is that of CometBFT.
/// </summary>
public sealed class MempoolRefusal(string message) : Exception(message);

/// <summary>
/// Transactions that wait for a block: first in, first out, each accepted by the validator's own application. Locked
/// while the application commits; afterwards what remains is checked again. Not kept over a restart.
/// </summary>
public sealed class Mempool
{
    private sealed record Entry(ByteString Transaction, ByteString Hash, long GasWanted);

    private sealed record Pending(ByteString Transaction, ByteString Hash, bool IsLocal, Task<ResponseCheckTx> Answer);

    private readonly IApplication _application;
    private readonly MempoolOptions _options;
    private readonly SemaphoreSlim _gate = new(1, 1);
    private readonly object _lock = new();
    private readonly LinkedList<Entry> _entries = [];
    private readonly Queue<Pending> _pending = new();
    private readonly LinkedList<ByteString> _recent = [];
    private readonly Dictionary<ByteString, LinkedListNode<ByteString>> _seen = [];
    private ConsensusParams _parameters;
    private long _bytes;

    /// <summary>Creates an empty mempool.</summary>
    public Mempool(IApplication application, MempoolOptions options, ConsensusParams parameters)
    {
        _application = application;
        _options = options;
        _parameters = parameters;
    }

    /// <summary>
    /// Called with each admitted transaction that a client submitted here, outside of any lock of the mempool. Those
    /// from peers are not passed on: every validator is a neighbour of every other.
    /// </summary>
    public Action<ByteString>? Admitted { get; set; }

    /// <summary>Number of transactions and of their bytes.</summary>
    public (int Count, long Bytes) Size
    {
        get { lock (_lock) return (_entries.Count, _bytes); }
    }

    /// <summary>Hash of a transaction: SHA-256.</summary>
    public static ByteString HashOf(ByteString transaction) => BlockHashes.Transaction(transaction.Span);

    /// <summary>Bytes of a transaction inside of a block: tag, length and content.</summary>
    public static long EncodedSize(ByteString transaction) => CodedOutputStream.ComputeBytesSize(transaction) + 1L;

    /// <summary>The oldest transactions.</summary>
    public List<ByteString> First(int limit)
    {
        lock (_lock) return [.. _entries.Take(limit).Select(entry => entry.Transaction)];
    }

    /// <summary>Submits a client's transaction; completes with the answer of the application.</summary>
    /// <exception cref="MempoolRefusal">Full, too large, or seen before.</exception>
    public async Task<ResponseCheckTx> Submit(ByteString transaction)
    {
        (ResponseCheckTx? answer, string? refusal) = await Offer(transaction, isLocal: true).ConfigureAwait(false);
        return answer ?? throw new MempoolRefusal(refusal!);
    }

    /// <summary>Takes a transaction from a peer, who does not wait for an answer.</summary>
    public Task Receive(ByteString transaction) => Offer(transaction, isLocal: false);

    private async Task<(ResponseCheckTx? Answer, string? Refusal)> Offer(ByteString transaction, bool isLocal)
    {
        ByteString hash = HashOf(transaction);
        Pending pending;
        await _gate.WaitAsync().ConfigureAwait(false);
        try
        {
            if (ExceededLimit(transaction) is { } limit) return (null, limit);
            lock (_lock)
            {
                if (!Remember(hash)) return (null, "tx already exists in cache");
                RequestCheckTx request = new() { Tx = transaction, Type = CheckTxType.New };
                pending = new Pending(transaction, hash, isLocal, _application.CheckTx(request));
                _pending.Enqueue(pending);
            }
        }
        finally
        {
            _gate.Release();
        }
        ResponseCheckTx response = await pending.Answer.ConfigureAwait(false);
        AdmitAnswered();
        return (response, null);
    }

    /// <summary>Transactions for a proposal, from the oldest until the next would exceed a limit (-1: none).</summary>
    public List<ByteString> Reap(long maximumBytes, long maximumGas)
    {
        List<ByteString> reaped = [];
        long bytes = 0, gas = 0;
        lock (_lock)
        {
            foreach (Entry entry in _entries)
            {
                bytes += EncodedSize(entry.Transaction);
                gas += entry.GasWanted;
                if ((maximumBytes >= 0 && bytes > maximumBytes) || (maximumGas >= 0 && gas > maximumGas)) break;
                reaped.Add(entry.Transaction);
            }
        }
        return reaped;
    }

    /// <summary>Keeps new transactions out and waits until the application has answered for all before.</summary>
    public void Lock()
    {
        _gate.Wait();
        try
        {
            _application.FlushMempool();
            Pending[] unanswered;
            lock (_lock) unanswered = [.. _pending];
            foreach (Pending pending in unanswered) pending.Answer.GetAwaiter().GetResult();
            AdmitAnswered();
        }
        catch
        {
            _gate.Release();
            throw;
        }
    }

    /// <summary>Removes what a block contains and checks the rest again. Between Lock and Unlock.</summary>
    public void Update(IReadOnlyList<ByteString> transactions, IReadOnlyList<ExecTxResult> results,
        ConsensusParams parameters)
    {
        List<Entry> rest;
        lock (_lock)
        {
            _parameters = parameters;
            HashSet<ByteString>? included = _entries.Count > 0 ? [] : null;
            for (int i = 0; i < transactions.Count; i++)
            {
                ByteString hash = HashOf(transactions[i]);
                included?.Add(hash);
                if (results[i].Code == 0) Remember(hash);
                else Forget(hash);
            }
            if (included is null) return;
            RemoveWhere(entry => included.Contains(entry.Hash));
            rest = [.. _entries];
        }
        if (_options.Recheck && rest.Count > 0) Recheck(rest);
    }

    /// <summary>Lets new transactions in again.</summary>
    public void Unlock() => _gate.Release();

    private string? ExceededLimit(ByteString transaction)
    {
        (int count, long bytes) = Size;
        if (count >= _options.MaximumCount || bytes + transaction.Length > _options.MaximumBytes)
        {
            return $"mempool is full: number of txs {count} (max: {_options.MaximumCount}), " +
                $"total txs bytes {bytes} (max: {_options.MaximumBytes})";
        }
        if (transaction.Length > _options.MaximumTransactionBytes)
            return $"Tx too large. Max size is {_options.MaximumTransactionBytes}, but got {transaction.Length}";
        long room = ParameterRules.MaximumTransactionBytes(_parameters, 0, 0);
        long size = EncodedSize(transaction);
        return size > room ? $"tx size is too big: {size}, max: {room}" : null;
    }

    /// <summary>ORDER: answers are taken in the order of the requests, whichever thread comes first.</summary>
    private void AdmitAnswered()
    {
        List<ByteString>? admitted = null;
        lock (_lock)
        {
            while (_pending.TryPeek(out Pending? pending) && pending.Answer.IsCompleted)
            {
                _pending.Dequeue();
                if (!pending.Answer.IsCompletedSuccessfully || !IsGood(pending.Answer.Result))
                {
                    Forget(pending.Hash);
                    continue;
                }
                _entries.AddLast(new Entry(pending.Transaction, pending.Hash, pending.Answer.Result.GasWanted));
                _bytes += pending.Transaction.Length;
                if (pending.IsLocal) (admitted ??= []).Add(pending.Transaction);
            }
        }
        if (admitted is null) return;
        foreach (ByteString transaction in admitted) Admitted?.Invoke(transaction);
    }

    private void Recheck(List<Entry> entries)
    {
        List<Task<ResponseCheckTx>> answers =
            [.. entries.Select(entry => _application.CheckTx(
                new RequestCheckTx { Tx = entry.Transaction, Type = CheckTxType.Recheck }))];
        _application.PushMempool();
        Task.WaitAll([.. answers], _options.RecheckTimeout);
        HashSet<ByteString> refused = [];
        for (int i = 0; i < answers.Count; i++)
        {
            if (answers[i].IsCompletedSuccessfully && !IsGood(answers[i].Result)) refused.Add(entries[i].Hash);
        }
        lock (_lock)
        {
            foreach (ByteString hash in refused) Forget(hash);
            RemoveWhere(entry => refused.Contains(entry.Hash));
        }
    }

    private bool IsGood(ResponseCheckTx response)
    {
        long limit = _parameters.Block.MaxGas;
        return response.Code == 0 && (limit < 0 || (response.GasWanted >= 0 && response.GasWanted <= limit));
    }

    private void RemoveWhere(Predicate<Entry> condition)
    {
        for (LinkedListNode<Entry>? node = _entries.First; node is not null;)
        {
            LinkedListNode<Entry>? next = node.Next;
            if (condition(node.Value))
            {
                _entries.Remove(node);
                _bytes -= node.Value.Transaction.Length;
            }
            node = next;
        }
    }

    private bool Remember(ByteString hash)
    {
        if (_seen.TryGetValue(hash, out LinkedListNode<ByteString>? known))
        {
            _recent.Remove(known);
            _recent.AddLast(known);
            return false;
        }
        if (_seen.Count >= _options.CacheSize)
        {
            _seen.Remove(_recent.First!.Value);
            _recent.RemoveFirst();
        }
        _seen.Add(hash, _recent.AddLast(hash));
        return true;
    }

    private void Forget(ByteString hash)
    {
        if (_seen.Remove(hash, out LinkedListNode<ByteString>? node)) _recent.Remove(node);
    }
}
