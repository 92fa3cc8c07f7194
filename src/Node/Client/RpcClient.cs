using System;
using System.Buffers;
using System.Collections.Generic;
using System.Globalization;
using System.Net.Http;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Threading;
using System.Threading.Tasks;
using AppChain.Abci;
using AppChain.Abci.Wire.Types;
using Google.Protobuf;

namespace AppChain.Node;

/// <summary>
/// Speaks JSON-RPC to a CometBFT node or to the embedded engine, which serve the same methods. One client keeps its
/// connections open and may be used from many threads.
/// </summary>
public sealed class RpcClient : IDisposable
{
    /// <summary>Where a node on this machine listens.</summary>
    public const string DefaultUrl = "http://127.0.0.1:26657";

    private const int ValidatorsPerPage = 100;
    private static readonly MediaTypeHeaderValue JsonContent = new("application/json");

    private readonly HttpClient _http;
    private long _nextId;

    /// <summary>A client of the node at a URL, such as http://127.0.0.1:26657 (tcp:// is read as http://).</summary>
    /// <exception cref="FormatException">That is no URL.</exception>
    public RpcClient(string url, TimeSpan? timeout = null)
    {
        string http = url.StartsWith("tcp://", StringComparison.Ordinal) ? $"http://{url[6..]}" : url;
        if (!Uri.TryCreate(http, UriKind.Absolute, out Uri? address) || address.Scheme is not ("http" or "https"))
        {
            throw new FormatException($"'{url}' is not a URL such as {DefaultUrl}");
        }

        Url = address;
        _http = new HttpClient { Timeout = timeout ?? TimeSpan.FromSeconds(15) };
    }

    /// <summary>Where the node is.</summary>
    public Uri Url { get; }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    /// <summary>What the node says about itself.</summary>
    public async Task<NodeStatus> StatusAsync(CancellationToken cancel = default)
    {
        using JsonDocument answer = await CallAsync("status", null, cancel).ConfigureAwait(false);
        return Read("status", answer, result =>
        {
            JsonElement node = RpcJsonReader.Member(result, "node_info");
            JsonElement sync = RpcJsonReader.Member(result, "sync_info");
            return new NodeStatus(
                RpcJsonReader.Text(node, "network"),
                RpcJsonReader.Text(node, "id"),
                RpcJsonReader.Text(node, "moniker"),
                RpcJsonReader.Int64(sync, "latest_block_height"),
                RpcJsonReader.Hex(sync, "latest_app_hash"),
                WireTime.Parse(RpcJsonReader.Text(sync, "latest_block_time")).ToDateTimeOffset(),
                Flag(sync, "catching_up"),
                RpcJsonReader.TryMember(node, "version", out _) ? RpcJsonReader.Text(node, "version") : "",
                RpcJsonReader.TryMember(result, "validator_info", out JsonElement self)
                    ? RpcJsonReader.Text(self, "address")
                    : "",
                RpcJsonReader.TryMember(result, "validator_info", out self)
                    ? RpcJsonReader.Int64(self, "voting_power")
                    : 0);
        });
    }

    /// <summary>How many other nodes the node is connected to.</summary>
    public async Task<long> PeersAsync(CancellationToken cancel = default)
    {
        using JsonDocument answer = await CallAsync("net_info", null, cancel).ConfigureAwait(false);
        return Read("net_info", answer, result => RpcJsonReader.Int64(result, "n_peers"));
    }

    /// <summary>Where a CometBFT stands in the height that it is deciding, and what prevotes it has there.</summary>
    public async Task<ConsensusPlace> ConsensusPlaceAsync(CancellationToken cancel = default)
    {
        using JsonDocument answer = await CallAsync("consensus_state", null, cancel).ConfigureAwait(false);
        return Read(
            "consensus_state", answer, result => ConsensusPlace.Of(RpcJsonReader.Member(result, "round_state")));
    }

    /// <summary>Number and bytes of the transactions that wait in the node's mempool.</summary>
    public async Task<(long Count, long Bytes)> MempoolAsync(CancellationToken cancel = default)
    {
        using JsonDocument answer = await CallAsync("num_unconfirmed_txs", null, cancel).ConfigureAwait(false);
        return Read("num_unconfirmed_txs", answer, result =>
            (RpcJsonReader.Int64(result, "total"), RpcJsonReader.Int64(result, "total_bytes")));
    }

