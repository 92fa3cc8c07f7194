using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;
using System.Threading;
using System.Threading.Tasks;
using AppChain.Abci;
using AppChain.Hsm;
using AppChain.Node;
using NUnit.Framework;

namespace AppChain.Localnet.Tests;

/// <summary><c>appchain validator</c> with a real CometBFT: each of its three processes is killed in turn.</summary>
[TestFixture, Category("Long")]
public sealed partial class ValidatorVerbTests
{
    private readonly int _port = TestPorts.Next();
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(40);
    private readonly List<string> _said = [];
    private string _home = "";

    [SetUp]
    public void MakeHome()
    {
        _said.Clear();
        _home = Directory.CreateTempSubdirectory("appchain-validator-").FullName;
    }

    [TearDown]
    public void RemoveHome() => Directory.Delete(_home, recursive: true);

    [Test]
    public async Task A_validator_survives_the_death_of_each_of_its_processes_and_stops_in_order()
    {
        CometBftNode.Binary();
        WriteHome();
        using Process validator = Start();
        using var rpc = new RpcClient($"http://127.0.0.1:{_port}");
        long height = await Reach(rpc, 3);
        foreach (string part in new[] { "signer", "application", "cometbft", "application", "cometbft", "signer" })
        {
            Signal("KILL", ProcessOf(part));
            long started = Stopwatch.GetTimestamp();
            height = await Reach(rpc, await Tip(rpc) + 4);
            TestContext.Out.WriteLine(
                $"{part} killed: 4 more blocks after {Stopwatch.GetElapsedTime(started).TotalSeconds:0.0} s");
        }

        int[] children = [ProcessOf("signer"), ProcessOf("application"), ProcessOf("cometbft")];
        Signal("TERM", validator.Id);
        Assert.That(validator.WaitForExit(Limit), Is.True, Said);
        validator.WaitForExit();
        Assert.That(validator.ExitCode, Is.Zero, Said);
        Assert.That(children.Where(id => Directory.Exists($"/proc/{id}")), Is.Empty);
        Assert.That(Said, Does.Contain("all parts have ended"));
        Assert.That(
            CallGrammar.Check(File.ReadLines(Path.Combine(_home, "data", "calls.log")).Select(AbciCall.Parse)),
            Is.Null);
        AuditCheck audit = AuditLog.Verify(Path.Combine(_home, "data", "sign-audit.jsonl"));
        Assert.That(audit.Fault, Is.Null.Or.Empty);
        Assert.That(audit.Lines, Is.AtLeast(2 * height), "a prevote and a precommit of each height were signed");
    }

    [Test]
    public async Task Children_do_not_outlive_a_killed_supervisor()
    {
        CometBftNode.Binary();
        WriteHome();
        using Process validator = Start();
        using var rpc = new RpcClient($"http://127.0.0.1:{_port}");
        await Reach(rpc, 2);
        int[] children = [ProcessOf("signer"), ProcessOf("application"), ProcessOf("cometbft")];
        validator.Kill();
        long started = Stopwatch.GetTimestamp();
        while (children.Any(id => Directory.Exists($"/proc/{id}")))
        {
            Assert.That(Stopwatch.GetElapsedTime(started), Is.LessThan(Limit));
            Thread.Sleep(50);
        }
    }

    [Test]
    public void Addresses_that_do_not_meet_are_named()
    {
        WriteHome();
        string config = Path.Combine(_home, "cometbft", "config", "config.toml");
        File.WriteAllText(config, File.ReadAllText(config).Replace("abci.sock", "other.sock"));
        using Process validator = Start("/bin/false");
        Assert.That(validator.WaitForExit(Limit), Is.True);
        validator.WaitForExit();
        Assert.That(validator.ExitCode, Is.EqualTo(1));
        Assert.That(Said, Does.Contain("write the same address in both"));
    }

    private string Said
    {
        get
        {
            lock (_said) return string.Join('\n', _said);
        }
    }

    private void WriteHome()
    {
        Directory.CreateDirectory(Path.Combine(_home, "config"));
        Directory.CreateDirectory(Path.Combine(_home, "data"));
        string application = $"unix://{_home}/abci.sock";
        string signer = $"unix://{_home}/sign.sock";
        File.WriteAllText(
            Path.Combine(_home, "config", "appchain.conf"),
            $"abci.address = {application}\nabci.calls = data/calls.log\n");
        File.WriteAllText(Path.Combine(_home, "config", "signer.conf"), $"""
            chain.{TestNetwork.ChainId}.key = consensus.key
            chain.{TestNetwork.ChainId}.state = ../data/sign-state.json
            chain.{TestNetwork.ChainId}.audit = ../data/sign-audit.jsonl
            chain.{TestNetwork.ChainId}.engine = {signer}
            """);
        SoftwareKey.Store(Path.Combine(_home, "config", "consensus.key"), EmbeddedHandshakeTests.Seed);
        SignStateFile.Raise(Path.Combine(_home, "data", "sign-state.json"), 1).Dispose();
        using var node = new CometBftNode(Path.Combine(_home, "cometbft"));
        node.Create(
            EmbeddedHandshakeTests.GenesisJson(), EmbeddedHandshakeTests.Seed, application, _port, signer: signer);
    }

    private Process Start(string? binary = null)
    {
        string program = typeof(Node.Application).Assembly.Location;
        var start = new ProcessStartInfo(
            "dotnet", [program, "validator", "--home", _home, "--cometbft", binary ?? CometBftNode.Binary()])
        {
            RedirectStandardError = true,
        };
        var process = new Process { StartInfo = start };
        process.ErrorDataReceived += (_, line) =>
        {
            lock (_said) _said.Add(line.Data ?? "");
        };
        process.Start();
        process.BeginErrorReadLine();
        return process;
    }

    private int ProcessOf(string part) => int.Parse(
        Started().Matches(Said).Last(match => match.Groups[1].Value == part).Groups[2].Value);

    private async Task<long> Tip(RpcClient rpc)
    {
        long started = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                return (await rpc.StatusAsync(CancellationToken.None)).Height;
            }
            catch (Exception error) when (error is RpcException or NodeUnreachableException)
            {
                Assert.That(Stopwatch.GetElapsedTime(started), Is.LessThan(Limit), Said);
                await Task.Delay(20);
            }
        }
    }

    private async Task<long> Reach(RpcClient rpc, long height)
    {
        long started = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                await rpc.BlockResultsAsync(height, CancellationToken.None);
                return height;
            }
            catch (Exception error) when (error is RpcException or NodeUnreachableException)
            {
                Assert.That(Stopwatch.GetElapsedTime(started), Is.LessThan(Limit), Said);
                await Task.Delay(20);
            }
        }
    }

    private static void Signal(string signal, int process)
    {
        using Process killer = Process.Start("/bin/kill", [$"-{signal}", $"{process}"]);
        killer.WaitForExit();
    }

    [GeneratedRegex("^(\\w+) is started, process (\\d+)$", RegexOptions.Multiline)]
    private static partial Regex Started();
}
