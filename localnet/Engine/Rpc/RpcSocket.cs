using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net.WebSockets;
using System.Text.Json;
using System.Threading;
using System.Threading.Channels;
using System.Threading.Tasks;
using AppChain.Abci.Wire;
using Microsoft.AspNetCore.Http;

namespace AppChain.Localnet;

/// <summary>
/// One WebSocket client: every method of the server, and subscriptions. An event goes out with the id of the request
/// that subscribed to it. A client that does not read loses its connection.
/// </summary>
internal sealed class RpcSocket
{
    private const int MaximumSubscriptions = 5;
    private const int MaximumQueued = 200;
    private const int MaximumMessageBytes = 1_000_000;

    private readonly RpcMethods _methods;
    private readonly ChainEvents _events;
    private readonly Lock _lock = new();
    private readonly List<(EventQuery Query, JsonElement Id)> _subscriptions = [];
    private readonly Channel<byte[]> _outgoing = Channel.CreateBounded<byte[]>(MaximumQueued);
    private readonly CancellationTokenSource _end = new();

    public RpcSocket(RpcMethods methods, ChainEvents events)
    {
        _methods = methods;
        _events = events;
    }

    /// <summary>Serves a client until it leaves.</summary>
    public async Task Serve(HttpContext context)
    {
        if (!context.WebSockets.IsWebSocketRequest)
        {
            context.Response.StatusCode = StatusCodes.Status400BadRequest;
            return;
        }
        using WebSocket socket = await context.WebSockets.AcceptWebSocketAsync(new WebSocketAcceptContext
        {
            KeepAliveInterval = TimeSpan.FromSeconds(27),
        }).ConfigureAwait(false);
        using IDisposable subscription = _events.Subscribe(Publish);
        using CancellationTokenRegistration abort = context.RequestAborted.Register(_end.Cancel);
        Task sender = Send(socket);
        try
        {
            while (await ReadMessage(socket).ConfigureAwait(false) is { } message)
                await Handle(message).ConfigureAwait(false);
        }
        catch (Exception error) when (error is WebSocketException or OperationCanceledException or IOException)
        {
            // The client is gone, or too slow: there is no one to tell.
        }
        await _end.CancelAsync().ConfigureAwait(false);
        await sender.ConfigureAwait(false);
        if (socket.State == WebSocketState.CloseReceived)
        {
            await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None)
                .ConfigureAwait(false);
        }
    }

    private async Task Handle(byte[] message)
    {
        JsonElement request;
        try
        {
            using JsonDocument document = JsonDocument.Parse(message);
            request = document.RootElement.Clone();
        }
        catch (JsonException error)
        {
            Enqueue(RpcAnswers.Error(null, new RpcError(-32700, "Parse error. Invalid JSON", error.Message)));
            return;
        }
        bool isObject = request.ValueKind == JsonValueKind.Object;
        string? method = isObject && request.TryGetProperty("method", out JsonElement name)
            && name.ValueKind == JsonValueKind.String ? name.GetString() : null;
        if (method is not ("subscribe" or "unsubscribe" or "unsubscribe_all"))
        {
            Enqueue(await RpcAnswers.To(request, _methods).ConfigureAwait(false));
            return;
        }
        JsonElement id = request.TryGetProperty("id", out JsonElement given)
            ? given
            : JsonSerializer.SerializeToElement<object?>(null);
        try
        {
            JsonElement? parameters = request.TryGetProperty("params", out JsonElement value) ? value : null;
            string query = new RpcParameters(parameters, ["query"]).Text("query");
            ChangeSubscriptions(method, query, id);
            Enqueue(RpcAnswers.Result(id, json =>
            {
                json.WriteStartObject();
                json.WriteEndObject();
            }));
        }
        catch (RpcError error)
        {
            Enqueue(RpcAnswers.Error(id, error));
        }
    }

    private void ChangeSubscriptions(string method, string text, JsonElement id)
    {
        lock (_lock)
        {
            if (method == "unsubscribe_all")
            {
                _subscriptions.Clear();
                return;
            }
            int index = _subscriptions.FindIndex(item => item.Query.Text == text);
            if (method == "unsubscribe")
            {
                if (index < 0) throw RpcError.Failed("subscription not found");
                _subscriptions.RemoveAt(index);
                return;
            }
            if (index >= 0) throw RpcError.Failed("already subscribed");
            if (_subscriptions.Count >= MaximumSubscriptions)
                throw RpcError.Failed($"max_subscriptions_per_client {MaximumSubscriptions} reached");
            _subscriptions.Add((EventQuery.Parse(text), id));
        }
    }

    private void Publish(SealedBlock block, ResponseFinalizeBlock results)
    {
        (EventQuery Query, JsonElement Id)[] subscriptions;
        lock (_lock) subscriptions = [.. _subscriptions];
        if (subscriptions.Length == 0) return;
        foreach (EventMessage message in EventMessages.Of(block, results))
        {
            foreach ((EventQuery query, JsonElement id) in
                subscriptions.Where(item => item.Query.Matches(message.Events)))
                Enqueue(RpcAnswers.Result(id, json => WriteEvent(json, query, message)));
        }
    }

    private static void WriteEvent(Utf8JsonWriter json, EventQuery query, EventMessage message)
    {
        json.WriteStartObject();
        json.WriteString("query", query.Text);
        json.WritePropertyName("data");
        message.WriteData(json);
        json.WriteStartObject("events");
        foreach ((string key, List<string> values) in message.Events)
        {
            json.WriteStartArray(key);
            foreach (string value in values) json.WriteStringValue(value);
            json.WriteEndArray();
        }
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private void Enqueue(byte[] message)
    {
        if (!_outgoing.Writer.TryWrite(message)) _end.Cancel();
    }

    private async Task Send(WebSocket socket)
    {
        try
        {
            await foreach (byte[] message in _outgoing.Reader.ReadAllAsync(_end.Token).ConfigureAwait(false))
                await socket.SendAsync(message, WebSocketMessageType.Text, true, _end.Token).ConfigureAwait(false);
        }
        catch (Exception error) when (error is WebSocketException or OperationCanceledException or IOException)
        {
            await _end.CancelAsync().ConfigureAwait(false);
        }
    }

    private async Task<byte[]?> ReadMessage(WebSocket socket)
    {
        MemoryStream message = new();
        byte[] buffer = new byte[8192];
        while (true)
        {
            WebSocketReceiveResult part = await socket.ReceiveAsync(buffer, _end.Token).ConfigureAwait(false);
            if (part.MessageType == WebSocketMessageType.Close) return null;
            message.Write(buffer, 0, part.Count);
            if (message.Length > MaximumMessageBytes) return null;
            if (part.EndOfMessage) return message.ToArray();
        }
    }
}
