using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.Linq;
using System.Text.RegularExpressions;

namespace AppChain.Simulation;

/// <summary>./appchain simulate: see docs/simulation.md.</summary>
internal static class Program
{
    private const string Usage = """
        usage: ./appchain simulate [--seed S] [--seeds N] [--hours H] [--validators N] [--beyond] [--calm]
                                   [--signatures real|shared|simulated] [--minutes M] [--quiet] [--first]
                                   [--only PATTERN]
               ./appchain simulate --planted NAME|all|hunted|list [--seed S] [--seeds N] [--hours H]
          --seed S        first seed (default 1)
          --seeds N       how many seeds, one run each (default 1)
          --hours H       virtual hours under faults (default 0.1)
          --validators N  4 to 10; drawn from the seed by default
          --beyond        more than a third of the power lies: what must be detected then
          --calm          no faults and a light load: for measuring speed
          --signatures    real; shared: real, but each is verified once and not by every validator; simulated: hashes
          --minutes M     begin no new seed after M minutes of real time
          --quiet         print failing seeds only
          --only PATTERN  run only seeds whose faults, as they are printed, fit a regular expression
          --first         stop at the first failing seed
          --planted       runs the product with a fault planted in it, which its seed (or those given) must catch
        """;

    private const string Failed = "  FAILED ";

    private sealed record Options
    {
        public int? Seed { get; set; }
        public int Seeds { get; set; } = 1;
        public double? Hours { get; set; }
        public double Minutes { get; set; } = double.MaxValue;
        public int Validators { get; set; }
        public bool Beyond { get; set; }
        public bool Calm { get; set; }
        public bool Quiet { get; set; }
        public bool First { get; set; }
        public Regex? Only { get; set; }
        public string Signatures { get; set; } = "real";
        public string? Planted { get; set; }
    }

    private static int Main(string[] arguments)
    {
        if (arguments is ["--help" or "-h" or "-?"])
        {
            Console.WriteLine(Usage);
            return 0;
        }
        Options options = new();
        if (!TryRead(arguments, options))
        {
            Console.Error.WriteLine(Usage);
            return 2;
        }
        if (options.Planted is not null) return RunPlanted(options);
        return options.Signatures == "real" ? RunSeeds(options) : RunWithScheme(arguments, options.Signatures);
    }

    private static bool TryRead(string[] arguments, Options options)
    {
        try
        {
            for (int i = 0; i < arguments.Length; i++)
            {
                switch (arguments[i])
                {
                    case "--seed": options.Seed = Integer(arguments[++i]); break;
                    case "--seeds": options.Seeds = Integer(arguments[++i]); break;
                    case "--hours": options.Hours = Number(arguments[++i]); break;
                    case "--minutes": options.Minutes = Number(arguments[++i]); break;
                    case "--validators": options.Validators = Integer(arguments[++i]); break;
                    case "--signatures": options.Signatures = arguments[++i]; break;
                    case "--only": options.Only = new Regex(arguments[++i], RegexOptions.CultureInvariant); break;
                    case "--planted": options.Planted = arguments[++i]; break;
                    case "--beyond": options.Beyond = true; break;
                    case "--calm": options.Calm = true; break;
                    case "--quiet": options.Quiet = true; break;
                    case "--first": options.First = true; break;
                    default:
                        Console.Error.WriteLine($"error: no option '{arguments[i]}'");
                        return false;
                }
            }
            return options.Validators is 0 or (>= 4 and <= 10)
                && options.Signatures is "real" or "shared" or "simulated";
        }
        catch (Exception wrong) when (wrong is FormatException or IndexOutOfRangeException or OverflowException
            or ArgumentException)
        {
            return false;
        }
    }

