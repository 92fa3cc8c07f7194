using System.Diagnostics;
using System.IO;
using System.Text.Json;
using System.Threading.Tasks;
using NUnit.Framework;

namespace AppChain.Localnet.Tests;

/// <summary>
/// A fifth node joins a running network of real CometBFT nodes from a snapshot, and becomes a validator. Takes two
/// minutes on two cores, half of one of them the timelock of the guardians.
/// </summary>
[TestFixture]
[NonParallelizable]
public sealed class StateSyncTests
{
    private const int WaitMilliseconds = 300_000;

    private string _home = "";

    [SetUp]
    public void MakeHome() => _home = Directory.CreateTempSubdirectory("appchain-localnet-join-").FullName;

    [TearDown]
    public void RemoveHome() => Directory.Delete(_home, recursive: true);

    // SNAP-6, SNAP-8, SNAP-9, SNAP-10, VAULT-17
    [Test]
    [Category("Long")]
    public void A_fifth_node_joins_a_trading_network_by_state_sync_follows_and_votes()
    {
        CometBftNode.Binary();
        string report = Path.Combine(_home, "report.json");
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string argument in new[]
        {
            typeof(RunReport).Assembly.Location, "--engine", "cometbft", "--blocks", "320", "--traders", "10",
            "--seed", "3",
            "--speed", "60", "--home", Path.Combine(_home, "net"), "--port", $"{TestPorts.Next()}",
            "--snapshot-interval", "10", "--join", "25", "--report", report,
        })
        {
            start.ArgumentList.Add(argument);
        }

        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> errors = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(WaitMilliseconds))
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"still running: {output.Result}{errors.Result}");
        }

        Assert.That(process.ExitCode, Is.Zero, output.Result + errors.Result);
        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(report));
        JsonElement late = document.RootElement.GetProperty("late_node");
        Assert.That(late.GetProperty("snapshot").GetInt64(), Is.GreaterThan(0));
        Assert.That(late.GetProperty("heights_compared").GetInt32(), Is.GreaterThan(10));
        Assert.That(late.GetProperty("mismatches").GetInt32(), Is.Zero);

        Assert.That(late.GetProperty("votes_from").GetInt64(), Is.GreaterThan(late.GetProperty("snapshot").GetInt64()));
        Assert.That(
            late.GetProperty("signed_at").GetInt64(),
            Is.GreaterThanOrEqualTo(late.GetProperty("votes_from").GetInt64()));

        // The calls of the late node, state sync among them, were in the order of the protocol.
        Assert.That(document.RootElement.GetProperty("abci_calls").GetProperty("out_of_order").GetInt64(), Is.Zero);
    }
}
