using System;
using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using AppChain.Hashing;

namespace AppChain.StateMachine;

/// <summary>The 32 bytes of a SHA-256 hash, kept in memory order. The default value is 32 zero bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct Sha256Digest : IEquatable<Sha256Digest>, IComparable<Sha256Digest>
{
    /// <summary>Bytes of a digest.</summary>
    public const int Size = 32;

    private ulong _first;
    private ulong _second;
    private ulong _third;
    private ulong _fourth;

    /// <summary>Takes exactly 32 bytes.</summary>
    public Sha256Digest(ReadOnlySpan<byte> bytes)
    {
        Margin.Invariant.Assert(bytes.Length == Size);
        this = MemoryMarshal.Read<Sha256Digest>(bytes);
    }

    /// <summary>SHA-256 of a prefix byte and two digests: the hash of a leaf (0) or of an inner node (1).</summary>
    public static Sha256Digest OfPair(byte prefix, Sha256Digest left, Sha256Digest right)
    {
        Sha256Digest hash = default;
        Sha256.Hash(prefix, left.Bytes, right.Bytes, hash.Bytes);
        return hash;
    }

    /// <summary>The bytes in place.</summary>
    [UnscopedRef]
    public Span<byte> Bytes => MemoryMarshal.AsBytes(new Span<Sha256Digest>(ref this));

    /// <summary>True when any byte is not zero.</summary>
    public readonly bool IsNonzero => (_first | _second | _third | _fourth) != 0;

    /// <summary>The first eight bytes as a number, so that numbers compare as the bytes do.</summary>
    public readonly ulong Prefix => BigEndian(_first);

    /// <summary>A copy of the 32 bytes.</summary>
    public byte[] ToArray() => Bytes.ToArray();

    /// <summary>Bit <paramref name="index"/>, 0…255, counted from the most significant bit of the first byte.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly int Bit(int index)
    {
        ulong word = Unsafe.Add(ref Unsafe.AsRef(in _first), (index >> 6) & 3);
        return (int)((BigEndian(word) >> (63 - (index & 63))) & 1);
    }

    /// <inheritdoc/>
    public readonly bool Equals(Sha256Digest other) =>
        _first == other._first && _second == other._second && _third == other._third && _fourth == other._fourth;

    /// <inheritdoc/>
    public override readonly bool Equals(object? obj) => obj is Sha256Digest other && Equals(other);

    /// <inheritdoc/>
    public override readonly int GetHashCode() => unchecked((int)_first);

    /// <summary>Compares as byte strings.</summary>
    public readonly int CompareTo(Sha256Digest other)
    {
        int order = BigEndian(_first).CompareTo(BigEndian(other._first));
        order = order != 0 ? order : BigEndian(_second).CompareTo(BigEndian(other._second));
        order = order != 0 ? order : BigEndian(_third).CompareTo(BigEndian(other._third));
        return order != 0 ? order : BigEndian(_fourth).CompareTo(BigEndian(other._fourth));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong BigEndian(ulong word) =>
        BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness(word) : word;
}