    private static int RunSeeds(Options options)
    {
        long blocks = 0, deaths = 0, lies = 0, transactions = 0, late = 0;
        int failed = 0, done = 0;
        SortedDictionary<string, long> events = new(StringComparer.Ordinal);
        long started = Stopwatch.GetTimestamp();
        for (int i = 0; i < options.Seeds && Stopwatch.GetElapsedTime(started).TotalMinutes < options.Minutes; i++)
        {
            var scenario = new Scenario(
                (options.Seed ?? 1) + i, options.Hours ?? 0.1, options.Validators, options.Beyond, options.Calm);
            Swarm swarm = Swarm.Draw(scenario.Seed, options.Validators, options.Beyond, options.Calm);
            if (options.Only?.IsMatch(swarm.ToString()) == false) continue;
            if (!options.Quiet) Console.WriteLine($"seed {scenario.Seed}: {swarm}");
            long begun = Stopwatch.GetTimestamp();
            Outcome outcome = Simulator.Run(scenario, swarm);
            if (!options.Quiet || outcome.Failure is not null)
                Console.WriteLine(Text(outcome, Stopwatch.GetElapsedTime(begun)));
            blocks += outcome.Blocks;
            deaths += outcome.Deaths.Processes;
            lies += outcome.LiesTold;
            transactions += outcome.Transactions;
            late += outcome.HeardLate;
            failed += outcome.Failure is null ? 0 : 1;
            foreach ((string kind, long count) in outcome.Events) events[kind] = events.GetValueOrDefault(kind) + count;
            done++;
            if (options.First && failed > 0) break;
            if (options.Quiet && done % 20 == 0) PrintSum();
        }
        PrintSum();
        Console.WriteLine(string.Join(", ", events.Select(item => $"{item.Key} {item.Value}")));
        return failed == 0 ? 0 : 1;

        void PrintSum()
        {
            TimeSpan elapsed = Stopwatch.GetElapsedTime(started);
            TimeSpan processor = Process.GetCurrentProcess().TotalProcessorTime;
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{done} seeds, {blocks} blocks in {elapsed.TotalSeconds:0.0} s, {blocks / elapsed.TotalSeconds:0} "
                + $"blocks/s ({blocks / processor.TotalSeconds:0} per second of processor time, "
                + $"{GC.GetTotalAllocatedBytes() / 1024 / Math.Max(1, blocks)} KiB allocated a block), "
                + $"{deaths} deaths, {lies} lies, {transactions} transactions, {late} blocks heard of late, "
                + $"{failed} failed"));
        }
    }

    private static int RunWithScheme(string[] arguments, string scheme)
    {
        string program = WithScheme(RequireRoot(), scheme);
        int at = Array.IndexOf(arguments, "--signatures");
        IEnumerable<string> rest = arguments.Where((_, i) => i != at && i != at + 1);
        ProcessStartInfo start = new("dotnet");
        start.ArgumentList.Add(program);
        foreach (string argument in rest) start.ArgumentList.Add(argument);
        using Process process = Process.Start(start)!;
        process.WaitForExit();
        return process.ExitCode;
    }

    private static int RunPlanted(Options options)
    {
        List<PlantedFault> chosen = options.Planted is "all" or "list"
            ? [.. PlantedFaults.All]
            : options.Planted == "hunted"
            ? [.. PlantedFaults.Hunted]
            : [.. PlantedFaults.All.Concat(PlantedFaults.Hunted).Where(fault => fault.Name == options.Planted)];
        if (chosen.Count == 0) Console.Error.WriteLine("no such fault; --planted list names them");
        int missed = chosen.Count == 0 ? 1 : 0;
        foreach (PlantedFault fault in chosen)
        {
            if (options.Planted == "list")
            {
                Console.WriteLine($"{fault.Name} (seed {fault.Seed})");
                continue;
            }
            (int Seed, string Failure)? caught =
                Hunt(fault, options.Seed ?? fault.Seed, options.Seeds, options.Hours ?? fault.Hours);
            missed += caught is null ? 1 : 0;
            Console.WriteLine(caught is { } found
                ? $"caught by seed {found.Seed}: {fault.Name}: {found.Failure}"
                : $"MISSED: {fault.Name}");
        }
        return missed == 0 ? 0 : 1;
    }

    /// <summary>
    /// The first of some seeds whose run fails with the fault planted, and how it fails; null if none does.
    /// </summary>
    internal static (int Seed, string Failure)? Hunt(PlantedFault fault, int seed, int seeds, double hours)
    {
        // Simulated signatures make no difference to what happens, only to how long it takes.
        string root = RequireRoot();
        bool changesSigner = fault.Changes.Any(change => change.File.StartsWith("src/Hsm/", StringComparison.Ordinal));
        string program = changesSigner
            ? Variant.Build(root, fault.Slug, [.. SignatureSchemes.Simulated, .. fault.Changes])
            : Variant.Build(root, fault.Slug, fault.Changes, WithScheme(root, "simulated"));
        (int code, string output) = Variant.Run(
            program, ["--seed", Text(seed), "--seeds", Text(seeds), "--hours", Text(hours), "--first"]);
        string[] lines = output.Split('\n');
        string? failure = lines.FirstOrDefault(line => line.StartsWith(Failed, StringComparison.Ordinal));
        string? last = lines.LastOrDefault(line => line.StartsWith("seed ", StringComparison.Ordinal));
        if (code != 1 || failure is null || last is null) return null;
        int found = Integer(last["seed ".Length..last.IndexOf(':', StringComparison.Ordinal)]);
        string again = Again(new Scenario(found, hours));
        return lines.Contains($"  again: {again}")
            ? (found, failure[Failed.Length..])
            : throw new InvalidOperationException($"the failing run does not print how to repeat it: {again}");
    }

    private static string WithScheme(string root, string scheme) => Variant.Build(root, $"signatures-{scheme}",
        scheme == "shared" ? SignatureSchemes.Shared : SignatureSchemes.Simulated);

    private static string RequireRoot() => Variant.Root() ?? throw new InvalidOperationException(
        "a variant of the product is compiled from its sources, which are not above this program");

    private static string Text(Outcome outcome, TimeSpan elapsed)
    {
        string events =
            string.Join(", ", outcome.Events.Where(item => item.Key is "Fill" or "LiquidationOpened" or "Deleveraging"
                or "ValidatorRemoved" or "FundingSettled" or "ConsensusParametersChanged"
                or "ValidatorPowerChanged").Select(
                    item => $"{item.Value} {item.Key}"));
        string text = string.Create(CultureInfo.InvariantCulture,
            $"  {outcome.Blocks} blocks in {elapsed.TotalSeconds:0.0} s, {outcome.LateRounds} late rounds, "
            + $"{outcome.Deaths.Processes} deaths ({outcome.Deaths.Machines} with the machine), {outcome.LiesTold} "
            + $"lies, {outcome.Transactions} transactions, {events}, trace {outcome.Trace}");
        if (outcome.HeardLate > 0) text += $"\n  {outcome.HeardLate} blocks heard of late: all who committed them died";
        if (outcome.Forks > 0) text += $"\n  {outcome.Forks} forks, all by liars whom the commits accuse";
        if (outcome.Failure is null) return text;
        return $"{text}\n{Failed}{outcome.Failure}\n  again: {Again(outcome.Scenario)}";
    }

    /// <summary>The one command that repeats a run.</summary>
    internal static string Again(Scenario run) =>
        $"./appchain simulate --seed {Text(run.Seed)} --hours {Text(run.Hours)}"
        + (run.Validators > 0 ? $" --validators {run.Validators}" : "") + (run.IsBeyond ? " --beyond" : "")
        + (run.IsCalm ? " --calm" : "");

    private static string Text(double number) => number.ToString(CultureInfo.InvariantCulture);

    private static int Integer(string text) => int.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture);

    private static double Number(string text) => double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture);
}
