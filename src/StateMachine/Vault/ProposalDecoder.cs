using System;
using System.Collections.Immutable;

namespace AppChain.StateMachine;

/// <summary>Decodes what a council proposes.</summary>
internal static class ProposalDecoder
{
    /// <summary>Decodes the content of Propose; null when it is not canonical.</summary>
    public static IOperationContent? Decode(ReadOnlySpan<byte> bytes)
    {
        var reader = new WireReader(bytes);
        if (!reader.TryReadTag(out uint tag))
        {
            return null;
        }

        ReadOnlySpan<byte> content = reader.ReadBytes();
        // Exactly one kind: nothing may follow it.
        if (reader.HasFailed || !reader.Rest.IsEmpty)
        {
            return null;
        }

        return tag switch
        {
            VaultTags.VaultPolicy => DecodeVaultPolicy(content),
            VaultTags.TreasurySpend => DecodeSpend(content),
            VaultTags.TreasuryPolicy => DecodeTreasuryPolicy(content),
            VaultTags.ConsensusParameters => DecodeConsensusParameters(content),
            VaultTags.ValidatorPowers => DecodePowers(content),
            _ => null,
        };
    }

    private static VaultPolicy? DecodeVaultPolicy(ReadOnlySpan<byte> bytes)
    {
        var reader = new WireReader(bytes);
        CouncilTerms? council = DecodeCouncil(ref reader);
        VaultTerms? terms = reader.Takes(VaultTags.PolicyTerms) ? DecodeTerms(reader.ReadBytes()) : null;
        return reader.IsComplete && council is not null && terms is not null ? new VaultPolicy(council, terms) : null;
    }

    private static TreasuryPolicy? DecodeTreasuryPolicy(ReadOnlySpan<byte> bytes)
    {
        var reader = new WireReader(bytes);
        CouncilTerms? council = DecodeCouncil(ref reader);
        long limit = reader.PositiveInt64(VaultTags.PolicyEpochLimit);
        return reader.IsComplete && council is not null ? new TreasuryPolicy(council, limit) : null;
    }

    private static ConsensusParameters? DecodeConsensusParameters(ReadOnlySpan<byte> bytes)
    {
        var reader = new WireReader(bytes);
        var parameters = new ConsensusParameters(
            reader.PositiveInt64(VaultTags.BlockBytes),
            reader.PositiveInt64(VaultTags.EvidenceAgeBlocks),
            reader.UInt32(VaultTags.EvidenceAgeSeconds),
            reader.PositiveInt64(VaultTags.EvidenceBytes));
        return reader.IsComplete ? parameters : null;
    }

    private static ValidatorPowers? DecodePowers(ReadOnlySpan<byte> bytes)
    {
        var reader = new WireReader(bytes);
        var changes = ImmutableArray.CreateBuilder<PowerChange>();
        // BOUND: one more than the limit ends the message.
        while (changes.Count <= ValidatorPowers.ChangesMax && reader.Takes(VaultTags.PowerChanges))
        {
            var change = new WireReader(reader.ReadBytes());
            changes.Add(new PowerChange(
                change.SomeBytes(VaultTags.ValidatorKey),
                change.PositiveInt64(VaultTags.Power),
                change.PositiveInt64(VaultTags.PowerBefore)));
            if (!change.IsComplete || changes.Count > ValidatorPowers.ChangesMax)
            {
                reader.Fail();
            }
        }

        return reader.IsComplete ? new ValidatorPowers(changes.ToImmutable()) : null;
    }

    private static TreasurySpend? DecodeSpend(ReadOnlySpan<byte> bytes)
    {
        var reader = new WireReader(bytes);
        AccountId? account = reader.AddressOrNone(VaultTags.SpendRecipient) is { } owner
            ? new AccountId(owner, reader.UInt32(VaultTags.SpendSubaccount))
            : null;
        long amount = reader.PositiveInt64(VaultTags.SpendAmount);
        ImmutableArray<byte> note = reader.SomeBytes(VaultTags.SpendNote);
        return reader.IsComplete ? new TreasurySpend(account, amount, note) : null;
    }

    private static CouncilTerms? DecodeCouncil(ref WireReader policy)
    {
        if (!policy.Takes(VaultTags.PolicyCouncil))
        {
            return null;
        }

        var reader = new WireReader(policy.ReadBytes());
        var members = ImmutableArray.CreateBuilder<ImmutableArray<byte>>();
        // BOUND: one more than the limit ends the message.
        while (members.Count <= CouncilTerms.MembersMax && reader.Takes(VaultTags.Members))
        {
            ReadOnlySpan<byte> member = reader.ReadBytes();
            if (member.Length != SigningKey.PublicKeySize || members.Count == CouncilTerms.MembersMax)
            {
                reader.Fail();
            }

            members.Add([.. member]);
        }

        var terms = new CouncilTerms(
            members.ToImmutable(),
            reader.Enum(VaultTags.Threshold, CouncilTerms.MembersMax),
            reader.Enum(VaultTags.VetoThreshold, CouncilTerms.MembersMax),
            reader.UInt32(VaultTags.Timelock));
        return reader.IsComplete ? terms : null;
    }

    private static VaultTerms? DecodeTerms(ReadOnlySpan<byte> bytes)
    {
        var reader = new WireReader(bytes);
        var tiers = ImmutableArray.CreateBuilder<TimelockTier>();
        // BOUND: one more than the limit ends the message.
        while (tiers.Count <= VaultTerms.TiersMax && reader.Takes(VaultTags.Tiers))
        {
            var tier = new WireReader(reader.ReadBytes());
            tiers.Add(new TimelockTier(
                tier.PositiveInt64(VaultTags.TierAmountFrom), tier.UInt32(VaultTags.TierSeconds)));
            if (!tier.IsComplete || tiers.Count > VaultTerms.TiersMax)
            {
                reader.Fail();
            }
        }

        var terms = new VaultTerms(
            tiers.ToImmutable(),
            reader.PositiveInt64(VaultTags.OwnerCap),
            reader.PositiveInt64(VaultTags.TotalCap),
            reader.UInt32(VaultTags.ReleaseExpirySeconds));
        return reader.IsComplete ? terms : null;
    }
}
