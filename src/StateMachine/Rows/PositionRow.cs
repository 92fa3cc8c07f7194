using System;

namespace AppChain.StateMachine;

/// <summary>Names a position: an account by number, and a market.</summary>
public readonly record struct PositionKey(int Account, uint Market) : IComparable<PositionKey>
{
    /// <inheritdoc/>
    public int CompareTo(PositionKey other)
    {
        int order = Account.CompareTo(other.Account);
        return order != 0 ? order : Market.CompareTo(other.Market);
    }

    /// <inheritdoc/>
    public override int GetHashCode() => unchecked((Account * 64) + (int)Market);
}

/// <summary>
/// What an account holds in one market, and the list of its orders there. The row exists while there is a size or an
/// open order.
/// </summary>
public struct PositionRow : IRow<PositionKey, PositionRow>
{
    /// <summary>The account, by number.</summary>
    public int Account;

    /// <summary>The market.</summary>
    public uint Market;

    /// <summary>Signed lots: long &gt; 0, short &lt; 0.</summary>
    public long Size;

    /// <summary>
    /// Micro-USD paid for the open size, signed like the size: mark notional − this is the unrealised profit.
    /// </summary>
    public Int128 EntryNotional;

    /// <summary>Funding index of the market when this position last settled funding.</summary>
    public Int128 FundingIndex;

    /// <summary>Not encoded: lots of open buy orders. Rebuilt at load.</summary>
    internal long OpenBuys;

    /// <summary>Not encoded: lots of open sell orders. Rebuilt at load.</summary>
    internal long OpenSells;

    /// <summary>Not encoded: lots of open orders that only reduce. Rebuilt at load.</summary>
    internal long OpenReducing;

    /// <summary>Not encoded: number of open orders. Rebuilt at load.</summary>
    internal int OrderCount;

    /// <summary>Link: oldest open order of the account in this market, or -1.</summary>
    internal int FirstOrder;

    /// <summary>Link: newest open order of the account in this market, or -1.</summary>
    internal int LastOrder;

    /// <summary>Link: position of the same account in the next higher market, or -1.</summary>
    internal int Next;

    /// <inheritdoc/>
    public static RowKind Kind => RowKind.Position;

    /// <inheritdoc/>
    public readonly PositionKey Key => new(Account, Market);

    /// <inheritdoc/>
    public static void EncodeKey(in PositionKey key, ref ByteWriter writer)
    {
        writer.WriteInt32(key.Account);
        writer.WriteUInt32(key.Market);
    }

    /// <inheritdoc/>
    public static void EncodeValue(in PositionRow row, ref ByteWriter writer)
    {
        writer.WriteInt64(row.Size);
        writer.WriteInt128(row.EntryNotional);
        writer.WriteInt128(row.FundingIndex);
    }

    /// <inheritdoc/>
    public static PositionRow Decode(ref ByteReader key, ref ByteReader value) => new()
    {
        Account = key.ReadInt32(),
        Market = key.ReadUInt32(),
        Size = value.ReadInt64(),
        EntryNotional = value.ReadInt128(),
        FundingIndex = value.ReadInt128(),
        FirstOrder = -1,
        LastOrder = -1,
        Next = -1,
    };
}
