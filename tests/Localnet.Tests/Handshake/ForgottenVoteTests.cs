using System;
using System.Collections.Concurrent;
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
/// Four real CometBFT, of which the one without which nothing is decided loses its log after a prevote that the others
/// have heard (C22, docs/decisions/0052).
/// </summary>
[TestFixture, Category("Long")]
public sealed class ForgottenVoteTests
{
    // A variable of the environment counts only for a key that the file has, as the file of `cometbft init` has all.
    private const string Consensus = """
        timeout_propose = "1s"
        timeout_propose_delta = "500ms"
        timeout_prevote = "500ms"
        timeout_precommit = "500ms"
        timeout_commit = "200ms"
        """;

    private static readonly TimeSpan ForOthersToHear = TimeSpan.FromSeconds(0.4);
    private CometBftNetwork _network = null!;
    private int _port;

    [SetUp]
    public void Begin()
    {
        CometBftNode.Binary();
        _port = TestPorts.Next();
        _network = new CometBftNetwork(_port, Consensus);
    }

    [TearDown]
    public void End() => _network?.Dispose();

    // The others wait for its precommit, and bring back all prevotes of the round before its step. The log does not
    // help: it begins in the middle of the height, and is not read.
    [Test]
    public async Task CometBFT_that_forgot_a_prevote_for_nil_stands_still_until_the_supervisor_leads_it_out()
    {
        const long dies = 3;
        _network.StartAll();
        DieAfterPrevote(dies, 0, Prevotes.Nil);
        _network.LoseLog(0);
        for (int start = 0; start < 2; start++)
        {
            _network.Start(0);
            Assert.That(CometBftNetwork.Await(() => Place() is { WaitsForNothing: true }, 20), _network[0].Said);
            Thread.Sleep(TimeSpan.FromSeconds(3));
            Assert.That(Place(), Is.EqualTo(new ConsensusPlace(dies, 0, ConsensusPlace.Prevote, 50, 50)));
            _network[0].Kill();
        }

        var said = new ConcurrentQueue<string>();
        var policy = new RestartPolicy
        {
            WatchPeriod = TimeSpan.FromMilliseconds(200), SurelyStuckAfter = TimeSpan.FromSeconds(2),
        };
        SupervisedPart engine = Node.ValidatorParts.EngineOf(
            CometBftNode.Binary(), _network[0].Home, EngineSettings.Read(_network[0].Home));
        using var stop = new CancellationTokenSource();
        Task<int> run = new Supervisor([engine], policy, said.Enqueue).RunAsync(stop.Token);
        bool goesOn = CometBftNetwork.Await(() => _network.HeightOf(0) >= dies + 4, 40);
        await stop.CancelAsync();
        Assert.That(await run, Is.Zero);
        string all = string.Join('\n', said);
        Assert.That(goesOn, all);
        Assert.That(all, Does.Contain($"cometbft stands still at {dies - 1} for 2 s; it is ended"));
        Assert.That(all, Does.Contain("cometbft has passed it and is at"));
        Assert.That(_network.RoundOf(dies), Is.GreaterThan(0));
        Assert.That(
            said.Count(line => line.StartsWith("cometbft is started", StringComparison.Ordinal)), Is.EqualTo(3), all);
    }

    /// <summary>For what they prevote in the round of which the log is lost.</summary>
    public enum Prevotes
    {
        /// <summary>Nobody has a proposal.</summary>
        Nil,

        /// <summary>The first validator finds the proposal wrong, the others find it right.</summary>
        Split,

        /// <summary>All find it right.</summary>
        Block,
    }

