using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.IO;
using System.IO.Compression;
using System.Linq;
using AppChain.Margin;
using AppChain.StateMachine;
using NUnit.Framework;

namespace AppChain.Node.Tests;

/// <summary>Price files become paths, paths become reports.</summary>
[TestFixture]
public sealed class PriceFeedTests
{
    private const long Second = 1_000_000_000;
    private const long Minute = 60 * Second;

    private string _directory = "";

    [SetUp]
    public void CreateDirectory() => _directory = Directory.CreateTempSubdirectory("appchain-feed-").FullName;

    [TearDown]
    public void RemoveDirectory() => Directory.Delete(_directory, true);

    [Test]
    public void A_bar_is_walked_towards_its_close_and_ages_over_a_hole()
    {
        // Bars at 0 and 1 min, then a hole until 5 min.
        PricePath path = Read(
            "open_time_ms,open,high,low,close,volume\n"
            + "0,100,120,90,110,1\n60000,110,130,80,90,1\n300000,50,50,50,50,1\n").Single();
        Assert.That(Price(path, 0), Is.EqualTo((100, 0)));
        Assert.That(Price(path, 15 * Second), Is.EqualTo((90, 15 * Second)), "rises: low first");
        Assert.That(Price(path, 30 * Second), Is.EqualTo((120, 30 * Second)));
        Assert.That(Price(path, 45 * Second), Is.EqualTo((110, 45 * Second)));
        Assert.That(Price(path, Minute + (15 * Second)).Price, Is.EqualTo(130), "falls: high first");
        Assert.That(
            Price(path, Minute + (22 * Second) + (Second / 2)).Price, Is.EqualTo(105), "half way from high to low");
        Assert.That(Price(path, 3 * Minute), Is.EqualTo((90, Minute + (45 * Second))), "nothing invented in the hole");
        Assert.That(path.TryPrice(-1, out _, out _), Is.False);
    }

    [Test]
    public void A_tick_stands_until_the_next_and_the_last_of_an_instant_counts()
    {
        PricePath path =
            Read("time_us,trade_id,side,price,amount\n1000000,1,buy,10,1\n1000000,2,buy,11,1\n3000000,3,sell,12,1\n")
                .Single();
        Assert.That(Price(path, 2 * Second), Is.EqualTo((11, Second)));
        Assert.That(Price(path, 9 * Second), Is.EqualTo((12, 3 * Second)));
    }

    [Test]
    public void Venues_of_one_file_and_quotes_are_told_apart_plain_or_gzip([Values] bool gzip)
    {
        IReadOnlyList<PricePath> paths = Read(
            "venue,open_time_ms,bid_open,bid_high,bid_low,bid_close,bid_size,"
            + "ask_open,ask_high,ask_low,ask_close,ask_size\n"
            + "b,0,9,9,9,9,1,11,11,11,11,1\na,0,19,19,19,19,1,21,21,21,21,1\n",
            gzip: gzip);
        Assert.That(
            paths.Select(path => (path.Name, path.Point(0).Price)), Is.EqualTo(new[] { ("a", 20.0), ("b", 10.0) }));
    }

    [Test]
    public void A_file_of_several_symbols_needs_one_named()
    {
        const string text = "venue,symbol,open_time_ms,open,high,low,close,volume\nv,A,0,1,1,1,1,0\nv,B,0,2,2,2,2,0\n";
        Assert.That(Read(text, "B").Single().Point(0).Price, Is.EqualTo(2));
        Assert.That(Refusal(text), Does.Contain("holds several symbols (A, B)"));
        Assert.That(Refusal(text, "C"), Does.Contain("has no rows of C"));
    }

    [TestCase("", "the first line must name the columns")]
    [TestCase("funding_time_ms,rate\n1,2\n", "the first line must name the columns")]
    [TestCase("open_time_ms,open,high,low,close\n", "has no rows")]
    [TestCase("open_time_ms,open,high,low,close\n0,1,1,1,1\n1,2\n", "line 3: not a row of this layout")]
    [TestCase("open_time_ms,open,high,low,close\nx,1,1,1,1\n", "line 2: not a row")]
    [TestCase("open_time_ms,open,high,low,close\n0,1,1,1,0\n", "line 2: not a row")]
    [TestCase("open_time_ms,open,high,low,close\n0,1,1,1,NaN\n", "line 2: not a row")]
    [TestCase("open_time_ms,open,high,low,close\n0,1,1,1,1e999\n", "line 2: not a row")]
    [TestCase("open_time_ms,open,high,low,close\n9223372036854775807,1,1,1,1\n", "line 2: not a row")]
    [TestCase("venue,symbol,open_time_ms,open,high,low,close\nv\n", "line 2: not a row")]
    public void A_bad_file_is_refused_with_its_line(string text, string problem) =>
        Assert.That(Refusal(text), Does.Contain(problem));

    [Test]
    public void A_missing_or_broken_archive_is_refused()
    {
        string file = Path.Combine(_directory, "broken.csv.gz");
        File.WriteAllBytes(file, [1, 2, 3, 4]);
        Assert.That(
            Assert.Throws<FeedException>(() => PricePath.Read(file))!.Message, Does.Contain("not a sound gzip file"));
        Assert.That(
            Assert.Throws<FeedException>(() => PricePath.Read(file + "x"))!.Message, Does.Contain("does not exist"));
    }

