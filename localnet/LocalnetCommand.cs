using System;
using System.Collections.Generic;
using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.IO;
using System.Net;
using AppChain.Abci;
using AppChain.Hsm;
using AppChain.Node;

namespace AppChain.Localnet;

/// <summary>The flags of the verb localnet, and what they ask for.</summary>
internal sealed class LocalnetCommand : Command
{
    private readonly Option<string> _engine =
        OneOf("--engine", "auto, embedded or cometbft", "auto", "embedded", "cometbft");
    private readonly Option<int> _validators = Named("--validators", "1 to 16", 4);
    private readonly Option<long> _blocks = Named("--blocks", "blocks to make; 0: until Ctrl-C", 0L);
    private readonly Option<bool> _untilEnd =
        Named("--until-end", "run until the price files end, from their start", false);
    private readonly Option<int> _traders = Named("--traders", "trading agents", 20);
    private readonly Option<int> _seed = Named("--seed", "seed of keys, agents, faults and synthetic prices", 1);
    private readonly Option<string[]> _prices = Named(
        "--prices", "MARKET=FILE; several for several markets or venues", Array.Empty<string>());
    private readonly Option<double> _speed = Named("--speed", "market seconds per wall second", 1.0);
    private readonly Option<int> _pause = Named("--pause", "milliseconds between a block and the next; 0: none", 200);
    private readonly Option<DateTimeOffset?> _from = Named<DateTimeOffset?>(
        "--from", "market time at which replays start (default: chosen, see localnet/README.md)", null);
    private readonly Option<string> _report = Named("--report", "file for the JSON report", "");
    private readonly Option<string> _home =
        Named("--home", "directory of the run; its content is replaced", ".localnet");
    private readonly Option<int> _port = Named("--port", "RPC port of validator 0; validator i: + 10 i", 26657);
    private readonly Option<bool> _require =
        Named("--require-liquidations", "a run without a liquidation fails", false);
    private readonly Option<string> _hsm = OneOf(
        "--hsm", "softhsm: consensus keys in SoftHSM devices; none: in files", "none", "softhsm");
    private readonly Option<int> _signers =
        Named("--signers", "signers of each validator: 1, or 3 with a quorum of two", 1);
    private readonly Option<long> _join = Named(
        "--join", "CometBFT: one more node joins by state sync at this height; 0: none", 0L);
    private readonly Option<long> _interval = Named(
        "--snapshot-interval", "blocks between snapshots of each validator; 0: none", 1_000L);
    private readonly Option<string[]> _perturb = Named(
        "--perturb",
        $"faults under load: all, or several of {string.Join(", ", Perturbations.Kinds)}; the run ends after the last",
        Array.Empty<string>());
    private readonly Option<int> _crashes = Named(
        "--crashes", "kill processes at so many random moments; the run ends after the last", 0);
    private readonly Option<bool> _plain = Named("--plain", "lines instead of the live view", false);

    /// <summary>The verb with its flags.</summary>
    public LocalnetCommand()
        : base("localnet", "Four validators of the chain on this machine.")
    {
        _signers.AcceptOnlyFromAmong("1", "3");
        _perturb.AcceptOnlyFromAmong(["all", .. Perturbations.Kinds]);
        _perturb.AllowMultipleArgumentsPerToken = true;
        foreach (Option option in new Option[]
        {
            _engine, _validators, _blocks, _untilEnd, _traders, _seed, _prices, _speed, _pause, _from, _report, _home,
            _port, _require, _hsm, _signers, _perturb, _crashes, _plain, _join, _interval,
        })
        {
            Options.Add(option);
        }
    }

