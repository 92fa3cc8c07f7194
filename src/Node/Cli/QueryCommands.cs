using System;
using System.Collections.Generic;
using System.CommandLine;
using System.Globalization;
using System.Threading;
using System.Threading.Tasks;
using AppChain.StateMachine;

namespace AppChain.Node;

/// <summary><c>query …</c>: what the chain knows, as tables or as JSON with the names of query.proto.</summary>
internal static class QueryCommands
{
    /// <summary>A query in progress: what was asked, whom to ask, how to print.</summary>
    public readonly record struct Context(
        ParseResult Parsed, RpcClient Node, Printer Printer, CancellationToken Cancel);

    public delegate Task<int> Ask(Context context);

    public static Command Build(Shell shell)
    {
        var query = new Command("query", "Ask a node about the chain.");
        var node = new NodeOption(query);
        var output = new OutputOption(query);
        var keys = new KeyOptions(query, opensKeys: false);

        void SetAction(Command command, Ask ask) => command.SetAction(async (parsed, cancel) =>
        {
            using RpcClient client = node.Connect(parsed, shell);
            return await ask(new Context(parsed, client, output.Printer(parsed, shell), cancel)).ConfigureAwait(false);
        });

        string Account(ParseResult parsed, string text) => AccountText.Of(keys.FindAccount(parsed, shell, text));

        query.Add(Markets(SetAction));
        query.Add(Market(SetAction));
        query.Add(Book(SetAction));
        query.Add(AccountOf(SetAction, Account));
        query.Add(Orders(SetAction, Account));
        query.Add(Fills(SetAction, Account));
        query.Add(Agents(SetAction, Account));
        query.Add(Oracle(SetAction));
        query.Add(Liquidations(SetAction, Account));
        query.Add(AtRisk(SetAction));
        query.Add(Transaction(SetAction));
        query.Add(Chain(SetAction));
        foreach (Command command in VaultQueries.Build(SetAction, Account))
        {
            query.Add(command);
        }

        query.Add(ProofQuery.Build(shell, node, output, keys));
        return query;
    }

    private static Command Markets(Action<Command, Ask> setAction)
    {
        var command = new Command("markets", "All markets with their prices.");
        setAction(command, async context =>
        {
            V1.MarketsResponse answer = await context.Node.MarketsAsync(context.Cancel).ConfigureAwait(false);
            if (context.Printer.IsJson)
            {
                context.Printer.Json(answer);
                return ExitCode.Ok;
            }

            var rows = new List<string[]>();
            foreach (V1.Market market in answer.Markets)
            {
                rows.Add(
                [
                    Number(market.Market_), market.Ticker, Price(market, market.IndexPrice),
                    Price(market, market.MarkPrice),
                    Price(market, market.BestBid), Price(market, market.BestAsk), Price(market, market.LastPrice),
                    QueryText.Word(market.OracleState), market.FormatQuantity(market.OpenInterest),
                    QueryText.Percent(market.FundingRatePpm),
                ]);
            }

            context.Printer.Table(
                [
                    "market", "ticker", ">index", ">mark", ">bid", ">ask", ">last", "oracle", ">open interest",
                    ">funding/h",
                ],
                rows,
                "no markets");
            return ExitCode.Ok;
        });
        return command;
    }

    private static Command Market(Action<Command, Ask> setAction)
    {
        Argument<string> name = MarketName();
        var command = new Command("market", "Prices and parameters of one market.") { name };
        setAction(command, async context =>
        {
            V1.Market market = await FindMarketAsync(context, name).ConfigureAwait(false);
            if (context.Printer.IsJson)
            {
                context.Printer.Json(market);
            }
            else
            {
                QueryText.Print(context.Printer, market);
            }

            return ExitCode.Ok;
        });
        return command;
    }

    private static Command Book(Action<Command, Ask> setAction)
    {
        Argument<string> name = MarketName();
        var depth = new Option<uint>("--depth") { Description = "levels of each side", DefaultValueFactory = _ => 10 };
        var command = new Command("book", "The best price levels of a market.") { name, depth };
        setAction(command, async context =>
        {
            V1.Market market = await FindMarketAsync(context, name).ConfigureAwait(false);
            V1.BookResponse book = await context.Node
                .BookAsync(market.Market_, context.Parsed.GetValue(depth), context.Cancel).ConfigureAwait(false);
            if (context.Printer.IsJson)
            {
                context.Printer.Json(book);
                return ExitCode.Ok;
            }

            var rows = new List<string[]>();
            for (int i = book.Asks.Count - 1; i >= 0; i--)
            {
                rows.Add(["ask", .. Level(market, book.Asks[i])]);
            }

            foreach (V1.BookLevel level in book.Bids)
            {
                rows.Add(["bid", .. Level(market, level)]);
            }

            context.Printer.Table(["side", ">price", ">quantity", ">orders"], rows, "the book is empty");
            return ExitCode.Ok;
        });
        return command;
    }

