using System;
using System.Linq;
using NUnit.Framework;

namespace AppChain.Localnet.Tests.Fuzz;

/// <summary>A short run of every entrance, and the inputs that the repository keeps.</summary>
[TestFixture]
public sealed class FuzzTests
{
    [Test]
    public void Whatever_comes_in_is_answered_and_nothing_is_thrown(
        [ValueSource(typeof(FuzzEntrances), nameof(FuzzEntrances.Names))] string name)
    {
        int executions = name is "abci" or "genesis" or "http" or "privval" ? 1_000 : 4_000;
        using var open = new FuzzEntrances(name, seed: 7);
        FuzzResult result = FuzzProgram.Run(open.Entrance, executions, FuzzProgram.Corpus(name));
        Assert.That(result.Finding?.Error.ToString(), Is.Null);
        Assert.That(result.Executions, Is.EqualTo(executions));

        // Otherwise the damage was such that it showed nothing.
        Assert.That(result.Verdicts, Has.Count.AtLeast(2));
        Assert.That(result.Verdicts.Values.Max(), Is.LessThan(executions));
    }

    [Test]
    public void The_same_seed_makes_the_same_inputs()
    {
        using var first = new FuzzEntrances("transaction", seed: 3);
        using var second = new FuzzEntrances("transaction", seed: 3);
        for (int i = 0; i < 300; i++)
        {
            byte[] input = first.Entrance.Next();
            Assert.That(second.Entrance.Next(), Is.EqualTo(input));
            Assert.That(second.Entrance.Run(input), Is.EqualTo(first.Entrance.Run(input)));
        }
    }

    [Test]
    public void A_finding_stops_the_run_and_names_its_input()
    {
        var entrance = new FuzzEntrance(
            "x", () => [1], bytes => bytes[0] == 9 ? throw new InvalidOperationException("nine") : "ok");
        FuzzResult result = FuzzProgram.Run(entrance, 10, [[2], [9], [3]]);
        Assert.That(result.Executions, Is.EqualTo(2));
        Assert.That(result.Finding!.Value.Input, Is.EqualTo(new byte[] { 9 }));
    }
}
