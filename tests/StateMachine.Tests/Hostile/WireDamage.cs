using System;
using System.Collections.Generic;

namespace AppChain.StateMachine.Tests;

/// <summary>
/// Damages bytes in the ways that a hostile sender would: a protobuf message is taken apart into fields, one of them is
/// changed at any depth, and the message is written again with lengths that fit, so that the damage gets past the
/// first look; or single bytes are changed, cut, repeated and inserted.
/// </summary>
internal sealed class WireDamage(Random random)
{
    private const int LengthDelimited = 2;

    private static readonly ulong[] s_numbers =
    [
        0, 1, 2, 127, 128, 255, 256, 65_535, 65_536, int.MaxValue, uint.MaxValue, 1UL << 32, (1UL << 40) - 1,
        1UL << 40, 1UL << 62, (1UL << 62) + 1, long.MaxValue, 1UL << 63, ulong.MaxValue,
    ];

    // A field as it was read: a number, or content with its length.
    private readonly record struct Field(ulong Tag, ulong Number, byte[]? Content);

    /// <summary>The message with one to three fields damaged.</summary>
    public byte[] Message(byte[] message)
    {
        byte[] damaged = message;
        for (int i = random.Next(1, 4); i > 0; i--)
        {
            damaged = TryRead(damaged, out List<Field> fields) && fields.Count > 0 ? OneField(fields) : Bytes(damaged);
        }

        return damaged;
    }

    /// <summary>The bytes with one to three places changed, whatever they mean.</summary>
    public byte[] Bytes(byte[] bytes)
    {
        var damaged = new List<byte>(bytes);
        for (int i = random.Next(1, 4); i > 0; i--)
        {
            int at = random.Next(damaged.Count + 1);
            int count = Math.Min(random.Next(1, 20), damaged.Count - at);
            switch (random.Next(6))
            {
                case 0 when at < damaged.Count:
                    damaged[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1 when at < damaged.Count:
                    damaged[at] = (byte)random.Next(256);
                    break;
                case 2:
                    damaged.RemoveRange(at, count);
                    break;
                case 3:
                    damaged.InsertRange(at, damaged.GetRange(at, count));
                    break;
                case 4:
                    var number = new List<byte>();
                    WriteVarint(number, Number());
                    damaged.InsertRange(at, number);
                    break;
                default:
                    damaged.RemoveRange(at, damaged.Count - at);
                    break;
            }
        }

        return [.. damaged];
    }

    /// <summary>Bytes that mean nothing.</summary>
    public byte[] Noise(int most)
    {
        byte[] bytes = new byte[random.Next(most + 1)];
        random.NextBytes(bytes);
        return bytes;
    }

    private ulong Number() => random.Next(3) == 0
        ? unchecked((ulong)random.NextInt64()) >> random.Next(64)
        : s_numbers[random.Next(s_numbers.Length)];

    private byte[] OneField(List<Field> fields)
    {
        int at = random.Next(fields.Count);
        Field field = fields[at];

        // Mostly deeper: the outer levels have few fields.
        if (field.Content is { Length: > 1 } inner
            && random.Next(4) != 0
            && TryRead(inner, out List<Field> parts)
            && parts.Count > 0)
        {
            fields[at] = field with { Content = OneField(parts) };
            return Write(fields);
        }

        // Half of the changes are of numbers: they decode, and go on to the rules.
        switch (random.Next(16))
        {
            case 0:
                fields.RemoveAt(at);
                break;
            case 1:
                fields.Insert(at, field);
                break;
            case 2:
                fields.Insert(random.Next(fields.Count + 1), fields[random.Next(fields.Count)]);
                break;
            case 3:
                fields[at] = field with { Tag = random.Next(2) == 0 ? field.Tag ^ 8 : Number() };
                break;
            case 4:
                fields[at] = field with { Content = field.Content is null ? Noise(12) : Bytes(field.Content) };
                break;
            case 5:
                fields[at] = field with { Content = Write(fields) };
                break;
            case 6:
                return Write(fields, overlong: at);
            case 7:
                return Write(fields, lie: at);
            default:
                fields[at] = field with { Number = Number() };
                break;
        }

        return Write(fields);
    }

    private byte[] Write(List<Field> fields, int overlong = -1, int lie = -1)
    {
        var bytes = new List<byte>();
        for (int i = 0; i < fields.Count; i++)
        {
            Field field = fields[i];
            WriteVarint(bytes, field.Tag);
            ulong number = field.Content is { } content ? (ulong)content.Length : field.Number;
            WriteVarint(bytes, i == lie ? Number() : number, i == overlong);
            bytes.AddRange(field.Content ?? []);
        }

        return [.. bytes];
    }

    private static void WriteVarint(List<byte> bytes, ulong value, bool overlong = false)
    {
        for (; value >= 0x80; value >>= 7)
        {
            bytes.Add((byte)((value & 0x7f) | 0x80));
        }

        bytes.Add((byte)(overlong ? value | 0x80 : value));
        if (overlong)
        {
            bytes.Add(0);
        }
    }

    private static bool TryRead(byte[] message, out List<Field> fields)
    {
        fields = [];
        ReadOnlySpan<byte> rest = message;
        while (!rest.IsEmpty)
        {
            if (!Varint.TryRead(ref rest, out ulong tag) || !Varint.TryRead(ref rest, out ulong number))
            {
                return false;
            }

            byte[]? content = null;
            if ((tag & 7) == LengthDelimited)
            {
                if (number > (ulong)rest.Length)
                {
                    return false;
                }

                content = rest[..(int)number].ToArray();
                rest = rest[(int)number..];
            }

            fields.Add(new Field(tag, number, content));
        }

        return true;
    }
}
