using System;
using System.Diagnostics;
using AppChain.Abci;

namespace AppChain.Localnet;

/// <summary>
/// Time of the chain: what votes and blocks are stamped with. It runs at a multiple of wall time from a chosen start,
/// so that a replay of market history can pass faster than it happened. Time-outs of consensus stay in wall time.
/// </summary>
public sealed class ConsensusClock
{
    private readonly long _start;
    private readonly double _speed;
    private readonly long _wallStart;

    /// <summary>Creates a clock that has run since an epoch.</summary>
    /// <param name="start">What it showed at the epoch, nanoseconds since 1970 UTC.</param>
    /// <param name="epoch">Wall time of the epoch, nanoseconds since 1970 UTC.</param>
    /// <param name="speed">Seconds of the chain per second of wall time, above 0.</param>
    /// <param name="earliest">It begins here when it would stand before.</param>
    public ConsensusClock(long start, long epoch, double speed, long earliest)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(speed);
        _speed = speed;
        // ORDER: both readings at once. What passes between them is missing from the chain's time for good, and many
        // times: beside price feeds that count from the same epoch every price would seem to come from the future.
        _wallStart = Stopwatch.GetTimestamp();
        _start = Math.Max(earliest, start + (long)((WireTime.Now - epoch) * speed));
    }

    /// <summary>Nanoseconds since 1970 UTC of the chain's clock.</summary>
    public long Now => _start + (long)(Stopwatch.GetElapsedTime(_wallStart).Ticks * 100 * _speed);
}
