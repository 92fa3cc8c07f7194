namespace AppChain.StateMachine;

/// <summary>Tags of the fields of vault, treasury and councils in transaction.proto.</summary>
internal static class VaultTags
{
    private const uint Bytes = 2;

    public const uint Destination = (2 << 3) | Bytes;
    public const uint Target = 1 << 3;

    public const uint DepositId = (1 << 3) | Bytes;
    public const uint DepositRecipient = (2 << 3) | Bytes;
    public const uint DepositSubaccount = 3 << 3;
    public const uint DepositAmount = 4 << 3;

    public const uint ReleaseId = 1 << 3;
    public const uint ReleaseSequence = 2 << 3;
    public const uint ReleaseExpiry = 3 << 3;
    public const uint ReleaseCouncilVersion = 4 << 3;
    public const uint ReleaseAmount = 5 << 3;
    public const uint ReleaseDestination = (6 << 3) | Bytes;
    public const uint ReleaseSignature = (7 << 3) | Bytes;

    public const uint VaultPolicy = (1 << 3) | Bytes;
    public const uint TreasurySpend = (2 << 3) | Bytes;
    public const uint TreasuryPolicy = (3 << 3) | Bytes;
    public const uint ConsensusParameters = (4 << 3) | Bytes;
    public const uint ValidatorPowers = (5 << 3) | Bytes;

    public const uint BlockBytes = 1 << 3;
    public const uint EvidenceAgeBlocks = 2 << 3;
    public const uint EvidenceAgeSeconds = 3 << 3;
    public const uint EvidenceBytes = 4 << 3;

    public const uint PowerChanges = (1 << 3) | Bytes;
    public const uint ValidatorKey = (1 << 3) | Bytes;
    public const uint Power = 2 << 3;
    public const uint PowerBefore = 3 << 3;

    public const uint PolicyCouncil = (1 << 3) | Bytes;
    public const uint PolicyTerms = (2 << 3) | Bytes;
    public const uint PolicyEpochLimit = 2 << 3;

    public const uint Members = (1 << 3) | Bytes;
    public const uint Threshold = 2 << 3;
    public const uint VetoThreshold = 3 << 3;
    public const uint Timelock = 4 << 3;

    public const uint Tiers = (1 << 3) | Bytes;
    public const uint OwnerCap = 2 << 3;
    public const uint TotalCap = 3 << 3;
    public const uint ReleaseExpirySeconds = 4 << 3;

    public const uint TierAmountFrom = 1 << 3;
    public const uint TierSeconds = 2 << 3;

    public const uint SpendRecipient = (1 << 3) | Bytes;
    public const uint SpendSubaccount = 2 << 3;
    public const uint SpendAmount = 3 << 3;
    public const uint SpendNote = (4 << 3) | Bytes;
}
