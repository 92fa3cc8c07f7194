using System;
using System.Collections.Immutable;
using System.Text;
using AppChain.Margin;

namespace AppChain.StateMachine;

/// <summary>Key of a kind that has exactly one row.</summary>
public readonly record struct SingleKey : IComparable<SingleKey>
{
    /// <inheritdoc/>
    public int CompareTo(SingleKey other) => 0;
}

/// <summary>Height, time and counters of the chain.</summary>
public struct ChainRow : IRow<SingleKey, ChainRow>
{
    /// <summary>Chain id, part of what every signature covers.</summary>
    public string ChainId;

    /// <summary>Height of the first block.</summary>
    public long InitialHeight;

    /// <summary>Height of the last executed block; the height before the initial one at genesis.</summary>
    public long Height;

    /// <summary>Header time (ns since 1970) of the last executed block.</summary>
    public long Time;

    /// <summary>Id of the next accepted order, from 1.</summary>
    public ulong NextOrderId;

    /// <inheritdoc/>
    public static RowKind Kind => RowKind.Chain;

    /// <inheritdoc/>
    public readonly SingleKey Key => default;

    /// <inheritdoc/>
    public static void EncodeKey(in SingleKey key, ref ByteWriter writer)
    {
    }

    /// <inheritdoc/>
    public static void EncodeValue(in ChainRow row, ref ByteWriter writer)
    {
        writer.WriteBytes(Encoding.UTF8.GetBytes(row.ChainId));
        writer.WriteInt64(row.InitialHeight);
        writer.WriteInt64(row.Height);
        writer.WriteInt64(row.Time);
        writer.WriteUInt64(row.NextOrderId);
    }

    /// <inheritdoc/>
    public static ChainRow Decode(ref ByteReader key, ref ByteReader value) => new()
    {
        ChainId = Encoding.UTF8.GetString(value.ReadBytes()),
        InitialHeight = value.ReadInt64(),
        Height = value.ReadInt64(),
        Time = value.ReadInt64(),
        NextOrderId = value.ReadUInt64(),
    };
}

/// <summary>
/// The collateral pool. At every block's end: claims of accounts + insurance fund + fees + leaving = held.
/// </summary>
public struct PoolRow : IRow<SingleKey, PoolRow>
{
    /// <summary>Micro-USD deposited and not withdrawn.</summary>
    public Int128 Held;

    /// <summary>
    /// Micro-USD owed to accounts: Σ (collateral − entry notional) over accounts and positions, plus what the funding
    /// clearing of the markets holds. Kept as a running sum; a full scan must agree.
    /// </summary>
    public Int128 Claims;

    /// <summary>Micro-USD of the insurance fund, never negative.</summary>
    public Int128 InsuranceFund;

    /// <summary>
    /// Micro-USD of fees collected net of rebates and of what the treasury spent: the treasury's balance.
    /// </summary>
    public Int128 Fees;

    /// <summary>Micro-USD of withdrawals that have left their accounts and were not released.</summary>
    public Int128 Leaving;

    /// <inheritdoc/>
    public static RowKind Kind => RowKind.Pool;

    /// <inheritdoc/>
    public readonly SingleKey Key => default;

    /// <inheritdoc/>
    public static void EncodeKey(in SingleKey key, ref ByteWriter writer)
    {
    }

    /// <inheritdoc/>
    public static void EncodeValue(in PoolRow row, ref ByteWriter writer)
    {
        writer.WriteInt128(row.Held);
        writer.WriteInt128(row.Claims);
        writer.WriteInt128(row.InsuranceFund);
        writer.WriteInt128(row.Fees);
        writer.WriteInt128(row.Leaving);
    }

    /// <inheritdoc/>
    public static PoolRow Decode(ref ByteReader key, ref ByteReader value) => new()
    {
        Held = value.ReadInt128(),
        Claims = value.ReadInt128(),
        InsuranceFund = value.ReadInt128(),
        Fees = value.ReadInt128(),
        Leaving = value.ReadInt128(),
    };
}

