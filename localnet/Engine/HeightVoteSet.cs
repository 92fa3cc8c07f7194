using System.Collections.Generic;
using AppChain.Abci.Wire.Types;
using AppChain.Hsm;

namespace AppChain.Localnet;

/// <summary>
/// The votes of all rounds of one height. Sets exist for rounds 0 to the current one + 1; votes of later rounds are
/// accepted for at most two rounds per peer, so that nobody can fill the memory with rounds that never come.
/// </summary>
public sealed class HeightVoteSet
{
    private const int CatchUpRoundsPerPeer = 2;

    private readonly string _chainId;
    private readonly ValidatorSet _validators;
    private readonly bool _extensions;
    private readonly VerifiedSignatures _verified;
    private readonly SortedList<int, (VoteSet Prevotes, VoteSet Precommits)> _rounds = [];
    private readonly Dictionary<int, List<int>> _catchUp = [];

    /// <summary>Creates the sets of rounds 0 and 1.</summary>
    public HeightVoteSet(
        string chainId, long height, ValidatorSet validators, bool extensions, VerifiedSignatures verified)
    {
        _verified = verified;
        _chainId = chainId;
        Height = height;
        _validators = validators;
        _extensions = extensions;
        EnterRound(0);
    }

    /// <summary>Height of the votes.</summary>
    public long Height { get; }

    /// <summary>Rounds that have sets, ascending.</summary>
    public IList<int> Rounds => _rounds.Keys;

    /// <summary>Makes sure that the sets up to <paramref name="round"/> + 1 exist.</summary>
    public void EnterRound(int round)
    {
        for (int r = 0; r <= round + 1; r++) Track(r);
    }

    /// <summary>Prevotes of a round, or null if the round is not followed.</summary>
    public VoteSet? Prevotes(int round) => _rounds.TryGetValue(round, out var sets) ? sets.Prevotes : null;

    /// <summary>Precommits of a round, or null if the round is not followed.</summary>
    public VoteSet? Precommits(int round) => _rounds.TryGetValue(round, out var sets) ? sets.Precommits : null;

    /// <summary>The set for a type of vote, or null if the round is not followed.</summary>
    public VoteSet? Set(int round, SignedMsgType type) =>
        type == SignedMsgType.Prevote ? Prevotes(round) : Precommits(round);

    /// <summary>Offers a vote of a peer (or the validator's own).</summary>
    public VoteOutcome Add(int peer, Vote vote, out Vote? earlier)
    {
        earlier = null;
        if (vote.Round < 0 || vote.Type is not (SignedMsgType.Prevote or SignedMsgType.Precommit))
            return VoteOutcome.Invalid;
        if (!_rounds.ContainsKey(vote.Round))
        {
            if (!_catchUp.TryGetValue(peer, out List<int>? rounds)) _catchUp.Add(peer, rounds = []);
            if (rounds.Count >= CatchUpRoundsPerPeer) return VoteOutcome.Invalid;
            rounds.Add(vote.Round);
            Track(vote.Round);
        }
        return Set(vote.Round, vote.Type)!.Add(vote, out earlier);
    }

    private void Track(int round)
    {
        if (_rounds.ContainsKey(round)) return;
        _rounds.Add(round, (NewSet(round, SignedMsgType.Prevote), NewSet(round, SignedMsgType.Precommit)));
    }

    private VoteSet NewSet(int round, SignedMsgType type) =>
        new(_chainId, Height, round, type, _validators, _extensions, _verified);
}
