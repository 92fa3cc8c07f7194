using System;
using System.Diagnostics;
using System.Globalization;
using System.Linq;

namespace AppChain.Simulation;

/// <summary>./appchain simulate: see docs/simulation.md.</summary>
internal static class Program
{
    private const string Usage = """
        usage: ./appchain simulate [--seed S] [--seeds N] [--hours H] [--validators N] [--beyond] [--calm]
          --seed S        first seed (default 1)
          --seeds N       how many seeds, one run each (default 1)
          --hours H       virtual hours under faults (default 0.1)
          --validators N  4 to 10; drawn from the seed by default
          --beyond        more than a third of the power lies: what must be detected then
          --calm          no faults and a light load: for measuring speed
          --minutes M     stop beginning new seeds after M minutes of real time
        """;

    private static int Main(string[] arguments)
    {
        int seed = 1, seeds = 1, validators = 0;
        double hours = 0.1, minutes = double.MaxValue;
        bool beyond = false, calm = false;
        try
        {
            for (int i = 0; i < arguments.Length; i++)
            {
                switch (arguments[i])
                {
                    case "--seed": seed = Integer(arguments[++i]); break;
                    case "--seeds": seeds = Integer(arguments[++i]); break;
                    case "--hours": hours = Number(arguments[++i]); break;
                    case "--minutes": minutes = Number(arguments[++i]); break;
                    case "--validators": validators = Integer(arguments[++i]); break;
                    case "--beyond": beyond = true; break;
                    case "--calm": calm = true; break;
                    default: throw new FormatException(arguments[i]);
                }
            }
        }
        catch (Exception wrong) when (wrong is FormatException or IndexOutOfRangeException or OverflowException)
        {
            Console.Error.WriteLine(Usage);
            return 2;
        }

        long blocks = 0;
        int failed = 0, done = 0;
        long started = Stopwatch.GetTimestamp();
        for (int i = 0; i < seeds && Stopwatch.GetElapsedTime(started).TotalMinutes < minutes; i++)
        {
            var scenario = new Scenario(seed + i, hours, validators, beyond, calm);
            Swarm swarm = Swarm.Draw(scenario.Seed, validators, beyond, calm);
            Console.WriteLine($"seed {scenario.Seed}: {swarm}");
            long begun = Stopwatch.GetTimestamp();
            Outcome outcome = Simulator.Run(scenario, swarm);
            Console.WriteLine(Text(outcome, Stopwatch.GetElapsedTime(begun)));
            blocks += outcome.Blocks;
            failed += outcome.Failure is null ? 0 : 1;
            done++;
        }
        TimeSpan elapsed = Stopwatch.GetElapsedTime(started);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{done} seeds, {blocks} blocks in {elapsed.TotalSeconds:0.0} s, {blocks / elapsed.TotalSeconds:0} blocks/s, {failed} failed"));
        return failed == 0 ? 0 : 1;
    }

    private static string Text(Outcome outcome, TimeSpan elapsed)
    {
        string events = string.Join(", ", outcome.Events.Where(item => item.Key is "Fill" or "LiquidationOpened" or "Deleveraging"
            or "ValidatorRemoved" or "FundingSettled").Select(item => $"{item.Value} {item.Key}"));
        string text = string.Create(CultureInfo.InvariantCulture,
            $"  {outcome.Blocks} blocks in {elapsed.TotalSeconds:0.0} s, {outcome.LateRounds} late rounds, {outcome.Deaths.Processes} deaths "
            + $"({outcome.Deaths.Machines} with the machine), {outcome.LiesTold} lies, {outcome.Transactions} transactions, {events}, "
            + $"trace {outcome.Trace}");
        if (outcome.Forks > 0) text += $"\n  {outcome.Forks} forks, all by liars whom the commits accuse";
        if (outcome.Failure is null) return text;
        Scenario s = outcome.Scenario;
        string again = string.Create(CultureInfo.InvariantCulture, $"./appchain simulate --seed {s.Seed} --hours {s.Hours}")
            + (s.Validators > 0 ? $" --validators {s.Validators}" : "") + (s.IsBeyond ? " --beyond" : "") + (s.IsCalm ? " --calm" : "");
        return $"{text}\n  FAILED {outcome.Failure}\n  again: {again}";
    }

    private static int Integer(string text) => int.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture);

    private static double Number(string text) => double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture);
}
