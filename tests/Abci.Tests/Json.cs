using System;
using System.IO;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace AppChain.Tests;

/// <summary>JSON written by the product, for comparison by content.</summary>
internal static class Json
{
    public static JsonElement Of(Action<Utf8JsonWriter> write)
    {
        using MemoryStream stream = new();
        using (Utf8JsonWriter writer = new(stream)) write(writer);
        return JsonDocument.Parse(stream.ToArray()).RootElement;
    }

    public static bool Equal(JsonElement left, JsonElement right) =>
        JsonNode.DeepEquals(JsonNode.Parse(left.GetRawText()), JsonNode.Parse(right.GetRawText()));
}
