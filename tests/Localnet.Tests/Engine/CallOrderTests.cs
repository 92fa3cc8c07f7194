using System;
using System.Collections.Generic;
using System.Linq;
using AppChain.Abci;
using NUnit.Framework;

namespace AppChain.Localnet.Tests;

public sealed class CallOrderTests
{
    [TestCaseSource(typeof(Recording), nameof(Recording.Names))]
    public void Recorded_calls_follow_the_grammar(string name)
    {
        Recording recording = Recording.Open(name);
        int runs = 0;
        foreach (int node in recording.Nodes)
        {
            CallOrder.Check(recording.Calls(node));
            runs += recording.Calls(node).Count(call => call.Kind == CallKind.Start);
        }
        Assert.That(runs, Is.AtLeast(1));
    }

    [Test]
    public void Simulated_calls_follow_the_grammar_under_loss_and_delay()
    {
        TestNetwork network = new(seed: 7, adjust: options => options with
        {
            MaximumDelay = TimeSpan.FromMilliseconds(300),
            Copies = (random, _, _, _) => random.NextDouble() < 0.1 ? 0 : random.NextDouble() < 0.1 ? 2 : 1,
        });
        network.StartAll();
        network.RunToHeight(30);
        for (int i = 0; i < 4; i++)
        {
            string text = CallOrder.Text(network.Applications[i].Calls.Select(call => call.Kind).Skip(1));
            CallOrder.Check(network.Applications[i].Calls.Select(CallOrder.Call));
            List<int> rounds = network.DecidedRounds(i);
            List<string> heights = CallOrder.Heights(text);
            // A validator that lags may have gone one round beyond the deciding one before it learns of the decision.
            for (int h = 0; h < 30; h++) CallOrder.CheckRounds(heights[h], rounds[h] + 2);
        }
    }

    /// <summary>
    /// The plan of c_reject: all refuse the first proposal of height 6 and the first two of height 11, node 3 alone
    /// refuses that of height 15. Same keys, same rounds, so the same validators propose, and the calls must be the
    /// same
    /// but for the verifications, whose number depends on the order of arrival.
    /// </summary>
    [Test]
    public void Calls_under_rejected_proposals_are_those_of_the_recording()
    {
        Recording recording = Recording.Open("c_reject");
        TestNetwork network = new(seed: 3, adjust: OneMachine);
        for (int i = 0; i < 4; i++)
        {
            bool isLast = i == 3;
            network.Applications[i].Rejects = (height, call) =>
                (height == 6 && call <= 1) || (height == 11 && call <= 2) || (height == 15 && isLast);
        }
        network.StartAll();
        network.RunToHeight(18);
        Assert.That(network.DecidedRounds(0).Take(18), Is.EqualTo(Enumerable.Range(1, 18).Select(RoundOf)));
        AssertSameCalls(recording, network, 18);

        int RoundOf(int height) => height switch { 6 => 1, 11 => 2, _ => 0 };
    }

    /// <summary>The plan of b_absent up to the return of node 3: it is away from height 6 on.</summary>
    [Test]
    public void Calls_with_an_absent_validator_are_those_of_the_recording()
    {
        Recording recording = Recording.Open("b_absent");
        TestNetwork network = new(seed: 3, adjust: OneMachine);
        network.StartAll();
        network.Simulation.RunUntil(() => network.Simulation.StoreOf(3).StateHeight >= 5, TimeSpan.FromMinutes(1));
        network.Simulation.Crash(3);
        network.RunToHeight(23);
        Assert.That(network.DecidedRounds(0).Take(23),
            Is.EqualTo(Enumerable.Range(1, 23).Select(height => height is 8 or 12 or 16 or 20 ? 1 : 0)));
        int node = recording.Nodes.First(index => index != 3);
        AssertSameCalls(recording, network, 23, node);
    }

    /// <summary>Delays between processes of one machine, as in the recordings.</summary>
    private static SimulationOptions OneMachine(SimulationOptions options) => options with
    {
        MinimumDelay = TimeSpan.FromMilliseconds(0.2),
        MaximumDelay = TimeSpan.FromMilliseconds(1),
    };

    private static void AssertSameCalls(Recording recording, TestNetwork network, int heights, int? only = null)
    {
        foreach (int node in recording.Nodes.Where(index => only is null || index == only))
        {
            string recorded = string.Concat(recording.ConsensusCalls(node).Select(CallOrder.Text));
            string simulated = CallOrder.Text(network.Applications[node].Calls.Select(call => call.Kind).Skip(1));
            Assert.That(Shape(simulated), Is.EqualTo(Shape(recorded)), $"node {node}");
        }

        List<string> Shape(string text) =>
            [.. CallOrder.Heights(text).Take(heights).Select(CallOrder.WithoutVerifications)];
    }
}
