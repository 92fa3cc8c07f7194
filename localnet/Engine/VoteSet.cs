using System;
using System.Collections.Generic;
using AppChain.Abci;
using AppChain.Abci.Wire.Types;
using AppChain.Hsm;
using Google.Protobuf;

namespace AppChain.Localnet;

/// <summary>What became of a vote that was offered to a <see cref="VoteSet"/>.</summary>
public enum VoteOutcome
{
    /// <summary>It counts now.</summary>
    Added,

    /// <summary>It was known already.</summary>
    Duplicate,

    /// <summary>It is not a valid vote for this set.</summary>
    Invalid,

    /// <summary>The validator has voted otherwise before; the vote does not count.</summary>
    Conflicting,

    /// <summary>As <see cref="Conflicting"/>, but it counts, because a peer claims a majority for its block.</summary>
    ConflictingAdded,
}

/// <summary>
/// The votes of one type in one round. The first vote of a validator counts; a second, different one is reported and
/// counted only for a block that some peer claims to have a majority. The first block id that reaches more than two
/// thirds is final for the set.
/// </summary>
public sealed class VoteSet
{
    private sealed class Tally(BlockID blockId, int validators)
    {
        public readonly BlockID BlockId = blockId;
        public readonly Vote?[] Votes = new Vote?[validators];
        public long Power;
        public bool Claimed;
    }

    private readonly string _chainId;
    private readonly bool _extensions;
    private readonly VerifiedSignatures _verified;
    private readonly Vote?[] _votes;
    // BOUND: one tally for the first vote of each validator and for the claim of each peer; honest ones make one or
    // two.
    private readonly List<Tally> _tallies = [];
    private readonly List<int> _claimants = [];
    private long _power;

    /// <summary>Creates an empty set.</summary>
    /// <param name="chainId">Chain that the votes are signed for.</param>
    /// <param name="height">Height of the votes.</param>
    /// <param name="round">Round of the votes.</param>
    /// <param name="type">Prevote or precommit.</param>
    /// <param name="validators">Validators of that height.</param>
    /// <param name="extensions">Whether precommits for a block carry a signed extension.</param>
    /// <param name="verified">Signatures that this validator has verified.</param>
    public VoteSet(string chainId, long height, int round, SignedMsgType type, ValidatorSet validators, bool extensions,
        VerifiedSignatures verified)
    {
        _verified = verified;
        _chainId = chainId;
        Height = height;
        Round = round;
        Type = type;
        Validators = validators;
        _extensions = extensions && type == SignedMsgType.Precommit;
        _votes = new Vote?[validators.Count];
    }

    /// <summary>The precommits of a stored commit, as the vote set they came from.</summary>
    /// <exception cref="ConsensusFailure">A stored vote does not verify, or there is no majority.</exception>
    public static VoteSet Of(ExtendedCommit commit, string chainId, ValidatorSet validators, bool extensions,
        VerifiedSignatures verified)
    {
        VoteSet votes = new(
            chainId, commit.Height, commit.Round, SignedMsgType.Precommit, validators, extensions, verified);
        for (int i = 0; i < commit.ExtendedSignatures.Count; i++)
        {
            if (Commits.Precommit(commit, i) is not { } vote) continue;
            if (votes.Add(vote, out _) != VoteOutcome.Added)
                throw new ConsensusFailure($"stored commit of height {commit.Height}: vote {i} is not valid");
        }
        if (votes.Majority is null) throw new ConsensusFailure($"stored commit of height {commit.Height}: no majority");
        return votes;
    }

    /// <summary>Height of the votes.</summary>
    public long Height { get; }

    /// <summary>Round of the votes.</summary>
    public int Round { get; }

    /// <summary>Prevote or precommit.</summary>
    public SignedMsgType Type { get; }

    /// <summary>Validators who may vote here.</summary>
    public ValidatorSet Validators { get; }

    /// <summary>Votes by validator index; null where none is known.</summary>
    public IReadOnlyList<Vote?> Votes => _votes;

    /// <summary>The block id (or the nil id) with more than two thirds of the power, or null.</summary>
    public BlockID? Majority { get; private set; }

