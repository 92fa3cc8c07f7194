using System;
using System.Collections.Immutable;

namespace AppChain.StateMachine;

/// <summary>Decodes the contents of operations on vault, treasury and councils.</summary>
internal static class VaultDecoder
{
    /// <summary>Decodes the content of a kind that <see cref="VaultEncoder"/> encodes.</summary>
    public static bool TryDecode(OperationKind kind, ReadOnlySpan<byte> bytes, out IOperationContent? content)
    {
        content = kind switch
        {
            OperationKind.AttestDeposit => DecodeAttestation(bytes),
            OperationKind.SignRelease => DecodeSignature(bytes),
            OperationKind.Propose => ProposalDecoder.Decode(bytes),
            _ => DecodeTarget(bytes),
        };
        return content is not null;
    }

    /// <summary>Decodes a withdrawal; without a destination there is no content.</summary>
    public static bool TryDecodeWithdrawal(ReadOnlySpan<byte> bytes, ref Operation operation)
    {
        var reader = new WireReader(bytes);
        operation.Amount = reader.PositiveInt64(TransactionTags.WithdrawAmount);
        ImmutableArray<byte> destination = reader.SomeBytes(VaultTags.Destination);
        operation.Content = destination.IsEmpty ? null : new WithdrawalDestination(destination);
        return reader.IsComplete;
    }

    private static NumberedTarget? DecodeTarget(ReadOnlySpan<byte> bytes)
    {
        var reader = new WireReader(bytes);
        var target = new NumberedTarget(reader.UInt64(VaultTags.Target));
        return reader.IsComplete ? target : null;
    }

    private static DepositAttestation? DecodeAttestation(ReadOnlySpan<byte> bytes)
    {
        var reader = new WireReader(bytes);
        ReadOnlySpan<byte> depositId = reader.Bytes(VaultTags.DepositId);
        Address? recipient = reader.AddressOrNone(VaultTags.DepositRecipient);
        uint subaccount = reader.UInt32(VaultTags.DepositSubaccount);
        long amount = reader.PositiveInt64(VaultTags.DepositAmount);
        return reader.IsComplete && depositId.Length == Sha256Digest.Size && recipient is { } owner
            ? new DepositAttestation(new Sha256Digest(depositId), new AccountId(owner, subaccount), amount)
            : null;
    }

    private static ReleaseSignature? DecodeSignature(ReadOnlySpan<byte> bytes)
    {
        var reader = new WireReader(bytes);
        var release = new Release(
            reader.UInt64(VaultTags.ReleaseId),
            reader.UInt64(VaultTags.ReleaseSequence),
            reader.PositiveInt64(VaultTags.ReleaseExpiry),
            reader.UInt64(VaultTags.ReleaseCouncilVersion),
            reader.PositiveInt64(VaultTags.ReleaseAmount),
            reader.SomeBytes(VaultTags.ReleaseDestination));
        ImmutableArray<byte> signature = reader.SomeBytes(VaultTags.ReleaseSignature);
        // One byte holds the length of a destination in the message that is signed.
        bool isSound = reader.IsComplete
            && signature.Length == SigningKey.SignatureSize
            && release.Destination.Length <= WithdrawalDestination.BytesMax;
        return isSound ? new ReleaseSignature(release, signature) : null;
    }
}
