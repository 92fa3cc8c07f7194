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
        // BOUND: tags ascend and unknown ones end the loop.
        while (reader.TryReadTag(out uint tag))
        {
            switch (tag)
            {
                case TransactionTags.WithdrawAmount:
                    operation.Amount = reader.ReadPositiveInt64();
                    break;
                case VaultTags.Destination:
                    operation.Content = new WithdrawalDestination(ReadSome(ref reader));
                    break;
                default:
                    reader.Fail();
                    break;
            }
        }

        return !reader.HasFailed;
    }

    /// <summary>Reads bytes of which there is at least one: none would be the default, which is not written.</summary>
    public static ImmutableArray<byte> ReadSome(ref WireReader reader)
    {
        ReadOnlySpan<byte> bytes = reader.ReadBytes();
        if (bytes.IsEmpty)
        {
            reader.Fail();
        }

        return [.. bytes];
    }

    private static NumberedTarget? DecodeTarget(ReadOnlySpan<byte> bytes)
    {
        ulong id = 0;
        var reader = new WireReader(bytes);
        // BOUND: tags ascend and unknown ones end the loop.
        while (reader.TryReadTag(out uint tag))
        {
            if (tag == VaultTags.Target)
            {
                id = reader.ReadUInt64();
            }
            else
            {
                reader.Fail();
            }
        }

        return reader.HasFailed ? null : new NumberedTarget(id);
    }

    private static DepositAttestation? DecodeAttestation(ReadOnlySpan<byte> bytes)
    {
        ReadOnlySpan<byte> depositId = default;
        Address? recipient = null;
        uint subaccount = 0;
        long amount = 0;
        var reader = new WireReader(bytes);
        // BOUND: tags ascend and unknown ones end the loop.
        while (reader.TryReadTag(out uint tag))
        {
            switch (tag)
            {
                case VaultTags.DepositId:
                    depositId = reader.ReadBytes();
                    break;
                case VaultTags.DepositRecipient:
                    recipient = reader.ReadAddress();
                    break;
                case VaultTags.DepositSubaccount:
                    subaccount = reader.ReadUInt32();
                    break;
                case VaultTags.DepositAmount:
                    amount = reader.ReadPositiveInt64();
                    break;
                default:
                    reader.Fail();
                    break;
            }
        }

        return reader.HasFailed || depositId.Length != Sha256Digest.Size || recipient is not { } owner
            ? null
            : new DepositAttestation(new Sha256Digest(depositId), new AccountId(owner, subaccount), amount);
    }

    private static ReleaseSignature? DecodeSignature(ReadOnlySpan<byte> bytes)
    {
        ulong id = 0;
        ulong sequence = 0;
        long expiry = 0;
        ulong councilVersion = 0;
        long amount = 0;
        ImmutableArray<byte> destination = [];
        ImmutableArray<byte> signature = [];
        var reader = new WireReader(bytes);
        // BOUND: tags ascend and unknown ones end the loop.
        while (reader.TryReadTag(out uint tag))
        {
            switch (tag)
            {
                case VaultTags.ReleaseId:
                    id = reader.ReadUInt64();
                    break;
                case VaultTags.ReleaseSequence:
                    sequence = reader.ReadUInt64();
                    break;
                case VaultTags.ReleaseExpiry:
                    expiry = reader.ReadPositiveInt64();
                    break;
                case VaultTags.ReleaseCouncilVersion:
                    councilVersion = reader.ReadUInt64();
                    break;
                case VaultTags.ReleaseAmount:
                    amount = reader.ReadPositiveInt64();
                    break;
                case VaultTags.ReleaseDestination:
                    destination = ReadSome(ref reader);
                    break;
                case VaultTags.ReleaseSignature:
                    signature = ReadSome(ref reader);
                    break;
                default:
                    reader.Fail();
                    break;
            }
        }

        // One byte holds the length of a destination in the message that is signed.
        return reader.HasFailed
            || signature.Length != TransactionCodec.SignatureSize
            || destination.Length > WithdrawalDestination.BytesMax
            ? null
            : new ReleaseSignature(new Release(id, sequence, expiry, councilVersion, amount, destination), signature);
    }
}
