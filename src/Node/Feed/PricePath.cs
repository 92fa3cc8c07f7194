using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.IO.Compression;

namespace AppChain.Node;

/// <summary>A price file cannot be used: the message names the file, the line and what is expected.</summary>
public sealed class FeedException(string message) : Exception(message);

/// <summary>
/// The price of one venue over time, from a CSV file (plain or .gz) in one of the layouts of public market data:
/// bars (<c>open_time_ms,open,high,low,close…</c>, also with <c>venue</c> and <c>symbol</c> before them, or as quotes
/// with <c>bid_open…ask_close</c>) and ticks (<c>time_us,trade_id,side,price,amount</c>). A bar is walked open, low,
/// high, close when it closes higher, otherwise open, high, low, close, at quarters of its length; between points the
/// price moves in a straight line, so that a bar of five minutes is a path and not a silence. A tick stands until the
/// next one, and so does the last price before a hole in the bars: it ages, nothing is invented.
/// </summary>
public sealed class PricePath
{
    private readonly List<long> _times = [];
    private readonly List<double> _prices = [];
    private readonly long _barLength;

    private PricePath(string name, long barLength)
    {
        Name = name;
        _barLength = barLength;
    }

    /// <summary>Name of the venue, or of the file.</summary>
    public string Name { get; }

    /// <summary>Time of the first price, ns since 1970.</summary>
    public long Start => _times[0];

    /// <summary>Time of the last price, ns since 1970.</summary>
    public long End => _times[^1];

    /// <summary>Points of the path.</summary>
    public int Count => _times.Count;

    /// <summary>Time and price (USD) of a point.</summary>
    public (long Time, double Price) Point(int index) => (_times[index], _prices[index]);

    /// <summary>
    /// The price at a market time and the time it was made; false before the first and long after the last.
    /// </summary>
    public bool TryPrice(long time, out double price, out long madeAt)
    {
        price = 0;
        madeAt = 0;
        int index = _times.BinarySearch(time);
        index = index < 0 ? ~index - 1 : index;
        if (index < 0)
        {
            return false;
        }

        price = _prices[index];
        madeAt = _times[index];
        if (index + 1 < _times.Count && _times[index + 1] - _times[index] <= _barLength)
        {
            double share = (double)(time - _times[index]) / (_times[index + 1] - _times[index]);
            price += (_prices[index + 1] - _prices[index]) * share;
            madeAt = time;
        }

        return true;
    }

    /// <summary>Reads the paths of a file, one per venue; rows of other symbols are left out.</summary>
    /// <exception cref="FeedException">The file is missing or has an unknown layout or a bad row.</exception>
    public static IReadOnlyList<PricePath> Read(string file, string? symbol = null)
    {
        if (!File.Exists(file))
        {
            throw new FeedException($"price file {file} does not exist");
        }

        try
        {
            return ReadRows(file, symbol);
        }
        catch (InvalidDataException broken)
        {
            throw new FeedException($"price file {file} is not a sound gzip file: {broken.Message}");
        }
    }

    private static PricePath[] ReadRows(string file, string? symbol)
    {
        using Stream raw = File.OpenRead(file);
        using Stream plain =
            file.EndsWith(".gz", StringComparison.Ordinal) ? new GZipStream(raw, CompressionMode.Decompress) : raw;
        using var reader = new StreamReader(plain);
        string[] header = (reader.ReadLine() ?? "").Split(',');
        var columns = new Columns(file, header);
        var paths = new SortedDictionary<string, PricePath>(StringComparer.Ordinal);
        var bars = new SortedDictionary<string, List<Bar>>(StringComparer.Ordinal);
        string? only = symbol;
        int line = 1;
        while (reader.ReadLine() is { } text)
        {
            line++;
            if (text.Length == 0)
            {
                continue;
            }

            string[] cells = text.Split(',');
            if (columns.Symbol >= 0)
            {
                string here = columns.Text(cells, columns.Symbol, line);
                if (symbol is not null && here != symbol)
                {
                    continue;
                }

                only ??= here;
                if (here != only)
                {
                    throw new FeedException(
                        $"price file {file} holds several symbols ({only}, {here}); name one as TICKER,FILE,SYMBOL");
                }
            }

            string venue = columns.Venue >= 0 ? columns.Text(cells, columns.Venue, line) : Path.GetFileName(file);
            if (columns.IsTicks)
            {
                if (!paths.TryGetValue(venue, out PricePath? path))
                {
                    paths[venue] = path = new PricePath(venue, barLength: 0);
                }

                path.Add(columns.Nanoseconds(cells, line), columns.Number(cells, columns.Close, line));
            }
            else
            {
                if (!bars.TryGetValue(venue, out List<Bar>? list))
                {
                    bars[venue] = list = [];
                }

                list.Add(columns.BarOf(cells, line));
            }
        }

        foreach (KeyValuePair<string, List<Bar>> venue in bars)
        {
            paths[venue.Key] = Walk(venue.Key, venue.Value);
        }

        if (paths.Count == 0)
        {
            throw new FeedException($"price file {file} has no rows{(symbol is null ? "" : " of " + symbol)}");
        }

        return [.. paths.Values];
    }

