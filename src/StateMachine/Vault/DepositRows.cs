using System;
using System.Buffers.Binary;
using AppChain.Hashing;

namespace AppChain.StateMachine;

/// <summary>
/// Names what guardians attest: the deposit on the other side, and a hash of who is to get how much, so that one
/// guardian who lies about a deposit does not stand in the way of the true one.
/// </summary>
public readonly record struct DepositKey(Sha256Digest DepositId, Sha256Digest Content) : IComparable<DepositKey>
{
    /// <summary>The key of an attestation.</summary>
    public static DepositKey Of(in Sha256Digest depositId, in AccountId recipient, long amount)
    {
        Span<byte> content = stackalloc byte[Address.Size + 4 + 8];
        recipient.Owner.CopyTo(content);
        BinaryPrimitives.WriteUInt32BigEndian(content[Address.Size..], recipient.Subaccount);
        BinaryPrimitives.WriteInt64BigEndian(content[(Address.Size + 4)..], amount);
        Span<byte> hash = stackalloc byte[Sha256Digest.Size];
        Sha256.Hash(content, hash);
        return new DepositKey(depositId, new Sha256Digest(hash));
    }

    /// <inheritdoc/>
    public int CompareTo(DepositKey other)
    {
        int order = DepositId.CompareTo(other.DepositId);
        return order != 0 ? order : Content.CompareTo(other.Content);
    }

    /// <inheritdoc/>
    public override int GetHashCode() => unchecked(DepositId.GetHashCode() + (Content.GetHashCode() * 397));
}

/// <summary>A deposit that some guardians have attested, but not enough of them.</summary>
public struct PendingDepositRow : IRow<DepositKey, PendingDepositRow>
{
    /// <summary>Deposit and content.</summary>
    public DepositKey Id;

    /// <summary>Account to credit.</summary>
    public AccountId Recipient;

    /// <summary>Micro-USD.</summary>
    public long Amount;

    /// <summary>Version of the guardians whom the attestations name.</summary>
    public ulong CouncilVersion;

    /// <summary>Number of the guardian who attested it first.</summary>
    public byte Opener;

    /// <summary>Bit i: guardian i attested it.</summary>
    public ushort Attestations;

    /// <summary>Block time (ns) at which it is forgotten.</summary>
    public long DueTime;

    /// <inheritdoc/>
    public static RowKind Kind => RowKind.PendingDeposit;

    /// <inheritdoc/>
    public readonly DepositKey Key => Id;

    /// <inheritdoc/>
    public static void EncodeKey(in DepositKey key, ref ByteWriter writer)
    {
        writer.WriteDigest(key.DepositId);
        writer.WriteDigest(key.Content);
    }

    /// <inheritdoc/>
    public static void EncodeValue(in PendingDepositRow row, ref ByteWriter writer)
    {
        writer.WriteAddress(row.Recipient.Owner);
        writer.WriteUInt32(row.Recipient.Subaccount);
        writer.WriteInt64(row.Amount);
        writer.WriteUInt64(row.CouncilVersion);
        writer.WriteByte(row.Opener);
        writer.WriteUInt16(row.Attestations);
        writer.WriteInt64(row.DueTime);
    }

    /// <inheritdoc/>
    public static PendingDepositRow Decode(ref ByteReader key, ref ByteReader value) => new()
    {
        Id = new DepositKey(key.ReadDigest(), key.ReadDigest()),
        Recipient = new AccountId(value.ReadAddress(), value.ReadUInt32()),
        Amount = value.ReadInt64(),
        CouncilVersion = value.ReadUInt64(),
        Opener = value.ReadByte(),
        Attestations = value.ReadUInt16(),
        DueTime = value.ReadInt64(),
    };
}

/// <summary>A deposit that was credited. It stays for ever, so that none is credited twice.</summary>
public struct CreditedDepositRow : IRow<Sha256Digest, CreditedDepositRow>
{
    /// <summary>The deposit on the other side.</summary>
    public Sha256Digest DepositId;

    /// <summary>Account that was credited.</summary>
    public AccountId Recipient;

    /// <summary>Micro-USD.</summary>
    public long Amount;

    /// <summary>Height at which it was credited.</summary>
    public long Height;

    /// <summary>Version of the guardians who attested it.</summary>
    public ulong CouncilVersion;

    /// <summary>Bit i: guardian i attested it.</summary>
    public ushort Attestations;

    /// <inheritdoc/>
    public static RowKind Kind => RowKind.CreditedDeposit;

    /// <inheritdoc/>
    public readonly Sha256Digest Key => DepositId;

    /// <inheritdoc/>
    public static void EncodeKey(in Sha256Digest key, ref ByteWriter writer) => writer.WriteDigest(key);

    /// <inheritdoc/>
    public static void EncodeValue(in CreditedDepositRow row, ref ByteWriter writer)
    {
        writer.WriteAddress(row.Recipient.Owner);
        writer.WriteUInt32(row.Recipient.Subaccount);
        writer.WriteInt64(row.Amount);
        writer.WriteInt64(row.Height);
        writer.WriteUInt64(row.CouncilVersion);
        writer.WriteUInt16(row.Attestations);
    }

    /// <inheritdoc/>
    public static CreditedDepositRow Decode(ref ByteReader key, ref ByteReader value) => new()
    {
        DepositId = key.ReadDigest(),
        Recipient = new AccountId(value.ReadAddress(), value.ReadUInt32()),
        Amount = value.ReadInt64(),
        Height = value.ReadInt64(),
        CouncilVersion = value.ReadUInt64(),
        Attestations = value.ReadUInt16(),
    };
}
