using System;
using System.Collections.Generic;
using System.Linq;

namespace AppChain.Simulation;

/// <summary>What is simulated.</summary>
/// <param name="Seed">Everything that is random follows from it.</param>
/// <param name="Hours">Virtual hours of the safety phase.</param>
/// <param name="Validators">Number of validators, 0 to draw it.</param>
/// <param name="IsBeyond">More than a third of the power lies: a fork is allowed, an undetected one is not.</param>
/// <param name="IsCalm">No faults: for measuring speed.</param>
internal sealed record Scenario(int Seed, double Hours, int Validators = 0, bool IsBeyond = false, bool IsCalm = false);

/// <summary>What a run came to.</summary>
internal sealed record Outcome(
    Scenario Scenario, Swarm Swarm, long Blocks, string Trace, (int Processes, int Machines) Deaths, int LiesTold,
    IReadOnlyDictionary<string, int> Happened, long LateRounds, long HeardLate, int Transactions,
    IReadOnlyDictionary<string, long> Events, int Forks, string? Failure);

/// <summary>
/// One run: a safety phase under faults, then a liveness phase without, in which the chain must go on and everybody
/// catch up; then the blocks are executed again, from genesis and from a snapshot, and must lead to the same rows.
/// </summary>
internal static class Simulator
{
    private const int BlocksToGo = 8;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    /// <summary>Runs a scenario; a failure is in the outcome, not thrown.</summary>
    public static Outcome Run(Scenario scenario, Swarm swarm)
    {
        var world = new World(scenario.Seed, swarm, scenario.IsBeyond);
        string? failure = null;
        try
        {
            Run(world, scenario);
        }
        catch (Exception broken) when (broken is not OutOfMemoryException)
        {
            failure = broken is Violation
                ? broken.Message
                : $"{broken.GetType().Name}: {broken.Message}{FirstFrame(broken)}";
            world.Trace.Add(failure);
        }
        return new Outcome(scenario, swarm, world.Auditor.Height, world.Trace.Text, world.Deaths, world.LiesTold,
            world.Happened, world.Auditor.LateRounds, world.Auditor.HeardLate, world.Traders.Sent,
            world.Auditor.Counts, world.Auditor.Forks.Count, failure);
    }

    private static void Run(World world, Scenario scenario)
    {
        world.Begin();
        world.Network.RunUntil(() => world.Auditor.Forks.Count > 0, TimeSpan.FromHours(scenario.Hours));
        if (scenario.IsBeyond)
        {
            CheckBeyond(world);
            return;
        }
        world.Heal();
        long target = world.Auditor.Height + BlocksToGo;
        bool goesOn = world.Network.RunUntil(
            () => Enumerable.Range(0, world.Swarm.Validators).All(i => world.Auditor.CommittedBy(i) >= target),
            Patience);
        if (!goesOn)
        {
            throw new Violation("liveness", $"{Patience.TotalMinutes} minutes after the faults the validators are at "
                + string.Join(' ', Enumerable.Range(0, world.Swarm.Validators).Select(world.Auditor.CommittedBy))
                + $", not at {target}");
        }
        Replays.Check(world);
    }

    // Liars with a third of the power can split the chain; whoever compares the two commits must find them, and only
    // them.
    private static void CheckBeyond(World world)
    {
        foreach ((long height, int[] culprits) in world.Auditor.Forks)
        {
            int[] liars = [.. Enumerable.Range(world.Swarm.Validators - world.Swarm.Liars, world.Swarm.Liars)];
            if (culprits.Length * 3 < world.Swarm.Validators || culprits.Except(liars).Any())
            {
                throw new Violation("accountability", $"height {height}: the fork is the work of "
                    + $"{string.Join(' ', liars)}, the commits accuse {string.Join(' ', culprits)}");
            }
        }
    }

    private static string FirstFrame(Exception broken)
    {
        string? frame = broken.StackTrace?.Split('\n').FirstOrDefault(
            line => !line.Contains("Invariant.", StringComparison.Ordinal));
        return frame is null ? "" : $" ({frame.Trim()})";
    }
}
