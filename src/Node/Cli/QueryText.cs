using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text;

namespace AppChain.Node;

/// <summary>Responses of queries as tables for people.</summary>
internal static class QueryText
{
    public static void Print(Printer printer, V1.Market market)
    {
        printer.Pairs(
            ("market", $"{Number(market.Market_)}  {market.Ticker}"),
            ("index price", $"{market.FormatPrice(market.IndexPrice)} ± {market.FormatPrice(market.Confidence)}"),
            ("oracle", Word(market.OracleState)),
            ("mark price", $"{market.FormatPrice(market.MarkPrice)} "
                + $"({market.FormatPrice(market.MarkLow)} to {market.FormatPrice(market.MarkHigh)})"),
            ("bid / ask", $"{Price(market, market.BestBid)} / {Price(market, market.BestAsk)}"),
            ("last price", Price(market, market.LastPrice)),
            ("open interest", $"{market.FormatQuantity(market.OpenInterest)} "
                + $"(cap {market.FormatQuantity(market.OpenInterestCap)})"),
            ("funding", $"{Percent(market.FundingRatePpm)} an hour (cap {Percent(market.FundingCapPpm)})"),
            ("tick / lot", $"{market.FormatPrice(1)} USD / {market.FormatQuantity(1)}"),
            ("price band", $"±{Percent(market.PriceBandPpm)} of the index price"),
            ("position limit", market.FormatQuantity(market.PositionLimit)),
            ("fees", $"maker {Percent(market.MakerFeePpm)}, taker {Percent(market.TakerFeePpm)}, "
                + $"liquidation {Percent(market.LiquidationFeePpm)}"));
        var rows = new List<string[]>();
        foreach (V1.MarginTier tier in market.Tiers)
        {
            rows.Add(
                [DecimalText.FormatAmount(tier.NotionalFrom), Percent(tier.InitialPpm), Percent(tier.MaintenancePpm)]);
        }

        printer.Line();
        printer.Table([">notional from", ">initial margin", ">maintenance margin"], rows, "no margin tiers");
    }

    public static void Print(
        Printer printer, V1.AgentsResponse answer, IReadOnlyDictionary<uint, V1.Market> markets)
    {
        var rows = new List<string[]>();
        foreach (V1.Agent agent in answer.Agents)
        {
            var names = new List<string>();
            foreach (uint number in agent.Markets)
            {
                names.Add(markets.TryGetValue(number, out V1.Market? market) ? market.Ticker : Number(number));
            }

            rows.Add(
            [
                agent.Agent_, names.Count == 0 ? "all" : string.Join(", ", names), Amount(agent.Used),
                Amount(agent.NotionalPerDay), Time(agent.Expires), agent.IsActive ? "active" : "expired",
            ]);
        }

        printer.Table(["agent", "markets", ">used today", ">a day", "until", "state"], rows, "no agents");
    }

    public static void Print(
        Printer printer, V1.AccountResponse account, IReadOnlyDictionary<uint, V1.Market> markets)
    {
        string[] sums = TextColumns.AlignNumbers(
            Amount(account.Collateral), Amount(account.Equity), Amount(account.InitialMargin),
            Amount(account.MaintenanceMargin), Amount(account.Withdrawable));
        printer.Pairs(
            ("account", account.Account),
            ("collateral", sums[0]),
            ("equity", $"{sums[1]}  ({Amount(account.EquityLow)} to {Amount(account.EquityHigh)})"),
            ("initial margin", $"{sums[2]}  (with open orders {Amount(account.InitialMarginWithOrders)})"),
            ("maintenance margin", sums[3]),
            ("withdrawable", sums[4]),
            ("open orders", Number(account.OpenOrders)),
            ("highest nonce", Number(account.NonceHighest)));
        if (account.InLiquidationSince != 0)
        {
            printer.Line($"being liquidated since height {Number(account.InLiquidationSince)}");
        }

        var rows = new List<string[]>();
        foreach (V1.Position position in account.Positions)
        {
            if (markets.TryGetValue(position.Market, out V1.Market? market))
            {
                rows.Add(
                [
                    market.Ticker,
                    market.FormatQuantity(position.Size),
                    position.Size == 0 ? "-" : market.FormatPrice(position.EntryPrice),
                    market.FormatPrice(market.MarkPrice),
                    Amount(position.UnrealizedProfit),
                    Amount(position.FundingOwed),
                    position.LiquidationPrice == 0 ? "-" : market.FormatPrice(position.LiquidationPrice),
                    $"{market.FormatQuantity(position.OpenBuys)} / {market.FormatQuantity(position.OpenSells)}",
                ]);
            }
        }

        printer.Line();
        printer.Table(
            [
                "position", ">size", ">entry", ">mark", ">unrealised profit", ">funding owed", ">liquidation near",
                ">open buys / sells",
            ],
            rows,
            "no positions");
    }

