using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Globalization;
using System.IO;
using NUnit.Framework;

namespace AppChain.Margin.Tests;

/// <summary>
/// Leverage brackets of 349 contracts as Binance published them: there maintenance margin is notional × rate −
/// cumulative amount, which is our sum of marginal tiers written another way.
/// </summary>
[TestFixture]
public sealed class PublishedTiersTests
{
    private sealed record Bracket(long From, long To, int MaintenancePpm, decimal Cumulative);

    [Test]
    public void Marginal_tiers_agree_with_the_published_cumulative_amounts()
    {
        int compared = 0;
        foreach ((string symbol, List<Bracket> brackets) in Brackets())
        {
            // BOUND: a market has at most eight tiers; longer tables are compared on their first eight.
            int count = Math.Min(brackets.Count, Limits.MarginTiersMax);
            var tiers = ImmutableArray.CreateBuilder<MarginTier>();
            for (int i = 0; i < count; i++)
            {
                tiers.Add(new MarginTier(brackets[i].From * 1_000_000, 1_000_000, brackets[i].MaintenancePpm));
            }

            MarketParameters market = Draw.Market(tiers.ToImmutable(), 0, 0);
            for (int i = 0; i < count; i++)
            {
                foreach (long notional in new[]
                {
                    brackets[i].From,
                    (brackets[i].From + brackets[i].To) / 2,
                    brackets[i].To,
                })
                {
                    decimal expected = (notional * brackets[i].MaintenancePpm / 1_000_000m) - brackets[i].Cumulative;
                    Assert.That(
                        Requirement.Maintenance(market, (Int128)notional * 1_000_000),
                        Is.EqualTo((Int128)(expected * 1_000_000)),
                        $"{symbol} at {notional}");
                    compared++;
                }
            }
        }

        Assert.That(compared, Is.GreaterThan(5_000));
    }

    // Rows of liquidation_price_examples.csv that state margin, rate and cumulative amount of one isolated position.
    [TestCase("1535443.01", "3683.979", "1456.84", 100_000, "135365", "1114.78")]
    [TestCase("1535443.01", "109.488", "32481.98", 25_000, "16300", "18778.73")]
    public void The_published_liquidation_price_is_where_the_account_becomes_liquidatable(
        string margin, string amount, string entry, int ratePpm, string cumulative, string expected)
    {
        // Prices in cents, lots of 0.001: one lot moved by one cent is worth 10 micro-USD.
        const long tickLot = 10;
        long lots = (long)(Number(amount) * 1_000);
        long price = (long)(Number(entry) * 100);

        // The bracket as two marginal tiers: nothing up to cumulative / rate, then the rate.
        long edge = (long)(Number(cumulative) * 1_000_000m / ratePpm * 1_000_000m);
        MarketParameters market = Draw.WithTickLotValue(
            Draw.Market(new MarginTier(0, 1, 0), new MarginTier(edge, ratePpm, ratePpm)), tickLot);
        long published = (long)Math.Round(Number(expected) * 100);
        bool At(long mark)
        {
            var risk = new Risk((Int128)(Number(margin) * 1_000_000));
            risk.Add(market, new Valuation(mark, mark, mark), lots, market.Notional(price, lots), 0, 0, 0, 0);
            return risk.IsLiquidatable;
        }

        Assert.That(At(published - 1), Is.True);
        Assert.That(At(published + 1), Is.False);
    }

    private static decimal Number(string text) =>
        decimal.Parse(text, NumberStyles.Number, CultureInfo.InvariantCulture);

    private static Dictionary<string, List<Bracket>> Brackets()
    {
        string? directory = TestContext.CurrentContext.TestDirectory;
        while (directory is not null && !File.Exists(Path.Combine(directory, "AppChain.sln")))
        {
            directory = Path.GetDirectoryName(directory);
        }

        string path = Path.Combine(
            directory ?? ".", "..", "shared", "data", "5_vectors", "binance_usdm_leverage_tiers_2024-10.csv");
        if (!File.Exists(path))
        {
            Assert.Ignore($"test data not found: {path}");
        }

        var all = new Dictionary<string, List<Bracket>>(StringComparer.Ordinal);
        string[] lines = File.ReadAllLines(path);
        for (int i = 1; i < lines.Length; i++)
        {
            string[] cells = lines[i].Split(',');
            if (!all.TryGetValue(cells[0], out List<Bracket>? brackets))
            {
                brackets = [];
                all.Add(cells[0], brackets);
            }

            brackets.Add(new Bracket(
                (long)Number(cells[2]),
                (long)Math.Min(Number(cells[3]), 1_000_000_000_000m),
                (int)(Number(cells[4]) * 1_000_000m),
                Number(cells[6])));
        }

        return all;
    }
}
