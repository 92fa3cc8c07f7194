using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Threading;
using System.Threading.Tasks;
using AppChain.Margin;
using AppChain.Node;

namespace AppChain.Localnet;

/// <summary>
/// One run of a network: writes its files, starts applications, signers and engine, lets the agents trade, watches, and
/// reports. Whatever happens, no process is left behind.
/// </summary>
internal sealed class LocalnetRun(RunOptions options)
{
    private readonly NetworkFiles _files = new(options);
    private readonly Presence _presence = new(options.Validators);
    private string? _problem;
    private LateNode? _late;
    private MarketClock _clock;
    private IReadOnlyList<MarketParameters> _markets = [];

    // Market time at which the run ends; 0: not by time.
    private long _end;

    /// <summary>Runs to the end; 0 only when every check held.</summary>
    public async Task<int> RunAsync(CancellationToken cancel)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        using var children = new ChildProcesses(Path.Combine(options.Home, "logs"));
        children.Died += problem =>
        {
            _problem ??= problem;
            ended.Cancel();
        };
        children.Lost += problem =>
        {
            if (IsPlain)
            {
                Console.Error.WriteLine($"the run goes on without {problem}");
            }
        };
        EmbeddedNetwork? network = null;
        PeerRelays? relays = null;
        try
        {
            Console.WriteLine(options.Engine == EngineKind.Embedded
                ? $"engine: embedded, {options.Validators} validators"
                : $"engine: CometBFT ({options.CometBft}), {options.Validators} validators");
            _files.WriteKeys();
            PriceFiles prices = PriceFiles.Prepare(options);
            prices.Notes.ForEach(Console.WriteLine);
            _markets = prices.Markets;

            // Everything starts at one moment a little ahead, so that price replay and chain clock begin together.
            int ahead = options.Engine == EngineKind.Embedded ? 3 + options.Signers : 1;
            DateTimeOffset epoch = DateTimeOffset.UtcNow + TimeSpan.FromSeconds(ahead);
            long wall = (epoch - DateTimeOffset.UnixEpoch).Ticks * 100;
            _clock = new MarketClock(prices.Start, wall, options.Speed);
            _end = options.UntilEnd ? prices.End : 0;
            string genesis = _files.Genesis(epoch, _markets);
            StartValidators(children, prices.Files, prices.Start, wall);
            if (options.Engine == EngineKind.Embedded)
            {
                TimeSpan wait = epoch - DateTimeOffset.UtcNow;
                await Task.Delay(wait > TimeSpan.Zero ? wait : TimeSpan.Zero, ended.Token).ConfigureAwait(false);
                network = StartEmbedded(genesis, wall, ended);
            }
            else
            {
                relays = options.Perturbations.Count > 0 ? new PeerRelays(options) : null;
                CometBftHomes.Write(options, _files, genesis);
                for (int i = 0; i < options.Validators; i++)
                {
                    children.Start($"cometbft{i}", options.CometBft, ["start", "--home", CometBftHomes.HomeOf(_files, i)]);
                }
            }

            _late = options.Join > 0 ? new LateNode(options, _files, genesis, children) : null;
            var processes = new ValidatorProcesses(options, _files, children, () => network);
            return await FollowAsync(processes, relays, StopAll, ended.Token, cancel).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            Console.Error.WriteLine(_problem is null ? "interrupted" : $"appchain: {_problem}");
            return _problem is null ? 130 : 1;
        }
        catch (Exception problem) when (problem is InvalidOperationException or IOException or FeedException or GenesisException
            or RpcException or QueryRefusedException or NodeUnreachableException)
        {
            Console.Error.WriteLine($"appchain: {_problem ?? problem.Message}");
            return 1;
        }
        finally
        {
            StopAll();
            relays?.Dispose();
            _files.RemoveSockets();
        }

