using System;
using System.Collections.Generic;
using System.Globalization;
using System.Threading.Tasks;
using AppChain.Abci;
using AppChain.Margin;
using AppChain.StateMachine;

namespace AppChain.Node;

/// <summary>
/// Turns an operation in words into an operation in units. The words are the same whether they come from options, from
/// a row of a CSV file or from an object of a JSON file: names and values, all text.
/// </summary>
internal sealed class OperationReader(MarketCatalog markets, Func<string, AccountId> findAccount)
{
    private const int DefaultSlippagePpm = 10_000;

    private static readonly string[] OrderFields =
    [
        "market", "side", "price", "ticks", "quantity", "lots", "client_id", "time_in_force", "self_trade",
        "reduce_only", "market_order", "slippage", "good_til_height", "good_til_time",
    ];

    private static readonly Dictionary<string, (OperationKind Kind, string[] Fields)> Kinds = AllKinds();

    private static Dictionary<string, (OperationKind Kind, string[] Fields)> AllKinds()
    {
        var kinds = new Dictionary<string, (OperationKind Kind, string[] Fields)>
        {
            ["place"] = (OperationKind.PlaceOrder, OrderFields),
            ["cancel"] = (OperationKind.CancelOrder, ["order_id", "client_id"]),
            ["cancel-all"] = (OperationKind.CancelAll, ["market"]),
            ["replace"] = (OperationKind.ReplaceOrder, ["order_id", "target_client_id", .. OrderFields]),
            ["transfer"] = (OperationKind.Transfer, ["to", "amount"]),
            ["withdraw"] = (OperationKind.Withdraw, ["amount", "to"]),
            ["authorise-agent"] = (OperationKind.AuthoriseAgent, ["agent", "markets", "notional_per_day", "expires"]),
            ["revoke-agent"] = (OperationKind.RevokeAgent, ["agent"]),
        };
        foreach ((string word, OperationKind kind, string[] fields) in VaultOperationReader.Kinds)
        {
            kinds.Add(word, (kind, fields));
        }

        return kinds;
    }

    /// <summary>Reads an operation; the field <c>op</c> says which.</summary>
    /// <exception cref="FormatException">
    /// A field is unknown, missing or wrong; the message says what would be right.
    /// </exception>
    public async Task<Operation> ReadAsync(IReadOnlyDictionary<string, string> fields)
    {
        string name = Text(fields, "op");
        if (!Kinds.TryGetValue(name, out (OperationKind Kind, string[] Fields) form))
        {
            throw new FormatException($"op '{name}' is not known; there are {string.Join(", ", Kinds.Keys)}");
        }

        foreach (string field in fields.Keys)
        {
            if (field != "op" && Array.IndexOf(form.Fields, field) < 0)
            {
                throw new FormatException($"{name} has no '{field}'; it has {string.Join(", ", form.Fields)}");
            }
        }

        var operation = new Operation { Kind = form.Kind };
        switch (form.Kind)
        {
            case OperationKind.CancelOrder:
                ReadTarget(fields, "client_id", ref operation);
                return operation;
            case OperationKind.CancelAll:
                operation.Market = await MarketNumberAsync(Text(fields, "market")).ConfigureAwait(false);
                return operation;
            case OperationKind.ReplaceOrder:
                ReadTarget(fields, "target_client_id", ref operation);
                return await ReadOrderAsync(fields, operation).ConfigureAwait(false);
            case OperationKind.Transfer:
                operation.Recipient = findAccount(Text(fields, "to"));
                operation.Amount = Amount(fields);
                return operation;
            case OperationKind.Withdraw:
                operation.Amount = Amount(fields);
                operation.Content = new WithdrawalDestination(VaultOperationReader.Destination(Text(fields, "to")));
                return operation;
            case OperationKind.AuthoriseAgent:
                operation.Content = await ReadAgentAsync(fields).ConfigureAwait(false);
                return operation;
            case OperationKind.RevokeAgent:
                operation.Content = new AgentRevocation(findAccount(Text(fields, "agent")).Owner);
                return operation;
            case >= OperationKind.CancelWithdrawal:
                operation.Content = VaultOperationReader.Read(form.Kind, fields, findAccount);
                return operation;
            default:
                return await ReadOrderAsync(fields, operation).ConfigureAwait(false);
        }
    }

    private static void ReadTarget(IReadOnlyDictionary<string, string> fields, string clientId, ref Operation operation)
    {
        operation.TargetOrderId = Number(fields, "order_id");
        operation.TargetClientId = Number(fields, clientId);
        if ((operation.TargetOrderId == 0) == (operation.TargetClientId == 0))
        {
            throw new FormatException($"name the order by either order_id or {clientId}");
        }
    }

