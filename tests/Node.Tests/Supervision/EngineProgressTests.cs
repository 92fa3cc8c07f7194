using System;
using System.IO;
using System.Linq;
using System.Text.Json.Nodes;
using System.Threading;
using System.Threading.Tasks;
using AppChain.Node.Tests.Cli;
using NUnit.Framework;

namespace AppChain.Node.Tests.Supervision;

/// <summary>
/// An engine must move that fetches blocks from peers, or is alone, or waits for prevotes that are there.
/// </summary>
[TestFixture]
public sealed class EngineProgressTests
{
    [TestCase(true, 3, 0, 4, PartPace.MustMove)]
    [TestCase(true, 0, 0, 4, PartPace.MayStay)]
    [TestCase(true, 0, 10, 1, PartPace.MayStay)]
    [TestCase(false, 3, 0, 1, PartPace.MayStay)]
    [TestCase(false, 3, 10, 4, PartPace.MayStay)]
    [TestCase(false, 0, 10, 1, PartPace.MustMove)]
    [TestCase(false, 3, 10, 1, PartPace.MustMove)]
    public async Task An_engine_with_peers_that_is_catching_up_or_is_the_only_validator_must_move(
        bool isCatchingUp, int peers, int power, int validators, PartPace pace)
    {
        using FakeNode node = Of(isCatchingUp, peers, power, validators, "42/0/4", "BA{4:xx__} 20/40 = 0.50");
        Assert.That(await Ask(node, makesEmptyBlocks: true), Is.EqualTo(new PartProgress(41, pace)));
        PartPace without = isCatchingUp ? pace : PartPace.MayStay;
        Assert.That(await Ask(node, makesEmptyBlocks: false), Is.EqualTo(new PartProgress(41, without)));
    }

    [TestCase("42/1/4", "BA{4:xxx_} 27/40 = 0.68", PartPace.Stuck)]
    [TestCase("42/1/4", "BA{4:xxx_} 26/40 = 0.65", PartPace.MayStay, Description = "two thirds of 40 are 26.67")]
    [TestCase("42/1/4", "BA{3:xx_} 26/39 = 0.67", PartPace.MayStay, Description = "two thirds and no more")]
    [TestCase("42/1/5", "BA{4:xxxx} 40/40 = 1.00", PartPace.MayStay, Description = "a time-out is pending")]
    [TestCase("42/1/3", "BA{4:xxxx} 40/40 = 1.00", PartPace.MayStay, Description = "the same")]
    [TestCase("42/1/6", "BA{4:xxxx} 40/40 = 1.00", PartPace.MayStay, Description = "it waits for precommits")]
    public async Task An_engine_that_waits_for_prevotes_and_has_them_is_stuck(string place, string votes, PartPace pace)
    {
        using FakeNode node = Of(isCatchingUp: false, 3, 10, 4, place, votes);
        Assert.That(await Ask(node, makesEmptyBlocks: false), Is.EqualTo(new PartProgress(41, pace)));
    }

    private static Task<PartProgress?> Ask(FakeNode node, bool makesEmptyBlocks) =>
        EngineProgress.Of(
            node.Url.Replace("http://127.0.0.1", "tcp://0.0.0.0", StringComparison.Ordinal), makesEmptyBlocks)(
            CancellationToken.None);

    private static FakeNode Of(
        bool isCatchingUp, int peers, int power, int validators, string place, string votes)
    {
        var node = new FakeNode();
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
        node.Results["consensus_state"] = new JsonObject
        {
            ["round_state"] = new JsonObject
            {
                ["height/round/step"] = place,
                ["height_vote_set"] = new JsonArray(
                    Votes(7, "BA{4:____} 0/40 = 0.00"), Votes(int.Parse(place.Split('/')[1]), votes)),
            },
        };
        return node;
    }

    private static JsonNode Votes(int round, string votes) =>
        new JsonObject { ["round"] = round, ["prevotes_bit_array"] = votes };

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
