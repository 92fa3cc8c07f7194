using System;

namespace AppChain.StateMachine;

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

    /// <summary>The epoch of a block time, for limits that hold for 24 h.</summary>
    public static long EpochOf(long time) => time / AgentRow.DayNanoseconds;

    /// <summary>Micro-USD spent in the epoch of a block time.</summary>
    public readonly Int128 SpentAt(long time) => Epoch == EpochOf(time) ? Spent : 0;

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
