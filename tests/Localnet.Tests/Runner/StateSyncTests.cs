using System;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Text.Json;
using NUnit.Framework;

namespace AppChain.Localnet.Tests;

/// <summary>A fifth node joins a running network of real CometBFT nodes from a snapshot.</summary>
[TestFixture]
[NonParallelizable]
public sealed class StateSyncTests
{
    private const int WaitMilliseconds = 240_000;

    // SNAP-6, SNAP-8, SNAP-9, SNAP-10
    [Test]
    [Category("Long")]
    public void A_fifth_node_joins_a_trading_network_by_state_sync_and_follows()
    {
        string? binary = Environment.GetEnvironmentVariable("COMETBFT_BIN");
        string[] path = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator);
        if (string.IsNullOrEmpty(binary) && !path.Any(folder => File.Exists(Path.Combine(folder, "cometbft"))))
        {
            Assert.Ignore("no cometbft binary on PATH or in COMETBFT_BIN");
        }

        string home = Directory.CreateTempSubdirectory("appchain-localnet-join-").FullName;
        string report = Path.Combine(home, "report.json");
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string argument in new[]
        {
            typeof(RunReport).Assembly.Location, "--engine", "cometbft", "--blocks", "200", "--traders", "10", "--seed", "3",
            "--speed", "60", "--home", Path.Combine(home, "net"), "--port", "35200", "--snapshot-interval", "10",
            "--join", "25", "--report", report,
        })
        {
            start.ArgumentList.Add(argument);
        }

        using Process process = Process.Start(start)!;
        string output = process.StandardOutput.ReadToEnd();
        Assert.That(process.WaitForExit(WaitMilliseconds), Is.True);
        Assert.That(process.ExitCode, Is.Zero, output + process.StandardError.ReadToEnd());
        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(report));
        JsonElement late = document.RootElement.GetProperty("late_node");
        Assert.That(late.GetProperty("snapshot").GetInt64(), Is.GreaterThan(0));
        Assert.That(late.GetProperty("heights_compared").GetInt32(), Is.GreaterThan(10));
        Assert.That(late.GetProperty("mismatches").GetInt32(), Is.Zero);

        // The calls of the late node, state sync among them, were in the order of the protocol.
        Assert.That(document.RootElement.GetProperty("abci_calls").GetProperty("out_of_order").GetInt64(), Is.Zero);
        Directory.Delete(home, recursive: true);
    }
}
