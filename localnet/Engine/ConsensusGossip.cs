using System.Collections.Generic;
using AppChain.Abci.Wire.Types;

namespace AppChain.Localnet;

/// <summary>
/// Repairs what the direct messages did not bring: lost messages, validators that were away. A validator that hears the
/// status of another sends what the other lacks, the blocks and precommits of older heights included.
/// </summary>
public static class ConsensusGossip
{
    private static readonly SignedMsgType[] VoteTypes = [SignedMsgType.Prevote, SignedMsgType.Precommit];

    /// <summary>The status of this validator.</summary>
    public static PeerStatus StatusOf(ConsensusState state)
    {
        IList<int> rounds = state.Votes.Rounds;
        List<KnownVotes> votes = new(VoteTypes.Length * rounds.Count);
        for (int i = 0; i < rounds.Count; i++)
        {
            foreach (SignedMsgType type in VoteTypes)
            {
                VoteSet set = state.Votes.Set(rounds[i], type)!;
                votes.Add(new KnownVotes(rounds[i], type, Known(set), set.Majority));
            }
        }
        return new PeerStatus(state.Height, state.Round, state.Step, state.Proposal is not null,
            state.ProposalBlock is not null, state.ExpectedParts, votes,
            state.LastCommit is null ? null : Known(state.LastCommit));
    }

    /// <summary>Sends a peer the messages that it lacks and this validator has.</summary>
    /// <param name="host">Sends them.</param>
    /// <param name="to">The peer.</param>
    /// <param name="peer">Where the peer stands.</param>
    /// <param name="state">Where this validator stands.</param>
    /// <param name="store">The blocks of this validator.</param>
    public static void SendMissing(
        IConsensusHost host, int to, PeerStatus peer, ConsensusState state, BlockStore store)
    {
        if (peer.Height < state.Height) SendOlderHeight(host, to, peer, store);
        else if (peer.Height == state.Height) SendSameHeight(host, to, peer, state);
    }

    private static void SendOlderHeight(IConsensusHost host, int to, PeerStatus peer, BlockStore store)
    {
        if (store.LoadSeenCommit(peer.Height) is not { } commit || store.LoadBlock(peer.Height) is not { } block)
            return;
        KnownVotes? known = Find(peer.Votes, commit.Round, SignedMsgType.Precommit);
        Vote?[] votes = new Vote?[commit.ExtendedSignatures.Count];
        for (int i = 0; i < votes.Length; i++) votes[i] = Commits.Precommit(commit, i);
        if (known is null || known.Majority is null)
            host.Send(to, new MajorityClaim(commit.Height, commit.Round, SignedMsgType.Precommit, commit.BlockId));
        SendUnknown(host, to, votes, commit.BlockId, known);
        if (!peer.HasBlock) host.Send(to, block);
    }

    private static void SendSameHeight(IConsensusHost host, int to, PeerStatus peer, ConsensusState state)
    {
        if (peer.Step == ConsensusStep.NewHeight && state.LastCommit is not null && peer.LastCommit is not null)
        {
            KnownVotes known = new(0, SignedMsgType.Precommit, peer.LastCommit, state.LastCommit.Majority);
            SendUnknown(host, to, state.LastCommit.Votes, null, known);
        }
        bool sendsProposal = peer.Round == state.Round && !peer.HasProposal && state.Proposal is not null;
        if (sendsProposal) host.Send(to, state.Proposal!);
        PartSetHeader? wanted = peer.ExpectedParts ?? (sendsProposal ? state.Proposal!.BlockId.PartSetHeader : null);
        if (!peer.HasBlock && BlockOf(state, wanted) is { } block) host.Send(to, block);
        SendMissingVotes(host, to, peer, state);
    }

    private static SealedBlock? BlockOf(ConsensusState state, PartSetHeader? wanted)
    {
        if (HasParts(state.ProposalBlock, wanted)) return state.ProposalBlock;
        if (HasParts(state.LockedBlock, wanted)) return state.LockedBlock;
        return HasParts(state.ValidBlock, wanted) ? state.ValidBlock : null;
    }

    private static bool HasParts(SealedBlock? block, PartSetHeader? wanted) =>
        block is not null && block.Id.PartSetHeader.Equals(wanted);

    private static void SendMissingVotes(IConsensusHost host, int to, PeerStatus peer, ConsensusState state)
    {
        IList<int> rounds = state.Votes.Rounds;
        for (int i = 0; i < rounds.Count; i++)
        {
            int round = rounds[i];
            foreach (SignedMsgType type in VoteTypes)
            {
                VoteSet set = state.Votes.Set(round, type)!;
                KnownVotes? known = Find(peer.Votes, round, type);
                bool isFollowed = known is not null || round == state.Round || round == state.CommitRound;
                if (!isFollowed) continue;
                if (set.Majority is not null && known is { Majority: null })
                    host.Send(to, new MajorityClaim(state.Height, round, type, set.Majority));
                SendUnknown(host, to, set.Votes, set.Majority, known);
            }
        }
    }

    /// <summary>
    /// Sends votes that the peer does not know. If it sees no majority where there is one, all votes for that: the peer
    /// may hold a conflicting vote of a validator that voted twice.
    /// </summary>
    private static void SendUnknown(
        IConsensusHost host, int to, IReadOnlyList<Vote?> votes, BlockID? majority, KnownVotes? known)
    {
        for (int i = 0; i < votes.Count; i++)
        {
            if (votes[i] is not { } vote) continue;
            bool isKnown = known is not null && i < known.Known.Length && known.Known[i];
            bool isContested = known is { Majority: null } && vote.BlockId.Equals(majority);
            if (!isKnown || isContested) host.Send(to, vote);
        }
    }

    private static KnownVotes? Find(IReadOnlyList<KnownVotes> votes, int round, SignedMsgType type)
    {
        for (int i = 0; i < votes.Count; i++)
        {
            if (votes[i].Round == round && votes[i].Type == type) return votes[i];
        }
        return null;
    }

    private static bool[] Known(VoteSet set)
    {
        bool[] known = new bool[set.Votes.Count];
        for (int i = 0; i < known.Length; i++) known[i] = set.Votes[i] is not null;
        return known;
    }
}
