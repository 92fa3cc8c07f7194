using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Threading;
using AppChain.Abci.Wire.Types;
using AppChain.Hsm;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using NUnit.Framework;

namespace AppChain.Localnet.Tests;

/// <summary>
/// Signers and devices that are lost, and come back, under a running network. One validator is enough and stricter than
/// four: when it does not sign, there is no block.
/// </summary>
[TestFixture]
[NonParallelizable]
public sealed class SignerLossTests
{
    [TestCase("embedded")]
    [TestCase("cometbft")]
    [Property("Spec", "SIGN-27")]
    public void Killing_the_signer_that_signs_costs_no_more_than_one_round(string engine)
    {
        using RunningLocalnet run = new(engine, "--validators", "1", "--signers", "3");
        run.AwaitHeight(8);
        run.KillSigner(run.ActiveSigner());
        long killedAt = run.Height;
        run.AwaitHeight(killedAt + 15);
        run.End();
        Assert.That(run.Output, Does.Contain("every check held").And.Contain("0 faults"));
        Assert.That(
            run.Signed().Rounds.Where(pair => pair.Key >= killedAt).Sum(pair => pair.Value), Is.LessThanOrEqualTo(1));
    }

    [Test]
    [Property("Spec", "SIGN-31")]
    [Property("Spec", "SIGN-34")]
    public void A_stale_standby_with_a_restored_backup_never_makes_the_validator_sign_twice()
    {
        using RunningLocalnet run = new("embedded", "--validators", "1", "--signers", "3");
        run.AwaitHeight(6);
        int active = run.ActiveSigner();
        int standby = (active + 1) % 3;
        string home = run.SignerHome(standby);
        string backup = home + ".backup";
        run.KillSigner(standby);
        CopyFiles(home, backup);
        long backedUp = run.Height;
        run.StartSigner(standby);
        run.AwaitHeight(backedUp + 8);

        // The machine of the standby is lost and made anew from the backup, with an engine of its own that is just as
        // old: everything on it believes that the chain stands where it stood then.
        run.KillSigner(standby);
        CopyFiles(home, home + ".lost");
        CopyFiles(backup, home);
        string socket = Path.Combine(run.Home, "stale.sock");
        File.AppendAllText(
            Path.Combine(home, "signer.conf"), $"chain.{NetworkFiles.ChainId}.engine = unix://{socket}\n");
        using SignerListener stale = new($"unix://{socket}", NetworkFiles.ChainId, TimeSpan.FromSeconds(20));
        run.StartSigner(standby);
        int refused = 0;
        for (long height = backedUp; height < backedUp + 8; height++)
        {
            foreach (SignedMsgType type in (SignedMsgType[])[SignedMsgType.Prevote, SignedMsgType.Precommit])
            {
                Assert.That(() => stale.SignVote(AnotherBlock(type, height)), Throws.TypeOf<SigningRefusedException>());
                refused++;
            }
        }

        // It takes part again: the one that signed is lost, and the chain goes on with the standby's record.
        run.KillSigner(active);
        run.AwaitHeight(run.Height + 8);
        Assert.That(() => stale.SignVote(AnotherBlock(SignedMsgType.Prevote, backedUp + 4)),
            Throws.TypeOf<SigningRefusedException>().With.Message.Not.Contains("recovering"));
        run.End();
        SignedPlaces signed = run.Signed();
        signed.Add(0, Path.Combine(home + ".lost", "sign-audit.jsonl"));
        Assert.That(signed.Faults, Is.Empty);
        Assert.That(refused, Is.EqualTo(16));
        string audit = File.ReadAllText(Path.Combine(home, "sign-audit.jsonl"));
        Assert.That(audit, Does.Contain("\"outcome\":\"recovered\"").And.Contain("\"outcome\":\"refused\""));
    }

