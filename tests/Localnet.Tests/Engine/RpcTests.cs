using System;
using System.Collections.Generic;
using System.Linq;
using System.Net.Http;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using System.Threading;
using System.Threading.Tasks;
using AppChain.Abci;
using AppChain.Abci.Wire.Types;
using NUnit.Framework;

namespace AppChain.Localnet.Tests;

[NonParallelizable]
public sealed class RpcTests
{
    private static readonly HttpClient Http = new();
    private RealTimeNetwork _parts = null!;
    private EmbeddedNetwork _network = null!;

    [OneTimeSetUp]
    public void Start()
    {
        _parts = new RealTimeNetwork();
        _network = EmbeddedNetwork.Start(_parts.Options);
        Assert.That(_network.WaitForHeight(3, TimeSpan.FromSeconds(30)));
    }

    [OneTimeTearDown]
    public void Stop()
    {
        _network?.Dispose();
        _parts?.Dispose();
    }

    [Test]
    public async Task Status_names_chain_height_and_validator()
    {
        JsonElement status = await Post("status", new { });
        JsonElement sync = status.GetProperty("sync_info");
        Assert.Multiple(() =>
        {
            Assert.That(status.GetProperty("node_info").GetProperty("network").GetString(),
                Is.EqualTo(TestNetwork.ChainId));
            Assert.That(status.GetProperty("node_info").GetProperty("moniker").GetString(), Is.EqualTo("node0"));
            Assert.That(long.Parse(sync.GetProperty("latest_block_height").GetString()!), Is.AtLeast(3));
            Assert.That(sync.GetProperty("catching_up").GetBoolean(), Is.False);
            Assert.That(sync.GetProperty("earliest_block_height").GetString(), Is.EqualTo("1"));
            Assert.That(status.GetProperty("validator_info").GetProperty("address").GetString(),
                Is.EqualTo("34750F98BD59FCFC946DA45AAABE933BE154A4B5"));
            Assert.That(status.GetProperty("validator_info").GetProperty("voting_power").GetString(), Is.EqualTo("10"));
        });
    }

    [Test]
    public async Task Header_commit_and_validators_prove_a_block_to_a_light_client()
    {
        JsonElement answer = await Post("commit", new { height = "3" });
        Header header = RpcJsonReader.Header(answer.GetProperty("signed_header").GetProperty("header"));
        Commit commit = RpcJsonReader.Commit(answer.GetProperty("signed_header").GetProperty("commit"));
        IReadOnlyList<AppChain.Abci.Wire.Types.Validator> validators =
            RpcJsonReader.Validators(await Post("validators", new { height = 3, per_page = 100 }));
        Assert.Multiple(() =>
        {
            Assert.That(answer.GetProperty("canonical").ValueKind, Is.AnyOf(JsonValueKind.True, JsonValueKind.False));
            Assert.That(BlockHashes.Header(header), Is.EqualTo(commit.BlockId.Hash));
            Assert.That(BlockHashes.Validators(validators), Is.EqualTo(header.ValidatorsHash));
            Assert.That(AppChain.Hsm.CommitVerification.Fault(
                TestNetwork.ChainId, validators, commit.BlockId, 3, commit), Is.Null);
        });
    }

    [Test]
    public async Task A_block_read_over_rpc_is_the_stored_one()
    {
        JsonElement answer = await Get("block?height=2");
        SealedBlock block = SealedBlock.Of(RpcJsonReader.Block(answer.GetProperty("block")));
        Assert.That(block.Id, Is.EqualTo(_network.Node(1)!.Store.LoadBlock(2)!.Id));
        Assert.That(RpcJsonReader.BlockId(answer.GetProperty("block_id")), Is.EqualTo(block.Id));
        JsonElement byHash = await Post("block_by_hash", new { hash = block.Id.Hash.ToBase64() });
        Assert.That(byHash.GetProperty("block").GetProperty("header").GetProperty("height").GetString(),
            Is.EqualTo("2"));
        JsonElement header = await Get("header?height=\"2\"");
        Assert.That(RpcJsonReader.Header(header.GetProperty("header")), Is.EqualTo(block.Block.Header));
    }

    [Test]
    public async Task A_transaction_is_submitted_committed_and_found_with_a_proof()
    {
        byte[] tx = Encoding.UTF8.GetBytes("committed=1");
        JsonElement committed = await Post("broadcast_tx_commit", new { tx = Convert.ToBase64String(tx) });
        string height = committed.GetProperty("height").GetString()!;
        string hash = committed.GetProperty("hash").GetString()!;
        Assert.That(hash, Is.EqualTo(Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(tx))));
        Assert.That(committed.GetProperty("tx_result").GetProperty("code").GetInt32(), Is.Zero);
        Assert.That(committed.GetProperty("check_tx").GetProperty("gas_wanted").GetString(), Is.EqualTo("11"));

