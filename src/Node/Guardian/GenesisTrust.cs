using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using System.Text.Json;
using AppChain.Abci;
using AppChain.StateMachine;

namespace AppChain.Node;

/// <summary>
/// What a guardian knows of its chain from a file of its own: the id, the first validators, and the markets.
/// </summary>
/// <param name="ChainId">The chain.</param>
/// <param name="Validators">In set order.</param>
/// <param name="Markets">Numbers of all markets; only a genesis makes markets.</param>
internal sealed record GenesisTrust(
    string ChainId, IReadOnlyList<Abci.Wire.Types.Validator> Validators, IReadOnlyList<uint> Markets)
{
    /// <summary>Reads a genesis document.</summary>
    /// <exception cref="FormatException">It is none; the message names the file.</exception>
    public static GenesisTrust Read(string path)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(File.ReadAllText(path));
            JsonElement json = document.RootElement;
            string chainId = RpcJsonReader.Text(json, "chain_id");
            return chainId.Length == 0
                ? throw new FormatException("it has no chain_id")
                : new GenesisTrust(
                    chainId,
                    TrustedValidators.Read(json),
                    MarketsOf(RpcJsonReader.Member(json, "app_state").GetRawText()));
        }
        catch (Exception cause) when (cause is JsonException or FormatException or GenesisException)
        {
            throw new FormatException($"{path} is no genesis: {cause.Message}", cause);
        }
    }

    private static IReadOnlyList<uint> MarketsOf(string appState)
    {
        if (!ExportedState.TryParse(Encoding.UTF8.GetBytes(appState), out List<KeyValuePair<byte[], byte[]>>? rows))
        {
            return [.. GenesisFile.Parse(appState).Markets.Select(market => market.MarketId)];
        }

        var markets = new List<uint>();
        foreach (KeyValuePair<byte[], byte[]> row in rows)
        {
            if (row.Key[0] == (byte)RowKind.Market && row.Key.Length == 1 + sizeof(uint))
            {
                var key = new ByteReader(row.Key.AsSpan(1));
                markets.Add(key.ReadUInt32());
            }
        }

        return markets;
    }
}