    [Test]
    [Property("Spec", "SIGN-39")]
    public void The_device_of_the_signer_that_signs_is_unplugged_and_another_signs_on()
    {
        RequireSoftHsm();
        using RunningLocalnet run = new("embedded", "--validators", "1", "--signers", "3", "--hsm", "softhsm");
        run.AwaitHeight(8);
        int active = run.ActiveSigner();
        string device = Path.Combine(run.Home, "softhsm", $"validator0-{active}");
        Directory.Move(Path.Combine(device, "tokens"), Path.Combine(device, "away"));
        long lostAt = run.Height;
        run.AwaitHeight(lostAt + 10);
        Assert.That(run.ActiveSigner(), Is.Not.EqualTo(active));
        Directory.Move(Path.Combine(device, "away"), Path.Combine(device, "tokens"));

        // The device is back: its signer signs when it is the only one left that can, with the others as witnesses.
        int second = run.ActiveSigner();
        string other = Path.Combine(run.Home, "softhsm", $"validator0-{second}");
        Directory.Move(Path.Combine(other, "tokens"), Path.Combine(other, "away"));
        string third = Path.Combine(run.Home, "softhsm", $"validator0-{3 - active - second}");
        Directory.Move(Path.Combine(third, "tokens"), Path.Combine(third, "away"));
        run.AwaitHeight(run.Height + 10);
        Assert.That(run.ActiveSigner(), Is.EqualTo(active));
        run.End();
        Assert.That(run.Signed().Faults, Is.Empty);
        Assert.That(
            run.Signed().Rounds.Where(pair => pair.Key >= lostAt).Sum(pair => pair.Value), Is.LessThanOrEqualTo(2));
    }

    [TestCase("embedded")]
    [TestCase("cometbft")]
    [Property("Spec", "HSM-4")]
    public void A_device_that_is_unplugged_and_back_costs_its_validator_the_votes_between(string engine)
    {
        RequireSoftHsm();
        using RunningLocalnet run = new(engine, "--validators", "4", "--hsm", "softhsm");
        run.AwaitHeight(6);
        string device = Path.Combine(run.Home, "softhsm", "validator3");
        string log = Path.Combine(run.Home, "node3", "data", "sign-audit.jsonl");
        Directory.Move(Path.Combine(device, "tokens"), Path.Combine(device, "away"));
        Thread.Sleep(500);
        long lostAt = run.Height;
        run.AwaitHeight(lostAt + 8);
        string[] lines = File.ReadAllLines(log);
        Assert.That(lines[^1], Does.Contain("\"outcome\":\"failed\""), "it asks and the device does not answer");
        Directory.Move(Path.Combine(device, "away"), Path.Combine(device, "tokens"));
        long backAt = run.Height;
        run.AwaitHeight(backAt + 8);
        run.End();
        Assert.That(run.Output, Does.Contain("every check held"));
        Assert.That(
            File.ReadLines(log).Skip(lines.Length).Count(
                line => line.Contains("\"outcome\":\"signed\"", StringComparison.Ordinal)),
            Is.GreaterThan(8));
    }

    private static void RequireSoftHsm()
    {
        if (!File.Exists(Pkcs11Module.SoftHsm))
        {
            Assert.Ignore($"{Pkcs11Module.SoftHsm} is not installed (Debian package softhsm2)");
        }
    }

    private static void CopyFiles(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (string file in Directory.GetFiles(from))
        {
            File.Copy(file, Path.Combine(to, Path.GetFileName(file)), overwrite: true);
        }
    }

    private static Vote AnotherBlock(SignedMsgType type, long height) => new()
    {
        Type = type,
        Height = height,
        BlockId = new BlockID
        {
            Hash = ByteString.CopyFrom(new byte[32]),
            PartSetHeader = new PartSetHeader { Total = 1, Hash = ByteString.CopyFrom(new byte[32]) },
        },
        Timestamp = Timestamp.FromDateTime(DateTime.UtcNow),
    };
}

