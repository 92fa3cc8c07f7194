using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.Linq;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Threading;
using System.Threading.Tasks;
using AppChain.Node;

namespace AppChain.Localnet;

/// <summary>One fault and how the network came through it.</summary>
/// <param name="Kind">Which fault.</param>
/// <param name="Validator">Whom it struck.</param>
/// <param name="Height">Height of the chain when it began.</param>
/// <param name="AwaySeconds">How long the fault lasted.</param>
/// <param name="BlocksMeanwhile">Blocks that the others made during it.</param>
/// <param name="RecoverySeconds">From its end until the validator had two more blocks than the others had then.</param>
internal sealed record PerturbationResult(
    string Kind, int Validator, long Height, double AwaySeconds, long BlocksMeanwhile, double RecoverySeconds);

/// <summary>
/// Strikes one validator after another while the agents trade. Validator 0 is left alone: it is the reference.
/// </summary>
internal sealed class Perturbations(
    RunOptions options, NetworkFiles files, ValidatorProcesses processes, PeerRelays? relays, Presence presence,
    IReadOnlyList<RpcClient> nodes)
{
    /// <summary>
    /// Every kind, in the order in which <c>all</c> runs them; the one that removes a validator is last.
    /// </summary>
    public static readonly string[] Kinds =
        ["kill", "pause", "disconnect", "restart", "absent", "rollback", "parameters", "leave", "remove"];

    /// <summary>
    /// Those of them that the embedded engine can take: it lives in this process and hears of no evidence by RPC.
    /// </summary>
    public static readonly string[] EmbeddedKinds = ["kill", "restart", "absent", "rollback", "parameters", "leave"];

    private const long FirstHeight = 8;
    private const long AbsentBlocks = 50;
    private const int HeightsBack = 3;
    private static readonly TimeSpan FaultTime = TimeSpan.FromSeconds(10);
    private readonly Recovery _recovery = new(nodes);

    /// <summary>What happened so far.</summary>
    public List<PerturbationResult> Results { get; } = [];

    /// <summary>Runs the faults that the options name.</summary>
    public async Task RunAsync(CancellationToken cancel)
    {
        await ReachAsync(FirstHeight, cancel).ConfigureAwait(false);
        int victim = 0;
        foreach (string kind in options.Perturbations)
        {
            victim = 1 + (victim % (options.Validators - 1));
            await StrikeAsync(kind, victim, cancel).ConfigureAwait(false);
            await ReachAsync(await _recovery.TipAsync(cancel).ConfigureAwait(false) + 5, cancel).ConfigureAwait(false);
        }
    }

    /// <summary>The results as the report shows them.</summary>
    public JsonArray Report() => [.. Results.Select(result => new JsonObject
    {
        ["kind"] = result.Kind,
        ["validator"] = result.Validator,
        ["height"] = result.Height,
        ["away_seconds"] = Math.Round(result.AwaySeconds, 2),
        ["blocks_meanwhile"] = result.BlocksMeanwhile,
        ["recovery_seconds"] = Math.Round(result.RecoverySeconds, 2),
    })];

    private async Task StrikeAsync(string kind, int victim, CancellationToken cancel)
    {
        long height = await _recovery.TipAsync(cancel).ConfigureAwait(false);
        bool isAway = kind is not ("parameters" or "leave");
        if (isAway)
        {
            presence.Set(victim, away: true);
            processes.Expect(victim);
        }

        long began = Stopwatch.GetTimestamp();
        await DoAsync(kind, victim, height, cancel).ConfigureAwait(false);
        double away = Stopwatch.GetElapsedTime(began).TotalSeconds;
        long meanwhile = await _recovery.TipAsync(cancel).ConfigureAwait(false) - height;
        double recovery = await _recovery.WaitAsync(victim, cancel).ConfigureAwait(false);
        if (isAway)
        {
            processes.Forget(victim);
            presence.Set(victim, away: false);
        }

        var result = new PerturbationResult(kind, victim, height, away, meanwhile, recovery);
        Results.Add(result);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{kind} of validator {victim} at {height}: {away:0.0} s, {meanwhile} blocks meanwhile, recovered after "
                + $"{recovery:0.0} s"));
    }

    private async Task DoAsync(string kind, int victim, long height, CancellationToken cancel)
    {
        switch (kind)
        {
            case "kill":
                await processes.KillAsync(victim, processes.NamesOf(victim)).ConfigureAwait(false);
                await processes.StartAsync(victim, cancel).ConfigureAwait(false);
                break;
            case "pause":
                const int stop = 19;
                const int resume = 18;
                processes.Signal(stop, processes.NamesOf(victim));
                await Task.Delay(FaultTime, cancel).ConfigureAwait(false);
                processes.Signal(resume, processes.NamesOf(victim));
                break;
            case "disconnect":
                relays!.SetClosed(victim, true);
                await Task.Delay(FaultTime, cancel).ConfigureAwait(false);
                relays.SetClosed(victim, false);
                break;
            case "restart":
                await processes.StopAsync(victim).ConfigureAwait(false);
                await processes.StartAsync(victim, cancel).ConfigureAwait(false);
                break;
            case "absent":
                await processes.StopAsync(victim).ConfigureAwait(false);
                await ReachAsync(height + AbsentBlocks, cancel).ConfigureAwait(false);
                await processes.StartAsync(victim, cancel).ConfigureAwait(false);
                break;
            case "rollback":
                await processes.StopAsync(victim).ConfigureAwait(false);
                await Rollback.BackAsync(options, files, victim, HeightsBack, cancel).ConfigureAwait(false);
                await processes.StartAsync(victim, cancel).ConfigureAwait(false);
                break;
            case "parameters":
                await new ParameterChange(files, nodes).DecideAsync(cancel).ConfigureAwait(false);
                break;
            case "leave":
                await new LeaveAndReturn(files, nodes).RunAsync(victim, cancel).ConfigureAwait(false);
                break;
            default:
                await new DoubleVote(files, nodes[0]).ProveAsync(victim, cancel).ConfigureAwait(false);
                break;
        }
    }

    private async Task ReachAsync(long height, CancellationToken cancel)
    {
        while (await _recovery.TipAsync(cancel).ConfigureAwait(false) < height)
        {
            await Task.Delay(50, cancel).ConfigureAwait(false);
        }
    }
}
