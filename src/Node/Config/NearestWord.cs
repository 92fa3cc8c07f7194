using System;
using System.Collections.Generic;

namespace AppChain.Node;

/// <summary>The word that was meant, for messages.</summary>
public static class NearestWord
{
    /// <summary>The known word that takes the fewest edits; the first of several.</summary>
    /// <param name="word">What was written.</param>
    /// <param name="known">What could have been meant, at least one.</param>
    public static string Of(string word, IEnumerable<string> known)
    {
        string best = "";
        int least = int.MaxValue;
        foreach (string candidate in known)
        {
            int distance = Distance(word, candidate);
            if (distance < least)
            {
                least = distance;
                best = candidate;
            }
        }

        return best;
    }

    // Edits between two words (Levenshtein).
    private static int Distance(string left, string right)
    {
        var row = new int[right.Length + 1];
        for (int j = 0; j <= right.Length; j++)
        {
            row[j] = j;
        }

        for (int i = 1; i <= left.Length; i++)
        {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= right.Length; j++)
            {
                int above = row[j];
                row[j] = Math.Min(
                    Math.Min(row[j] + 1, row[j - 1] + 1), diagonal + (left[i - 1] == right[j - 1] ? 0 : 1));
                diagonal = above;
            }
        }

        return row[right.Length];
    }
}