    /// <summary>Hands a transaction to the mempool and waits for its check.</summary>
    public Task<BroadcastResult> BroadcastSyncAsync(
        ReadOnlyMemory<byte> transaction, CancellationToken cancel = default) =>
        BroadcastAsync("broadcast_tx_sync", transaction, cancel);

    /// <summary>Hands a transaction to the node without waiting for a check; the code is always 0.</summary>
    public Task<BroadcastResult> BroadcastAsync(ReadOnlyMemory<byte> transaction, CancellationToken cancel = default) =>
        BroadcastAsync("broadcast_tx_async", transaction, cancel);

    /// <summary>
    /// Hands a transaction to the node and waits until it is in a block. Null with the check's result when the mempool
    /// refused it. The node gives up after some seconds; prefer <see cref="WaitForTransactionAsync"/>.
    /// </summary>
    public async Task<(BroadcastResult Check, CommittedTransaction? Committed)> BroadcastCommitAsync(
        ReadOnlyMemory<byte> transaction, CancellationToken cancel = default)
    {
        using JsonDocument answer = await CallAsync(
            "broadcast_tx_commit",
            json => json.WriteBase64String("tx", transaction.Span),
            cancel).ConfigureAwait(false);
        return Read("broadcast_tx_commit", answer, result =>
        {
            ByteString hash = RpcJsonReader.Hex(result, "hash");
            JsonElement check = RpcJsonReader.Member(result, "check_tx");
            var checkResult = new BroadcastResult(
                (uint)RpcJsonReader.Int64(check, "code"), RpcJsonReader.Text(check, "log"), hash);
            long height = RpcJsonReader.Int64(result, "height");
            CommittedTransaction? committed = checkResult.Code != 0 || height == 0
                ? null
                : new CommittedTransaction(
                    hash, height, -1, ByteString.Empty,
                    RpcJsonReader.TxResult(RpcJsonReader.Member(result, "tx_result")));
            return (checkResult, committed);
        });
    }

    /// <summary>A transaction by its hash; null when no block has it, or the index does not know it yet.</summary>
    public async Task<CommittedTransaction?> TransactionAsync(
        ReadOnlyMemory<byte> hash, CancellationToken cancel = default)
    {
        try
        {
            using JsonDocument answer = await CallAsync(
                "tx", json => json.WriteBase64String("hash", hash.Span), cancel).ConfigureAwait(false);
            return Read("tx", answer, result => new CommittedTransaction(
                RpcJsonReader.Hex(result, "hash"),
                RpcJsonReader.Int64(result, "height"),
                RpcJsonReader.Int64(result, "index"),
                RpcJsonReader.Base64(result, "tx"),
                RpcJsonReader.TxResult(RpcJsonReader.Member(result, "tx_result"))));
        }
        catch (RpcException error) when (error.Message.Contains("not found", StringComparison.OrdinalIgnoreCase))
        {
            return null;
        }
    }

    /// <summary>Asks for a transaction until a block has it; null when the time is over.</summary>
    public async Task<CommittedTransaction?> WaitForTransactionAsync(
        ReadOnlyMemory<byte> hash, TimeSpan timeout, CancellationToken cancel = default)
    {
        long until = Environment.TickCount64 + (long)timeout.TotalMilliseconds;
        // BOUND: ends when the time is over.
        while (true)
        {
            CommittedTransaction? found = await TransactionAsync(hash, cancel).ConfigureAwait(false);
            if (found is not null || Environment.TickCount64 >= until)
            {
                return found;
            }

            await Task.Delay(100, cancel).ConfigureAwait(false);
        }
    }

    /// <summary>A block; the newest when no height is given.</summary>
    public async Task<BlockAnswer> BlockAsync(long height = 0, CancellationToken cancel = default)
    {
        using JsonDocument answer = await CallAsync("block", At(height), cancel).ConfigureAwait(false);
        return Read("block", answer, result => new BlockAnswer(
            RpcJsonReader.BlockId(RpcJsonReader.Member(result, "block_id")),
            RpcJsonReader.Block(RpcJsonReader.Member(result, "block"))));
    }