    private async Task<Operation> ReadOrderAsync(IReadOnlyDictionary<string, string> fields, Operation operation)
    {
        operation.Side = Choice(fields, "side", required: true, ("buy", Side.Buy), ("sell", Side.Sell));
        operation.TimeInForce = Choice(
            fields,
            "time_in_force",
            required: false,
            ("gtc", TimeInForce.GoodTilCancelled),
            ("ioc", TimeInForce.ImmediateOrCancel),
            ("fok", TimeInForce.FillOrKill),
            ("post-only", TimeInForce.PostOnly));
        operation.SelfTrade = Choice(
            fields,
            "self_trade",
            required: false,
            ("cancel-maker", SelfTrade.CancelMaker),
            ("cancel-taker", SelfTrade.CancelTaker),
            ("cancel-both", SelfTrade.CancelBoth),
            ("decrement", SelfTrade.Decrement));
        operation.ReduceOnly = Flag(fields, "reduce_only");
        operation.IsMarket = Flag(fields, "market_order");
        operation.ClientId = Number(fields, "client_id");
        operation.GoodTilHeight = (long)Number(fields, "good_til_height", long.MaxValue);
        operation.GoodTilTime = Time(fields, "good_til_time");
        CheckFlags(fields, ref operation);
        await ReadUnitsAsync(fields, operation.Side, operation.IsMarket, (market, price, quantity) =>
        {
            operation.Market = market;
            operation.Price = price;
            operation.Quantity = quantity;
        }).ConfigureAwait(false);
        return operation;
    }

    private static void CheckFlags(IReadOnlyDictionary<string, string> fields, ref Operation operation)
    {
        if (operation.IsMarket)
        {
            if (fields.ContainsKey("time_in_force") && operation.TimeInForce != TimeInForce.ImmediateOrCancel)
            {
                throw new FormatException("a market order is immediate-or-cancel: leave time_in_force out");
            }

            operation.TimeInForce = TimeInForce.ImmediateOrCancel;
        }
        else if (fields.ContainsKey("slippage"))
        {
            throw new FormatException("slippage belongs to a market order");
        }

        bool hasEnd = operation.GoodTilHeight != 0 || operation.GoodTilTime != 0;
        if (hasEnd && (operation.TimeInForce is TimeInForce.ImmediateOrCancel or TimeInForce.FillOrKill))
        {
            throw new FormatException("only an order that may rest has a good_til_height or good_til_time");
        }

        if (operation.GoodTilHeight != 0 && operation.GoodTilTime != 0)
        {
            throw new FormatException("give either good_til_height or good_til_time");
        }
    }

    private async Task<AgentAuthorisation> ReadAgentAsync(IReadOnlyDictionary<string, string> fields)
    {
        var numbers = new SortedSet<uint>();
        if (fields.TryGetValue("markets", out string? names))
        {
            foreach (string name in names.Split(',', StringSplitOptions.TrimEntries))
            {
                numbers.Add(await MarketNumberAsync(name).ConfigureAwait(false));
            }
        }

        if (numbers.Count > AgentRow.MarketsMax)
        {
            throw new FormatException(
                $"an agent is held to at most {AgentRow.MarketsMax} markets; leave them out for all");
        }

        Text(fields, "expires");
        return new AgentAuthorisation(
            findAccount(Text(fields, "agent")).Owner,
            [.. numbers],
            Amount(fields, "notional_per_day"),
            Time(fields, "expires"));
    }

    // With ticks and lots and a market by number, nothing has to be asked of a node.
    private async Task ReadUnitsAsync(
        IReadOnlyDictionary<string, string> fields, Side side, bool isMarket, Action<uint, long, long> set)
    {
        string name = Text(fields, "market");
        RequireOne(fields, "quantity", "lots");
        bool hasPrice = fields.ContainsKey("price") || fields.ContainsKey("ticks");
        if (hasPrice || !isMarket)
        {
            RequireOne(fields, "price", "ticks");
        }

        if (fields.ContainsKey("ticks") && fields.ContainsKey("lots") && uint.TryParse(name, out uint number))
        {
            set(number, Units(fields, "ticks", Limits.PriceMax), Units(fields, "lots", Limits.QuantityMax));
            return;
        }

        V1.Market market = await markets.FindAsync(name).ConfigureAwait(false);
        long quantity = fields.TryGetValue("quantity", out string? coins)
            ? market.ParseQuantity(coins)
            : Units(fields, "lots", Limits.QuantityMax);
        long price = fields.TryGetValue("price", out string? usd)
            ? market.ParsePrice(usd)
            : hasPrice ? Units(fields, "ticks", Limits.PriceMax) : LimitOf(market, side, fields);
        set(market.Market_, price, quantity);
    }

