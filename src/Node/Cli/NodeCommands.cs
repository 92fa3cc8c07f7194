using System;
using System.Collections.Generic;
using System.CommandLine;
using System.IO;
using System.Threading;
using AppChain.Abci;
using AppChain.Hsm;

namespace AppChain.Node;

/// <summary>The verbs of a validator: init and start.</summary>
internal static class NodeCommands
{
    private const string ConfigFile = "config/appchain.conf";

    /// <summary>The commands.</summary>
    public static IEnumerable<Command> Create()
    {
        yield return Init();
        yield return Start();
    }

    /// <summary>The configuration file of a home directory.</summary>
    public static string ConfigPath(string home) => Path.Combine(home, ConfigFile);

    private static Option<DirectoryInfo> Home() => new("--home")
    {
        Description = "home directory of the node",
        Required = true,
    };

    private static Command Init()
    {
        Option<DirectoryInfo> home = Home();
        var command = new Command(
            "init", "Creates the home directory of a node with a documented configuration file.") { home };
        command.SetAction(parsed =>
        {
            string file = ConfigPath(parsed.GetRequiredValue(home).FullName);
            if (File.Exists(file))
            {
                Console.Error.WriteLine($"{file} exists already; edit it, or choose another --home");
                return 2;
            }

            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.WriteAllText(file, new NodeConfig().Write());
            Console.WriteLine($"wrote {file}; next: ./appchain start --home {parsed.GetRequiredValue(home)}");
            return 0;
        });
        return command;
    }

    private static Command Start()
    {
        Option<DirectoryInfo> home = Home();
        var untilEof = new Option<bool>("--until-eof") { Description = "stop when standard input ends", Hidden = true };
        var level = new Option<string?>("--log-level") { Description = "error, info or debug; goes before log.level" };
        level.AcceptOnlyFromAmong([.. NodeLog.Levels]);
        var command = new Command(
            "start", "Runs the application until it is stopped; start the consensus engine beside it.")
        {
            home, level, untilEof,
        };
        command.SetAction(parsed =>
        {
            try
            {
                LogLevel? wanted =
                    parsed.GetValue(level) is string word ? (LogLevel)NodeLog.Levels.IndexOf(word) : null;
                return Run(parsed.GetRequiredValue(home).FullName, wanted, parsed.GetValue(untilEof));
            }
            catch (Exception problem) when (problem is ConfigException or StorageException or FeedException
                or IOException or FormatException or GenesisException or DllNotFoundException)
            {
                Console.Error.WriteLine($"appchain: {problem.Message}");
                return 1;
            }
        });
        return command;
    }

    private static int Run(string home, LogLevel? level, bool untilEof)
    {
        NodeConfig config = NodeConfig.Read(ConfigPath(home));
        NativeLibraries.RequireAll();
        var log = new NodeLog(level ?? config.LogLevel, Console.Error.WriteLine);
        long epoch = config.FeedEpoch == 0 ? WireTime.Now : config.FeedEpoch;
        PriceFeed? feed = FeedOf(config, epoch);
        using var stop = new ManualResetEventSlim();
        int exitCode = 0;
        using var store = new ChainStore(Path.Combine(home, config.DataDirectory));
        using var application = new Application(
            store, feed, config.CheckEveryRow, log, () => ChainTime(config, epoch), SnapshotsOf(home, config, log),
            config.KeepBlocks);
        using StreamWriter? calls = CallsOf(config, home);
        using IDisposable server = Serve(
            Recorded(application, calls),
            config,
            fatal =>
            {
                // A broken belief: nothing was committed, and the engine has been told. Stop with an exit code of our
                // own.
                log.Error($"appchain: stopped at height {application.Height}: {fatal}");
                exitCode = 3;
                stop.Set();
            },
            log.Error,
            out string address);
        using var interrupt = System.Runtime.InteropServices.PosixSignalRegistration.Create(
            System.Runtime.InteropServices.PosixSignal.SIGTERM, signal => { signal.Cancel = true; stop.Set(); });
        Console.CancelKeyPress += (_, pressed) =>
        {
            pressed.Cancel = true;
            stop.Set();
        };
        if (untilEof)
        {
            StandardInput.WhenEnded(stop.Set);
        }

        Console.Error.WriteLine($"serving ABCI on {address}, height {application.Height}");
        stop.Wait();
        return exitCode;
    }

    private static IDisposable Serve(
        IAbciApplication application, NodeConfig config, Action<Exception> onFatal, Action<string> log,
        out string address)
    {
        if (config.AbciGrpc)
        {
            address = config.AbciAddress;
            return new GrpcAbciServer(application, config.AbciAddress, onFatal);
        }

        var server = new AbciServer(application, config.AbciAddress, onFatal, log);
        address = server.Address;
        return server;
    }

    private static StreamWriter? CallsOf(NodeConfig config, string home)
    {
        if (config.AbciCalls.Length == 0)
        {
            return null;
        }

        // Each line is one write to the file, so that a killed process leaves what it had noted.
        var calls = new StreamWriter(Path.Combine(home, config.AbciCalls), append: true) { AutoFlush = true };
        calls.WriteLine(new AbciCall(CallKind.Start, 0));
        return calls;
    }

    private static IAbciApplication Recorded(IAbciApplication application, StreamWriter? calls) =>
        calls is null ? application : new CallRecorder(application, call => calls.WriteLine(call));

    private static SnapshotStore SnapshotsOf(string home, NodeConfig config, NodeLog log) =>
        new(Path.Combine(home, "snapshots"), config.SnapshotInterval, config.SnapshotKeep, log);

    private static PriceFeed? FeedOf(NodeConfig config, long epoch)
    {
        if (config.FeedFiles.Count == 0)
        {
            return null;
        }

        var paths = new List<(string Ticker, PricePath Path)>();
        long latestStart = 0;
        foreach (FeedFile file in config.FeedFiles)
        {
            foreach (PricePath path in PricePath.Read(file.File, file.Symbol.Length == 0 ? null : file.Symbol))
            {
                paths.Add((file.Ticker, path));
                latestStart = Math.Max(latestStart, path.Start);
            }
        }

        long start = config.FeedStart == 0 ? latestStart : config.FeedStart;
        var feed = new PriceFeed();
        foreach ((string ticker, PricePath path) in paths)
        {
            feed.Add(ticker, PriceFeed.Replay(
                path, start, epoch, config.FeedSpeed, config.FeedChainStart > 0, () => WireTime.Now));
        }

        return feed;
    }

    // A report must not claim to be younger than the block that will carry it: clocks and calls take some milliseconds.
    private static long ChainTime(NodeConfig config, long epoch)
    {
        const long margin = 20_000_000;
        long wall = WireTime.Now - margin;
        return config.FeedChainStart == 0
            ? wall
            : config.FeedChainStart + (long)(Math.Max(0, wall - epoch) * config.FeedSpeed);
    }
}
