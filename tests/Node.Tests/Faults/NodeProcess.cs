using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Threading;
using AppChain.Abci;
using AppChain.Abci.Wire;
using AppChain.Abci.Wire.Types;
using AppChain.StateMachine;
using Google.Protobuf;
using NUnit.Framework;

namespace AppChain.Node.Tests.Faults;

/// <summary>A real <c>appchain start</c> on a home directory, with what it said.</summary>
internal sealed class NodeProcess : IDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly Process _process;
    private readonly List<string> _said = [];
    private readonly ManualResetEventSlim _serving = new();

    /// <summary>Starts the built node; the home must hold a configuration.</summary>
    public NodeProcess(string home, string? libraryPath = null)
    {
        string program = Path.Combine(Root(), "artifacts", "bin", "Node", "release", "AppChain.Node.dll");
        if (!File.Exists(program))
        {
            Assert.Ignore($"{program} is not there: build src/Node in Release");
        }

        var start = new ProcessStartInfo("dotnet", [program, "start", "--home", home])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        };
        if (libraryPath is not null)
        {
            start.Environment["LD_LIBRARY_PATH"] = libraryPath;
        }

        _process = Process.Start(start)!;
        _process.OutputDataReceived += (_, _) => { };
        _process.ErrorDataReceived += (_, line) => Hear(line.Data);
        _process.BeginErrorReadLine();
        _process.BeginOutputReadLine();
    }

    /// <summary>Everything said on standard error so far.</summary>
    public string Said
    {
        get
        {
            lock (_said)
            {
                return string.Join('\n', _said);
            }
        }
    }

    /// <summary>Writes the configuration of a home that listens on an address.</summary>
    public static void Configure(string home, string address, string storage = "data")
    {
        Directory.CreateDirectory(Path.Combine(home, "config"));
        File.WriteAllText(
            Path.Combine(home, "config", "appchain.conf"),
            $"abci.address = {address}\nstorage.directory = {storage}\nlog.level = error\n");
    }

    /// <summary>Waits until the node serves, and dials it.</summary>
    public AbciClient Dial(string address)
    {
        Assert.That(_serving.Wait(Patience), Is.True, Said);
        return AbciClient.Connect(address, Patience);
    }

    /// <summary>Waits for the end of the process; its exit code.</summary>
    public int WaitForExit()
    {
        Assert.That(_process.WaitForExit(Patience), Is.True, "still running: " + Said);
        _process.WaitForExit();
        return _process.ExitCode;
    }

    /// <summary>Ends the process as a power cut would: SIGKILL.</summary>
    public void Kill()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            Kill();
        }

        _process.Dispose();
        _serving.Dispose();
    }

    private void Hear(string? line)
    {
        if (line is null)
        {
            return;
        }

        lock (_said)
        {
            _said.Add(line);
        }

        if (line.StartsWith("serving ABCI on ", StringComparison.Ordinal))
        {
            _serving.Set();
        }
    }

    private static string Root()
    {
        DirectoryInfo? root = new(TestContext.CurrentContext.TestDirectory);
        while (root is not null && !File.Exists(Path.Combine(root.FullName, "AppChain.sln")))
        {
            root = root.Parent;
        }

        return root?.FullName ?? throw new DirectoryNotFoundException("the root of the repository");
    }
}

/// <summary>The calls of an engine that decides empty blocks.</summary>
internal static class EmptyBlocks
{
    public const long GenesisTime = 1_790_000_000L * 1_000_000_000;

    public static RequestInitChain Genesis()
    {
        var request = new RequestInitChain
        {
            ChainId = "test-faults-1",
            InitialHeight = 1,
            Time = WireTime.FromNanoseconds(GenesisTime),
            AppStateBytes = ByteString.CopyFromUtf8(
                GenesisFile.Write(new GenesisState(GenesisFile.DefaultMarkets, [], 1_000_000_000)).ToJsonString()),
        };
        request.Validators.Add(new Abci.Wire.ValidatorUpdate
        {
            PubKey = new Abci.Wire.Crypto.PublicKey { Ed25519 = ByteString.CopyFrom(PublicKey()) },
            Power = 10,
        });
        return request;
    }

    public static byte[] PublicKey()
    {
        byte[] key = new byte[32];
        key[0] = 7;
        return key;
    }

    public static RequestFinalizeBlock Block(long height) => new()
    {
        Height = height,
        Time = WireTime.FromNanoseconds(GenesisTime + (height * 1_000_000_000)),
        Hash = ByteString.CopyFrom(System.Security.Cryptography.SHA256.HashData(BitConverter.GetBytes(height))),
    };
}
