using System;
using System.Collections.Generic;
using System.IO;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Threading.Tasks;
using AppChain.StateMachine;
using Google.Protobuf;

namespace AppChain.Node.Tests.Cli;

/// <summary>A node of JSON-RPC on loopback with one market, one account and canned answers.</summary>
internal sealed class FakeNode : IDisposable
{
    public const string ChainId = "test-cli-1";

    private readonly HttpListener _listener = new();

    public FakeNode()
    {
        using (var probe = new TcpListener(IPAddress.Loopback, 0))
        {
            probe.Start();
            Url = $"http://127.0.0.1:{((IPEndPoint)probe.LocalEndpoint).Port}";
        }

        _listener.Prefixes.Add(Url + "/");
        _listener.Start();
        _ = Task.Run(ServeAsync);
    }

    public string Url { get; }

    public long Height { get; set; } = 41;

    public V1.Market Bitcoin { get; } = new()
    {
        Market_ = 1,
        Ticker = "BTC-PERP",
        PriceDecimals = 1,
        QuantityDecimals = 4,
        TickLotValue = 10,
        Tiers = { new V1.MarginTier { NotionalFrom = 0, InitialPpm = 50_000, MaintenancePpm = 25_000 } },
        PriceBandPpm = 50_000,
        MarkPrice = 500_000,
        MarkLow = 499_900,
        MarkHigh = 500_100,
        IndexPrice = 500_000,
        Confidence = 100,
        OracleState = V1.OracleState.Live,
        OpenInterest = 12_500,
        FundingIndex = "0",
        BestBid = 499_995,
        BestAsk = 500_005,
    };

    public V1.AccountResponse Account { get; } = new()
    {
        Account = "app1x/0",
        Collateral = "900120000",
        Equity = "900120000",
        EquityLow = "900120000",
        EquityHigh = "900120000",
        InitialMargin = "0",
        InitialMarginWithOrders = "0",
        MaintenanceMargin = "0",
        Withdrawable = "900120000",
    };

    public V1.NonceResponse Nonce { get; } = new() { Used = true, Highest = 7 };

    public uint CheckCode { get; set; }

    /// <summary>Outcome of a transaction once it is in a block; null keeps it out of blocks.</summary>
    public Func<Transaction, (uint Code, V1.TransactionResult Outcome, JsonArray Events)>? Outcome { get; set; }

    public Func<string, byte[], long, IMessage?>? Answer { get; set; }

    public Dictionary<string, JsonNode> Results { get; } = [];

    public List<byte[]> Received { get; } = [];

    public void Dispose() => _listener.Close();

    public Transaction LastTransaction()
    {
        ResultCode code = new TransactionVerifier(ChainId).Decode(Received[^1], out Transaction? transaction);
        return transaction ?? throw new InvalidOperationException($"{code}");
    }

    private async Task ServeAsync()
    {
        while (_listener.IsListening)
        {
            try
            {
                HttpListenerContext context = await _listener.GetContextAsync();
                JsonNode request = JsonNode.Parse(context.Request.InputStream)!;
                JsonObject answer = new() { ["jsonrpc"] = "2.0", ["id"] = request["id"]!.DeepClone() };
                (JsonNode? result, string? error) = Call((string)request["method"]!, request["params"]!.AsObject());
                if (error is null)
                {
                    answer["result"] = result;
                }
                else
                {
                    answer["error"] = new JsonObject
                    {
                        ["code"] = -32603,
                        ["message"] = "Internal error",
                        ["data"] = error,
                    };
                }

                context.Response.ContentType = "application/json";
                await using Stream body = context.Response.OutputStream;
                await JsonSerializer.SerializeAsync(body, answer);
            }
            catch (Exception error) when (error is HttpListenerException or ObjectDisposedException or IOException)
            {
                // The test is over.
            }
        }
    }

    private (JsonNode? Result, string? Error) Call(string method, JsonObject parameters)
    {
        if (Results.TryGetValue(method, out JsonNode? canned))
        {
            return (canned.DeepClone(), null);
        }

        switch (method)
        {
            case "status":
                return (new JsonObject
                {
                    ["node_info"] = new JsonObject { ["id"] = "ab", ["network"] = ChainId, ["moniker"] = "fake" },
                    ["sync_info"] = new JsonObject
                    {
                        ["latest_block_height"] = $"{Height}",
                        ["latest_app_hash"] = "00FF",
                        ["latest_block_time"] = "2025-10-10T21:00:00.5Z",
                        ["catching_up"] = false,
                    },
                }, null);
            case "net_info":
                return (new JsonObject { ["n_peers"] = "3" }, null);
            case "num_unconfirmed_txs":
                return (new JsonObject { ["n_txs"] = "2", ["total"] = "2", ["total_bytes"] = "400" }, null);
            case "broadcast_tx_sync":
                byte[] bytes = Convert.FromBase64String((string)parameters["tx"]!);
                Received.Add(bytes);
                return (new JsonObject
                {
                    ["code"] = CheckCode,
                    ["data"] = "",
                    ["log"] = "",
                    ["codespace"] = "",
                    ["hash"] = Convert.ToHexString(SHA256.HashData(bytes)),
                }, null);
            case "tx":
                return Transaction(Convert.FromBase64String((string)parameters["hash"]!));
            case "abci_query":
                return (Query(parameters), null);
            default:
                return (null, $"no method {method}");
        }
    }

    private (JsonNode? Result, string? Error) Transaction(byte[] hash)
    {
        byte[]? bytes = Received.Find(one => SHA256.HashData(one).AsSpan().SequenceEqual(hash));
        if (bytes is null || Outcome is null)
        {
            return (null, $"tx ({Convert.ToHexString(hash)}) not found");
        }

        (uint code, V1.TransactionResult outcome, JsonArray events) = Outcome(LastTransaction());
        return (new JsonObject
        {
            ["hash"] = Convert.ToHexString(hash),
            ["height"] = "42",
            ["index"] = 1,
            ["tx_result"] = new JsonObject
            {
                ["code"] = code,
                ["data"] = Convert.ToBase64String(outcome.ToByteArray()),
                ["events"] = events,
            },
            ["tx"] = Convert.ToBase64String(bytes),
        }, null);
    }

    private JsonNode Query(JsonObject parameters)
    {
        string path = (string)parameters["path"]!;
        byte[] data = Convert.FromHexString((string)parameters["data"]!);
        long height = long.Parse((string)parameters["height"]!);
        IMessage? value = Answer?.Invoke(path, data, height) ?? path switch
        {
            "/markets" => new V1.MarketsResponse { Markets = { Bitcoin } },
            "/account" => Account,
            "/nonce" => Nonce,
            _ => null,
        };
        JsonObject response = value is null
            ? new JsonObject { ["code"] = 3, ["codespace"] = "query", ["log"] = $"nothing at {path}" }
            : new JsonObject { ["value"] = Convert.ToBase64String(value.ToByteArray()), ["height"] = $"{Height}" };
        return new JsonObject { ["response"] = response };
    }
}
