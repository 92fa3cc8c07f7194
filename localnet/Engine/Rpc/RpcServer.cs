using System;
using System.Buffers;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Threading.Tasks;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace AppChain.Localnet;

/// <summary>
/// CometBFT's RPC interface of one validator on 127.0.0.1: POST / with JSON-RPC 2.0 (single or batch), GET /method, and
/// /websocket.
/// </summary>
public sealed class RpcServer : IDisposable
{
    private const int MaximumBodyBytes = 1_000_000;
    private const int MaximumBatch = 10;

    private static readonly JsonWriterOptions WriterOptions =
        new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly WebApplication _web;
    private readonly RpcMethods _methods;

    /// <summary>Starts to listen.</summary>
    /// <param name="source">The validator that it speaks for.</param>
    /// <param name="port">Port on 127.0.0.1; 0 chooses a free one.</param>
    /// <exception cref="IOException">The port is in use.</exception>
    public RpcServer(RpcSource source, int port)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(options =>
        {
            options.Listen(IPAddress.Loopback, port);
            options.AddServerHeader = false;
            options.Limits.MaxRequestBodySize = MaximumBodyBytes;
        });
        _web = builder.Build();
        _web.UseWebSockets();
        _methods = new RpcMethods(source, () => Url!);
        _web.MapPost("/", Post);
        _web.MapGet("/websocket", context => new RpcSocket(_methods, source.Events).Serve(context));
        _web.MapGet("/{method}", (HttpContext context, string method) => Get(context, method));
        _web.StartAsync().GetAwaiter().GetResult();
        string address = _web.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!
            .Addresses.Single();
        Url = new Uri(address);
    }

    /// <summary>Where the server listens.</summary>
    public Uri Url { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        using System.Threading.CancellationTokenSource soon = new(TimeSpan.FromMilliseconds(100));
        _web.StopAsync(soon.Token).GetAwaiter().GetResult();
        ((IDisposable)_web).Dispose();
    }

    /// <summary>Answers one request of JSON-RPC.</summary>
    public static async Task<byte[]> Answer(RpcMethods methods, JsonElement request)
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
            return Envelope(id, await methods.Call(method, read).ConfigureAwait(false));
        }
        catch (RpcError error)
        {
            return ErrorEnvelope(id, error);
        }
        catch (InvalidOperationException error)
        {
            return ErrorEnvelope(id, new RpcError(-32600, "Invalid Request", error.Message));
        }
    }

    /// <summary>A successful answer.</summary>
    public static byte[] Envelope(JsonElement? id, Action<Utf8JsonWriter> result) => Write(json =>
    {
        WriteHead(json, id);
        json.WritePropertyName("result");
        result(json);
        json.WriteEndObject();
    });

    /// <summary>An answer that reports an error.</summary>
    public static byte[] ErrorEnvelope(JsonElement? id, RpcError error) => Write(json =>
    {
        WriteHead(json, id);
        json.WriteStartObject("error");
        json.WriteNumber("code", error.Code);
        json.WriteString("message", error.Message);
        json.WriteString("data", error.Details);
        json.WriteEndObject();
        json.WriteEndObject();
    });

    private async Task Post(HttpContext context)
    {
        byte[] answer;
        try
        {
            using JsonDocument document =
                await JsonDocument.ParseAsync(context.Request.Body).ConfigureAwait(false);
            JsonElement root = document.RootElement;
            answer = root.ValueKind == JsonValueKind.Array
                ? await Batch(root).ConfigureAwait(false)
                : await Answer(_methods, root).ConfigureAwait(false);
        }
        catch (JsonException error)
        {
            context.Response.StatusCode = StatusCodes.Status500InternalServerError;
            answer = ErrorEnvelope(null, new RpcError(-32700, "Parse error. Invalid JSON", error.Message));
        }
        await Send(context, answer).ConfigureAwait(false);
    }

    private async Task<byte[]> Batch(JsonElement requests)
    {
        if (requests.GetArrayLength() > MaximumBatch)
            return ErrorEnvelope(null, new RpcError(-32600, "Invalid Request", $"at most {MaximumBatch} requests"));
        List<byte[]> answers = [];
        foreach (JsonElement request in requests.EnumerateArray())
            answers.Add(await Answer(_methods, request).ConfigureAwait(false));
        return Write(json =>
        {
            json.WriteStartArray();
            foreach (byte[] answer in answers) json.WriteRawValue(answer);
            json.WriteEndArray();
        });
    }

    private async Task Get(HttpContext context, string method)
    {
        byte[] answer;
        // A request by GET has the id -1, as CometBFT gives it.
        JsonElement id = JsonSerializer.SerializeToElement(-1);
        try
        {
            Action<Utf8JsonWriter> result =
                await _methods.Call(method, new RpcParameters(context.Request.Query)).ConfigureAwait(false);
            answer = Envelope(id, result);
        }
        catch (RpcError error)
        {
            context.Response.StatusCode = error.Code == -32601
                ? StatusCodes.Status404NotFound
                : StatusCodes.Status500InternalServerError;
            answer = ErrorEnvelope(id, error);
        }
        await Send(context, answer).ConfigureAwait(false);
    }

    private static Task Send(HttpContext context, byte[] answer)
    {
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = answer.Length;
        return context.Response.Body.WriteAsync(answer).AsTask();
    }

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
