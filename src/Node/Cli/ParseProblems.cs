using System;
using System.Collections.Generic;
using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Linq;

namespace AppChain.Node;

/// <summary>What is wrong with a command line, in lines that say what to write instead.</summary>
public static class ParseProblems
{
    /// <summary>One line for each problem, and a last one that names the help of the verb.</summary>
    public static IEnumerable<string> Of(ParseResult parsed) =>
    [
        .. Problems(parsed).Select(static problem => $"error: {problem}"),
        $"see `{PathOf(parsed.CommandResult)} --help`",
    ];

    // A family of verbs without a verb says which there are; its missing options would only distract.
    private static IEnumerable<string> Problems(ParseResult parsed)
    {
        CommandResult result = parsed.CommandResult;
        if (result.Command.Subcommands.Count > 0)
        {
            string what = parsed.UnmatchedTokens.Count > 0
                ? $"`{PathOf(result)}` has no verb '{parsed.UnmatchedTokens[0]}'"
                : $"`{PathOf(result)}` needs a verb";
            return [$"{what}; it has {string.Join(", ", result.Command.Subcommands.Select(static verb => verb.Name))}"];
        }

        return
        [
            .. Unknown(parsed),
            .. parsed.Errors.Select(static error => OneLine(error.Message))
                .Where(message => !parsed.UnmatchedTokens.Any(token => message.EndsWith($"argument '{token}'."))),
        ];
    }

    // The value behind an unknown option is left over too, and says nothing.
    private static IEnumerable<string> Unknown(ParseResult parsed)
    {
        string[] names = [.. parsed.UnmatchedTokens.Where(IsOption)];
        if (names.Length == 0)
        {
            return parsed.UnmatchedTokens.Select(static token => $"'{token}' is one argument too many");
        }

        string[] known = [.. OptionsOf(parsed.CommandResult)];
        return names.Select(name => name.Length > 2
            ? $"no option '{name}'; did you mean '{NearestWord.Of(name, known)}'?"
            : $"no option '{name}'");
    }

    private static bool IsOption(string token) => token.Length > 1 && token[0] == '-';

    // Options of a family hold for each of its verbs.
    private static IEnumerable<string> OptionsOf(CommandResult result)
    {
        for (SymbolResult? at = result; at is not null; at = at.Parent)
        {
            foreach (Option option in (at as CommandResult)?.Command.Options ?? [])
            {
                if (!option.Hidden && (at == result || option.Recursive))
                {
                    yield return option.Name;
                }
            }
        }
    }

    private static string OneLine(string message) =>
        string.Join(' ', message.Split(['\n', '\r', '\t'], StringSplitOptions.RemoveEmptyEntries));

    private static string PathOf(SymbolResult command)
    {
        string name = command is CommandResult result ? result.Command.Name : "";
        return command.Parent is null
            ? name
            : string.Create(CultureInfo.InvariantCulture, $"{PathOf(command.Parent)} {name}");
    }
}
