using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Text.Json;
using NUnit.Framework;

namespace AppChain.Localnet.Tests;

/// <summary>Validators are struck while agents trade, on both engines; every check of the run must hold.</summary>
[TestFixture]
[NonParallelizable]
public sealed class PerturbationTests
{
    private string _home = "";

    [SetUp]
    public void MakeHome() => _home = Directory.CreateTempSubdirectory("appchain-perturb-").FullName;

    [TearDown]
    public void DeleteHome() => Directory.Delete(_home, recursive: true);

    // VAULT-16, C20: the run fails when an engine has other parameters than the guardians decided, or a header names
    // others. The chain's clock is fast, so that the timelock is short.
    [Test]
    public void The_embedded_engine_obeys_a_parameter_change()
    {
        JsonElement faults = Run(
            ["--engine", "embedded", "--perturb", "parameters", "--traders", "4", "--speed", "20"],
            180);
        Assert.That(Kinds(faults), Is.EqualTo(new[] { "parameters" }));
    }

    // VAULT-17: the run fails when an engine has another set than the guardians decided, or who returned does not sign.
    [Test]
    public void The_embedded_engine_lets_a_validator_go_and_takes_it_back()
    {
        JsonElement faults = Run(
            ["--engine", "embedded", "--perturb", "leave", "--traders", "4", "--speed", "20"], 180);
        Assert.That(Kinds(faults), Is.EqualTo(new[] { "leave" }));
    }

    [Test]
    [Category("Long")]
    public void Every_fault_on_the_embedded_engine_is_survived_under_load()
    {
        JsonElement faults = Run(
            ["--engine", "embedded", "--perturb", "all", "--traders", "10", "--seed", "2"], 500);
        Assert.That(Kinds(faults), Is.EqualTo(Perturbations.EmbeddedKinds));
    }

    // VAULT-16, VAULT-17, and C2 on CometBFT: kill -9, pause, disconnect, restart, 50 blocks away, parameters, a
    // validator that leaves and returns, a validator less.
    [Test]
    [Category("Long")]
    public void Every_fault_on_CometBFT_is_survived_under_load()
    {
        CometBftNode.Binary();
        JsonElement faults = Run(
            ["--engine", "cometbft", "--perturb", "all", "--traders", "10", "--seed", "3"], 500);
        Assert.That(Kinds(faults), Is.EqualTo(Perturbations.Kinds));
        foreach (JsonElement fault in faults.GetProperty("perturbations").EnumerateArray())
        {
            Assert.That(fault.GetProperty("recovery_seconds").GetDouble(), Is.LessThanOrEqualTo(FaultRun.RecoveryMax));
        }
    }

    [TestCase("embedded")]
    [TestCase("cometbft")]
    [Category("Long")]
    public void Kills_of_up_to_all_validators_at_once_lose_nothing(string engine)
    {
        if (engine == "cometbft")
        {
            CometBftNode.Binary();
        }

        JsonElement faults = Run(
            ["--engine", engine, "--crashes", "20", "--traders", "4", "--seed", "7"], 500);
        JsonElement crashes = faults.GetProperty("crashes");
        Assert.That(crashes.GetProperty("kills_survived").GetInt32(), Is.GreaterThanOrEqualTo(20));
        Assert.That(crashes.GetProperty("while_starting").GetInt32(), Is.GreaterThan(0));
    }

    private static IEnumerable<string> Kinds(JsonElement faults) =>
        faults.GetProperty("perturbations").EnumerateArray().Select(
            static fault => fault.GetProperty("kind").GetString()!);

    // Exit code 0 says that app hashes, blocks, conservation, calls, audit logs and recovery times were all as they
    // must be.
    private JsonElement Run(string[] arguments, int patienceSeconds)
    {
        string report = Path.Combine(_home, "report.json");
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string argument in (string[])
            [
                typeof(RunReport).Assembly.Location, .. arguments, "--home", Path.Combine(_home, "net"),
                "--port", $"{TestPorts.Next()}", "--report", report,
            ])
        {
            start.ArgumentList.Add(argument);
        }

        using Process process = Process.Start(start)!;
        try
        {
            var errors = process.StandardError.ReadToEndAsync();
            var output = process.StandardOutput.ReadToEndAsync();
            Assert.That(process.WaitForExit(TimeSpan.FromSeconds(patienceSeconds)), Is.True, "the run does not end");
            Assert.That(process.ExitCode, Is.Zero, output.Result + errors.Result);
        }
        finally
        {
            process.Kill(entireProcessTree: true);
            process.WaitForExit();
        }

        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(report));
        return document.RootElement.GetProperty("faults").Clone();
    }
}