        void StopAll()
        {
            _late?.Dispose();
            network?.Dispose();
            network = null;
            children.Dispose();
        }
    }

    private async Task<int> FollowAsync(
        ValidatorProcesses processes, PeerRelays? relays, Action stopAll, CancellationToken ended,
        CancellationToken interrupted)
    {
        List<RpcClient> nodes = [.. Enumerable.Range(0, options.Validators).Select(i => new RpcClient(
            string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{options.Port + (10 * i)}")))];
        List<Trader> traders = [.. _files.Traders.Select((key, i) => new Trader(i, key, NetworkFiles.ChainId, options.Seed))];
        var floor = new TraderFloor(traders, nodes, _presence);
        var monitor = new Monitor(nodes, _presence);
        using var faults = CancellationTokenSource.CreateLinkedTokenSource(ended);
        var strikes = new FaultRun(options, _files, processes, relays, _presence, nodes);
        Task striking = strikes.RunAsync(faults.Token);
        long started = Stopwatch.GetTimestamp();
        long height = 0;
        var trading = Task.CompletedTask;
        IRunView? view = null;
        try
        {
            while (!IsOver(height, striking))
            {
                await monitor.FollowAsync(height + 1, ended).ConfigureAwait(false);
                height++;
                if (view is null)
                {
                    PrintWelcome();
                    view = IsPlain
                        ? new PlainView(monitor, _markets)
                        : new LiveView(options, nodes, monitor, floor, _clock);
                }

                await view.ShowAsync(height, ended).ConfigureAwait(false);
                await (_late?.FollowAsync(height, nodes[0], ended) ?? Task.CompletedTask).ConfigureAwait(false);
                if (trading.IsCompleted && !IsOver(height, striking))
                {
                    await trading.ConfigureAwait(false);
                    trading = floor.ActAsync(height, Views(monitor), ended);
                }
            }
        }
        catch (OperationCanceledException) when (interrupted.IsCancellationRequested && height > 0 && options.Blocks == 0)
        {
            // Ctrl-C ends an endless run in order, with its report.
        }
        finally
        {
            view?.Dispose();
            await faults.CancelAsync().ConfigureAwait(false);
        }

        if (options.HasFaults)
        {
            await striking.ConfigureAwait(false);
        }

        double seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        V1.ChainResponse chain = await nodes[0].ChainAsync(CancellationToken.None).ConfigureAwait(false);
        // The logs are whole once their writers have ended.
        stopAll();
        SignedPlaces signed = SignedPlaces.Read(options, _files);
        CallCheck calls = CallCheck.Of(_files, options.Validators + (_late is { StartedAt: > 0 } ? 1 : 0));
        JsonObject report = RunReport.Write(options, monitor, floor, chain, Views(monitor), calls, height, seconds);
        List<string> failures =
            [.. RunReport.Failures(options, monitor, chain, calls, height), .. signed.Faults, .. strikes.Failures()];
        if (_late is not null)
        {
            report["late_node"] = _late.Report();
            failures.AddRange(_late.Problem() is string problem ? [problem] : []);
        }

        if (options.HasFaults)
        {
            report["faults"] = strikes.Report();
        }

        string text = report.ToJsonString(new JsonSerializerOptions { WriteIndented = true });
        if (options.Report.Length > 0)
        {
            await File.WriteAllTextAsync(options.Report, text + "\n", CancellationToken.None).ConfigureAwait(false);
        }

        Summarise(monitor, floor, chain, signed, height, seconds, failures);
        foreach (Trader trader in traders)
        {
            trader.Dispose();
        }

        foreach (RpcClient node in nodes)
        {
            node.Dispose();
        }

        return failures.Count == 0 ? 0 : 1;
    }

    private bool IsPlain => options.Plain || Console.IsOutputRedirected;

    private bool IsOver(long height, Task striking) => options.HasFaults
        ? striking.IsCompleted
        : (options.Blocks > 0 && height >= options.Blocks) || (_end > 0 && _clock.Now >= _end);

    private void StartValidators(ChildProcesses children, IReadOnlyList<FeedFile> feeds, long start, long wall)
    {
        string bin = AppContext.BaseDirectory;
        string node = Path.Combine(bin, "AppChain.Node.dll");
        for (int i = 0; i < options.Validators; i++)
        {
            _files.WriteConfig(i, feeds, start, wall, options.Engine == EngineKind.Embedded ? wall : 0);
            children.Start($"app{i}", "dotnet", [node, "start", "--home", _files.HomeOf(i), "--until-eof"]);
            for (int j = 0; j < options.Signers; j++)
            {
                children.Start(
                    options.Signers == 1 ? $"signer{i}" : $"signer{i}-{j}",
                    "dotnet",
                    [node, "signer", .. _files.SignerOptions(i, j), "--until-eof"],
                    _files.SignerEnvironment(i, j),
                    isSpare: options.Signers > 1);
            }
        }
    }

    private EmbeddedNetwork StartEmbedded(string genesis, long wall, CancellationTokenSource ended)
    {
        var validators = new List<EmbeddedValidatorOptions>();
        for (int i = 0; i < options.Validators; i++)
        {
            validators.Add(new EmbeddedValidatorOptions
            {
                Home = Path.Combine(_files.HomeOf(i), "engine"),
                AbciAddress = _files.AbciAddress(i),
                PrivvalAddress = _files.PrivvalAddress(i),
                RpcPort = options.Port + (10 * i),
                Moniker = string.Create(CultureInfo.InvariantCulture, $"node{i}"),
            });
        }

        // The moment of the start is the epoch of the replay: whatever has passed since belongs to the clock.
        long late = (long)(((DateTimeOffset.UtcNow - DateTimeOffset.UnixEpoch).Ticks * 100) - wall);
        return EmbeddedNetwork.Start(
            new EmbeddedNetworkOptions
            {
                Genesis = genesis,
                Validators = validators,
                Speed = options.Speed,
                Timeouts = new ConsensusTimeouts
                {
                    Commit = TimeSpan.FromMilliseconds(options.Pause),
                    SkipCommit = options.Pause == 0,
                },
                ClockStart = wall + (long)(Math.Max(0, late) * options.Speed),
            },
            network => network.Failed += (validator, failure) =>
            {
                if (_presence.IsAway(validator))
                {
                    return;
                }

                _problem ??= $"validator {validator}: {failure.Message}";
                ended.Cancel();
            });
    }

    private List<MarketView> Views(Monitor monitor) =>
        [.. _markets.Select(market => new MarketView(
            market, monitor.Oracles.GetValueOrDefault(market.MarketId)?.LastPrice ?? 0))];

    private void PrintWelcome()
    {
        Console.WriteLine($"RPC: http://127.0.0.1:{options.Port} (validator i: + 10 i); keys of alice, bob, carol, dave: {Path.Combine(options.Home, "keys")}");
        if (options.Signers > 1)
        {
            string example = Path.Combine(_files.SignerHomeOf(0, 1), "signer.conf");
            Console.WriteLine($"three signers for each validator; kill one, and start it again: ./appchain signer --config {example}");
        }

        Console.WriteLine($"trade by hand: ./appchain tx order place --home {options.Home} --node http://127.0.0.1:{options.Port} --from alice --help");
    }

    private static void Summarise(
        Monitor monitor, TraderFloor floor, V1.ChainResponse chain, SignedPlaces signed, long height, double seconds,
        IReadOnlyList<string> failures)
    {
        Console.WriteLine();
        Console.WriteLine($"{height} blocks in {seconds:0.0} s; {floor.Submitted} transactions submitted, {monitor.Committed} committed");
        Console.WriteLine($"{monitor.Fills} fills, {monitor.Liquidations} liquidations, {monitor.Deleveragings} deleveragings");
        Console.WriteLine($"app hashes: {monitor.HeightsChecked} heights compared on all validators, {monitor.Mismatches} mismatches");
        Console.WriteLine(
            $"conservation: held {chain.Held} = claims {chain.Claims} + insurance fund {chain.InsuranceFund} + fees {chain.Fees} + leaving {chain.Leaving}, difference {chain.Difference}");
        Console.WriteLine($"signatures: {signed.Count} places in the audit logs, {signed.Faults.Count} faults");
        Console.WriteLine(failures.Count == 0 ? "every check held" : "FAILED: " + string.Join("; ", failures));
    }
}
