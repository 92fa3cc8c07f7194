using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text.Json.Nodes;

namespace AppChain.Node;

/// <summary>One JSON object of a genesis document, whose fields must all be used.</summary>
internal sealed class GenesisFields
{
    private readonly JsonObject _object;
    private readonly HashSet<string> _used = [];

    /// <summary>The object at a path.</summary>
    public GenesisFields(JsonNode? node, string path)
    {
        Path = path;
        _object = node as JsonObject ?? throw new GenesisException($"{path}: expected an object");
    }

    /// <summary>Where in the document it is.</summary>
    public string Path { get; }

    /// <summary>Whether there is such a field; that does not use it.</summary>
    public bool Has(string name) => _object.ContainsKey(name);

    /// <summary>A list of objects.</summary>
    public IEnumerable<GenesisFields> Items(string name)
    {
        if (Take(name) is not JsonArray items)
        {
            throw new GenesisException($"{Path}.{name}: expected a list");
        }

        for (int i = 0; i < items.Count; i++)
        {
            yield return new GenesisFields(
                items[i], string.Create(CultureInfo.InvariantCulture, $"{Path}.{name}[{i}]"));
        }
    }

    /// <summary>A text.</summary>
    public string Text(string name) => Take(name) is JsonValue value && value.TryGetValue(out string? text)
        ? text
        : throw new GenesisException($"{Path}.{name}: expected text");

    /// <summary>True for 1 to 16 characters of A-Z, 0-9 and '-'.</summary>
    public static bool IsTicker(string text) => text.Length is > 0 and <= 16
        && text.AsSpan().IndexOfAnyExcept("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") < 0;

    /// <summary>A ticker.</summary>
    public string Ticker(string name)
    {
        string text = Text(name);
        return IsTicker(text)
            ? text
            : throw new GenesisException($"{Path}.{name}: 1 to 16 characters of A-Z, 0-9 and '-'");
    }

    /// <summary>A whole number, as a number or as text.</summary>
    public long Long(string name, long min, long max)
    {
        string text = Take(name)?.ToString() ?? "";
        return long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long value)
            && value >= min && value <= max
            ? value
            : throw new GenesisException($"{Path}.{name}: '{text}' is not a whole number from {min} to {max}");
    }

    /// <summary>An object that may be missing.</summary>
    public GenesisFields? Optional(string name) =>
        _object.ContainsKey(name) ? new GenesisFields(Take(name), $"{Path}.{name}") : null;

    /// <summary>An object.</summary>
    public GenesisFields Object(string name) => new(Take(name), $"{Path}.{name}");

    /// <summary>A list of texts.</summary>
    public IEnumerable<string> Texts(string name)
    {
        if (Take(name) is not JsonArray items)
        {
            throw new GenesisException($"{Path}.{name}: expected a list");
        }

        for (int i = 0; i < items.Count; i++)
        {
            yield return items[i] is JsonValue value && value.TryGetValue(out string? text)
                ? text
                : throw new GenesisException(string.Create(
                    CultureInfo.InvariantCulture, $"{Path}.{name}[{i}]: expected text"));
        }
    }

    /// <summary>Refuses fields that nothing asked for.</summary>
    public void Finish()
    {
        foreach (KeyValuePair<string, JsonNode?> field in _object)
        {
            if (!_used.Contains(field.Key))
            {
                throw new GenesisException($"{Path}.{field.Key}: unknown field");
            }
        }
    }

    private JsonNode? Take(string name)
    {
        _used.Add(name);
        return _object.TryGetPropertyValue(name, out JsonNode? value)
            ? value
            : throw new GenesisException($"{Path}.{name}: missing");
    }
}