    /// <summary>What executing a block gave; the newest when no height is given.</summary>
    public async Task<Abci.Wire.ResponseFinalizeBlock> BlockResultsAsync(
        long height = 0, CancellationToken cancel = default)
    {
        using JsonDocument answer = await CallAsync("block_results", At(height), cancel).ConfigureAwait(false);
        return Read("block_results", answer, RpcJsonReader.BlockResults);
    }

    /// <summary>
    /// The header of a height and the signatures that made it final; the newest when no height is given.
    /// </summary>
    public async Task<CommitAnswer> CommitAsync(long height = 0, CancellationToken cancel = default)
    {
        using JsonDocument answer = await CallAsync("commit", At(height), cancel).ConfigureAwait(false);
        return Read("commit", answer, result => new CommitAnswer(
            RpcJsonReader.SignedHeader(RpcJsonReader.Member(result, "signed_header")), Flag(result, "canonical")));
    }

    /// <summary>
    /// The validators that vote on a height, in CometBFT's order; the newest when no height is given.
    /// </summary>
    public async Task<IReadOnlyList<Abci.Wire.Types.Validator>> ValidatorsAsync(
        long height = 0, CancellationToken cancel = default)
    {
        var validators = new List<Abci.Wire.Types.Validator>();
        // BOUND: one turn per page of a set of at most Limits.ValidatorsMax.
        for (int page = 1; ; page++)
        {
            int number = page;
            using JsonDocument answer = await CallAsync(
                "validators",
                json =>
                {
                    At(height)?.Invoke(json);
                    json.WriteString("page", number.ToString(CultureInfo.InvariantCulture));
                    json.WriteString("per_page", ValidatorsPerPage.ToString(CultureInfo.InvariantCulture));
                },
                cancel).ConfigureAwait(false);
            long total = Read("validators", answer, result =>
            {
                validators.AddRange(RpcJsonReader.Validators(result));
                return RpcJsonReader.Int64(result, "total");
            });
            if (validators.Count >= total || page * ValidatorsPerPage >= total)
            {
                return validators;
            }
        }
    }

    /// <summary>What the application says about itself.</summary>
    public async Task<ApplicationInfo> ApplicationInfoAsync(CancellationToken cancel = default)
    {
        using JsonDocument answer = await CallAsync("abci_info", null, cancel).ConfigureAwait(false);
        return Read("abci_info", answer, result =>
        {
            JsonElement response = RpcJsonReader.Member(result, "response");
            return new ApplicationInfo(
                RpcJsonReader.Int64(response, "last_block_height"),
                RpcJsonReader.Base64(response, "last_block_app_hash"),
                RpcJsonReader.Text(response, "version"),
                RpcJsonReader.Text(response, "data"));
        });
    }

    /// <summary>Asks the application; height 0 is the newest.</summary>
    public async Task<QueryAnswer> QueryAsync(
        string path, ReadOnlyMemory<byte> data, long height = 0, CancellationToken cancel = default)
    {
        using JsonDocument answer = await CallAsync(
            "abci_query",
            json =>
            {
                json.WriteString("path", path);
                json.WriteString("data", Convert.ToHexString(data.Span));
                json.WriteString("height", height.ToString(CultureInfo.InvariantCulture));
                json.WriteBoolean("prove", false);
            },
            cancel).ConfigureAwait(false);
        return Read("abci_query", answer, result =>
        {
            JsonElement response = RpcJsonReader.Member(result, "response");
            return new QueryAnswer(
                (uint)RpcJsonReader.Int64(response, "code"),
                RpcJsonReader.Text(response, "codespace"),
                RpcJsonReader.Text(response, "log"),
                RpcJsonReader.Base64(response, "value"),
                RpcJsonReader.Int64(response, "height"));
        });
    }

