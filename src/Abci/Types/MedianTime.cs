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
        Dictionary<ByteString, long> powers = [];
        foreach (Validator validator in validators) powers[validator.Address] = validator.VotingPower;

        List<(Timestamp Time, long Power)> votes = [];
        long total = 0;
        foreach (CommitSig signature in commit.Signatures)
        {
            if (signature.BlockIdFlag == BlockIDFlag.Absent) continue;
            if (!powers.TryGetValue(signature.ValidatorAddress, out long power)) continue;
            votes.Add((signature.Timestamp ?? WireTime.Zero, power));
            total += power;
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
}
