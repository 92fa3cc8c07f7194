using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text.Json.Nodes;
using System.Threading;
using System.Threading.Tasks;
using AppChain.Node;

namespace AppChain.Localnet;

/// <summary>The faults of a run, and what must hold after them.</summary>
internal sealed class FaultRun(
    RunOptions options, NetworkFiles files, ValidatorProcesses processes, PeerRelays? relays, Presence presence,
    IReadOnlyList<RpcClient> nodes)
{
    /// <summary>A validator must follow the chain again within this many seconds of the end of a fault.</summary>
    public const double RecoveryMax = 20;

    private readonly Perturbations? _perturbations = options.Perturbations.Count == 0
        ? null
        : new Perturbations(options, files, processes, relays, presence, nodes);

    private readonly CrashRun? _crashes = options.Crashes == 0
        ? null
        : new CrashRun(options, processes, presence, nodes);

    /// <summary>Strikes until all is done; at once when the run has no faults.</summary>
    public async Task RunAsync(CancellationToken cancel)
    {
        if (_perturbations is not null)
        {
            await _perturbations.RunAsync(cancel).ConfigureAwait(false);
        }

        if (_crashes is not null)
        {
            await _crashes.RunAsync(cancel).ConfigureAwait(false);
        }
    }

    /// <summary>The faults as the report shows them.</summary>
    public JsonObject Report()
    {
        var report = new JsonObject();
        if (_perturbations is not null)
        {
            report["perturbations"] = _perturbations.Report();
        }

        if (_crashes is not null)
        {
            report["crashes"] = _crashes.Report();
        }

        return report;
    }

    /// <summary>What did not hold.</summary>
    public IEnumerable<string> Failures() => Slow(_perturbations?.Results ?? []);

    /// <summary>One text for each fault after which a validator took too long.</summary>
    public static IEnumerable<string> Slow(IEnumerable<PerturbationResult> results) => results
        .Where(static result => result.RecoverySeconds > RecoveryMax)
        .Select(result => string.Create(
            CultureInfo.InvariantCulture,
            $"validator {result.Validator} took {result.RecoverySeconds:0.0} s to recover from {result.Kind}"));
}
