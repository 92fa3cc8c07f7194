using System;

namespace AppChain.StateMachine;

/// <summary>
/// An account. Accounts are never removed; the dense <see cref="Number"/> is how other rows name it.
/// </summary>
public struct AccountRow : IRow<AccountId, AccountRow>
{
    /// <summary>Owner and sub-account.</summary>
    public AccountId Id;

    /// <summary>Order of creation from 0; equal to the slot of the row.</summary>
    public int Number;

    /// <summary>
    /// Micro-USD, signed. Realised results are in it; unrealised profit and unsettled funding are not.
    /// </summary>
    public Int128 Collateral;

    /// <summary>Link: slot of the position in the lowest market, or -1. Rebuilt at load.</summary>
    internal int FirstPosition;

    /// <inheritdoc/>
    public static RowKind Kind => RowKind.Account;

    /// <inheritdoc/>
    public readonly AccountId Key => Id;

    /// <inheritdoc/>
    public static void EncodeKey(in AccountId key, ref ByteWriter writer)
    {
        Span<byte> owner = stackalloc byte[Address.Size];
        key.Owner.CopyTo(owner);
        writer.WriteFixed(owner);
        writer.WriteUInt32(key.Subaccount);
    }

    /// <inheritdoc/>
    public static void EncodeValue(in AccountRow row, ref ByteWriter writer)
    {
        writer.WriteInt32(row.Number);
        writer.WriteInt128(row.Collateral);
    }

    /// <inheritdoc/>
    public static AccountRow Decode(ref ByteReader key, ref ByteReader value) => new()
    {
        Id = new AccountId(new Address(key.ReadFixed(Address.Size)), key.ReadUInt32()),
        Number = value.ReadInt32(),
        Collateral = value.ReadInt128(),
        FirstPosition = -1,
    };
}
