using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading.Tasks;
using AppChain.Node.Tests.Cli;
using NUnit.Framework;

namespace AppChain.Node.Tests;

/// <summary>Recorded order flow through the chain's book, and recordings with a planted fault.</summary>
internal sealed class OrderFlowTests
{
    // Bid 100: an older order of 5 and order 7 of 3. Then one arriving order takes both, 7 told first.
    private static readonly string[] Messages =
    [
        "34200.1,1,7,3,1000000,1",
        "34200.2,1,8,4,1010000,-1",
        "34200.3,4,7,3,1000000,1",
        "34200.3,4,6,5,1000000,1",
        "34200.4,2,8,1,1010000,-1",
        "34200.5,5,0,9,1005000,-1",
        "34200.6,3,8,3,1010000,-1",
    ];

    private static readonly string[] Rows =
    [
        "9999999999,0,1000000,8",
        "1010000,4,1000000,8",
        "1010000,4,1000000,5",
        "1010000,4,-9999999999,0",
        "1010000,3,-9999999999,0",
        "1010000,3,-9999999999,0",
        "9999999999,0,-9999999999,0",
    ];

    private static readonly string[] Feed =
    [
        "time_ms,event,id,price,amount,order_time_s,side",
        "1000,created,11,100.00,2.0,1,sell",
        "1010,created,12,100.00,1.0,1,sell",
        "1020,created,13,101.00,2.5,1,buy",
        "1030,deleted,11,100.00,0.0,1,sell",
        "1031,changed,13,101.00,0.5,1,buy",
        "1032,deleted,13,101.00,0.0,1,buy",
        "1033,changed,12,100.00,0.5,1,sell",
        "1040,deleted,12,100.00,0.5,1,sell",
    ];

    private CommandRun _run = null!;

    [SetUp]
    public void Start() => _run = new CommandRun();

    [TearDown]
    public void Stop() => _run.Dispose();

    [Test]
    public void A_recording_agrees_when_our_book_hits_the_same_orders()
    {
        FlowReport report = LobsterReplay.Run(Write("messages", Messages), Write("book", Rows));
        Assert.That(report.Disagreements, Is.Empty);
        Assert.That((report.Cases, report.Agreed, report.Skipped), Is.EqualTo((7, 5, 2)));
        Assert.That(report.Notes["executions that hit the orders of the book"], Is.EqualTo(2));
    }

    [TestCase(2, "34200.25,4,7,3,1000000,1", "comes before it")]
    [TestCase(3, "34200.3,4,6,6,1000000,1", "")]
    [TestCase(4, "34200.4,2,8,5,1010000,-1", "are cancelled")]
    [TestCase(6, "34200.6,3,8,2,1010000,-1", "are cancelled")]
    [TestCase(1, "34200.2,1,8,4,990000,-1", "would trade with")]
    public void A_planted_fault_disagrees(int line, string message, string expected)
    {
        string[] messages = [.. Messages];
        messages[line] = message;
        FlowReport report = LobsterReplay.Run(Write("messages", messages), Write("book", Rows));
        Assert.That(report.Disagreements, Is.Not.Empty);
        Assert.That(report.Disagreements[0], Does.Contain(expected));
    }

    [Test]
    public void A_level_that_differs_from_the_book_file_disagrees()
    {
        string[] rows = [.. Rows];
        rows[4] = "1010000,2,-9999999999,0";
        FlowReport report = LobsterReplay.Run(Write("messages", Messages), Write("book", rows));
        Assert.That(report.Disagreements[0], Is.EqualTo("line 5: the level 1010000 ask holds 2, ours 3"));
    }

    [Test]
    public void Without_a_book_file_an_order_that_stood_first_all_along_must_be_hit_first()
    {
        string[] messages = ["1.0,1,7,3,1000000,1", "1.1,1,9,3,1000000,1", "1.2,4,9,3,1000000,1"];
        FlowReport report = LobsterReplay.Run(Write("messages", messages), null);
        Assert.That(report.Disagreements[0], Is.EqualTo("line 3: order 9 is executed, 7 at 1000000 comes before it"));
    }

    [Test]
    public void Without_a_book_file_one_disagreement_makes_no_others()
    {
        // 7 stands first and stays; the recording executes 9, and later sells rest where 7 would buy.
        string[] messages =
        [
            "1.0,1,7,3,1000000,1", "1.1,1,9,3,1000000,1", "1.2,4,9,3,1000000,1", "1.3,1,10,2,1000000,-1",
            "1.4,1,11,2,990000,-1", "1.5,4,11,2,990000,-1", "1.6,3,7,3,1000000,1",
        ];
        FlowReport report = LobsterReplay.Run(Write("messages", messages), null);
        Assert.That(
            report.Disagreements, Is.EqualTo(new[] { "line 3: order 9 is executed, 7 at 1000000 comes before it" }));
        Assert.That((report.Cases, report.Agreed, report.Skipped), Is.EqualTo((7, 5, 1)));
        Assert.That(report.SkipReasons.Keys, Has.One.StartsWith("an order that has disagreed before"));
    }

    [Test]
    public void A_feed_agrees_when_our_book_makes_its_executions()
    {
        FlowReport report = BitstampReplay.Run(Write("feed", Feed), null);
        Assert.That(report.Disagreements, Is.Empty);
        Assert.That((report.Cases, report.Agreed, report.Skipped), Is.EqualTo((5, 5, 0)));
        Assert.That(report.Fills, Is.EqualTo(new[] { (10_000L, 200_000_000L), (10_000L, 50_000_000L) }));
    }

