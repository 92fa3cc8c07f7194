using System.Collections.Immutable;

namespace AppChain.StateMachine;

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
