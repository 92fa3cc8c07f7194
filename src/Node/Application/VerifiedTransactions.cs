using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Threading;
using System.Threading.Tasks;
using AppChain.Hashing;
using AppChain.StateMachine;
using Google.Protobuf;

namespace AppChain.Node;

/// <summary>A transaction's verdict: the decoded transaction, or the code that decoding or verification gave.</summary>
internal sealed record VerifiedTransaction(ResultCode Code, Transaction? Transaction);

/// <summary>
/// Decodes transactions and verifies their signatures, once per transaction: CheckTx, proposal and block see the same
/// bytes, and the verdict is a pure function of them. Safe from any thread; blocks are verified in parallel.
/// </summary>
internal sealed class VerifiedTransactions(string chainId)
{
    // BOUND: twice the mempool of a default CometBFT node, and as many operations as take some 25 MB: anybody can send
    // transactions of a hundred operations, and what is refused is remembered too.
    private const int VerdictsMax = 20_000;
    private const int OperationsMax = 200_000;

    private readonly record struct Key(ulong First, ulong Second, ulong Third, ulong Fourth);

    private readonly TransactionVerifier _verifier = new(chainId);
    private readonly Lock _lock = new();
    private Dictionary<Key, VerifiedTransaction> _young = [];
    private Dictionary<Key, VerifiedTransaction> _old = [];
    private int _youngOperations;
    private int _oldOperations;

    /// <summary>Operations of all transactions that are remembered, to twice the bound.</summary>
    internal int OperationsHeld
    {
        get
        {
            lock (_lock)
            {
                return _youngOperations + _oldOperations;
            }
        }
    }

    /// <summary>The verdict on one transaction.</summary>
    public VerifiedTransaction Verify(ReadOnlySpan<byte> bytes)
    {
        Key key = KeyOf(bytes);
        lock (_lock)
        {
            if (_young.TryGetValue(key, out VerifiedTransaction? known) || _old.TryGetValue(key, out known))
            {
                return known;
            }
        }

        VerifiedTransaction verdict = Judge(bytes);
        lock (_lock)
        {
            // Another thread may have judged the same bytes meanwhile.
            _youngOperations += _young.TryAdd(key, verdict) ? verdict.Transaction?.Operations.Length ?? 0 : 0;
            if (_young.Count >= VerdictsMax || _youngOperations >= OperationsMax)
            {
                _old = _young;
                _oldOperations = _youngOperations;
                _young = [];
                _youngOperations = 0;
            }
        }

        return verdict;
    }

    /// <summary>The verdicts on many transactions, verified on all cores, in their order.</summary>
    public ImmutableArray<VerifiedTransaction> VerifyAll(IReadOnlyList<ByteString> transactions)
    {
        // Most were verified when they came; for a few, waking other threads takes longer than the work.
        const int fewest = 8;
        var verdicts = new VerifiedTransaction[transactions.Count];
        for (int i = 0; i < verdicts.Length && verdicts.Length < fewest; i++)
        {
            verdicts[i] = Verify(transactions[i].Span);
        }

        if (verdicts.Length >= fewest)
        {
            Parallel.For(0, verdicts.Length, i => verdicts[i] = Verify(transactions[i].Span));
        }

        return ImmutableArray.Create(verdicts);
    }

    private VerifiedTransaction Judge(ReadOnlySpan<byte> bytes)
    {
        ResultCode code = _verifier.Decode(bytes, out Transaction? transaction);
        return new VerifiedTransaction(code, transaction);
    }

    private static Key KeyOf(ReadOnlySpan<byte> bytes)
    {
        Span<byte> hash = stackalloc byte[Sha256.Size];
        Sha256.Hash(bytes, hash);
        return System.Runtime.InteropServices.MemoryMarshal.Read<Key>(hash);
    }
}
