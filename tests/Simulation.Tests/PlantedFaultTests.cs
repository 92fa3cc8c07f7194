using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using NUnit.Framework;

namespace AppChain.Simulation.Tests;

/// <summary>
/// The simulator finds bugs: each planted fault is caught by its seed, and the product as it is passes that seed. Every
/// fault costs a compilation and a process, so only two are tried unless APPCHAIN_LONG is set to 1.
/// </summary>
public sealed class PlantedFaultTests
{
    private static readonly string[] Usual = ["A transfer loses a micro-USD", "An order rests a block too long"];

    private static IEnumerable<string> Faults => PlantedFaults.All.Select(fault => fault.Name);

    private static PlantedFault Named(string name) => PlantedFaults.All.Single(fault => fault.Name == name);

    [Test]
    public void Their_names_differ()
    {
        Assert.That(PlantedFaults.All.Concat(PlantedFaults.Hunted).Select(fault => fault.Slug), Is.Unique);
    }

    [Test]
    public void Every_change_still_fits_the_sources_and_makes_a_difference()
    {
        string root = Variant.Root()!;
        foreach (PlantedFault fault in PlantedFaults.All.Concat(PlantedFaults.Hunted))
        {
            foreach (IGrouping<string, Change> file in fault.Changes.GroupBy(change => change.File))
            {
                string text = File.ReadAllText(Path.Combine(root, file.Key));
                Assert.That(file.Aggregate(text, Variant.Apply), Is.Not.EqualTo(text), fault.Name);
            }
        }
    }

    [TestCaseSource(nameof(Faults)), Category("Long")]
    public void A_planted_fault_is_caught_by_its_seed(string name)
    {
        RequireTurn(Usual.Contains(name));
        PlantedFault fault = Named(name);
        (int Seed, string Failure)? caught = Program.Hunt(fault, fault.Seed, seeds: 1, fault.Hours);
        Assert.That(caught, Is.Not.Null, fault.Name);
        TestContext.Out.WriteLine($"{fault.Name}: {caught!.Value.Failure}");
    }

    [TestCaseSource(nameof(Faults)), Category("Long")]
    public void Without_the_fault_the_same_seed_passes(string name)
    {
        RequireTurn(Usual.Contains(name));
        PlantedFault fault = Named(name);
        Outcome outcome = Simulator.Run(
            new Scenario(fault.Seed, fault.Hours), Swarm.Draw(fault.Seed, 0, beyond: false, calm: false));
        Assert.That(outcome.Failure, Is.Null);
    }

    private static void RequireTurn(bool isUsual)
    {
        bool isLong = Environment.GetEnvironmentVariable("APPCHAIN_LONG") == "1";
        if (!isUsual && !isLong) Assert.Ignore("set APPCHAIN_LONG=1 to try every planted fault");
    }
}
