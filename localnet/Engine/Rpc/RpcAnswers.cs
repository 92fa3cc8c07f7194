using System;
using System.Buffers;
using System.Collections.Generic;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Threading.Tasks;

namespace AppChain.Localnet;

/// <summary>The envelopes of JSON-RPC 2.0 around results and errors.</summary>
public static class RpcAnswers
{
    private static readonly JsonWriterOptions WriterOptions =
        new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Answers one request.</summary>
    public static async Task<byte[]> To(JsonElement request, RpcMethods methods)
    {
        JsonElement? id = null;
        try
        {
            if (request.ValueKind != JsonValueKind.Object)
                throw new RpcError(-32600, "Invalid Request", "not an object");
            if (request.TryGetProperty("id", out JsonElement given)) id = given;
            string? method = request.TryGetProperty("method", out JsonElement name) ? name.GetString() : null;
            if (method is null) throw new RpcError(-32600, "Invalid Request", "no method");
            JsonElement? parameters = request.TryGetProperty("params", out JsonElement value) ? value : null;
            RpcParameters read = new(parameters, methods.ParametersOf(method));
            return Result(id, await methods.Call(method, read).ConfigureAwait(false));
        }
        catch (RpcError error)
        {
            return Error(id, error);
        }
        catch (InvalidOperationException error)
        {
            return Error(id, new RpcError(-32600, "Invalid Request", error.Message));
        }
    }

    /// <summary>A successful answer.</summary>
    public static byte[] Result(JsonElement? id, Action<Utf8JsonWriter> result) => Write(json =>
    {
        WriteHead(json, id);
        json.WritePropertyName("result");
        result(json);
        json.WriteEndObject();
    });

    /// <summary>An answer that reports an error.</summary>
    public static byte[] Error(JsonElement? id, RpcError error) => Write(json =>
    {
        WriteHead(json, id);
        json.WriteStartObject("error");
        json.WriteNumber("code", error.Code);
        json.WriteString("message", error.Message);
        json.WriteString("data", error.Details);
        json.WriteEndObject();
        json.WriteEndObject();
    });

    /// <summary>The answers to a batch of requests.</summary>
    public static byte[] List(IReadOnlyList<byte[]> answers) => Write(json =>
    {
        json.WriteStartArray();
        foreach (byte[] answer in answers) json.WriteRawValue(answer);
        json.WriteEndArray();
    });

    private static void WriteHead(Utf8JsonWriter json, JsonElement? id)
    {
        json.WriteStartObject();
        json.WriteString("jsonrpc", "2.0");
        json.WritePropertyName("id");
        // As it came: half of a surrogate pair is JSON, but no text that could be written again.
        if (id is { } value) json.WriteRawValue(value.GetRawText());
        else json.WriteNullValue();
    }

    private static byte[] Write(Action<Utf8JsonWriter> content)
    {
        ArrayBufferWriter<byte> buffer = new();
        using Utf8JsonWriter json = new(buffer, WriterOptions);
        content(json);
        json.Flush();
        return buffer.WrittenSpan.ToArray();
    }
}
