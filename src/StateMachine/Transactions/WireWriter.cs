using System;
using System.Collections.Immutable;

namespace AppChain.StateMachine;

/// <summary>
/// Appends the fields of protobuf messages in their canonical encoding: a field with its default value is left out.
/// </summary>
internal struct WireWriter
{
    private byte[] _buffer;
    private int _length;

    /// <summary>An empty writer with room for a number of bytes before it has to grow.</summary>
    public WireWriter(int capacity)
    {
        _buffer = new byte[capacity];
        _length = 0;
    }

    /// <summary>A copy of what was written.</summary>
    public readonly byte[] ToArray() => _buffer.AsSpan(0, _length).ToArray();

    /// <summary>Appends a number, unless it is zero.</summary>
    public void WriteNumber(uint tag, ulong value)
    {
        if (value != 0)
        {
            WriteVarint(tag);
            WriteVarint(value);
        }
    }

    /// <summary>Appends a number that cannot be negative, unless it is zero.</summary>
    /// <exception cref="OverflowException">The number is negative.</exception>
    public void WriteNumber(uint tag, long value) => WriteNumber(tag, (ulong)value);

    /// <summary>Appends a flag, unless it is false.</summary>
    public void WriteBool(uint tag, bool value) => WriteNumber(tag, value ? 1UL : 0UL);

    /// <summary>Appends bytes, unless there are none.</summary>
    public void WriteBytes(uint tag, ReadOnlySpan<byte> value)
    {
        if (value.IsEmpty)
        {
            return;
        }

        WriteVarint(tag);
        WriteVarint((ulong)value.Length);
        Reserve(value.Length);
        value.CopyTo(_buffer.AsSpan(_length));
        _length += value.Length;
    }

    /// <summary>Appends a packed list of numbers, unless it is empty.</summary>
    public void WriteNumbers(uint tag, ImmutableArray<uint> values)
    {
        if (values.IsDefaultOrEmpty)
        {
            return;
        }

        int start = BeginMessage(tag);
        foreach (uint value in values)
        {
            WriteVarint(value);
        }

        EndMessage(start);
    }

    /// <summary>Appends an address.</summary>
    public void WriteAddress(uint tag, Address address)
    {
        Span<byte> bytes = stackalloc byte[Address.Size];
        address.CopyTo(bytes);
        WriteBytes(tag, bytes);
    }

    /// <summary>Starts a nested message; give the result to <see cref="EndMessage"/>.</summary>
    public int BeginMessage(uint tag)
    {
        WriteVarint(tag);
        WriteVarint(0);
        return _length;
    }

    /// <summary>Ends a nested message: what was written since is its content.</summary>
    public void EndMessage(int start)
    {
        int size = _length - start;
        int longer = 0;
        for (int rest = size >> 7; rest > 0; rest >>= 7)
        {
            longer++;
        }

        // One byte was left for the length; a longer one moves the content.
        if (longer > 0)
        {
            Reserve(longer);
            Array.Copy(_buffer, start, _buffer, start + longer, size);
        }

        _length = start - 1;
        WriteVarint((ulong)size);
        _length += size;
    }

    private void WriteVarint(ulong value)
    {
        Reserve(10);
        // BOUND: at most ten bytes of seven bits.
        while (value >= 0x80)
        {
            _buffer[_length++] = (byte)(0x80 | (value & 0x7f));
            value >>= 7;
        }

        _buffer[_length++] = (byte)value;
    }

    private void Reserve(int size)
    {
        if (_length + size > _buffer.Length)
        {
            Array.Resize(ref _buffer, Math.Max(_buffer.Length * 2, _length + size));
        }
    }
}
