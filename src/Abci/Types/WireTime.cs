using System;
using System.Globalization;
using Google.Protobuf.WellKnownTypes;

namespace AppChain.Abci;

/// <summary>
/// Times on the wire: seconds since 1970 and nanoseconds, always UTC. An unset time is the first moment of the year 1,
/// which is not the same as <c>new Timestamp()</c> (the year 1970).
/// </summary>
public static class WireTime
{
    private const long NanosecondsPerSecond = 1_000_000_000;
    private const long SecondsOfYear1 = -62_135_596_800;
    private const long SecondsAfterYear9999 = 253_402_300_800;

    /// <summary>0001-01-01T00:00:00Z, the time of absent signatures. A new message on every read.</summary>
    public static Timestamp Zero => new() { Seconds = SecondsOfYear1 };

    /// <summary>Nanoseconds since 1970 by the machine's clock.</summary>
    public static long Now => ToNanoseconds(DateTimeOffset.UtcNow);

    /// <summary>
    /// Nanoseconds since 1970. Throws <see cref="OverflowException"/> outside the years 1678 to 2261.
    /// </summary>
    public static long ToNanoseconds(DateTimeOffset time) =>
        checked((time - DateTimeOffset.UnixEpoch).Ticks * TimeSpan.NanosecondsPerTick);

    /// <inheritdoc cref="ToNanoseconds(DateTimeOffset)"/>
    public static long ToNanoseconds(Timestamp time)
    {
        ArgumentNullException.ThrowIfNull(time);
        return checked((time.Seconds * NanosecondsPerSecond) + time.Nanos);
    }

    /// <summary>The time a number of nanoseconds after 1970, or before it when negative.</summary>
    public static Timestamp FromNanoseconds(long nanoseconds)
    {
        // ROUNDING: down, so that the nanosecond part is never negative.
        long seconds = Math.DivRem(nanoseconds, NanosecondsPerSecond, out long rest);
        if (rest < 0)
        {
            seconds--;
            rest += NanosecondsPerSecond;
        }
        return new Timestamp { Seconds = seconds, Nanos = (int)rest };
    }

    /// <summary>Negative, zero or positive as <paramref name="left"/> is earlier, equal or later.</summary>
    public static int Compare(Timestamp left, Timestamp right)
    {
        ArgumentNullException.ThrowIfNull(left);
        ArgumentNullException.ThrowIfNull(right);
        int bySeconds = left.Seconds.CompareTo(right.Seconds);
        return bySeconds != 0 ? bySeconds : left.Nanos.CompareTo(right.Nanos);
    }

    /// <summary>Whether the time lies in the years 1 to 9999 and its nanoseconds below one second.</summary>
    public static bool IsValid(Timestamp time) =>
        time is { Seconds: >= SecondsOfYear1 and < SecondsAfterYear9999, Nanos: >= 0 and < (int)NanosecondsPerSecond };

    /// <summary>
    /// As CometBFT prints it in JSON: RFC 3339, UTC, up to nine digits of fraction, none when it is zero.
    /// </summary>
    public static string ToText(Timestamp time)
    {
        if (!IsValid(time)) throw new FormatException($"time out of range: {time}");
        DateTime whole = DateTime.UnixEpoch.AddTicks(checked(time.Seconds * TimeSpan.TicksPerSecond));
        string text = whole.ToString("yyyy-MM-dd'T'HH:mm:ss", CultureInfo.InvariantCulture);
        if (time.Nanos == 0) return text + "Z";
        string fraction = time.Nanos.ToString("D9", CultureInfo.InvariantCulture).TrimEnd('0');
        return $"{text}.{fraction}Z";
    }

    /// <summary>Reads an RFC 3339 time in UTC. Throws <see cref="FormatException"/>.</summary>
    public static Timestamp Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        const int wholeLength = 19;
        bool isUtc = text.EndsWith('Z') && text.Length > wholeLength;
        string fraction = isUtc ? text[wholeLength..^1] : "";
        bool hasFraction = fraction.Length is >= 2 and <= 10 && fraction[0] == '.';
        if (!isUtc || (fraction.Length > 0 && !hasFraction)
            || !DateTime.TryParseExact(text[..wholeLength], "yyyy-MM-dd'T'HH:mm:ss", CultureInfo.InvariantCulture,
                DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out DateTime whole))
        {
            throw new FormatException($"not a time in RFC 3339 with zone Z: '{text}'");
        }
        int nanos = 0;
        if (hasFraction && !int.TryParse(fraction[1..].PadRight(9, '0'), NumberStyles.None,
                CultureInfo.InvariantCulture, out nanos))
        {
            throw new FormatException($"not a fraction of a second: '{text}'");
        }
        return new Timestamp { Seconds = (whole - DateTime.UnixEpoch).Ticks / TimeSpan.TicksPerSecond, Nanos = nanos };
    }
}
