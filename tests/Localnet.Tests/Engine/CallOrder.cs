using System;
using System.Collections.Generic;
using System.Linq;
using AppChain.Abci;
using NUnit.Framework;

namespace AppChain.Localnet.Tests;

/// <summary>Sequences of calls on the consensus connection, one letter per call.</summary>
public static class CallOrder
{
    private static readonly Dictionary<string, char> Letters = new()
    {
        ["info"] = 'I', ["init_chain"] = 'N', ["prepare_proposal"] = 'P', ["process_proposal"] = 'Q',
        ["extend_vote"] = 'E', ["verify_vote_extension"] = 'V', ["finalize_block"] = 'F', ["commit"] = 'C',
    };

    public static string Text(IEnumerable<string> kinds) => string.Concat(kinds.Select(kind => Letters[kind]));

    /// <summary>
    /// One string per height, up to and with its Commit; what follows the last Commit is the last entry.
    /// </summary>
    public static List<string> Heights(string text)
    {
        List<string> heights = [.. text.Split('C')];
        for (int i = 0; i < heights.Count - 1; i++) heights[i] += 'C';
        return heights;
    }

    /// <summary>Checks the calls of an application that may have been restarted.</summary>
    public static void Check(IEnumerable<AbciCall> calls) => Assert.That(CallGrammar.Check(calls), Is.Null);

    /// <summary>A call by the name that the recordings give to its request.</summary>
    public static AbciCall Call((string Kind, long Height) call) =>
        new(Enum.Parse<CallKind>(call.Kind.Replace("_", ""), ignoreCase: true), call.Height);

    /// <summary>
    /// Each of Prepare, Process and ExtendVote comes at most once in a round, and Prepare before Process.
    /// </summary>
    public static void CheckRounds(string height, int rounds)
    {
        foreach (char call in "PQE") Assert.That(height.Count(letter => letter == call), Is.AtMost(rounds), height);
        string rest = WithoutVerifications(height);
        Assert.That(rest, Does.Not.Contain("PE").And.Not.Contain("PF"),
            $"a proposer judges its own proposal: {height}");
    }

    /// <summary>A height without the calls whose number depends on the order of arrival.</summary>
    public static string WithoutVerifications(string height) => height.Replace("V", "");
}
