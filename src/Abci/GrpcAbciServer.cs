using System;
using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.IO;
using System.IO.Pipelines;
using System.Net;
using System.Threading;
using System.Threading.Tasks;
using AppChain.Abci.Wire;
using Google.Protobuf;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace AppChain.Abci;

/// <summary>
/// Serves an application over gRPC, the other transport of CometBFT (<c>abci = "grpc"</c>): service
/// <c>tendermint.abci.ABCI</c>, all calls unary, HTTP/2 without TLS. A message travels behind five bytes, 0 for "not
/// compressed" and its length, big endian; the outcome of a call is the trailer <c>grpc-status</c>.
/// </summary>
/// <remarks>
/// CometBFT accepts no answer above <see cref="AnswerBytesMax"/> over this transport and cannot be told otherwise. An
/// answer that is longer ends in status 8 with a text that says so, and the engine stops: chains whose blocks may
/// come near that use the socket.
/// </remarks>
public sealed class GrpcAbciServer : IDisposable
{
    /// <summary>Longest answer, the default limit of the Go implementation on the engine's side.</summary>
    public const int AnswerBytesMax = 4 * 1024 * 1024;

    private const string Service = "/tendermint.abci.ABCI/";
    private const int PrefixBytes = 5;

    private readonly IAbciApplication _application;
    private readonly int _requestBytesMax;
    private readonly Action<Exception> _onFatal;
    private readonly WebApplication _web;

    /// <summary>Status codes of gRPC that are used here.</summary>
    private enum Status
    {
        Ok = 0,
        InvalidArgument = 3,
        ResourceExhausted = 8,
        Unimplemented = 12,
        Internal = 13,
    }

    /// <summary>Listens and begins to serve.</summary>
    /// <param name="application">Called from several threads at once.</param>
    /// <param name="address"><c>tcp://host:port</c> or <c>host:port</c>, as CometBFT spells it over gRPC.</param>
    /// <param name="onFatal">Called when the application has thrown. The node should stop.</param>
    /// <param name="requestBytesMax">Longest request accepted.</param>
    /// <exception cref="FormatException">The address has no known form.</exception>
    /// <exception cref="IOException">The address cannot be used.</exception>
    public GrpcAbciServer(
        IAbciApplication application,
        string address,
        Action<Exception>? onFatal = null,
        int requestBytesMax = Frame.DefaultBytesMax)
    {
        _application = application;
        _requestBytesMax = requestBytesMax;
        _onFatal = onFatal ?? (static _ => { });
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(options =>
        {
            options.AddServerHeader = false;
            options.Limits.MaxRequestBodySize = null;
            options.Limits.Http2.InitialStreamWindowSize = 4 * 1024 * 1024;
            options.Limits.Http2.InitialConnectionWindowSize = 8 * 1024 * 1024;
            SocketEndpoint endpoint = SocketEndpoint.Parse(address);
            options.Listen(endpoint.Resolve(), listen => listen.Protocols = HttpProtocols.Http2);
        });
        _web = builder.Build();
        _web.Run(ServeAsync);
        try
        {
            _web.StartAsync().GetAwaiter().GetResult();
        }
        catch (IOException error)
        {
            throw new IOException($"cannot listen on {address}: {error.Message}", error);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(5));
        _web.StopAsync(patience.Token).GetAwaiter().GetResult();
        ((IDisposable)_web).Dispose();
    }

    private async Task ServeAsync(HttpContext context)
    {
        HttpResponse answer = context.Response;
        bool isGrpc = context.Request.Method == HttpMethods.Post
            && context.Request.ContentType?.StartsWith("application/grpc", StringComparison.Ordinal) == true;
        if (!isGrpc)
        {
            answer.StatusCode = StatusCodes.Status415UnsupportedMediaType;
            return;
        }

        answer.ContentType = "application/grpc";
        (Status status, string message) = await AnswerAsync(context).ConfigureAwait(false);
        answer.AppendTrailer("grpc-status", ((int)status).ToString(CultureInfo.InvariantCulture));
        if (message.Length > 0)
        {
            answer.AppendTrailer("grpc-message", Uri.EscapeDataString(message));
        }
    }

