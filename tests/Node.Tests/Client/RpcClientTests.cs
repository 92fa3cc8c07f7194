using System;
using System.IO;
using System.Linq;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using System.Threading;
using System.Threading.Tasks;
using AppChain.Node.Tests.Cli;
using AppChain.StateMachine;
using NUnit.Framework;

namespace AppChain.Node.Tests.Client;

[TestFixture]
public sealed class RpcClientTests
{
    [Test]
    public async Task Answers_are_read_leniently()
    {
        using var node = new FakeNode();
        using var client = new RpcClient(node.Url.Replace("http://", "tcp://"));
        NodeStatus status = await client.StatusAsync();
        Assert.That((status.ChainId, status.Height, status.IsCatchingUp), Is.EqualTo((FakeNode.ChainId, 41L, false)));
        Assert.That(status.AppHash.ToByteArray(), Is.EqualTo(new byte[] { 0, 255 }));
        Assert.That(status.Time, Is.EqualTo(new DateTimeOffset(2025, 10, 10, 21, 0, 0, 500, TimeSpan.Zero)));
        node.Results["abci_info"] = JsonNode.Parse("""{"response":{"data":"x","last_block_height":"7"}}""")!;
        ApplicationInfo info = await client.ApplicationInfoAsync();
        Assert.That((info.Height, info.AppHash.Length), Is.EqualTo((7L, 0)));
    }

    [Test]
    public async Task Unknown_transaction_is_null_and_other_errors_are_thrown()
    {
        using var node = new FakeNode();
        using var client = new RpcClient(node.Url);
        Assert.That(await client.TransactionAsync(new byte[32]), Is.Null);
        RpcException? error = Assert.ThrowsAsync<RpcException>(() => client.BlockAsync());
        Assert.That((error!.Code, error.Details), Is.EqualTo((-32603L, "no method block")));
    }

    [Test]
    public async Task Validators_are_collected_over_pages()
    {
        using var node = new FakeNode();
        using var client = new RpcClient(node.Url);
        JsonArray page = [.. Enumerable.Range(0, 100).Select(_ => JsonNode.Parse(
            """
            {"address":"00","pub_key":{"type":"tendermint/PubKeyEd25519","value":"iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w="},
             "voting_power":"1","proposer_priority":"0"}
            """))];
        node.Results["validators"] = new JsonObject { ["validators"] = page, ["count"] = "100", ["total"] = "250" };
        Assert.That(await client.ValidatorsAsync(5), Has.Count.EqualTo(300));
    }

    [Test]
    public async Task Builder_signs_what_the_verifier_accepts_and_starts_again()
    {
        using var signer = new TransactionSigner(KeyFile.NewSecretKey(), "c-1");
        var builder = new TransactionBuilder { Subaccount = 2 };
        byte[] first = builder.Place(1, Side.Buy, 5, 6).CancelByClientId(7).Sign(signer, 1, 100);
        Assert.That(builder.Count, Is.Zero);
        byte[] second = builder.Withdraw(1, "bank"u8).Sign(signer, 2, 100);
        Assert.That(new TransactionVerifier("c-1").Decode(first, out Transaction? one), Is.EqualTo(ResultCode.Ok));
        Assert.That((one!.Operations.Length, one.Subaccount, one.Signer), Is.EqualTo((2, 2u, signer.Owner)));
        Assert.That(new TransactionVerifier("c-1").Decode(second, out _), Is.EqualTo(ResultCode.Ok));
        Assert.That(new TransactionVerifier("c-2").Decode(second, out _), Is.EqualTo(ResultCode.InvalidSignature));
        Assert.That(() => builder.Sign(signer, 3, 100), Throws.TypeOf<InvalidOperationException>());
        await Task.CompletedTask;
    }

    [Test]
    public void Altered_high_or_foreign_signatures_are_refused()
    {
        using var signer = new TransactionSigner(KeyFile.NewSecretKey(), "c");
        byte[] bytes = new TransactionBuilder().Withdraw(5, "bank"u8).Sign(signer, 1, 2);
        var verifier = new TransactionVerifier("c");
        for (int i = 0; i < bytes.Length; i++)
        {
            byte[] altered = [.. bytes];
            altered[i] ^= 1;
            Assert.That(verifier.Decode(altered, out _), Is.Not.EqualTo(ResultCode.Ok), $"byte {i}");
        }

        // The high twin of s: n - s.
        var order = System.Numerics.BigInteger.Parse(
            "0FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141",
            System.Globalization.NumberStyles.HexNumber);
        var s = new System.Numerics.BigInteger(bytes.AsSpan(^32), isUnsigned: true, isBigEndian: true);
        byte[] high = (order - s).ToByteArray(isUnsigned: true, isBigEndian: true);
        byte[] malleated = [.. bytes[..^32], .. new byte[32 - high.Length], .. high];
        Assert.That(verifier.Decode(malleated, out _), Is.EqualTo(ResultCode.InvalidSignature));
    }

    [TestCase("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "the answer is no JSON")]
    [TestCase("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]", "the answer is no JSON-RPC")]
    [TestCase("HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{\"result\":{}}", "the answer to status is not understood")]
    [TestCase("nonsense\r\n\r\n", "no node at")]
    [TestCase("", "no node at")]
    public async Task What_is_no_node_is_said_to_be_none(string answer, string message)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        Task serving = ServeOnceAsync(listener, answer);
        using var client = new RpcClient($"http://{listener.LocalEndpoint}", TimeSpan.FromSeconds(5));
        NodeUnreachableException? error = Assert.ThrowsAsync<NodeUnreachableException>(() => client.StatusAsync());
        Assert.That(error!.Message, Does.Contain(message));
        await serving;
    }

    [Test]
    public void Silence_ends_with_the_timeout()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var client = new RpcClient($"http://{listener.LocalEndpoint}", TimeSpan.FromMilliseconds(300));
        NodeUnreachableException? error = Assert.ThrowsAsync<NodeUnreachableException>(() => client.StatusAsync());
        Assert.That(error!.Message, Does.Contain("no answer within"));
    }

    private static async Task ServeOnceAsync(TcpListener listener, string answer)
    {
        using TcpClient connection = await listener.AcceptTcpClientAsync();
        NetworkStream stream = connection.GetStream();
        await stream.ReadAtLeastAsync(new byte[65_536], 1, throwOnEndOfStream: false);
        await stream.WriteAsync(Encoding.ASCII.GetBytes(answer));
        await Task.Delay(50, CancellationToken.None);
    }
}
