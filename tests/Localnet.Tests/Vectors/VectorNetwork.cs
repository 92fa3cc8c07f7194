using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using AppChain.Margin;
using AppChain.Node;

namespace AppChain.Localnet.Tests.Vectors;

/// <summary>
/// Four real CometBFT validators with the product's application, driven through a scenario and taped.
/// </summary>
internal sealed class VectorNetwork : IDisposable
{
    private const int Validators = 4;
    private const int Traders = 6;
    private const long Follows = 5;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(10);

    private readonly VectorScenario _scenario;
    private readonly RunOptions _options;
    private readonly NetworkFiles _files;
    private readonly string _genesis;
    private readonly List<RpcClient> _clients;
    private readonly List<Trader> _traders;
    private readonly List<RecordedNode> _nodes = [];

    public VectorNetwork(VectorScenario scenario, string folder)
    {
        _scenario = scenario;
        _options = Options(Path.Combine(folder, "net"), scenario.Blocks) with { Pause = scenario.Pause };
        _files = new NetworkFiles(_options);
        _files.WriteKeys();
        _genesis = _files.Genesis(DateTimeOffset.UtcNow.AddSeconds(-1), GenesisFile.DefaultMarkets)
            .Replace("\"initial_height\": \"1\"", $"\"initial_height\": \"{scenario.InitialHeight}\"")
            .Replace("\"vote_extensions_enable_height\": \"1\"",
                $"\"vote_extensions_enable_height\": \"{scenario.InitialHeight}\"");
        CometBftHomes.Write(_options, _files, _genesis);
        if (scenario.HasHastyNode)
        {
            string config = Path.Combine(CometBftHomes.HomeOf(_files, Validators - 1), "config", "config.toml");
            File.WriteAllText(config, File.ReadAllText(config).Replace(
                "timeout_prevote = \"500ms\"", "timeout_prevote = \"1ms\""));
        }

        for (int i = 0; i < Validators; i++) _nodes.Add(new RecordedNode(i, _files, scenario, isValidator: true));
        _clients =
        [
            .. Enumerable.Range(0, Validators).Select(i => new RpcClient(_options.Ports.RpcAddress(i))),
        ];
        _traders =
        [
            .. Enumerable.Range(0, Traders).Select(
                i => new Trader(i, _files.Traders[i], NetworkFiles.ChainId, _options.Seed)),
        ];
    }

    public IReadOnlyList<RecordedNode> Nodes => _nodes;

    /// <summary>A localnet of the recordings: its seed makes the keys.</summary>
    public static RunOptions Options(string home, long blocks) => new()
    {
        Engine = EngineKind.CometBft,
        CometBft = "",
        Validators = Validators,
        Blocks = blocks,
        UntilEnd = false,
        Pause = 150,
        Hsm = false,
        Plain = true,
        Traders = Traders,
        Seed = 1,
        Prices = [],
        Speed = 1,
        From = 0,
        Report = "",
        Home = home,
        Port = TestPorts.Next(),
        RequireLiquidations = false,
    };

    /// <summary>Runs the scenario to its end.</summary>
    /// <exception cref="TimeoutException">The network stood still.</exception>
    public async Task RunAsync()
    {
        using var patience = new CancellationTokenSource(Patience);
        foreach (RecordedNode node in _nodes) node.Start();
        long last = _scenario.InitialHeight + _scenario.Blocks - 1;
        long done = _scenario.InitialHeight - 1;
        while (done < last)
        {
            await StepAsync(patience.Token);
            foreach (RecordedNode node in _nodes.Where(node => node.HasDied && node.IsRunning))
            {
                node.Stop();
                node.Start();
            }

            // Node 1 never dies.
            if (_nodes[1].Height <= done) continue;
            done++;
            await _scenario.At(this, done, patience.Token);
            if (_scenario.HasTraders) await TradeAsync(done, patience.Token);
        }

        // Whoever is behind, or came late, is taped until it follows.
        long end = _nodes[1].Height + Follows;
        while (_nodes.Any(node => node.IsRunning && node.Height < end)) await StepAsync(patience.Token);
        foreach (RecordedNode node in _nodes) node.Stop();
    }

    /// <summary>Gives node 1 evidence against a validator and waits until it is removed.</summary>
    public Task ProveDoubleVoteAsync(int validator, CancellationToken cancel) =>
        new DoubleVote(_files, _clients[1]).ProveAsync(validator, cancel);

    /// <summary>Lets the guardians change the parameters of consensus and waits until every engine obeys.</summary>
    public Task ChangeParametersAsync(CancellationToken cancel) =>
        new ParameterChange(_files, _clients).DecideAsync(cancel);

    /// <summary>Starts a fifth node that trusts a header of the network.</summary>
    public async Task JoinAsync(CancellationToken cancel)
    {
        CommitAnswer trusted = await _clients[0].CommitAsync(0, cancel);
        CometBftHomes.WriteLate(_options, _files, _genesis, trusted);
        Directory.CreateDirectory(Path.Combine(_files.HomeOf(Validators), "data"));
        var late = new RecordedNode(Validators, _files, _scenario, isValidator: false);
        _nodes.Add(late);
        late.Start();
    }

    public void Dispose()
    {
        foreach (RecordedNode node in _nodes) node.Dispose();
        foreach (RpcClient client in _clients) client.Dispose();
        foreach (Trader trader in _traders) trader.Dispose();
        _files.RemoveSockets();
    }

    private async Task StepAsync(CancellationToken patience)
    {
        try
        {
            await Task.Delay(Step, patience);
        }
        catch (OperationCanceledException)
        {
            RecordedNode slowest = _nodes.MinBy(node => node.Height)!;
            throw new TimeoutException($"{_scenario.Name} stands at "
                + $"{string.Join(", ", _nodes.Select(node => node.Height))}; the slowest "
                + $"said:\n{string.Join('\n', slowest.Said.Split('\n').TakeLast(20))}");
        }
    }

    private async Task TradeAsync(long height, CancellationToken cancel)
    {
        MarketView[] markets =
        [
            .. GenesisFile.DefaultMarkets.Select(market => new MarketView(market, IndexOf(market, height))),
        ];
        foreach (Trader trader in _traders)
        {
            if (trader.Act(height, markets) is not { } transaction) continue;
            try
            {
                // Nodes 1 and 2 are there in every scenario.
                await _clients[1 + (trader.Number % 2)].BroadcastSyncAsync(transaction, cancel);
            }
            catch (Exception lost) when (lost is RpcException or NodeUnreachableException)
            {
                // The trader goes on in the next block.
            }
        }
    }

    private static long IndexOf(MarketParameters market, long height) =>
        (long)(RecordedPrices.At(market.Ticker == "BTC-PERP" ? 50_000 : 2_500, height) * Math.Pow(
            10, market.PriceDecimals));
}