    private static Command AccountOf(Action<Command, Ask> setAction, Func<ParseResult, string, string> account)
    {
        Argument<string> name = AccountName();
        var command = new Command("account", "Collateral, margin and positions.") { name };
        setAction(command, async context =>
        {
            string wanted = account(context.Parsed, context.Parsed.GetValue(name)!);
            V1.AccountResponse answer = await context.Node.AccountAsync(wanted, context.Cancel).ConfigureAwait(false);
            if (context.Printer.IsJson)
            {
                context.Printer.Json(answer);
                return ExitCode.Ok;
            }

            QueryText.Print(context.Printer, answer, await MarketsAsync(context).ConfigureAwait(false));
            return ExitCode.Ok;
        });
        return command;
    }

    private static Command Orders(Action<Command, Ask> setAction, Func<ParseResult, string, string> account)
    {
        Argument<string> name = AccountName();
        Option<string?> marketOption = MarketOption();
        var command = new Command("orders", "Open orders of an account.") { name, marketOption };
        setAction(command, async context =>
        {
            string wanted = account(context.Parsed, context.Parsed.GetValue(name)!);
            IReadOnlyDictionary<uint, V1.Market> markets = await MarketsAsync(context).ConfigureAwait(false);
            uint market = await MarketNumberAsync(context, marketOption).ConfigureAwait(false);
            V1.OrdersResponse answer = await context.Node
                .OrdersAsync(wanted, market, context.Cancel).ConfigureAwait(false);
            if (context.Printer.IsJson)
            {
                context.Printer.Json(answer);
                return ExitCode.Ok;
            }

            QueryText.Print(context.Printer, answer, markets);
            return ExitCode.Ok;
        });
        return command;
    }

    private static Command Agents(Action<Command, Ask> setAction, Func<ParseResult, string, string> account)
    {
        var name = new Argument<string>("owner") { Description = "app1…, or the name of a key" };
        var command = new Command("agents", "Keys that may trade for an owner.") { name };
        setAction(command, async context =>
        {
            string owner = account(context.Parsed, context.Parsed.GetValue(name)!);
            V1.AgentsResponse answer = await context.Node.AgentsAsync(owner, context.Cancel).ConfigureAwait(false);
            if (context.Printer.IsJson)
            {
                context.Printer.Json(answer);
                return ExitCode.Ok;
            }

            IReadOnlyDictionary<uint, V1.Market> markets = await MarketsAsync(context).ConfigureAwait(false);
            QueryText.Print(context.Printer, answer, markets);
            return ExitCode.Ok;
        });
        return command;
    }

    private static Command Fills(Action<Command, Ask> setAction, Func<ParseResult, string, string> account)
    {
        Option<string?> accountOption = AccountOption();
        Option<string?> marketOption = MarketOption();
        Option<uint> limit = Limit();
        var command = new Command("fills", "Recent fills.") { accountOption, marketOption, limit };
        setAction(command, async context =>
        {
            string? wanted = context.Parsed.GetValue(accountOption);
            IReadOnlyDictionary<uint, V1.Market> markets = await MarketsAsync(context).ConfigureAwait(false);
            var request = new V1.FillsRequest
            {
                Account = wanted is null ? "" : account(context.Parsed, wanted),
                Market = await MarketNumberAsync(context, marketOption).ConfigureAwait(false),
                Limit = context.Parsed.GetValue(limit),
            };
            V1.FillsResponse answer = await context.Node.FillsAsync(request, context.Cancel).ConfigureAwait(false);
            if (context.Printer.IsJson)
            {
                context.Printer.Json(answer);
                return ExitCode.Ok;
            }

            QueryText.Print(context.Printer, answer, markets, request.Account);
            return ExitCode.Ok;
        });
        return command;
    }

    private static Command Oracle(Action<Command, Ask> setAction)
    {
        Option<string?> marketOption = MarketOption();
        var command = new Command("oracle", "Consensus prices and the reports behind them.") { marketOption };
        setAction(command, async context =>
        {
            IReadOnlyDictionary<uint, V1.Market> markets = await MarketsAsync(context).ConfigureAwait(false);
            uint market = await MarketNumberAsync(context, marketOption).ConfigureAwait(false);
            V1.OracleResponse answer = await context.Node.OracleAsync(market, context.Cancel).ConfigureAwait(false);
            if (context.Printer.IsJson)
            {
                context.Printer.Json(answer);
                return ExitCode.Ok;
            }

            QueryText.Print(context.Printer, answer, markets);
            return ExitCode.Ok;
        });
        return command;
    }

