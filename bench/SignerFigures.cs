using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using AppChain.Abci.Wire.Types;
using AppChain.Hsm;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace AppChain.Bench;

/// <summary>
/// The whole signer, as an engine sees it: processes started from their configuration, a unix socket, the guard's
/// record on the disk, the other two signers over encrypted connections, the key, the audit log, and the way back.
/// </summary>
internal static class SignerFigures
{
    private const int Warmup = 100;
    private const int Votes = 1_000;

    /// <summary>Prints the table, and how long the loss of a device lasts for the engine.</summary>
    public static void Print()
    {
        Console.WriteLine(
            $"signer: {Votes} votes one after the other, after {Warmup} not counted; every kind twice, in turn "
            + "and back");
        Console.WriteLine("| key | signers | vote | signatures/s | p50 ms | p90 ms | p99 ms | most ms | load |");
        Console.WriteLine("|---|---|---|---|---|---|---|---|---|");
        bool hasDevice = File.Exists(Pkcs11Module.SoftHsm);
        (bool IsDevice, int Signers)[] kinds = hasDevice
            ? [(false, 1), (true, 1), (false, 3), (true, 3)]
            : [(false, 1), (false, 3)];
        foreach ((bool isDevice, int signers) in (ReadOnlySpan<(bool, int)>)[.. kinds, .. kinds.Reverse()])
        {
            using var set = new SignerSet(signers, isDevice);
            set.AwaitSigning();
            Row(set, "prevote, one signature", SignedMsgType.Prevote, extension: 0, signatures: 1);
            Row(set, "precommit and extension of 1 KiB, two", SignedMsgType.Precommit, extension: 1_024, signatures: 2);
        }

        if (!hasDevice)
        {
            Console.WriteLine($"no figures of a device: {Pkcs11Module.SoftHsm} is not installed");
            return;
        }

        foreach (int signers in (int[])[1, 3])
        {
            using var set = new SignerSet(signers, isDevice: true);
            set.AwaitSigning();
            PrintLoss(set, signers);
        }
    }

    private static void Row(SignerSet set, string what, SignedMsgType type, int extension, int signatures)
    {
        var milliseconds = new List<double>();
        long start = 0;
        for (int i = -Warmup; i < Votes; i++)
        {
            start = i == 0 ? Stopwatch.GetTimestamp() : start;
            long one = Stopwatch.GetTimestamp();
            set.Engine.SignVote(set.NextVote(type, extension));
            if (i >= 0)
            {
                milliseconds.Add(Stopwatch.GetElapsedTime(one).TotalMilliseconds);
            }
        }

        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        milliseconds.Sort();
        string At(double share) =>
            milliseconds[Math.Min(Votes - 1, (int)(Votes * share))].ToString("0.00", CultureInfo.InvariantCulture);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"| {set.Describe} | {what} | {Votes * signatures / seconds:0} | {At(0.5)} | {At(0.9)} | {At(0.99)} | "
            + $"{At(1)} | {LoadAverage()} |"));
    }

    // With one signer: how long after the device is back the first vote is signed. With three: how long the engine
    // waits for the vote during which the device of the signer it asks is taken away.
    private static void PrintLoss(SignerSet set, int signers)
    {
        var waits = new List<double>();
        for (int i = 0; i < 5; i++)
        {
            int active = set.Active();
            set.Unplug(active);
            long lost = Stopwatch.GetTimestamp();
            if (signers == 1)
            {
                while (TrySign(set) && Stopwatch.GetElapsedTime(lost).TotalSeconds < 10)
                {
                }

                set.Plug(active);
                lost = Stopwatch.GetTimestamp();
            }

            while (!TrySign(set) && Stopwatch.GetElapsedTime(lost).TotalSeconds < 30)
            {
            }

            // A module may sign some votes more from what it has in memory: the wait is that of the slowest of them.
            double longest = Stopwatch.GetElapsedTime(lost).TotalMilliseconds;
            for (long began = Stopwatch.GetTimestamp();
                signers > 1 && Stopwatch.GetElapsedTime(began).TotalSeconds < 1;)
            {
                long one = Stopwatch.GetTimestamp();
                TrySign(set);
                longest = Math.Max(longest, Stopwatch.GetElapsedTime(one).TotalMilliseconds);
            }

            waits.Add(longest);
            set.Plug(active);
        }

        waits.Sort();
        string what = signers == 1
            ? "one signer, from the device's return to the first vote"
            : "three signers, the vote that meets the loss";
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"loss of a device, {what}: {waits[2]:0} ms in the median of five, most {waits[^1]:0} ms"));
    }

    private static bool TrySign(SignerSet set)
    {
        try
        {
            set.Engine.SignVote(set.NextVote(SignedMsgType.Prevote, 0));
            return true;
        }
        catch (Exception error) when (error is SigningRefusedException or IOException)
        {
            return false;
        }
    }

    private static string LoadAverage() =>
        File.Exists("/proc/loadavg") ? File.ReadAllText("/proc/loadavg").Split(' ')[0] : "unknown";
}

/// <summary>One signer or three as processes, with the engine's side of their socket.</summary>
internal sealed class SignerSet : IDisposable
{
    private const string Chain = "bench";
    private readonly string _folder = Directory.CreateTempSubdirectory("appchain-signers-").FullName;
    private readonly List<Process> _processes = [];
    private readonly int _count;
    private readonly bool _isDevice;
    private long _height;