    public static void Print(
        Printer printer, V1.OrdersResponse answer, IReadOnlyDictionary<uint, V1.Market> markets)
    {
        var rows = new List<string[]>();
        foreach (V1.Order order in answer.Orders)
        {
            if (!markets.TryGetValue(order.Market, out V1.Market? market))
            {
                continue;
            }

            string until = order.GoodTilHeight != 0
                ? $"height {Number(order.GoodTilHeight)}"
                : order.GoodTilTime != 0 ? Time(order.GoodTilTime) : "cancelled";
            rows.Add(
            [
                Number(order.OrderId), order.ClientId == 0 ? "-" : Number(order.ClientId), market.Ticker,
                Word(order.Side), market.FormatPrice(order.Price),
                $"{market.FormatQuantity(order.Quantity)} of {market.FormatQuantity(order.OriginalQuantity)}",
                order.ReduceOnly ? "yes" : "no", until,
            ]);
        }

        printer.Table(
            [">order", ">client id", "market", "side", ">price", ">open", "reduce-only", "until"],
            rows,
            "no open orders");
    }

    /// <summary>With an account, the side and fee are that account's.</summary>
    public static void Print(
        Printer printer, V1.FillsResponse answer, IReadOnlyDictionary<uint, V1.Market> markets, string account)
    {
        var rows = new List<string[]>();
        foreach (V1.RecordedFill recorded in answer.Fills)
        {
            V1.Fill fill = recorded.Fill;
            if (!markets.TryGetValue(fill.Market, out V1.Market? market))
            {
                continue;
            }

            bool isMaker = account.Length > 0 && fill.Maker == account;
            V1.Side side = !isMaker ? fill.Side : fill.Side == V1.Side.Buy ? V1.Side.Sell : V1.Side.Buy;
            rows.Add(
            [
                Number(recorded.Height), Time(recorded.Time), market.Ticker, Word(side), market.FormatPrice(fill.Price),
                market.FormatQuantity(fill.Quantity), isMaker ? "maker" : "taker",
                Amount(isMaker ? fill.MakerFee : fill.TakerFee),
            ]);
        }

        printer.Table(
            [">height", "time", "market", "side", ">price", ">quantity", "as", ">fee"], rows, "no fills yet");
    }

    public static void Print(
        Printer printer, V1.OracleResponse answer, IReadOnlyDictionary<uint, V1.Market> markets)
    {
        foreach (V1.OracleMarket oracle in answer.Markets)
        {
            if (!markets.TryGetValue(oracle.Market, out V1.Market? market))
            {
                continue;
            }

            printer.Pairs(
                ("market", market.Ticker),
                ("index price", $"{market.FormatPrice(oracle.Price)} ± {market.FormatPrice(oracle.Confidence)}"),
                ("oracle", $"{Word(oracle.State)}, {Count(oracle.Updates)} updates since genesis"),
                ("venue time", Time(oracle.SourceTime)),
                ("updated", $"{Time(oracle.UpdatedAt)} by voting power {Count(oracle.Power)}"));
            var rows = new List<string[]>();
            foreach (V1.OracleReport report in oracle.Reports)
            {
                rows.Add(
                [
                    report.Validator, market.FormatPrice(report.Price), market.FormatPrice(report.Confidence),
                    Time(report.SourceTime),
                ]);
            }

            printer.Line();
            printer.Table(
                ["validator", ">price", ">confidence", "venue time"], rows, "no validator's report is young enough");
            printer.Line();
        }
    }

    public static void Print(
        Printer printer, V1.LiquidationsResponse answer, IReadOnlyDictionary<uint, V1.Market> markets)
    {
        var rows = new List<string[]>();
        foreach (V1.RecordedLiquidation step in answer.Steps)
        {
            (string account, string kind, string text) = Step(step, markets);
            rows.Add([Number(step.Height), Time(step.Time), account, kind, text]);
        }

        printer.Line(answer.Open == 1
            ? "1 account is being liquidated now"
            : $"{Count(answer.Open)} accounts are being liquidated now");
        printer.Table([">height", "time", "account", "step", "what"], rows, "no liquidations yet");
    }

    public static void Print(Printer printer, V1.AccountsAtRiskResponse answer)
    {
        var rows = new List<string[]>();
        foreach (V1.AccountAtRisk account in answer.Accounts)
        {
            rows.Add(
            [
                account.Account, Amount(account.EquityHigh), Amount(account.MaintenanceMargin),
                Percent((long)account.UsedPpm), Amount(account.Notional),
                account.InLiquidationSince == 0 ? "-" : Number(account.InLiquidationSince),
            ]);
        }

        printer.Table(
            ["account", ">equity", ">maintenance margin", ">used", ">notional", ">liquidation since"],
            rows,
            "no account has a position");
    }

