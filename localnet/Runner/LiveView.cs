using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using AppChain.Abci.Wire;
using AppChain.Node;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace AppChain.Localnet;

/// <summary>
/// The run at a glance on a terminal: prices with their intervals, the book, accounts near liquidation, what was
/// liquidated, and whether all validators agree. Draws whole pictures on the alternate screen, a few a second.
/// </summary>
internal sealed class LiveView : IRunView
{
    private const string Enter = "\u001b[?1049h\u001b[?25l\u001b[2J";
    private const string Leave = "\u001b[?25h\u001b[?1049l";
    private const int WideFrom = 110;
    private const long MillisecondsBetween = 250;

    private readonly RunOptions _options;
    private readonly IReadOnlyList<RpcClient> _nodes;
    private readonly Monitor _monitor;
    private readonly TraderFloor _floor;
    private readonly MarketClock _clock;
    private readonly long _started = Stopwatch.GetTimestamp();
    private long _shownAt;
    private (int Width, int Height) _size;

    /// <summary>Takes the terminal over until it is disposed.</summary>
    public LiveView(
        RunOptions options, IReadOnlyList<RpcClient> nodes, Monitor monitor, TraderFloor floor, MarketClock clock)
    {
        _options = options;
        _nodes = nodes;
        _monitor = monitor;
        _floor = floor;
        _clock = clock;
        Console.Out.Write(Enter);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Console.Out.Write(Leave);
        Console.Out.Flush();
    }

    /// <inheritdoc/>
    public async Task ShowAsync(long height, CancellationToken cancel)
    {
        if (_shownAt != 0 && Stopwatch.GetElapsedTime(_shownAt).TotalMilliseconds < MillisecondsBetween)
        {
            return;
        }

        _shownAt = Stopwatch.GetTimestamp();
        try
        {
            V1.MarketsResponse markets = await _nodes[0].MarketsAsync(cancel).ConfigureAwait(false);
            V1.ChainResponse chain = await _nodes[0].ChainAsync(cancel).ConfigureAwait(false);
            V1.AccountsAtRiskResponse atRisk = await _nodes[0].AccountsAtRiskAsync(20, cancel).ConfigureAwait(false);
            var books = new List<V1.BookResponse>();
            foreach (V1.Market market in markets.Markets)
            {
                books.Add(await _nodes[0].BookAsync(market.Market_, 8, cancel).ConfigureAwait(false));
            }

            Draw(height, markets.Markets, books, atRisk.Accounts, chain);
        }
        catch (Exception error) when (error is RpcException or NodeUnreachableException or QueryRefusedException)
        {
            // The picture stays as it is; the run itself notices when a node is gone.
        }
    }

    private void Draw(
        long height, IReadOnlyList<V1.Market> markets, List<V1.BookResponse> books,
        IReadOnlyList<V1.AccountAtRisk> atRisk, V1.ChainResponse chain)
    {
        (int Width, int Height) size = (Math.Max(60, Console.WindowWidth), Math.Max(16, Console.WindowHeight));
        bool isWide = size.Width >= WideFrom;
        int prices = markets.Count + 3;
        int status = 5;
        int rest = Math.Max(6, size.Height - 1 - prices - status - 1);
        var root = new Layout();
        var body = new Layout("body");
        if (isWide)
        {
            var left = new Layout("left").SplitRows(
                new Layout("risk", Boxed("nearest to liquidation", AtRisk(atRisk, (rest / 2) - 3))),
                new Layout("steps", Boxed("liquidations", Steps(markets, rest - (rest / 2) - 2))));
            var right = new Layout("books").SplitRows(BooksOf(markets, books, rest)).Size(48);
            body.SplitColumns(left, right);
        }
        else
        {
            body.SplitRows(
                new Layout("risk", Boxed("nearest to liquidation", AtRisk(atRisk, (rest / 2) - 3))),
                new Layout("steps", Boxed("liquidations", Steps(markets, rest - (rest / 2) - 2))));
        }

        root.SplitRows(
            new Layout("head", Head(height, isWide)).Size(1),
            new Layout("prices", Prices(markets, isWide)).Size(prices),
            body,
            new Layout("status", Status(chain, size.Width)).Size(status));
        Write(root, size);
    }

