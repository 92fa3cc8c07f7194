using System.Collections.Generic;
using System.Linq;
using System.Text.RegularExpressions;
using NUnit.Framework;

namespace AppChain.Localnet.Tests;

/// <summary>The grammar of calls on the consensus connection, one letter per call.</summary>
public static partial class CallOrder
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

    /// <summary>Checks a run of one application process, which may end anywhere.</summary>
    public static void Check(string text)
    {
        List<string> heights = Heights(text);
        for (int i = 0; i < heights.Count; i++)
        {
            Regex grammar = i < heights.Count - 1 ? CompleteHeight() : PartOfHeight();
            string height = i == 0 ? heights[i].TrimStart('I', 'N') : heights[i];
            Assert.That(grammar.IsMatch(height), $"height number {i} of the run: {height}");
        }
        Assert.That(StartOfRun().IsMatch(text), text[..System.Math.Min(text.Length, 10)]);
    }

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

    // A round is VVE* [Prepare [Process]] VVE* ExtendVote VVE*, or the same without Prepare, and every part of it may
    // be missing. Over any number of rounds that leaves one regular rule: nothing after FinalizeBlock but Commit.
    [GeneratedRegex("^[VPQE]*FC$")]
    private static partial Regex CompleteHeight();

    [GeneratedRegex("^[VPQE]*F?$")]
    private static partial Regex PartOfHeight();

    [GeneratedRegex("^(I?N?)[^IN]*$")]
    private static partial Regex StartOfRun();
}
