using System;
using System.Buffers.Binary;
using AppChain.Hashing;

namespace AppChain.StateMachine;

/// <summary>
/// Whoever has a key, by the first 20 bytes of the SHA-256 of the public one: an owner by its compressed secp256k1 key,
/// a validator by its Ed25519 key.
/// </summary>
public readonly struct Address : IEquatable<Address>, IComparable<Address>
{
    /// <summary>Bytes of an address.</summary>
    public const int Size = 20;

    private readonly ulong _first;
    private readonly ulong _second;
    private readonly uint _third;

    /// <summary>Takes exactly 20 bytes.</summary>
    public Address(ReadOnlySpan<byte> bytes)
    {
        Margin.Invariant.Assert(bytes.Length == Size);
        _first = BinaryPrimitives.ReadUInt64BigEndian(bytes);
        _second = BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]);
        _third = BinaryPrimitives.ReadUInt32BigEndian(bytes[16..]);
    }

    /// <summary>The address of a public key.</summary>
    public static Address Of(ReadOnlySpan<byte> publicKey)
    {
        Span<byte> hash = stackalloc byte[Sha256.Size];
        Sha256.Hash(publicKey, hash);
        return new Address(hash[..Size]);
    }

    /// <summary>Writes the 20 bytes.</summary>
    public void CopyTo(Span<byte> target)
    {
        BinaryPrimitives.WriteUInt64BigEndian(target, _first);
        BinaryPrimitives.WriteUInt64BigEndian(target[8..], _second);
        BinaryPrimitives.WriteUInt32BigEndian(target[16..], _third);
    }

    /// <summary>A copy of the 20 bytes.</summary>
    public byte[] ToArray()
    {
        var bytes = new byte[Size];
        CopyTo(bytes);
        return bytes;
    }

    /// <inheritdoc/>
    public bool Equals(Address other) => _first == other._first && _second == other._second && _third == other._third;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Address other && Equals(other);

    // Addresses are hashes already: any eight bytes of them are spread evenly.
    /// <inheritdoc/>
    public override int GetHashCode() => unchecked((int)_first ^ (int)(_second >> 13));

    /// <inheritdoc/>
    public int CompareTo(Address other)
    {
        int order = _first.CompareTo(other._first);
        order = order != 0 ? order : _second.CompareTo(other._second);
        return order != 0 ? order : _third.CompareTo(other._third);
    }

    /// <summary>Equality of all 20 bytes.</summary>
    public static bool operator ==(Address left, Address right) => left.Equals(right);

    /// <summary>Inequality of any byte.</summary>
    public static bool operator !=(Address left, Address right) => !left.Equals(right);
}

/// <summary>An account: an owner and the number of one of its sub-accounts. Sub-account 0 is the main one.</summary>
/// <param name="Owner">Whose keys may act for it.</param>
/// <param name="Subaccount">0…65,535.</param>
public readonly record struct AccountId(Address Owner, uint Subaccount) : IComparable<AccountId>
{
    /// <summary>Highest sub-account number.</summary>
    public const uint SubaccountMax = 65_535;

    /// <inheritdoc/>
    public int CompareTo(AccountId other)
    {
        int order = Owner.CompareTo(other.Owner);
        return order != 0 ? order : Subaccount.CompareTo(other.Subaccount);
    }

    /// <inheritdoc/>
    public override int GetHashCode() => unchecked(Owner.GetHashCode() + ((int)Subaccount * 397));
}

/// <summary>Which way an order trades. Zero is invalid on the wire.</summary>
public enum Side : byte
{
    /// <summary>Not stated; always refused.</summary>
    Unspecified = 0,

    /// <summary>Adds to the position.</summary>
    Buy = 1,

    /// <summary>Takes from the position.</summary>
    Sell = 2,
}
