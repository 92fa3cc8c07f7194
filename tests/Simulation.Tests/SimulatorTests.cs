using System;
using System.Collections.Generic;
using System.Linq;
using NUnit.Framework;

namespace AppChain.Simulation.Tests;

public sealed class SimulatorTests
{
    private static Outcome Run(int seed, double hours, int validators = 0, bool beyond = false)
    {
        var scenario = new Scenario(seed, hours, validators, beyond);
        return Simulator.Run(scenario, Swarm.Draw(seed, validators, beyond, calm: false));
    }

    [Test]
    public void A_seed_repeats_its_run_step_by_step()
    {
        Outcome first = Run(seed: 6, hours: 0.005);
        Outcome again = Run(seed: 6, hours: 0.005);
        Outcome other = Run(seed: 7, hours: 0.005);
        Assert.That(again.Trace, Is.EqualTo(first.Trace));
        Assert.That(again.Blocks, Is.EqualTo(first.Blocks));
        Assert.That(other.Trace, Is.Not.EqualTo(first.Trace));
    }

    [Test]
    public void Faults_within_the_bound_break_nothing_and_the_chain_goes_on([Range(1, 6)] int seed)
    {
        Outcome outcome = Run(seed, hours: 0.006);
        Assert.That(outcome.Failure, Is.Null, outcome.Swarm.ToString());
        Assert.That(outcome.Blocks, Is.GreaterThan(10));
    }

    // VAULT-17, BLOCK-1
    [Test]
    public void Evidence_removes_validators_while_guardians_change_powers()
    {
        Outcome outcome = Run(seed: 16_000_034, hours: 0.02);
        Assert.That(outcome.Failure, Is.Null, outcome.Swarm.ToString());
        Assert.That(outcome.Events.GetValueOrDefault("ValidatorRemoved"), Is.GreaterThan(1), "one came back");
        Assert.That(outcome.Events.GetValueOrDefault("ValidatorPowerChanged"), Is.Positive);
    }

    [Test]
    public void Beyond_the_bound_a_fork_accuses_exactly_the_liars()
    {
        Outcome[] outcomes =
        [
            .. Enumerable.Range(1, 8).Select(seed => Run(seed, hours: 0.01, validators: 4, beyond: true)),
        ];
        Assert.That(outcomes.Select(outcome => outcome.Failure), Has.All.Null);
        Assert.That(outcomes.Count(outcome => outcome.Forks > 0), Is.AtLeast(2), "two liars of four split the chain");
    }
}
