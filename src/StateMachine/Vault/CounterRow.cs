namespace AppChain.StateMachine;

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
