using System;
using AppChain.Abci.Wire.Crypto;
using AppChain.Abci.Wire.Types;
using AppChain.Abci.Wire.Version;
using Google.Protobuf;

namespace AppChain.Abci;

/// <summary>
/// Brings messages into the form in which the consensus engine encodes them. It writes some sub-messages even when they
/// are empty (marked "always encoded" in the proto files), and an unset time as the year 1; this library leaves out
/// what is not set. Hashes and part sets are taken over the completed form.
/// </summary>
/// <remarks>The methods return the given message when nothing is missing, otherwise a completed copy.</remarks>
public static class WireForm
{
    /// <summary>The block id with its part set header set.</summary>
    public static BlockID Completed(BlockID? id)
    {
        if (id is null) return new BlockID { PartSetHeader = new PartSetHeader() };
        if (id.PartSetHeader is not null) return id;
        return new BlockID { Hash = id.Hash, PartSetHeader = new PartSetHeader() };
    }

    /// <summary>The header with version, time and last block id set.</summary>
    public static Header Completed(Header? header)
    {
        if (header is { Version: not null, Time: not null, LastBlockId.PartSetHeader: not null }) return header;
        Header copy = header?.Clone() ?? new Header();
        copy.Version ??= new Consensus();
        copy.Time ??= WireTime.Zero;
        copy.LastBlockId = Completed(copy.LastBlockId);
        return copy;
    }

    /// <summary>The commit signature with its time set.</summary>
    public static CommitSig Completed(CommitSig signature)
    {
        ArgumentNullException.ThrowIfNull(signature);
        if (signature.Timestamp is not null) return signature;
        CommitSig copy = signature.Clone();
        copy.Timestamp = WireTime.Zero;
        return copy;
    }

    /// <summary>The commit with its block id and the times of all signatures set.</summary>
    public static Commit Completed(Commit commit)
    {
        ArgumentNullException.ThrowIfNull(commit);
        Commit copy = new() { Height = commit.Height, Round = commit.Round, BlockId = Completed(commit.BlockId) };
        bool isComplete = ReferenceEquals(copy.BlockId, commit.BlockId);
        foreach (CommitSig signature in commit.Signatures)
        {
            CommitSig completed = Completed(signature);
            isComplete &= ReferenceEquals(completed, signature);
            copy.Signatures.Add(completed);
        }
        return isComplete ? commit : copy;
    }

    /// <summary>The vote with block id and time set; null stays null.</summary>
    public static Vote? Completed(Vote? vote)
    {
        if (vote is null or { BlockId.PartSetHeader: not null, Timestamp: not null }) return vote;
        Vote copy = vote.Clone();
        copy.BlockId = Completed(copy.BlockId);
        copy.Timestamp ??= WireTime.Zero;
        return copy;
    }

    /// <summary>The proposal with block id and time set.</summary>
    public static Proposal Completed(Proposal proposal)
    {
        if (proposal is { BlockId.PartSetHeader: not null, Timestamp: not null }) return proposal;
        ArgumentNullException.ThrowIfNull(proposal);
        Proposal copy = proposal.Clone();
        copy.BlockId = Completed(copy.BlockId);
        copy.Timestamp ??= WireTime.Zero;
        return copy;
    }

    /// <summary>The evidence with everything inside set that the engine always encodes.</summary>
    public static Evidence Completed(Evidence evidence)
    {
        ArgumentNullException.ThrowIfNull(evidence);
        Evidence copy = evidence.Clone();
        if (copy.DuplicateVoteEvidence is { } duplicate)
        {
            duplicate.VoteA = Completed(duplicate.VoteA);
            duplicate.VoteB = Completed(duplicate.VoteB);
            duplicate.Timestamp ??= WireTime.Zero;
        }
        if (copy.LightClientAttackEvidence is { } attack)
        {
            attack.Timestamp ??= WireTime.Zero;
            if (attack.ConflictingBlock?.SignedHeader is { } signed)
            {
                if (signed.Header is not null) signed.Header = Completed(signed.Header);
                if (signed.Commit is not null) signed.Commit = Completed(signed.Commit);
            }
            CompleteValidators(attack);
        }
        return copy;
    }

    /// <summary>The block with header, data, evidence and, if there is one, the last commit completed.</summary>
    public static Block Completed(Block block)
    {
        ArgumentNullException.ThrowIfNull(block);
        EvidenceList evidence = new();
        foreach (Evidence item in block.Evidence?.Evidence ?? []) evidence.Evidence.Add(Completed(item));
        return new Block
        {
            Header = Completed(block.Header),
            Data = block.Data ?? new Data(),
            Evidence = evidence,
            LastCommit = block.LastCommit is null ? null : Completed(block.LastCommit),
        };
    }

    /// <summary>The bytes of the block as the engine stores, splits and gossips them.</summary>
    public static byte[] Encode(Block block) => Completed(block).ToByteArray();

    private static void CompleteValidators(LightClientAttackEvidence attack)
    {
        foreach (Validator validator in attack.ByzantineValidators) validator.PubKey ??= new PublicKey();
        if (attack.ConflictingBlock?.ValidatorSet is not { } set) return;
        foreach (Validator validator in set.Validators) validator.PubKey ??= new PublicKey();
        if (set.Proposer is { } proposer) proposer.PubKey ??= new PublicKey();
    }
}
