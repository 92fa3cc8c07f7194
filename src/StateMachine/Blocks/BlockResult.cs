using System;
using System.Collections.Generic;
using System.Collections.Immutable;

namespace AppChain.StateMachine;

/// <summary>Outcome of one operation.</summary>
/// <param name="Code">Ok or why it was refused.</param>
/// <param name="OrderId">Id of the order placed; 0 when none was.</param>
/// <param name="Filled">Lots filled at once.</param>
public readonly record struct OperationResult(ResultCode Code, ulong OrderId, long Filled);

/// <summary>Outcome of one transaction.</summary>
/// <param name="Code">
/// Ok, the code of the envelope check that failed, or the code of the first operation that failed when the transaction
/// is all-or-nothing. A transaction whose operations stand on their own is Ok when any of them is, and otherwise has
/// the code of its first operation.
/// </param>
/// <param name="Operations">One per operation; empty when the envelope was refused.</param>
/// <param name="Needed">For margin refusals: micro-USD needed; 0 otherwise.</param>
/// <param name="Available">For margin refusals: micro-USD of equity there was; 0 otherwise.</param>
public sealed record TransactionResult(
    ResultCode Code, ImmutableArray<OperationResult> Operations, Int128 Needed = default, Int128 Available = default);

/// <summary>A change of a validator's power that consensus is to apply.</summary>
/// <param name="PublicKey">Ed25519 key, 32 bytes.</param>
/// <param name="Power">New power; 0 removes it.</param>
public readonly record struct ValidatorUpdate(ImmutableArray<byte> PublicKey, long Power);

/// <summary>Output of one transition.</summary>
public sealed class BlockResult
{
    /// <summary>Height of the block.</summary>
    public required long Height { get; init; }

    /// <summary>One per transaction, in block order.</summary>
    public required ImmutableArray<TransactionResult> Transactions { get; init; }

    /// <summary>Everything that happened, in order. Not part of any hash.</summary>
    public required IReadOnlyList<ExchangeEvent> Events { get; init; }

    /// <summary>Changes of the validator set.</summary>
    public required ImmutableArray<ValidatorUpdate> ValidatorUpdates { get; init; }

    /// <summary>The parameters of consensus when the block changed them; null when it did not.</summary>
    public required ConsensusParameters? ParameterUpdate { get; init; }

    /// <summary>Root of the state tree after the block, 32 bytes.</summary>
    public required byte[] AppHash { get; init; }
}