    private static PricePath Walk(string name, List<Bar> bars)
    {
        bars.Sort(static (left, right) => left.Time.CompareTo(right.Time));
        long length = 60_000_000_000;
        for (int i = 1; i < bars.Count; i++)
        {
            length = i == 1 ? bars[i].Time - bars[0].Time : Math.Min(length, bars[i].Time - bars[i - 1].Time);
        }

        var path = new PricePath(name, length);
        foreach (Bar bar in bars)
        {
            bool rises = bar.Close >= bar.Open;
            path.Add(bar.Time, bar.Open);
            path.Add(bar.Time + (length / 4), rises ? bar.Low : bar.High);
            path.Add(bar.Time + (length / 2), rises ? bar.High : bar.Low);
            path.Add(bar.Time + (length / 4 * 3), bar.Close);
        }

        return path;
    }

    private void Add(long time, double price)
    {
        if (_times.Count > 0 && time <= _times[^1])
        {
            // Several trades of one instant: the last one stands.
            _prices[^1] = price;
            return;
        }

        _times.Add(time);
        _prices.Add(price);
    }

    private readonly record struct Bar(long Time, double Open, double High, double Low, double Close);

    // Where the columns of a layout are.
    private sealed class Columns
    {
        private readonly string _file;
        private readonly bool _isQuotes;
        private readonly int _open, _high, _low, _askOpen, _askHigh, _askLow, _askClose;

        public Columns(string file, string[] header)
        {
            _file = file;
            int At(string name) => Array.IndexOf(header, name);
            Venue = At("venue");
            Symbol = At("symbol");
            IsTicks = At("time_us") >= 0;
            _isQuotes = At("bid_open") >= 0;
            Time = IsTicks ? At("time_us") : At("open_time_ms");
            Close = IsTicks ? At("price") : _isQuotes ? At("bid_close") : At("close");
            _open = At(_isQuotes ? "bid_open" : "open");
            _high = At(_isQuotes ? "bid_high" : "high");
            _low = At(_isQuotes ? "bid_low" : "low");
            _askOpen = At("ask_open");
            _askHigh = At("ask_high");
            _askLow = At("ask_low");
            _askClose = At("ask_close");
            if (Time < 0 || Close < 0 || (!IsTicks && (_open < 0 || _high < 0 || _low < 0)))
            {
                throw new FeedException(
                    $"price file {file}: the first line must name the columns of bars "
                    + "(open_time_ms,open,high,low,close) or of ticks (time_us,…,price,…)");
            }
        }

        public int Venue { get; }

        public int Symbol { get; }

        public int Time { get; }

        public int Close { get; }

        public bool IsTicks { get; }

        public Bar BarOf(string[] cells, int line)
        {
            double Middle(int bid, int ask) => _isQuotes
                ? (Number(cells, bid, line) + Number(cells, ask, line)) / 2
                : Number(cells, bid, line);
            return new Bar(
                Nanoseconds(cells, line),
                Middle(_open, _askOpen),
                Middle(_high, _askHigh),
                Middle(_low, _askLow),
                Middle(Close, _askClose));
        }

        /// <summary>Time of a row, ns since 1970.</summary>
        public long Nanoseconds(string[] cells, int line)
        {
            long unit = IsTicks ? 1_000 : 1_000_000;
            return Time < cells.Length
                && long.TryParse(cells[Time], NumberStyles.None, CultureInfo.InvariantCulture, out long value)
                && value <= long.MaxValue / 2 / unit
                ? value * unit
                : throw Bad(line);
        }

        public string Text(string[] cells, int column, int line) =>
            column < cells.Length ? cells[column] : throw Bad(line);

        public double Number(string[] cells, int column, int line) =>
            column < cells.Length
            && double.TryParse(cells[column], NumberStyles.Float, CultureInfo.InvariantCulture, out double value)
                && value > 0 && double.IsFinite(value)
                ? value
                : throw Bad(line);

        private FeedException Bad(int line) => new($"price file {_file}, line {line}: not a row of this layout");
    }
}
