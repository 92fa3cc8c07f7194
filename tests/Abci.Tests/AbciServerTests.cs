using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net.Sockets;
using System.Text.Json;
using System.Threading;
using System.Threading.Tasks;
using AppChain.Abci;
using AppChain.Abci.Wire;
using Google.Protobuf;
using NUnit.Framework;

namespace AppChain.Tests;

internal sealed class AbciServerTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private string _folder = "";

    [SetUp]
    public void MakeFolder() => _folder = Directory.CreateTempSubdirectory("appchain-abci-").FullName;

    [TearDown]
    public void RemoveFolder() => Directory.Delete(_folder, recursive: true);

    [Test]
    public void All_methods_reach_the_application_over_both_transports()
    {
        foreach (string address in (string[])[$"unix://{_folder}/app.sock", "tcp://127.0.0.1:0"])
        {
            using AbciServer server = new(Application(), address);
            using AbciClient client = AbciClient.Connect(server.Address, Patience);
            Assert.That(client.Echo("ping"), Is.EqualTo("ping"));
            client.Flush();
            Assert.That(client.Info(new RequestInfo()).Data, Is.EqualTo("recorder"));
            Assert.That(client.InitChain(new RequestInitChain { ChainId = "x" }).AppHash.Length, Is.EqualTo(32));
            Assert.That(client.Query(new RequestQuery()).Log, Is.EqualTo("ok"));
            Assert.That(client.CheckTx(new RequestCheckTx { Tx = Utf8("abc") }).GasWanted, Is.EqualTo(3));
            RequestPrepareProposal prepare = new() { Height = 1, MaxTxBytes = 100, Txs = { Utf8("a"), Utf8("b") } };
            Assert.That(client.PrepareProposal(prepare).Txs, Has.Count.EqualTo(2));
            RequestProcessProposal process = new() { Height = 1, Txs = { Utf8("a") } };
            Assert.That(client.ProcessProposal(process).Status, Is.EqualTo(ProposalStatus.Accept));
            Assert.That(client.ExtendVote(new RequestExtendVote { Height = 7 }).VoteExtension.ToStringUtf8(),
                Is.EqualTo("price:0:7"));
            RequestVerifyVoteExtension verify = new() { VoteExtension = Utf8("BAD") };
            Assert.That(client.VerifyVoteExtension(verify).Status, Is.EqualTo(VerifyStatus.Reject));
            Assert.That(client.FinalizeBlock(new RequestFinalizeBlock { Height = 1, Txs = { Utf8("a") } }).TxResults,
                Has.Count.EqualTo(1));
            Assert.That(client.Commit(new RequestCommit()).RetainHeight, Is.Zero);
            Assert.That(client.ListSnapshots(new RequestListSnapshots()).Snapshots, Is.Empty);
            Assert.That(client.OfferSnapshot(new RequestOfferSnapshot()).Result,
                Is.EqualTo(OfferSnapshotResult.Reject));
            Assert.That(client.LoadSnapshotChunk(new RequestLoadSnapshotChunk()).Chunk.IsEmpty, Is.True);
            Assert.That(client.ApplySnapshotChunk(new RequestApplySnapshotChunk()).Result,
                Is.EqualTo(ApplySnapshotChunkResult.Abort));
        }
    }

    [Test]
    public void Queued_transactions_are_answered_in_order_and_announced_together()
    {
        TestApplication application = new();
        using AbciServer server = new(application, $"unix://{_folder}/app.sock");
        using AbciClient client = AbciClient.Connect(server.Address, Patience);
        List<Task<ResponseCheckTx>> answers = [];
        for (int i = 0; i < 5000; i++)
        {
            RequestCheckTx request = new() { Tx = Utf8(new string('x', i % 97)) };
            answers.Add(client.CheckTxQueued(request));
        }
        client.FlushQueued();
        for (int i = 0; i < answers.Count; i++) Assert.That(answers[i].Result.GasWanted, Is.EqualTo(i % 97));
        Assert.That(application.AnnouncedMost, Is.GreaterThan(1));
    }

    [Test]
    public void Answers_without_a_flush_request_are_not_held_back()
    {
        using AbciServer server = new(Application(), $"unix://{_folder}/app.sock");
        using Socket socket = Dial(server);
        socket.Send([2, 0x5A]);
        Thread.Sleep(20);
        socket.Send([0, 2]);
        Assert.That(Read(socket).ValueCase, Is.EqualTo(Response.ValueOneofCase.Commit));
    }

    [Test]
    public void Connections_run_in_parallel()
    {
        TestApplication application = new();
        using AbciServer server = new(application, $"unix://{_folder}/app.sock");
        using AbciClient consensus = AbciClient.Connect(server.Address, Patience);
        using AbciClient query = AbciClient.Connect(server.Address, Patience);
        Task<ResponseFinalizeBlock> held = Task.Run(() => consensus.FinalizeBlock(new RequestFinalizeBlock()));
        Assert.That(application.Entered.Wait(Patience), Is.True);
        Assert.That(query.Query(new RequestQuery()).Log, Is.EqualTo("during"));
        application.Release.Set();
        Assert.That(held.Wait(Patience), Is.True);
    }

    [TestCase("", null, TestName = "Closing at once is no error")]
    [TestCase("00", "the request is of no known kind", TestName = "Empty frame")]
    [TestCase("03aa0100", "the request is of no known kind", TestName = "Method of a newer line")]
    [TestCase("02aa06", "the request cannot be decoded", TestName = "Field without its length")]
    [TestCase("05ffffffffff", "the request cannot be decoded", TestName = "Garbage")]
    [TestCase("0542050a0361", "the request cannot be decoded", TestName = "Field longer than its message")]
    [TestCase("0412020aff", "the request cannot be decoded", TestName = "Broken inner message")]
    [TestCase("0a0a07", "connection ended inside a frame", TestName = "Truncated frame")]
    [TestCase("80", "connection ended inside a frame", TestName = "Truncated length")]
    [TestCase("ffffffff07", "exceeds the limit", TestName = "Oversize frame")]
    [TestCase("ffffffffffffffffffff", "frame length is not a number", TestName = "Endless length")]
    public void Malformed_bytes_are_answered_and_the_connection_ends(string hex, string? message)
    {
        List<Exception> fatal = [];
        foreach (string address in (string[])[$"unix://{_folder}/app.sock", "tcp://127.0.0.1:0"])
        {
            using AbciServer server = new(Application(), address, fatal.Add, frameBytesMax: 1 << 20);
            using Socket socket = Dial(server);
            FrameReader reader = new(new NetworkStream(socket), Frame.DefaultBytesMax);
            // A good request before the bad one still gets its answer.
            socket.Send([.. Convert.FromHexString("090a070a0568656c6c6f"), .. Convert.FromHexString(hex)]);
            socket.Shutdown(SocketShutdown.Send);
            Assert.That(Read(reader).Echo.Message, Is.EqualTo("hello"));
            if (message is not null) Assert.That(Read(reader).Exception.Error, Does.Contain(message));
            Assert.That(reader.TryRead(out _), Is.False);

            using AbciClient another = AbciClient.Connect(server.Address, Patience);
            Assert.That(another.Echo("still here"), Is.EqualTo("still here"));
        }
        Assert.That(fatal, Is.Empty, "bad bytes are not the application's failure");
    }

    [Test]
    public void Random_bytes_never_disturb_the_server()
    {
        Random random = new(11);
        List<Exception> fatal = [];
        using AbciServer server = new(Application(), $"unix://{_folder}/app.sock", fatal.Add);
        for (int round = 0; round < 300; round++)
        {
            byte[] bytes = new byte[random.Next(1, 200)];
            random.NextBytes(bytes);
            if (round % 2 == 0) bytes[0] = (byte)Math.Min(0x7F, bytes.Length - 1);
            using Socket socket = Dial(server);
            socket.Send(bytes);
            socket.Shutdown(SocketShutdown.Send);
            byte[] sink = new byte[4096];
            while (Receive(socket, sink) > 0)
            {
            }
        }
        using AbciClient client = AbciClient.Connect(server.Address, Patience);
        Assert.That(client.Echo("fine"), Is.EqualTo("fine"));
        Assert.That(fatal, Is.Empty);
    }

    [Test]
    public void Failure_of_the_application_is_told_to_the_engine_and_to_the_node()
    {
        RecorderApplication application = Application();
        using ManualResetEventSlim told = new();
        Exception? fatal = null;
        using AbciServer server = new(application, $"unix://{_folder}/app.sock", error =>
        {
            fatal = error;
            told.Set();
        });
        using AbciClient client = AbciClient.Connect(server.Address, Patience);
        application.FailsNext = true;
        Assert.That(() => client.Query(new RequestQuery()),
            Throws.TypeOf<AbciException>().With.Message.EqualTo("the application failed: asked to fail"));
        Assert.That(told.Wait(Patience), Is.True);
        Assert.That(fatal, Is.TypeOf<InvalidOperationException>());
        Assert.That(() => client.Echo("again"), Throws.TypeOf<AbciException>(), "the connection stays closed");
    }

    [Test]
    public void Server_can_be_closed_from_the_failure_callback()
    {
        RecorderApplication application = Application();
        using ManualResetEventSlim closed = new();
        AbciServer? server = null;
        server = new AbciServer(application, $"unix://{_folder}/app.sock", _ =>
        {
            server!.Dispose();
            closed.Set();
        });
        using AbciClient client = AbciClient.Connect(server.Address, Patience);
        application.FailsNext = true;
        Assert.That(() => client.Info(new RequestInfo()), Throws.TypeOf<AbciException>());
        Assert.That(closed.Wait(Patience), Is.True);
    }

    [Test]
    public void Large_requests_and_answers_pass()
    {
        using AbciServer server = new(Application(), $"unix://{_folder}/app.sock");
        using AbciClient client = AbciClient.Connect(server.Address, Patience);
        ByteString large = ByteString.CopyFrom(new byte[30_000_000]);
        RequestPrepareProposal request = new() { Height = 1, MaxTxBytes = 100_000_000, Txs = { large } };
        Assert.That(client.PrepareProposal(request).Txs.Single(), Is.EqualTo(large));
    }

    [Test]
    public void Stale_socket_file_is_replaced_and_a_live_one_is_not()
    {
        string path = Path.Combine(_folder, "app.sock");
        using (Socket left = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            left.Bind(new UnixDomainSocketEndPoint(path));
            left.Listen();
            // The runtime would remove the file with its socket; a killed process leaves it behind.
            File.Move(path, path + ".kept");
        }
        File.Move(path + ".kept", path);
        using AbciServer server = new(Application(), "unix://" + path);
        using (AbciClient client = AbciClient.Connect(server.Address, Patience)) client.Flush();

        Assert.That(() => new AbciServer(Application(), "unix://" + path), Throws.TypeOf<IOException>()
            .With.Message.EqualTo($"cannot listen on unix://{path}: another process listens there; "
                + "stop it or choose another path"));
        server.Dispose();
        Assert.That(File.Exists(path), Is.False);
    }

    [Test]
    public void A_file_in_the_way_is_kept()
    {
        string path = Path.Combine(_folder, "precious.txt");
        File.WriteAllText(path, "data");
        Assert.That(() => new AbciServer(Application(), "unix://" + path), Throws.TypeOf<IOException>()
            .With.Message.EqualTo($"cannot listen on unix://{path}: the path is a file, not a socket"));
        Assert.That(File.ReadAllText(path), Is.EqualTo("data"));
        Assert.That(() => new AbciServer(Application(), "unix://" + _folder), Throws.TypeOf<IOException>()
            .With.Message.EndsWith("the path is a folder"));
    }

    [Test]
    public void A_port_in_use_is_named()
    {
        using AbciServer server = new(Application(), "tcp://127.0.0.1:0");
        Assert.That(() => new AbciServer(Application(), server.Address), Throws.TypeOf<IOException>()
            .With.Message.EqualTo($"cannot listen on {server.Address}: the port is in use; stop the process that "
                + "listens there or choose another port"));
    }

    [TestCase("unix://")]
    [TestCase("")]
    [TestCase("tcp://")]
    [TestCase("tcp://host")]
    [TestCase("tcp://host:70000")]
    [TestCase("http://host:1")]
    [TestCase("tcp://:26658")]
    public void Bad_addresses_are_refused(string address)
    {
        Assert.That(() => SocketEndpoint.Parse(address), Throws.TypeOf<FormatException>().With.Message.EqualTo(
            $"'{address}' is not an address; write unix:///path/to.sock or tcp://host:port"));
    }

    [TestCase("tcp://127.0.0.1:26658", "tcp://127.0.0.1:26658")]
    [TestCase("127.0.0.1:26658", "tcp://127.0.0.1:26658")]
    [TestCase("unix:///run/app.sock", "unix:///run/app.sock")]
    public void Good_addresses_are_understood(string address, string canonical)
    {
        Assert.That(SocketEndpoint.Parse(address).ToString(), Is.EqualTo(canonical));
    }

    [Test]
    public void A_path_too_long_for_a_socket_is_named()
    {
        string address = "unix:///tmp/" + new string('x', 200);
        Assert.That(() => new AbciServer(Application(), address), Throws.TypeOf<IOException>()
            .With.Message.EndsWith("the path of a unix socket takes at most 107 bytes"));
    }

    [Test]
    public void Client_reports_an_application_that_goes_away_or_answers_wrongly()
    {
        Assert.That(() => AbciClient.Connect($"unix://{_folder}/none.sock", TimeSpan.Zero),
            Throws.TypeOf<IOException>());
        Assert.That(Against(Convert.FromHexString("021a00")), Does.Contain("answered Flush instead of Info"));
        Assert.That(Against([]), Does.Contain("closed the connection"));
        Assert.That(Against([5, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]), Does.Contain("cannot be decoded"));
        Assert.That(Against([5, 1]), Does.Contain("broke: connection ended inside a frame"));
        Assert.That(Against(Convert.FromHexString("080a060a04626f6f6d")), Does.Contain("the application failed: boom"));
    }

    /// <summary>
    /// What a client says when an Info call is answered with these bytes and the end of the connection.
    /// </summary>
    private string Against(byte[] answer)
    {
        SocketEndpoint endpoint = SocketEndpoint.Parse($"unix://{_folder}/fake.sock");
        using Socket listener = endpoint.Listen();
        using AbciClient client = AbciClient.Connect(endpoint.ToString(), Patience);
        using Socket accepted = listener.Accept();
        Task<string> call = Task.Run(() => Assert.Throws<AbciException>(() => client.Info(new RequestInfo()))!.Message);
        accepted.Receive(new byte[100]);
        accepted.Send(answer);
        accepted.Shutdown(SocketShutdown.Both);
        return call.Result;
    }

    private static RecorderApplication Application() => new(0, JsonDocument.Parse("{}").RootElement, 0, []);

    private static Socket Dial(AbciServer server) => SocketEndpoint.Parse(server.Address).Connect(Patience);

    private static Response Read(Socket socket) =>
        Read(new FrameReader(new NetworkStream(socket), Frame.DefaultBytesMax));

    private static Response Read(FrameReader reader)
    {
        Assert.That(reader.TryRead(out ReadOnlySpan<byte> frame), Is.True);
        return Response.Parser.ParseFrom(frame);
    }

    private static int Receive(Socket socket, byte[] sink)
    {
        try
        {
            return socket.Receive(sink);
        }
        catch (SocketException)
        {
            return 0;
        }
    }

    private static ByteString Utf8(string text) => ByteString.CopyFromUtf8(text);
}
