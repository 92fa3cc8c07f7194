using System;
using AppChain.Abci.Wire.Types;
using Google.Protobuf;

namespace AppChain.Abci;

/// <summary>Identity of blocks: the header hash and the part set header together. Both must match.</summary>
public static class BlockIds
{
    /// <summary>The id of a block whose header is filled in.</summary>
    public static BlockID Of(Block block)
    {
        ArgumentNullException.ThrowIfNull(block);
        return new BlockID { Hash = BlockHashes.Header(block.Header), PartSetHeader = PartSet.Of(block).Header };
    }

    /// <summary>Whether the id stands for "no block" in a vote: neither a hash nor parts.</summary>
    public static bool IsNil(BlockID? id) =>
        id is null || (id.Hash.IsEmpty && (id.PartSetHeader is null or { Total: 0, Hash.IsEmpty: true }));

    /// <summary>Whether the id names a block: both hashes of full length and at least one part.</summary>
    public static bool IsComplete(BlockID? id) =>
        id is { Hash.Length: MerkleTree.HashSize, PartSetHeader: { Total: > 0, Hash.Length: MerkleTree.HashSize } };

    /// <summary>
    /// Bytes that order block ids: the hash followed by the encoded part set header. Evidence lists the vote with the
    /// lower key first.
    /// </summary>
    public static byte[] Key(BlockID id)
    {
        BlockID full = WireForm.Completed(id);
        return [.. full.Hash.Span, .. full.PartSetHeader.ToByteArray()];
    }
}
