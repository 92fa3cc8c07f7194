using System;
using System.Collections.Generic;
using System.CommandLine;
using System.Globalization;
using System.Threading;
using System.Threading.Tasks;

namespace AppChain.Node;

/// <summary><c>status</c>: what an operator wants to know of a node first.</summary>
internal static class StatusCommand
{
    private sealed record Answer(
        NodeStatus Node, long Peers, (long Count, long Bytes) Mempool, ApplicationInfo Application,
        V1.ChainResponse Chain, V1.MarketsResponse Markets);

    public static Command Build(Shell shell)
    {
        var command = new Command("status", "Height, health and prices of a node.");
        var node = new NodeOption(command);
        var output = new OutputOption(command);
        command.SetAction(async (parsed, cancel) =>
        {
            using RpcClient client = node.Connect(parsed, shell);
            Answer answer = await AskAsync(client, cancel).ConfigureAwait(false);
            Printer printer = output.Printer(parsed, shell);
            if (printer.IsJson)
            {
                PrintJson(printer, answer);
            }
            else
            {
                Print(printer, client.Url, answer);
            }

            return ExitCode.Ok;
        });
        return command;
    }

    private static async Task<Answer> AskAsync(RpcClient client, CancellationToken cancel) => new(
        await client.StatusAsync(cancel).ConfigureAwait(false),
        await client.PeersAsync(cancel).ConfigureAwait(false),
        await client.MempoolAsync(cancel).ConfigureAwait(false),
        await client.ApplicationInfoAsync(cancel).ConfigureAwait(false),
        await client.ChainAsync(cancel).ConfigureAwait(false),
        await client.MarketsAsync(cancel).ConfigureAwait(false));

    private static void Print(Printer printer, Uri url, Answer answer)
    {
        NodeStatus node = answer.Node;
        string engine = node.EngineVersion.Length > 0 ? $", engine {node.EngineVersion}" : "";
        printer.Pairs(
            ("node", $"{node.Moniker} at {url.Authority}{engine}, application {answer.Application.Version}"),
            ("chain", node.ChainId),
            ("height", $"{node.Height}, {(node.IsCatchingUp ? "catching up" : "in step with the chain")}"),
            ("block time", QueryText.Time(answer.Chain.Time) + " UTC"),
            ("app hash", answer.Chain.AppHash),
            ("validator", node.VotingPower > 0
                ? $"{node.ValidatorAddress}, power {Number(node.VotingPower)}"
                : "no validator: it follows the chain without a vote"),
            ("peers", Number(answer.Peers)),
            ("mempool", $"{Number(answer.Mempool.Count)} transactions, {Number(answer.Mempool.Bytes)} bytes"),
            (
                "conservation",
                $"held {DecimalText.FormatAmount(Int128.Parse(answer.Chain.Held, CultureInfo.InvariantCulture))}, "
                + $"difference {answer.Chain.Difference}"));
        printer.Line();
        var rows = new List<string[]>();
        foreach (V1.Market market in answer.Markets.Markets)
        {
            rows.Add(
            [
                market.Ticker, QueryText.Word(market.OracleState), market.FormatPrice(market.IndexPrice),
                market.FormatPrice(market.Confidence), market.FormatPrice(market.MarkPrice),
                market.FormatQuantity(market.OpenInterest),
            ]);
        }

        printer.Table(["market", "oracle", ">index price", ">±", ">mark price", ">open interest"], rows, "no markets");
    }

    private static void PrintJson(Printer printer, Answer answer) => printer.Json(json =>
    {
        json.WriteStartObject();
        json.WriteString("chain_id", answer.Node.ChainId);
        json.WriteString("moniker", answer.Node.Moniker);
        json.WriteString("node_id", answer.Node.NodeId);
        json.WriteString("engine_version", answer.Node.EngineVersion);
        json.WriteString("application_version", answer.Application.Version);
        json.WriteNumber("height", answer.Node.Height);
        json.WriteNumber("application_height", answer.Application.Height);
        json.WriteNumber("block_time", answer.Chain.Time);
        json.WriteString("app_hash", answer.Chain.AppHash);
        json.WriteBoolean("catching_up", answer.Node.IsCatchingUp);
        json.WriteString("validator_address", answer.Node.ValidatorAddress);
        json.WriteNumber("voting_power", answer.Node.VotingPower);
        json.WriteNumber("peers", answer.Peers);
        json.WriteStartObject("mempool");
        json.WriteNumber("transactions", answer.Mempool.Count);
        json.WriteNumber("bytes", answer.Mempool.Bytes);
        json.WriteEndObject();
        json.WriteString("held", answer.Chain.Held);
        json.WriteString("difference", answer.Chain.Difference);
        json.WriteStartArray("markets");
        foreach (V1.Market market in answer.Markets.Markets)
        {
            json.WriteStartObject();
            json.WriteString("ticker", market.Ticker);
            json.WriteString("oracle_state", QueryText.Word(market.OracleState));
            json.WriteNumber("index_price", market.IndexPrice);
            json.WriteNumber("confidence", market.Confidence);
            json.WriteNumber("mark_price", market.MarkPrice);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    });

    private static string Number(long value) => value.ToString("N0", CultureInfo.InvariantCulture);
}
