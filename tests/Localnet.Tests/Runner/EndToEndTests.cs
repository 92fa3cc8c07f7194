using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text.Json;
using AppChain.Hsm;
using NUnit.Framework;

namespace AppChain.Localnet.Tests;

/// <summary>Whole networks as a user starts them: processes, sockets, agents, report.</summary>
[TestFixture]
[NonParallelizable]
public sealed class EndToEndTests
{
    private const int WaitMilliseconds = 120_000;

    private string _home = "";

    [SetUp]
    public void MakeHome() => _home = Directory.CreateTempSubdirectory("appchain-localnet-").FullName;

    [TearDown]
    public void DeleteHome() => Directory.Delete(_home, recursive: true);

    [Test]
    public void Four_validators_on_the_embedded_engine_trade_and_report()
    {
        using JsonDocument report = Run("embedded");
        Check(report.RootElement, "embedded");
    }

    [Test]
    public void Four_validators_on_CometBFT_trade_and_report()
    {
        CometBftNode.Binary();
        using JsonDocument report = Run("cometbft");
        Check(report.RootElement, "cometbft");
    }

    [TestCase("embedded")]
    [TestCase("cometbft")]
    public void Validators_sign_with_keys_in_devices(string engine)
    {
        if (!File.Exists(Pkcs11Module.SoftHsm))
        {
            Assert.Ignore($"{Pkcs11Module.SoftHsm} is not installed (Debian package softhsm2)");
        }

        if (engine == "cometbft")
        {
            CometBftNode.Binary();
        }

        using JsonDocument report = Run(engine, "--hsm", "softhsm");
        Check(report.RootElement, engine);
        Assert.That(
            Directory.GetFiles(Path.Combine(_home, "net"), "consensus.key", SearchOption.AllDirectories), Is.Empty);
    }

    [TestCase("INT", 2)]
    [TestCase("TERM", 15)]
    public void An_interrupted_run_ends_its_children_and_writes_its_report(string signal, int number)
    {
        if (IsIgnored(number))
        {
            Assert.Ignore($"SIG{signal} is ignored by whoever started the tests, and so by every process they start");
        }

        string report = Path.Combine(_home, "report.json");
        using Process process = Start(
            "--engine", "embedded", "--traders", "5", "--home", Path.Combine(_home, "net"),
            "--port", $"{TestPorts.Next()}",
            "--report", report);
        for (string? line = ""; line is not null && !line.StartsWith("height     3", StringComparison.Ordinal);)
        {
            line = process.StandardOutput.ReadLine();
        }

        using (Process interrupt = Process.Start("kill", ["-s", signal, $"{process.Id}"]))
        {
            interrupt.WaitForExit();
        }

        string rest = process.StandardOutput.ReadToEnd();
        Assert.That(process.WaitForExit(WaitMilliseconds), Is.True);
        Assert.That(process.ExitCode, Is.Zero, rest + process.StandardError.ReadToEnd());
        Assert.That(rest, Does.Contain("every check held"));
        Assert.That(File.Exists(report), Is.True);
        Assert.That(Children(), Is.Empty);
    }

    [Test]
    public void A_ticker_of_its_own_becomes_a_market_with_the_prices_of_its_file()
    {
        string file = Path.Combine(_home, "doge.csv");
        File.WriteAllLines(file, [
            "open_time_ms,open,high,low,close",
            .. Enumerable.Range(0, 120).Select(minute => string.Create(CultureInfo.InvariantCulture,
                $"{1_760_000_000_000 + (60_000L * minute)},0.25,0.2501,0.2499,0.25")),
        ]);
        using JsonDocument report = Run("embedded", "--prices", $"DOGE-PERP={file}");
        JsonElement oracle = report.RootElement.GetProperty("oracle").GetProperty("DOGE-PERP");
        Assert.That(oracle.GetProperty("updates").GetInt32(), Is.Positive);
        decimal last = decimal.Parse(oracle.GetProperty("last_price").ToString(), CultureInfo.InvariantCulture);
        Assert.That(last, Is.EqualTo(0.25m).Within(0.001m));
    }

    [Test]
    public void A_home_directory_that_no_localnet_made_is_left_alone()
    {
        string mine = Path.Combine(_home, "work", "thesis.txt");
        Directory.CreateDirectory(Path.Combine(_home, "work"));
        File.WriteAllText(mine, "years of it");
        using Process process = Start(
            "--engine", "embedded", "--blocks", "5", "--home", _home, "--port", $"{TestPorts.Next()}");
        string error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.That(process.ExitCode, Is.EqualTo(1));
        Assert.That(error, Does.Contain("holds files that no localnet made"));
        Assert.That(File.ReadAllText(mine), Is.EqualTo("years of it"));
    }

