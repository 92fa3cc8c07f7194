using System;
using System.Collections.Generic;
using System.IO;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Threading;
using System.Threading.Tasks;
using AppChain.Node;

namespace AppChain.Localnet;

/// <summary>One run of a network: prepare its files, start it, watch it, judge it.</summary>
internal sealed class LocalnetRun(RunOptions options)
{
    private readonly NetworkFiles _files = new(options);

    /// <summary>Runs to the end; 0 only when every check held.</summary>
    public async Task<int> RunAsync(CancellationToken cancel)
    {
        using var network = new RunningNetwork(options, _files, cancel);
        PeerRelays? relays = null;
        try
        {
            Console.WriteLine(options.Engine == EngineKind.Embedded
                ? $"engine: embedded, {options.Validators} validators"
                : $"engine: CometBFT ({options.CometBft}), {options.Validators} validators");
            if (LentPorts.Read().Warning(options.Port, options.Ports.Last(options.Validators)) is { } warning)
            {
                Console.Error.WriteLine($"warning: {warning}");
            }

            RunPlan plan = RunPlan.Prepare(options, _files);
            relays = options.HasRelays ? new PeerRelays(options) : null;
            await network.StartAsync(plan).ConfigureAwait(false);
            using var watch = new RunWatch(options, _files, plan, network, relays);
            await watch.FollowAsync(cancel).ConfigureAwait(false);
            return await JudgeAsync(network, watch).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            Console.Error.WriteLine(network.Problem is null ? "interrupted" : $"appchain: {network.Problem}");
            return network.Problem is null ? 130 : 1;
        }
        catch (Exception problem) when (problem is InvalidOperationException or IOException
            or UnauthorizedAccessException or FeedException or GenesisException or RpcException
            or QueryRefusedException or NodeUnreachableException)
        {
            Console.Error.WriteLine($"appchain: {network.Problem ?? problem.Message}");
            return 1;
        }
        finally
        {
            network.Stop();
            relays?.Dispose();
            _files.RemoveSockets();
        }
    }

    // Ends the network, so that all logs are whole, and holds what it did against every check.
    private async Task<int> JudgeAsync(RunningNetwork network, RunWatch watch)
    {
        V1.ChainResponse chain = await watch.ChainAsync().ConfigureAwait(false);
        network.Stop();
        SignedPlaces signed = SignedPlaces.Read(options, _files);
        CallCheck calls = CallCheck.Of(_files, options.Validators + (network.Late is { StartedAt: > 0 } ? 1 : 0));
        JsonObject report = RunReport.Write(
            options, watch.Monitor, watch.Floor, chain, watch.Markets, calls, watch.Height, watch.Seconds);
        List<string> failures =
        [
            .. RunReport.Failures(options, watch.Monitor, chain, calls, watch.Height),
            .. signed.Faults,
            .. watch.Faults.Failures(),
        ];
        if (network.Late is { } late)
        {
            report["late_node"] = late.Report();
            failures.AddRange(late.Problem() is string problem ? [problem] : []);
        }

        if (options.HasFaults)
        {
            report["faults"] = watch.Faults.Report();
        }

        if (options.Report.Length > 0)
        {
            string text = report.ToJsonString(new JsonSerializerOptions { WriteIndented = true });
            await File.WriteAllTextAsync(options.Report, text + "\n", CancellationToken.None).ConfigureAwait(false);
        }

        RunReport.Summarise(watch.Monitor, watch.Floor, chain, signed, watch.Height, watch.Seconds, failures);
        return failures.Count == 0 ? 0 : 1;
    }
}
