using System;
using System.Buffers.Binary;
using AppChain.Margin;

namespace AppChain.StateMachine;

/// <summary>
/// Appends the canonical bytes of rows: fixed-width big-endian integers, no padding, no options. One value has one
/// encoding (docs/spec/state.md).
/// </summary>
public struct ByteWriter
{
    private byte[] _buffer;
    private int _length;

    /// <summary>Bytes written since the last Clear.</summary>
    public readonly int Length => _length;

    /// <summary>An empty writer.</summary>
    public ByteWriter()
        : this(256)
    {
    }

    /// <summary>An empty writer that has room for some bytes, more than none, and grows as needed.</summary>
    public ByteWriter(int capacity)
    {
        _buffer = new byte[capacity];
        _length = 0;
    }

    /// <summary>Starts again, keeping the buffer.</summary>
    public void Clear() => _length = 0;

    /// <summary>The bytes written so far, valid until the next write.</summary>
    public readonly ReadOnlySpan<byte> Written => _buffer.AsSpan(0, _length);

    /// <summary>A copy of the bytes written so far.</summary>
    public readonly byte[] ToArray() => Written.ToArray();

    /// <summary>Appends one byte.</summary>
    public void WriteByte(byte value) => Take(1)[0] = value;

    /// <summary>Appends 0 or 1.</summary>
    public void WriteBool(bool value) => WriteByte(value ? (byte)1 : (byte)0);

    /// <summary>Appends 2 bytes.</summary>
    public void WriteUInt16(ushort value) => BinaryPrimitives.WriteUInt16BigEndian(Take(2), value);

    /// <summary>Appends 4 bytes.</summary>
    public void WriteUInt32(uint value) => BinaryPrimitives.WriteUInt32BigEndian(Take(4), value);

    /// <summary>Appends 4 bytes, two's complement.</summary>
    public void WriteInt32(int value) => BinaryPrimitives.WriteInt32BigEndian(Take(4), value);

    /// <summary>Appends 8 bytes.</summary>
    public void WriteUInt64(ulong value) => BinaryPrimitives.WriteUInt64BigEndian(Take(8), value);

    /// <summary>Appends 8 bytes, two's complement.</summary>
    public void WriteInt64(long value) => BinaryPrimitives.WriteInt64BigEndian(Take(8), value);

    /// <summary>Appends 16 bytes, two's complement.</summary>
    public void WriteInt128(Int128 value) => BinaryPrimitives.WriteInt128BigEndian(Take(16), value);

    /// <summary>Appends bytes whose length the format fixes.</summary>
    public void WriteFixed(ReadOnlySpan<byte> value) => value.CopyTo(Take(value.Length));

    /// <summary>Appends the 32 bytes of a hash.</summary>
    public void WriteDigest(Sha256Digest value) => value.Bytes.CopyTo(Take(Sha256Digest.Size));

    /// <summary>Appends the 20 bytes of an address.</summary>
    public void WriteAddress(Address value) => value.CopyTo(Take(Address.Size));

    /// <summary>Appends a 2-byte length and the bytes.</summary>
    public void WriteBytes(ReadOnlySpan<byte> value)
    {
        Invariant.Assert(value.Length <= ushort.MaxValue);
        WriteUInt16((ushort)value.Length);
        WriteFixed(value);
    }

    private Span<byte> Take(int size)
    {
        if (_length + size > _buffer.Length)
        {
            int wanted = _buffer.Length * 2;
            // BOUND: doubles until the value fits.
            while (wanted < _length + size)
            {
                wanted *= 2;
            }

            Array.Resize(ref _buffer, wanted);
        }

        Span<byte> span = _buffer.AsSpan(_length, size);
        _length += size;
        return span;
    }
}

/// <summary>
/// Reads what <see cref="ByteWriter"/> wrote. Rows come from our own disk: a short row is a broken belief.
/// </summary>
public ref struct ByteReader
{
    private ReadOnlySpan<byte> _rest;

    /// <summary>Reads the given bytes from the start.</summary>
    public ByteReader(ReadOnlySpan<byte> bytes) => _rest = bytes;

    /// <summary>True when every byte has been read.</summary>
    public readonly bool IsAtEnd => _rest.IsEmpty;

    /// <summary>Reads one byte.</summary>
    public byte ReadByte() => Take(1)[0];

    /// <summary>Reads 0 or 1.</summary>
    public bool ReadBool()
    {
        byte value = ReadByte();
        Invariant.Assert(value <= 1);
        return value == 1;
    }

    /// <summary>Reads 2 bytes.</summary>
    public ushort ReadUInt16() => BinaryPrimitives.ReadUInt16BigEndian(Take(2));

    /// <summary>Reads 4 bytes.</summary>
    public uint ReadUInt32() => BinaryPrimitives.ReadUInt32BigEndian(Take(4));

    /// <summary>Reads 4 bytes, two's complement.</summary>
    public int ReadInt32() => BinaryPrimitives.ReadInt32BigEndian(Take(4));

    /// <summary>Reads 8 bytes.</summary>
    public ulong ReadUInt64() => BinaryPrimitives.ReadUInt64BigEndian(Take(8));

    /// <summary>Reads 8 bytes, two's complement.</summary>
    public long ReadInt64() => BinaryPrimitives.ReadInt64BigEndian(Take(8));

    /// <summary>Reads 16 bytes, two's complement.</summary>
    public Int128 ReadInt128() => BinaryPrimitives.ReadInt128BigEndian(Take(16));

    /// <summary>Reads a fixed number of bytes.</summary>
    public ReadOnlySpan<byte> ReadFixed(int size) => Take(size);

    /// <summary>Reads the 32 bytes of a hash.</summary>
    public Sha256Digest ReadDigest() => new(Take(Sha256Digest.Size));

    /// <summary>Reads the 20 bytes of an address.</summary>
    public Address ReadAddress() => new(Take(Address.Size));

    /// <summary>Reads a 2-byte length and that many bytes.</summary>
    public ReadOnlySpan<byte> ReadBytes() => Take(ReadUInt16());

    private ReadOnlySpan<byte> Take(int size)
    {
        Invariant.Assert(size <= _rest.Length);
        ReadOnlySpan<byte> taken = _rest[..size];
        _rest = _rest[size..];
        return taken;
    }
}
