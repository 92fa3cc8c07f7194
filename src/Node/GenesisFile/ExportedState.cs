using System;
using System.Collections.Generic;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using System.Text.Json;
using AppChain.Abci;
using AppChain.StateMachine;
using Google.Protobuf.WellKnownTypes;

namespace AppChain.Node;

/// <summary>
/// A genesis document with every row of a height (docs/spec/genesis.md): <c>app_state</c> is then
/// <c>{"rows": [[key, value], …]}</c> in base64, ascending by key, instead of markets and accounts.
/// </summary>
public static class ExportedState
{
    private const string Field = "rows";

    /// <summary>Writes a whole genesis document.</summary>
    /// <param name="exchange">The chain after the exported height.</param>
    /// <param name="rows">Its rows, ascending by key.</param>
    /// <param name="consensusParams">JSON of <c>consensus_params</c>.</param>
    public static byte[] Write(
        Exchange exchange, IEnumerable<KeyValuePair<byte[], byte[]>> rows, string consensusParams)
    {
        using var buffer = new System.IO.MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteString("genesis_time", TimeText(exchange.Time));
            json.WriteString("chain_id", exchange.ChainId);
            json.WriteString("initial_height", (exchange.Height + 1).ToString(CultureInfo.InvariantCulture));
            json.WritePropertyName("consensus_params");
            json.WriteRawValue(consensusParams);
            json.WriteStartArray("validators");
            foreach (Validator validator in exchange.ValidatorsAt(exchange.Height + 2))
            {
                json.WriteStartObject();
                json.WriteString("address", Convert.ToHexString(validator.Address.ToArray()));
                json.WriteStartObject("pub_key");
                json.WriteString("type", "tendermint/PubKeyEd25519");
                json.WriteString("value", Convert.ToBase64String(validator.PublicKey.AsSpan()));
                json.WriteEndObject();
                json.WriteString("power", validator.Power.ToString(CultureInfo.InvariantCulture));
                json.WriteString("name", "");
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteString("app_hash", "");
            json.WriteStartObject("app_state");
            json.WriteStartArray(Field);
            foreach (KeyValuePair<byte[], byte[]> row in rows)
            {
                json.WriteStartArray();
                json.WriteBase64StringValue(row.Key);
                json.WriteBase64StringValue(row.Value);
                json.WriteEndArray();
            }

            json.WriteEndArray();
            json.WriteEndObject();
            json.WriteEndObject();
        }

        return buffer.ToArray();
    }

    /// <summary>Reads <c>app_state</c> when it has rows; false when it is that of a new chain.</summary>
    /// <exception cref="GenesisException">It has rows and does not parse.</exception>
    public static bool TryParse(
        ReadOnlyMemory<byte> appState, [NotNullWhen(true)] out List<KeyValuePair<byte[], byte[]>>? rows)
    {
        rows = null;
        try
        {
            using JsonDocument document = JsonDocument.Parse(
                appState, new JsonDocumentOptions { AllowDuplicateProperties = false });
            JsonElement root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty(Field, out JsonElement list))
            {
                return false;
            }

            if (root.GetPropertyCount() != 1 || list.ValueKind != JsonValueKind.Array)
            {
                throw new GenesisException("app_state: rows are a list, and nothing else may stand beside them");
            }

            rows = new List<KeyValuePair<byte[], byte[]>>(list.GetArrayLength());
            foreach (JsonElement row in list.EnumerateArray())
            {
                rows.Add(RowOf(row, rows.Count));
                bool ascends = rows.Count < 2 || rows[^2].Key.AsSpan().SequenceCompareTo(rows[^1].Key) < 0;
                Require(ascends, rows.Count - 1, "keys must ascend");
            }

            return true;
        }
        catch (JsonException broken)
        {
            throw new GenesisException($"app_state is not JSON: {broken.Message}");
        }
    }

    private static KeyValuePair<byte[], byte[]> RowOf(JsonElement row, int index)
    {
        Require(row.ValueKind == JsonValueKind.Array && row.GetArrayLength() == 2, index, "expected a key and a value");
        return new KeyValuePair<byte[], byte[]>(BytesOf(row[0], index), BytesOf(row[1], index));
    }

    private static byte[] BytesOf(JsonElement text, int index)
    {
        byte[]? bytes = null;
        bool isBase64 = text.ValueKind == JsonValueKind.String && text.TryGetBytesFromBase64(out bytes);
        Require(isBase64 && bytes!.Length > 0, index, "expected base64 of at least one byte");
        return bytes!;
    }

    private static void Require(bool condition, int index, string problem)
    {
        if (!condition)
        {
            throw new GenesisException(string.Create(
                CultureInfo.InvariantCulture, $"app_state.rows[{index}]: {problem}"));
        }
    }

    // RFC 3339 with all nine digits of a second.
    private static string TimeText(long nanoseconds)
    {
        Timestamp time = WireTime.FromNanoseconds(nanoseconds);
        string seconds = DateTime.UnixEpoch.AddSeconds(time.Seconds).ToString(
            "yyyy-MM-dd'T'HH:mm:ss", CultureInfo.InvariantCulture);
        return string.Create(CultureInfo.InvariantCulture, $"{seconds}.{time.Nanos:000000000}Z");
    }
}
