using System;
using System.Collections.Immutable;

namespace AppChain.StateMachine;

/// <summary>
/// Reads one protobuf message in the only encoding that is accepted: fields ascending, each once, shortest varints, no
/// default values (docs/spec/transactions.md, TX-2). A violation is remembered in <see cref="HasFailed"/> and ends the
/// message, so callers look once, at the end.
/// </summary>
internal ref struct WireReader
{
    private const int VarintBytesMax = 10;

    private readonly ReadOnlySpan<byte> _bytes;
    private int _position;
    private uint _lastTag;

    /// <summary>Reads the fields of the message that the bytes are.</summary>
    public WireReader(ReadOnlySpan<byte> message)
    {
        _bytes = message;
        _position = 0;
        _lastTag = 0;
        HasFailed = false;
    }

    /// <summary>Something was not in its canonical form.</summary>
    public bool HasFailed { get; private set; }

    /// <summary>What has not been read yet.</summary>
    public readonly ReadOnlySpan<byte> Rest => _bytes[_position..];

    /// <summary>
    /// Reads the tag of the next field; false at the end of the message or after a failure. Tags must grow, except that
    /// <paramref name="repeated"/> may follow itself.
    /// </summary>
    public bool TryReadTag(out uint tag, uint repeated = 0)
    {
        tag = 0;
        if (HasFailed || _position == _bytes.Length)
        {
            return false;
        }

        ulong value = ReadVarint();
        bool ascends = value > _lastTag || (value == repeated && value == _lastTag);
        if (HasFailed || value > uint.MaxValue || !ascends)
        {
            return Fail();
        }

        tag = (uint)value;
        _lastTag = tag;
        return true;
    }

    /// <summary>
    /// Takes the tag of the next field if it is this one. Whoever asks for all fields in ascending order passes over
    /// those that are not there; one that is unknown, out of order or there twice stays, and <see cref="IsComplete"/>
    /// is false.
    /// </summary>
    public bool Takes(uint tag)
    {
        int start = _position;
        if (HasFailed || start == _bytes.Length)
        {
            return false;
        }

        ulong value = ReadVarint();
        bool isNext = value == tag && !HasFailed;
        _position = isNext ? _position : start;
        return isNext;
    }

    /// <summary>Everything was in its canonical form and was read.</summary>
    public readonly bool IsComplete => !HasFailed && _position == _bytes.Length;

    /// <summary>The field as <see cref="ReadUInt64"/>; 0 when it is not there.</summary>
    public ulong UInt64(uint tag) => Takes(tag) ? ReadUInt64() : 0;

    /// <summary>The field as <see cref="ReadPositiveInt64"/>; 0 when it is not there.</summary>
    public long PositiveInt64(uint tag) => Takes(tag) ? ReadPositiveInt64() : 0;

    /// <summary>The field as <see cref="ReadUInt32"/>; 0 when it is not there.</summary>
    public uint UInt32(uint tag) => Takes(tag) ? ReadUInt32() : 0;

    /// <summary>The field as <see cref="ReadEnum"/>; 0 when it is not there.</summary>
    public byte Enum(uint tag, byte highest) => Takes(tag) ? ReadEnum(highest) : (byte)0;

    /// <summary>The field as <see cref="ReadBytes"/>; empty when it is not there.</summary>
    public ReadOnlySpan<byte> Bytes(uint tag) => Takes(tag) ? ReadBytes() : default;

    /// <summary>The field as bytes, of which there is at least one; empty when it is not there.</summary>
    public ImmutableArray<byte> SomeBytes(uint tag)
    {
        if (!Takes(tag))
        {
            return [];
        }

        ReadOnlySpan<byte> bytes = ReadBytes();
        // None would be the default, which is not written.
        if (bytes.IsEmpty)
        {
            Fail();
        }

        return [.. bytes];
    }

    /// <summary>The field as <see cref="ReadAddress"/>; null when it is not there.</summary>
    public Address? AddressOrNone(uint tag) => Takes(tag) ? ReadAddress() : null;

    /// <summary>Reads a number of 64 bits, which cannot be zero.</summary>
    public ulong ReadUInt64() => ReadAtMost(ulong.MaxValue);

    /// <summary>Reads a number from 1 to 2^63 − 1.</summary>
    public long ReadPositiveInt64() => (long)ReadAtMost(long.MaxValue);

    /// <summary>Reads a number of 32 bits, which cannot be zero.</summary>
    public uint ReadUInt32() => (uint)ReadAtMost(uint.MaxValue);

    /// <summary>Reads the number of an enum value, from 1 to the highest there is.</summary>
    public byte ReadEnum(byte highest) => (byte)ReadAtMost(highest);

    /// <summary>Reads a flag, which can only be true: false is not written.</summary>
    public bool ReadBool() => ReadAtMost(1) == 1;

    /// <summary>Reads bytes with their length; empty when that is beyond the end.</summary>
    public ReadOnlySpan<byte> ReadBytes()
    {
        ulong length = ReadVarint();
        if (HasFailed || length > (ulong)(_bytes.Length - _position))
        {
            Fail();
            return default;
        }

        ReadOnlySpan<byte> taken = _bytes.Slice(_position, (int)length);
        _position += (int)length;
        return taken;
    }

    /// <summary>
    /// Reads a packed list of 1 to <paramref name="most"/> numbers of 32 bits, ascending and not zero.
    /// </summary>
    public ImmutableArray<uint> ReadAscendingUInt32s(int most)
    {
        var list = new WireReader(ReadBytes());
        var values = ImmutableArray.CreateBuilder<uint>();
        uint before = 0;
        // BOUND: stops at the first value beyond the limit.
        while (!list.Rest.IsEmpty && !list.HasFailed && values.Count < most)
        {
            uint value = list.ReadUInt32();
            if (value <= before)
            {
                list.Fail();
            }

            values.Add(value);
            before = value;
        }

        if (list.HasFailed || !list.Rest.IsEmpty || values.Count == 0)
        {
            Fail();
        }

        return values.ToImmutable();
    }

    /// <summary>Reads an address, of exactly 20 bytes.</summary>
    public Address ReadAddress()
    {
        ReadOnlySpan<byte> bytes = ReadBytes();
        if (bytes.Length != Address.Size)
        {
            Fail();
            return default;
        }

        return new Address(bytes);
    }

    /// <summary>Marks the message as not canonical.</summary>
    public bool Fail()
    {
        HasFailed = true;
        return false;
    }

    private ulong ReadAtMost(ulong highest)
    {
        ulong value = ReadVarint();
        if (value == 0 || value > highest)
        {
            Fail();
            return 0;
        }

        return value;
    }

    private ulong ReadVarint()
    {
        if (_position < _bytes.Length && _bytes[_position] is > 0 and < 0x80)
        {
            return _bytes[_position++];
        }

        return ReadLongVarint();
    }

    private ulong ReadLongVarint()
    {
        ulong value = 0;
        // BOUND: a varint has at most ten bytes.
        for (int i = 0; i < VarintBytesMax && _position < _bytes.Length; i++)
        {
            byte next = _bytes[_position++];
            value |= (ulong)(next & 0x7f) << (7 * i);
            if (next < 0x80)
            {
                // A last byte of zero could have been left out; of the tenth byte only the lowest bit counts.
                bool isShortest = next != 0 || i == 0;
                if (!isShortest || (i == VarintBytesMax - 1 && next > 1))
                {
                    break;
                }

                return value;
            }
        }

        Fail();
        return 0;
    }
}
