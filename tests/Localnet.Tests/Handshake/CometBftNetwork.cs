using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;
using System.Threading;
using AppChain.Abci;
using AppChain.Hsm;

namespace AppChain.Localnet.Tests;

/// <summary>
/// Four real CometBFT processes with the product's application and signer, these two in this process. The first
/// validator has two fifths of the power, so nothing is decided without it.
/// </summary>
public sealed partial class CometBftNetwork : IDisposable
{
    private const int Count = 4;
    private const int PortsPerNode = 2;

    private readonly string _folder = Directory.CreateTempSubdirectory("appchain-four-").FullName;
    private readonly RealApplication[] _applications;
    private readonly AbciServer[] _servers;
    private readonly CometBftNode[] _nodes;
    private readonly Thread[] _signers;
    private readonly CancellationTokenSource _stop = new();

    /// <summary>Writes the homes and starts applications and signers.</summary>
    /// <param name="port">The first of those it listens at.</param>
    /// <param name="consensus">Lines of the table consensus, the same for all.</param>
    public CometBftNetwork(int port, string consensus)
    {
        byte[][] seeds = [.. Enumerable.Range(1, Count).Select(i => Enumerable.Repeat((byte)i, 32).ToArray())];
        SoftwareKey[] keys = [.. seeds.Select(seed => SoftwareKey.FromSeed(seed))];
        string genesis = FirstPower().Replace(
            EmbeddedHandshakeTests.GenesisJson(keys.Select(key => key.PublicKey)), "\"power\": \"20\"", 1);
        string peers = string.Join(',', keys.Select((key, i) =>
            $"{Convert.ToHexStringLower(BlockHashes.Address(key.PublicKey.Span).Span)}"
            + $"@127.0.0.1:{port + (PortsPerNode * i) + 1}"));
        _applications = [.. Enumerable.Range(0, Count).Select(i => new RealApplication(In($"data{i}")))];
        for (int i = 0; i < Count; i++)
        {
            int number = i;
            _applications[i].Judging = height => Judges(number, height);
        }

        _servers = [.. _applications.Select((application, i) =>
            new AbciServer(application.Served, $"unix://{In($"abci{i}.sock")}"))];
        _nodes = [.. Enumerable.Range(0, Count).Select(i => new CometBftNode(In($"home{i}")))];
        _signers = new Thread[Count];
        for (int i = 0; i < Count; i++)
        {
            int number = i;
            string address = $"unix://{In($"signer{i}.sock")}";
            _nodes[i].Create(genesis, seeds[i], $"unix://{In($"abci{i}.sock")}", port + (PortsPerNode * i),
                signer: address, peers: peers, consensus: consensus);
            var guarded = new ConsensusSigner(
                TestNetwork.ChainId, keys[i], SignState.Fresh, state => Recorded(number, state));
            _signers[i] = new Thread(() => new RemoteSigner(address, guarded).Run(_stop.Token)) { IsBackground = true };
            _signers[i].Start();
        }
    }

    /// <summary>Called with what the signer of a validator records, before it signs; what it throws refuses.</summary>
    public Action<int, SignState> Recorded { get; set; } = static (_, _) => { };

    /// <summary>Whether the application of a validator takes a proposal of a height that it finds right.</summary>
    public Func<int, long, bool> Judges { get; set; } = static (_, _) => true;

    public CometBftNode this[int validator] => _nodes[validator];

    /// <summary>The last block of a validator's application.</summary>
    public long HeightOf(int validator) => _applications[validator].Info().LastBlockHeight;

    /// <summary>In which round a block was decided, the block after it being there.</summary>
    public int RoundOf(long height) => _applications[0].Blocks[height + 1].DecidedLastCommit.Round;

    public void StartAll()
    {
        for (int i = 0; i < Count; i++) Start(i);
    }

    /// <summary>Starts one; a socket outlives the process that listened at it.</summary>
    public void Start(int validator, IReadOnlyDictionary<string, string>? variables = null)
    {
        File.Delete(In($"signer{validator}.sock"));
        _nodes[validator].Start(variables: variables);
    }

    /// <summary>Takes the log of the consensus away from a process that is not running.</summary>
    public void LoseLog(int validator) =>
        Directory.Delete(Path.Combine(_nodes[validator].Data, "cs.wal"), recursive: true);

    /// <summary>Whether it came true in time.</summary>
    public static bool Await(Func<bool> condition, double seconds)
    {
        long started = Stopwatch.GetTimestamp();
        while (!condition())
        {
            if (Stopwatch.GetElapsedTime(started).TotalSeconds > seconds) return false;
            Thread.Sleep(10);
        }

        return true;
    }

    public void Dispose()
    {
        Recorded = static (_, _) => { };
        foreach (CometBftNode node in _nodes) node.Dispose();
        _stop.Cancel();
        foreach (Thread signer in _signers) signer.Join();
        _stop.Dispose();
        foreach (AbciServer server in _servers) server.Dispose();
        foreach (RealApplication application in _applications) application.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private string In(string name) => Path.Combine(_folder, name);

    [GeneratedRegex("\"power\": \"10\"")]
    private static partial Regex FirstPower();
}