    [Test]
    public void Reports_take_the_median_of_the_venues_that_speak()
    {
        var feed = new PriceFeed();
        feed.Add("ETH-PERP", Fixed(10, 0));
        feed.Add("BTC-PERP", Fixed(100, Second));
        feed.Add("BTC-PERP", Fixed(104, 2 * Second));
        feed.Add("BTC-PERP", Fixed(101, 3 * Second));
        feed.Add("BTC-PERP", Fixed(999, 31 * Second));
        feed.Add("SOL-PERP", (out double price, out long age) =>
        {
            price = 0;
            age = 0;
            return false;
        });
        Assert.That(feed.Reports(1_000 * Second), Is.Empty, "before it knows the markets");
        feed.Bind([.. GenesisFile.DefaultMarkets, GenesisFile.MarketFor(3, "SOL-PERP", 150)]);
        ImmutableArray<PriceReport> reports = feed.Reports(1_000 * Second);
        Assert.That(reports, Is.EqualTo(new[]
        {
            new PriceReport(1, 1_010, 20, 999 * Second),
            new PriceReport(2, 1_000, 1, 1_000 * Second),
        }));
    }

    [Test]
    public void A_market_that_the_chain_does_not_have_is_refused()
    {
        var feed = new PriceFeed();
        feed.Add("SOL-PERP", Fixed(150, 0));
        Assert.That(
            Assert.Throws<FeedException>(() => feed.Bind(GenesisFile.DefaultMarkets))!.Message,
            Is.EqualTo("feed.file: the chain has no market SOL-PERP; it has BTC-PERP, ETH-PERP"));
    }

    [TestCase(60_000, 1, 4)]
    [TestCase(3_000, 2, 3)]
    [TestCase(150, 3, 2)]
    [TestCase(0.1, 5, 0)]
    [TestCase(5_000_000, 0, 5)]
    public void The_units_of_a_market_follow_from_its_price(double price, int priceDecimals, int quantityDecimals)
    {
        MarketParameters market = GenesisFile.MarketFor(3, "X-PERP", price);
        Assert.That((market.PriceDecimals, market.QuantityDecimals), Is.EqualTo((priceDecimals, quantityDecimals)));
        Assert.That(market.TickLotValue, Is.EqualTo(10));
        double limit = market.PositionLimit * price / Math.Pow(10, quantityDecimals);
        Assert.That(limit, Is.EqualTo(60_000_000).Within(0.1).Percent);
        Assert.DoesNotThrow(
            () => GenesisFile.Parse(GenesisFile.Write(new GenesisState([market], [], 0)).ToJsonString()));
    }

    [Test]
    public void A_replay_runs_at_its_speed_and_ages_in_the_chains_time([Values] bool chainFollows)
    {
        PricePath path = Read("time_us,trade_id,side,price,amount\n0,1,buy,10,1\n60000000,2,buy,20,1\n").Single();
        long wall = 5_000 * Second;
        VenuePrice venue = PriceFeed.Replay(path, 0, wall, 10, chainFollows, () => wall);
        Assert.That(venue(out double price, out long age), Is.True);
        Assert.That((price, age), Is.EqualTo((10.0, 0L)));
        wall += 8 * Second;
        Assert.That(venue(out price, out age), Is.True);
        Assert.That(price, Is.EqualTo(20));
        Assert.That(age, Is.EqualTo(chainFollows ? 20 * Second : 2 * Second));
    }

    [Test]
    public void Every_published_price_file_reads()
    {
        string shared = Shared();
        int read = 0;
        foreach (string file in Directory.GetFiles(shared, "*", SearchOption.AllDirectories)
            .Order(StringComparer.Ordinal))
        {
            string folder = Path.GetFileName(Path.GetDirectoryName(file)!);
            string name = Path.GetFileName(file);
            bool prices = folder is "1_ohlcv" or "2_multi_exchange" && !name.Contains("funding")
                && !name.Contains("bookDepth");
            if (prices)
            {
                IReadOnlyList<PricePath> paths = PricePath.Read(
                    file, name.Contains("many_markets") ? "AAVE-USD" : null);
                Assert.That(paths, Has.All.Matches<PricePath>(path => path.Count > 1 && path.End > path.Start), name);
                read++;
            }
        }

        Assert.That(read, Is.GreaterThan(30));
    }

    private static string Shared()
    {
        string? directory = TestContext.CurrentContext.TestDirectory;
        while (directory is not null && !File.Exists(Path.Combine(directory, "AppChain.sln")))
        {
            directory = Path.GetDirectoryName(directory);
        }

        string data = Path.Combine(directory ?? "", "..", "shared", "data");
        if (!Directory.Exists(data))
        {
            Assert.Ignore($"the market data is not there: {data}");
        }

        return data;
    }

    private static VenuePrice Fixed(double value, long old) => (out double price, out long age) =>
    {
        price = value;
        age = old;
        return true;
    };

    private static (double Price, long MadeAt) Price(PricePath path, long time)
    {
        Assert.That(path.TryPrice(time, out double price, out long madeAt), Is.True);
        return (price, madeAt);
    }

    private string Refusal(string text, string? symbol = null) =>
        Assert.Throws<FeedException>(() => Read(text, symbol))!.Message;

    private IReadOnlyList<PricePath> Read(string text, string? symbol = null, bool gzip = false)
    {
        string file = Path.Combine(_directory, gzip ? "prices.csv.gz" : "prices.csv");
        using (Stream raw = File.Create(file))
        using (Stream stream = gzip ? new GZipStream(raw, CompressionLevel.Fastest) : raw)
        {
            stream.Write(System.Text.Encoding.ASCII.GetBytes(text));
        }

        return PricePath.Read(file, symbol);
    }
}
