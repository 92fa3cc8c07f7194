using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Net;
using System.Net.Http;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Threading.Tasks;
using AppChain.Abci;
using AppChain.Abci.Wire;
using Google.Protobuf;
using NUnit.Framework;

namespace AppChain.Tests;

/// <summary>The gRPC transport, spoken to byte by byte and by a client that others wrote.</summary>
internal sealed class GrpcTests
{
    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(30) };
    private SizedApplication _application = null!;
    private GrpcAbciServer _server = null!;
    private Exception? _fatal;
    private int _port;

    [SetUp]
    public void Serve()
    {
        using (TcpListener probe = new(IPAddress.Loopback, 0))
        {
            probe.Start();
            _port = ((IPEndPoint)probe.LocalEndpoint).Port;
        }
        _fatal = null;
        _application = new SizedApplication();
        _server = new GrpcAbciServer(
            _application, $"tcp://127.0.0.1:{_port}", error => _fatal = error, requestBytesMax: 16 * 1024 * 1024);
    }

    [TearDown]
    public void Stop() => _server.Dispose();

    [OneTimeTearDown]
    public void Close() => _http.Dispose();

    [Test]
    public async Task A_call_is_answered_with_prefix_message_and_trailer()
    {
        (byte[] body, string status, _) = await Call("Echo", Framed(new RequestEcho { Message = "hello" }));
        Assert.That(Convert.ToHexStringLower(body), Is.EqualTo("0000000007" + "0a0568656c6c6f"));
        Assert.That(status, Is.EqualTo("0"));
    }

    [TestCase("Info")]
    [TestCase("Flush")]
    [TestCase("CheckTx")]
    [TestCase("Query")]
    [TestCase("Commit")]
    [TestCase("InitChain")]
    [TestCase("ListSnapshots")]
    [TestCase("OfferSnapshot")]
    [TestCase("LoadSnapshotChunk")]
    [TestCase("ApplySnapshotChunk")]
    [TestCase("PrepareProposal")]
    [TestCase("ProcessProposal")]
    [TestCase("ExtendVote")]
    [TestCase("VerifyVoteExtension")]
    [TestCase("FinalizeBlock")]
    public async Task Every_method_of_the_service_is_there(string method)
    {
        (byte[] body, string status, string message) = await Call(method, [0, 0, 0, 0, 0]);
        Assert.That(status, Is.EqualTo("0"), message);
        Assert.That(BinaryPrimitives.ReadUInt32BigEndian(body.AsSpan(1)), Is.EqualTo(body.Length - 5));
        Assert.That(_application.Calls.Count, Is.EqualTo(method == "Flush" ? 0 : 1));
    }

    [TestCase("InsertTx", "0000000000", "12")]
    [TestCase("../Info", "0000000000", "12")]
    [TestCase("Info", "", "3", Description = "no message")]
    [TestCase("Info", "000000", "3", Description = "half a prefix")]
    [TestCase("Info", "0000000005aabb", "3", Description = "half a message")]
    [TestCase("Info", "000000000000", "3", Description = "a byte too many")]
    [TestCase("Info", "0100000000", "12", Description = "compressed")]
    [TestCase("Info", "0000000001ff", "3", Description = "not decodable")]
    [TestCase("Info", "00ffffffff", "8", Description = "4 GiB announced")]
    public async Task A_bad_call_ends_in_a_status_and_never_reaches_the_application(
        string method, string body, string status)
    {
        (byte[] answer, string actual, string message) = await Call(method, Convert.FromHexString(body));
        Assert.That(actual, Is.EqualTo(status));
        Assert.That(message, Is.Not.Empty);
        Assert.That(answer, Is.Empty);
        Assert.That(_application.Calls, Is.Empty);
        Assert.That(_fatal, Is.Null);
    }

    [Test]
    public async Task What_is_no_gRPC_is_refused()
    {
        using HttpRequestMessage request = Request("Info", []);
        request.Content!.Headers.ContentType = new MediaTypeHeaderValue("text/plain");
        using HttpResponseMessage answer = await _http.SendAsync(request);
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.UnsupportedMediaType));
    }

    [TestCase(4 * 1024 * 1024 - 64, "0")]
    [TestCase(4 * 1024 * 1024 + 1, "8")]
    public async Task An_answer_ends_at_4_MiB_with_a_text_that_says_so(int size, string status)
    {
        _application.AnswerBytes = size;
        (byte[] body, string actual, string message) = await Call("Query", [0, 0, 0, 0, 0]);
        Assert.That(actual, Is.EqualTo(status));
        Assert.That(body.Length, status == "0" ? Is.GreaterThan(size) : Is.Zero);
        Assert.That(message, status == "0" ? Is.Empty : Does.Contain("use abci = \"socket\""));
        Assert.That(_fatal, Is.Null);
    }

    [TestCase(12 * 1024 * 1024, "0")]
    [TestCase(17 * 1024 * 1024, "8")]
    public async Task Requests_may_be_longer_than_answers(int size, string status)
    {
        byte[] request = Framed(new RequestCheckTx { Tx = ByteString.CopyFrom(new byte[size]) });
        (byte[] body, string actual, _) = await Call("CheckTx", request);
        Assert.That(actual, Is.EqualTo(status));
        if (status == "0") Assert.That(ResponseCheckTx.Parser.ParseFrom(body.AsSpan(5)).GasWanted, Is.EqualTo(size));
    }

    [Test]
    public async Task A_failure_of_the_application_is_told_to_both_sides()
    {
        _application.Fails = true;
        (_, string status, string message) = await Call("Commit", [0, 0, 0, 0, 0]);
        Assert.That(status, Is.EqualTo("13"));
        Assert.That(message, Is.EqualTo("the disk is full: 100 %"));
        Assert.That(_fatal!.Message, Is.EqualTo(message));
    }

    [Test]
    public void A_port_in_use_is_named() => Assert.That(
        () => new GrpcAbciServer(_application, $"tcp://127.0.0.1:{_port}"),
        Throws.TypeOf<IOException>().With.Message.Contains($"cannot listen on tcp://127.0.0.1:{_port}"));

    /// <summary>gRPC of Google in Python (Debian package python3-grpcio), with raw messages.</summary>
    [Test]
    public void The_client_of_python3_grpcio_understands_the_server()
    {
        if (Run("/usr/bin/python3", "-c", "import grpc").Code != 0) Assert.Ignore("python3-grpcio is not installed");
        const string script = """
            import sys, grpc
            channel = grpc.insecure_channel(sys.argv[1])
            def call(method, body):
                stub = channel.unary_unary("/tendermint.abci.ABCI/" + method)
                try:
                    print(method, "ok", stub(body, timeout=20, wait_for_ready=True).hex()[:200])
                except grpc.RpcError as error:
                    print(method, error.code().name, error.details())
            call("Echo", bytes.fromhex("0a0568656c6c6f"))
            call("Info", b"")
            call("CheckTx", bytes.fromhex("0a03613d31"))
            call("CheckTx", bytes([10, 128, 128, 192, 2]) + bytes(5 * 1024 * 1024))
            call("InsertTx", b"")
            call("Info", b"\xff")
            for _ in range(200): stub = channel.unary_unary("/tendermint.abci.ABCI/Flush")(b"", timeout=20)
            print("end")
            """;
        (int code, string output) = Run("/usr/bin/python3", "-c", script, $"127.0.0.1:{_port}");
        Assert.That(code, Is.Zero, output);
        Assert.That(output.Split('\n', StringSplitOptions.RemoveEmptyEntries), Is.EqualTo(new[]
        {
            "Echo ok 0a0568656c6c6f",
            "Info ok 2007",
            "CheckTx ok 2803",
            "CheckTx ok 288080c002",
            "InsertTx UNIMPLEMENTED there is no method /tendermint.abci.ABCI/InsertTx",
            "Info INVALID_ARGUMENT " + output.Split("INVALID_ARGUMENT ")[1].Split('\n')[0],
            "end",
        }));
    }

    private HttpRequestMessage Request(string method, byte[] body) => new(
        HttpMethod.Post, $"http://127.0.0.1:{_port}/tendermint.abci.ABCI/{method}")
    {
        Version = HttpVersion.Version20,
        VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        Content = new ByteArrayContent(body)
        {
            Headers = { ContentType = new MediaTypeHeaderValue("application/grpc") },
        },
    };

    private async Task<(byte[] Body, string Status, string Message)> Call(string method, byte[] body)
    {
        using HttpRequestMessage request = Request(method, body);
        request.RequestUri = new Uri(
            $"http://127.0.0.1:{_port}/tendermint.abci.ABCI/{method}",
            new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });
        using HttpResponseMessage answer = await _http.SendAsync(request);
        byte[] bytes = await answer.Content.ReadAsByteArrayAsync();
        Assert.That(answer.Content.Headers.ContentType?.MediaType, Is.EqualTo("application/grpc"));
        // An answer without a body has its trailers in the header.
        return (bytes, Trailer("grpc-status"), Uri.UnescapeDataString(Trailer("grpc-message")));

        string Trailer(string name) =>
            answer.TrailingHeaders.TryGetValues(name, out IEnumerable<string>? values)
                || answer.Headers.TryGetValues(name, out values) ? values.Single() : "";
    }

    private static byte[] Framed(IMessage message)
    {
        byte[] bytes = message.ToByteArray();
        byte[] framed = new byte[5 + bytes.Length];
        BinaryPrimitives.WriteUInt32BigEndian(framed.AsSpan(1), (uint)bytes.Length);
        bytes.CopyTo(framed, 5);
        return framed;
    }

    private static (int Code, string Output) Run(string program, params string[] arguments)
    {
        if (!File.Exists(program)) return (-1, "");
        using Process process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, process.ExitCode == 0 ? output : output + error.Result);
    }
}

