using System;
using System.Collections.Generic;
using System.CommandLine;
using System.Globalization;
using System.IO;
using System.Threading.Tasks;

namespace AppChain.Node;

/// <summary><c>tx order …</c>, <c>tx transfer</c>, <c>tx withdraw</c> and so on: everything that people sign.</summary>
internal static class TxCommands
{
    public static Command Build(Shell shell)
    {
        var tx = new Command("tx", "Sign and send transactions.");
        var options = new TxOptions(tx);
        var order = new Command("order", "Place, cancel and replace orders.");
        order.Add(Place(shell, options));
        order.Add(Cancel(shell, options));
        order.Add(CancelAll(shell, options));
        order.Add(Replace(shell, options));
        order.Add(Batch(shell, options));
        tx.Add(order);
        tx.Add(Transfer(shell, options));
        tx.Add(Withdraw(shell, options));
        tx.Add(Agent(shell, options));
        foreach (Command family in VaultCommands.Build(
            shell, (command, read) => SetAction(command, shell, options, read)))
        {
            tx.Add(family);
        }

        return tx;
    }

    private static Command Place(Shell shell, TxOptions options)
    {
        var order = new OrderWords();
        var command = new Command("place", "Place a limit or market order.");
        order.AddTo(command);
        SetAction(command, shell, options, parsed => order.Read(parsed, "place"));
        return command;
    }

    private static Command Cancel(Shell shell, TxOptions options)
    {
        var words = new Words { { "order_id", "--order-id", "id of the order" } };
        words.Add("client_id", "--client-id", "or its client id");
        var command = new Command("cancel", "Cancel one order.");
        words.AddTo(command);
        SetAction(command, shell, options, parsed => words.Read(parsed, "cancel"));
        return command;
    }

    private static Command CancelAll(Shell shell, TxOptions options)
    {
        Argument<string> market = Market();
        var command = new Command("cancel-all", "Cancel every order in a market.") { market };
        SetAction(command, shell, options, parsed => new Dictionary<string, string>
        {
            ["op"] = "cancel-all",
            ["market"] = parsed.GetValue(market)!,
        });
        return command;
    }

    private static Command Replace(Shell shell, TxOptions options)
    {
        var order = new OrderWords();
        order.Words.Add("order_id", "--replace-order-id", "order to cancel, by id");
        order.Words.Add("target_client_id", "--replace-client-id", "order to cancel, by client id");
        var command = new Command("replace", "Cancel one order and place another, or do neither.");
        order.AddTo(command);
        SetAction(command, shell, options, parsed => order.Read(parsed, "replace"));
        return command;
    }

    private static Command Batch(Shell shell, TxOptions options)
    {
        var file = new Argument<string>("file")
        {
            Description = "operations in JSON or CSV; - reads what is piped in (docs/spec/batch-files.md)",
        };
        var allOrNothing = new Option<bool>("--all-or-nothing") { Description = "all operations succeed, or none" };
        var command = new Command("batch", "Send up to 100 operations under one signature.") { file, allOrNothing };
        command.SetAction((parsed, cancel) =>
        {
            string path = parsed.GetValue(file)!;
            string text = path == "-" ? shell.In.ReadToEnd() : File.ReadAllText(path);
            var run = new TransactionRun(parsed, shell, options, parsed.GetValue(allOrNothing), cancel);
            return run.ExecuteAsync(BatchFile.Parse(text));
        });
        return command;
    }

    private static Command Transfer(Shell shell, TxOptions options)
    {
        Argument<string> amount = Amount();
        var to = new Argument<string>("to") { Description = "account app1…/N, or the name of a key" };
        var command = new Command(
            "transfer", "Move collateral to another account; opening one costs 1 USD of it.") { amount, to };
        SetAction(command, shell, options, parsed => new Dictionary<string, string>
        {
            ["op"] = "transfer",
            ["to"] = parsed.GetValue(to)!,
            ["amount"] = parsed.GetValue(amount)!,
        });
        return command;
    }

    private static Command Withdraw(Shell shell, TxOptions options)
    {
        Argument<string> amount = Amount();
        var to = new Option<string>("--to")
        {
            Description = "where it goes on the other side: text, or bytes in hex after 0x",
            HelpName = "DESTINATION",
            Required = true,
        };
        var command = new Command("withdraw", "Queue collateral to leave the chain.") { amount, to };
        SetAction(command, shell, options, parsed => new Dictionary<string, string>
        {
            ["op"] = "withdraw",
            ["amount"] = parsed.GetValue(amount)!,
            ["to"] = parsed.GetRequiredValue(to),
        });
        return command;
    }