    /// <summary>
    /// Calls any method; the document is the whole answer, whose <c>result</c> is there. The caller disposes it.
    /// </summary>
    /// <param name="method">Name of the method.</param>
    /// <param name="writeParameters">Writes the members of the parameter object; null when there are none.</param>
    /// <param name="cancel">Gives up early.</param>
    /// <exception cref="NodeUnreachableException">No answer, or none in JSON-RPC.</exception>
    /// <exception cref="RpcException">The node answered with an error.</exception>
    public async Task<JsonDocument> CallAsync(
        string method, Action<Utf8JsonWriter>? writeParameters, CancellationToken cancel = default)
    {
        JsonDocument document = await PostAsync(WriteRequest(method, writeParameters), cancel).ConfigureAwait(false);
        JsonElement answer = document.RootElement;
        if (answer.ValueKind == JsonValueKind.Object && answer.TryGetProperty("error", out JsonElement error)
            && error.ValueKind == JsonValueKind.Object)
        {
            using (document)
            {
                throw new RpcException(
                    RpcJsonReader.Int64(error, "code"),
                    RpcJsonReader.Text(error, "message"),
                    RpcJsonReader.Text(error, "data"));
            }
        }

        if (answer.ValueKind != JsonValueKind.Object || !answer.TryGetProperty("result", out _))
        {
            document.Dispose();
            throw NotANode("the answer is no JSON-RPC");
        }

        return document;
    }

    private async Task<BroadcastResult> BroadcastAsync(
        string method, ReadOnlyMemory<byte> transaction, CancellationToken cancel)
    {
        using JsonDocument answer = await CallAsync(
            method, json => json.WriteBase64String("tx", transaction.Span), cancel).ConfigureAwait(false);
        return Read(method, answer, result => new BroadcastResult(
            (uint)RpcJsonReader.Int64(result, "code"),
            RpcJsonReader.Text(result, "log"),
            RpcJsonReader.Hex(result, "hash")));
    }

    private ReadOnlyMemory<byte> WriteRequest(string method, Action<Utf8JsonWriter>? writeParameters)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using var json = new Utf8JsonWriter(buffer);
        json.WriteStartObject();
        json.WriteString("jsonrpc", "2.0");
        json.WriteNumber("id", Interlocked.Increment(ref _nextId));
        json.WriteString("method", method);
        json.WriteStartObject("params");
        writeParameters?.Invoke(json);
        json.WriteEndObject();
        json.WriteEndObject();
        json.Flush();
        return buffer.WrittenMemory;
    }

    private async Task<JsonDocument> PostAsync(ReadOnlyMemory<byte> request, CancellationToken cancel)
    {
        try
        {
            using var content = new ReadOnlyMemoryContent(request);
            content.Headers.ContentType = JsonContent;
            using HttpResponseMessage response = await _http.PostAsync(Url, content, cancel).ConfigureAwait(false);
            using System.IO.Stream body = await response.Content.ReadAsStreamAsync(cancel).ConfigureAwait(false);
            return await JsonDocument.ParseAsync(body, default, cancel).ConfigureAwait(false);
        }
        catch (OperationCanceledException cause) when (!cancel.IsCancellationRequested)
        {
            throw NotANode($"no answer within {_http.Timeout.TotalSeconds:0} s", cause);
        }
        catch (Exception cause) when (cause is HttpRequestException or System.IO.IOException)
        {
            throw NotANode(cause.GetBaseException().Message, cause);
        }
        catch (JsonException cause)
        {
            throw NotANode("the answer is no JSON", cause);
        }
    }

    private T Read<T>(string method, JsonDocument answer, Func<JsonElement, T> read)
    {
        try
        {
            return read(answer.RootElement.GetProperty("result"));
        }
        catch (Exception cause) when (cause is FormatException or OverflowException)
        {
            throw NotANode($"the answer to {method} is not understood: {cause.Message}", cause);
        }
    }

    private NodeUnreachableException NotANode(string why, Exception? cause = null) =>
        new($"no node at {Url}: {why}; start one with `appchain localnet`, or say where it is with --node URL", cause);

    private static Action<Utf8JsonWriter>? At(long height) => height == 0
        ? null
        : json => json.WriteString("height", height.ToString(CultureInfo.InvariantCulture));

    private static bool Flag(JsonElement json, string name) =>
        RpcJsonReader.TryMember(json, name, out JsonElement value) && value.ValueKind == JsonValueKind.True;
}
