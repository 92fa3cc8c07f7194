using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using AppChain.Margin;
using AppChain.Node;

namespace AppChain.Localnet;

/// <summary>
/// The price files of a run and the market time it covers: the files given, and synthetic prices for every market that
/// has none.
/// </summary>
internal sealed class PriceFiles
{
    private const long Second = 1_000_000_000;
    private const long SyntheticStart = 1_760_000_000 * Second;

    private readonly RunOptions _options;
    private readonly List<PricePath> _paths = [];

    private PriceFiles(RunOptions options) => _options = options;

    /// <summary>The markets of the run: those of a new chain, and one for every other ticker that has a file.</summary>
    public List<MarketParameters> Markets { get; } = [.. GenesisFile.DefaultMarkets];

    /// <summary>What the applications read.</summary>
    public List<FeedFile> Files { get; } = [];

    /// <summary>One line for each market that was made up, or whose prices are.</summary>
    public List<string> Notes { get; } = [];

    /// <summary>Market time (ns) at which the replay starts.</summary>
    public long Start { get; private set; }

    /// <summary>Market time (ns) of the last row that all files given have; 0 when none is given.</summary>
    public long End { get; private set; }

    /// <summary>Reads the files, and writes synthetic ones into the directory of the run.</summary>
    /// <exception cref="FeedException">A file has no layout that the feed knows.</exception>
    /// <exception cref="GenesisException">A ticker is none.</exception>
    /// <exception cref="InvalidOperationException">The files do not overlap.</exception>
    public static PriceFiles Prepare(RunOptions options)
    {
        var files = new PriceFiles(options);
        files.ReadGiven();
        files.Start = options.From != 0 ? options.From : files._paths.Count == 0 ? SyntheticStart : files.Choose();
        files.WriteSynthetic();
        return files;
    }

    private void ReadGiven()
    {
        foreach ((string ticker, string file) in _options.Prices)
        {
            string full = Path.GetFullPath(file);
            IReadOnlyList<PricePath> paths = PricePath.Read(full);
            if (Markets.TrueForAll(market => market.Ticker != ticker))
            {
                Markets.Add(GenesisFile.MarketFor(Markets[^1].MarketId + 1, ticker, paths[0].Point(0).Price));
                Notes.Add($"{ticker}: a market of its own, because it has prices");
            }

            _paths.AddRange(paths);
            Files.Add(new FeedFile(ticker, full, ""));
        }

        if (_paths.Count > 0)
        {
            End = _paths.Min(path => path.End);
            if (_paths.Max(path => path.Start) >= End)
            {
                throw new InvalidOperationException("--prices: there is no time at which all of the files have prices");
            }
        }
    }

    private void WriteSynthetic()
    {
        foreach (MarketParameters market in Markets)
        {
            if (Files.Any(feed => feed.Ticker == market.Ticker))
            {
                continue;
            }

            string file = Path.Combine(_options.Home, $"synthetic-{market.Ticker}.csv");
            double wanted = _options.UntilEnd && End > 0
                ? (double)(End - Start) / Second
                : _options.Blocks == 0 ? 86_400 : ((_options.Blocks * 1.2) + 30) * _options.Speed * 0.35;
            SyntheticPrices.Write(
                file, market.MarketId == 1 ? 60_000 : 3_000, Start, (int)Math.Clamp(wanted, 600, 1_000_000),
                unchecked((_options.Seed * 31) + (int)market.MarketId));
            Files.Add(new FeedFile(market.Ticker, file, ""));
            Notes.Add($"{market.Ticker}: synthetic prices (seed {_options.Seed})");
        }
    }

    // The latest first row of the files; for a run of some blocks, the window that holds the largest fall of the first
    // file.
    private long Choose()
    {
        long first = _paths.Max(path => path.Start);
        if (_options.Blocks == 0)
        {
            return first;
        }

        long window = (long)(_options.Blocks * 0.3 * _options.Speed * Second);
        long bottom = BottomOfLargestFall(_paths[0], first, window);
        return Math.Clamp(bottom - (window * 7 / 10), first, Math.Max(first, End - window));
    }

    private long BottomOfLargestFall(PricePath path, long first, long window)
    {
        double worst = 0;
        long bottom = first;
        int high = 0;
        for (int i = 0; i < path.Count; i++)
        {
            (long time, double price) = path.Point(i);
            while (path.Point(high).Time < time - (window / 2))
            {
                high++;
            }

            for (int j = high; j < i; j += Math.Max(1, (i - high) / 16))
            {
                double fall = (path.Point(j).Price - price) / path.Point(j).Price;
                if (fall > worst && time >= first && time <= End)
                {
                    worst = fall;
                    bottom = time;
                }
            }
        }

        return bottom;
    }
}