        JsonElement found =
            await Post("tx", new { hash = Convert.ToBase64String(Convert.FromHexString(hash)), prove = true });
        JsonElement viaGet = await Get($"tx?hash=0x{hash}");
        JsonElement results = await Post("block_results", new { height });
        JsonElement block = await Post("block", new { height });
        Assert.Multiple(() =>
        {
            Assert.That(found.GetProperty("height").GetString(), Is.EqualTo(height));
            Assert.That(viaGet.GetProperty("index").GetInt32(), Is.EqualTo(found.GetProperty("index").GetInt32()));
            Assert.That(Convert.FromBase64String(found.GetProperty("tx").GetString()!), Is.EqualTo(tx));
            Assert.That(found.GetProperty("proof").GetProperty("root_hash").GetString(), Is.EqualTo(
                block.GetProperty("block").GetProperty("header").GetProperty("data_hash").GetString()));
            Assert.That(RpcJsonReader.BlockResults(results), Is.EqualTo(
                _network.Node(0)!.Store.LoadResponse(long.Parse(height))));
        });
    }

    [Test]
    public async Task A_refused_transaction_is_an_answer_and_a_repeated_one_an_error()
    {
        JsonElement refused = await Post("broadcast_tx_sync", new { tx = Base64("bad transaction") });
        Assert.That(refused.GetProperty("code").GetInt32(), Is.EqualTo(3));
        JsonElement first = await Post("broadcast_tx_sync", new { tx = Base64("repeated=1") });
        Assert.That(first.GetProperty("code").GetInt32(), Is.Zero);
        JsonElement again = await PostRaw("broadcast_tx_sync", new { tx = Base64("repeated=1") });
        Assert.That(again.GetProperty("error").GetProperty("data").GetString(),
            Is.EqualTo("tx already exists in cache"));
        JsonElement asynchronous = await Get("broadcast_tx_async?tx=\"later=1\"");
        Assert.That(asynchronous.GetProperty("hash").GetString(), Has.Length.EqualTo(64));
    }

    [Test]
    public async Task Queries_reach_the_application()
    {
        JsonElement query = await Post("abci_query", new { path = "/key", data = "0102", height = "0", prove = false });
        Assert.That(query.GetProperty("response").GetProperty("value").GetString(), Is.EqualTo("AQI="));
        JsonElement viaGet = await Get("abci_query?path=\"/key\"&data=0x0102");
        Assert.That(viaGet.GetProperty("response").GetProperty("value").GetString(), Is.EqualTo("AQI="));
        JsonElement info = await Post("abci_info", new { });
        Assert.That(info.GetProperty("response").GetProperty("data").GetString(), Is.EqualTo("recorder"));
    }

    [Test]
    public async Task Small_methods_answer()
    {
        Assert.That((await Get("health")).EnumerateObject().Count(), Is.Zero);
        Assert.That((await Get("net_info")).GetProperty("n_peers").GetString(), Is.EqualTo("3"));
        Assert.That((await Get("genesis")).GetProperty("genesis").GetProperty("chain_id").GetString(),
            Is.EqualTo(TestNetwork.ChainId));
        JsonElement parameters = await Get("consensus_params?height=1");
        Assert.That(RpcJsonReader.ConsensusParams(parameters.GetProperty("consensus_params")),
            Is.EqualTo(_network.Node(0)!.State.Parameters));
        Assert.That((await Get("num_unconfirmed_txs")).GetProperty("total_bytes").ValueKind,
            Is.EqualTo(JsonValueKind.String));
        Assert.That((await Get("unconfirmed_txs?limit=1")).GetProperty("txs").ValueKind,
            Is.EqualTo(JsonValueKind.Array));
    }

    [TestCase("{", -32700)]
    [TestCase("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"nonsense\"}", -32601)]
    [TestCase("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":5}", -32600)]
    [TestCase("7", -32600)]
    [TestCase("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"block\",\"params\":{\"height\":\"x\"}}", -32602)]
    [TestCase("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"block\",\"params\":{\"height\":\"99999999\"}}", -32603)]
    [TestCase("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"block\",\"params\":{\"height\":\"-1\"}}", -32603)]
    [TestCase("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tx\",\"params\":{\"hash\":\"!\"}}", -32602)]
    [TestCase("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tx\",\"params\":{\"hash\":\"AAAA\"}}", -32603)]
    [TestCase("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"broadcast_tx_sync\",\"params\":[]}", -32602)]
    [TestCase("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"validators\",\"params\":{\"page\":9}}", -32603)]
    public async Task Malformed_and_impossible_requests_get_an_error(string body, int code)
    {
        using HttpResponseMessage response = await Http.PostAsync(_network.RpcUrl(0), new StringContent(body));
        JsonElement answer = JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement;
        Assert.That(answer.GetProperty("error").GetProperty("code").GetInt32(), Is.EqualTo(code));
    }

    [Test]
    public async Task A_batch_is_answered_in_order()
    {
        const string body = """
            [{"jsonrpc":"2.0","id":"a","method":"health"},{"jsonrpc":"2.0","id":2,"method":"block","params":["1"]}]
            """;
        using HttpResponseMessage response = await Http.PostAsync(_network.RpcUrl(0), new StringContent(body));
        JsonElement answer = JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement;
        Assert.That(answer[0].GetProperty("id").GetString(), Is.EqualTo("a"));
        Assert.That(answer[1].GetProperty("result").GetProperty("block").GetProperty("header").GetProperty("height")
            .GetString(), Is.EqualTo("1"));
    }

    [Test]
    public async Task Subscriptions_deliver_blocks_and_single_transactions()
    {
        using ClientWebSocket socket = new();
        using CancellationTokenSource limit = new(TimeSpan.FromSeconds(20));
        await socket.ConnectAsync(new Uri($"ws://{_network.RpcUrl(1)!.Authority}/websocket"), limit.Token);
        byte[] tx = Encoding.UTF8.GetBytes("watched=1");
        string hash = Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(tx));
        await Send(socket,
            new { jsonrpc = "2.0", id = 1, method = "subscribe", @params = new { query = "tm.event='NewBlock'" } });
        Assert.That((await Read(socket, limit.Token)).GetProperty("result").EnumerateObject(), Is.Empty);
        await Send(socket, new
        {
            jsonrpc = "2.0", id = 2, method = "subscribe",
            @params = new { query = $"tm.event='Tx' AND tx.hash='{hash}'" },
        });
        await Send(socket,
            new { jsonrpc = "2.0", id = 3, method = "subscribe", @params = new { query = "height > 3" } });
        await Send(socket, new
        {
            jsonrpc = "2.0", id = 4, method = "broadcast_tx_sync",
            @params = new { tx = Convert.ToBase64String(tx) },
        });

        Dictionary<int, List<JsonElement>> byId = [];
        while (!(byId.ContainsKey(1) && byId.ContainsKey(3) && byId.ContainsKey(4)
            && byId.GetValueOrDefault(2)?.Count == 2))
        {
            JsonElement message = await Read(socket, limit.Token);
            int id = message.GetProperty("id").GetInt32();
            if (!byId.TryGetValue(id, out List<JsonElement>? list)) byId.Add(id, list = []);
            list.Add(message);
        }
        JsonElement block = byId[1][0].GetProperty("result");
        JsonElement transaction = byId[2][1].GetProperty("result");
        Assert.Multiple(() =>
        {
            Assert.That(block.GetProperty("query").GetString(), Is.EqualTo("tm.event='NewBlock'"));
            Assert.That(block.GetProperty("data").GetProperty("type").GetString(),
                Is.EqualTo("tendermint/event/NewBlock"));
            Assert.That(RpcJsonReader.Block(block.GetProperty("data").GetProperty("value").GetProperty("block"))
                .Header.ChainId,
                Is.EqualTo(TestNetwork.ChainId));
            Assert.That(transaction.GetProperty("data").GetProperty("value").GetProperty("TxResult").GetProperty("tx")
                .GetString(), Is.EqualTo(Convert.ToBase64String(tx)));
            Assert.That(transaction.GetProperty("events").GetProperty("tx.hash")[0].GetString(), Is.EqualTo(hash));
            Assert.That(transaction.GetProperty("events").GetProperty("put.size")[0].GetString(), Is.EqualTo("9"));
            Assert.That(byId[3][0].GetProperty("error").GetProperty("code").GetInt32(), Is.EqualTo(-32603));
            Assert.That(byId[4][0].GetProperty("result").GetProperty("code").GetInt32(), Is.Zero);
        });
        await Send(socket, new { jsonrpc = "2.0", id = 5, method = "unsubscribe_all", @params = new { } });
        while ((await Read(socket, limit.Token)).GetProperty("id").GetInt32() != 5)
        {
        }
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, limit.Token);
    }

    private async Task<JsonElement> Post(string method, object parameters)
    {
        JsonElement answer = await PostRaw(method, parameters);
        Assert.That(answer.TryGetProperty("error", out JsonElement error), Is.False, $"{method}: {error}");
        return answer.GetProperty("result");
    }

    private async Task<JsonElement> PostRaw(string method, object parameters)
    {
        string body = JsonSerializer.Serialize(new { jsonrpc = "2.0", id = 1, method, @params = parameters });
        using HttpResponseMessage response = await Http.PostAsync(_network.RpcUrl(0), new StringContent(body));
        return JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement;
    }

    private async Task<JsonElement> Get(string path)
    {
        string answer = await Http.GetStringAsync(new Uri(_network.RpcUrl(0)!, "/" + path));
        return JsonDocument.Parse(answer).RootElement.GetProperty("result");
    }

    private static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));

    private static Task Send(ClientWebSocket socket, object message) =>
        socket.SendAsync(JsonSerializer.SerializeToUtf8Bytes(message), WebSocketMessageType.Text, true,
            CancellationToken.None);

    private static async Task<JsonElement> Read(ClientWebSocket socket, CancellationToken stop)
    {
        byte[] buffer = new byte[1 << 20];
        int length = 0;
        while (true)
        {
            WebSocketReceiveResult part =
                await socket.ReceiveAsync(new ArraySegment<byte>(buffer, length, buffer.Length - length), stop);
            length += part.Count;
            if (part.EndOfMessage) return JsonDocument.Parse(buffer.AsMemory(0, length).ToArray()).RootElement;
        }
    }
}
