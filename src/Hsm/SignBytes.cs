using System;
using AppChain.Abci;
using AppChain.Abci.Wire.Types;
using Google.Protobuf;

namespace AppChain.Hsm;

/// <summary>
/// The bytes a validator signs, built from the fields of a message and from nothing else. They begin with their own
/// length. Rule SIGN-1.
/// </summary>
public static class SignBytes
{
    /// <summary>
    /// Of a prevote or precommit. The block id is left out in a vote for nil; validator, index and extension are not
    /// covered.
    /// </summary>
    public static byte[] Vote(string chainId, Vote vote)
    {
        ArgumentNullException.ThrowIfNull(vote);
        return Delimited(new CanonicalVote
        {
            Type = vote.Type,
            Height = vote.Height,
            Round = vote.Round,
            BlockId = Canonical(vote.BlockId),
            Timestamp = vote.Timestamp ?? WireTime.Zero,
            ChainId = chainId,
        });
    }

    /// <summary>Of a proposal.</summary>
    public static byte[] Proposal(string chainId, Proposal proposal)
    {
        ArgumentNullException.ThrowIfNull(proposal);
        return Delimited(new CanonicalProposal
        {
            Type = proposal.Type,
            Height = proposal.Height,
            Round = proposal.Round,
            PolRound = proposal.PolRound,
            BlockId = Canonical(proposal.BlockId),
            Timestamp = proposal.Timestamp ?? WireTime.Zero,
            ChainId = chainId,
        });
    }

    /// <summary>
    /// Of a vote extension. Neither the time, the block nor the validator is covered: whoever needs the block to be
    /// bound puts its hash into the extension.
    /// </summary>
    public static byte[] VoteExtension(string chainId, long height, int round, ByteString extension) =>
        Delimited(new CanonicalVoteExtension
        {
            Extension = extension,
            Height = height,
            Round = round,
            ChainId = chainId,
        });

    /// <summary>The id in canonical form, or null when it stands for nil.</summary>
    private static CanonicalBlockID? Canonical(BlockID? id)
    {
        if (BlockIds.IsNil(id)) return null;
        BlockID full = WireForm.Completed(id);
        return new CanonicalBlockID
        {
            Hash = full.Hash,
            PartSetHeader = new CanonicalPartSetHeader
            {
                Total = full.PartSetHeader.Total,
                Hash = full.PartSetHeader.Hash,
            },
        };
    }

    private static byte[] Delimited(IMessage message)
    {
        int size = message.CalculateSize();
        byte[] bytes = new byte[Frame.PrefixSize((uint)size) + size];
        int prefix = Frame.WritePrefix(bytes, (uint)size);
        message.WriteTo(bytes.AsSpan(prefix));
        return bytes;
    }
}
