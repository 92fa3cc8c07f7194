using System.Collections.Immutable;

namespace AppChain.StateMachine;

/// <summary>Where a proposal stands. Rows have the first three; the others are how it ended, in its event.</summary>
public enum ProposalState : byte
{
    /// <summary>Never written.</summary>
    None = 0,

    /// <summary>Waits for approvals.</summary>
    Open = 1,

    /// <summary>Has its approvals and waits for its timelock, or for its limit to allow it.</summary>
    Approved = 2,

    /// <summary>Done.</summary>
    Executed = 3,

    /// <summary>Stopped by members.</summary>
    Vetoed = 4,

    /// <summary>Taken back by its proposer.</summary>
    Cancelled = 5,

    /// <summary>Its time passed before it was approved or could be executed.</summary>
    Expired = 6,

    /// <summary>The council that voted on it is no more.</summary>
    Superseded = 7,
}

/// <summary>A proposal of a council and the votes on it.</summary>
public struct ProposalRow : IRow<ulong, ProposalRow>
{
    /// <summary>Number, from 1, never reused.</summary>
    public ulong Id;

    /// <summary>Which council decides.</summary>
    public CouncilKind Council;

    /// <summary>Version of the council whose members the votes name.</summary>
    public ulong CouncilVersion;

    /// <summary>Where it stands.</summary>
    public ProposalState State;

    /// <summary>Number of the member who proposed it.</summary>
    public byte Proposer;

    /// <summary>Bit i: member i approved.</summary>
    public ushort Approvals;

    /// <summary>Bit i: member i vetoed.</summary>
    public ushort Vetoes;

    /// <summary>Block time (ns) at which it was proposed.</summary>
    public long CreatedTime;

    /// <summary>Block time (ns) at which it had its approvals; 0 before.</summary>
    public long ApprovedTime;

    /// <summary>Block time (ns) from which it may be executed; 0 before it is approved.</summary>
    public long ReadyTime;

    /// <summary>Block time (ns) at which it is looked at next.</summary>
    public long DueTime;

    /// <summary>What is proposed: the content of Propose as encoded in transaction.proto.</summary>
    public ImmutableArray<byte> Payload;

    /// <inheritdoc/>
    public static RowKind Kind => RowKind.Proposal;

    /// <inheritdoc/>
    public readonly ulong Key => Id;

    /// <inheritdoc/>
    public static void EncodeKey(in ulong key, ref ByteWriter writer) => writer.WriteUInt64(key);

    /// <inheritdoc/>
    public static void EncodeValue(in ProposalRow row, ref ByteWriter writer)
    {
        writer.WriteByte((byte)row.Council);
        writer.WriteUInt64(row.CouncilVersion);
        writer.WriteByte((byte)row.State);
        writer.WriteByte(row.Proposer);
        writer.WriteUInt16(row.Approvals);
        writer.WriteUInt16(row.Vetoes);
        writer.WriteInt64(row.CreatedTime);
        writer.WriteInt64(row.ApprovedTime);
        writer.WriteInt64(row.ReadyTime);
        writer.WriteInt64(row.DueTime);
        writer.WriteBytes(row.Payload.AsSpan());
    }

    /// <inheritdoc/>
    public static ProposalRow Decode(ref ByteReader key, ref ByteReader value) => new()
    {
        Id = key.ReadUInt64(),
        Council = (CouncilKind)value.ReadByte(),
        CouncilVersion = value.ReadUInt64(),
        State = (ProposalState)value.ReadByte(),
        Proposer = value.ReadByte(),
        Approvals = value.ReadUInt16(),
        Vetoes = value.ReadUInt16(),
        CreatedTime = value.ReadInt64(),
        ApprovedTime = value.ReadInt64(),
        ReadyTime = value.ReadInt64(),
        DueTime = value.ReadInt64(),
        Payload = [.. value.ReadBytes()],
    };
}
