using System;
using System.Collections.Generic;
using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.IO;
using System.Threading;
using AppChain.Hsm;
using AppChain.Node;

namespace AppChain.Localnet;

/// <summary>The verb localnet.</summary>
internal static class Program
{
    // A run ends its children one by one; a second is not enough for all of them.
    private static readonly InvocationConfiguration Invocation = new()
    {
        ProcessTerminationTimeout = TimeSpan.FromSeconds(20),
    };

    private static int Main(string[] arguments) => Root().Parse(arguments).Invoke(Invocation);

    private static Option<T> Named<T>(string name, string description, T otherwise) =>
        new(name) { Description = description, DefaultValueFactory = _ => otherwise };

    private static RootCommand Root()
    {
        var engine = Named("--engine", "auto, embedded or cometbft", "auto");
        engine.AcceptOnlyFromAmong("auto", "embedded", "cometbft");
        Option<int> validators = Named("--validators", "1 to 16", 4);
        Option<long> blocks = Named("--blocks", "blocks to make; 0: until Ctrl-C", 0L);
        Option<bool> untilEnd = Named("--until-end", "run until the price files end, from their start", false);
        Option<int> traders = Named("--traders", "trading agents", 20);
        Option<int> seed = Named("--seed", "seed of keys, agents and synthetic prices", 1);
        var prices = Named("--prices", "MARKET=FILE; several for several markets or venues", Array.Empty<string>());
        Option<double> speed = Named("--speed", "market seconds per wall second", 1.0);
        Option<int> pause = Named("--pause", "milliseconds between a block and the next; 0: none", 200);
        var from = Named<DateTimeOffset?>(
            "--from", "market time at which replays start (default: chosen, see localnet/README.md)", null);
        Option<string> report = Named("--report", "file for the JSON report", "");
        Option<string> home = Named("--home", "directory of the run; its content is replaced", ".localnet");
        Option<int> port = Named("--port", "RPC port of validator 0; validator i: + 10 i", 26657);
        Option<bool> require = Named("--require-liquidations", "a run without a liquidation fails", false);
        Option<string> hsm = Named("--hsm", "softhsm: consensus keys in SoftHSM devices; none: in files", "none");
        hsm.AcceptOnlyFromAmong("none", "softhsm");
        Option<int> signers = Named("--signers", "signers of each validator: 1, or 3 with a quorum of two", 1);
        signers.AcceptOnlyFromAmong("1", "3");
        Option<long> join = Named(
            "--join", "CometBFT: one more node joins by state sync at this height; 0: none", 0L);
        Option<long> interval = Named("--snapshot-interval", "blocks between snapshots of each validator; 0: none", 1_000L);
        var perturb = Named(
            "--perturb",
            $"faults under load, on CometBFT: all, or several of {string.Join(", ", Perturbations.Kinds)}; the run ends after the last",
            Array.Empty<string>());
        perturb.AcceptOnlyFromAmong(["all", .. Perturbations.Kinds]);
        perturb.AllowMultipleArgumentsPerToken = true;
        Option<int> crashes = Named("--crashes", "kill processes at so many random moments; the run ends after the last", 0);
        Option<bool> plain = Named("--plain", "lines instead of the live view", false);
        var root = new RootCommand("Four validators of the chain on this machine.")
        {
            engine, validators, blocks, untilEnd, traders, seed, prices, speed, pause, from, report, home, port, require,
            hsm, signers, perturb, crashes, plain, join, interval,
        };
        root.SetAction(async (parsed, cancel) =>
        {
            try
            {
                (EngineKind kind, string binary) = EngineOf(parsed.GetValue(engine)!);
                if (parsed.GetValue(join) > 0 && (kind == EngineKind.Embedded || parsed.GetValue(interval) == 0))
                {
                    throw new ArgumentException("--join needs --engine cometbft and a --snapshot-interval above 0");
                }

                var options = new RunOptions
                {
                    Engine = kind,
                    CometBft = binary,
                    Validators = Within("--validators", parsed.GetValue(validators), 1, 16),
                    Blocks = parsed.GetValue(blocks),
                    UntilEnd = parsed.GetValue(untilEnd),
                    Pause = Within("--pause", parsed.GetValue(pause), 0, 10_000),
                    Hsm = parsed.GetValue(hsm) == "softhsm",
                    Signers = parsed.GetValue(signers),
                    Plain = parsed.GetValue(plain),
                    Perturbations = FaultsOf(parsed.GetValue(perturb)!, kind, parsed.GetValue(validators)),
                    Crashes = Within("--crashes", parsed.GetValue(crashes), 0, 1_000_000),
                    Traders = Within("--traders", parsed.GetValue(traders), 0, 1_000),
                    Seed = parsed.GetValue(seed),
                    Prices = PricesOf(parsed.GetValue(prices)!),
                    Speed = parsed.GetValue(speed),
                    From = parsed.GetValue(from) is { } time ? (time - DateTimeOffset.UnixEpoch).Ticks * 100 : 0,
                    Report = parsed.GetValue(report)!,
                    Home = Path.GetFullPath(parsed.GetValue(home)!),
                    Port = parsed.GetValue(port),
                    Join = parsed.GetValue(join),
                    SnapshotInterval = Math.Max(0, parsed.GetValue(interval)),
                    RequireLiquidations = parsed.GetValue(require),
                };
                if (options.HasFaults && options.Signers != 1)
                {
                    throw new ArgumentException("--perturb and --crashes take validators with one signer each");
                }

                return await new LocalnetRun(options).RunAsync(cancel).ConfigureAwait(false);
            }
            catch (ArgumentException wrong)
            {
                await Console.Error.WriteLineAsync($"appchain: {wrong.Message}").ConfigureAwait(false);
                return 2;
            }
        });
        return root;
    }

