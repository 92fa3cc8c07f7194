using System;
using System.Collections.Immutable;
using AppChain.Margin;

namespace AppChain.StateMachine;

/// <summary>
/// The bytes of a vote extension (docs/spec/oracle.md, ORACLE-1): version 1, the newest source time in milliseconds,
/// the number of reports, then for each, ascending by market: market, price, confidence, and how many milliseconds its
/// source time lies before the newest. All are shortest-form varints. No bytes at all mean no reports.
/// </summary>
public static class PriceVote
{
    private const byte Version = 1;
    private const long NanosecondsPerMillisecond = 1_000_000;
    private const ulong TimeMax = 1UL << 45;

    /// <summary>Encodes reports, which must be ascending by market and in range; at most 1,024 bytes.</summary>
    public static byte[] Encode(ReadOnlySpan<PriceReport> reports)
    {
        if (reports.IsEmpty)
        {
            return [];
        }

        long newest = 0;
        foreach (PriceReport report in reports)
        {
            newest = Math.Max(newest, Arithmetic.DivFloor(report.SourceTime, NanosecondsPerMillisecond));
        }

        var writer = new ByteWriter();
        writer.WriteByte(Version);
        Varint.Write(ref writer, (ulong)newest);
        Varint.Write(ref writer, (ulong)reports.Length);
        foreach (PriceReport report in reports)
        {
            Varint.Write(ref writer, report.Market);
            Varint.Write(ref writer, (ulong)report.Price);
            Varint.Write(ref writer, (ulong)report.Confidence);
            Varint.Write(ref writer, (ulong)(newest - Arithmetic.DivFloor(report.SourceTime, NanosecondsPerMillisecond)));
        }

        byte[] bytes = writer.ToArray();
        Invariant.Assert(TryDecode(bytes, out _));
        return bytes;
    }

    /// <summary>Decodes an extension; false when it is not the one canonical encoding of valid reports. Never throws.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> bytes, out ImmutableArray<PriceReport> reports)
    {
        reports = [];
        if (bytes.IsEmpty)
        {
            return true;
        }

        if (bytes.Length > Limits.VoteExtensionBytesMax || bytes[0] != Version)
        {
            return false;
        }

        ReadOnlySpan<byte> rest = bytes[1..];
        if (!Varint.TryRead(ref rest, out ulong newest)
            || newest > TimeMax
            || !Varint.TryRead(ref rest, out ulong count)
            || count is 0 or > Limits.MarketsMax)
        {
            return false;
        }

        var decoded = ImmutableArray.CreateBuilder<PriceReport>((int)count);
        bool anyNewest = false;
        // BOUND: at most Limits.MarketsMax reports.
        for (ulong i = 0; i < count; i++)
        {
            if (!TryReadReport(ref rest, newest, out PriceReport report, out ulong age)
                || (decoded.Count > 0 && report.Market <= decoded[^1].Market))
            {
                return false;
            }

            anyNewest |= age == 0;
            decoded.Add(report);
        }

        if (!rest.IsEmpty || !anyNewest)
        {
            return false;
        }

        reports = decoded.MoveToImmutable();
        return true;
    }

    private static bool TryReadReport(ref ReadOnlySpan<byte> rest, ulong newest, out PriceReport report, out ulong age)
    {
        report = default;
        age = 0;
        if (!Varint.TryRead(ref rest, out ulong market)
            || market is 0 or > uint.MaxValue
            || !Varint.TryRead(ref rest, out ulong price)
            || price is 0 or > (ulong)Limits.PriceMax
            || !Varint.TryRead(ref rest, out ulong confidence)
            || confidence > price
            || !Varint.TryRead(ref rest, out age)
            || age > newest)
        {
            return false;
        }

        report = new PriceReport(
            (uint)market, (long)price, (long)confidence, (long)(newest - age) * NanosecondsPerMillisecond);
        return true;
    }
}
