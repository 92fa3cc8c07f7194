using System;
using System.Globalization;

namespace AppChain.Abci;

/// <summary>
/// The calls whose place in the sequence the protocol fixes. CheckTx, Query, ListSnapshots, LoadSnapshotChunk, Echo and
/// Flush may come at any time and are not among them.
/// </summary>
public enum CallKind
{
    /// <summary>No call: the process of the application has begun.</summary>
    Start,

    /// <summary>Info.</summary>
    Info,

    /// <summary>InitChain.</summary>
    InitChain,

    /// <summary>OfferSnapshot.</summary>
    OfferSnapshot,

    /// <summary>ApplySnapshotChunk.</summary>
    ApplySnapshotChunk,

    /// <summary>PrepareProposal.</summary>
    PrepareProposal,

    /// <summary>ProcessProposal.</summary>
    ProcessProposal,

    /// <summary>ExtendVote.</summary>
    ExtendVote,

    /// <summary>VerifyVoteExtension.</summary>
    VerifyVoteExtension,

    /// <summary>FinalizeBlock.</summary>
    FinalizeBlock,

    /// <summary>Commit.</summary>
    Commit,

    /// <summary>No call: the stopped application was taken back to the height.</summary>
    Rollback,
}

/// <summary>One call of the engine.</summary>
/// <param name="Kind">Which.</param>
/// <param name="Height">
/// Height that the request names; of Info, the height that was answered; of InitChain, the initial height; of Rollback,
/// the one that is left; 0 where there is none.
/// </param>
public readonly record struct AbciCall(CallKind Kind, long Height)
{
    /// <summary>One line, such as <c>FinalizeBlock 12</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Kind} {Height}");

    /// <summary>Reads a line.</summary>
    /// <exception cref="FormatException">It is not the form of a call.</exception>
    public static AbciCall Parse(string line)
    {
        ArgumentNullException.ThrowIfNull(line);
        string[] words = line.Split(' ');
        return words.Length == 2 && Enum.TryParse(words[0], out CallKind kind) && Enum.IsDefined(kind)
            && long.TryParse(words[1], NumberStyles.None, CultureInfo.InvariantCulture, out long height)
            ? new AbciCall(kind, height)
            : throw new FormatException($"'{line}' is no call; it reads like 'FinalizeBlock 12'");
    }
}
