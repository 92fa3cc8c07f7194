using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text.Json.Nodes;
using System.Threading;
using System.Threading.Tasks;
using AppChain.Node;

namespace AppChain.Localnet;

/// <summary>
/// Kills processes of validators at random moments: of one validator up to all of them at once, and of those that are
/// just coming back again, so that the kill meets a start, a handshake or a replay. With CometBFT its process is
/// killed, too; the embedded engine's validator lives in this process and is torn away from its application and signer.
/// </summary>
internal sealed class CrashRun(
    RunOptions options, ValidatorProcesses processes, Presence presence, IReadOnlyList<RpcClient> nodes)
{
    private const int PauseMillisecondsMax = 1_500;
    private const int AgainMax = 3;
    private const int AgainMillisecondsMax = 4_000;
    private const int Poll = 50;
    private const int QuitSignal = 3;

    // CometBFT 0.38 can stand still in block sync for ever (docs/operating/failures.md): what an operator would do, is
    // done.
    private static readonly TimeSpan StuckAfter = TimeSpan.FromMinutes(2);

    private readonly Recovery _recovery = new(nodes);
    private readonly Random _random = new(options.Seed);
    private readonly Kill[] _last = [.. Enumerable.Repeat(new Kill(0, 0), options.Validators)];
    private readonly SortedDictionary<string, int> _byProcess = [];
    private readonly SortedDictionary<int, int> _byVictims = [];
    private readonly List<double> _seconds = [];
    private readonly List<double> _loads = [];
    private int _again;
    private int _stuck;

    /// <summary>When a validator was killed, and the height at which it is back.</summary>
    private sealed record Kill(long At, long Target);

    /// <summary>Kills so far: each is one validator of which at least one running process was killed.</summary>
    public int Kills { get; private set; }

    /// <summary>
    /// Kills until the number that the options ask for is reached; each time all victims must come back.
    /// </summary>
    public async Task RunAsync(CancellationToken cancel)
    {
        while (await _recovery.TipAsync(cancel).ConfigureAwait(false) < 3)
        {
            await Task.Delay(50, cancel).ConfigureAwait(false);
        }

        int told = 0;
        while (Kills < options.Crashes)
        {
            await Task.Delay(_random.Next(PauseMillisecondsMax), cancel).ConfigureAwait(false);
            await StrikeAsync(Some(Enumerable.Range(0, options.Validators)), cancel).ConfigureAwait(false);
            if (Kills / 10 > told)
            {
                told = Kills / 10;
                Console.WriteLine(string.Create(
                    CultureInfo.InvariantCulture,
                    $"{Kills} kills survived, {_again} of them while starting; load {_loads[^1]:0}"));
            }
        }
    }

    /// <summary>The result as the report shows it.</summary>
    public JsonObject Report() => new()
    {
        ["kills_survived"] = Kills,
        ["while_starting"] = _again,
        ["engines_stuck_and_restarted"] = _stuck,
        ["by_process"] =
            new JsonObject(_byProcess.Select(pair => KeyValuePair.Create<string, JsonNode?>(pair.Key, pair.Value))),
        ["by_validators_at_once"] = new JsonObject(_byVictims.Select(pair => KeyValuePair.Create<string, JsonNode?>(
            pair.Key.ToString(CultureInfo.InvariantCulture), pair.Value))),
        ["recovery_seconds"] = Distribution(_seconds),
        ["load"] = Distribution(_loads),
    };

    private static JsonObject Distribution(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        double At(double share) => sorted.Length == 0 ? 0 : Math.Round(sorted[(int)((sorted.Length - 1) * share)], 2);
        return new JsonObject { ["p50"] = At(0.5), ["p90"] = At(0.9), ["p99"] = At(0.99), ["max"] = At(1) };
    }

    private async Task StrikeAsync(int[] victims, CancellationToken cancel)
    {
        _loads.Add(Load());
        foreach (int victim in victims)
        {
            presence.Set(victim, away: true);
        }

        _byVictims[victims.Length] = _byVictims.GetValueOrDefault(victims.Length) + 1;
        await KillAsync(victims, cancel).ConfigureAwait(false);
        using var over = new CancellationTokenSource();
        Task[] coming = [.. victims.Select(victim => ComeBackAsync(victim, over.Token, cancel))];
        for (int again = _random.Next(AgainMax + 1); again > 0; again--)
        {
            await Task.Delay(_random.Next(AgainMillisecondsMax), cancel).ConfigureAwait(false);
            _again += await KillAsync(Some(victims), cancel).ConfigureAwait(false);
        }

        await over.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(coming).ConfigureAwait(false);
        foreach (int victim in victims)
        {
            presence.Set(victim, away: false);
        }
    }

    // All at once; returns of how many validators a running process was hit.
    private async Task<int> KillAsync(int[] victims, CancellationToken cancel)
    {
        string[][] choices = processes.HasEngine
            ? [["app"], ["signer"], ["cometbft"], ["app", "signer", "cometbft"]]
            : [["app"], ["signer"], ["app", "signer"]];
        long target = await _recovery.TipAsync(cancel).ConfigureAwait(false) + 2;
        (int Victim, string[] Parts)[] kills =
            [.. victims.Select(victim => (victim, choices[_random.Next(choices.Length)]))];
        int[] hit = await Task.WhenAll(kills.Select(kill => processes.KillAsync(
            kill.Victim,
            [.. kill.Parts.Select(part => string.Create(CultureInfo.InvariantCulture, $"{part}{kill.Victim}"))])))
                .ConfigureAwait(false);
        int count = 0;
        for (int i = 0; i < kills.Length; i++)
        {
            if (hit[i] > 0)
            {
                count++;
                string kind = string.Join('+', kills[i].Parts);
                _byProcess[kind] = _byProcess.GetValueOrDefault(kind) + 1;
                Volatile.Write(ref _last[kills[i].Victim], new Kill(Stopwatch.GetTimestamp(), target));
            }
        }

        Kills += count;
        return count;
    }

    // Mends a validator until it is two blocks further than the chain was at its last kill, and the strike is over.
    private async Task ComeBackAsync(int victim, CancellationToken over, CancellationToken cancel)
    {
        Kill? told = null;
        long? height = null;
        long moved = Stopwatch.GetTimestamp();
        while (true)
        {
            // The strike is over before its last kill is looked at, or it is not over yet.
            bool isLast = over.IsCancellationRequested;
            Kill last = Volatile.Read(ref _last[victim]);
            bool isWhole = await processes.MendAsync(victim, cancel).ConfigureAwait(false);
            long? now = isWhole ? await _recovery.HeightAsync(victim, cancel).ConfigureAwait(false) : null;
            bool isBack = now >= last.Target && Volatile.Read(ref _last[victim]) == last;
            if (now is null || now != height)
            {
                (height, moved) = (now, Stopwatch.GetTimestamp());
            }
            else if (!isBack && processes.HasEngine && Stopwatch.GetElapsedTime(moved) > StuckAfter)
            {
                Interlocked.Increment(ref _stuck);
                Console.WriteLine(
                    $"validator {victim} stands still at {height}: its engine tells its stacks and is started again");
                processes.Signal(QuitSignal, string.Create(CultureInfo.InvariantCulture, $"cometbft{victim}"));
                moved = Stopwatch.GetTimestamp();
            }

            if (isBack && told != last)
            {
                told = last;
                lock (_seconds)
                {
                    _seconds.Add(Stopwatch.GetElapsedTime(last.At).TotalSeconds);
                }
            }

            if (isBack && isLast)
            {
                processes.Forget(victim);
                return;
            }

            if (!isBack && Stopwatch.GetElapsedTime(last.At) > Recovery.Limit)
            {
                throw new InvalidOperationException(
                    $"validator {victim} has not recovered {Recovery.Limit.TotalSeconds:0} s after its last kill");
            }

            await Task.Delay(Poll, cancel).ConfigureAwait(false);
        }
    }

    // A random number of them, each number as likely as any other.
    private int[] Some(IEnumerable<int> validators)
    {
        int[] shuffled = [.. validators];
        _random.Shuffle(shuffled);
        return shuffled[..(1 + _random.Next(shuffled.Length))];
    }

    // Processes that wanted to run in the last minute: it decides most of the times.
    private static double Load() => File.Exists("/proc/loadavg")
        ? double.Parse(File.ReadAllText("/proc/loadavg").Split(' ')[0], CultureInfo.InvariantCulture)
        : 0;
}
