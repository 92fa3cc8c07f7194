using System;
using System.Collections.Immutable;

namespace AppChain.StateMachine;

/// <summary>Encodes the contents of operations on vault, treasury and councils.</summary>
internal static class VaultEncoder
{
    public static void Encode(ref WireWriter writer, IOperationContent? content)
    {
        switch (content)
        {
            case WithdrawalDestination withdrawal:
                writer.WriteBytes(VaultTags.Destination, withdrawal.Destination.AsSpan());
                break;
            case NumberedTarget target:
                writer.WriteNumber(VaultTags.Target, target.Id);
                break;
            case DepositAttestation attestation:
                writer.WriteBytes(VaultTags.DepositId, attestation.DepositId.ToArray());
                writer.WriteAddress(VaultTags.DepositRecipient, attestation.Recipient.Owner);
                writer.WriteNumber(VaultTags.DepositSubaccount, (ulong)attestation.Recipient.Subaccount);
                writer.WriteNumber(VaultTags.DepositAmount, attestation.Amount);
                break;
            case ReleaseSignature signed:
                writer.WriteNumber(VaultTags.ReleaseId, signed.Release.Id);
                writer.WriteNumber(VaultTags.ReleaseSequence, signed.Release.Sequence);
                writer.WriteNumber(VaultTags.ReleaseExpiry, signed.Release.Expiry);
                writer.WriteNumber(VaultTags.ReleaseCouncilVersion, signed.Release.CouncilVersion);
                writer.WriteNumber(VaultTags.ReleaseAmount, signed.Release.Amount);
                writer.WriteBytes(VaultTags.ReleaseDestination, signed.Release.Destination.AsSpan());
                writer.WriteBytes(VaultTags.ReleaseSignature, signed.Signature.AsSpan());
                break;
            default:
                EncodeProposal(ref writer, content);
                break;
        }
    }

    /// <summary>The content of Propose as bytes.</summary>
    public static ImmutableArray<byte> EncodeProposal(IOperationContent content)
    {
        var writer = new WireWriter(256);
        EncodeProposal(ref writer, content);
        return ImmutableArray.Create(writer.ToArray());
    }

    private static void EncodeProposal(ref WireWriter writer, IOperationContent? content)
    {
        int outer;
        switch (content)
        {
            case VaultPolicy policy:
                outer = writer.BeginMessage(VaultTags.VaultPolicy);
                EncodeCouncil(ref writer, policy.Council);
                EncodeTerms(ref writer, policy.Terms);
                break;
            case TreasurySpend spend:
                outer = writer.BeginMessage(VaultTags.TreasurySpend);
                if (spend.Recipient is { } recipient)
                {
                    writer.WriteAddress(VaultTags.SpendRecipient, recipient.Owner);
                    writer.WriteNumber(VaultTags.SpendSubaccount, (ulong)recipient.Subaccount);
                }

                writer.WriteNumber(VaultTags.SpendAmount, spend.Amount);
                writer.WriteBytes(VaultTags.SpendNote, spend.Note.AsSpan());
                break;
            case TreasuryPolicy policy:
                outer = writer.BeginMessage(VaultTags.TreasuryPolicy);
                EncodeCouncil(ref writer, policy.Council);
                writer.WriteNumber(VaultTags.PolicyEpochLimit, policy.EpochLimit);
                break;
            case ConsensusParameters parameters:
                outer = writer.BeginMessage(VaultTags.ConsensusParameters);
                writer.WriteNumber(VaultTags.BlockBytes, parameters.BlockBytes);
                writer.WriteNumber(VaultTags.EvidenceAgeBlocks, parameters.EvidenceAgeBlocks);
                writer.WriteNumber(VaultTags.EvidenceAgeSeconds, parameters.EvidenceAgeSeconds);
                writer.WriteNumber(VaultTags.EvidenceBytes, parameters.EvidenceBytes);
                break;
            case ValidatorPowers powers:
                outer = writer.BeginMessage(VaultTags.ValidatorPowers);
                EncodePowers(ref writer, powers);
                break;
            default:
                throw new ArgumentException("an operation on the vault needs its content", nameof(content));
        }

        writer.EndMessage(outer);
    }

    private static void EncodePowers(ref WireWriter writer, ValidatorPowers powers)
    {
        foreach (PowerChange change in powers.Changes)
        {
            int start = writer.BeginMessage(VaultTags.PowerChanges);
            writer.WriteBytes(VaultTags.ValidatorKey, change.PublicKey.AsSpan());
            writer.WriteNumber(VaultTags.Power, change.Power);
            writer.WriteNumber(VaultTags.PowerBefore, change.PowerBefore);
            writer.EndMessage(start);
        }
    }

    private static void EncodeCouncil(ref WireWriter writer, CouncilTerms council)
    {
        int start = writer.BeginMessage(VaultTags.PolicyCouncil);
        foreach (ImmutableArray<byte> member in council.Members)
        {
            writer.WriteBytes(VaultTags.Members, member.AsSpan());
        }

        writer.WriteNumber(VaultTags.Threshold, (ulong)council.Threshold);
        writer.WriteNumber(VaultTags.VetoThreshold, (ulong)council.VetoThreshold);
        writer.WriteNumber(VaultTags.Timelock, council.TimelockSeconds);
        writer.EndMessage(start);
    }

    private static void EncodeTerms(ref WireWriter writer, VaultTerms terms)
    {
        int start = writer.BeginMessage(VaultTags.PolicyTerms);
        foreach (TimelockTier tier in terms.Tiers)
        {
            int one = writer.BeginMessage(VaultTags.Tiers);
            writer.WriteNumber(VaultTags.TierAmountFrom, tier.AmountFrom);
            writer.WriteNumber(VaultTags.TierSeconds, tier.Seconds);
            writer.EndMessage(one);
        }

        writer.WriteNumber(VaultTags.OwnerCap, terms.OwnerCap);
        writer.WriteNumber(VaultTags.TotalCap, terms.TotalCap);
        writer.WriteNumber(VaultTags.ReleaseExpirySeconds, terms.ReleaseExpirySeconds);
        writer.EndMessage(start);
    }
}