    private static Command Agent(Shell shell, TxOptions options)
    {
        var agent = new Argument<string>("agent") { Description = "address app1… of the key, or the name of one" };
        var words = new Words { { "markets", "--markets", "only these, such as BTC-PERP,ETH-PERP (default all)" } };
        words.Add("notional_per_day", "--notional-per-day", "USD that its orders of a day may add up to");
        words.Add("expires", "--expires", "block time until which it may trade: 2025-10-10T21:00:00Z");
        var authorise = new Command(
            "authorise",
            "Let a key trade for this one; it can never withdraw or transfer. One more key costs 1 USD.") { agent };
        words.AddTo(authorise);
        SetAction(authorise, shell, options, parsed =>
        {
            Dictionary<string, string> fields = words.Read(parsed, "authorise-agent");
            fields["agent"] = parsed.GetValue(agent)!;
            return fields;
        });
        var revoke = new Command("revoke", "Take that back, before the orders of the block.") { agent };
        SetAction(revoke, shell, options, parsed => new Dictionary<string, string>
        {
            ["op"] = "revoke-agent",
            ["agent"] = parsed.GetValue(agent)!,
        });
        return new Command("agent", "Keys that may only trade.") { authorise, revoke };
    }

    private static void SetAction(
        Command command, Shell shell, TxOptions options, Func<ParseResult, Dictionary<string, string>> read) =>
        command.SetAction((parsed, cancel) =>
        {
            var run = new TransactionRun(parsed, shell, options, allOrNothing: false, cancel);
            return run.ExecuteAsync([read(parsed)]);
        });

    private static Argument<string> Market() =>
        new("market") { Description = "ticker or number, such as BTC-PERP" };

    private static Argument<string> Amount() => new("amount") { Description = "USD, such as 1250.50" };
}

/// <summary>Options that become words of an operation when they are given.</summary>
internal sealed class Words : System.Collections.IEnumerable
{
    private readonly List<(string Field, Option<string?> Option)> _options = [];
    private readonly List<(string Field, Option<bool> Option)> _flags = [];

    public void Add(string field, string option, string description) =>
        _options.Add((field, new Option<string?>(option) { Description = description }));

    public void AddFlag(string field, string option, string description) =>
        _flags.Add((field, new Option<bool>(option) { Description = description }));

    public void AddTo(Command command)
    {
        _options.ForEach(one => command.Add(one.Option));
        _flags.ForEach(one => command.Add(one.Option));
    }

    public Dictionary<string, string> Read(ParseResult parsed, string operation)
    {
        var fields = new Dictionary<string, string> { ["op"] = operation };
        foreach ((string field, Option<string?> option) in _options)
        {
            if (parsed.GetValue(option) is string value)
            {
                fields[field] = value;
            }
        }

        foreach ((string field, Option<bool> option) in _flags)
        {
            if (parsed.GetValue(option))
            {
                fields[field] = "true";
            }
        }

        return fields;
    }

    public System.Collections.IEnumerator GetEnumerator() => _options.GetEnumerator();
}

/// <summary>Arguments and options that describe an order.</summary>
internal sealed class OrderWords
{
    private readonly Argument<string> _market = new("market") { Description = "ticker or number, such as BTC-PERP" };
    private readonly Argument<string> _side = new("side") { Description = "buy or sell" };

    public Words Words { get; } = new()
    {
        { "quantity", "--quantity", "coins, such as 0.25" },
        { "price", "--price", "limit in USD, such as 50000.5" },
        { "lots", "--lots", "quantity in lots, in place of --quantity" },
        { "ticks", "--ticks", "price in ticks, in place of --price" },
        { "client_id", "--client-id", "your own number for the order" },
        { "time_in_force", "--time-in-force", "gtc (default), ioc, fok or post-only" },
        { "self_trade", "--self-trade", "cancel-maker (default), cancel-taker, cancel-both or decrement" },
        { "slippage", "--slippage", "limit of a market order without a price, beyond the mark price (default 1%)" },
        { "good_til_height", "--good-til-height", "last height at which it may rest" },
        { "good_til_time", "--good-til-time", "block time until which it may rest: 2025-10-10T21:00:00Z" },
    };

    public void AddTo(Command command)
    {
        _side.AcceptOnlyFromAmong("buy", "sell");
        Words.AddFlag("market_order", "--market-order", "trade at once at the market, not beyond the limit");
        Words.AddFlag("reduce_only", "--reduce-only", "only bring the position nearer to zero");
        command.Add(_market);
        command.Add(_side);
        Words.AddTo(command);
    }

    public Dictionary<string, string> Read(ParseResult parsed, string operation)
    {
        Dictionary<string, string> fields = Words.Read(parsed, operation);
        fields["market"] = parsed.GetValue(_market)!;
        fields["side"] = parsed.GetValue(_side)!;
        return fields;
    }
}
