using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using AppChain.Abci;
using AppChain.Abci.Wire.Types;
using Google.Protobuf;
using NUnit.Framework;

namespace AppChain.Localnet.Tests;

[NonParallelizable]
public sealed class EmbeddedNetworkTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    [Test]
    public void Four_validators_over_sockets_agree_on_every_block()
    {
        using RealTimeNetwork parts = new();
        using (EmbeddedNetwork network = EmbeddedNetwork.Start(parts.Options with { LastHeight = 20 }))
        {
            long start = Stopwatch.GetTimestamp();
            Assert.That(network.WaitForHeight(20, Limit), Failures(network));
            TestContext.Out.WriteLine($"20 blocks in {Stopwatch.GetElapsedTime(start).TotalMilliseconds:F0} ms");
            for (long height = 1; height <= 20; height++)
            {
                List<BlockID> ids =
                    [.. Enumerable.Range(0, 4).Select(i => network.Node(i)!.Store.LoadBlock(height)!.Id)];
                Assert.That(ids.Distinct().Count(), Is.EqualTo(1));
            }
        }
        foreach (RecorderApplication application in parts.Applications)
        {
            Assert.That(application.Height, Is.EqualTo(20));
            Assert.That(application.AppHash, Is.EqualTo(parts.Applications[0].AppHash));
        }
    }

    [Test]
    public void A_network_goes_on_from_its_folders_after_a_restart()
    {
        using RealTimeNetwork parts = new();
        long height;
        using (EmbeddedNetwork network = EmbeddedNetwork.Start(parts.Options))
        {
            Assert.That(network.WaitForHeight(5, Limit), Failures(network));
            height = network.Height;
        }
        using (EmbeddedNetwork network = EmbeddedNetwork.Start(parts.Options))
        {
            Assert.That(network.Height, Is.GreaterThanOrEqualTo(height));
            Assert.That(network.WaitForHeight(height + 5, Limit), Failures(network));
        }
        Assert.That(parts.Applications[0].Calls.Count(call => call.Kind == "init_chain"), Is.EqualTo(1));
    }

    [Test]
    public void A_validator_whose_application_dies_stops_alone_and_can_be_restarted()
    {
        using RealTimeNetwork parts = new();
        using EmbeddedNetwork network = EmbeddedNetwork.Start(parts.Options);
        Assert.That(network.WaitForHeight(3, Limit), Failures(network));
        parts.StopApplication(2);
        Stopwatch watch = Stopwatch.StartNew();
        while (network.Node(2)!.Failure is null && watch.Elapsed < Limit) System.Threading.Thread.Sleep(10);
        Assert.That(network.Node(2)!.Failure, Is.TypeOf<AbciException>());
        long height = network.Node(0)!.State.LastHeight;
        while (network.Node(0)!.State.LastHeight < height + 5 && watch.Elapsed < Limit)
            System.Threading.Thread.Sleep(10);
        Assert.That(network.Node(0)!.State.LastHeight, Is.GreaterThanOrEqualTo(height + 5), "three of four go on");
        parts.StartApplication(2);
        network.Restart(2);
        Assert.That(network.WaitForHeight(height + 12, Limit), Failures(network));
    }

    [Test]
    public void The_clock_of_the_chain_can_run_faster_and_from_another_time()
    {
        using RealTimeNetwork parts = new();
        long start = WireTime.ToNanoseconds(WireTime.Parse("2027-03-01T00:00:00Z"));
        using EmbeddedNetwork network =
            EmbeddedNetwork.Start(parts.Options with { Speed = 600, ClockStart = start, LastHeight = 8 });
        Assert.That(network.WaitForHeight(8, Limit), Failures(network));
        BlockStore store = network.Node(0)!.Store;
        long first = WireTime.ToNanoseconds(store.LoadBlock(2)!.Block.Header.Time);
        long last = WireTime.ToNanoseconds(store.LoadBlock(8)!.Block.Header.Time);
        Assert.That(first, Is.GreaterThanOrEqualTo(start));
        Assert.That(last - first, Is.GreaterThan(6 * 20L * 1_000_000 * 600),
            "six blocks of 20 ms of waiting at 600 times");
        System.Threading.Thread.Sleep(300);
        Assert.That(network.Height, Is.EqualTo(8), "no height after the last is begun");
    }

    [Test]
    public void A_validator_without_application_or_signer_is_named()
    {
        using RealTimeNetwork parts = new(validators: 1);
        EmbeddedValidatorOptions validator = parts.Options.Validators[0];
        Assert.That(() => EmbeddedNetwork.Start(parts.Options with
        {
            Patience = TimeSpan.FromMilliseconds(200),
            Validators = [validator with { AbciAddress = "unix:///tmp/nobody-listens-here.sock" }],
        }), Throws.InvalidOperationException.With.Message.Contains("validator 0"));
    }

    [Test]
    public void One_validator_alone_decides()
    {
        using RealTimeNetwork parts = new(validators: 1);
        using EmbeddedNetwork network = EmbeddedNetwork.Start(parts.Options);
        Assert.That(network.WaitForHeight(5, Limit), Failures(network));
    }

    private static Func<string> Failures(EmbeddedNetwork network) => () =>
        string.Join("; ", Enumerable.Range(0, network.Count)
        .Select(i => $"{i}: height {network.Node(i)?.State.LastHeight} {network.Node(i)?.Failure}"));
}
