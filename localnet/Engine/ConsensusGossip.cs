using System.Collections.Generic;
using System.Linq;
using AppChain.Abci.Wire.Types;

namespace AppChain.Localnet;

/// <summary>
/// Repairs what the direct messages did not bring: lost messages, validators that were away. A validator that hears the
/// status of another sends what the other lacks, the blocks and precommits of older heights included.
/// </summary>
public static class ConsensusGossip
{
    /// <summary>The status of this validator.</summary>
    public static PeerStatus StatusOf(ConsensusState state)
    {
        List<KnownVotes> votes = [];
        foreach (int round in state.Votes.Rounds)
        {
            foreach (SignedMsgType type in (SignedMsgType[])[SignedMsgType.Prevote, SignedMsgType.Precommit])
            {
                VoteSet set = state.Votes.Set(round, type)!;
                votes.Add(new KnownVotes(round, type, Known(set), set.Majority));
            }
        }
        return new PeerStatus(state.Height, state.Round, state.Step, state.Proposal is not null,
            state.ProposalBlock is not null, state.ExpectedParts, votes,
            state.LastCommit is null ? null : Known(state.LastCommit));
    }

    /// <summary>The messages that a peer lacks and this validator has.</summary>
    public static IEnumerable<object> MissingAt(PeerStatus peer, ConsensusState state, BlockStore store)
    {
        if (peer.Height < state.Height) return MissingAtOlderHeight(peer, store);
        return peer.Height == state.Height ? MissingAtSameHeight(peer, state) : [];
    }

    private static IEnumerable<object> MissingAtOlderHeight(PeerStatus peer, BlockStore store)
    {
        if (store.LoadSeenCommit(peer.Height) is not { } commit || store.LoadBlock(peer.Height) is not { } block)
            yield break;
        KnownVotes? known = peer.Votes.FirstOrDefault(
            votes => votes.Round == commit.Round && votes.Type == SignedMsgType.Precommit);
        Vote?[] votes =
            [.. Enumerable.Range(0, commit.ExtendedSignatures.Count).Select(i => Commits.Precommit(commit, i))];
        if (known is null || known.Majority is null)
            yield return new MajorityClaim(commit.Height, commit.Round, SignedMsgType.Precommit, commit.BlockId);
        foreach (Vote vote in Unknown(votes, commit.BlockId, known)) yield return vote;
        if (!peer.HasBlock) yield return block;
    }

    private static IEnumerable<object> MissingAtSameHeight(PeerStatus peer, ConsensusState state)
    {
        if (peer.Step == ConsensusStep.NewHeight && state.LastCommit is not null && peer.LastCommit is not null)
        {
            KnownVotes known = new(0, SignedMsgType.Precommit, peer.LastCommit, state.LastCommit.Majority);
            foreach (Vote vote in Unknown(state.LastCommit.Votes, null, known)) yield return vote;
        }
        bool sendsProposal = peer.Round == state.Round && !peer.HasProposal && state.Proposal is not null;
        if (sendsProposal) yield return state.Proposal!;
        PartSetHeader? wanted = peer.ExpectedParts ?? (sendsProposal ? state.Proposal!.BlockId.PartSetHeader : null);
        SealedBlock?[] blocks = [state.ProposalBlock, state.LockedBlock, state.ValidBlock];
        SealedBlock? block = blocks.FirstOrDefault(item => item is not null && item.Id.PartSetHeader.Equals(wanted));
        if (!peer.HasBlock && block is not null) yield return block;
        foreach (object message in MissingVotes(peer, state)) yield return message;
    }

    private static IEnumerable<object> MissingVotes(PeerStatus peer, ConsensusState state)
    {
        foreach (int round in state.Votes.Rounds)
        {
            foreach (SignedMsgType type in (SignedMsgType[])[SignedMsgType.Prevote, SignedMsgType.Precommit])
            {
                VoteSet set = state.Votes.Set(round, type)!;
                KnownVotes? known = peer.Votes.FirstOrDefault(item => item.Round == round && item.Type == type);
                bool isFollowed = known is not null || round == state.Round || round == state.CommitRound;
                if (!isFollowed) continue;
                if (set.Majority is not null && known is { Majority: null })
                    yield return new MajorityClaim(state.Height, round, type, set.Majority);
                foreach (Vote vote in Unknown(set.Votes, set.Majority, known)) yield return vote;
            }
        }
    }

    /// <summary>
    /// Votes that the peer does not know. If it sees no majority where there is one, all votes for that: the peer may
    /// hold a conflicting vote of a validator that voted twice.
    /// </summary>
    private static IEnumerable<Vote> Unknown(IReadOnlyList<Vote?> votes, BlockID? majority, KnownVotes? known)
    {
        for (int i = 0; i < votes.Count; i++)
        {
            if (votes[i] is not { } vote) continue;
            bool isKnown = known is not null && i < known.Known.Length && known.Known[i];
            bool isContested = known is { Majority: null } && vote.BlockId.Equals(majority);
            if (!isKnown || isContested) yield return vote;
        }
    }

    private static bool[] Known(VoteSet set) => [.. set.Votes.Select(vote => vote is not null)];
}
