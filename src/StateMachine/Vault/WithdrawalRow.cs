using System.Collections.Immutable;

namespace AppChain.StateMachine;

/// <summary>Where a withdrawal stands.</summary>
public enum WithdrawalState : byte
{
    /// <summary>Never written.</summary>
    None = 0,

    /// <summary>In its timelock, or waiting for caps and gate.</summary>
    Waiting = 1,

    /// <summary>Admitted: guardians may sign it until its expiry.</summary>
    Releasable = 2,

    /// <summary>Signed by enough guardians: the collateral has left.</summary>
    Released = 3,

    /// <summary>Taken back by its owner: in an event only.</summary>
    Cancelled = 4,

    /// <summary>Stopped by guardians: in an event only.</summary>
    Vetoed = 5,
}

/// <summary>A withdrawal on its way out.</summary>
public struct WithdrawalRow : IRow<ulong, WithdrawalRow>
{
    /// <summary>Bytes of a key and its signature.</summary>
    public const int SignedSize = SigningKey.PublicKeySize + SigningKey.SignatureSize;

    /// <summary>Number, from 1, never reused.</summary>
    public ulong Id;

    /// <summary>The account that it left, by number.</summary>
    public int Account;

    /// <summary>Where it stands.</summary>
    public WithdrawalState State;

    /// <summary>Micro-USD.</summary>
    public long Amount;

    /// <summary>Where it goes, in the terms of the other side.</summary>
    public ImmutableArray<byte> Destination;

    /// <summary>Block time (ns) of the request.</summary>
    public long RequestedTime;

    /// <summary>Block time (ns) at which its timelock ends.</summary>
    public long ReadyTime;

    /// <summary>Block time (ns) at which it is looked at next: for admission, for expiry, or to be forgotten.</summary>
    public long DueTime;

    /// <summary>Sequence of its last admission; 0 before the first.</summary>
    public ulong Sequence;

    /// <summary>Block time (ns) from which signatures of that admission are worthless.</summary>
    public long Expiry;

    /// <summary>Version of the guardians whom signatures and vetoes name.</summary>
    public ulong CouncilVersion;

    /// <summary>Bit i: guardian i vetoed it.</summary>
    public ushort Vetoes;

    /// <summary>Bit i: guardian i signed the release.</summary>
    public ushort Signers;

    /// <summary>
    /// Their keys of 33 and signatures of 64 bytes, key before signature, in order of the guardians' numbers.
    /// </summary>
    public ImmutableArray<byte> Signatures;

    /// <inheritdoc/>
    public static RowKind Kind => RowKind.Withdrawal;

    /// <inheritdoc/>
    public readonly ulong Key => Id;

    /// <summary>What guardians sign.</summary>
    public readonly Release Release => new(Id, Sequence, Expiry, CouncilVersion, Amount, Destination);

    /// <inheritdoc/>
    public static void EncodeKey(in ulong key, ref ByteWriter writer) => writer.WriteUInt64(key);

    /// <inheritdoc/>
    public static void EncodeValue(in WithdrawalRow row, ref ByteWriter writer)
    {
        writer.WriteInt32(row.Account);
        writer.WriteByte((byte)row.State);
        writer.WriteInt64(row.Amount);
        writer.WriteBytes(row.Destination.AsSpan());
        writer.WriteInt64(row.RequestedTime);
        writer.WriteInt64(row.ReadyTime);
        writer.WriteInt64(row.DueTime);
        writer.WriteUInt64(row.Sequence);
        writer.WriteInt64(row.Expiry);
        writer.WriteUInt64(row.CouncilVersion);
        writer.WriteUInt16(row.Vetoes);
        writer.WriteUInt16(row.Signers);
        writer.WriteBytes(row.Signatures.AsSpan());
    }

    /// <inheritdoc/>
    public static WithdrawalRow Decode(ref ByteReader key, ref ByteReader value) => new()
    {
        Id = key.ReadUInt64(),
        Account = value.ReadInt32(),
        State = (WithdrawalState)value.ReadByte(),
        Amount = value.ReadInt64(),
        Destination = [.. value.ReadBytes()],
        RequestedTime = value.ReadInt64(),
        ReadyTime = value.ReadInt64(),
        DueTime = value.ReadInt64(),
        Sequence = value.ReadUInt64(),
        Expiry = value.ReadInt64(),
        CouncilVersion = value.ReadUInt64(),
        Vetoes = value.ReadUInt16(),
        Signers = value.ReadUInt16(),
        Signatures = [.. value.ReadBytes()],
    };
}
