using System;
using System.Collections.Generic;
using System.Linq;
using System.Text.RegularExpressions;

namespace AppChain.Localnet;

/// <summary>
/// A subscription query: conditions <c>key='text'</c>, <c>key=number</c> or <c>key EXISTS</c>, joined by AND. Other
/// operators of CometBFT are refused.
/// </summary>
public sealed partial class EventQuery
{
    private const int MaximumLength = 512;

    private readonly List<(string Key, string? Value)> _conditions = [];

    private EventQuery(string text)
    {
        Text = text;
    }

    /// <summary>The query as it was given.</summary>
    public string Text { get; }

    /// <summary>Reads a query.</summary>
    /// <exception cref="RpcError">It is too long or uses something else.</exception>
    public static EventQuery Parse(string text)
    {
        if (text.Length > MaximumLength) throw RpcError.Failed("maximum query length exceeded");
        EventQuery query = new(text);
        foreach (string part in And().Split(text))
        {
            Match match = Condition().Match(part);
            if (!match.Success) throw RpcError.Failed($"failed to parse query: {text}");
            bool exists = match.Groups["exists"].Success;
            query._conditions.Add((match.Groups["key"].Value, exists ? null : match.Groups["value"].Value));
        }
        return query;
    }

    /// <summary>Whether events, values by composite key, satisfy every condition.</summary>
    public bool Matches(IReadOnlyDictionary<string, List<string>> events) => _conditions.TrueForAll(condition =>
        events.TryGetValue(condition.Key, out List<string>? values)
        && (condition.Value is null || values.Contains(condition.Value)));

    [GeneratedRegex(@"\s+AND\s+")]
    private static partial Regex And();

    [GeneratedRegex(
        @"^\s*(?<key>[A-Za-z0-9_.\-/]+)\s*(=\s*('(?<value>[^']*)'|(?<value>[0-9]+))|(?<exists>EXISTS))\s*$")]
    private static partial Regex Condition();
}
