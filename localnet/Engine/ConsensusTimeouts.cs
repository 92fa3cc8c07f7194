using System;

namespace AppChain.Localnet;

/// <summary>Steps of a height, in the order and with the numbers of the protocol.</summary>
public enum ConsensusStep
{
    /// <summary>Waiting for the start of the height.</summary>
    NewHeight = 1,

    /// <summary>A round has begun.</summary>
    NewRound = 2,

    /// <summary>Waiting for the proposal.</summary>
    Propose = 3,

    /// <summary>Has prevoted.</summary>
    Prevote = 4,

    /// <summary>Two thirds have prevoted, without a majority for one thing.</summary>
    PrevoteWait = 5,

    /// <summary>Has precommitted.</summary>
    Precommit = 6,

    /// <summary>Only as the step of a time-out.</summary>
    PrecommitWait = 7,

    /// <summary>A block is decided.</summary>
    Commit = 8,
}

/// <summary>A time-out that was set for a height, round and step.</summary>
public sealed record ConsensusTimeout(long Height, int Round, ConsensusStep Step)
{
    /// <summary>Lexicographic order by height, round and step.</summary>
    public bool IsLaterThan(ConsensusTimeout? other) =>
        other is null || (Height, Round, (int)Step).CompareTo((other.Height, other.Round, (int)other.Step)) > 0;
}

/// <summary>How long a validator waits in each step, in wall time.</summary>
public sealed record ConsensusTimeouts
{
    /// <summary>For a proposal, in round 0.</summary>
    public TimeSpan Propose { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>For a majority after two thirds have prevoted, in round 0.</summary>
    public TimeSpan Prevote { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary>For a majority after two thirds have precommitted, in round 0.</summary>
    public TimeSpan Precommit { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary>What each further round adds to the three above.</summary>
    public TimeSpan Delta { get; init; } = TimeSpan.FromMilliseconds(125);

    /// <summary>Between a decision and the start of the next height; late precommits come in meanwhile.</summary>
    public TimeSpan Commit { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>Whether the next height starts at once when all precommits are there.</summary>
    public bool SkipCommit { get; init; }

    /// <summary>The delay of a step in a round.</summary>
    public TimeSpan Of(ConsensusStep step, int round) => Delta * round + step switch
    {
        ConsensusStep.Propose => Propose,
        ConsensusStep.PrevoteWait => Prevote,
        ConsensusStep.PrecommitWait => Precommit,
        _ => throw new ArgumentOutOfRangeException(nameof(step), step, "no time-out of its own"),
    };
}