    // A market order without a price gets a limit a little beyond the mark price, inside the market's band.
    private static long LimitOf(V1.Market market, Side side, IReadOnlyDictionary<string, string> fields)
    {
        if (market.MarkPrice == 0)
        {
            throw new FormatException($"{market.Ticker} has no mark price yet; give a price");
        }

        long slippage = fields.TryGetValue("slippage", out string? percent)
            ? DecimalText.Parse("slippage", percent.TrimEnd('%'), 4, "step of slippage", Arithmetic.PpmOne - 1)
            : DefaultSlippagePpm;
        long mark = (long)market.MarkPrice;
        long index = (long)market.IndexPrice;
        long band = market.PriceBandPpm;
        Int128 limit = side == Side.Buy
            ? Int128.Min(
                Arithmetic.PpmFloor(mark, Arithmetic.PpmOne + slippage),
                Arithmetic.PpmFloor(index, Arithmetic.PpmOne + band))
            : Int128.Max(
                Arithmetic.PpmCeil(mark, Arithmetic.PpmOne - slippage),
                Arithmetic.PpmCeil(index, Arithmetic.PpmOne - band));
        return (long)Int128.Max(limit, 1);
    }

    private async Task<uint> MarketNumberAsync(string name) =>
        uint.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out uint number)
            ? number
            : (await markets.FindAsync(name).ConfigureAwait(false)).Market_;

    private static void RequireOne(IReadOnlyDictionary<string, string> fields, string first, string second)
    {
        if (fields.ContainsKey(first) == fields.ContainsKey(second))
        {
            throw new FormatException($"an order needs either {first} or {second}"
                + (first == "price" ? "; a market order can do without" : ""));
        }
    }

    private static long Units(IReadOnlyDictionary<string, string> fields, string name, long highest) =>
        DecimalText.Parse(name, Text(fields, name), 0, "unit", highest);

    internal static long Amount(IReadOnlyDictionary<string, string> fields, string name = "amount") =>
        DecimalText.Parse(
            name, Text(fields, name), DecimalText.AmountDecimals, "micro-USD", Limits.AmountMax);

    internal static string Text(IReadOnlyDictionary<string, string> fields, string name) =>
        fields.TryGetValue(name, out string? text) ? text : throw new FormatException($"'{name}' is missing");

    internal static ulong Number(
        IReadOnlyDictionary<string, string> fields, string name, ulong highest = ulong.MaxValue)
    {
        if (!fields.TryGetValue(name, out string? text))
        {
            return 0;
        }

        return ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ulong number)
            && number is > 0 && number <= highest
            ? number
            : throw new FormatException($"{name} '{text}' is not a whole number above zero");
    }

    private static bool Flag(IReadOnlyDictionary<string, string> fields, string name) =>
        Choice(fields, name, required: false, ("false", false), ("true", true));

    private static T Choice<T>(
        IReadOnlyDictionary<string, string> fields, string name, bool required, params (string Word, T Value)[] choices)
    {
        if (!fields.TryGetValue(name, out string? text))
        {
            return required ? throw new FormatException($"'{name}' is missing") : choices[0].Value;
        }

        foreach ((string word, T value) in choices)
        {
            if (word == text)
            {
                return value;
            }
        }

        string words = string.Join(", ", Array.ConvertAll(choices, choice => choice.Word));
        throw new FormatException($"{name} '{text}' is not one of {words}");
    }

    private static long Time(IReadOnlyDictionary<string, string> fields, string name)
    {
        if (!fields.TryGetValue(name, out string? text))
        {
            return 0;
        }

        return ParseTime(name, text);
    }

    /// <summary>Nanoseconds since 1970 of a time in text.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    internal static long ParseTime(string name, string text)
    {
        if (!DateTimeOffset.TryParseExact(
            text,
            ["yyyy-MM-dd'T'HH:mm:ss'Z'", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'"],
            CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeUniversal,
            out DateTimeOffset time) || time <= DateTimeOffset.UnixEpoch)
        {
            throw new FormatException($"{name} '{text}' is not a time such as 2025-10-10T21:00:00Z");
        }

        return WireTime.ToNanoseconds(time);
    }
}
