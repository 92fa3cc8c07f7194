using System.Collections.Generic;
using System.Globalization;
using System.Text.Json;
using AppChain.Abci;
using AppChain.Abci.Wire;
using AppChain.Abci.Wire.Types;

namespace AppChain.Localnet;

/// <summary>One event that can be subscribed to: its values by composite key, and how its data are written.</summary>
public sealed record EventMessage(Dictionary<string, List<string>> Events, System.Action<Utf8JsonWriter> WriteData);

/// <summary>The events that an applied block raises: the block itself, then each of its transactions.</summary>
public static class EventMessages
{
    /// <summary>NewBlock, then Tx for each transaction in order.</summary>
    public static IEnumerable<EventMessage> Of(SealedBlock block, ResponseFinalizeBlock results)
    {
        yield return new EventMessage(Composite("NewBlock", results.Events), json => WriteBlock(json, block, results));
        for (int i = 0; i < block.Block.Data.Txs.Count; i++)
        {
            int index = i;
            Dictionary<string, List<string>> events = Composite("Tx", results.TxResults[i].Events);
            events["tx.hash"] = [RpcJsonWriter.Hex(Mempool.HashOf(block.Block.Data.Txs[i]))];
            events["tx.height"] = [Text(block.Height)];
            yield return new EventMessage(events, json => WriteTransaction(json, block, results, index));
        }
    }

    private static Dictionary<string, List<string>> Composite(string kind, IEnumerable<Event> events)
    {
        Dictionary<string, List<string>> values = new() { ["tm.event"] = [kind] };
        foreach (Event item in events)
        {
            foreach (EventAttribute attribute in item.Attributes)
            {
                string key = $"{item.Type}.{attribute.Key}";
                if (!values.TryGetValue(key, out List<string>? list)) values.Add(key, list = []);
                list.Add(attribute.Value);
            }
        }
        return values;
    }

    private static void WriteBlock(Utf8JsonWriter json, SealedBlock block, ResponseFinalizeBlock results)
    {
        json.WriteStartObject();
        json.WriteString("type", "tendermint/event/NewBlock");
        json.WriteStartObject("value");
        json.WritePropertyName("block");
        RpcJsonWriter.Block(json, block.Block);
        json.WritePropertyName("block_id");
        RpcJsonWriter.BlockId(json, block.Id);
        json.WriteStartObject("result_finalize_block");
        json.WriteStartArray("events");
        foreach (Event item in results.Events) RpcJsonWriter.Event(json, item);
        json.WriteEndArray();
        json.WriteStartArray("tx_results");
        foreach (ExecTxResult result in results.TxResults) RpcJsonWriter.TxResult(json, result);
        json.WriteEndArray();
        RpcJsonWriter.Bytes(json, "app_hash", results.AppHash);
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteTransaction(
        Utf8JsonWriter json, SealedBlock block, ResponseFinalizeBlock results, int index)
    {
        json.WriteStartObject();
        json.WriteString("type", "tendermint/event/Tx");
        json.WriteStartObject("value");
        json.WriteStartObject("TxResult");
        json.WriteString("height", Text(block.Height));
        if (index > 0) json.WriteNumber("index", index);
        json.WriteBase64String("tx", block.Block.Data.Txs[index].Span);
        json.WritePropertyName("result");
        RpcJsonWriter.TxResult(json, results.TxResults[index]);
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static string Text(long value) => value.ToString(CultureInfo.InvariantCulture);
}
