using System.Collections.Generic;
using System.Globalization;
using AppChain.Abci;

namespace AppChain.Localnet;

/// <summary>Whether the calls that every application heard were in the order of the protocol.</summary>
/// <param name="Count">Calls checked.</param>
/// <param name="Problems">One text for each validator whose calls were not.</param>
internal sealed record CallCheck(long Count, IReadOnlyList<string> Problems)
{
    /// <summary>Checks what the applications of a run have noted so far.</summary>
    public static CallCheck Of(NetworkFiles files, int validators)
    {
        long count = 0;
        var problems = new List<string>();
        for (int i = 0; i < validators; i++)
        {
            var grammar = new CallGrammar();
            foreach (AbciCall call in files.CallsOf(i))
            {
                if (grammar.Take(call) is { } wrong)
                {
                    problems.Add(string.Create(CultureInfo.InvariantCulture, $"validator {i}: {wrong}"));
                    break;
                }
            }

            count += grammar.Count;
        }

        return new CallCheck(count, problems);
    }
}
