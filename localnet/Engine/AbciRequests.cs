using System.Collections.Generic;
using AppChain.Abci.Wire;
using AppChain.Abci.Wire.Types;
using AbciValidator = AppChain.Abci.Wire.Validator;

namespace AppChain.Localnet;

/// <summary>The requests that hand a block to the application.</summary>
public static class AbciRequests
{
    /// <summary>Asks for a verdict on a proposed block.</summary>
    public static RequestProcessProposal ProcessProposal(SealedBlock block, ChainState state)
    {
        Header header = block.Block.Header;
        RequestProcessProposal request = new()
        {
            ProposedLastCommit = CommitInfoOf(block.Block, state.LastValidators, state.InitialHeight),
            Hash = block.Id.Hash,
            Height = header.Height,
            Time = header.Time,
            NextValidatorsHash = header.NextValidatorsHash,
            ProposerAddress = header.ProposerAddress,
        };
        request.Txs.Add(block.Block.Data.Txs);
        request.Misbehavior.Add(MisbehaviorOf(block.Block.Evidence));
        return request;
    }

    /// <summary>Asks for the extension of the own precommit for a block.</summary>
    public static RequestExtendVote ExtendVote(SealedBlock block, ChainState state)
    {
        Header header = block.Block.Header;
        RequestExtendVote request = new()
        {
            Hash = block.Id.Hash,
            Height = header.Height,
            Time = header.Time,
            ProposedLastCommit = CommitInfoOf(block.Block, state.LastValidators, state.InitialHeight),
            NextValidatorsHash = header.NextValidatorsHash,
            ProposerAddress = header.ProposerAddress,
        };
        request.Txs.Add(block.Block.Data.Txs);
        request.Misbehavior.Add(MisbehaviorOf(block.Block.Evidence));
        return request;
    }

    /// <summary>Orders the execution of a decided block.</summary>
    /// <param name="block">The block.</param>
    /// <param name="lastValidators">Validators of the height before, who signed the commit in the block.</param>
    /// <param name="initialHeight">Height of the first block.</param>
    public static RequestFinalizeBlock FinalizeBlock(SealedBlock block, ValidatorSet lastValidators, long initialHeight)
    {
        Header header = block.Block.Header;
        RequestFinalizeBlock request = new()
        {
            DecidedLastCommit = CommitInfoOf(block.Block, lastValidators, initialHeight),
            Hash = block.Id.Hash,
            Height = header.Height,
            Time = header.Time,
            NextValidatorsHash = header.NextValidatorsHash,
            ProposerAddress = header.ProposerAddress,
        };
        request.Txs.Add(block.Block.Data.Txs);
        request.Misbehavior.Add(MisbehaviorOf(block.Block.Evidence));
        return request;
    }

    /// <summary>Who signed the commit of the height before; empty for the initial block.</summary>
    public static CommitInfo CommitInfoOf(Block block, ValidatorSet validators, long initialHeight)
    {
        if (block.Header.Height == initialHeight) return new CommitInfo();
        CommitInfo info = new() { Round = block.LastCommit.Round };
        if (block.LastCommit.Signatures.Count != validators.Count)
            throw new ConsensusFailure($"commit in block {block.Header.Height} does not fit the validator set");
        for (int i = 0; i < validators.Count; i++)
        {
            info.Votes.Add(new VoteInfo
            {
                Validator = ToAbci(validators.Members[i]),
                BlockIdFlag = block.LastCommit.Signatures[i].BlockIdFlag,
            });
        }
        return info;
    }

    /// <summary>The precommits of the height before with their extensions; empty for the initial block.</summary>
    public static ExtendedCommitInfo ExtendedCommitInfoOf(ExtendedCommit? commit, ValidatorSet validators)
    {
        ExtendedCommitInfo info = new();
        if (commit is null) return info;
        info.Round = commit.Round;
        for (int i = 0; i < validators.Count; i++)
        {
            ExtendedCommitSig entry = commit.ExtendedSignatures[i];
            bool extended = entry.BlockIdFlag == BlockIDFlag.Commit;
            ExtendedVoteInfo vote = new()
            {
                Validator = ToAbci(validators.Members[i]),
                BlockIdFlag = entry.BlockIdFlag,
            };
            if (extended)
            {
                vote.VoteExtension = entry.Extension;
                vote.ExtensionSignature = entry.ExtensionSignature;
            }
            info.Votes.Add(vote);
        }
        return info;
    }

    /// <summary>The offences that the evidence of a block proves.</summary>
    public static IEnumerable<Misbehavior> MisbehaviorOf(EvidenceList list)
    {
        foreach (Evidence evidence in list.Evidence)
        {
            DuplicateVoteEvidence duplicate = evidence.DuplicateVoteEvidence;
            yield return new Misbehavior
            {
                Type = MisbehaviorType.DuplicateVote,
                Validator = new AbciValidator
                {
                    Address = duplicate.VoteA.ValidatorAddress,
                    Power = duplicate.ValidatorPower,
                },
                Height = duplicate.VoteA.Height,
                Time = duplicate.Timestamp,
                TotalVotingPower = duplicate.TotalVotingPower,
            };
        }
    }

    private static AbciValidator ToAbci(Validator validator) =>
        new() { Address = validator.Address, Power = validator.Power };
}
