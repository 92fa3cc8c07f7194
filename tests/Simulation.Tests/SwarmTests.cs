using System;
using System.Collections.Generic;
using System.Linq;
using NUnit.Framework;

namespace AppChain.Simulation.Tests;

/// <summary>
/// The faults of the simulator: seeds draw every kind, every kind happens, and a run says how to repeat it.
/// </summary>
public sealed class SwarmTests
{
    private static readonly Dictionary<string, Func<Swarm, double>> Weights = new()
    {
        ["liars"] = swarm => swarm.Liars,
        ["reordering"] = swarm => swarm.DelayMs - 20,
        ["loss"] = swarm => swarm.Loss,
        ["duplication"] = swarm => swarm.Duplication,
        ["partitions"] = swarm => swarm.Partitions,
        ["crashes"] = swarm => swarm.Crashes,
        ["full disks"] = swarm => swarm.DiskFull,
        ["removed data"] = swarm => swarm.Wipes,
        ["clock skew"] = swarm => swarm.SkewMs,
        ["silent feeds"] = swarm => swarm.SilentFeeds,
        ["plunges"] = swarm => swarm.Plunges,
        ["conviction"] = swarm => swarm.Conviction,
        ["bad transactions"] = swarm => swarm.BadTransactions,
        ["parameter changes"] = swarm => swarm.ParameterChanges,
        ["power changes"] = swarm => swarm.PowerChanges,
        ["encoded messages"] = swarm => swarm.Encodes ? 1 : 0,
    };

    private static readonly Swarm[] Drawn =
        [.. Enumerable.Range(1, 400).Select(seed => Swarm.Draw(seed, 0, beyond: false, calm: false))];

    private static IEnumerable<string> Kinds => Weights.Keys;

    [TestCaseSource(nameof(Kinds))]
    public void A_fault_is_switched_on_by_many_seeds_and_off_by_many(string kind) => Assert.That(
        Drawn.Count(swarm => Weights[kind](swarm) > 0), Is.InRange(Drawn.Length / 10, Drawn.Length * 9 / 10));

    [Test]
    public void Every_lie_is_told_and_every_step_to_die_at_favoured_by_some_seeds()
    {
        foreach (Lie lie in Enum.GetValues<Lie>())
        {
            int seeds = Drawn.Count(swarm => swarm.Liars > 0 && swarm.Lies[lie] > 0);
            Assert.That(seeds, Is.AtLeast(Drawn.Length / 10), $"{lie}");
        }
        Assert.That(
            Drawn.Select(swarm => swarm.Focus).OfType<StepKind>().Distinct(),
            Is.EquivalentTo(Enum.GetValues<StepKind>().Where(kind => kind < StepKind.Died)));
    }

    [Test]
    public void Faults_are_printed_by_name() => Assert.That(
        $"{Everything(seed: 3)}",
        Does.Contain("1 liars").And.Contain("loss 0.05").And.Contain("DoubleVote:0.2").And.Contain("partitions/min 4"));

    /// <summary>All faults together: the chain survives them, and none is a word without a deed.</summary>
    [Test]
    public void Every_kind_of_fault_happens()
    {
        const int seedsMax = 8;
        SortedDictionary<string, int> happened = new(StringComparer.Ordinal);
        string[] expected =
        [
            .. Enum.GetValues<Lie>().Select(lie => $"lie {lie}"),
            .. Enum.GetValues<StepKind>().Where(kind => kind < StepKind.Died).Select(kind => $"death at {kind}"),
            "data removed", "full disk", "message cut off", "message doubled", "message lost", "power lost",
        ];
        for (int seed = 1; seed <= seedsMax && !expected.All(kind => happened.GetValueOrDefault(kind) > 0); seed++)
        {
            Outcome outcome = Simulator.Run(new Scenario(seed, 0.01, 4), Everything(seed));
            Assert.That(outcome.Failure, Is.Null, $"seed {seed}");
            foreach ((string kind, int count) in outcome.Happened)
                happened[kind] = happened.GetValueOrDefault(kind) + count;
        }
        TestContext.Out.WriteLine(string.Join(", ", happened.Select(item => $"{item.Key} {item.Value}")));
        Assert.That(happened.Where(item => item.Value > 0).Select(item => item.Key), Is.EquivalentTo(expected));
    }

    [TestCase(0, false, false, "./appchain simulate --seed 5 --hours 0.25")]
    [TestCase(7, true, false, "./appchain simulate --seed 5 --hours 0.25 --validators 7 --beyond")]
    [TestCase(4, false, true, "./appchain simulate --seed 5 --hours 0.25 --validators 4 --calm")]
    public void A_run_is_repeated_by_one_command(int validators, bool beyond, bool calm, string command) =>
        Assert.That(Program.Again(new Scenario(5, 0.25, validators, beyond, calm)), Is.EqualTo(command));

    private static Swarm Everything(int seed) => Swarm.Draw(seed, 4, beyond: false, calm: true) with
    {
        Liars = 1,
        Lies = Enum.GetValues<Lie>().ToDictionary(lie => lie, _ => 0.2),
        DelayMs = 100,
        Loss = 0.05,
        Duplication = 0.05,
        Partitions = 4,
        Crashes = 0.002,
        PowerLoss = 0.5,
        Wipes = 0.2,
        DiskFull = 0.01,
        SkewMs = 500,
        SilentFeeds = 0.1,
        Encodes = true,
    };
}
