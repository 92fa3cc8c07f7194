using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net;
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
                : await RpcAnswers.To(root, _methods).ConfigureAwait(false);
        }
        catch (JsonException error)
        {
            context.Response.StatusCode = StatusCodes.Status500InternalServerError;
            answer = RpcAnswers.Error(null, new RpcError(-32700, "Parse error. Invalid JSON", error.Message));
        }
        await Send(context, answer).ConfigureAwait(false);
    }

    private async Task<byte[]> Batch(JsonElement requests)
    {
        if (requests.GetArrayLength() > MaximumBatch)
            return RpcAnswers.Error(null, new RpcError(-32600, "Invalid Request", $"at most {MaximumBatch} requests"));
        List<byte[]> answers = [];
        foreach (JsonElement request in requests.EnumerateArray())
            answers.Add(await RpcAnswers.To(request, _methods).ConfigureAwait(false));
        return RpcAnswers.List(answers);
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
            answer = RpcAnswers.Result(id, result);
        }
        catch (RpcError error)
        {
            context.Response.StatusCode = error.Code == -32601
                ? StatusCodes.Status404NotFound
                : StatusCodes.Status500InternalServerError;
            answer = RpcAnswers.Error(id, error);
        }
        await Send(context, answer).ConfigureAwait(false);
    }

    private static Task Send(HttpContext context, byte[] answer)
    {
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = answer.Length;
        return context.Response.Body.WriteAsync(answer).AsTask();
    }
}
