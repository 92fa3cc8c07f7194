using System.Collections.Immutable;

namespace AppChain.StateMachine;

/// <summary>One price report of a validator, decoded from a verified vote extension.</summary>
/// <param name="Market">The market; reports of unknown markets are ignored.</param>
/// <param name="Price">Ticks, &gt; 0.</param>
/// <param name="Confidence">Half-width in ticks, ≥ 0.</param>
/// <param name="SourceTime">Venue time, ns since 1970.</param>
public readonly record struct PriceReport(uint Market, long Price, long Confidence, long SourceTime);

/// <summary>What one validator said in the extension of its precommit for the previous height.</summary>
/// <param name="Validator">Consensus address.</param>
/// <param name="Reports">Ascending by market, one each.</param>
public readonly record struct ValidatorReports(Address Validator, ImmutableArray<PriceReport> Reports);

/// <summary>Why a validator is punished.</summary>
public enum MisbehaviorKind : byte
{
    /// <summary>Not known.</summary>
    Unknown = 0,

    /// <summary>Two votes for one height, round and step.</summary>
    DuplicateVote = 1,

    /// <summary>Part of a forged chain shown to a light client.</summary>
    LightClientAttack = 2,
}

/// <summary>Evidence that consensus accepted against a validator.</summary>
/// <param name="Kind">What it did.</param>
/// <param name="Validator">Consensus address.</param>
/// <param name="Height">Height of the fault.</param>
public readonly record struct Misbehavior(MisbehaviorKind Kind, Address Validator, long Height);

/// <summary>
/// Input of one transition. Everything in it is either in the block or derived from the block by rules that every
/// node applies alike; nothing is local.
/// </summary>
public sealed class Block
{
    /// <summary>Height, one above the state's.</summary>
    public required long Height { get; init; }

    /// <summary>Header time, ns since 1970.</summary>
    public required long Time { get; init; }

    /// <summary>Evidence in the block.</summary>
    public ImmutableArray<Misbehavior> Misbehavior { get; init; } = [];

    /// <summary>
    /// The price update: what each validator with a valid extension reported, in validator-set order. Default when the
    /// block has none (the initial height).
    /// </summary>
    public ImmutableArray<ValidatorReports> PriceUpdate { get; init; } = [];

    /// <summary>
    /// The transactions in block order, without the price update. Null stands for bytes that did not decode or whose
    /// signature did not verify: it gets <see cref="UndecodedCodes"/> and changes nothing.
    /// </summary>
    public required ImmutableArray<Transaction?> Transactions { get; init; }

    /// <summary>For each transaction, the code that decoding or verification gave; Ok for decoded ones.</summary>
    public required ImmutableArray<ResultCode> UndecodedCodes { get; init; }
}
