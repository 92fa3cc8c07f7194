using System;
using System.Collections.Immutable;

namespace AppChain.StateMachine;

/// <summary>A step of a timelock: sizes from an amount on wait this long.</summary>
/// <param name="AmountFrom">Micro-USD; 0 in the first tier, ascending.</param>
/// <param name="Seconds">Never less than in the tier before.</param>
public readonly record struct TimelockTier(long AmountFrom, long Seconds);

/// <summary>What bounds withdrawals: by genesis, or by a policy that the guardians decided.</summary>
/// <param name="Tiers">Timelock by what the owner takes out.</param>
/// <param name="OwnerCap">Micro-USD that one owner may take out in 24 h, net of deposits.</param>
/// <param name="TotalCap">Micro-USD that all owners together may take out in 24 h, net of deposits.</param>
/// <param name="ReleaseExpirySeconds">Seconds that guardians have to sign an admitted withdrawal.</param>
public sealed record VaultTerms(
    ImmutableArray<TimelockTier> Tiers,
    long OwnerCap,
    long TotalCap,
    long ReleaseExpirySeconds)
{
    /// <summary>Most tiers of a timelock.</summary>
    public const int TiersMax = 8;

    /// <summary>Seconds that a size waits by a timelock.</summary>
    public static long SecondsOf(ImmutableArray<TimelockTier> tiers, Int128 size)
    {
        long seconds = 0;
        // BOUND: at most TiersMax tiers.
        foreach (TimelockTier tier in tiers)
        {
            seconds = tier.AmountFrom <= size ? tier.Seconds : seconds;
        }

        return seconds;
    }
}

/// <summary>The vault's policy, and what it was when the current epoch began.</summary>
public struct VaultRow : IRow<SingleKey, VaultRow>
{
    /// <summary>Caps and timelocks in force.</summary>
    public VaultTerms Terms;

    /// <summary>The epoch (block time / 24 h) that the next two fields describe the beginning of.</summary>
    public long Epoch;

    /// <summary>Caps and timelocks when the epoch began: what a policy may not leave too fast.</summary>
    public VaultTerms Base;

    /// <summary>Timelock of the guardians' own decisions when the epoch began, seconds.</summary>
    public long BaseTimelockSeconds;

    /// <inheritdoc/>
    public static RowKind Kind => RowKind.Vault;

    /// <inheritdoc/>
    public readonly SingleKey Key => default;

    /// <inheritdoc/>
    public static void EncodeKey(in SingleKey key, ref ByteWriter writer)
    {
    }

    /// <inheritdoc/>
    public static void EncodeValue(in VaultRow row, ref ByteWriter writer)
    {
        Encode(row.Terms, ref writer);
        writer.WriteInt64(row.Epoch);
        Encode(row.Base, ref writer);
        writer.WriteInt64(row.BaseTimelockSeconds);
    }

    /// <inheritdoc/>
    public static VaultRow Decode(ref ByteReader key, ref ByteReader value) => new()
    {
        Terms = DecodeTerms(ref value),
        Epoch = value.ReadInt64(),
        Base = DecodeTerms(ref value),
        BaseTimelockSeconds = value.ReadInt64(),
    };

    private static void Encode(VaultTerms terms, ref ByteWriter writer)
    {
        Encode(terms.Tiers, ref writer);
        writer.WriteInt64(terms.OwnerCap);
        writer.WriteInt64(terms.TotalCap);
        writer.WriteInt64(terms.ReleaseExpirySeconds);
    }

    private static VaultTerms DecodeTerms(ref ByteReader value) => new(
        DecodeTiers(ref value), value.ReadInt64(), value.ReadInt64(), value.ReadInt64());

    private static void Encode(ImmutableArray<TimelockTier> tiers, ref ByteWriter writer)
    {
        writer.WriteByte((byte)tiers.Length);
        foreach (TimelockTier tier in tiers)
        {
            writer.WriteInt64(tier.AmountFrom);
            writer.WriteInt64(tier.Seconds);
        }
    }

    private static ImmutableArray<TimelockTier> DecodeTiers(ref ByteReader value)
    {
        var tiers = new TimelockTier[value.ReadByte()];
        for (int i = 0; i < tiers.Length; i++)
        {
            tiers[i] = new TimelockTier(value.ReadInt64(), value.ReadInt64());
        }

        return ImmutableArray.Create(tiers);
    }
}

/// <summary>The treasury's limit, and what was spent. The balance is <see cref="PoolRow.Fees"/>.</summary>
public struct TreasuryRow : IRow<SingleKey, TreasuryRow>
{
    /// <summary>Micro-USD that may be spent in one epoch of 24 h.</summary>
    public long EpochLimit;

    /// <summary>The epoch (block time / 24 h) that the other fields describe.</summary>
    public long Epoch;

    /// <summary>Micro-USD spent in that epoch.</summary>
    public Int128 Spent;

    /// <summary>Limit when the epoch began.</summary>
    public long BaseLimit;

    /// <summary>Timelock of the treasurers when the epoch began, seconds.</summary>
    public long BaseTimelockSeconds;

    /// <summary>Micro-USD spent in the epoch of a block time.</summary>
    public readonly Int128 SpentAt(long time) => Epoch == ProposalExecution.EpochOf(time) ? Spent : 0;

    /// <inheritdoc/>
    public static RowKind Kind => RowKind.Treasury;

    /// <inheritdoc/>
    public readonly SingleKey Key => default;

    /// <inheritdoc/>
    public static void EncodeKey(in SingleKey key, ref ByteWriter writer)
    {
    }

    /// <inheritdoc/>
    public static void EncodeValue(in TreasuryRow row, ref ByteWriter writer)
    {
        writer.WriteInt64(row.EpochLimit);
        writer.WriteInt64(row.Epoch);
        writer.WriteInt128(row.Spent);
        writer.WriteInt64(row.BaseLimit);
        writer.WriteInt64(row.BaseTimelockSeconds);
    }

    /// <inheritdoc/>
    public static TreasuryRow Decode(ref ByteReader key, ref ByteReader value) => new()
    {
        EpochLimit = value.ReadInt64(),
        Epoch = value.ReadInt64(),
        Spent = value.ReadInt128(),
        BaseLimit = value.ReadInt64(),
        BaseTimelockSeconds = value.ReadInt64(),
    };
}

/// <summary>The next numbers of what councils decide on.</summary>
public struct CounterRow : IRow<SingleKey, CounterRow>
{
    /// <summary>Number of the next proposal.</summary>
    public ulong NextProposal;

    /// <summary>Number of the next withdrawal.</summary>
    public ulong NextWithdrawal;

    /// <summary>Sequence of the next admission.</summary>
    public ulong NextSequence;

    /// <inheritdoc/>
    public static RowKind Kind => RowKind.Counter;

    /// <inheritdoc/>
    public readonly SingleKey Key => default;

    /// <inheritdoc/>
    public static void EncodeKey(in SingleKey key, ref ByteWriter writer)
    {
    }

    /// <inheritdoc/>
    public static void EncodeValue(in CounterRow row, ref ByteWriter writer)
    {
        writer.WriteUInt64(row.NextProposal);
        writer.WriteUInt64(row.NextWithdrawal);
        writer.WriteUInt64(row.NextSequence);
    }

    /// <inheritdoc/>
    public static CounterRow Decode(ref ByteReader key, ref ByteReader value) => new()
    {
        NextProposal = value.ReadUInt64(),
        NextWithdrawal = value.ReadUInt64(),
        NextSequence = value.ReadUInt64(),
    };
}
