using System;
using Google.Protobuf;

namespace AppChain.Abci;

/// <summary>What the parser throws at bytes that are no message.</summary>
public static class WireFault
{
    /// <summary>
    /// True for the exception of malformed bytes. Google.Protobuf 3.25.1 also reads beyond its buffer when a length is near
    /// 2^64, and then throws <see cref="IndexOutOfRangeException"/> or <see cref="ArgumentOutOfRangeException"/>.
    /// </summary>
    public static bool IsMalformed(Exception fault) =>
        fault is InvalidProtocolBufferException or IndexOutOfRangeException or ArgumentOutOfRangeException;
}
