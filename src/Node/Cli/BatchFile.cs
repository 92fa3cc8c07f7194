using System;
using System.Collections.Generic;
using System.Text.Json;

namespace AppChain.Node;

/// <summary>
/// A file of operations for <c>tx order batch</c>: JSON (a list of objects) or CSV (names in the first line, empty
/// cells left out). Names and values are those of <see cref="OperationReader"/>.
/// </summary>
internal static class BatchFile
{
    /// <summary>Names and values of each operation, in order.</summary>
    /// <exception cref="FormatException">It is neither; the message names the place.</exception>
    public static IReadOnlyList<IReadOnlyDictionary<string, string>> Parse(string text)
    {
        string start = text.TrimStart();
        return start.StartsWith('[') || start.StartsWith('{') ? ParseJson(text) : ParseCsv(text);
    }

    private static List<IReadOnlyDictionary<string, string>> ParseJson(string text)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(text);
            JsonElement list = document.RootElement;
            if (list.ValueKind != JsonValueKind.Array)
            {
                throw new FormatException("a batch in JSON is a list: [{\"op\": \"place\", …}, …]");
            }

            var operations = new List<IReadOnlyDictionary<string, string>>();
            foreach (JsonElement item in list.EnumerateArray())
            {
                operations.Add(ParseObject(item, operations.Count + 1));
            }

            return operations;
        }
        catch (JsonException cause)
        {
            throw new FormatException($"the batch is not JSON: {cause.Message}", cause);
        }
    }

    private static Dictionary<string, string> ParseObject(JsonElement item, int number)
    {
        if (item.ValueKind != JsonValueKind.Object)
        {
            throw new FormatException($"operation {number} is no object");
        }

        var fields = new Dictionary<string, string>();
        foreach (JsonProperty property in item.EnumerateObject())
        {
            // A number is taken as it is written, so 0.1 stays 0.1.
            string value = property.Value.ValueKind switch
            {
                JsonValueKind.String => property.Value.GetString()!,
                JsonValueKind.Number => property.Value.GetRawText(),
                JsonValueKind.True => "true",
                JsonValueKind.False => "false",
                _ => throw new FormatException($"operation {number}: '{property.Name}' is neither text nor a number"),
            };
            if (!fields.TryAdd(property.Name, value))
            {
                throw new FormatException($"operation {number}: '{property.Name}' is there twice");
            }
        }

        return fields;
    }

    private static List<IReadOnlyDictionary<string, string>> ParseCsv(string text)
    {
        string[] lines = text.Split('\n', StringSplitOptions.TrimEntries);
        string[] names = lines[0].Split(',', StringSplitOptions.TrimEntries);
        if (Array.IndexOf(names, "op") < 0)
        {
            throw new FormatException("the first line of a batch in CSV names the columns, one of them 'op'");
        }

        var operations = new List<IReadOnlyDictionary<string, string>>();
        for (int i = 1; i < lines.Length; i++)
        {
            if (lines[i].Length == 0)
            {
                continue;
            }

            string[] cells = lines[i].Split(',', StringSplitOptions.TrimEntries);
            if (cells.Length != names.Length)
            {
                throw new FormatException($"line {i + 1} has {cells.Length} cells, the first line {names.Length}");
            }

            var fields = new Dictionary<string, string>();
            for (int column = 0; column < names.Length; column++)
            {
                if (cells[column].Length > 0 && !fields.TryAdd(names[column], cells[column]))
                {
                    throw new FormatException($"the column '{names[column]}' is there twice");
                }
            }

            operations.Add(fields);
        }

        return operations;
    }
}
