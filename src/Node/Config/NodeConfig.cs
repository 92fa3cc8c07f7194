using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using AppChain.Abci;

namespace AppChain.Node;

/// <summary>
/// The configuration file cannot be used: the message names the file, the line and what to write instead.
/// </summary>
public sealed class ConfigException(string message) : Exception(message);

/// <summary>One price file that the feed replays.</summary>
/// <param name="Ticker">Market it prices.</param>
/// <param name="File">CSV file.</param>
/// <param name="Symbol">Rows of this symbol only; empty for all.</param>
public sealed record FeedFile(string Ticker, string File, string Symbol);

/// <summary>
/// Configuration of a node, parsed once and immutable (docs/configuration.md). The format is lines of
/// <c>section.key = value</c>; '#' begins a comment; an unknown key or a bad value is an error that names its line.
/// </summary>
public sealed record NodeConfig
{
    /// <summary>Fewest blocks that an engine may be asked to keep.</summary>
    public const long KeepBlocksMin = 1_000;

    /// <summary>Where the consensus engine reaches the application.</summary>
    public string AbciAddress { get; init; } = "tcp://127.0.0.1:26658";

    /// <summary>Over gRPC instead of the socket protocol.</summary>
    public bool AbciGrpc { get; init; }

    /// <summary>
    /// File to which the engine's calls are appended, relative to the home directory; empty for none.
    /// </summary>
    public string AbciCalls { get; init; } = "";

    /// <summary>Directory of the database.</summary>
    public string DataDirectory { get; init; } = "data";

    /// <summary>Blocks between snapshots; 0: none.</summary>
    public long SnapshotInterval { get; init; } = 1_000;

    /// <summary>Snapshots kept.</summary>
    public int SnapshotKeep { get; init; } = 2;

    /// <summary>Blocks that the consensus engine is asked to keep; 0: all.</summary>
    public long KeepBlocks { get; init; }

    /// <summary>Visit every row after every block to prove the running sums.</summary>
    public bool CheckEveryRow { get; init; }

    /// <summary>How much is said on standard error.</summary>
    public LogLevel LogLevel { get; init; } = LogLevel.Info;

    /// <summary>Files to replay; none: this node reports no prices.</summary>
    public IReadOnlyList<FeedFile> FeedFiles { get; init; } = [];

    /// <summary>Market seconds per wall second of the replay.</summary>
    public double FeedSpeed { get; init; } = 1;

    /// <summary>Market time (ns since 1970) at which the replay starts; 0: the latest first row of the files.</summary>
    public long FeedStart { get; init; }

    /// <summary>Wall time (ns since 1970) at which the replay starts; 0: when the node starts.</summary>
    public long FeedEpoch { get; init; }

    /// <summary>
    /// Chain time (ns since 1970) at the epoch, when the chain's clock runs at the speed of the replay as on the
    /// embedded engine; 0: the chain's clock is the wall clock.
    /// </summary>
    public long FeedChainStart { get; init; }

    /// <summary>Every key with its meaning, in the order in which a new file lists them.</summary>
    public static IReadOnlyList<(string Key, string Meaning)> Keys { get; } =
    [
        ("abci.address", "where the consensus engine reaches the application: tcp://host:port or unix:///path"),
        ("abci.transport", "socket, or grpc (docs/operating/grpc.md): the word of abci in CometBFT's config.toml"),
        ("abci.calls", "file to which the engine's calls are appended for a check of their order; empty: none"),
        ("storage.directory", "directory of the database, relative to the home directory"),
        ("snapshots.interval", "blocks between snapshots, which new nodes start from; 0: none"),
        ("snapshots.keep", "newest snapshots that are kept, 1 to 100"),
        ("pruning.keep_blocks", "blocks that the consensus engine is asked to keep, at least 1,000; 0: all"),
        ("checks.every_row", "true: visit every row after every block (I1, I2, I3, I5 in full); false: running "
            + "sums only"),
        ("log.level", "error: only the start and what ends the node or a connection; info: also a line per block; "
            + "debug: also votes and refused transactions"),
        ("feed.file", "price file as TICKER,FILE or TICKER,FILE,SYMBOL; may be given several times, several per "
            + "market"),
        ("feed.speed", "market seconds per wall second"),
        ("feed.start", "market time at which the replay starts, ns since 1970; 0: the latest first row"),
        ("feed.epoch", "wall time at which the replay starts, ns since 1970; 0: when the node starts"),
        ("feed.chain_start", "chain time at feed.epoch, ns since 1970, when the chain's clock runs at feed.speed; 0: "
            + "it is the wall clock"),
    ];