    public SignerSet(int count, bool isDevice)
    {
        _count = count;
        _isDevice = isDevice;
        Engine = new SignerListener($"unix://{In("engine.sock")}", Chain, TimeSpan.FromSeconds(10));
        string key = isDevice ? MakeDevices() : In("consensus.key");
        if (!isDevice)
        {
            SoftwareKey.Create(key).Dispose();
        }

        int[] ports = [.. Enumerable.Range(0, count).Select(_ => FreePort())];
        string[] identities = new string[count];
        for (int i = 0; i < count; i++)
        {
            Directory.CreateDirectory(In($"{i}"));
            using SoftwareKey identity = SoftwareKey.Create(In($"{i}/identity.key"));
            identities[i] = Convert.ToHexStringLower(identity.PublicKey.Span);
        }

        for (int i = 0; i < count; i++)
        {
            List<string> lines =
            [
                $"chain.{Chain}.key = {key}", $"chain.{Chain}.state = state.json", $"chain.{Chain}.audit = audit.jsonl",
                $"chain.{Chain}.engine = unix://{In("engine.sock")}",
            ];
            if (count > 1)
            {
                lines.Add("identity = identity.key");
                lines.Add($"listen = tcp://127.0.0.1:{ports[i]}");
                lines.AddRange(Enumerable.Range(0, count).Where(j => j != i)
                    .Select(j => $"peer = {identities[j]}@tcp://127.0.0.1:{ports[j]}"));
            }

            File.WriteAllLines(In($"{i}/signer.conf"), lines);
            _processes.Add(Node(i, "signer", "--config", In($"{i}/signer.conf"), "--create-state"));
        }
    }

    public SignerListener Engine { get; }

    public string Describe => $"{(_isDevice ? "SoftHSM" : "software")} | {(_count == 1 ? "1" : "3, two record")}";

    /// <summary>Waits until all have started and, where there are three, read each other's state.</summary>
    public void AwaitSigning()
    {
        // BOUND: a minute.
        for (int i = 0; i < 240; i++)
        {
            try
            {
                Engine.SignVote(NextVote(SignedMsgType.Prevote, 0));
                return;
            }
            catch (Exception error) when (error is SigningRefusedException or IOException)
            {
                System.Threading.Thread.Sleep(250);
            }
        }

        throw new InvalidOperationException("the signers do not sign");
    }

    /// <summary>The signer that the engine asks now.</summary>
    public int Active() => Enumerable.Range(0, _count).MaxBy(i =>
    {
        string? last = File.ReadLines(In($"{i}/audit.jsonl"))
            .LastOrDefault(line => line.Contains("\"outcome\":\"signed\"", StringComparison.Ordinal));
        return last is null ? 0 : long.Parse(last.Split("\"height\":")[1].Split(',')[0], CultureInfo.InvariantCulture);
    });

    public void Unplug(int signer) => Directory.Move(In($"device{signer}/tokens"), In($"device{signer}/away"));

    public void Plug(int signer)
    {
        if (Directory.Exists(In($"device{signer}/away")))
        {
            Directory.Move(In($"device{signer}/away"), In($"device{signer}/tokens"));
        }
    }

    public Vote NextVote(SignedMsgType type, int extension) => new()
    {
        Type = type,
        Height = ++_height,
        BlockId = new BlockID
        {
            Hash = ByteString.CopyFrom(new byte[32]),
            PartSetHeader = new PartSetHeader { Total = 1, Hash = ByteString.CopyFrom(new byte[32]) },
        },
        Timestamp = Timestamp.FromDateTime(DateTime.UtcNow),
        Extension = ByteString.CopyFrom(new byte[extension]),
    };

    public void Dispose()
    {
        foreach (Process process in _processes)
        {
            process.Kill();
            process.WaitForExit();
            process.Dispose();
        }

        Engine.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    // The token is made once, and copied for the other signers, as devices of one maker do it under a ceremony.
    private string MakeDevices()
    {
        for (int i = 0; i < _count; i++)
        {
            Directory.CreateDirectory(In($"device{i}/tokens"));
            File.WriteAllText(
                In($"device{i}/softhsm2.conf"),
                $"directories.tokendir = {In($"device{i}/tokens")}\nlog.level = ERROR\n");
        }

        foreach (string pin in (string[])["pin", "so-pin"])
        {
            File.WriteAllText(In(pin), "12345678\n");
            if (!OperatingSystem.IsWindows())
            {
                File.SetUnixFileMode(In(pin), UnixFileMode.UserRead | UnixFileMode.UserWrite);
            }
        }

        Finish(Node(0, "hsm", "init", "--token", "bench", "--pin-file", In("pin"), "--so-pin-file", In("so-pin")));
        Finish(Node(
            0, "hsm", "keygen", "--token", "bench", "--pin-file", In("pin"), "--type", "ed25519", "--label",
            "consensus"));
        string token = Directory.GetDirectories(In("device0/tokens")).Single();
        for (int i = 1; i < _count; i++)
        {
            string copy = In($"device{i}/tokens/{Path.GetFileName(token)}");
            Directory.CreateDirectory(copy);
            foreach (string file in Directory.GetFiles(token))
            {
                File.Copy(file, Path.Combine(copy, Path.GetFileName(file)));
            }
        }

        return $"pkcs11:token=bench;key=consensus;pin-file={In("pin")}";
    }

    private Process Node(int device, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "AppChain.Node.dll"));
        Array.ForEach(arguments, start.ArgumentList.Add);
        start.Environment["SOFTHSM2_CONF"] = In($"device{device}/softhsm2.conf");
        Process process = Process.Start(start)!;
        process.OutputDataReceived += static (_, _) => { };
        process.ErrorDataReceived += static (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    private static void Finish(Process process)
    {
        process.WaitForExit();
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException("SoftHSM could not be set up; see ./appchain hsm init");
        }

        process.Dispose();
    }

    private static int FreePort()
    {
        using var listener = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        listener.Start();
        return ((System.Net.IPEndPoint)listener.LocalEndpoint).Port;
    }

    private string In(string name) => Path.Combine(_folder, name);
}
