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
            _ => null,
        };
    }

    private static VaultPolicy? DecodeVaultPolicy(ReadOnlySpan<byte> bytes)
    {
        CouncilTerms? council = null;
        VaultTerms? terms = null;
        var reader = new WireReader(bytes);
        // BOUND: tags ascend and unknown ones end the loop.
        while (reader.TryReadTag(out uint tag))
        {
            switch (tag)
            {
                case VaultTags.PolicyCouncil:
                    council = DecodeCouncil(reader.ReadBytes());
                    break;
                case VaultTags.PolicyTerms:
                    terms = DecodeTerms(reader.ReadBytes());
                    break;
                default:
                    reader.Fail();
                    break;
            }
        }

        return reader.HasFailed || council is null || terms is null ? null : new VaultPolicy(council, terms);
    }

    private static TreasuryPolicy? DecodeTreasuryPolicy(ReadOnlySpan<byte> bytes)
    {
        CouncilTerms? council = null;
        long limit = 0;
        var reader = new WireReader(bytes);
        // BOUND: tags ascend and unknown ones end the loop.
        while (reader.TryReadTag(out uint tag))
        {
            switch (tag)
            {
                case VaultTags.PolicyCouncil:
                    council = DecodeCouncil(reader.ReadBytes());
                    break;
                case VaultTags.PolicyEpochLimit:
                    limit = reader.ReadPositiveInt64();
                    break;
                default:
                    reader.Fail();
                    break;
            }
        }

        return reader.HasFailed || council is null ? null : new TreasuryPolicy(council, limit);
    }

    private static ConsensusParameters? DecodeConsensusParameters(ReadOnlySpan<byte> bytes)
    {
        var parameters = new ConsensusParameters(0, 0, 0, 0);
        var reader = new WireReader(bytes);
        // BOUND: tags ascend and unknown ones end the loop.
        while (reader.TryReadTag(out uint tag))
        {
            switch (tag)
            {
                case VaultTags.BlockBytes:
                    parameters = parameters with { BlockBytes = reader.ReadPositiveInt64() };
                    break;
                case VaultTags.EvidenceAgeBlocks:
                    parameters = parameters with { EvidenceAgeBlocks = reader.ReadPositiveInt64() };
                    break;
                case VaultTags.EvidenceAgeSeconds:
                    parameters = parameters with { EvidenceAgeSeconds = reader.ReadUInt32() };
                    break;
                case VaultTags.EvidenceBytes:
                    parameters = parameters with { EvidenceBytes = reader.ReadPositiveInt64() };
                    break;
                default:
                    reader.Fail();
                    break;
            }
        }

        return reader.HasFailed ? null : parameters;
    }

    private static TreasurySpend? DecodeSpend(ReadOnlySpan<byte> bytes)
    {
        Address? recipient = null;
        uint subaccount = 0;
        long amount = 0;
        ImmutableArray<byte> note = [];
        var reader = new WireReader(bytes);
        // BOUND: tags ascend and unknown ones end the loop.
        while (reader.TryReadTag(out uint tag))
        {
            switch (tag)
            {
                case VaultTags.SpendRecipient:
                    recipient = reader.ReadAddress();
                    break;
                case VaultTags.SpendSubaccount when recipient is not null:
                    subaccount = reader.ReadUInt32();
                    break;
                case VaultTags.SpendAmount:
                    amount = reader.ReadPositiveInt64();
                    break;
                case VaultTags.SpendNote:
                    note = VaultDecoder.ReadSome(ref reader);
                    break;
                default:
                    reader.Fail();
                    break;
            }
        }

        AccountId? account = recipient is { } owner ? new AccountId(owner, subaccount) : null;
        return reader.HasFailed ? null : new TreasurySpend(account, amount, note);
    }

    private static CouncilTerms? DecodeCouncil(ReadOnlySpan<byte> bytes)
    {
        var members = ImmutableArray.CreateBuilder<ImmutableArray<byte>>();
        int threshold = 0;
        int vetoThreshold = 0;
        long timelock = 0;
        var reader = new WireReader(bytes);
        // BOUND: members have a limit, and tags otherwise ascend.
        while (reader.TryReadTag(out uint tag, repeated: VaultTags.Members))
        {
            switch (tag)
            {
                case VaultTags.Members:
                    ReadOnlySpan<byte> member = reader.ReadBytes();
                    if (member.Length != TransactionCodec.PublicKeySize || members.Count == CouncilTerms.MembersMax)
                    {
                        reader.Fail();
                    }

                    members.Add([.. member]);
                    break;
                case VaultTags.Threshold:
                    threshold = reader.ReadEnum(CouncilTerms.MembersMax);
                    break;
                case VaultTags.VetoThreshold:
                    vetoThreshold = reader.ReadEnum(CouncilTerms.MembersMax);
                    break;
                case VaultTags.Timelock:
                    timelock = reader.ReadUInt32();
                    break;
                default:
                    reader.Fail();
                    break;
            }
        }

        return reader.HasFailed ? null : new CouncilTerms(members.ToImmutable(), threshold, vetoThreshold, timelock);
    }

    private static VaultTerms? DecodeTerms(ReadOnlySpan<byte> bytes)
    {
        var tiers = ImmutableArray.CreateBuilder<TimelockTier>();
        long ownerCap = 0;
        long totalCap = 0;
        long expiry = 0;
        var reader = new WireReader(bytes);
        // BOUND: tiers have a limit, and tags otherwise ascend.
        while (reader.TryReadTag(out uint tag, repeated: VaultTags.Tiers))
        {
            switch (tag)
            {
                case VaultTags.Tiers:
                    AddTier(tiers, ref reader);
                    break;
                case VaultTags.OwnerCap:
                    ownerCap = reader.ReadPositiveInt64();
                    break;
                case VaultTags.TotalCap:
                    totalCap = reader.ReadPositiveInt64();
                    break;
                case VaultTags.ReleaseExpirySeconds:
                    expiry = reader.ReadUInt32();
                    break;
                default:
                    reader.Fail();
                    break;
            }
        }

        return reader.HasFailed ? null : new VaultTerms(tiers.ToImmutable(), ownerCap, totalCap, expiry);
    }

    private static void AddTier(ImmutableArray<TimelockTier>.Builder tiers, ref WireReader outer)
    {
        long from = 0;
        long seconds = 0;
        var reader = new WireReader(outer.ReadBytes());
        // BOUND: tags ascend and unknown ones end the loop.
        while (reader.TryReadTag(out uint tag))
        {
            switch (tag)
            {
                case VaultTags.TierAmountFrom:
                    from = reader.ReadPositiveInt64();
                    break;
                case VaultTags.TierSeconds:
                    seconds = reader.ReadUInt32();
                    break;
                default:
                    reader.Fail();
                    break;
            }
        }

        if (reader.HasFailed || tiers.Count == VaultTerms.TiersMax)
        {
            outer.Fail();
        }

        tiers.Add(new TimelockTier(from, seconds));
    }
}