    /// <summary>Reads a file.</summary>
    /// <exception cref="ConfigException">Names file, line and problem.</exception>
    public static NodeConfig Read(string file)
    {
        if (!File.Exists(file))
        {
            throw new ConfigException(
                $"{file} does not exist; create a home directory with: ./appchain init --home DIR");
        }

        return Parse(File.ReadAllLines(file), file);
    }

    /// <summary>Parses the lines of a file.</summary>
    /// <exception cref="ConfigException">Names file, line and problem.</exception>
    public static NodeConfig Parse(IReadOnlyList<string> lines, string file)
    {
        var config = new NodeConfig();
        var files = new List<FeedFile>();
        var seen = new HashSet<string>();
        for (int i = 0; i < lines.Count; i++)
        {
            string line = WithoutComment(lines[i]).Trim();
            if (line.Length == 0)
            {
                continue;
            }

            string place = string.Create(CultureInfo.InvariantCulture, $"{file}:{i + 1}");
            int equals = line.IndexOf('=', StringComparison.Ordinal);
            if (equals < 0)
            {
                throw new ConfigException($"{place}: expected 'key = value'");
            }

            string key = line[..equals].Trim();
            string value = line[(equals + 1)..].Trim();
            if (!seen.Add(key) && key != "feed.file")
            {
                throw new ConfigException($"{place}: '{key}' is there twice");
            }

            config = key switch
            {
                "abci.address" => config with { AbciAddress = Address(value, place) },
                "abci.transport" => config with { AbciGrpc = Transport(value, place) },
                "abci.calls" => config with { AbciCalls = value },
                "storage.directory" => config with { DataDirectory = NotEmpty(value, key, place) },
                "snapshots.interval" => config with { SnapshotInterval = Whole(value, key, 0, long.MaxValue, place) },
                "snapshots.keep" => config with { SnapshotKeep = (int)Whole(value, key, 1, 100, place) },
                "pruning.keep_blocks" => config with { KeepBlocks = BlocksKept(value, key, place) },
                "checks.every_row" => config with { CheckEveryRow = Bool(value, key, place) },
                "log.level" => config with { LogLevel = Level(value, place) },
                "feed.file" => Added(config, files, value, place),
                "feed.speed" => config with { FeedSpeed = Speed(value, place) },
                "feed.start" => config with { FeedStart = Time(value, key, place) },
                "feed.epoch" => config with { FeedEpoch = Time(value, key, place) },
                "feed.chain_start" => config with { FeedChainStart = Time(value, key, place) },
                _ => throw new ConfigException($"{place}: unknown key '{key}'; did you mean '{Nearest(key)}'?"),
            };
        }

        return config with { FeedFiles = files };
    }

    /// <summary>The text of a file with these settings and the meaning of each key.</summary>
    public string Write()
    {
        var text = new System.Text.StringBuilder(
            "# Configuration of an AppChain node. Every key is explained in docs/configuration.md.\n");
        foreach ((string key, string meaning) in Keys)
        {
            text.Append("\n# ").Append(meaning).Append('\n');
            switch (key)
            {
                case "feed.file":
                    foreach (FeedFile file in FeedFiles)
                    {
                        string symbol = file.Symbol.Length == 0 ? "" : "," + file.Symbol;
                        text.Append(CultureInfo.InvariantCulture, $"feed.file = {file.Ticker},{file.File}{symbol}\n");
                    }

                    if (FeedFiles.Count == 0)
                    {
                        text.Append("# feed.file = BTC-PERP,prices.csv\n");
                    }

                    break;
                default:
                    text.Append(CultureInfo.InvariantCulture, $"{key} = {ValueOf(key)}\n");
                    break;
            }
        }

        return text.ToString();
    }

