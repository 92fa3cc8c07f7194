using System.Collections.Generic;
using System.IO;
using System.Linq;
using NUnit.Framework;

namespace AppChain.Node.Tests;

/// <summary>The configuration file: what is written reads back, and every mistake names its line.</summary>
[TestFixture]
public sealed class NodeConfigTests
{
    [Test]
    public void A_written_configuration_reads_back_as_itself()
    {
        var config = new NodeConfig
        {
            AbciAddress = "unix:///run/appchain.sock",
            DataDirectory = "db",
            CheckEveryRow = true,
            LogLevel = LogLevel.Debug,
            FeedFiles = [new FeedFile("BTC-PERP", "a.csv", ""), new FeedFile("ETH-PERP", "b.csv.gz", "ETH-USD")],
            FeedSpeed = 2.5,
            FeedStart = 17,
            FeedEpoch = 18,
        };
        NodeConfig read = NodeConfig.Parse(config.Write().Split('\n'), "c");
        Assert.That(read.FeedFiles, Is.EqualTo(config.FeedFiles));
        Assert.That(read with { FeedFiles = [] }, Is.EqualTo(config with { FeedFiles = [] }));
    }

    [Test]
    public void A_new_file_reads_back_as_the_defaults()
    {
        NodeConfig read = NodeConfig.Parse(new NodeConfig().Write().Split('\n'), "c");
        Assert.That(read.FeedFiles, Is.Empty);
        Assert.That(
            read with { FeedFiles = [] },
            Is.EqualTo(new NodeConfig() with { FeedFiles = read.FeedFiles } with { FeedFiles = [] }));
    }

    [TestCase("abci.adress = tcp://a:1", "c:2: unknown key 'abci.adress'; did you mean 'abci.address'?")]
    [TestCase("feed.sped = 1", "c:2: unknown key 'feed.sped'; did you mean 'feed.speed'?")]
    [TestCase("abci.address = a:1", "c:2: abci.address takes tcp://host:port or unix:///path, not 'a:1'")]
    [TestCase("storage.directory =", "c:2: storage.directory must not be empty")]
    [TestCase("snapshots.interval = -5", "c:2: snapshots.interval takes a whole number from 0, not '-5'")]
    [TestCase("snapshots.keep = 0", "c:2: snapshots.keep takes a whole number from 1 to 100, not '0'")]
    [TestCase("pruning.keep_blocks = 10", "c:2: pruning.keep_blocks takes 0 or a number from 1000, not '10'")]
    [TestCase("checks.every_row = yes", "c:2: checks.every_row takes true or false, not 'yes'")]
    [TestCase("log.level = loud", "c:2: log.level takes error, info, debug, not 'loud'")]
    [TestCase("feed.file = BTC-PERP", "c:2: feed.file takes TICKER,FILE or TICKER,FILE,SYMBOL, not 'BTC-PERP'")]
    [TestCase("feed.speed = 0", "c:2: feed.speed takes a number above 0")]
    [TestCase("feed.speed = fast", "c:2: feed.speed takes a number above 0")]
    [TestCase("feed.start = -1", "c:2: feed.start takes nanoseconds since 1970, not '-1'")]
    [TestCase("feed.epoch = 1e3", "c:2: feed.epoch takes nanoseconds since 1970, not '1e3'")]
    [TestCase("abci.address", "c:2: expected 'key = value'")]
    [TestCase("abci.address = tcp://127.0.0.1", "c:2: abci.address takes tcp://host:port or unix:///path")]
    [TestCase("abci.address = tcp://localhost:99999", "c:2: abci.address takes tcp://host:port or unix:///path")]
    public void A_mistake_names_its_line(string line, string message)
    {
        var refusal = Assert.Throws<ConfigException>(() => NodeConfig.Parse(["# a comment", line], "c"));
        Assert.That(refusal!.Message, Does.StartWith(message));
    }

    [Test]
    public void A_comment_begins_a_line_or_follows_a_blank()
    {
        NodeConfig config = NodeConfig.Parse(["#storage.directory = a", "storage.directory = b#1 # not c"], "c");
        Assert.That(config.DataDirectory, Is.EqualTo("b#1"));
    }

    [Test]
    public void A_key_given_twice_is_refused()
    {
        var refusal = Assert.Throws<ConfigException>(
            () => NodeConfig.Parse(["log.level = info", "log.level = info"], "c"));
        Assert.That(refusal!.Message, Is.EqualTo("c:2: 'log.level' is there twice"));
    }

    [Test]
    public void A_missing_file_says_how_to_make_one()
    {
        var refusal = Assert.Throws<ConfigException>(() => NodeConfig.Read("/nowhere/appchain.conf"));
        Assert.That(refusal!.Message, Does.Contain("./appchain init --home DIR"));
    }

    [Test]
    public void Every_key_is_documented_and_nothing_else()
    {
        string document = File.ReadAllText(Path.Combine(Repository(), "docs", "configuration.md"));
        List<string> rows = [.. document.Split("\n## ")[0].Split('\n').Where(
            line => line.StartsWith("| `", System.StringComparison.Ordinal))];
        Assert.That(rows.Select(row => row.Split('`')[1]), Is.EqualTo(NodeConfig.Keys.Select(key => key.Key)));
        foreach ((string key, string meaning) in NodeConfig.Keys)
        {
            Assert.That(rows.Single(row => row.Contains($"`{key}`")), Does.Contain(meaning));
        }
    }

    private static string Repository()
    {
        string directory = TestContext.CurrentContext.TestDirectory;
        while (!File.Exists(Path.Combine(directory, "AppChain.sln")))
        {
            directory = Path.GetDirectoryName(directory)
                ?? throw new DirectoryNotFoundException("no AppChain.sln above the tests");
        }

        return directory;
    }
}
