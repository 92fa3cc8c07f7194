using System.Collections.Generic;

namespace AppChain.Abci;

/// <summary>
/// Recognises the sequences of calls that an engine may make, by process starts of the application, in the order in
/// which they reach it:
/// <code>
/// process := Start engine* [Rollback]                       an engine may be restarted beside its application
/// engine  := ( Info [InitChain] | sync ) block* part        InitChain exactly when Info answered height 0
/// sync    := OfferSnapshot ( OfferSnapshot | ApplySnapshotChunk )* ApplySnapshotChunk Info
/// block   := vote* FinalizeBlock Commit                     replayed blocks have no votes
/// vote    := PrepareProposal | ProcessProposal | ExtendVote | VerifyVoteExtension
/// part    := vote* [FinalizeBlock]                          it may die anywhere
/// </code>
/// Each part of a round may be missing and no call names its round, so any sequence of votes is some sequence of
/// rounds. Heights must fit: every call of a block names the height above the last Commit, and Info answers the last
/// Commit, also after a restart: a committed block is never lost but by Rollback. Info on behalf of a client may come
/// at any time.
/// </summary>
public sealed class CallGrammar
{
    private enum Phase
    {
        /// <summary>No engine has called yet.</summary>
        Waiting,

        /// <summary>Info was answered.</summary>
        Told,

        /// <summary>A snapshot was offered.</summary>
        Offered,

        /// <summary>A chunk was handed over.</summary>
        Fed,

        /// <summary>InitChain, a vote or a Commit came last.</summary>
        Running,

        /// <summary>FinalizeBlock came last.</summary>
        Executed,
    }

    /// <summary>
    /// Where a sequence may stand. A Commit is noted when it begins, so until the next call of a block the height
    /// before it may be the committed one.
    /// </summary>
    private readonly record struct Position(Phase Phase, long Before, long Committed, long Next);

    // Height of an application that has not been asked.
    private const long Unknown = -1;

    // Info may come from a client or from an engine that was restarted: then both positions are kept.
    private HashSet<Position> _positions = [new(Phase.Waiting, Unknown, Unknown, 0)];

    /// <summary>Number of calls taken.</summary>
    public long Count { get; private set; }

    /// <summary>Takes the next call; null if it may come here, otherwise what is wrong with it.</summary>
    public string? Take(AbciCall call)
    {
        var next = new HashSet<Position>();
        foreach (Position position in _positions)
        {
            Step(position, call, next);
        }

        if (next.Count == 0)
        {
            return $"call {Count + 1}, {call}, may not come at {string.Join(" or ", _positions)}";
        }

        _positions = next;
        Count++;
        return null;
    }

    /// <summary>What is wrong with the first call that does not fit; null if all do.</summary>
    public static string? Check(IEnumerable<AbciCall> calls)
    {
        var grammar = new CallGrammar();
        foreach (AbciCall call in calls)
        {
            if (grammar.Take(call) is { } wrong)
            {
                return wrong;
            }
        }

        return null;
    }

    private static void Step(Position at, AbciCall call, HashSet<Position> next)
    {
        switch (call.Kind)
        {
            case CallKind.Start:
                next.Add(at with { Phase = Phase.Waiting });
                break;
            case CallKind.Rollback when call.Height < at.Committed:
                next.Add(new Position(Phase.Waiting, call.Height, call.Height, 0));
                break;
            case CallKind.Info:
                TakeInfo(at, call.Height, next);
                break;
            case CallKind.InitChain when at is { Phase: Phase.Told, Committed: 0 }:
                next.Add(new Position(Phase.Running, 0, 0, call.Height));
                break;
            case CallKind.OfferSnapshot when at.Committed <= 0
                && at.Phase is Phase.Waiting or Phase.Offered or Phase.Fed:
                next.Add(new Position(Phase.Offered, 0, 0, 0));
                break;
            case CallKind.ApplySnapshotChunk when at.Phase is Phase.Offered or Phase.Fed:
                next.Add(at with { Phase = Phase.Fed });
                break;
            case CallKind.PrepareProposal or CallKind.ProcessProposal or CallKind.ExtendVote
                or CallKind.VerifyVoteExtension when IsInBlock(at, call.Height):
                next.Add(at with { Phase = Phase.Running, Before = at.Committed });
                break;
            case CallKind.FinalizeBlock when IsInBlock(at, call.Height):
                next.Add(at with { Phase = Phase.Executed, Before = at.Committed });
                break;
            case CallKind.Commit when at.Phase == Phase.Executed:
                next.Add(new Position(Phase.Running, at.Committed, at.Next, at.Next + 1));
                break;
            default:
                break;
        }
    }

    private static void TakeInfo(Position at, long height, HashSet<Position> next)
    {
        if (at.Phase == Phase.Fed)
        {
            // The snapshot is complete, or a client asks meanwhile.
            next.Add(height > 0 ? new Position(Phase.Running, height, height, height + 1) : at);
            return;
        }

        if (height != at.Committed && height != at.Before && at.Committed != Unknown)
        {
            return;
        }

        next.Add(new Position(Phase.Told, height, height, height == 0 ? 0 : height + 1));
        if (at.Phase != Phase.Waiting || height == 0)
        {
            next.Add(at);
        }
    }

    private static bool IsInBlock(Position at, long height) =>
        at.Next == height && height > 0 && at.Phase is Phase.Told or Phase.Running;
}