    public static void Print(Printer printer, V1.ChainResponse chain)
    {
        string[] sums = TextColumns.AlignNumbers(
            Amount(chain.Held), Amount(chain.Claims), Amount(chain.InsuranceFund), Amount(chain.Fees),
            Amount(chain.Leaving), Amount(chain.Difference));
        printer.Pairs(
            ("chain", chain.ChainId),
            ("height", Number(chain.Height)),
            ("time", Time(chain.Time)),
            ("app hash", chain.AppHash),
            ("collateral held", sums[0]),
            ("claims", sums[1]),
            ("insurance fund", sums[2]),
            ("fees", sums[3]),
            ("leaving", sums[4]),
            ("difference", sums[5]),
            ("accounts", Count(chain.Accounts)),
            ("open orders", Count(chain.OpenOrders)),
            ("since the node started", $"{Count(chain.Fills)} fills, {Count(chain.Liquidations)} liquidations, "
                + $"{Count(chain.Deleveragings)} deleveragings"));
    }

    /// <summary>An enum value as one word: SelfTrade is self-trade.</summary>
    public static string Word<T>(T value)
        where T : struct, Enum
    {
        var word = new StringBuilder();
        foreach (char letter in value.ToString())
        {
            if (char.IsUpper(letter) && word.Length > 0)
            {
                word.Append('-');
            }

            word.Append(char.ToLowerInvariant(letter));
        }

        return word.ToString();
    }

    /// <summary>Parts per million as percent.</summary>
    public static string Percent(long ppm)
    {
        string text = DecimalText.Format(ppm, 4);
        return $"{text.TrimEnd('0').TrimEnd('.')}%";
    }

    /// <summary>Nanoseconds since 1970 as time of day and date, to the millisecond.</summary>
    public static string Time(ulong nanoseconds) => nanoseconds == 0
        ? "-"
        : DateTimeOffset.UnixEpoch.AddTicks((long)(nanoseconds / 100))
            .ToString("yyyy-MM-dd HH:mm:ss.fff", CultureInfo.InvariantCulture);

    private static (string Account, string Kind, string Text) Step(
        V1.RecordedLiquidation step, IReadOnlyDictionary<uint, V1.Market> markets)
    {
        switch (step.StepCase)
        {
            case V1.RecordedLiquidation.StepOneofCase.Opened:
                return (step.Opened.Account, "opened",
                    $"equity {Amount(step.Opened.EquityHigh)} below {Amount(step.Opened.MaintenanceMargin)}");
            case V1.RecordedLiquidation.StepOneofCase.Slice:
                V1.LiquidationSlice slice = step.Slice;
                return (slice.Account, "slice",
                    $"{Word(slice.Side)} {Quantity(markets, slice.Market, slice.Quantity)} "
                    + $"at {Price(markets, slice.Market, slice.Price)}, "
                    + $"filled {Quantity(markets, slice.Market, slice.Filled)}");
            case V1.RecordedLiquidation.StepOneofCase.InsuranceFund:
                return (step.InsuranceFund.Account, "insurance fund",
                    $"{Amount(step.InsuranceFund.Amount)}, holds {Amount(step.InsuranceFund.InsuranceFund)} after");
            case V1.RecordedLiquidation.StepOneofCase.Deleveraging:
                V1.Deleveraging pair = step.Deleveraging;
                return (pair.Account, "deleveraging",
                    $"{Quantity(markets, pair.Market, pair.Quantity)} at {Price(markets, pair.Market, pair.Price)} "
                    + $"against {pair.Counterparty}");
            case V1.RecordedLiquidation.StepOneofCase.Closed:
                return (step.Closed.Account, "closed",
                    $"equity {Amount(step.Closed.Equity)}, maintenance margin {Amount(step.Closed.MaintenanceMargin)}");
            case V1.RecordedLiquidation.StepOneofCase.Deferred:
                return (step.Deferred.Account, "deferred",
                    $"{Quantity(markets, step.Deferred.Market, step.Deferred.Quantity)} left for the next block");
            default:
                return ("", "", "");
        }
    }

    private static string Quantity(IReadOnlyDictionary<uint, V1.Market> markets, uint market, ulong lots) =>
        markets.TryGetValue(market, out V1.Market? its)
            ? $"{its.FormatQuantity(lots)} {its.Ticker}"
            : $"{Number(lots)} lots of market {Number(market)}";

    private static string Price(IReadOnlyDictionary<uint, V1.Market> markets, uint market, ulong ticks) =>
        markets.TryGetValue(market, out V1.Market? its) ? its.FormatPrice(ticks) : $"{Number(ticks)} ticks";

    public static string Amount(string microUsd) => DecimalText.FormatAmount(DecimalText.ParseAmount(microUsd));

    private static string Price(V1.Market market, ulong ticks) => ticks == 0 ? "-" : market.FormatPrice(ticks);

    private static string Count(ulong value) => value.ToString("N0", CultureInfo.InvariantCulture);

    // Heights, ids and nonces as commands take them.
    public static string Number(ulong value) => value.ToString(CultureInfo.InvariantCulture);
}