    private string ValueOf(string key) => key switch
    {
        "abci.address" => AbciAddress,
        "abci.transport" => AbciGrpc ? "grpc" : "socket",
        "abci.calls" => AbciCalls,
        "storage.directory" => DataDirectory,
        "snapshots.interval" => SnapshotInterval.ToString(CultureInfo.InvariantCulture),
        "snapshots.keep" => SnapshotKeep.ToString(CultureInfo.InvariantCulture),
        "pruning.keep_blocks" => KeepBlocks.ToString(CultureInfo.InvariantCulture),
        "checks.every_row" => CheckEveryRow ? "true" : "false",
        "log.level" => NodeLog.Levels[(int)LogLevel],
        "feed.speed" => FeedSpeed.ToString(CultureInfo.InvariantCulture),
        "feed.start" => FeedStart.ToString(CultureInfo.InvariantCulture),
        "feed.epoch" => FeedEpoch.ToString(CultureInfo.InvariantCulture),
        _ => FeedChainStart.ToString(CultureInfo.InvariantCulture),
    };

    private static NodeConfig Added(NodeConfig config, List<FeedFile> files, string value, string place)
    {
        string[] parts = value.Split(',');
        if (parts.Length is < 2 or > 3)
        {
            throw new ConfigException($"{place}: feed.file takes TICKER,FILE or TICKER,FILE,SYMBOL, not '{value}'");
        }

        files.Add(new FeedFile(parts[0].Trim(), parts[1].Trim(), parts.Length == 3 ? parts[2].Trim() : ""));
        return config;
    }

    // A path may hold a '#': a comment begins the line or follows a blank.
    private static string WithoutComment(string line)
    {
        for (int i = 0; i < line.Length; i++)
        {
            if (line[i] == '#' && (i == 0 || char.IsWhiteSpace(line[i - 1])))
            {
                return line[..i];
            }
        }

        return line;
    }

    private static string Address(string value, string place)
    {
        try
        {
            bool hasScheme = value.StartsWith("tcp://", StringComparison.Ordinal)
                || value.StartsWith("unix://", StringComparison.Ordinal);
            SocketEndpoint.Parse(hasScheme ? value : "");
            return value;
        }
        catch (FormatException)
        {
            throw new ConfigException($"{place}: abci.address takes tcp://host:port or unix:///path, not '{value}'");
        }
    }

    private static bool Transport(string value, string place) => value switch
    {
        "socket" => false,
        "grpc" => true,
        _ => throw new ConfigException($"{place}: abci.transport takes socket or grpc, not '{value}'"),
    };

    private static string NotEmpty(string value, string key, string place) =>
        value.Length > 0 ? value : throw new ConfigException($"{place}: {key} must not be empty");

    private static bool Bool(string value, string key, string place) => value switch
    {
        "true" => true,
        "false" => false,
        _ => throw new ConfigException($"{place}: {key} takes true or false, not '{value}'"),
    };

    private static long BlocksKept(string value, string key, string place) =>
        Whole(value, key, 0, long.MaxValue, place) is var blocks && (blocks == 0 || blocks >= KeepBlocksMin)
            ? blocks
            : throw new ConfigException($"{place}: {key} takes 0 or a number from {KeepBlocksMin}, not '{value}'");

    private static long Whole(string value, string key, long min, long max, string place) =>
        long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out long number) && number >= min
        && number <= max
            ? number
            : throw new ConfigException(max == long.MaxValue
                ? $"{place}: {key} takes a whole number from {min}, not '{value}'"
                : $"{place}: {key} takes a whole number from {min} to {max}, not '{value}'");

    private static LogLevel Level(string value, string place)
    {
        int index = NodeLog.Levels.IndexOf(value);
        return index >= 0
            ? (LogLevel)index
            : throw new ConfigException($"{place}: log.level takes {string.Join(", ", NodeLog.Levels)}, not '{value}'");
    }

    private static double Speed(string value, string place) =>
        double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out double speed)
        && speed is > 0 and <= 1_000_000
            ? speed
            : throw new ConfigException(
                $"{place}: feed.speed takes a number above 0 and up to 1,000,000, not '{value}'");

    private static long Time(string value, string key, string place) =>
        long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out long time)
            ? time
            : throw new ConfigException($"{place}: {key} takes nanoseconds since 1970, not '{value}'");

    private static string Nearest(string key) => NearestWord.Of(key, Keys.Select(static known => known.Key));
}
