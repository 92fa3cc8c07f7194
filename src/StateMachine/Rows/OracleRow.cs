using System;
using AppChain.Margin;

namespace AppChain.StateMachine;

/// <summary>How far the consensus price of a market can be trusted, worst last (docs/spec/oracle.md).</summary>
public enum OracleState : byte
{
    /// <summary>No price yet; nothing trades.</summary>
    None = 0,

    /// <summary>Fresh and narrow: everything is allowed.</summary>
    Live = 1,

    /// <summary>The interval is wide: no market orders, margin at the wide interval.</summary>
    Uncertain = 2,

    /// <summary>
    /// Old: only risk-reducing trades; liquidation only when even the conservative price is breached.
    /// </summary>
    Stale = 3,

    /// <summary>Too old: no trading.</summary>
    Frozen = 4,
}

/// <summary>The consensus price of a market: the price witness of every margin call.</summary>
public struct OracleRow : IRow<uint, OracleRow>
{
    /// <summary>The market.</summary>
    public uint Market;

    /// <summary>How far the price can be trusted.</summary>
    public OracleState State;

    /// <summary>Index price, ticks.</summary>
    public long Price;

    /// <summary>Half-width of the interval in which the truth lies, ticks.</summary>
    public long Confidence;

    /// <summary>Venue time (ns) of the price: median, by power, of the reports' source times.</summary>
    public long SourceTime;

    /// <summary>Block time (ns) of the last accepted update.</summary>
    public long UpdatedAt;

    /// <summary>EWMA of squared returns per second, in units of 10^-12 (ppm² per second).</summary>
    public Int128 Variance;

    /// <summary>Voting power behind the last update.</summary>
    public long Power;

    /// <summary>Updates accepted since genesis.</summary>
    public long Updates;

    /// <summary>
    /// Index price of the block before, ticks; 0 before there was one. The book and the fills that steps 3 and 4 see
    /// were made against it.
    /// </summary>
    public long PreviousPrice;

    /// <inheritdoc/>
    public static RowKind Kind => RowKind.Oracle;

    /// <inheritdoc/>
    public readonly uint Key => Market;

    /// <inheritdoc/>
    public static void EncodeKey(in uint key, ref ByteWriter writer) => writer.WriteUInt32(key);

    /// <inheritdoc/>
    public static void EncodeValue(in OracleRow row, ref ByteWriter writer)
    {
        writer.WriteByte((byte)row.State);
        writer.WriteInt64(row.Price);
        writer.WriteInt64(row.Confidence);
        writer.WriteInt64(row.SourceTime);
        writer.WriteInt64(row.UpdatedAt);
        writer.WriteInt128(row.Variance);
        writer.WriteInt64(row.Power);
        writer.WriteInt64(row.Updates);
        writer.WriteInt64(row.PreviousPrice);
    }

    /// <inheritdoc/>
    public static OracleRow Decode(ref ByteReader key, ref ByteReader value) => new()
    {
        Market = key.ReadUInt32(),
        State = (OracleState)value.ReadByte(),
        Price = value.ReadInt64(),
        Confidence = value.ReadInt64(),
        SourceTime = value.ReadInt64(),
        UpdatedAt = value.ReadInt64(),
        Variance = value.ReadInt128(),
        Power = value.ReadInt64(),
        Updates = value.ReadInt64(),
        PreviousPrice = value.ReadInt64(),
    };
}

/// <summary>Names a report: the market, and the validator by its 20-byte consensus address.</summary>
public readonly record struct ReportKey(uint Market, Address Validator) : IComparable<ReportKey>
{
    /// <inheritdoc/>
    public int CompareTo(ReportKey other)
    {
        int order = Market.CompareTo(other.Market);
        return order != 0 ? order : Validator.CompareTo(other.Validator);
    }

    /// <inheritdoc/>
    public override int GetHashCode() => unchecked(Validator.GetHashCode() + ((int)Market * 397));
}

/// <summary>
/// The last accepted report of one validator for one market; it stays in the median, with its age, while the validator
/// is silent.
/// </summary>
public struct ReportRow : IRow<ReportKey, ReportRow>
{
    /// <summary>Market and validator.</summary>
    public ReportKey Id;

    /// <summary>Price, ticks.</summary>
    public long Price;

    /// <summary>Half-width the validator claims, ticks.</summary>
    public long Confidence;

    /// <summary>Venue time (ns) of the newest quote used.</summary>
    public long SourceTime;

    /// <inheritdoc/>
    public static RowKind Kind => RowKind.Report;

    /// <inheritdoc/>
    public readonly ReportKey Key => Id;

    /// <inheritdoc/>
    public static void EncodeKey(in ReportKey key, ref ByteWriter writer)
    {
        Span<byte> validator = stackalloc byte[Address.Size];
        key.Validator.CopyTo(validator);
        writer.WriteUInt32(key.Market);
        writer.WriteFixed(validator);
    }

    /// <inheritdoc/>
    public static void EncodeValue(in ReportRow row, ref ByteWriter writer)
    {
        writer.WriteInt64(row.Price);
        writer.WriteInt64(row.Confidence);
        writer.WriteInt64(row.SourceTime);
    }

    /// <inheritdoc/>
    public static ReportRow Decode(ref ByteReader key, ref ByteReader value) => new()
    {
        Id = new ReportKey(key.ReadUInt32(), new Address(key.ReadFixed(Address.Size))),
        Price = value.ReadInt64(),
        Confidence = value.ReadInt64(),
        SourceTime = value.ReadInt64(),
    };
}
