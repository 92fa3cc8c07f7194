using System;
using System.IO;
using System.Text.Json.Nodes;
using System.Threading;
using System.Threading.Tasks;
using AppChain.Node.Tests.Cli;
using NUnit.Framework;

namespace AppChain.Node.Tests.Supervision;

/// <summary>Only an engine that fetches blocks from peers has a height that must change.</summary>
[TestFixture]
public sealed class EngineProgressTests
{
    [TestCase(true, 3, 41L)]
    [TestCase(true, 0, null)]
    [TestCase(false, 3, null)]
    public async Task A_height_is_told_while_an_engine_with_peers_is_catching_up(bool isCatchingUp, int peers, long? told)
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
        };
        node.Results["net_info"] = new JsonObject { ["n_peers"] = $"{peers}" };
        string laddr = node.Url.Replace("http://127.0.0.1", "tcp://0.0.0.0", StringComparison.Ordinal);
        Assert.That(await EngineProgress.Of(laddr)(CancellationToken.None), Is.EqualTo(told));
    }

    [Test]
    public async Task An_engine_that_does_not_answer_is_left_alone() =>
        Assert.That(await EngineProgress.Of("tcp://127.0.0.1:1")(CancellationToken.None), Is.Null);

    [TestCase("proxy_app = \"unix:///a\"\n[rpc]\nladdr = \"tcp://127.0.0.1:5\" # here\n[p2p]\nladdr = \"tcp://127.0.0.1:6\"\n", "tcp://127.0.0.1:5")]
    [TestCase("proxy_app = \"unix:///a\"\n", "tcp://127.0.0.1:26657")]
    [TestCase("[rpc]\nladdr = \"\"\n", "")]
    public void The_address_is_that_of_the_table_rpc(string toml, string address)
    {
        DirectoryInfo home = Directory.CreateTempSubdirectory("appchain-engine-");
        try
        {
            home.CreateSubdirectory("config");
            File.WriteAllText(Path.Combine(home.FullName, "config", "config.toml"), toml);
            Assert.That(EngineSettings.Read(home.FullName).Rpc, Is.EqualTo(address));
        }
        finally
        {
            home.Delete(recursive: true);
        }
    }
}