/// <summary>A localnet in processes of its own, as a user starts it, until it is interrupted.</summary>
internal sealed class RunningLocalnet : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    private readonly Process _process;
    private readonly List<Process> _started = [];
    private readonly System.Text.StringBuilder _output = new();
    private long _height;

    public RunningLocalnet(string engine, params string[] more)
    {
        string[] path = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator);
        if (engine == "cometbft" && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("COMETBFT_BIN"))
            && !path.Any(folder => File.Exists(Path.Combine(folder, "cometbft"))))
        {
            Assert.Ignore("no cometbft binary on PATH or in COMETBFT_BIN");
        }

        Folder = Directory.CreateTempSubdirectory("appchain-signers-").FullName;
        Home = Path.Combine(Folder, "net");
        _process = Start([
            typeof(RunReport).Assembly.Location, "--engine", engine, "--traders", "5", "--home", Home,
            "--port", $"{TestPorts.Next()}", "--plain", .. more,
        ]);
        _process.OutputDataReceived += (_, line) => Read(line.Data);
        _process.ErrorDataReceived += (_, line) => Read(line.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public string Folder { get; }

    public string Home { get; }

    public long Height => Interlocked.Read(ref _height);

    public string Output
    {
        get
        {
            lock (_output) return _output.ToString();
        }
    }

    public string SignerHome(int signer) => Path.Combine(Home, "node0", $"signer{signer}");

    public void AwaitHeight(long height) =>
        Assert.That(SpinWait.SpinUntil(() => Pause() && (Height >= height || _process.HasExited), Patience)
            && Height >= height, Is.True, $"height {Height} of {height}\n{Output}");

    /// <summary>The signer of validator 0 that its engine asks: it has signed the furthest place.</summary>
    public int ActiveSigner() => Enumerable.Range(0, 3).MaxBy(signer =>
    {
        string log = Path.Combine(SignerHome(signer), "sign-audit.jsonl");
        string? last = File.Exists(log)
            ? File.ReadLines(log).LastOrDefault(
                line => line.Contains("\"outcome\":\"signed\"", StringComparison.Ordinal))
            : null;
        return last is null ? 0 : long.Parse(last.Split("\"height\":")[1].Split(',')[0], CultureInfo.InvariantCulture);
    });

    /// <summary>Ends a signer of validator 0 without warning.</summary>
    public void KillSigner(int signer)
    {
        string config = Path.Combine(SignerHome(signer), "signer.conf");
        int killed = 0;
        foreach (string directory in Directory.GetDirectories("/proc"))
        {
            string file = Path.Combine(directory, "cmdline");
            if (int.TryParse(Path.GetFileName(directory), out int id) && File.Exists(file)
                && File.ReadAllText(file).Contains(config, StringComparison.Ordinal))
            {
                using Process process = Process.GetProcessById(id);
                process.Kill();
                process.WaitForExit();
                killed++;
            }
        }

        Assert.That(killed, Is.EqualTo(1), $"no process with {config}");
    }

    /// <summary>Starts a signer of validator 0 again, as its operator would.</summary>
    public void StartSigner(int signer) => _started.Add(Start([
        Path.Combine(Path.GetDirectoryName(typeof(RunReport).Assembly.Location)!, "AppChain.Node.dll"),
        "signer", "--config", Path.Combine(SignerHome(signer), "signer.conf"),
    ]));

    /// <summary>Ends the run in order; it must report no fault.</summary>
    public void End()
    {
        using Process terminate = Process.Start("kill", ["-TERM", _process.Id.ToString(CultureInfo.InvariantCulture)]);
        terminate.WaitForExit();
        Assert.That(_process.WaitForExit(Patience), Is.True);
        _process.WaitForExit();
        EndStarted();
        Assert.That(_process.ExitCode, Is.Zero, Output);
    }

    /// <summary>What all signers of validator 0 have signed.</summary>
    public SignedPlaces Signed()
    {
        var places = new SignedPlaces();
        for (int signer = 0; signer < 3; signer++)
        {
            places.Add(0, Path.Combine(SignerHome(signer), "sign-audit.jsonl"));
        }

        return places;
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            _process.WaitForExit();
        }

        EndStarted();
        _process.Dispose();
        Directory.Delete(Folder, recursive: true);
    }

    private static bool Pause()
    {
        Thread.Sleep(50);
        return true;
    }

    private static Process Start(string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        return Process.Start(start)!;
    }

    private void EndStarted()
    {
        foreach (Process process in _started)
        {
            if (!process.HasExited)
            {
                process.Kill();
                process.WaitForExit();
            }

            process.Dispose();
        }

        _started.Clear();
    }

    private void Read(string? line)
    {
        if (line is null)
        {
            return;
        }

        lock (_output) _output.AppendLine(line);
        string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (words is ["height", string number, ..] && long.TryParse(number, out long height))
        {
            Interlocked.Exchange(ref _height, height);
        }
    }
}
