using System;
using System.Collections.Generic;
using System.Collections.Immutable;

namespace AppChain.StateMachine;

/// <summary>
/// The front door of the state machine: a chain's state, and the one function that moves it by a block. One thread at
/// a time; no IO, no clock. <see cref="Execute"/> changes the state in place and leaves the block open: it is then
/// either committed or rolled back.
/// </summary>
public sealed class Exchange
{
    private readonly State _state = new();

    /// <summary>The first state of a chain. Its rows are the changes of <see cref="Commit"/> at the height before the initial one.</summary>
    public static Exchange FromGenesis(Genesis genesis) => throw new NotSupportedException();

    /// <summary>The state that committed rows stand for, as after the block that wrote the last of them.</summary>
    public static Exchange Load(IEnumerable<KeyValuePair<byte[], byte[]>> rows) => throw new NotSupportedException();

    /// <summary>Chain id.</summary>
    public string ChainId => throw new NotSupportedException();

    /// <summary>Height of the last executed block, open or committed.</summary>
    public long Height => throw new NotSupportedException();

    /// <summary>Root of the state tree after the last executed block.</summary>
    public byte[] AppHash => throw new NotSupportedException();

    /// <summary>True between <see cref="Execute"/> and <see cref="Commit"/> or <see cref="Rollback"/>.</summary>
    public bool HasOpenBlock => throw new NotSupportedException();

    /// <summary>The set that votes at a height: any from the previous committed height to two above it.</summary>
    public ImmutableArray<Validator> ValidatorsAt(long height) => throw new NotSupportedException();

    /// <summary>Executes the next block. No block may be open.</summary>
    public BlockResult Execute(Block block) => throw new NotSupportedException();

    /// <summary>Takes back the open block, to the last byte.</summary>
    public void Rollback() => throw new NotSupportedException();

    /// <summary>Makes the open block (or the genesis) final; returns the rows it changed, ascending by key.</summary>
    public IReadOnlyList<RowChange> Commit() => throw new NotSupportedException();

    /// <summary>
    /// The committed rows of the last 100 heights with proofs. Safe to read from other threads at any time.
    /// </summary>
    public StateTree Committed => throw new NotSupportedException();

    /// <summary>
    /// The weak filter of CheckTx, on committed rows only; safe to call from any thread at any time: expiry, nonce,
    /// account, market, plain limits. A transaction that passes may still be refused in its block.
    /// </summary>
    public ResultCode Check(Transaction transaction) => throw new NotSupportedException();
}
