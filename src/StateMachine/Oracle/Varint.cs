using System;

namespace AppChain.StateMachine;

/// <summary>Unsigned LEB128 integers as protobuf writes them, in their shortest form only.</summary>
internal static class Varint
{
    /// <summary>
    /// Reads one from the front of the bytes; false when it is cut short, too long or not the shortest form.
    /// </summary>
    public static bool TryRead(ref ReadOnlySpan<byte> bytes, out ulong value)
    {
        value = 0;
        // BOUND: ten bytes hold 64 bits.
        for (int i = 0; i < bytes.Length && i < 10; i++)
        {
            byte part = bytes[i];
            if (i == 9 && part > 1)
            {
                return false;
            }

            value |= (ulong)(part & 0x7f) << (7 * i);
            if (part < 0x80)
            {
                bytes = bytes[(i + 1)..];
                return i == 0 || part != 0;
            }
        }

        return false;
    }

    /// <summary>Appends one.</summary>
    public static void Write(ref ByteWriter writer, ulong value)
    {
        // BOUND: ten bytes hold 64 bits.
        while (value >= 0x80)
        {
            writer.WriteByte((byte)((value & 0x7f) | 0x80));
            value >>= 7;
        }

        writer.WriteByte((byte)value);
    }
}
