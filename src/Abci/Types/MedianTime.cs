using System;
using System.Collections.Generic;
using AppChain.Abci.Wire.Types;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace AppChain.Abci;

/// <summary>
/// Time of a block: the median of the times in its last commit, weighted by voting power. While less than a third of
/// the power lies, it stays between the times of honest validators.
/// </summary>
public static class MedianTime
{
    /// <summary>
    /// Weighted median over all signatures that are not absent, nil votes included (the rule of the 0.38 and 0.39
    /// lines).
    /// </summary>
    /// <param name="commit">The commit of the previous height.</param>
    /// <param name="validators">The validator set of that height.</param>
    /// <exception cref="ArgumentException">No signature in the commit is from a validator of the set.</exception>
    public static Timestamp Of(Commit commit, IReadOnlyList<Validator> validators)
    {
        ArgumentNullException.ThrowIfNull(commit);
        ArgumentNullException.ThrowIfNull(validators);
        List<(Timestamp Time, long Power)> votes = new(commit.Signatures.Count);
        long total = 0;
        for (int i = 0; i < commit.Signatures.Count; i++)
        {
            CommitSig signature = commit.Signatures[i];
            if (signature.BlockIdFlag == BlockIDFlag.Absent) continue;
            if (Find(validators, i, signature.ValidatorAddress) is not { } validator) continue;
            votes.Add((signature.Timestamp ?? WireTime.Zero, validator.VotingPower));
            total += validator.VotingPower;
        }

        votes.Sort(static (left, right) => WireTime.Compare(left.Time, right.Time));
        // ROUNDING: half of the power rounds down, as the engine does.
        long left = total / 2;
        foreach ((Timestamp time, long power) in votes)
        {
            if (left <= power) return time;
            left -= power;
        }
        throw new ArgumentException("the commit holds no vote of a validator of the set", nameof(commit));
    }

    /// <summary>
    /// The validator of an address. A commit is in the order of the set, so it mostly is at its place.
    /// </summary>
    private static Validator? Find(IReadOnlyList<Validator> validators, int place, ByteString address)
    {
        if (place < validators.Count && validators[place].Address == address) return validators[place];
        foreach (Validator validator in validators)
        {
            if (validator.Address == address) return validator;
        }
        return null;
    }
}
