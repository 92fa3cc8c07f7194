using System;
using System.Collections.Generic;
using System.Linq;
using System.Text.Json;
using System.Threading.Tasks;
using AppChain.Abci;
using AppChain.Abci.Wire;
using AppChain.Abci.Wire.Types;
using Google.Protobuf;

namespace AppChain.Localnet;

/// <content>Submitting transactions and finding them again.</content>
public sealed partial class RpcMethods
{
    private static readonly TimeSpan CommitPatience = TimeSpan.FromSeconds(10);

    private Task<Action<Utf8JsonWriter>> BroadcastAsync(RpcParameters parameters)
    {
        ByteString transaction = TransactionOf(parameters);
        Task<ResponseCheckTx> submission = _source.Node.Submit(transaction);
        // Only what the mempool refuses at once is reported; the verdict of the application is not waited for.
        if (submission.IsFaulted) submission.GetAwaiter().GetResult();
        _ = submission.ContinueWith(task => task.Exception, TaskScheduler.Default);
        return Task.FromResult(Submitted(new ResponseCheckTx(), transaction));
    }

    private async Task<Action<Utf8JsonWriter>> BroadcastSync(RpcParameters parameters)
    {
        ByteString transaction = TransactionOf(parameters);
        return Submitted(await _source.Node.Submit(transaction).ConfigureAwait(false), transaction);
    }

    private async Task<Action<Utf8JsonWriter>> BroadcastCommit(RpcParameters parameters)
    {
        ByteString transaction = TransactionOf(parameters);
        ByteString hash = Mempool.HashOf(transaction);
        TaskCompletionSource<(long Height, ExecTxResult Result)> committed =
            new(TaskCreationOptions.RunContinuationsAsynchronously);
        using IDisposable subscription = _source.Events.Subscribe((block, results) =>
        {
            for (int i = 0; i < block.Block.Data.Txs.Count; i++)
            {
                if (block.Block.Data.Txs[i] == transaction)
                    committed.TrySetResult((block.Height, results.TxResults[i]));
            }
        });
        ResponseCheckTx check = await _source.Node.Submit(transaction).ConfigureAwait(false);
        (long height, ExecTxResult result) = (0, new ExecTxResult());
        if (check.Code == 0)
        {
            Task first = await Task.WhenAny(committed.Task, Task.Delay(CommitPatience)).ConfigureAwait(false);
            if (first != committed.Task) throw RpcError.Failed("timed out waiting for tx to be included in a block");
            (height, result) = await committed.Task.ConfigureAwait(false);
        }
        return json => WriteObject(json, () =>
        {
            json.WritePropertyName("check_tx");
            RpcJsonWriter.TxResult(json, AsResult(check));
            json.WritePropertyName("tx_result");
            RpcJsonWriter.TxResult(json, result);
            json.WriteString("hash", RpcJsonWriter.Hex(hash));
            json.WriteString("height", Text(height));
        });
    }

    private async Task<Action<Utf8JsonWriter>> CheckTx(RpcParameters parameters)
    {
        RequestCheckTx request = new() { Tx = TransactionOf(parameters), Type = CheckTxType.New };
        ResponseCheckTx check = await _source.Application.CheckTx(request).ConfigureAwait(false);
        return json => RpcJsonWriter.TxResult(json, AsResult(check));
    }

    private Action<Utf8JsonWriter> Transaction(RpcParameters parameters)
    {
        ByteString hash = parameters.Bytes("hash");
        (long height, int index) = Store.FindTransaction(hash)
            ?? throw RpcError.Failed($"tx ({RpcJsonWriter.Hex(hash)}) not found");
        Data data = BlockAt(height).Block.Data;
        ExecTxResult result = Store.LoadResponse(height)!.TxResults[index];
        bool prove = parameters.Flag("prove");
        return json => WriteObject(json, () =>
        {
            json.WriteString("hash", RpcJsonWriter.Hex(hash));
            json.WriteString("height", Text(height));
            json.WriteNumber("index", index);
            json.WritePropertyName("tx_result");
            RpcJsonWriter.TxResult(json, result);
            json.WriteBase64String("tx", data.Txs[index].Span);
            if (!prove) return;
            json.WritePropertyName("proof");
            RpcJsonWriter.TxProof(json, BlockHashes.ProveTransaction(data.Txs, index));
        });
    }

    private Action<Utf8JsonWriter> Unconfirmed(RpcParameters parameters)
    {
        long limit = parameters.Integer("limit") ?? DefaultPage;
        if (limit is < 1 or > MaximumPage) limit = DefaultPage;
        List<ByteString> transactions = _source.Node.Mempool.First((int)limit);
        return json => WriteUnconfirmed(json, transactions);
    }

    private void WriteUnconfirmed(Utf8JsonWriter json, List<ByteString>? transactions) => WriteObject(json, () =>
    {
        (int count, long bytes) = _source.Node.Mempool.Size;
        json.WriteString("n_txs", Text(transactions?.Count ?? count));
        json.WriteString("total", Text(count));
        json.WriteString("total_bytes", Text(bytes));
        json.WritePropertyName("txs");
        if (transactions is null)
        {
            json.WriteNullValue();
            return;
        }
        json.WriteStartArray();
        foreach (ByteString transaction in transactions) json.WriteBase64StringValue(transaction.Span);
        json.WriteEndArray();
    });

    private static Action<Utf8JsonWriter> Submitted(ResponseCheckTx check, ByteString transaction) =>
        json => WriteObject(json, () =>
        {
            json.WriteNumber("code", check.Code);
            json.WriteString("data", RpcJsonWriter.Hex(check.Data));
            json.WriteString("log", check.Log);
            json.WriteString("codespace", check.Codespace);
            json.WriteString("hash", RpcJsonWriter.Hex(Mempool.HashOf(transaction)));
        });

    private static ByteString TransactionOf(RpcParameters parameters)
    {
        ByteString transaction = parameters.Bytes("tx");
        return transaction.IsEmpty ? throw RpcError.BadParameter("tx is missing or empty") : transaction;
    }

    private static ExecTxResult AsResult(ResponseCheckTx check)
    {
        ExecTxResult result = new()
        {
            Code = check.Code,
            Data = check.Data,
            Log = check.Log,
            Info = check.Info,
            GasWanted = check.GasWanted,
            GasUsed = check.GasUsed,
            Codespace = check.Codespace,
        };
        result.Events.Add(check.Events);
        return result;
    }
}
