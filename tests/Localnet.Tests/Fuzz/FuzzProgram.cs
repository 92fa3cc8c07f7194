using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;

namespace AppChain.Localnet.Tests.Fuzz;

/// <summary>
/// One place where bytes come in: how to make them, and what must hold for any. <see cref="Run"/> answers with a word
/// for what became of the bytes; whatever it throws is a finding.
/// </summary>
/// <param name="Name">As on the command line.</param>
/// <param name="Next">The next bytes: made from sound ones, and damaged or not.</param>
/// <param name="Run">Takes bytes in.</param>
internal sealed record FuzzEntrance(string Name, Func<byte[]> Next, Func<byte[], string> Run);

/// <summary>What a run of an entrance gave.</summary>
/// <param name="Executions">Inputs taken in.</param>
/// <param name="Verdicts">How often each word was the answer.</param>
/// <param name="Seconds">Time it took.</param>
/// <param name="Finding">The exception and the input that caused it; null when nothing was found.</param>
internal sealed record FuzzResult(
    long Executions, SortedDictionary<string, long> Verdicts, double Seconds, (Exception Error, byte[] Input)? Finding);

/// <summary>
/// The fuzz driver: <c>./appchain fuzz --entrance NAME --executions N --seed S</c>. The same seed makes the same
/// inputs. Inputs of the corpus come first, then new ones. With <c>--save DIR</c> the first input of each verdict is
/// kept.
/// </summary>
internal static class FuzzProgram
{
    public static int Run(string[] arguments)
    {
        var options = new Dictionary<string, string>
        {
            ["--entrance"] = "all", ["--executions"] = "100000", ["--seed"] = "1", ["--save"] = "", ["--input"] = "",
        };
        if (arguments is ["--help" or "-h" or "-?"])
        {
            WriteUsage(Console.Out);
            return 0;
        }

        for (int i = 0; i < arguments.Length; i += 2)
        {
            if (!options.ContainsKey(arguments[i]) || i + 1 == arguments.Length)
            {
                WriteUsage(Console.Error);
                return 2;
            }

            options[arguments[i]] = arguments[i + 1];
        }

        string wanted = options["--entrance"];
        string[] names = wanted == "all" ? [.. FuzzEntrances.Names] : [wanted];
        if (names.Except(FuzzEntrances.Names).Any())
        {
            Console.Error.WriteLine($"no entrance '{wanted}': there are {string.Join(", ", FuzzEntrances.Names)}");
            return 2;
        }

        if (!int.TryParse(options["--seed"], CultureInfo.InvariantCulture, out int seed)
            || !long.TryParse(options["--executions"], CultureInfo.InvariantCulture, out long executions))
        {
            Console.Error.WriteLine("--seed and --executions take whole numbers");
            return 2;
        }

        byte[]? input = options["--input"].Length > 0 ? File.ReadAllBytes(options["--input"]) : null;
        return names.All(name => Report(name, executions, seed, options["--save"], input)) ? 0 : 1;
    }

    private static void WriteUsage(TextWriter writer)
    {
        writer.WriteLine(
            "usage: ./appchain fuzz [--entrance NAME|all] [--executions N] [--seed S] [--save DIR] [--input FILE]");
        writer.WriteLine($"entrances: {string.Join(", ", FuzzEntrances.Names)}");
    }

    /// <summary>Runs an entrance; stops at the first finding.</summary>
    public static FuzzResult Run(
        FuzzEntrance entrance, long executions, IEnumerable<byte[]> first, Action<string, byte[]>? isNew = null)
    {
        var verdicts = new SortedDictionary<string, long>(StringComparer.Ordinal);
        long started = Stopwatch.GetTimestamp();
        long done = 0;
        foreach (byte[] input in first.Concat(Endless(entrance.Next)))
        {
            if (done == executions)
            {
                break;
            }

            done++;
            string verdict;
            try
            {
                verdict = entrance.Run(input);
            }
            catch (Exception error)
            {
                return new FuzzResult(done, verdicts, Stopwatch.GetElapsedTime(started).TotalSeconds, (error, input));
            }

            if (!verdicts.TryGetValue(verdict, out long count))
            {
                isNew?.Invoke(verdict, input);
            }

            verdicts[verdict] = count + 1;
        }

        return new FuzzResult(done, verdicts, Stopwatch.GetElapsedTime(started).TotalSeconds, null);
    }

    /// <summary>The inputs that the repository keeps for an entrance.</summary>
    public static IReadOnlyList<byte[]> Corpus(string entrance)
    {
        string prefix = $"corpus/{entrance}/";
        var assembly = typeof(FuzzProgram).Assembly;
        var inputs = new List<byte[]>();
        foreach (string name in assembly.GetManifestResourceNames().Order(StringComparer.Ordinal))
        {
            if (name.Replace('\\', '/').StartsWith(prefix, StringComparison.Ordinal))
            {
                using Stream stream = assembly.GetManifestResourceStream(name)!;
                using var copy = new MemoryStream();
                stream.CopyTo(copy);
                inputs.Add(copy.ToArray());
            }
        }

        return inputs;
    }

    private static bool Report(string name, long executions, int seed, string save, byte[]? input)
    {
        using var open = new FuzzEntrances(name, seed);
        Action<string, byte[]>? isNew = save.Length == 0 ? null : (verdict, bytes) => Keep(save, name, verdict, bytes);
        FuzzResult result = Run(open.Entrance, executions, input is null ? Corpus(name) : [input], isNew);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{name}: {result.Executions} executions, {result.Seconds:0.0} s, {result.Executions / result.Seconds:0} a "
            + $"second, seed {seed}"));
        foreach (KeyValuePair<string, long> verdict in result.Verdicts.OrderByDescending(pair => pair.Value).Take(12))
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"    {verdict.Value,10}  {verdict.Key}"));
        }

        if (result.Finding is not { } finding)
        {
            return true;
        }

        string file = Path.Combine(Path.GetTempPath(), $"fuzz-{name}-{seed}-{result.Executions}.bin");
        File.WriteAllBytes(file, finding.Input);
        Console.WriteLine($"FOUND: {finding.Error}");
        Console.WriteLine(
            $"again: ./appchain fuzz --entrance {name} --seed {seed} --executions {result.Executions}; the input is in "
            + $"{file}");
        return false;
    }

    private static void Keep(string directory, string entrance, string verdict, byte[] input)
    {
        string folder = Path.Combine(directory, entrance);
        Directory.CreateDirectory(folder);
        string name = string.Concat(verdict.Where(c => char.IsAsciiLetterOrDigit(c) || c == '-')).ToLowerInvariant();
        File.WriteAllBytes(Path.Combine(folder, name.Length > 40 ? name[..40] : name), input);
    }

    private static IEnumerable<byte[]> Endless(Func<byte[]> next)
    {
        while (true)
        {
            yield return next();
        }
    }
}
