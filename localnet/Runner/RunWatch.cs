using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using AppChain.Node;

namespace AppChain.Localnet;

/// <summary>
/// Follows a running network block by block: compares its validators, shows it, lets the agents trade and the faults
/// strike, until the run is over.
/// </summary>
internal sealed class RunWatch : IDisposable
{
    private readonly RunOptions _options;
    private readonly RunPlan _plan;
    private readonly RunningNetwork _network;
    private readonly List<RpcClient> _nodes;
    private readonly List<Trader> _traders;
    private Task _trading = Task.CompletedTask;
    private IRunView? _view;

    /// <summary>Watches a network that has been started; the relays are there when peers are to be cut off.</summary>
    public RunWatch(RunOptions options, NetworkFiles files, RunPlan plan, RunningNetwork network, PeerRelays? relays)
    {
        _options = options;
        _plan = plan;
        _network = network;
        _nodes = [.. Enumerable.Range(0, options.Validators).Select(i => new RpcClient(options.Ports.RpcAddress(i)))];
        _traders = [.. files.Traders.Select((key, i) => new Trader(i, key, NetworkFiles.ChainId, options.Seed))];
        Floor = new TraderFloor(_traders, _nodes, network.Presence);
        Monitor = new Monitor(_nodes, network.Presence);
        Faults = new FaultRun(options, files, network.Processes, relays, network.Presence, _nodes);
    }

    /// <summary>What the blocks told.</summary>
    public Monitor Monitor { get; }

    /// <summary>The agents.</summary>
    public TraderFloor Floor { get; }

    /// <summary>The faults.</summary>
    public FaultRun Faults { get; }

    /// <summary>Blocks followed.</summary>
    public long Height { get; private set; }

    /// <summary>Wall seconds from the beginning to the end of the run.</summary>
    public double Seconds { get; private set; }

    /// <summary>Each market and its newest index price.</summary>
    public IReadOnlyList<MarketView> Markets =>
        [.. _plan.Markets.Select(market => new MarketView(
            market, Monitor.Oracles.GetValueOrDefault(market.MarketId)?.LastPrice ?? 0))];

    /// <summary>Follows until the run is over: by its blocks, its price files, its faults, or Ctrl-C.</summary>
    public async Task FollowAsync(CancellationToken interrupted)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(_network.Ended);
        Task striking = Faults.RunAsync(ending.Token);
        long started = Stopwatch.GetTimestamp();
        try
        {
            while (!IsOver(striking))
            {
                await TakeBlockAsync(striking).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (interrupted.IsCancellationRequested && Height > 0
            && _options.Blocks == 0)
        {
            // Ctrl-C ends an endless run in order, with its report.
        }
        finally
        {
            _view?.Dispose();
            await ending.CancelAsync().ConfigureAwait(false);
        }

        Seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        if (_options.HasFaults)
        {
            await striking.ConfigureAwait(false);
            await Monitor.RereadAsync(_network.Ended).ConfigureAwait(false);
        }
    }

    /// <summary>Balances and invariants of the chain, as validator 0 has them.</summary>
    public async Task<V1.ChainResponse> ChainAsync() =>
        await _nodes[0].ChainAsync(CancellationToken.None).ConfigureAwait(false);

    /// <inheritdoc/>
    public void Dispose()
    {
        _traders.ForEach(static trader => trader.Dispose());
        _nodes.ForEach(static node => node.Dispose());
    }

    private bool IsOver(Task striking)
    {
        if (_options.HasFaults)
        {
            return striking.IsCompleted;
        }

        bool haveFilesEnded = _options.UntilEnd && _plan.Prices.End > 0 && _plan.Clock.Now >= _plan.Prices.End;
        return haveFilesEnded || (_options.Blocks > 0 && Height >= _options.Blocks);
    }

    private async Task TakeBlockAsync(Task striking)
    {
        CancellationToken ended = _network.Ended;
        await Monitor.FollowAsync(Height + 1, ended).ConfigureAwait(false);
        Height++;
        _view ??= Welcome();
        await _view.ShowAsync(Height, ended).ConfigureAwait(false);
        await (_network.Late?.FollowAsync(Height, _nodes[0], ended) ?? Task.CompletedTask).ConfigureAwait(false);
        if (_trading.IsCompleted && !IsOver(striking))
        {
            await _trading.ConfigureAwait(false);
            _trading = Floor.ActAsync(Height, Markets, ended);
        }
    }

    // Says where the chain is to be reached, once it is.
    private IRunView Welcome()
    {
        string address = _options.Ports.RpcAddress(0);
        Console.WriteLine(
            $"RPC: {address} (validator i: + 10 i); keys of alice, bob, carol, dave, guardian1 to 3 and "
            + "treasurer1 to 3: " + Path.Combine(_options.Home, "keys"));
        if (_options.Signers > 1)
        {
            string example = Path.Combine(_options.Home, "node0", "signer1", "signer.conf");
            Console.WriteLine($"three signers for each validator; kill one, and start it again: ./appchain signer "
                + $"--config {example}");
        }

        Console.WriteLine(
            $"trade by hand: ./appchain tx order place --home {_options.Home} --node {address} --from alice --help");
        return _options.IsPlain
            ? new PlainView(Monitor, _plan.Markets)
            : new LiveView(_options, _nodes, Monitor, Floor, _plan.Clock);
    }
}
