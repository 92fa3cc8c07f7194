using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using System.Text.Json;
using System.Threading.Tasks;

namespace AppChain.Localnet.Tests.Fuzz;

/// <summary>
/// Bodies of requests to the RPC of a node with a few blocks: each is answered, with an error or a result.
/// </summary>
internal sealed class HttpRequests
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20);

    private readonly Random _random;
    private readonly TextDamage _damage;
    private readonly RpcMethods _methods;
    private readonly List<string> _sound = [];

    public HttpRequests(Random random, TextDamage damage)
    {
        _random = random;
        _damage = damage;
        var network = new TestNetwork(seed: 1, validators: 1);
        network.StartAll();
        network.RunToHeight(4);
        _methods = new RpcMethods(
            new RpcSource(
                network.Genesis, "node0", 0, network.Simulation.Node(0)!, network.Applications[0], new ChainEvents()),
            () => new Uri("http://127.0.0.1:1"));
        foreach (string method in _methods.Names.Where(name => name != "broadcast_tx_commit"))
        {
            var parameters = _methods.ParametersOf(method).Select(parameter => $"\"{parameter}\":{ValueOf(parameter)}");
            string named = string.Join(',', parameters);
            _sound.Add($"{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"{method}\",\"params\":{{{named}}}}}");
            var list = _methods.ParametersOf(method).Select(ValueOf);
            _sound.Add(
                $"{{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"method\":\"{method}\",\"params\":[{string.Join(',', list)}]}}");
        }
    }

    public byte[] Next()
    {
        string body = _sound[_random.Next(_sound.Count)];
        return Encoding.UTF8.GetBytes(_random.Next(8) == 0 ? body : _damage.Text(body));
    }

    public string Run(byte[] bytes)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(bytes);
            JsonElement root = document.RootElement;
            IEnumerable<JsonElement> requests = root.ValueKind == JsonValueKind.Array ? root.EnumerateArray() : [root];
            return string.Join(' ', requests.Take(3).Select(Answer));
        }
        catch (JsonException)
        {
            return "not JSON";
        }
    }

    private string Answer(JsonElement request)
    {
        // It waits for a block, and here no more are made.
        if (request.ValueKind == JsonValueKind.Object && request.TryGetProperty("method", out JsonElement method)
            && method.ValueKind == JsonValueKind.String && method.GetString() == "broadcast_tx_commit")
        {
            return "left out";
        }

        Task<byte[]> answer = RpcAnswers.To(request, _methods);
        FuzzEntrances.Require(answer.Wait(s_patience), "no answer");
        using JsonDocument document = JsonDocument.Parse(answer.Result);
        return document.RootElement.TryGetProperty("error", out JsonElement error)
            ? $"error {error.GetProperty("code").GetInt32()}"
            : "result";
    }

    private static string ValueOf(string parameter) => parameter switch
    {
        "height" or "minHeight" or "maxHeight" => "\"3\"",
        "page" or "per_page" or "limit" => "\"1\"",
        "hash" or "tx" or "data" => "\"AQID\"",
        "prove" => "true",
        "path" => "\"/chain\"",
        "query" => "\"tx.height=1\"",
        _ => "\"1\"",
    };
}