/// <summary>A validator as consensus knows it.</summary>
/// <param name="Address">First 20 bytes of the SHA-256 of the Ed25519 key.</param>
/// <param name="PublicKey">The 32-byte Ed25519 key.</param>
/// <param name="Power">Voting power, &gt; 0.</param>
public readonly record struct Validator(Address Address, ImmutableArray<byte> PublicKey, long Power)
    : IComparable<Validator>
{
    /// <summary>Bytes of an Ed25519 key.</summary>
    public const int PublicKeySize = 32;

    /// <summary>The validator of a key.</summary>
    public static Validator Of(ImmutableArray<byte> publicKey, long power) =>
        new(Address.Of(publicKey.AsSpan()), publicKey, power);

    /// <summary>The power of all members of a set.</summary>
    public static Int128 TotalOf(ImmutableArray<Validator> set)
    {
        Int128 total = 0;
        foreach (Validator validator in set)
        {
            total += validator.Power;
        }

        return total;
    }

    // ORDER: CometBFT's order of a set, power descending, then address ascending.
    /// <inheritdoc/>
    public int CompareTo(Validator other) =>
        Power != other.Power ? other.Power.CompareTo(Power) : Address.CompareTo(other.Address);
}

/// <summary>
/// A validator set and the first height it votes at: in CometBFT's order, power descending, then address ascending.
/// Kept from the set of the previous height on, to verify the extended commit with our own keys and powers.
/// </summary>
public struct ValidatorSetRow : IRow<long, ValidatorSetRow>
{
    /// <summary>First height at which this set proposes and votes.</summary>
    public long FromHeight;

    /// <summary>The members, in CometBFT's order.</summary>
    public ImmutableArray<Validator> Validators;

    /// <inheritdoc/>
    public static RowKind Kind => RowKind.ValidatorSet;

    /// <inheritdoc/>
    public readonly long Key => FromHeight;

    /// <inheritdoc/>
    public static void EncodeKey(in long key, ref ByteWriter writer) => writer.WriteInt64(key);

    /// <inheritdoc/>
    public static void EncodeValue(in ValidatorSetRow row, ref ByteWriter writer)
    {
        writer.WriteUInt16(checked((ushort)row.Validators.Length));
        foreach (Validator validator in row.Validators)
        {
            writer.WriteFixed(validator.Address.ToArray());
            writer.WriteFixed(validator.PublicKey.AsSpan());
            writer.WriteInt64(validator.Power);
        }
    }

    /// <inheritdoc/>
    public static ValidatorSetRow Decode(ref ByteReader key, ref ByteReader value)
    {
        long fromHeight = key.ReadInt64();
        var validators = new Validator[value.ReadUInt16()];
        for (int i = 0; i < validators.Length; i++)
        {
            var address = new Address(value.ReadFixed(Address.Size));
            ImmutableArray<byte> publicKey = [.. value.ReadFixed(Validator.PublicKeySize)];
            validators[i] = new Validator(address, publicKey, value.ReadInt64());
        }

        return new ValidatorSetRow { FromHeight = fromHeight, Validators = ImmutableArray.Create(validators) };
    }
}

/// <summary>An account below maintenance margin whose liquidation is not finished.</summary>
public struct LiquidationRow : IRow<int, LiquidationRow>
{
    /// <summary>The account, by number.</summary>
    public int Account;

    /// <summary>Height at which it was first found below maintenance margin.</summary>
    public long SinceHeight;

    /// <summary>Slices closed so far.</summary>
    public int Slices;

    /// <inheritdoc/>
    public static RowKind Kind => RowKind.Liquidation;

    /// <inheritdoc/>
    public readonly int Key => Account;

    /// <inheritdoc/>
    public static void EncodeKey(in int key, ref ByteWriter writer) => writer.WriteInt32(key);

    /// <inheritdoc/>
    public static void EncodeValue(in LiquidationRow row, ref ByteWriter writer)
    {
        writer.WriteInt64(row.SinceHeight);
        writer.WriteInt32(row.Slices);
    }

    /// <inheritdoc/>
    public static LiquidationRow Decode(ref ByteReader key, ref ByteReader value) => new()
    {
        Account = key.ReadInt32(),
        SinceHeight = value.ReadInt64(),
        Slices = value.ReadInt32(),
    };
}
