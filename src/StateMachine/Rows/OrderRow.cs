using System;

namespace AppChain.StateMachine;

/// <summary>
/// A resting order. Time priority within a price is the order id, which grows by one with each accepted order, so the
/// book is a function of the rows.
/// </summary>
public struct OrderRow : IRow<ulong, OrderRow>
{
    /// <summary>Number of the order, from 1, never reused.</summary>
    public ulong OrderId;

    /// <summary>The owner's own number for it; 0 when none. Unique among the open orders of an account.</summary>
    public ulong ClientId;

    /// <summary>The account, by number.</summary>
    public int Account;

    /// <summary>The market.</summary>
    public uint Market;

    /// <summary>Buy or sell.</summary>
    public Side Side;

    /// <summary>It may only bring the position nearer to zero.</summary>
    public bool ReduceOnly;

    /// <summary>Limit price in ticks.</summary>
    public long Price;

    /// <summary>Lots still open, &gt; 0.</summary>
    public long Quantity;

    /// <summary>Lots when it was accepted.</summary>
    public long OriginalQuantity;

    /// <summary>Last height at which it may be in the book; 0 when it has no such limit.</summary>
    public long GoodTilHeight;

    /// <summary>Block time (ns) up to and including which it may be in the book; 0 when it has no such limit.</summary>
    public long GoodTilTime;

    /// <summary>Link: slot of its price level.</summary>
    internal int Level;

    /// <summary>Link: the order behind it at the same price, or -1.</summary>
    internal int Next;

    /// <summary>Link: the order before it at the same price, or -1.</summary>
    internal int Previous;

    /// <summary>Link: the next newer order of the same position, or -1.</summary>
    internal int AccountNext;

    /// <summary>Link: the next older order of the same position, or -1.</summary>
    internal int AccountPrevious;

    /// <inheritdoc/>
    public static RowKind Kind => RowKind.Order;

    /// <inheritdoc/>
    public readonly ulong Key => OrderId;

    /// <inheritdoc/>
    public static void EncodeKey(in ulong key, ref ByteWriter writer) => writer.WriteUInt64(key);

    /// <inheritdoc/>
    public static void EncodeValue(in OrderRow row, ref ByteWriter writer)
    {
        writer.WriteUInt64(row.ClientId);
        writer.WriteInt32(row.Account);
        writer.WriteUInt32(row.Market);
        writer.WriteByte((byte)row.Side);
        writer.WriteBool(row.ReduceOnly);
        writer.WriteInt64(row.Price);
        writer.WriteInt64(row.Quantity);
        writer.WriteInt64(row.OriginalQuantity);
        writer.WriteInt64(row.GoodTilHeight);
        writer.WriteInt64(row.GoodTilTime);
    }

    /// <inheritdoc/>
    public static OrderRow Decode(ref ByteReader key, ref ByteReader value) => new()
    {
        OrderId = key.ReadUInt64(),
        ClientId = value.ReadUInt64(),
        Account = value.ReadInt32(),
        Market = value.ReadUInt32(),
        Side = (Side)value.ReadByte(),
        ReduceOnly = value.ReadBool(),
        Price = value.ReadInt64(),
        Quantity = value.ReadInt64(),
        OriginalQuantity = value.ReadInt64(),
        GoodTilHeight = value.ReadInt64(),
        GoodTilTime = value.ReadInt64(),
        Level = -1,
        Next = -1,
        Previous = -1,
        AccountNext = -1,
        AccountPrevious = -1,
    };
}
