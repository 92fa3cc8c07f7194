using System;
using System.IO;

namespace AppChain.Abci;

/// <summary>
/// The framing of every CometBFT socket: a message's length as an unsigned LEB128 number, then the message.
/// </summary>
public static class Frame
{
    /// <summary>Default upper bound on a frame's length, far above the largest block the chain allows.</summary>
    public const int DefaultBytesMax = 128 * 1024 * 1024;

    /// <summary>Bytes a length can take.</summary>
    public const int PrefixBytesMax = 10;

    /// <summary>Bytes that <paramref name="value"/> takes as a prefix.</summary>
    public static int PrefixSize(uint value)
    {
        int size = 1;
        for (uint rest = value; rest >= 0x80; rest >>= 7) size++;
        return size;
    }

    /// <summary>Writes the prefix and returns how many bytes it took.</summary>
    public static int WritePrefix(Span<byte> target, uint value)
    {
        int at = 0;
        uint rest = value;
        while (rest >= 0x80)
        {
            target[at++] = (byte)((rest & 0x7F) | 0x80);
            rest >>= 7;
        }
        target[at++] = (byte)rest;
        return at;
    }

    /// <summary>
    /// Reads a prefix. False when more bytes are needed. Throws <see cref="MalformedFrameException"/> for a length
    /// above
    /// <paramref name="bytesMax"/> or one that does not end within ten bytes.
    /// </summary>
    public static bool TryReadPrefix(ReadOnlySpan<byte> source, int bytesMax, out int length, out int prefixSize)
    {
        length = 0;
        prefixSize = 0;
        ulong value = 0;
        for (int i = 0; i < source.Length && i < PrefixBytesMax; i++)
        {
            byte one = source[i];
            // The tenth byte may only hold the highest bit of a 64-bit number.
            if (i == PrefixBytesMax - 1 && one > 1) throw new MalformedFrameException("frame length is not a number");
            value |= (ulong)(one & 0x7F) << (7 * i);
            if (one >= 0x80) continue;
            if (value > (ulong)bytesMax)
            {
                throw new MalformedFrameException($"frame of {value} bytes exceeds the limit of {bytesMax}");
            }
            length = (int)value;
            prefixSize = i + 1;
            return true;
        }
        if (source.Length >= PrefixBytesMax) throw new MalformedFrameException("frame length is not a number");
        return false;
    }
}

/// <summary>
/// Bytes on a socket that are not what the protocol allows. The connection cannot be used any further.
/// </summary>
public sealed class MalformedFrameException : IOException
{
    /// <summary>With what was wrong.</summary>
    public MalformedFrameException(string message) : base(message)
    {
    }

    /// <summary>With what was wrong and the error behind it.</summary>
    public MalformedFrameException(string message, Exception cause) : base(message, cause)
    {
    }
}