    [Explicit("figures: how often it stands still")]
    [TestCase(Prevotes.Nil, 0, 5)]
    [TestCase(Prevotes.Nil, 1, 5)]
    [TestCase(Prevotes.Split, 0, 10)]
    [TestCase(Prevotes.Block, 0, 10)]
    public void Measure(Prevotes kind, int round, int runs)
    {
        _network.StartAll();
        int stuck = 0, others = 0, again = 0;
        var ways = new List<double>();
        var back = new List<double>();
        for (int run = 0; run < runs; run++)
        {
            long dies = _network.HeightOf(1) + 3;
            DieAfterPrevote(dies, round, kind);
            _network.LoseLog(0);
            long started = Stopwatch.GetTimestamp();
            _network.Start(0);
            bool decided = CometBftNetwork.Await(() => _network.HeightOf(0) >= dies, 15);
            if (decided)
            {
                back.Add(Stopwatch.GetElapsedTime(started).TotalSeconds);
                continue;
            }

            if (Place()?.WaitsForNothing == true) stuck++;
            else others++;
            TestContext.Progress.WriteLine($"run {run}: {Place()}");
            _network[0].Kill();
            _network.Start(0);
            if (!CometBftNetwork.Await(() => _network.HeightOf(0) >= dies, 10)) again++;
            _network[0].Kill();
            started = Stopwatch.GetTimestamp();
            _network.Start(0, EngineProgress.WaysOut[round == 0 ? 0 : 1]);
            Assert.That(CometBftNetwork.Await(() => _network.HeightOf(0) >= dies, 120), _network[0].Said);
            ways.Add(Stopwatch.GetElapsedTime(started).TotalSeconds);
            _network[0].Kill();
            _network.Start(0);
            Assert.That(CometBftNetwork.Await(() => _network.HeightOf(0) >= dies + 1, 60), _network[0].Said);
        }

        TestContext.Progress.WriteLine(
            $"{kind}, round {round}: {runs} runs, stuck {stuck}, other standstills {others}, stuck after another start "
            + $"{again}, by the way out {string.Join(' ', ways.Select(s => $"{s:0.0}"))} s; "
            + $"went on alone after {string.Join(' ', back.Select(s => $"{s:0.0}"))} s");
    }

    [Explicit("figures: how often it stands still after a kill at any moment")]
    [TestCase(30, false)]
    [TestCase(30, true)]
    public void MeasureAnyMoment(int runs, bool oneIsDown)
    {
        Run(oneIsDown);
        var random = new Random(1);
        var back = new List<double>();
        int stuck = 0, others = 0;
        for (int run = 0; run < runs; run++)
        {
            Thread.Sleep(random.Next(500, 2500));
            _network[0].Kill();
            Thread.Sleep(300);
            long dies = Math.Max(_network.HeightOf(1), _network.HeightOf(2)) + 1;
            _network.LoseLog(0);
            long started = Stopwatch.GetTimestamp();
            _network.Start(0);
            if (CometBftNetwork.Await(() => _network.HeightOf(0) >= dies, 20))
            {
                back.Add(Stopwatch.GetElapsedTime(started).TotalSeconds);
                continue;
            }

            TestContext.Progress.WriteLine($"run {run}: {Place()}");
            if (Place()?.WaitsForNothing != true)
            {
                // What nobody heard and the signer remembers stops the chain for good: another one.
                others++;
                _network.Dispose();
                _port = TestPorts.Next();
                _network = new CometBftNetwork(_port, Consensus);
                Run(oneIsDown);
                continue;
            }

            stuck++;
            _network[0].Kill();
            _network.Start(0, EngineProgress.WaysOut[^1]);
            Assert.That(CometBftNetwork.Await(() => _network.HeightOf(0) >= dies, 120), _network[0].Said);
            _network[0].Kill();
            _network.Start(0);
            Assert.That(CometBftNetwork.Await(() => _network.HeightOf(0) >= dies + 1, 60), _network[0].Said);
        }

        TestContext.Progress.WriteLine(
            $"any moment, one down {oneIsDown}: {runs} runs, stuck {stuck}, other standstills {others}; went on alone "
            + $"after {back.Min():0.0} to {back.Max():0.0} s");
    }

    private void Run(bool oneIsDown)
    {
        _network.StartAll();
        Assert.That(CometBftNetwork.Await(() => _network.HeightOf(0) >= 3, 40), _network[0].Said);
        if (oneIsDown) _network[3].Kill();
    }

    // The signer has recorded the prevote, and the process dies when the signer is asked for the precommit, which it
    // does not record.
    private void DieAfterPrevote(long height, int round, Prevotes kind)
    {
        bool died = false;
        _network.Recorded = (validator, state) =>
        {
            if (died || state.Height != height) return;
            bool isMute = kind == Prevotes.Nil || state.Round < round;
            if (state.Step == SignStep.Proposal && isMute) throw new IOException("the device is away");
            if (validator != 0 || state.Round != round || state.Step != SignStep.Precommit) return;
            Thread.Sleep(ForOthersToHear);
            _network[0].Kill();
            died = true;
            throw new IOException("the device is away");
        };
        _network.Judges = (validator, h) => died || kind != Prevotes.Split || validator != 0 || h != height;
        Assert.That(CometBftNetwork.Await(() => died, 40), _network[0].Said);
    }

    private ConsensusPlace? Place()
    {
        using var rpc = new RpcClient($"http://127.0.0.1:{_port}");
        try
        {
            return rpc.ConsensusPlaceAsync().GetAwaiter().GetResult();
        }
        catch (Exception error) when (error is RpcException or NodeUnreachableException)
        {
            return null;
        }
    }
}
