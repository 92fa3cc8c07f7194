using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text;

namespace AppChain.Localnet.Tests.Fuzz;

/// <summary>
/// Damages text by its words: numbers become extremes, words and lines are doubled, swapped, dropped, mixed.
/// </summary>
internal sealed class TextDamage(Random random)
{
    private static readonly string[] s_words =
    [
        "0", "-1", "1", "9223372036854775807", "-9223372036854775808", "18446744073709551616", "1e999", "0.5",
        "007", "-0",
        "\"\"", "null", "true", "{}", "[]", "\"1\"", "\"\\ud800\"", "\"\\u0000\"", "NaN", "\u00e9\ud83d\ude00", "=",
        "#", ",", ":",
        "{", "}", "[", "]", "\"", "\\", "\0", "\n", "tcp://", "unix://", "../../x", "100000", "1000000000000000000000",
    ];

    /// <summary>The text with one to four places changed.</summary>
    public string Text(string text)
    {
        List<string> tokens = Tokens(text);
        for (int i = random.Next(1, 5); i > 0; i--)
        {
            int at = random.Next(tokens.Count + 1);
            int other = random.Next(tokens.Count + 1);
            switch (random.Next(8))
            {
                case 0:
                    tokens.Insert(at, s_words[random.Next(s_words.Length)]);
                    break;
                case 1 when at < tokens.Count:
                    tokens.RemoveAt(at);
                    break;
                case 2 when at < tokens.Count && other < tokens.Count:
                    (tokens[at], tokens[other]) = (tokens[other], tokens[at]);
                    break;
                case 3 when at < tokens.Count:
                    tokens.Insert(other, tokens[at]);
                    break;
                case 4:
                    int count = Math.Min(random.Next(1, 30), tokens.Count - at);
                    tokens.InsertRange(other, tokens.GetRange(at, count));
                    break;
                case 5:
                    tokens.RemoveRange(at, Math.Min(random.Next(1, 30), tokens.Count - at));
                    break;
                default:
                    ReplaceNumber(tokens, at);
                    break;
            }
        }

        return string.Concat(tokens);
    }

    // Numbers are what goes on to the rules.
    private void ReplaceNumber(List<string> tokens, int from)
    {
        for (int i = 0; i < tokens.Count; i++)
        {
            int at = (from + i) % tokens.Count;
            if (char.IsAsciiDigit(tokens[at][0]))
            {
                tokens[at] = random.Next(2) == 0
                    ? s_words[random.Next(10)]
                    : (random.NextInt64() >> random.Next(63)).ToString(CultureInfo.InvariantCulture);
                return;
            }
        }
    }

    private static List<string> Tokens(string text)
    {
        var tokens = new List<string>();
        var word = new StringBuilder();
        foreach (char c in text)
        {
            if (char.IsLetterOrDigit(c) || c is '_' or '.' or '-')
            {
                word.Append(c);
                continue;
            }

            if (word.Length > 0)
            {
                tokens.Add(word.ToString());
                word.Clear();
            }

            tokens.Add(c.ToString());
        }

        if (word.Length > 0)
        {
            tokens.Add(word.ToString());
        }

        return tokens;
    }
}