    /// <summary>Whether more than two thirds have voted, for whatever.</summary>
    public bool HasTwoThirdsAny => _power >= Validators.Quorum;

    /// <summary>Whether every validator has voted.</summary>
    public bool HasAll => _power == Validators.TotalPower;

    /// <summary>Offers a vote.</summary>
    /// <param name="vote">The vote; not changed afterwards.</param>
    /// <param name="earlier">The vote that it conflicts with.</param>
    public VoteOutcome Add(Vote vote, out Vote? earlier)
    {
        earlier = null;
        int index = vote.ValidatorIndex;
        if (vote.Height != Height || vote.Round != Round || vote.Type != Type) return VoteOutcome.Invalid;
        if (index < 0 || index >= _votes.Length) return VoteOutcome.Invalid;
        Validator validator = Validators.Members[index];
        if (vote.ValidatorAddress != validator.Address || !Signatures.IsWellFormed(vote)) return VoteOutcome.Invalid;

        Vote? known = Known(index, vote.BlockId);
        if (known is not null)
            return known.Signature == vote.Signature ? VoteOutcome.Duplicate : VoteOutcome.Invalid;
        if (!Signatures.Verify(vote, _chainId, validator.PublicKey, _verified)) return VoteOutcome.Invalid;
        if (!HasRightExtension(vote, validator)) return VoteOutcome.Invalid;

        earlier = _votes[index];
        if (earlier is null)
        {
            _votes[index] = vote;
            _power += validator.Power;
        }
        else if (Majority is not null && Majority.Equals(vote.BlockId))
        {
            _votes[index] = vote;
        }
        if (earlier is not null && Find(vote.BlockId) is not { Claimed: true }) return VoteOutcome.Conflicting;
        Count(vote, TallyOf(vote.BlockId), validator.Power);
        return earlier is null ? VoteOutcome.Added : VoteOutcome.ConflictingAdded;
    }

    /// <summary>Notes that a peer claims a majority for a block; each peer has one claim per set.</summary>
    public void Claim(int peer, BlockID blockId)
    {
        if (_claimants.Contains(peer)) return;
        _claimants.Add(peer);
        TallyOf(blockId).Claimed = true;
    }

    /// <summary>The vote of a validator for one block id, also when another vote of it came first.</summary>
    public Vote? Known(int index, BlockID blockId)
    {
        Vote? vote = _votes[index];
        if (vote is not null && vote.BlockId.Equals(blockId)) return vote;
        return Find(blockId)?.Votes[index];
    }

    /// <summary>
    /// The commit that these precommits make for the block with the majority: one entry per validator; a vote for
    /// another block counts as absent.
    /// </summary>
    public ExtendedCommit ToExtendedCommit()
    {
        if (Majority is null || Type != SignedMsgType.Precommit)
            throw new InvalidOperationException("a commit needs a majority of precommits");
        ExtendedCommit commit = new() { Height = Height, Round = Round, BlockId = Majority };
        foreach (Vote? vote in _votes) commit.ExtendedSignatures.Add(Commits.Entry(vote, Majority));
        return commit;
    }

    private Tally? Find(BlockID blockId)
    {
        foreach (Tally tally in _tallies)
        {
            if (tally.BlockId.Equals(blockId)) return tally;
        }
        return null;
    }

    private Tally TallyOf(BlockID blockId)
    {
        Tally? tally = Find(blockId);
        if (tally is null) _tallies.Add(tally = new Tally(blockId, _votes.Length));
        return tally;
    }

    private bool HasRightExtension(Vote vote, Validator validator)
    {
        if (_extensions && !BlockIds.IsNil(vote.BlockId))
            return Signatures.VerifyExtension(vote, _chainId, validator.PublicKey, _verified);
        return vote.Extension.IsEmpty && vote.ExtensionSignature.IsEmpty;
    }

    private void Count(Vote vote, Tally tally, long power)
    {
        tally.Votes[vote.ValidatorIndex] = vote;
        bool below = tally.Power < Validators.Quorum;
        tally.Power += power;
        if (!below || tally.Power < Validators.Quorum || Majority is not null) return;
        Majority = vote.BlockId;
        for (int i = 0; i < _votes.Length; i++) _votes[i] = tally.Votes[i] ?? _votes[i];
    }
}
