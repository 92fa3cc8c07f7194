using System;
using System.Collections.Immutable;

namespace AppChain.StateMachine;

/// <summary>Where a withdrawal goes (Withdraw).</summary>
/// <param name="Destination">1…64 bytes in the terms of the other side.</param>
public sealed record WithdrawalDestination(ImmutableArray<byte> Destination) : IOperationContent
{
    /// <summary>Most bytes of a destination.</summary>
    public const int BytesMax = 64;
}

/// <summary>
/// Names a withdrawal (CancelWithdrawal, VetoWithdrawal) or a proposal (ApproveProposal and the like).
/// </summary>
/// <param name="Id">Its number.</param>
public sealed record NumberedTarget(ulong Id) : IOperationContent;

/// <summary>A guardian says that a deposit was made on the other side (AttestDeposit).</summary>
/// <param name="DepositId">32 bytes that name it there.</param>
/// <param name="Recipient">Account to credit.</param>
/// <param name="Amount">Micro-USD.</param>
public sealed record DepositAttestation(Sha256Digest DepositId, AccountId Recipient, long Amount) : IOperationContent;

/// <summary>A guardian's signature on a release (SignRelease).</summary>
/// <param name="Release">What it signs.</param>
/// <param name="Signature">64 bytes r ‖ s by the key that signs the transaction (<see cref="ReleaseMessage"/>).</param>
public sealed record ReleaseSignature(Release Release, ImmutableArray<byte> Signature) : IOperationContent;

/// <summary>An order to the other side to pay out a withdrawal, worth nothing without signatures.</summary>
/// <param name="Id">Number of the withdrawal: the other side pays each once.</param>
/// <param name="Sequence">Number of its admission.</param>
/// <param name="Expiry">Time (ns since 1970) from which it is worthless.</param>
/// <param name="CouncilVersion">Version of the guardians who may sign it.</param>
/// <param name="Amount">Micro-USD.</param>
/// <param name="Destination">Where it goes.</param>
public sealed record Release(
    ulong Id, ulong Sequence, long Expiry, ulong CouncilVersion, long Amount, ImmutableArray<byte> Destination)
{
    /// <summary>True when every field is the same.</summary>
    public bool Matches(Release other) =>
        Id == other.Id
        && Sequence == other.Sequence
        && Expiry == other.Expiry
        && CouncilVersion == other.CouncilVersion
        && Amount == other.Amount
        && Destination.AsSpan().SequenceEqual(other.Destination.AsSpan());
}

/// <summary>Proposal of the guardians: the whole policy of the vault as it is to be.</summary>
/// <param name="Council">Members, thresholds and timelock.</param>
/// <param name="Terms">Caps and timelocks of withdrawals.</param>
public sealed record VaultPolicy(CouncilTerms Council, VaultTerms Terms) : IOperationContent;

/// <summary>Proposal of the treasurers: a payment.</summary>
/// <param name="Recipient">Account to pay; null: the insurance fund.</param>
/// <param name="Amount">Micro-USD.</param>
/// <param name="Note">What for, 0…64 bytes.</param>
public sealed record TreasurySpend(AccountId? Recipient, long Amount, ImmutableArray<byte> Note) : IOperationContent
{
    /// <summary>Most bytes of a note.</summary>
    public const int NoteBytesMax = 64;
}

/// <summary>Proposal of the treasurers: the whole policy of the treasury as it is to be.</summary>
/// <param name="Council">Members, thresholds and timelock.</param>
/// <param name="EpochLimit">Micro-USD that may be spent in an epoch of 24 h.</param>
public sealed record TreasuryPolicy(CouncilTerms Council, long EpochLimit) : IOperationContent;