    private static Command Liquidations(Action<Command, Ask> setAction, Func<ParseResult, string, string> account)
    {
        Option<string?> accountOption = AccountOption();
        Option<uint> limit = Limit();
        var command = new Command("liquidations", "Recent steps of liquidations.") { accountOption, limit };
        setAction(command, async context =>
        {
            string? wanted = context.Parsed.GetValue(accountOption);
            var request = new V1.LiquidationsRequest
            {
                Account = wanted is null ? "" : account(context.Parsed, wanted),
                Limit = context.Parsed.GetValue(limit),
            };
            V1.LiquidationsResponse answer = await context.Node
                .LiquidationsAsync(request, context.Cancel).ConfigureAwait(false);
            if (context.Printer.IsJson)
            {
                context.Printer.Json(answer);
                return ExitCode.Ok;
            }

            QueryText.Print(context.Printer, answer, await MarketsAsync(context).ConfigureAwait(false));
            return ExitCode.Ok;
        });
        return command;
    }

    private static Command AtRisk(Action<Command, Ask> setAction)
    {
        Option<uint> limit = Limit();
        var command = new Command("at-risk", "The accounts nearest to liquidation.") { limit };
        setAction(command, async context =>
        {
            V1.AccountsAtRiskResponse answer = await context.Node
                .AccountsAtRiskAsync(context.Parsed.GetValue(limit), context.Cancel).ConfigureAwait(false);
            if (context.Printer.IsJson)
            {
                context.Printer.Json(answer);
            }
            else
            {
                QueryText.Print(context.Printer, answer);
            }

            return ExitCode.Ok;
        });
        return command;
    }

    private static Command Transaction(Action<Command, Ask> setAction)
    {
        var hash = new Argument<string>("hash") { Description = "SHA-256 of the transaction in hex" };
        var command = new Command("tx", "What became of a transaction.") { hash };
        setAction(command, async context =>
        {
            string text = context.Parsed.GetValue(hash)!;
            if (text.Length != 64 || !System.Linq.Enumerable.All(text, char.IsAsciiHexDigit))
            {
                throw new CommandException($"'{text}' is no hash: 64 digits in hex");
            }

            CommittedTransaction committed = await context.Node
                .TransactionAsync(Convert.FromHexString(text), context.Cancel).ConfigureAwait(false)
                ?? throw new CommandException(
                    "no block has it: it may still be waiting, or its expiry height has passed", ExitCode.Refused);
            IReadOnlyDictionary<uint, V1.Market> markets = await MarketsAsync(context).ConfigureAwait(false);
            TransactionCodec.Decode(committed.Bytes.Span, out _, out Transaction? transaction);
            string? refusal = transaction is null
                ? Explanations.Of(committed.Result.Code)
                : await new Refusal(context.Node, markets)
                    .ExplainAsync(transaction, committed.Result, context.Cancel).ConfigureAwait(false);
            new TransactionReport(context.Printer, markets).Print(committed, transaction?.Operations ?? [], refusal);
            return ExitCode.Ok;
        });
        return command;
    }

    private static Command Chain(Action<Command, Ask> setAction)
    {
        var command = new Command("chain", "Height, app hash and the sums that must agree.");
        setAction(command, async context =>
        {
            V1.ChainResponse chain = await context.Node.ChainAsync(context.Cancel).ConfigureAwait(false);
            if (context.Printer.IsJson)
            {
                context.Printer.Json(chain);
            }
            else
            {
                QueryText.Print(context.Printer, chain);
            }

            return ExitCode.Ok;
        });
        return command;
    }

    private static async Task<V1.Market> FindMarketAsync(Context context, Argument<string> name) =>
        await new MarketCatalog(context.Node)
            .FindAsync(context.Parsed.GetValue(name)!, context.Cancel).ConfigureAwait(false);

    private static async Task<uint> MarketNumberAsync(Context context, Option<string?> option) =>
        context.Parsed.GetValue(option) is string name
            ? (await new MarketCatalog(context.Node).FindAsync(name, context.Cancel).ConfigureAwait(false)).Market_
            : 0;

    private static Task<IReadOnlyDictionary<uint, V1.Market>> MarketsAsync(Context context) =>
        new MarketCatalog(context.Node).AllAsync(context.Cancel);

    private static string[] Level(V1.Market market, V1.BookLevel level) =>
        [market.FormatPrice(level.Price), market.FormatQuantity(level.Quantity), Number(level.Orders)];

    private static string Price(V1.Market market, ulong ticks) => ticks == 0 ? "-" : market.FormatPrice(ticks);

    private static string Number(ulong value) => value.ToString(CultureInfo.InvariantCulture);

    private static Argument<string> MarketName() =>
        new("market") { Description = "ticker or number, such as BTC-PERP" };

    private static Argument<string> AccountName() => new("account") { Description = "app1…/N, or the name of a key" };

    private static Option<string?> MarketOption() => new("--market") { Description = "only this market" };

    private static Option<string?> AccountOption() =>
        new("--account") { Description = "only this account: app1…/N, or the name of a key" };

    private static Option<uint> Limit() => new("--limit") { Description = "most rows" };
}