    /// <summary>What a command line asks for.</summary>
    /// <exception cref="ArgumentException">It cannot be done; the message says what to give instead.</exception>
    public RunOptions OptionsOf(ParseResult parsed)
    {
        (EngineKind kind, string binary) = EngineOf(parsed.GetValue(_engine)!);
        var options = new RunOptions
        {
            Engine = kind,
            CometBft = binary,
            Validators = Within("--validators", parsed.GetValue(_validators), 1, 16),
            Blocks = parsed.GetValue(_blocks),
            UntilEnd = parsed.GetValue(_untilEnd),
            Pause = Within("--pause", parsed.GetValue(_pause), 0, 10_000),
            Hsm = parsed.GetValue(_hsm) == "softhsm",
            Signers = parsed.GetValue(_signers),
            Plain = parsed.GetValue(_plain),
            Perturbations = FaultsOf(parsed.GetValue(_perturb)!, kind, parsed.GetValue(_validators)),
            Crashes = Within("--crashes", parsed.GetValue(_crashes), 0, 1_000_000),
            Traders = Within("--traders", parsed.GetValue(_traders), 0, 1_000),
            Seed = parsed.GetValue(_seed),
            Prices = PricesOf(parsed.GetValue(_prices)!),
            Speed = parsed.GetValue(_speed),
            From = parsed.GetValue(_from) is { } time ? WireTime.ToNanoseconds(time) : 0,
            Report = parsed.GetValue(_report)!,
            Home = Path.GetFullPath(parsed.GetValue(_home)!),
            Port = parsed.GetValue(_port),
            Join = parsed.GetValue(_join),
            SnapshotInterval = Math.Max(0, parsed.GetValue(_interval)),
            RequireLiquidations = parsed.GetValue(_require),
        };
        if (options.Join > 0 && (kind == EngineKind.Embedded || options.SnapshotInterval == 0))
        {
            throw new ArgumentException("--join needs --engine cometbft and a --snapshot-interval above 0");
        }

        if (options.HasFaults && options.Signers != 1)
        {
            throw new ArgumentException("--perturb and --crashes take validators with one signer each");
        }

        Check(options);
        return options;
    }

    // What would otherwise be noticed when the network stands, or when the run is over.
    private static void Check(RunOptions options)
    {
        int used = options.Ports.Last(options.Validators) - options.Port;
        Within("--port", options.Port, 1, IPEndPoint.MaxPort - used);
        if (options.Speed is not (> 0 and <= 1_000_000))
        {
            throw new ArgumentException(string.Create(
                CultureInfo.InvariantCulture,
                $"--speed takes a number above 0 and up to 1,000,000, not {options.Speed}"));
        }

        if (options.UntilEnd && options.Prices.Count == 0)
        {
            throw new ArgumentException("--until-end needs --prices: synthetic prices have no end");
        }

        if (options.Report.Length > 0 && !Directory.Exists(Path.GetDirectoryName(Path.GetFullPath(options.Report))))
        {
            throw new ArgumentException($"--report {options.Report}: its folder does not exist; create it");
        }
    }

    private static Option<T> Named<T>(string name, string description, T otherwise) =>
        new(name) { Description = description, DefaultValueFactory = _ => otherwise };

    // The first value is the default.
    private static Option<string> OneOf(string name, string description, params string[] values)
    {
        Option<string> option = Named(name, description, values[0]);
        option.AcceptOnlyFromAmong(values);
        return option;
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
            : throw new ArgumentException(
                "no cometbft binary: put it on PATH or name it in COMETBFT_BIN, or use --engine embedded");
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
        if (wanted.Length > 0 && validators < 4)
        {
            throw new ArgumentException("--perturb needs at least 4 validators, so that one may be missing");
        }

        string[] possible = engine == EngineKind.CometBft ? Perturbations.Kinds : Perturbations.EmbeddedKinds;
        string[] kinds = Array.IndexOf(wanted, "all") >= 0 ? possible : wanted;
        return Array.TrueForAll(kinds, kind => Array.IndexOf(possible, kind) >= 0)
            ? kinds
            : throw new ArgumentException($"--perturb takes only {string.Join(", ", possible)} with --engine embedded");
    }

    private static int Within(string name, int value, int low, int high) => value >= low && value <= high
        ? value
        : throw new ArgumentException(
            string.Create(CultureInfo.InvariantCulture, $"{name} takes {low} to {high}, not {value}"));
}
