using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.IO.Compression;
using System.Linq;
using NUnit.Framework;
using Say = AppChain.StateMachine.Tests.Oracle.OracleStage.Say;

namespace AppChain.StateMachine.Tests.Oracle;

/// <summary>
/// A recorded day on four BTC markets: each validator watches one of them, a block every minute. Of every fourth hour,
/// one validator lies as hard as it can.
/// </summary>
public sealed class VenueReplayTests
{
    private const string Recording = "shared/data/2_multi_exchange/2022-12-13_BTC_four_venues_1m_trades.csv.gz";

    // ORACLE-8, ORACLE-13
    [Test]
    [Property("Spec", "ORACLE-8")]
    [Property("Spec", "ORACLE-9")]
    public void A_recorded_day_is_followed_without_delay_and_liars_gain_nothing()
    {
        List<long[]> minutes = Minutes();
        var stage = new OracleStage(10, 10, 10, 10);
        int updates = 0;
        int pendingBlocks = 0;
        double furthest = 0;
        for (int i = 0; i < minutes.Count; i++)
        {
            long[] prices = minutes[i];
            bool isLying = i / 60 % 4 == 3;
            long before = stage.Oracle.Price;
            long median = Middle(prices);
            OracleRow oracle = stage.Block(
                60,
                [.. prices.Select((price, v) => new Say(v, isLying && v == i % 2 ? 1 + (price * (i % 4)) : price))]);
            updates += (int)oracle.Updates > updates ? 1 : 0;
            pendingBlocks += Reaches(stage.Events.Single(), before) ? 0 : 1;
            furthest = Math.Max(furthest, Math.Abs(oracle.Price - median) / (double)median);
            long slack = before == 0 ? 0 : Volatility.Width(before, 0, 60 * OracleStage.Second, oracle.Variance, 4);
            Assert.That(oracle.Price, Is.InRange(prices.Min() - slack, prices.Max() + slack), $"minute {i}");
        }

        TestContext.Out.WriteLine(
            $"{minutes.Count} minutes, {updates} updates, {pendingBlocks} with a delay, "
            + $"furthest from the plain median {furthest:P3}");
        Assert.That(updates, Is.EqualTo(minutes.Count));
        Assert.That(pendingBlocks, Is.Zero);
        Assert.That(furthest, Is.LessThan(0.005));
    }

    // ORACLE-9: the enforcement delay is 0 when the price has reached the agreed price, seen from the price before.
    private static bool Reaches(in ExchangeEvent updated, long before) =>
        before == 0
        || (updated.Quantity >= before ? updated.Price >= updated.Quantity : updated.Price <= updated.Quantity)
        || updated.Quantity == before;

    private static long Middle(long[] prices)
    {
        long[] sorted = [.. prices.Order()];
        return (sorted[1] + sorted[2]) / 2;
    }

    // Closing prices in cents of the minutes that all four markets have.
    private static List<long[]> Minutes()
    {
        string? path = Find();
        if (path is null)
        {
            Assert.Ignore($"{Recording} is not there");
        }

        var byMinute = new SortedDictionary<long, SortedDictionary<string, long>>();
        using var reader = new StreamReader(new GZipStream(File.OpenRead(path), CompressionMode.Decompress));
        reader.ReadLine();
        while (reader.ReadLine() is { } line)
        {
            string[] cells = line.Split(',');
            long minute = long.Parse(cells[1], CultureInfo.InvariantCulture);
            if (!byMinute.TryGetValue(minute, out SortedDictionary<string, long>? venues))
            {
                byMinute[minute] = venues = new SortedDictionary<string, long>(StringComparer.Ordinal);
            }

            venues[cells[0]] = (long)(decimal.Parse(cells[5], CultureInfo.InvariantCulture) * 100);
        }

        return [.. byMinute.Values.Where(venues => venues.Count == 4).Select(venues => venues.Values.ToArray())];
    }

    private static string? Find()
    {
        for (string? folder = TestContext.CurrentContext.TestDirectory; folder is not null;
            folder = Path.GetDirectoryName(folder))
        {
            string candidate = Path.Combine(Path.GetDirectoryName(folder) ?? folder, Recording);
            if (File.Exists(candidate))
            {
                return candidate;
            }
        }

        return null;
    }
}