    // auto takes CometBFT when its binary is found through COMETBFT_BIN or PATH.
    private static (EngineKind Kind, string Binary) EngineOf(string wanted)
    {
        if (wanted == "embedded")
        {
            return (EngineKind.Embedded, "");
        }

        string? binary = Environment.GetEnvironmentVariable("COMETBFT_BIN");
        foreach (string directory in (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator))
        {
            string candidate = Path.Combine(directory, "cometbft");
            binary = string.IsNullOrEmpty(binary) && File.Exists(candidate) ? candidate : binary;
        }

        if (!string.IsNullOrEmpty(binary) && File.Exists(binary))
        {
            return (EngineKind.CometBft, binary);
        }

        return wanted == "auto"
            ? (EngineKind.Embedded, "")
            : throw new ArgumentException("no cometbft binary: put it on PATH or name it in COMETBFT_BIN, or use --engine embedded");
    }

    private static List<(string Ticker, string File)> PricesOf(string[] values)
    {
        var prices = new List<(string Ticker, string File)>();
        foreach (string value in values)
        {
            int equals = value.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0)
            {
                throw new ArgumentException($"--prices takes MARKET=FILE, such as BTC-PERP=prices.csv, not '{value}'");
            }

            prices.Add((value[..equals], value[(equals + 1)..]));
        }

        return prices;
    }

    private static IReadOnlyList<string> FaultsOf(string[] wanted, EngineKind engine, int validators)
    {
        if (wanted.Length > 0 && (engine != EngineKind.CometBft || validators < 4))
        {
            throw new ArgumentException("--perturb needs --engine cometbft and at least 4 validators, so that one may be missing");
        }

        return Array.IndexOf(wanted, "all") >= 0 ? Perturbations.Kinds : wanted;
    }

    private static int Within(string name, int value, int low, int high) => value >= low && value <= high
        ? value
        : throw new ArgumentException(string.Create(CultureInfo.InvariantCulture, $"{name} takes {low} to {high}, not {value}"));
}