    private async Task<(Status Status, string Message)> AnswerAsync(HttpContext context)
    {
        string path = context.Request.Path.Value ?? "";
        string method = path.StartsWith(Service, StringComparison.Ordinal) ? path[Service.Length..] : "";
        if (!GrpcMethods.All.TryGetValue(method, out GrpcMethod? call))
        {
            return (Status.Unimplemented, $"there is no method {path}");
        }

        IMessage request;
        try
        {
            (byte[]? bytes, Status wrong, string why) = await ReadAsync(
                context.Request.BodyReader, context.RequestAborted)
                .ConfigureAwait(false);
            if (bytes is null)
            {
                return (wrong, why);
            }

            request = call.Parse(bytes);
        }
        catch (MalformedMessageException error)
        {
            return (Status.InvalidArgument, $"the request cannot be decoded: {error.Message}");
        }

        try
        {
            IMessage response = call.Answer(_application, request);
            int length = response.CalculateSize();
            return length <= AnswerBytesMax
                ? await WriteAsync(context.Response.BodyWriter, response, length).ConfigureAwait(false)
                : (Status.ResourceExhausted, string.Create(
                    CultureInfo.InvariantCulture,
                    $"the answer to {method} has {length} bytes and CometBFT takes {AnswerBytesMax} over gRPC; use "
                    + $"abci = \"socket\""));
        }
        catch (Exception error)
        {
            // Whatever the application throws means that it cannot go on, as on a socket.
            _onFatal(error);
            return (Status.Internal, error.Message);
        }
    }

    private async Task<(byte[]? Message, Status Wrong, string Why)> ReadAsync(PipeReader body, CancellationToken cancel)
    {
        ReadResult prefix = await body.ReadAtLeastAsync(PrefixBytes, cancel).ConfigureAwait(false);
        if (prefix.Buffer.Length < PrefixBytes)
        {
            return (null, Status.InvalidArgument, "the request has no message");
        }

        (bool isCompressed, long length) = PrefixOf(prefix.Buffer);
        body.AdvanceTo(prefix.Buffer.GetPosition(PrefixBytes));
        if (isCompressed)
        {
            return (null, Status.Unimplemented, "compressed messages are not accepted");
        }

        // BOUND: as on the socket; the length alone takes no memory before it is judged.
        if (length > _requestBytesMax)
        {
            return (null, Status.ResourceExhausted, string.Create(
                CultureInfo.InvariantCulture, $"a request of {length} bytes exceeds the limit of {_requestBytesMax}"));
        }

        ReadResult rest = await body.ReadAtLeastAsync((int)length, cancel).ConfigureAwait(false);
        if (rest.Buffer.Length != length)
        {
            body.AdvanceTo(rest.Buffer.End);
            return (null, Status.InvalidArgument, "the message is not as long as it says");
        }

        byte[] message = rest.Buffer.ToArray();
        body.AdvanceTo(rest.Buffer.End);
        return (message, Status.Ok, "");
    }

    private static (bool IsCompressed, long Length) PrefixOf(ReadOnlySequence<byte> buffer)
    {
        Span<byte> prefix = stackalloc byte[PrefixBytes];
        buffer.Slice(0, PrefixBytes).CopyTo(prefix);
        return (prefix[0] != 0, BinaryPrimitives.ReadUInt32BigEndian(prefix[1..]));
    }

    private static async Task<(Status, string)> WriteAsync(PipeWriter body, IMessage response, int length)
    {
        Span<byte> prefix = body.GetSpan(PrefixBytes);
        prefix[0] = 0;
        BinaryPrimitives.WriteUInt32BigEndian(prefix[1..], (uint)length);
        body.Advance(PrefixBytes);
        response.WriteTo(body);
        await body.FlushAsync().ConfigureAwait(false);
        return (Status.Ok, "");
    }
}
