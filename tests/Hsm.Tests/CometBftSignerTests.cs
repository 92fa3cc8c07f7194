using System;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Net.Http;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Threading;
using System.Threading.Tasks;
using AppChain.Abci;
using AppChain.Abci.Wire.Types;
using AppChain.Hsm;
using Google.Protobuf;
using NUnit.Framework;

namespace AppChain.Tests;

/// <summary>
/// Our signer at a real CometBFT node, over TCP with the secret connection. Needs the cometbft binary.
/// </summary>
internal sealed class CometBftSignerTests
{
    private const string Chain = "interop";
    private string _home = "";

    [SetUp]
    public void MakeHome() => _home = Directory.CreateTempSubdirectory("appchain-cometbft-").FullName;

    [TearDown]
    public void RemoveHome() => Directory.Delete(_home, recursive: true);

    [Test]
    [Property("Spec", "SIGN-18")]
    [CancelAfter(90_000)]
    public async Task A_real_node_makes_blocks_with_our_signer_over_tcp(CancellationToken cancel)
    {
        string binary = Binary();
        int signerPort = Ports.Free();
        int rpcPort = Ports.Free();
        using SoftwareKey key = SoftwareKey.FromSeed([.. Enumerable.Repeat((byte)5, 32)]);
        WriteHome(binary, key, signerPort, rpcPort);

        using SignStateFile file = SignStateFile.Create(Path.Combine(_home, "sign-state.json"));
        ConsensusSigner signer = new(Chain, key, file);
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        Thread thread = new(() => new RemoteSigner($"tcp://127.0.0.1:{signerPort}", signer, TestContext.Out.WriteLine)
            .Run(stop.Token));
        thread.Start();
        try
        {
            using (Process first = Start(binary)) await AwaitHeight(first, rpcPort, 3, cancel);
            // The node is killed and started again; the signer dials it again and goes on from its state.
            long signed = signer.State.Height;
            Assert.That(signed, Is.GreaterThanOrEqualTo(3));
            using Process second = Start(binary);
            JsonElement commit = await AwaitHeight(second, rpcPort, signed + 3, cancel);
            VerifyCommit(commit, key.PublicKey);
            Assert.That(signer.State.Height, Is.GreaterThanOrEqualTo(signed + 3));
        }
        finally
        {
            stop.Cancel();
            thread.Join();
        }
    }

    private static void VerifyCommit(JsonElement answer, ByteString key)
    {
        JsonElement header = answer.GetProperty("result").GetProperty("signed_header");
        Commit commit = RpcJsonReader.Commit(header.GetProperty("commit"));
        CommitSig one = commit.Signatures.Single();
        Vote vote = new()
        {
            Type = SignedMsgType.Precommit,
            Height = commit.Height,
            Round = commit.Round,
            BlockId = commit.BlockId,
            Timestamp = one.Timestamp,
        };
        Assert.That(Ed25519.Verify(key.Span, SignBytes.Vote(Chain, vote), one.Signature.Span), Is.True);
    }

    private static async Task<JsonElement> AwaitHeight(
        Process node, int rpcPort, long height, CancellationToken cancel)
    {
        using HttpClient client = new() { Timeout = TimeSpan.FromSeconds(2) };
        while (true)
        {
            cancel.ThrowIfCancellationRequested();
            Assert.That(node.HasExited, Is.False, "the node ended");
            try
            {
                string text = await client.GetStringAsync($"http://127.0.0.1:{rpcPort}/commit?height={height}", cancel);
                JsonElement answer = JsonDocument.Parse(text).RootElement;
                if (answer.TryGetProperty("result", out _))
                {
                    node.Kill();
                    await node.WaitForExitAsync(cancel);
                    return answer;
                }
            }
            catch (HttpRequestException)
            {
                // Not up yet, or no block of that height yet.
            }
            await Task.Delay(200, cancel);
        }
    }

    private Process Start(string binary)
    {
        Process process = Process.Start(new ProcessStartInfo(binary)
        {
            ArgumentList = { "start", "--home", _home, "--proxy_app", "kvstore" },
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        process.OutputDataReceived += static (_, _) => { };
        process.ErrorDataReceived += static (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    private void WriteHome(string binary, SoftwareKey key, int signerPort, int rpcPort)
    {
        using (Process init = Process.Start(new ProcessStartInfo(binary)
        {
            ArgumentList = { "init", "--home", _home },
            RedirectStandardOutput = true,
        })!)
        {
            init.StandardOutput.ReadToEnd();
            init.WaitForExit();
            Assert.That(init.ExitCode, Is.Zero);
        }
        string genesisFile = Path.Combine(_home, "config", "genesis.json");
        JsonNode genesis = JsonNode.Parse(File.ReadAllText(genesisFile))!;
        genesis["chain_id"] = Chain;
        genesis["consensus_params"]!["abci"]!["vote_extensions_enable_height"] = "1";
        JsonNode validator = genesis["validators"]![0]!;
        validator["pub_key"]!["value"] = Convert.ToBase64String(key.PublicKey.Span);
        validator["address"] = RpcJsonWriter.Hex(BlockHashes.Address(key.PublicKey.Span));
        File.WriteAllText(genesisFile, genesis.ToJsonString());

        string configFile = Path.Combine(_home, "config", "config.toml");
        string config = File.ReadAllText(configFile)
            .Replace("priv_validator_laddr = \"\"", $"priv_validator_laddr = \"tcp://127.0.0.1:{signerPort}\"")
            .Replace("tcp://127.0.0.1:26657", $"tcp://127.0.0.1:{rpcPort}")
            .Replace("tcp://0.0.0.0:26656", "tcp://127.0.0.1:0")
            .Replace("timeout_commit = \"1s\"", "timeout_commit = \"100ms\"");
        Assert.That(config, Does.Contain(signerPort.ToString(CultureInfo.InvariantCulture)));
        File.WriteAllText(configFile, config);
    }

    private static string Binary()
    {
        string? named = Environment.GetEnvironmentVariable("COMETBFT_BIN");
        string[] places = [.. (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
            .Select(static folder => Path.Combine(folder, "cometbft"))];
        string? found = File.Exists(named) ? named : places.FirstOrDefault(File.Exists);
        if (found is null) Assert.Ignore("no cometbft binary on PATH or in COMETBFT_BIN");
        return found!;
    }
}
