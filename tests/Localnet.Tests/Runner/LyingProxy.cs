using System;
using System.IO;
using System.Net;
using System.Net.Http;
using System.Text.Json.Nodes;
using System.Threading.Tasks;
using AppChain.StateMachine;
using Google.Protobuf;

namespace AppChain.Localnet.Tests;

/// <summary>
/// Stands between somebody and a node, and alters one kind of answer. The lies first; the last is none.
/// </summary>
internal sealed class LyingProxy : IDisposable
{
    private readonly HttpListener _listener = new();
    private readonly HttpClient _node = new();
    private readonly string _target;
    private readonly Lie _lie;

    /// <summary>What is altered.</summary>
    public enum Lie
    {
        /// <summary>The destination in the row of the withdrawal.</summary>
        Destination,

        /// <summary>The members of the council.</summary>
        Council,

        /// <summary>The app hash in the header, and all that follows from it in the proofs of others.</summary>
        AppHash,

        /// <summary>Who the validators are.</summary>
        Validators,

        /// <summary>Whose account it is.</summary>
        Account,

        /// <summary>Only what nobody believes: amount and destination in the list.</summary>
        None,
    }

    public LyingProxy(string target, int port, Lie lie)
    {
        (_target, _lie) = (target, lie);
        Url = $"http://127.0.0.1:{port}";
        _listener.Prefixes.Add(Url + "/");
        _listener.Start();
        _ = Task.Run(ServeAsync);
    }

    public string Url { get; }

    public void Dispose()
    {
        _listener.Close();
        _node.Dispose();
    }

    private async Task ServeAsync()
    {
        while (_listener.IsListening)
        {
            try
            {
                HttpListenerContext context = await _listener.GetContextAsync();
                using var reader = new StreamReader(context.Request.InputStream);
                string question = await reader.ReadToEndAsync();
                using var content = new StringContent(question, null, "application/json");
                using HttpResponseMessage response = await _node.PostAsync(_target, content);
                JsonNode answer = JsonNode.Parse(await response.Content.ReadAsStringAsync())!;
                Alter(JsonNode.Parse(question)!, answer);
                context.Response.ContentType = "application/json";
                await using var writer = new StreamWriter(context.Response.OutputStream);
                await writer.WriteAsync(answer.ToJsonString());
            }
            catch (Exception error)
                when (error is HttpListenerException or ObjectDisposedException or IOException or HttpRequestException)
            {
                // The test is over.
            }
        }
    }

    private void Alter(JsonNode question, JsonNode answer)
    {
        string method = (string)question["method"]!;
        JsonNode? result = answer["result"];
        if (method == "commit" && _lie == Lie.AppHash)
        {
            result!["signed_header"]!["header"]!["app_hash"] = new string('A', 64);
        }
        else if (method == "validators" && _lie == Lie.Validators)
        {
            result!["validators"]![0]!["voting_power"] = "1000";
        }
        else if (method == "abci_query" && result?["response"]?["value"] is JsonNode value)
        {
            byte[] bytes = Convert.FromBase64String((string)value!);
            result["response"]!["value"] = Convert.ToBase64String(Altered((string)question["params"]!["path"]!, bytes));
        }
    }

    private byte[] Altered(string path, byte[] bytes)
    {
        if (path == "/withdrawals" && _lie is (Lie.None or Lie.Account))
        {
            var list = V1.WithdrawalsResponse.Parser.ParseFrom(bytes);
            foreach (V1.Withdrawal one in list.Withdrawals)
            {
                (one.Destination, one.Amount) = ("74686965666666", "99");
                one.Account = _lie == Lie.Account ? one.Account[..^1] + "1" : one.Account;
            }

            return list.ToByteArray();
        }

        if (path != "/proof")
        {
            return bytes;
        }

        var proof = V1.ProofResponse.Parser.ParseFrom(bytes);
        var kind = (RowKind)proof.Key[0];
        byte[] row = proof.Value.ToByteArray();
        int at = kind == RowKind.Withdrawal && _lie == Lie.Destination ? row.AsSpan().IndexOf("iban-1"u8)
            : kind == RowKind.Council && _lie == Lie.Council ? row.Length / 2
            : -1;
        if (at >= 0)
        {
            row[at] ^= 1;
            proof.Value = ByteString.CopyFrom(row);
        }

        return proof.ToByteArray();
    }
}
