using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text.Json.Nodes;
using AppChain.Margin;
using AppChain.Node;

namespace AppChain.Localnet;

/// <summary>The report of a run, and whether every check held.</summary>
internal static class RunReport
{
    /// <summary>The report in its documented form (localnet/README.md).</summary>
    public static JsonObject Write(
        RunOptions options, Monitor monitor, TraderFloor floor, V1.ChainResponse chain,
        IReadOnlyList<MarketView> markets, CallCheck calls, long blocks, double seconds)
    {
        var rejected = new JsonObject();
        foreach (KeyValuePair<uint, long> code in monitor.Refused.Concat(floor.Refused).GroupBy(pair => pair.Key)
            .ToDictionary(group => group.Key, group => group.Sum(pair => pair.Value)).OrderBy(pair => pair.Key))
        {
            rejected[code.Key.ToString(CultureInfo.InvariantCulture)] = code.Value;
        }

        var oracle = new JsonObject();
        foreach (MarketView market in markets)
        {
            OracleRecord record = monitor.Oracles.GetValueOrDefault(market.Parameters.MarketId) ?? new OracleRecord();
            oracle[market.Parameters.Ticker] = new JsonObject
            {
                ["updates"] = record.Updates,
                ["state"] = record.State,
                ["last_price"] = Decimal(record.LastPrice, market.Parameters),
                ["max_enforcement_delay_blocks"] = record.MaxEnforcementDelayBlocks,
            };
        }

        return new JsonObject
        {
            ["engine"] = options.Engine == EngineKind.Embedded ? "embedded" : "cometbft",
            ["validators"] = options.Validators,
            ["blocks"] = blocks,
            ["seconds"] = Math.Round(seconds, 3),
            ["block_interval_ms"] = new JsonObject
            {
                ["p50"] = Math.Round(Quantile(monitor.Intervals, 0.50), 1),
                ["p99"] = Math.Round(Quantile(monitor.Intervals, 0.99), 1),
            },
            ["app_hash_agreement"] = new JsonObject
            {
                ["heights_checked"] = monitor.HeightsChecked,
                ["mismatches"] = monitor.Mismatches,
            },
            ["transactions"] = new JsonObject
            {
                ["submitted"] = floor.Submitted,
                ["committed"] = monitor.Committed,
                ["rejected"] = rejected,
            },
            ["fills"] = monitor.Fills,
            ["liquidations"] = monitor.Liquidations,
            ["deleveragings"] = monitor.Deleveragings,
            ["oracle"] = oracle,
            ["conservation"] = new JsonObject
            {
                ["held"] = chain.Held,
                ["claims"] = chain.Claims,
                ["insurance_fund"] = chain.InsuranceFund,
                ["fees"] = chain.Fees,
                ["leaving"] = chain.Leaving,
                ["difference"] = chain.Difference,
            },
            ["invariants_checked"] = (long)chain.BlocksChecked,
            ["abci_calls"] = new JsonObject
            {
                ["checked"] = calls.Count,
                ["out_of_order"] = calls.Problems.Count,
            },
        };
    }

    /// <summary>The checks that failed; empty when the run is good.</summary>
    public static IReadOnlyList<string> Failures(
        RunOptions options, Monitor monitor, V1.ChainResponse chain, CallCheck calls, long blocks)
    {
        var failures = new List<string>();
        void Require(bool condition, string what)
        {
            if (!condition)
            {
                failures.Add(what);
            }
        }

        Require(options.Blocks == 0 || blocks >= options.Blocks, $"{blocks} of {options.Blocks} blocks were made");
        Require(monitor.HeightsChecked > 0, "no app hash was compared");
        Require(monitor.Mismatches == 0, $"{monitor.Mismatches} heights with different app hashes or blocks");
        Require(monitor.Lost == 0, $"{monitor.Lost} committed blocks are lost");
        Require(
            monitor.Evidence == 0 || options.Perturbations.Contains("remove"),
            $"{monitor.Evidence} pieces of evidence of misbehaviour in blocks");
        Require(chain.Difference == "0", $"conservation is off by {chain.Difference} micro-USD");
        Require(options.Traders == 0 || options.Blocks < 20 || monitor.Fills > 0, "nothing was traded");
        // The first prices come with the first blocks: a run that was meant to be so short, or was ended by hand so
        // early, need not have any.
        bool isShort = options.Blocks is > 0 and < 5 || (options.Blocks == 0 && blocks < 10);
        Require(isShort || monitor.Oracles.Values.Any(oracle => oracle.Updates > 0), "no oracle update");
        Require(!options.RequireLiquidations || monitor.Liquidations > 0, "nothing was liquidated");
        failures.AddRange(calls.Problems);
        return failures;
    }

    /// <summary>Prints the run in a few lines.</summary>
    public static void Summarise(
        Monitor monitor, TraderFloor floor, V1.ChainResponse chain, SignedPlaces signed, long height, double seconds,
        IReadOnlyList<string> failures)
    {
        Console.WriteLine();
        Console.WriteLine($"{height} blocks in {seconds:0.0} s; {floor.Submitted} transactions submitted, "
            + $"{monitor.Committed} committed");
        Console.WriteLine(
            $"{monitor.Fills} fills, {monitor.Liquidations} liquidations, {monitor.Deleveragings} deleveragings");
        Console.WriteLine($"app hashes: {monitor.HeightsChecked} heights compared on all validators, "
            + $"{monitor.Mismatches} mismatches");
        Console.WriteLine(
            $"conservation: held {chain.Held} = claims {chain.Claims} + insurance fund {chain.InsuranceFund}"
            + $" + fees {chain.Fees} + leaving {chain.Leaving}, difference {chain.Difference}");
        Console.WriteLine($"signatures: {signed.Count} places in the audit logs, {signed.Faults.Count} faults");
        Console.WriteLine(failures.Count == 0 ? "every check held" : "FAILED: " + string.Join("; ", failures));
    }

    private static string Decimal(long ticks, MarketParameters market)
    {
        decimal scale = 1;
        for (int i = 0; i < market.PriceDecimals; i++)
        {
            scale *= 10;
        }

        string format = "F" + market.PriceDecimals.ToString(CultureInfo.InvariantCulture);
        return (ticks / scale).ToString(format, CultureInfo.InvariantCulture);
    }

    private static double Quantile(IReadOnlyList<double> values, double share)
    {
        if (values.Count == 0)
        {
            return 0;
        }

        double[] sorted = [.. values.Order()];
        return sorted[Math.Min(sorted.Length - 1, (int)(sorted.Length * share))];
    }
}
