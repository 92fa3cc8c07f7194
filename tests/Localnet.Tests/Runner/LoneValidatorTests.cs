using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using AppChain.Hsm;
using AppChain.Node;
using NUnit.Framework;

namespace AppChain.Localnet.Tests;

/// <summary>
/// The only validator of a chain, with a real CometBFT, whose signer refuses one vote: the engine does not ask again,
/// and the supervisor starts it again.
/// </summary>
[TestFixture, Category("Long")]
public sealed class LoneValidatorTests
{
    private readonly int _port = TestPorts.Next();
    private const long RefusedHeight = 4;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(90);
    private readonly List<string> _said = [];
    private string _home = "";

    [SetUp]
    public void MakeHome() => _home = Directory.CreateTempSubdirectory("appchain-lone-").FullName;

    [TearDown]
    public void RemoveHome() => Directory.Delete(_home, recursive: true);

    [Test]
    public async Task A_refused_vote_stops_the_chain_until_the_supervisor_has_seen_it()
    {
        string binary = CometBftNode.Binary();
        WriteHome();
        using var stop = new CancellationTokenSource();
        using SoftwareKey key = SoftwareKey.Load(Path.Combine(_home, "config", "consensus.key"));
        int refused = 0;
        var signer = new ConsensusSigner(TestNetwork.ChainId, key, SignState.Fresh, state =>
        {
            if (state.Height == RefusedHeight && state.Step == SignStep.Prevote
                && Interlocked.Increment(ref refused) == 1)
            {
                throw new IOException("the device is away");
            }
        });
        var remote = new RemoteSigner($"tcp://127.0.0.1:{_port + 2}", signer);
        Task signing = Task.Factory.StartNew(
            () => remote.Run(stop.Token), stop.Token, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        var supervisor = new Supervisor(
            Node.ValidatorParts.Of(_home, binary, ["dotnet", typeof(Node.Application).Assembly.Location]),
            new RestartPolicy { WatchPeriod = TimeSpan.FromMilliseconds(200), StuckAfter = TimeSpan.FromSeconds(6) },
            Hear);
        Task<int> run = supervisor.RunAsync(stop.Token);
        using var rpc = new RpcClient($"http://127.0.0.1:{_port}");
        await Reach(rpc, RefusedHeight + 4);
        await stop.CancelAsync();
        Assert.That(await run, Is.Zero, Said);
        await signing;
        Assert.That(Said, Does.Contain($"cometbft stands still at {RefusedHeight - 1} for 6 s; it is ended"));
        Assert.That(refused, Is.GreaterThan(1), "it was asked again");
        Assert.That(
            Said.Split('\n').Count(line => line.Contains("stands still", StringComparison.Ordinal)),
            Is.EqualTo(1),
            Said);
    }

    private string Said
    {
        get
        {
            lock (_said) return string.Join('\n', _said);
        }
    }

    private void Hear(string line)
    {
        lock (_said) _said.Add(line);
    }

    private void WriteHome()
    {
        Directory.CreateDirectory(Path.Combine(_home, "config"));
        string application = $"unix://{_home}/abci.sock";
        File.WriteAllText(Path.Combine(_home, "config", "appchain.conf"), $"abci.address = {application}\n");
        SoftwareKey.Store(Path.Combine(_home, "config", "consensus.key"), EmbeddedHandshakeTests.Seed);
        using var node = new CometBftNode(Path.Combine(_home, "cometbft"));
        node.Create(
            EmbeddedHandshakeTests.GenesisJson(), EmbeddedHandshakeTests.Seed, application, _port,
            signer: $"tcp://127.0.0.1:{_port + 2}");
    }

    private async Task Reach(RpcClient rpc, long height)
    {
        long started = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                await rpc.BlockResultsAsync(height, CancellationToken.None);
                return;
            }
            catch (Exception error) when (error is RpcException or NodeUnreachableException)
            {
                Assert.That(Stopwatch.GetElapsedTime(started), Is.LessThan(Limit), Said);
                await Task.Delay(50);
            }
        }
    }
}
