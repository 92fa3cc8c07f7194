using System;
using System.IO;
using System.Linq;
using System.Text.Json.Nodes;
using System.Threading;
using System.Threading.Tasks;
using AppChain.Node.Tests.Cli;
using NUnit.Framework;

namespace AppChain.Node.Tests.Supervision;

/// <summary>Only an engine that fetches blocks from peers, or is alone, has a height that must change.</summary>
[TestFixture]
public sealed class EngineProgressTests
{
    [TestCase(true, 3, 0, 4, 41L)]
    [TestCase(true, 0, 0, 4, null)]
    [TestCase(true, 0, 10, 1, null)]
    [TestCase(false, 3, 0, 1, null)]
    [TestCase(false, 3, 10, 4, null)]
    [TestCase(false, 0, 10, 1, 41L)]
    [TestCase(false, 3, 10, 1, 41L)]
    public async Task A_height_is_told_while_an_engine_with_peers_is_catching_up_or_is_the_only_validator(
        bool isCatchingUp, int peers, int power, int validators, long? told)
    {
        using var node = new FakeNode();
        node.Results["status"] = new JsonObject
        {
            ["node_info"] = new JsonObject { ["id"] = "ab", ["network"] = FakeNode.ChainId, ["moniker"] = "fake" },
            ["sync_info"] = new JsonObject
            {
                ["latest_block_height"] = "41",
                ["latest_app_hash"] = "00FF",
                ["latest_block_time"] = "2026-01-01T00:00:00Z",
                ["catching_up"] = isCatchingUp,
            },
            ["validator_info"] = new JsonObject { ["address"] = new string('0', 40), ["voting_power"] = $"{power}" },
        };
        node.Results["validators"] = new JsonObject
        {
            ["validators"] = new JsonArray([.. Enumerable.Range(0, validators).Select(Validator)]),
            ["total"] = $"{validators}",
        };
        node.Results["net_info"] = new JsonObject { ["n_peers"] = $"{peers}" };
        string laddr = node.Url.Replace("http://127.0.0.1", "tcp://0.0.0.0", StringComparison.Ordinal);
        Assert.That(await EngineProgress.Of(laddr, makesEmptyBlocks: true)(CancellationToken.None), Is.EqualTo(told));
        long? without = isCatchingUp ? told : null;
        Assert.That(
            await EngineProgress.Of(laddr, makesEmptyBlocks: false)(CancellationToken.None), Is.EqualTo(without));
    }

    private static JsonNode Validator(int number) => new JsonObject
    {
        ["address"] = $"{number:X40}",
        ["pub_key"] = new JsonObject
        {
            ["type"] = "tendermint/PubKeyEd25519",
            ["value"] = Convert.ToBase64String(new byte[32]),
        },
        ["voting_power"] = "10",
        ["proposer_priority"] = "0",
    };

    [Test]
    public async Task An_engine_that_does_not_answer_is_left_alone() =>
        Assert.That(
            await EngineProgress.Of("tcp://127.0.0.1:1", makesEmptyBlocks: true)(CancellationToken.None), Is.Null);

    [TestCase("", true)]
    [TestCase("[consensus]\ncreate_empty_blocks = true\ncreate_empty_blocks_interval = \"0s\"\n", true)]
    [TestCase("[consensus]\ncreate_empty_blocks = false\n", false)]
    [TestCase("[consensus]\ncreate_empty_blocks_interval = \"30m\"\n", false)]
    public void An_engine_may_wait_for_transactions(string toml, bool makesEmptyBlocks) =>
        Assert.That(Read(toml).MakesEmptyBlocks, Is.EqualTo(makesEmptyBlocks));

    [TestCase(
        "proxy_app = \"unix:///a\"\n[rpc]\nladdr = \"tcp://127.0.0.1:5\" # here\n[p2p]\nladdr = "
        + "\"tcp://127.0.0.1:6\"\n", "tcp://127.0.0.1:5")]
    [TestCase("proxy_app = \"unix:///a\"\n", "tcp://127.0.0.1:26657")]
    [TestCase("[rpc]\nladdr = \"\"\n", "")]
    public void The_address_is_that_of_the_table_rpc(string toml, string address) =>
        Assert.That(Read(toml).Rpc, Is.EqualTo(address));

    private static EngineSettings Read(string toml)
    {
        DirectoryInfo home = Directory.CreateTempSubdirectory("appchain-engine-");
        try
        {
            home.CreateSubdirectory("config");
            File.WriteAllText(Path.Combine(home.FullName, "config", "config.toml"), toml);
            return EngineSettings.Read(home.FullName);
        }
        finally
        {
            home.Delete(recursive: true);
        }
    }
}
