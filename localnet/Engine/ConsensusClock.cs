using System;
using System.Diagnostics;

namespace AppChain.Localnet;

/// <summary>
/// Time of the chain: what votes and blocks are stamped with. It runs at a multiple of wall time from a chosen start,
/// so that a replay of market history can pass faster than it happened. Time-outs of consensus stay in wall time.
/// </summary>
public sealed class ConsensusClock
{
    private readonly long _start;
    private readonly double _speed;
    private readonly long _wallStart = Stopwatch.GetTimestamp();

    /// <summary>Creates a clock that stands at <paramref name="start"/> now.</summary>
    /// <param name="start">Nanoseconds since 1970 UTC.</param>
    /// <param name="speed">Seconds of the chain per second of wall time, above 0.</param>
    public ConsensusClock(long start, double speed)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(speed);
        _start = start;
        _speed = speed;
    }

    /// <summary>Nanoseconds since 1970 UTC of the chain's clock.</summary>
    public long Now => _start + (long)(Stopwatch.GetElapsedTime(_wallStart).Ticks * 100 * _speed);
}
