using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using AppChain.Margin;

namespace AppChain.StateMachine;

/// <summary>
/// The bytes of a vote extension (docs/spec/oracle.md, ORACLE-1): version 1, the newest source time in milliseconds,
/// the number of reports, then for each, ascending by market: market, price, confidence, and how many milliseconds its
/// source time lies before the newest. All are shortest-form varints. No bytes at all mean no reports. One list of
/// reports has one encoding, so a proposer or a validator cannot say the same thing in two ways.
/// </summary>
public static class PriceVote
{
    /// <summary>Highest market number, as in <see cref="MarketParameters.MarketId"/>: three bytes.</summary>
    private const ulong MarketMax = 65_535;

    /// <summary>
    /// Newest source time, ms since 1970: six bytes, to the year 2109; in nanoseconds it fits in 63 bits.
    /// </summary>
    private const ulong MillisecondsMax = (1UL << 42) - 1;

    /// <summary>Furthest a report may lie before the newest, ms: three bytes, about 35 minutes.</summary>
    private const ulong AgeMillisecondsMax = (1UL << 21) - 1;

    private const byte Version = 1;
    private const long NanosecondsPerMillisecond = 1_000_000;

    /// <summary>
    /// The extension for the given reports, which must be ascending by market. Source times are cut to milliseconds.
    /// Reports that are out of range, older than the newest by more than 35 minutes, or for which the 1,024 bytes have
    /// no room are left out: a strange quote of one market never silences the others.
    /// </summary>
    public static byte[] Encode(ReadOnlySpan<PriceReport> reports)
    {
        var kept = new List<PriceReport>(reports.Length);
        long newest = 0;
        foreach (PriceReport report in reports)
        {
            if (IsInRange(report) && kept.Count < Limits.MarketsMax)
            {
                Invariant.Assert(kept.Count == 0 || report.Market > kept[^1].Market);
                kept.Add(report);
                newest = Math.Max(newest, MillisecondsOf(report));
            }
        }

        kept.RemoveAll(report => newest - MillisecondsOf(report) > (long)AgeMillisecondsMax);
        // BOUND: one report fewer each time. Prices and confidences below 2^35 ticks always fit at once.
        while (kept.Count > 0)
        {
            byte[] bytes = Write(kept);
            if (bytes.Length <= Limits.VoteExtensionBytesMax)
            {
                return bytes;
            }

            kept.RemoveAt(kept.Count - 1);
        }

        return [];
    }

    /// <summary>
    /// Decodes an extension; false when it is not the one canonical encoding of reports in range. Never throws.
    /// </summary>
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
            || newest > MillisecondsMax
            || !Varint.TryRead(ref rest, out ulong count)
            || count is 0 or > Limits.MarketsMax)
        {
            return false;
        }

        var decoded = ImmutableArray.CreateBuilder<PriceReport>((int)count);
        bool hasNewest = false;
        // BOUND: at most Limits.MarketsMax reports.
        for (ulong i = 0; i < count; i++)
        {
            if (!TryReadReport(ref rest, newest, out PriceReport report, out ulong age)
                || (decoded.Count > 0 && report.Market <= decoded[^1].Market))
            {
                return false;
            }

            hasNewest |= age == 0;
            decoded.Add(report);
        }

        // Without a report at the newest time, the same reports could be written with another base.
        if (!rest.IsEmpty || !hasNewest)
        {
            return false;
        }

        reports = decoded.MoveToImmutable();
        return true;
    }

    private static byte[] Write(List<PriceReport> reports)
    {
        long newest = 0;
        foreach (PriceReport report in reports)
        {
            newest = Math.Max(newest, MillisecondsOf(report));
        }

        var writer = new ByteWriter();
        writer.WriteByte(Version);
        Varint.Write(ref writer, (ulong)newest);
        Varint.Write(ref writer, (ulong)reports.Count);
        foreach (PriceReport report in reports)
        {
            Varint.Write(ref writer, report.Market);
            Varint.Write(ref writer, (ulong)report.Price);
            Varint.Write(ref writer, (ulong)report.Confidence);
            Varint.Write(ref writer, (ulong)(newest - MillisecondsOf(report)));
        }

        return writer.ToArray();
    }

    private static bool IsInRange(in PriceReport report) =>
        report.Market is > 0 and <= (uint)MarketMax
        && report.Price is > 0 and <= Limits.PriceMax
        && report.Confidence >= 0
        && report.Confidence <= report.Price
        && report.SourceTime >= NanosecondsPerMillisecond
        && (ulong)MillisecondsOf(report) <= MillisecondsMax;

    // ROUNDING: down, so that a report never claims to be newer than it is.
    private static long MillisecondsOf(in PriceReport report) =>
        Arithmetic.DivFloor(report.SourceTime, NanosecondsPerMillisecond);

    private static bool TryReadReport(ref ReadOnlySpan<byte> rest, ulong newest, out PriceReport report, out ulong age)
    {
        report = default;
        age = 0;
        if (!Varint.TryRead(ref rest, out ulong market)
            || market is 0 or > MarketMax
            || !Varint.TryRead(ref rest, out ulong price)
            || price is 0 or > (ulong)Limits.PriceMax
            || !Varint.TryRead(ref rest, out ulong confidence)
            || confidence > price
            || !Varint.TryRead(ref rest, out age)
            || age > AgeMillisecondsMax
            || age >= newest)
        {
            return false;
        }

        report = new PriceReport(
            (uint)market, (long)price, (long)confidence, (long)(newest - age) * NanosecondsPerMillisecond);
        return true;
    }
}