    [Test]
    public void A_price_file_that_does_not_exist_is_named()
    {
        using Process process = Start(
            "--engine", "embedded", "--blocks", "5", "--home", Path.Combine(_home, "net"),
            "--port", $"{TestPorts.Next()}",
            "--prices", "BTC-PERP=nowhere.csv");
        string error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.That(process.ExitCode, Is.EqualTo(1));
        Assert.That(error, Does.Contain("nowhere.csv does not exist"));
    }

    private JsonDocument Run(string engine, params string[] more)
    {
        string report = Path.Combine(_home, "report.json");
        using Process process = Start([
            "--engine", engine, "--validators", "4", "--blocks", "24", "--traders", "20", "--seed", "1",
            "--speed", "60", "--home", Path.Combine(_home, "net"), "--port", $"{TestPorts.Next()}",
            "--report", report, .. more,
        ]);
        string output = process.StandardOutput.ReadToEnd();
        Assert.That(process.WaitForExit(WaitMilliseconds), Is.True);
        Assert.That(process.ExitCode, Is.Zero, output + process.StandardError.ReadToEnd());
        Assert.That(output, Does.Contain("every check held"));
        Assert.That(Children(), Is.Empty);
        return JsonDocument.Parse(File.ReadAllText(report));
    }

    private static void Check(JsonElement report, string engine)
    {
        string[] keys = [.. report.EnumerateObject().Select(member => member.Name)];
        Assert.That(keys, Is.EqualTo(new[]
        {
            "engine", "validators", "blocks", "seconds", "block_interval_ms", "app_hash_agreement",
            "transactions", "fills",
            "liquidations", "deleveragings", "oracle", "conservation", "invariants_checked", "abci_calls",
        }));
        Assert.That(report.GetProperty("engine").GetString(), Is.EqualTo(engine));
        Assert.That(report.GetProperty("blocks").GetInt64(), Is.EqualTo(24));
        Assert.That(report.GetProperty("app_hash_agreement").GetProperty("heights_checked").GetInt64(), Is.EqualTo(24));
        Assert.That(report.GetProperty("app_hash_agreement").GetProperty("mismatches").GetInt64(), Is.Zero);
        JsonElement held = report.GetProperty("conservation");
        Assert.That(held.GetProperty("difference").GetString(), Is.EqualTo("0"));
        decimal Amount(string name) => decimal.Parse(held.GetProperty(name).GetString()!, CultureInfo.InvariantCulture);
        decimal owed = Amount("claims") + Amount("insurance_fund") + Amount("fees") + Amount("leaving");
        Assert.That(owed, Is.EqualTo(Amount("held")));
        Assert.That(report.GetProperty("fills").GetInt64(), Is.Positive);
        Assert.That(report.GetProperty("abci_calls").GetProperty("checked").GetInt64(), Is.AtLeast(4 * 24 * 4));
        Assert.That(report.GetProperty("abci_calls").GetProperty("out_of_order").GetInt64(), Is.Zero);
        Assert.That(
            report.GetProperty("oracle").GetProperty("BTC-PERP").GetProperty("updates").GetInt64(), Is.Positive);
    }

    private static Process Start(params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add(typeof(RunReport).Assembly.Location);
        foreach (string argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        return Process.Start(start)!;
    }

    // A process started in the background by a shell script ignores SIGINT, and passes that on.
    private static bool IsIgnored(int signal)
    {
        string ignored = File.ReadLines("/proc/self/status").First(
            line => line.StartsWith("SigIgn:", StringComparison.Ordinal));
        return (Convert.ToUInt64(ignored[7..].Trim(), 16) >> (signal - 1) & 1) != 0;
    }

    // Processes that still name this run's directory.
    private List<string> Children()
    {
        var found = new List<string>();
        foreach (string directory in Directory.GetDirectories("/proc"))
        {
            string file = Path.Combine(directory, "cmdline");
            try
            {
                string command = File.Exists(file) ? File.ReadAllText(file) : "";
                if (command.Contains(_home, StringComparison.Ordinal))
                {
                    found.Add(command.Replace('\0', ' '));
                }
            }
            catch (IOException)
            {
                // It has ended meanwhile.
            }
        }

        return found;
    }
}
