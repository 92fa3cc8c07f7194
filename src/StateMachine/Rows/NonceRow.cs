using System;
using System.Runtime.CompilerServices;
using AppChain.Margin;

namespace AppChain.StateMachine;

/// <summary>
/// The nonces a signer has used: the highest, and a bitmap of the window below it. Nonces may arrive in any order
/// inside the window; each works once; one below the window is refused.
/// </summary>
public struct NonceRow : IRow<Address, NonceRow>
{
    /// <summary>The 256 flags of the window.</summary>
    [InlineArray(Words)]
    public struct Bitmap
    {
        private ulong _word;
    }

    private const int Words = Limits.NonceWindow / 64;

    /// <summary>Who signed: an owner, or an agent of one.</summary>
    public Address Owner;

    /// <summary>Highest nonce used.</summary>
    public ulong Highest;

    /// <summary>Bit d: nonce Highest − d has been used (bit 0 is always set once there is a row).</summary>
    public Bitmap Used;

    /// <summary>True when the nonce is within the window or above it, and has not been used.</summary>
    public readonly bool IsFree(ulong nonce)
    {
        if (nonce > Highest)
        {
            return true;
        }

        ulong distance = Highest - nonce;
        if (distance >= Limits.NonceWindow)
        {
            return false;
        }

        return (Used[(int)(distance / 64)] >> (int)(distance % 64) & 1) == 0;
    }

    /// <summary>The first nonce of a signer: the window ends at it.</summary>
    public void Start(ulong nonce)
    {
        Highest = nonce;
        Used = default;
        Used[0] = 1;
    }

    /// <summary>Marks a free nonce as used.</summary>
    public void Use(ulong nonce)
    {
        Invariant.Assert(IsFree(nonce));
        if (nonce > Highest)
        {
            ShiftUp(nonce - Highest);
            Highest = nonce;
        }

        ulong distance = Highest - nonce;
        Used[(int)(distance / 64)] |= 1UL << (int)(distance % 64);
    }

    private void ShiftUp(ulong by)
    {
        if (by >= Limits.NonceWindow)
        {
            Used = default;
            return;
        }

        int words = (int)(by / 64);
        int bits = (int)(by % 64);
        // BOUND: one step per word of the window.
        for (int i = Words - 1; i >= 0; i--)
        {
            ulong high = i - words >= 0 ? Used[i - words] : 0;
            ulong low = i - words - 1 >= 0 && bits > 0 ? Used[i - words - 1] >> (64 - bits) : 0;
            Used[i] = (high << bits) | low;
        }
    }

    /// <inheritdoc/>
    public static RowKind Kind => RowKind.Nonce;

    /// <inheritdoc/>
    public readonly Address Key => Owner;

    /// <inheritdoc/>
    public static void EncodeKey(in Address key, ref ByteWriter writer)
    {
        Span<byte> owner = stackalloc byte[Address.Size];
        key.CopyTo(owner);
        writer.WriteFixed(owner);
    }

    /// <inheritdoc/>
    public static void EncodeValue(in NonceRow row, ref ByteWriter writer)
    {
        writer.WriteUInt64(row.Highest);
        for (int i = 0; i < Words; i++)
        {
            writer.WriteUInt64(row.Used[i]);
        }
    }

    /// <inheritdoc/>
    public static NonceRow Decode(ref ByteReader key, ref ByteReader value)
    {
        var row = new NonceRow { Owner = new Address(key.ReadFixed(Address.Size)), Highest = value.ReadUInt64() };
        for (int i = 0; i < Words; i++)
        {
            row.Used[i] = value.ReadUInt64();
        }

        return row;
    }
}
