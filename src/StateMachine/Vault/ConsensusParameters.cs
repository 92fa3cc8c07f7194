namespace AppChain.StateMachine;

/// <summary>
/// Proposal of the guardians: the parameters of consensus that a chain may change (docs/spec/vault.md, VAULT-16), all
/// of them as they are to be. The others are those of the genesis document for ever.
/// </summary>
/// <param name="BlockBytes">Most bytes of a block.</param>
/// <param name="EvidenceAgeBlocks">
/// Evidence that is older than this many blocks, and than the seconds, counts nothing.
/// </param>
/// <param name="EvidenceAgeSeconds">See the blocks.</param>
/// <param name="EvidenceBytes">Most bytes of evidence in a block.</param>
public sealed record ConsensusParameters(
    long BlockBytes, long EvidenceAgeBlocks, long EvidenceAgeSeconds, long EvidenceBytes) : IOperationContent
{
    /// <summary>Most bytes of a block that a council may allow: 21 MiB, the engine's own default.</summary>
    public const long BlockBytesMax = 22_020_096;

    /// <summary>
    /// Bytes of a block that evidence must leave: 1 MiB, room for the price update of 600 validators, header, commit
    /// and a transaction of the largest size.
    /// </summary>
    public const long RoomBytes = 1_048_576;

    /// <summary>Least bytes of evidence in a block, so that a double vote fits.</summary>
    public const long EvidenceBytesMin = 65_536;

    /// <summary>Least age in blocks until which evidence counts.</summary>
    public const long EvidenceAgeBlocksMin = 1_000;

    /// <summary>Greatest age in blocks.</summary>
    public const long EvidenceAgeBlocksMax = 100_000_000;

    /// <summary>Least age in seconds until which evidence counts: an hour.</summary>
    public const long EvidenceAgeSecondsMin = 3_600;

    /// <summary>Greatest age in seconds: a year.</summary>
    public const long EvidenceAgeSecondsMax = 31_536_000;

    /// <summary>What is wrong with them; null when nothing is.</summary>
    public string? Problem()
    {
        if (EvidenceBytes < EvidenceBytesMin || BlockBytes > BlockBytesMax || EvidenceBytes > BlockBytes - RoomBytes)
        {
            return "evidence has at least 64 KiB of a block and leaves at least 1 MiB, and a block has at most 21 MiB";
        }

        return EvidenceAgeBlocks is < EvidenceAgeBlocksMin or > EvidenceAgeBlocksMax
            || EvidenceAgeSeconds is < EvidenceAgeSecondsMin or > EvidenceAgeSecondsMax
            ? "evidence counts for 1,000 to 100,000,000 blocks and an hour to a year"
            : null;
    }
}

/// <summary>
/// The parameters of consensus in force. Absent where a chain began without telling them and never changed them.
/// </summary>
public struct ConsensusParametersRow : IRow<SingleKey, ConsensusParametersRow>
{
    /// <summary>What is in force.</summary>
    public ConsensusParameters Parameters;

    /// <summary>First height that it is in force for: the one after the block that changed it.</summary>
    public long FromHeight;

    /// <inheritdoc/>
    public static RowKind Kind => RowKind.ConsensusParameters;

    /// <inheritdoc/>
    public readonly SingleKey Key => default;

    /// <inheritdoc/>
    public static void EncodeKey(in SingleKey key, ref ByteWriter writer)
    {
    }

    /// <inheritdoc/>
    public static void EncodeValue(in ConsensusParametersRow row, ref ByteWriter writer)
    {
        writer.WriteInt64(row.Parameters.BlockBytes);
        writer.WriteInt64(row.Parameters.EvidenceAgeBlocks);
        writer.WriteInt64(row.Parameters.EvidenceAgeSeconds);
        writer.WriteInt64(row.Parameters.EvidenceBytes);
        writer.WriteInt64(row.FromHeight);
    }

    /// <inheritdoc/>
    public static ConsensusParametersRow Decode(ref ByteReader key, ref ByteReader value) => new()
    {
        Parameters = new ConsensusParameters(
            value.ReadInt64(), value.ReadInt64(), value.ReadInt64(), value.ReadInt64()),
        FromHeight = value.ReadInt64(),
    };
}
