using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using AppChain.Abci;
using AppChain.Hsm;
using NUnit.Framework;

namespace AppChain.Localnet.Tests;

/// <summary>
/// A real CometBFT, the only validator of its chain unless it is given peers, with its key in a file or in a signer and
/// its application at an address.
/// </summary>
public sealed class CometBftNode : IDisposable
{
    private readonly string _home;
    private Process? _process;
    private readonly System.Text.StringBuilder _said = new();

    public CometBftNode(string home) => _home = home;

    /// <summary>The binary; the test is skipped where there is none.</summary>
    public static string Binary()
    {
        string? binary = Environment.GetEnvironmentVariable("COMETBFT_BIN");
        if (!string.IsNullOrEmpty(binary)) return binary;
        string[] folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator);
        string? folder = folders.FirstOrDefault(item => File.Exists(Path.Combine(item, "cometbft")));
        if (folder is null) Assert.Ignore("no cometbft binary on PATH or in COMETBFT_BIN");
        return Path.Combine(folder!, "cometbft");
    }

    public string Home => _home;

    public string Data => Path.Combine(_home, "data");

    public string Said
    {
        get
        {
            lock (_said) return _said.ToString();
        }
    }

    /// <summary>Writes a home without any block.</summary>
    /// <param name="peers">As in <c>persistent_peers</c>.</param>
    /// <param name="consensus">Lines of the table consensus.</param>
    public void Create(string genesis, byte[] seed, string application, int port, string abci = "socket",
        string signer = "", string peers = "", string consensus = "timeout_commit = \"10ms\"")
    {
        Directory.CreateDirectory(Path.Combine(_home, "config"));
        Directory.CreateDirectory(Data);
        byte[] secret = new byte[Sodium.SecretKeySize];
        Sodium.SecretKeyOf(seed, secret);
        string privateKey =
            $$"""{ "type": "tendermint/PrivKeyEd25519", "value": "{{Convert.ToBase64String(secret)}}" }""";
        byte[] publicKey = secret[32..];
        Write("config/genesis.json", genesis);
        Write("config/node_key.json", $$"""{ "priv_key": {{privateKey}} }""");
        Write("config/priv_validator_key.json", $$"""
            { "address": "{{RpcJsonWriter.Hex(BlockHashes.Address(publicKey))}}",
              "pub_key": { "type": "tendermint/PubKeyEd25519", "value": "{{Convert.ToBase64String(publicKey)}}" },
              "priv_key": {{privateKey}} }
            """);
        Write("data/priv_validator_state.json", """{ "height": "0", "round": 0, "step": 0 }""");
        Write("config/config.toml", $"""
            proxy_app = "{application}"
            abci = "{abci}"
            priv_validator_laddr = "{signer}"
            [rpc]
            laddr = "tcp://127.0.0.1:{port}"
            [p2p]
            laddr = "tcp://127.0.0.1:{port + 1}"
            persistent_peers = "{peers}"
            addr_book_strict = false
            allow_duplicate_ip = true
            pex = false
            [consensus]
            {consensus}
            """);
    }

    /// <summary>Starts it.</summary>
    /// <param name="diesAt">Which of the points at which it can be told to die, counted from the start (its variable
    /// FAIL_TEST_INDEX); null: it lives.</param>
    /// <param name="variables">Of its environment.</param>
    public void Start(int? diesAt = null, IReadOnlyDictionary<string, string>? variables = null)
    {
        _said.Clear();
        _process = new Process
        {
            StartInfo = new ProcessStartInfo(Binary(), ["start", "--home", _home])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            },
        };
        if (diesAt is { } point) _process.StartInfo.Environment["FAIL_TEST_INDEX"] = $"{point}";
        foreach ((string name, string value) in variables ?? new Dictionary<string, string>())
            _process.StartInfo.Environment[name] = value;
        _process.OutputDataReceived += (_, line) => Hear(line.Data);
        _process.ErrorDataReceived += (_, line) => Hear(line.Data);
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public bool HasExited => _process!.HasExited;

    /// <summary>Waits for the end; the exit code.</summary>
    public int WaitForExit()
    {
        Assert.That(_process!.WaitForExit(TimeSpan.FromSeconds(20)), Is.True, Said);
        _process.WaitForExit();
        return _process.ExitCode;
    }

    public void Kill()
    {
        if (_process is { HasExited: false }) _process.Kill();
        _process?.WaitForExit();
    }

    public void Dispose()
    {
        Kill();
        _process?.Dispose();
    }

    /// <summary>Copies a folder with all that is in it.</summary>
    public static void Copy(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (string file in Directory.GetFiles(from))
            File.Copy(file, Path.Combine(to, Path.GetFileName(file)), true);
        foreach (string folder in Directory.GetDirectories(from))
            Copy(folder, Path.Combine(to, Path.GetFileName(folder)));
    }

    private void Write(string file, string text) => File.WriteAllText(Path.Combine(_home, file), text);

    private void Hear(string? line)
    {
        lock (_said) _said.AppendLine(line);
    }
}