    [TestCase(4, "1030,changed,11,100.00,0.5,1,sell", "1033,changed,12,100.00,0.5,1,sell")]
    [TestCase(7, "1033,changed,12,100.00,0.25,1,sell", "1033,changed,12,100.00,0.25,1,sell")]
    [TestCase(8, "1040,deleted,12,100.00,1.0,1,sell", "1033,changed,12,100.00,0.5,1,sell")]
    public void A_feed_that_says_otherwise_disagrees(int line, string message, string seventh)
    {
        string[] feed = [.. Feed];
        feed[7] = seventh;
        feed[line] = message;
        Assert.That(BitstampReplay.Run(Write("feed", feed), null).Disagreements, Is.Not.Empty);
    }

    [Test]
    public async Task A_disagreement_ends_the_command_with_1()
    {
        string[] messages = [.. Messages];
        messages[6] = "34200.6,3,8,2,1010000,-1";
        string wrong = Write("messages", messages);
        string[] arguments =
        [
            "check", "orderflow", "--format", "lobster", "--messages", wrong, "--book", Write("book", Rows),
        ];
        Assert.That(await _run.Run(arguments), Is.EqualTo(ExitCode.Refused));
        Assert.That(_run.Out, Does.Contain("disagreed: line 7: 2 of order 8 are cancelled, 3 were left"));
    }

    [TestCase("34200.1,1,7,3,x,1", "column 5 is not a whole number")]
    [TestCase("34200.1,9,7,3,1,1", "event type 9 is none of 1 to 7")]
    public async Task A_file_of_another_shape_is_refused_with_its_line(string message, string expected)
    {
        string file = Write("messages", [message]);
        Assert.That(
            await _run.Run("check", "orderflow", "--format", "lobster", "--messages", file),
            Is.EqualTo(ExitCode.Usage));
        Assert.That(_run.Error, Does.Contain("line 1").And.Contain(expected));
    }

    [TestCase("{\"bids\":[[\"236.47\",\"1.5\"]],\"asks\":[]}")]
    [TestCase("time_ms,best_bid,bid_amount,best_ask,ask_amount\nx,1,1,2,1")]
    public void A_top_of_book_of_another_shape_is_refused(string content) => Assert.That(
        () => BitstampReplay.Run(Write("feed", Feed), Write("top", [content])), Throws.TypeOf<FormatException>());

    [TestCase("LOBSTER_AAPL_2012-06-21_message_10_head.csv", "LOBSTER_AAPL_2012-06-21_orderbook_10_head.csv", 98)]
    [TestCase("LOBSTER_AMZN_2012-06-21_message_1.csv.gz", "LOBSTER_AMZN_2012-06-21_orderbook_1.csv.gz", 8_913)]
    public void A_day_at_the_exchange_is_reproduced(string messages, string book, int executions)
    {
        FlowReport report = LobsterReplay.Run(Shared(messages), Shared(book));
        Assert.That(report.Disagreements, Is.Empty);
        Assert.That(report.Notes["executions that hit the orders of the book"], Is.EqualTo(executions));
    }

    [Test]
    public void Five_hours_of_a_feed_are_reproduced_to_the_trade()
    {
        FlowReport report = BitstampReplay.Run(
            Shared("Bitstamp_BTCUSD_2015-05-01_L3_orders.csv.gz"),
            Shared("Bitstamp_BTCUSD_2015-05-01_top_of_book.csv.gz"));
        Assert.That(report.Disagreements, Is.Empty);

        string path = Shared("Bitstamp_BTCUSD_2015-05-01_trades.csv.gz");
        List<(long Price, long Quantity)> trades = FlowFile.Read(path)
            .Skip(1)
            .Select(row => (
                FlowFile.Scaled(path, row.Line, row.Fields, 2, 2), FlowFile.Scaled(path, row.Line, row.Fields, 3, 8)))
            .ToList();
        // Four market orders end with budgets that only the exchange knows, each less than a cent from our fill.
        var ours = report.Fills.Order().ToList();
        trades.Sort();
        Assert.That(ours, Has.Count.EqualTo(trades.Count));
        Assert.That(ours.Zip(trades).Count(pair => pair.First == pair.Second), Is.EqualTo(571));
        foreach (((long Price, long Quantity) fill, (long Price, long Quantity) trade) in ours.Zip(trades))
        {
            Assert.That(fill.Price, Is.EqualTo(trade.Price));
            Assert.That((fill.Quantity - trade.Quantity) * fill.Price, Is.InRange(0, 100_000_000 + fill.Price));
        }
    }

    private string Write(string name, string[] lines) => _run.WriteFile(name, string.Join('\n', lines) + "\n");

    private static string Shared(string name)
    {
        DirectoryInfo? root = new(AppContext.BaseDirectory);
        while (root is not null && !File.Exists(Path.Combine(root.FullName, "AppChain.sln")))
        {
            root = root.Parent;
        }

        string path = Path.Combine(root?.Parent?.FullName ?? "", "shared", "data", "3_orderflow", name);
        if (!File.Exists(path))
        {
            Assert.Ignore($"no file {name} in ../shared/data/3_orderflow");
        }

        return path;
    }
}
