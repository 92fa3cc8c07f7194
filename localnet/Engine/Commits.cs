using AppChain.Abci;
using AppChain.Abci.Wire.Types;
using AppChain.Hsm;
using Google.Protobuf;

namespace AppChain.Localnet;

/// <summary>Conversions between precommits and commits, and the full verification of a commit.</summary>
public static class Commits
{
    /// <summary>The entry of a validator in a commit for <paramref name="decided"/>.</summary>
    public static ExtendedCommitSig Entry(Vote? vote, BlockID decided)
    {
        bool isNil = vote is not null && BlockIds.IsNil(vote.BlockId);
        if (vote is null || !(isNil || vote.BlockId.Equals(decided)))
            return new ExtendedCommitSig { BlockIdFlag = BlockIDFlag.Absent, Timestamp = WireTime.Zero };
        return new ExtendedCommitSig
        {
            BlockIdFlag = isNil ? BlockIDFlag.Nil : BlockIDFlag.Commit,
            ValidatorAddress = vote.ValidatorAddress,
            Timestamp = vote.Timestamp,
            Signature = vote.Signature,
            Extension = vote.Extension,
            ExtensionSignature = vote.ExtensionSignature,
        };
    }

    /// <summary>The commit without extensions, as a block carries it.</summary>
    public static Commit Strip(ExtendedCommit extended)
    {
        Commit commit = new() { Height = extended.Height, Round = extended.Round, BlockId = extended.BlockId };
        foreach (ExtendedCommitSig entry in extended.ExtendedSignatures)
        {
            commit.Signatures.Add(new CommitSig
            {
                BlockIdFlag = entry.BlockIdFlag,
                ValidatorAddress = entry.ValidatorAddress,
                Timestamp = entry.Timestamp,
                Signature = entry.Signature,
            });
        }
        return commit;
    }

    /// <summary>The precommit that an entry of a commit came from, or null if the validator was absent.</summary>
    public static Vote? Precommit(ExtendedCommit commit, int index)
    {
        ExtendedCommitSig entry = commit.ExtendedSignatures[index];
        if (entry.BlockIdFlag == BlockIDFlag.Absent) return null;
        return new Vote
        {
            Type = SignedMsgType.Precommit,
            Height = commit.Height,
            Round = commit.Round,
            BlockId = IdOf(entry.BlockIdFlag, commit.BlockId),
            Timestamp = entry.Timestamp,
            ValidatorAddress = entry.ValidatorAddress,
            ValidatorIndex = index,
            Signature = entry.Signature,
            Extension = entry.Extension,
            ExtensionSignature = entry.ExtensionSignature,
        };
    }

    /// <summary>
    /// Verifies every signature of a commit and that more than two thirds signed for the block. Null if it is good,
    /// else the reason.
    /// </summary>
    public static string? Verify(Commit commit, BlockID blockId, long height, string chainId,
        ValidatorSet validators, VerifiedSignatures? verified = null) =>
        CommitVerification.Fault(chainId, validators.ToWire(), blockId, height, commit, verified);

    /// <summary>Whether a commit from a peer is complete enough to be hashed and verified. Null if so.</summary>
    public static string? CheckForm(Commit commit)
    {
        bool isComplete = commit.Height > 0 && commit.Round >= 0 && BlockIds.IsComplete(commit.BlockId);
        if (!isComplete) return "commit is incomplete";
        if (commit.Signatures.Count == 0) return "commit has no signatures";
        foreach (CommitSig entry in commit.Signatures)
        {
            bool isGood = entry.BlockIdFlag switch
            {
                BlockIDFlag.Absent => entry.ValidatorAddress.IsEmpty && entry.Signature.IsEmpty
                    && WireTime.Zero.Equals(entry.Timestamp),
                BlockIDFlag.Commit or BlockIDFlag.Nil => entry.ValidatorAddress.Length == BlockHashes.AddressSize
                    && entry.Signature.Length == Signatures.Size && WireTime.IsValid(entry.Timestamp),
                _ => false,
            };
            if (!isGood) return "commit has a malformed signature";
        }
        return null;
    }

    private static BlockID IdOf(BlockIDFlag flag, BlockID decided) =>
        flag == BlockIDFlag.Commit ? decided : new BlockID { PartSetHeader = new PartSetHeader() };
}
