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

/// <summary>The verb localnet, and the signer process that it starts for each validator.</summary>
internal static class Program
{
    private static int Main(string[] arguments) => Root().Parse(arguments).Invoke();

    private static RootCommand Root()
    {
        var engine = new Option<string>("--engine") { Description = "auto, embedded or cometbft", DefaultValueFactory = _ => "auto" };
        engine.AcceptOnlyFromAmong("auto", "embedded", "cometbft");
        var validators = new Option<int>("--validators") { Description = "1 to 16", DefaultValueFactory = _ => 4 };
        var blocks = new Option<long>("--blocks") { Description = "blocks to make; 0: until Ctrl-C", DefaultValueFactory = _ => 0 };
        var traders = new Option<int>("--traders") { Description = "trading agents", DefaultValueFactory = _ => 20 };
        var seed = new Option<int>("--seed") { Description = "seed of keys, agents and synthetic prices", DefaultValueFactory = _ => 1 };
        var prices = new Option<string[]>("--prices") { Description = "MARKET=FILE; several for several markets or venues", DefaultValueFactory = _ => [] };
        var speed = new Option<double>("--speed") { Description = "market seconds per wall second", DefaultValueFactory = _ => 1 };
        var from = new Option<DateTimeOffset?>("--from") { Description = "market time at which replays start (default: chosen, see localnet/README.md)" };
        var report = new Option<string>("--report") { Description = "file for the JSON report", DefaultValueFactory = _ => "" };
        var home = new Option<string>("--home") { Description = "directory of the run; its content is replaced", DefaultValueFactory = _ => ".localnet" };
        var port = new Option<int>("--port") { Description = "RPC port of validator 0; validator i: + 10 i", DefaultValueFactory = _ => 26657 };
        var require = new Option<bool>("--require-liquidations") { Description = "a run without a liquidation fails" };
        var root = new RootCommand("Four validators of the chain on this machine.")
        {
            engine, validators, blocks, traders, seed, prices, speed, from, report, home, port, require,
        };
        root.SetAction(async (parsed, cancel) =>
        {
            try
            {
                (EngineKind kind, string binary) = EngineOf(parsed.GetValue(engine)!);
                var options = new RunOptions
                {
                    Engine = kind,
                    CometBft = binary,
                    Validators = Within("--validators", parsed.GetValue(validators), 1, 16),
                    Blocks = parsed.GetValue(blocks),
                    Traders = Within("--traders", parsed.GetValue(traders), 0, 1_000),
                    Seed = parsed.GetValue(seed),
                    Prices = PricesOf(parsed.GetValue(prices)!),
                    Speed = parsed.GetValue(speed),
                    From = parsed.GetValue(from) is { } time ? (time - DateTimeOffset.UnixEpoch).Ticks * 100 : 0,
                    Report = parsed.GetValue(report)!,
                    Home = Path.GetFullPath(parsed.GetValue(home)!),
                    Port = parsed.GetValue(port),
                    RequireLiquidations = parsed.GetValue(require),
                };
                return await new LocalnetRun(options).RunAsync(cancel).ConfigureAwait(false);
            }
            catch (ArgumentException wrong)
            {
                await Console.Error.WriteLineAsync($"appchain: {wrong.Message}").ConfigureAwait(false);
                return 2;
            }
        });
        root.Add(Signer());
        return root;
    }

    private static Command Signer()
    {
        var home = new Option<string>("--home") { Required = true };
        var connect = new Option<string>("--connect") { Required = true };
        var untilEof = new Option<bool>("--until-eof");
        var command = new Command("signer", "Signs for one validator of the localnet with a software key.") { home, connect, untilEof };
        command.Hidden = true;
        command.SetAction(parsed =>
        {
            string directory = parsed.GetRequiredValue(home);
            using SoftwareKey key = SoftwareKey.Load(Path.Combine(directory, "config", "consensus.key"));
            string state = Path.Combine(directory, "data", "sign-state.json");
            using SignStateFile file = File.Exists(state) ? SignStateFile.Open(state) : SignStateFile.Create(state);
            using var stop = new CancellationTokenSource();
            using var terminate = System.Runtime.InteropServices.PosixSignalRegistration.Create(
                System.Runtime.InteropServices.PosixSignal.SIGTERM, signal => { signal.Cancel = true; stop.Cancel(); });
            if (parsed.GetValue(untilEof))
            {
                StandardInput.WhenEnded(stop.Cancel);
            }

            new RemoteSigner(
                parsed.GetRequiredValue(connect),
                new ConsensusSigner(NetworkFiles.ChainId, key, file),
                Console.Error.WriteLine).Run(stop.Token);
            return 0;
        });
        return command;
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

    private static int Within(string name, int value, int low, int high) => value >= low && value <= high
        ? value
        : throw new ArgumentException(string.Create(CultureInfo.InvariantCulture, $"{name} takes {low} to {high}, not {value}"));
}
