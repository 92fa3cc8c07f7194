using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text.Json.Nodes;
using System.Threading;
using System.Threading.Tasks;
using AppChain.Node;

namespace AppChain.Localnet;

/// <summary>
/// Kills processes of validators at random moments, one validator at a time, and counts how often it came back. With
/// CometBFT its process is killed, too; the embedded engine's validator lives in this process and is only torn away from
/// its application.
/// </summary>
internal sealed class CrashRun(
    RunOptions options, ValidatorProcesses processes, Presence presence, IReadOnlyList<RpcClient> nodes)
{
    private const int PauseMillisecondsMax = 700;
    private readonly Recovery _recovery = new(nodes);
    private readonly SortedDictionary<string, int> _survived = [];
    private readonly List<double> _seconds = [];

    /// <summary>Kills so far after which the validator came back.</summary>
    public int Survived => _seconds.Count;

    /// <summary>Kills until the number that the options ask for is reached.</summary>
    public async Task RunAsync(CancellationToken cancel)
    {
        var random = new Random(options.Seed);
        string[][] targets = processes.HasEngine
            ? [["app"], ["signer"], ["cometbft"], ["app", "signer", "cometbft"]]
            : [["app"], ["signer"], ["app", "signer"]];
        while (await _recovery.TipAsync(cancel).ConfigureAwait(false) < 3)
        {
            await Task.Delay(50, cancel).ConfigureAwait(false);
        }

        while (Survived < options.Crashes)
        {
            int victim = 1 + random.Next(options.Validators - 1);
            string[] target = targets[random.Next(targets.Length)];
            await Task.Delay(random.Next(PauseMillisecondsMax), cancel).ConfigureAwait(false);
            presence.Set(victim, away: true);
            string[] names = [.. target.Select(part => string.Create(CultureInfo.InvariantCulture, $"{part}{victim}"))];
            await processes.KillAsync(victim, names).ConfigureAwait(false);
            await processes.StartAsync(victim, cancel).ConfigureAwait(false);
            _seconds.Add(await _recovery.WaitAsync(victim, cancel).ConfigureAwait(false));
            string kind = string.Join('+', target);
            _survived[kind] = _survived.GetValueOrDefault(kind) + 1;
            presence.Set(victim, away: false);
            if (Survived % 10 == 0)
            {
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Survived} kills survived"));
            }
        }
    }

    /// <summary>The result as the report shows it.</summary>
    public JsonObject Report()
    {
        double[] sorted = [.. _seconds.Order()];
        double At(double share) => sorted.Length == 0 ? 0 : Math.Round(sorted[(int)((sorted.Length - 1) * share)], 2);
        return new JsonObject
        {
            ["kills_survived"] = Survived,
            ["by_process"] = new JsonObject(_survived.Select(pair => KeyValuePair.Create<string, JsonNode?>(pair.Key, pair.Value))),
            ["recovery_seconds"] = new JsonObject { ["p50"] = At(0.5), ["p99"] = At(0.99), ["max"] = At(1) },
        };
    }
}