/// <summary>Answers with as many bytes as it is told to, or fails.</summary>
internal sealed class SizedApplication : IAbciApplication
{
    public int AnswerBytes { get; set; }

    public bool Fails { get; set; }

    public List<string> Calls { get; } = [];

    public ResponseInfo Info(RequestInfo request) => Noted(new ResponseInfo { LastBlockHeight = 7 });

    public ResponseInitChain InitChain(RequestInitChain request) => Noted(new ResponseInitChain());

    public ResponseQuery Query(RequestQuery request) =>
        Noted(new ResponseQuery { Value = ByteString.CopyFrom(new byte[AnswerBytes]) });

    public ResponseCheckTx CheckTx(RequestCheckTx request) =>
        Noted(new ResponseCheckTx { GasWanted = request.Tx.Length });

    public ResponsePrepareProposal PrepareProposal(RequestPrepareProposal request) =>
        Noted(new ResponsePrepareProposal());

    public ResponseProcessProposal ProcessProposal(RequestProcessProposal request) =>
        Noted(new ResponseProcessProposal());

    public ResponseExtendVote ExtendVote(RequestExtendVote request) => Noted(new ResponseExtendVote());

    public ResponseVerifyVoteExtension VerifyVoteExtension(RequestVerifyVoteExtension request) =>
        Noted(new ResponseVerifyVoteExtension());

    public ResponseFinalizeBlock FinalizeBlock(RequestFinalizeBlock request) => Noted(new ResponseFinalizeBlock());

    public ResponseCommit Commit(RequestCommit request) => Fails
        ? throw new InvalidOperationException("the disk is full: 100 %")
        : Noted(new ResponseCommit());

    public ResponseListSnapshots ListSnapshots(RequestListSnapshots request) => Noted(new ResponseListSnapshots());

    public ResponseOfferSnapshot OfferSnapshot(RequestOfferSnapshot request) => Noted(new ResponseOfferSnapshot());

    public ResponseLoadSnapshotChunk LoadSnapshotChunk(RequestLoadSnapshotChunk request) =>
        Noted(new ResponseLoadSnapshotChunk());

    public ResponseApplySnapshotChunk ApplySnapshotChunk(RequestApplySnapshotChunk request) =>
        Noted(new ResponseApplySnapshotChunk());

    private T Noted<T>(T answer)
        where T : IMessage
    {
        lock (Calls) Calls.Add(typeof(T).Name);
        return answer;
    }
}
