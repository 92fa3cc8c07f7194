using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.Linq;
using System.Net;
using System.Net.Http;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Reflection;
using System.Threading.Tasks;
using AppChain.Abci;
using AppChain.Abci.Wire;
using Google.Protobuf;

namespace AppChain.Bench;

/// <summary>
/// An application that costs nothing: FinalizeBlock answers a result per transaction, all else is empty.
/// </summary>
public class EmptyAnswers : DispatchProxy
{
    /// <inheritdoc/>
    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
    {
        if (targetMethod!.ReturnType == typeof(void))
        {
            return null;
        }

        object answer = Activator.CreateInstance(targetMethod.ReturnType)!;
        if (args![0] is RequestFinalizeBlock block && answer is ResponseFinalizeBlock response)
        {
            response.TxResults.AddRange(block.Txs.Select(static _ => new ExecTxResult()));
            response.AppHash = ByteString.CopyFrom(new byte[32]);
        }

        return answer;
    }
}

/// <summary>
/// The two transports of ABCI with one caller each on loopback: what the engine waits for beside the application's own
/// time, and how many CheckTx go through when they are queued, as the engine does on the socket and cannot over gRPC.
/// The rounds of the two are taken in turn, so that their ratio holds on a machine that others use too.
/// </summary>
internal sealed class TransportFigures : IDisposable
{
    private const int Rounds = 9;
    private const int PrefixBytes = 5;
    private const int TransactionBytes = 250;
    private const int Queued = 2_000;
    private const int NearLimit = 4_100_000;

    // Bytes of a message, and calls of a round that take about as long as those of the others.
    private static readonly (int Bytes, int Calls)[] Sizes =
        [(1024, 400), (16 * 1024, 200), (256 * 1024, 40), (1024 * 1024, 16), (NearLimit, 6)];

    private readonly AbciServer _socket;
    private readonly AbciClient _client;
    private readonly GrpcAbciServer _grpc;
    private readonly HttpClient _http = new();
    private readonly string _url;

    private TransportFigures()
    {
        IAbciApplication application = DispatchProxy.Create<IAbciApplication, EmptyAnswers>();
        _socket = new AbciServer(application, "tcp://127.0.0.1:0");
        _client = AbciClient.Connect(_socket.Address, TimeSpan.FromSeconds(5));
        string host = $"127.0.0.1:{FreePort()}";
        _grpc = new GrpcAbciServer(application, host);
        _url = $"http://{host}/tendermint.abci.ABCI/";
    }

    /// <summary>Measures and prints.</summary>
    public static void Print()
    {
        using var figures = new TransportFigures();
        figures.PrintAll();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _http.Dispose();
        _grpc.Dispose();
        _client.Dispose();
        _socket.Dispose();
    }

    private void PrintAll()
    {
        Console.WriteLine($"ABCI transports: one caller on loopback TCP, median of {Rounds} rounds taken in turn");
        foreach ((int bytes, int calls) in Sizes)
        {
            var request = new RequestCheckTx { Tx = ByteString.CopyFrom(new byte[bytes]) };
            Compare($"CheckTx of {bytes,9:N0} bytes", calls,
                () => _client.CheckTx(request), () => Call("CheckTx", request));
        }

        foreach ((int bytes, int calls) in Sizes)
        {
            var request = new RequestFinalizeBlock { Height = 1 };
            for (int at = 0; at + TransactionBytes <= bytes; at += TransactionBytes)
            {
                request.Txs.Add(ByteString.CopyFrom(new byte[TransactionBytes]));
            }

            Compare(
                $"FinalizeBlock of {bytes,9:N0} bytes, {request.Txs.Count,6:N0} transactions", calls,
                () => _client.FinalizeBlock(request), () => Call("FinalizeBlock", request));
        }

        var small = new RequestCheckTx { Tx = ByteString.CopyFrom(new byte[TransactionBytes]) };
        Compare($"{Queued:N0} CheckTx of {TransactionBytes} bytes: queued, and one after the other", 1,
            () => Queue(small), () =>
            {
                for (int i = 0; i < Queued; i++)
                {
                    Call("CheckTx", small);
                }
            });
    }

    private static void Compare(string what, int calls, Action bySocket, Action byGrpc)
    {
        var socket = new List<double>();
        var grpc = new List<double>();
        var ratios = new List<double>();
        for (int round = 0; round <= Rounds; round++)
        {
            double first = MicrosecondsOf(calls, bySocket);
            double second = MicrosecondsOf(calls, byGrpc);
            // The first round warms up.
            if (round > 0)
            {
                socket.Add(first);
                grpc.Add(second);
                ratios.Add(second / first);
            }
        }

        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"  {what}: socket {Middle(socket):N0} us, gRPC {Middle(grpc):N0} us, ratio {Middle(ratios):0.0} "
            + $"({ratios.Min():0.0} to {ratios.Max():0.0})"));
    }

    private static double Middle(List<double> values) => values.Order().ElementAt(values.Count / 2);

    private static double MicrosecondsOf(int calls, Action call)
    {
        long started = Stopwatch.GetTimestamp();
        for (int i = 0; i < calls; i++)
        {
            call();
        }

        return Stopwatch.GetElapsedTime(started).TotalMicroseconds / calls;
    }

    private void Queue(RequestCheckTx request)
    {
        var answers = new Task[Queued];
        for (int i = 0; i < Queued; i++)
        {
            answers[i] = _client.CheckTxQueued(request);
        }

        _client.FlushQueued();
        Task.WaitAll(answers);
    }

    private void Call(string method, IMessage request)
    {
        int length = request.CalculateSize();
        byte[] body = new byte[PrefixBytes + length];
        BinaryPrimitives.WriteUInt32BigEndian(body.AsSpan(1), (uint)length);
        request.WriteTo(body.AsSpan(PrefixBytes));
        using var message = new HttpRequestMessage(HttpMethod.Post, _url + method)
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(body)
            {
                Headers = { ContentType = new MediaTypeHeaderValue("application/grpc") },
            },
        };
        using HttpResponseMessage answer = _http.SendAsync(message).GetAwaiter().GetResult();
        byte[] response = answer.Content.ReadAsByteArrayAsync().GetAwaiter().GetResult();
        string status = string.Join(',', answer.TrailingHeaders.GetValues("grpc-status"));
        if (status != "0")
        {
            throw new InvalidOperationException($"{method} ended with status {status}");
        }

        // As the engine does: the answer is decoded.
        if (method == "CheckTx")
        {
            ResponseCheckTx.Parser.Read(response.AsSpan(PrefixBytes));
        }
        else
        {
            ResponseFinalizeBlock.Parser.Read(response.AsSpan(PrefixBytes));
        }
    }

    private static int FreePort()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }
}
