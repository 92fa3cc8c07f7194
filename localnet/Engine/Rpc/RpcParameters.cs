using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Google.Protobuf;
using Microsoft.AspNetCore.Http;

namespace AppChain.Localnet;

/// <summary>An error answer of JSON-RPC.</summary>
public sealed class RpcError(int code, string message, string data) : Exception(message)
{
    /// <summary>Number of JSON-RPC.</summary>
    public int Code { get; } = code;

    /// <summary>Details, in the field where CometBFT puts them.</summary>
    public string Details { get; } = data;

    /// <summary>A parameter is missing or malformed.</summary>
    public static RpcError BadParameter(string details) => new(-32602, "Invalid params", details);

    /// <summary>The method could not do what it was asked.</summary>
    public static RpcError Failed(string details) => new(-32603, "Internal error", details);
}

/// <summary>
/// Parameters of one call. In a POST they are JSON, by name or by position: bytes are base64, hex fields hex. In a GET
/// they are the query string: bytes are 0x-hex or a quoted string, text is quoted.
/// </summary>
public sealed class RpcParameters
{
    private readonly Dictionary<string, JsonElement> _json = [];
    private readonly IQueryCollection? _query;

    /// <summary>Parameters of a POST or of a WebSocket message.</summary>
    /// <param name="parameters">An object, an array or nothing.</param>
    /// <param name="names">Names of the method's parameters in order, for an array.</param>
    public RpcParameters(JsonElement? parameters, IReadOnlyList<string> names)
    {
        if (parameters is not { } element) return;
        if (element.ValueKind == JsonValueKind.Object)
        {
            foreach (JsonProperty property in element.EnumerateObject()) _json[property.Name] = property.Value;
        }
        else if (element.ValueKind == JsonValueKind.Array)
        {
            for (int i = 0; i < Math.Min(names.Count, element.GetArrayLength()); i++) _json[names[i]] = element[i];
        }
        else if (element.ValueKind != JsonValueKind.Null)
        {
            throw RpcError.BadParameter("params must be an object or an array");
        }
    }

    /// <summary>Parameters of a GET.</summary>
    public RpcParameters(IQueryCollection query)
    {
        _query = query;
    }

    /// <summary>An integer, written as a number or as text; null if it is missing.</summary>
    public long? Integer(string name)
    {
        if (Raw(name) is not { } text || text.Length == 0) return null;
        return long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long value)
            ? value
            : throw RpcError.BadParameter($"{name}: \"{text}\" is not an integer");
    }

    /// <summary>A truth value; false if it is missing.</summary>
    public bool Flag(string name) => Raw(name) is "true" or "True" or "1";

    /// <summary>Text; empty if it is missing.</summary>
    public string Text(string name) => Raw(name) ?? "";

    /// <summary>Bytes: base64 in JSON, 0x-hex or quoted text in a query string.</summary>
    public ByteString Bytes(string name)
    {
        if (_query is not null) return QueryBytes(name);
        try
        {
            return ByteString.FromBase64(Raw(name) ?? "");
        }
        catch (FormatException)
        {
            throw RpcError.BadParameter($"{name}: not base64");
        }
    }

    /// <summary>Bytes that are hex in JSON as well.</summary>
    public ByteString Hex(string name) => _query is not null ? QueryBytes(name) : FromHex(name, Raw(name) ?? "");

    private ByteString QueryBytes(string name)
    {
        string text = _query![name].ToString();
        return text.StartsWith("0x", StringComparison.OrdinalIgnoreCase)
            ? FromHex(name, text[2..])
            : ByteString.CopyFrom(Encoding.UTF8.GetBytes(Unquoted(text)));
    }

    private string? Raw(string name)
    {
        if (_query is not null) return _query.TryGetValue(name, out var value) ? Unquoted(value.ToString()) : null;
        if (!_json.TryGetValue(name, out JsonElement element)) return null;
        return element.ValueKind switch
        {
            JsonValueKind.String => element.GetString(),
            JsonValueKind.Null => null,
            _ => element.GetRawText(),
        };
    }

    private static string Unquoted(string text) =>
        text.Length >= 2 && text[0] == '"' && text[^1] == '"' ? text[1..^1] : text;

    private static ByteString FromHex(string name, string text)
    {
        try
        {
            return ByteString.CopyFrom(Convert.FromHexString(text));
        }
        catch (FormatException)
        {
            throw RpcError.BadParameter($"{name}: not hexadecimal");
        }
    }
}
