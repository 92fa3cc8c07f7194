using System;
using System.Threading;
using AppChain.Abci;
using AppChain.Abci.Wire.Types;
using Google.Protobuf;

namespace AppChain.Localnet;

/// <summary>
/// A block together with its encoded bytes and the id that follows from them: header hash and part set header. The id
/// is always computed here, never taken from a message, so a block cannot travel under a wrong name. Immutable.
/// </summary>
public sealed class SealedBlock
{
    private BlockID? _id;
    private bool _isChecked;
    private string? _wrongHash;

    private SealedBlock(Block block, byte[] bytes)
    {
        Block = block;
        Bytes = bytes;
    }

    /// <summary>The block; never changed after sealing.</summary>
    public Block Block { get; }

    /// <summary>The block as it is stored and split into parts.</summary>
    public ReadOnlyMemory<byte> Bytes { get; }

    /// <summary>Header hash and part set header.</summary>
    /// <remarks>Worked out when it is first asked for: who indexes old blocks does not.</remarks>
    public BlockID Id => _id ??= new BlockID
    {
        Hash = BlockHashes.Header(Block.Header), PartSetHeader = PartSet.HeaderOf(Bytes.Span),
    };

    /// <summary>Height in the header.</summary>
    public long Height => Block.Header.Height;

    /// <summary>
    /// Which hash of the header is not that of the content, or null: worked out once for all who hold it. For a
    /// well-formed block.
    /// </summary>
    internal string? WrongHash
    {
        get
        {
            if (Volatile.Read(ref _isChecked)) return _wrongHash;
            _wrongHash = CheckHashes(Block);
            Volatile.Write(ref _isChecked, true);
            return _wrongHash;
        }
    }

    /// <summary>Seals a block that this validator has built.</summary>
    public static SealedBlock Of(Block block)
    {
        Block completed = WireForm.Completed(block);
        return new SealedBlock(completed, completed.ToByteArray());
    }

    /// <summary>Seals received or stored bytes; null if they are not a block.</summary>
    public static SealedBlock? Decode(byte[] bytes)
    {
        try
        {
            return bytes.Length == 0 ? null : new SealedBlock(WireForm.Completed(Block.Parser.Read(bytes)), bytes);
        }
        catch (MalformedMessageException)
        {
            return null;
        }
    }

    private static string? CheckHashes(Block block)
    {
        Header header = block.Header;
        if (header.LastCommitHash != BlockHashes.Commit(block.LastCommit)) return "wrong last commit hash";
        if (header.DataHash != BlockHashes.Data(block.Data.Txs)) return "wrong data hash";
        return header.EvidenceHash == BlockHashes.Evidence(block.Evidence.Evidence) ? null : "wrong evidence hash";
    }
}