    // One write for the whole picture, from the top left corner: nothing flickers.
    private void Write(IRenderable picture, (int Width, int Height) size)
    {
        var text = new StringWriter(CultureInfo.InvariantCulture);
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.Yes,
            ColorSystem = ColorSystemSupport.Standard,
            Interactive = InteractionSupport.No,
            Out = new AnsiConsoleOutput(text),
        });
        console.Profile.Width = size.Width;
        console.Profile.Height = size.Height - 1;
        console.Write(picture);
        string clear = size == _size ? "" : "\u001b[2J";
        _size = size;
        Console.Out.Write(clear + "\u001b[H" + text.ToString().TrimEnd('\n') + "\u001b[J");
        Console.Out.Flush();
    }

    private Markup Head(long height, bool isWide)
    {
        double interval = _monitor.Intervals.Count == 0 ? 0 : _monitor.Intervals.TakeLast(20).Average();
        string engine = _options.Engine == EngineKind.Embedded ? "embedded" : "CometBFT";
        var market = DateTimeOffset.UnixEpoch.AddTicks(_clock.Now / 100);
        return new Markup(string.Create(
            CultureInfo.InvariantCulture,
            $"[bold]AppChain[/]  height [bold]{height:N0}[/]  block {interval:0} ms  "
            + $"{(isWide ? $"{engine}, {_options.Validators} validators  " : "")}"
            + $"[grey]market[/] {market:yyyy-MM-dd HH:mm:ss} [grey]x{_options.Speed:0.##}[/]"));
    }

    private static Table Prices(IReadOnlyList<V1.Market> markets, bool isWide)
    {
        Table table = new Table { Border = TableBorder.Simple, Expand = true }
            .AddColumns(Left("market"), Right("index"), Right("±"), Left("oracle"), Right("mark"), Right("bid"),
                Right("ask"));
        if (isWide)
        {
            table.AddColumns(Right("last"), Right("funding/h"), Right("open interest"));
        }

        foreach (V1.Market market in markets)
        {
            List<IRenderable> cells =
            [
                new Markup($"[bold]{market.Ticker}[/]"),
                new Text(market.FormatPrice(market.IndexPrice)),
                new Text(market.FormatPrice(market.Confidence)),
                new Markup(State(market.OracleState)),
                new Text(market.FormatPrice(market.MarkPrice)),
                new Markup($"[green]{market.FormatPrice(market.BestBid)}[/]"),
                new Markup($"[red]{market.FormatPrice(market.BestAsk)}[/]"),
            ];
            if (isWide)
            {
                cells.Add(new Text(market.FormatPrice(market.LastPrice)));
                cells.Add(new Text(Ppm(market.FundingRatePpm)));
                cells.Add(new Text(market.FormatQuantity(market.OpenInterest)));
            }

            table.AddRow(cells);
        }

        return table;
    }

    private static Layout[] BooksOf(IReadOnlyList<V1.Market> markets, List<V1.BookResponse> books, int lines)
    {
        int levels = Math.Clamp(((lines / markets.Count) - 2) / 2, 1, 8);
        var panels = new List<Layout>();
        for (int i = 0; i < markets.Count; i++)
        {
            V1.Market market = markets[i];
            var table = new Table { Border = TableBorder.None, ShowHeaders = false, Expand = true };
            table.AddColumns(Right(""), Right(""), Left(""));
            ulong most = books[i].Bids.Concat(books[i].Asks).Take(2 * levels).Select(level => level.Quantity)
                .DefaultIfEmpty(1UL).Max();
            foreach (V1.BookLevel level in books[i].Asks.Take(levels).Reverse())
            {
                table.AddRow(LevelOf(market, level, most, "red"));
            }

            foreach (V1.BookLevel level in books[i].Bids.Take(levels))
            {
                table.AddRow(LevelOf(market, level, most, "green"));
            }

            panels.Add(new Layout(market.Ticker, Boxed($"book {market.Ticker}", table)));
        }

        return [.. panels];
    }

    private static IRenderable[] LevelOf(V1.Market market, V1.BookLevel level, ulong most, string colour) =>
    [
        new Markup($"[{colour}]{market.FormatPrice(level.Price)}[/]"),
        new Text(market.FormatQuantity(level.Quantity)),
        new Markup($"[{colour}]{new string('█', (int)(level.Quantity * 14 / Math.Max(1, most)))}[/]"),
    ];

    private static IRenderable AtRisk(IReadOnlyList<V1.AccountAtRisk> accounts, int lines)
    {
        if (accounts.Count == 0)
        {
            return new Markup("[grey]no account has a position yet[/]");
        }

        var table = new Table { Border = TableBorder.None, Expand = true };
        table.AddColumns(Left("account"), Left("maintenance margin used"), Right("equity"), Right("notional"));
        foreach (V1.AccountAtRisk account in accounts.Take(Math.Max(1, lines)))
        {
            double used = Math.Min(1, account.UsedPpm / 1e6);
            string colour = account.InLiquidationSince != 0 ? "red" : used > 0.8 ? "yellow" : "green";
            int full = (int)(used * 16);
            string bar = $"[{colour}]{new string('█', full)}[/][grey]{new string('░', 16 - full)}[/]";
            string word = account.InLiquidationSince != 0
                ? "[red bold]in liquidation[/]"
                : string.Create(CultureInfo.InvariantCulture, $"{used * 100:0.0} %");
            table.AddRow(
                new Text(Short(account.Account)),
                new Markup($"{bar} {word}"),
                new Text(Usd(account.EquityHigh)),
                new Text(Usd(account.Notional)));
        }

        return table;
    }

    private IRenderable Steps(IReadOnlyList<V1.Market> markets, int lines)
    {
        if (_monitor.Steps.Count == 0)
        {
            return new Markup("[grey]nothing was liquidated yet[/]");
        }

        return new Rows(_monitor.Steps.TakeLast(Math.Max(1, lines)).Reverse().Select(step => new Markup(string.Create(
            CultureInfo.InvariantCulture,
            $"[grey]{step.Height,6}[/]  {Markup.Escape(Short(Monitor.Attribute(step.Step, "account")))}  "
                + $"{Say(step.Step, markets)}"))
        {
            Overflow = Overflow.Ellipsis,
        }));
    }

    private static string Say(Event step, IReadOnlyList<V1.Market> markets)
    {
        string Of(string key) => Monitor.Attribute(step, key);
        V1.Market? market =
            markets.FirstOrDefault(m => m.Market_.ToString(CultureInfo.InvariantCulture) == Of("market"));
        string Price(string key) =>
            market is null ? Of(key) : market.FormatPrice(ulong.Parse(Of(key), CultureInfo.InvariantCulture));
        string Size(string key) =>
            market is null ? Of(key) : market.FormatQuantity(ulong.Parse(Of(key), CultureInfo.InvariantCulture));
        return step.Type["appchain.v1.".Length..] switch
        {
            "LiquidationOpened" =>
                $"[yellow]below maintenance margin[/] {Usd(Of("maintenance_margin"))}, equity {Usd(Of("equity"))}",
            "LiquidationSlice" => $"[yellow]{Of("side")}s {Size("filled")} of {Size("quantity")} {market?.Ticker}, "
                + $"limit {Price("price")}[/]",
            "InsuranceFundChanged" => Of("amount").StartsWith('-')
                ? $"[red]insurance fund pays {Usd(Of("amount")[1..])}[/]"
                : $"[green]insurance fund gets {Usd(Of("amount"))}[/]",
            "Deleveraging" => $"[red]{Size("quantity")} {market?.Ticker} closed against {Short(Of("counterparty"))} "
                + $"at {Price("price")}[/]",
            _ => $"[green]liquidation ends[/], equity {Usd(Of("equity"))}",
        };
    }

    private Panel Status(V1.ChainResponse chain, int width)
    {
        double seconds = Math.Max(0.001, Stopwatch.GetElapsedTime(_started).TotalSeconds);
        string refused = string.Join(", ", _monitor.Refused.OrderByDescending(pair => pair.Value).Take(3)
            .Select(pair => $"{(StateMachine.ResultCode)pair.Key} {pair.Value}"));
        var agreement = new StringBuilder();
        for (int i = 0; i < _monitor.Agrees.Length; i++)
        {
            agreement.Append(_monitor.Agrees[i] ? "[green]✓[/]" : "[red bold]✗[/]");
        }

        string hash = _monitor.AppHash.Length > 16 && width < WideFrom
            ? _monitor.AppHash[..16] + "…"
            : _monitor.AppHash;
        string difference = chain.Difference == "0" ? "[green]0[/]" : $"[red bold]{chain.Difference}[/]";
        string all = _monitor.Mismatches == 0
            ? "[green]every height agrees[/]"
            : $"[red bold]{_monitor.Mismatches} heights DIFFER[/]";
        return Boxed("network", new Rows(
            new Markup(string.Create(
                CultureInfo.InvariantCulture,
                $"app hash {hash} {agreement} {all}")),
            new Markup(string.Create(
                CultureInfo.InvariantCulture,
                $"{_floor.Submitted:N0} transactions sent, {_monitor.Committed:N0} done "
                    + $"({_monitor.Committed / seconds:0}/s), "
                + $"{_monitor.Fills:N0} fills ({_monitor.Fills / seconds:0}/s)  [grey]{Markup.Escape(refused)}[/]")),
            new Markup(string.Create(
                CultureInfo.InvariantCulture,
                $"{_monitor.Liquidations:N0} liquidations, {_monitor.Deleveragings:N0} deleveragings, insurance fund "
                + $"{Usd(chain.InsuranceFund)}, off by {difference}  [grey]Ctrl-C ends[/]"))));
    }

    private static Panel Boxed(string title, IRenderable content) => new(content)
    {
        Header = new PanelHeader($"[grey]{Markup.Escape(title)}[/]"),
        Border = BoxBorder.Rounded,
        BorderStyle = new Style(Color.Grey),
        Expand = true,
        Padding = new Padding(1, 0),
    };

    private static TableColumn Left(string title) => new TableColumn($"[grey]{title}[/]").NoWrap();

    private static TableColumn Right(string title) => new TableColumn($"[grey]{title}[/]").NoWrap().RightAligned();

    private static string State(V1.OracleState state) => state switch
    {
        V1.OracleState.Live => "[green]live[/]",
        V1.OracleState.Uncertain => "[yellow]uncertain[/]",
        V1.OracleState.Stale => "[red]stale[/]",
        V1.OracleState.Frozen => "[red bold]frozen[/]",
        _ => "[grey]none[/]",
    };

    private static string Ppm(long ppm) => string.Create(CultureInfo.InvariantCulture, $"{ppm / 10_000.0:0.####} %");

    // Whole dollars are enough at a glance.
    private static string Usd(string microUsd) =>
        Int128.TryParse(microUsd, CultureInfo.InvariantCulture, out Int128 amount)
            ? ((decimal)(amount / 1_000_000)).ToString("N0", CultureInfo.InvariantCulture)
            : microUsd;

    // app1qqqqqq…/0: enough to tell accounts apart.
    private static string Short(string account)
    {
        int slash = account.IndexOf('/', StringComparison.Ordinal);
        return slash > 16 ? $"{account[..12]}…{account[slash..]}" : account;
    }
}
