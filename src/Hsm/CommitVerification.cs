using System;
using System.Collections.Generic;
using AppChain.Abci;
using AppChain.Abci.Wire.Types;
using Google.Protobuf;

namespace AppChain.Hsm;

/// <summary>Whether more than two thirds of a validator set signed a block. Rule SIGN-20.</summary>
public static class CommitVerification
{
    /// <summary>
    /// Checks a commit completely, as a full node does for the last commit of a block: one entry per validator in set
    /// order, every signature valid (for the block or for nil, each with its own time), and more than two thirds of the
    /// power for the block.
    /// </summary>
    /// <param name="chainId">Chain that the votes are signed for.</param>
    /// <param name="validators">The set that voted, in its order.</param>
    /// <param name="id">The block.</param>
    /// <param name="height">Its height.</param>
    /// <param name="commit">The commit.</param>
    /// <param name="verified">Signatures that the caller has verified before; null: none.</param>
    /// <returns>Null when the commit holds, otherwise what is wrong with it.</returns>
    public static string? Fault(
        string chainId, IReadOnlyList<Validator> validators, BlockID id, long height, Commit commit,
        VerifiedSignatures? verified = null)
    {
        ArgumentNullException.ThrowIfNull(validators);
        ArgumentNullException.ThrowIfNull(commit);
        if (commit.Height != height) return $"the commit is for height {commit.Height}, not {height}";
        bool isSameBlock = WireForm.Completed(commit.BlockId).Equals(WireForm.Completed(id));
        if (!isSameBlock) return "the commit is for another block";
        if (commit.Signatures.Count != validators.Count)
        {
            return $"the commit has {commit.Signatures.Count} entries for {validators.Count} validators";
        }

        verified ??= new VerifiedSignatures();
        Int128 total = 0;
        Int128 signed = 0;
        for (int i = 0; i < validators.Count; i++)
        {
            Validator validator = validators[i];
            CommitSig entry = commit.Signatures[i];
            if (validator.VotingPower < 0) return $"validator {i} has negative power";
            total += validator.VotingPower;
            if (entry.BlockIdFlag == BlockIDFlag.Absent) continue;
            bool isKnown = entry.BlockIdFlag is BlockIDFlag.Commit or BlockIDFlag.Nil;
            if (!isKnown) return $"entry {i} has an unknown flag";
            // The address must be tied to the place: otherwise one valid signature could stand in several places.
            if (entry.ValidatorAddress != validator.Address) return $"entry {i} is of another validator";
            if (!IsSignatureValid(chainId, commit, entry, validator, verified))
                return $"the signature of entry {i} is not valid";
            if (entry.BlockIdFlag == BlockIDFlag.Commit) signed += validator.VotingPower;
        }
        return 3 * signed > 2 * total ? null : $"only {signed} of {total} power signed the block";
    }

    private static bool IsSignatureValid(
        string chainId, Commit commit, CommitSig entry, Validator validator, VerifiedSignatures verified)
    {
        if (validator.PubKey?.SumCase != AppChain.Abci.Wire.Crypto.PublicKey.SumOneofCase.Ed25519) return false;
        BlockID? id = entry.BlockIdFlag == BlockIDFlag.Commit ? commit.BlockId : null;
        ReadOnlySpan<byte> bytes = SignBytes.Vote(
            chainId, SignedMsgType.Precommit, commit.Height, commit.Round, id, entry.Timestamp,
            stackalloc byte[SignBytes.UsualSize]);
        return verified.Verify(validator.PubKey.Ed25519.Span, bytes, entry.Signature.Span);
    }
}
