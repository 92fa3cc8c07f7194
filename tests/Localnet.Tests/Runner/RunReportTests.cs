using System.Collections.Generic;
using AppChain.Abci.Wire;
using AppChain.Abci.Wire.Types;
using AppChain.Node;
using Google.Protobuf;
using NUnit.Framework;

namespace AppChain.Localnet.Tests;

/// <summary>Each check of a run can fail, and says what is wrong.</summary>
[TestFixture]
public sealed class RunReportTests
{
    private static readonly V1.ChainResponse s_sound = new() { Height = 30, Difference = "0" };

    private static RunOptions Options(bool requireLiquidations = false) => new()
    {
        Engine = EngineKind.Embedded,
        CometBft = "",
        Validators = 2,
        Blocks = 30,
        UntilEnd = false,
        Pause = 200,
        Hsm = false,
        Plain = true,
        Traders = 10,
        Seed = 1,
        Prices = [],
        Speed = 1,
        From = 0,
        Report = "",
        Home = "",
        Port = 1,
        RequireLiquidations = requireLiquidations,
    };

    private static ResponseFinalizeBlock Block(byte hash, params string[] events)
    {
        var block = new ResponseFinalizeBlock { AppHash = ByteString.CopyFrom(hash) };
        foreach (string name in events)
        {
            var happened = new Event { Type = "appchain.v1." + name };
            happened.Attributes.Add(new EventAttribute { Key = "market", Value = "1" });
            happened.Attributes.Add(new EventAttribute { Key = "price", Value = "1000" });
            happened.Attributes.Add(new EventAttribute { Key = "state", Value = "live" });
            block.Events.Add(happened);
        }

        return block;
    }

    private static IReadOnlyList<string> Failures(
        ResponseFinalizeBlock first, ResponseFinalizeBlock second, V1.ChainResponse chain, long blocks = 30,
        bool requireLiquidations = false, CallCheck? calls = null, ByteString? otherBlock = null)
    {
        using var node = new RpcClient("http://127.0.0.1:1");
        var block = ByteString.CopyFrom(1);
        var monitor = new Monitor([node, node], new Presence(2));
        monitor.Take(1, first, block, []);
        monitor.Compare(1, second.AppHash, otherBlock ?? block);
        return RunReport.Failures(Options(requireLiquidations), monitor, chain, calls ?? new CallCheck(1, []), blocks);
    }

    [Test]
    public void A_sound_run_has_no_failure()
    {
        ResponseFinalizeBlock block = Block(1, "Fill", "OracleUpdated");
        Assert.That(Failures(block, block, s_sound), Is.Empty);
    }

    [Test]
    public void A_validator_with_another_app_hash_fails_the_run() => Assert.That(
        Failures(Block(1, "Fill", "OracleUpdated"), Block(2, "Fill", "OracleUpdated"), s_sound),
        Is.EqualTo(new[] { "1 heights with different app hashes or blocks" }));

    [Test]
    public void Calls_out_of_order_fail_the_run()
    {
        ResponseFinalizeBlock block = Block(1, "Fill", "OracleUpdated");
        Assert.That(
            Failures(block, block, s_sound, calls: new CallCheck(7, ["validator 2: call 3"])),
            Is.EqualTo(new[] { "validator 2: call 3" }));
    }

    [Test]
    public void A_validator_with_another_block_fails_the_run()
    {
        ResponseFinalizeBlock block = Block(1, "Fill", "OracleUpdated");
        Assert.That(
            Failures(block, block, s_sound, otherBlock: ByteString.CopyFrom(2)),
            Is.EqualTo(new[] { "1 heights with different app hashes or blocks" }));
    }

    [Test]
    public void One_micro_USD_fails_the_run()
    {
        ResponseFinalizeBlock block = Block(1, "Fill", "OracleUpdated");
        Assert.That(
            Failures(block, block, new V1.ChainResponse { Height = 30, Difference = "-1" }),
            Is.EqualTo(new[] { "conservation is off by -1 micro-USD" }));
    }

    [Test]
    public void A_lost_block_evidence_and_nothing_compared_fail_the_run()
    {
        using var node = new RpcClient("http://127.0.0.1:1");
        var monitor = new Monitor([node, node], new Presence(2));
        ResponseFinalizeBlock block = Block(1, "Fill", "OracleUpdated");
        monitor.Take(1, block, ByteString.CopyFrom(1), []);
        var next = new Abci.Wire.Types.Block
        {
            Header = new Header { LastBlockId = new BlockID { Hash = ByteString.CopyFrom(9) } },
            Evidence = new EvidenceList { Evidence = { new Evidence() } },
        };
        monitor.Link(next);
        Assert.That(
            RunReport.Failures(Options(), monitor, s_sound, new CallCheck(1, []), 30),
            Is.EqualTo(new[]
            {
                "no app hash was compared", "1 committed blocks are lost",
                "1 pieces of evidence of misbehaviour in blocks",
            }));
    }

    [Test]
    public void Nothing_traded_no_price_nothing_liquidated_and_too_few_blocks_fail_the_run()
    {
        ResponseFinalizeBlock block = Block(1);
        Assert.That(
            Failures(block, block, s_sound, blocks: 12, requireLiquidations: true),
            Is.EqualTo(new[]
            {
                "12 of 30 blocks were made", "nothing was traded", "no oracle update", "nothing was liquidated",
            }));
    }

    // Before the first prices a run without end may be ended without being called a failure; afterwards it may not.
    [TestCase(9, false)]
    [TestCase(10, true)]
    public void A_run_without_end_must_have_prices_after_ten_blocks(long blocks, bool expected)
    {
        using var node = new RpcClient("http://127.0.0.1:1");
        var monitor = new Monitor([node, node], new Presence(2));
        ResponseFinalizeBlock block = Block(1);
        monitor.Take(1, block, ByteString.CopyFrom(1), []);
        monitor.Compare(1, block.AppHash, ByteString.CopyFrom(1));
        Assert.That(
            RunReport.Failures(Options() with { Blocks = 0 }, monitor, s_sound, new CallCheck(1, []), blocks),
            expected ? Is.EqualTo(new[] { "no oracle update" }) : Is.Empty);
    }
}
