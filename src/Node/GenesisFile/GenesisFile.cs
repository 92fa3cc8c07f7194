using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using AppChain.Margin;
using AppChain.StateMachine;

namespace AppChain.Node;

/// <summary>
/// Reads and writes the application's part of a genesis document. It is parsed, never hashed: engines reformat it.
/// </summary>
public static class GenesisFile
{
    /// <summary>Parses <c>app_state</c>; nothing unknown and nothing missing.</summary>
    /// <exception cref="GenesisException">Names the path and the problem.</exception>
    public static GenesisState Parse(string json)
    {
        JsonNode? root;
        try
        {
            root = JsonNode.Parse(json, documentOptions: new JsonDocumentOptions { AllowDuplicateProperties = false });
        }
        catch (JsonException broken)
        {
            throw new GenesisException($"app_state is not JSON: {broken.Message}");
        }

        var state = new GenesisFields(root, "app_state");
        var markets = ImmutableArray.CreateBuilder<MarketParameters>();
        foreach (GenesisFields market in state.Items("markets"))
        {
            markets.Add(MarketOf(market));
            Require(
                markets.Count < 2 || markets[^1].MarketId > markets[^2].MarketId,
                market.Path,
                "markets must ascend by market");
        }

        var accounts = new List<GenesisAccount>();
        foreach (GenesisFields account in state.Items("accounts"))
        {
            accounts.Add(AccountOf(account));
        }

        accounts.Sort(static (left, right) => left.Account.CompareTo(right.Account));
        for (int i = 1; i < accounts.Count; i++)
        {
            Require(
                accounts[i].Account != accounts[i - 1].Account,
                "app_state.accounts",
                $"{AccountText.Of(accounts[i].Account)} is there twice");
        }

        long fund = state.Long("insurance_fund", 0, Limits.AmountMax);
        GenesisVault? vault = state.Optional("vault") is { } rules ? GenesisCouncils.Vault(rules) : null;
        GenesisTreasury? treasury = state.Optional("treasury") is { } limits ? GenesisCouncils.Treasury(limits) : null;
        state.Finish();
        Require(
            markets.Count is > 0 and <= Limits.MarketsMax,
            "app_state.markets",
            $"needs 1 to {Limits.MarketsMax} markets");
        return new GenesisState(markets.ToImmutable(), [.. accounts], fund, vault, treasury);
    }

    /// <summary>The markets that a new chain starts with: BTC-PERP and ETH-PERP.</summary>
    public static ImmutableArray<MarketParameters> DefaultMarkets { get; } =
    [
        Market(
            1, "BTC-PERP", priceDecimals: 1, quantityDecimals: 4, positionLimit: 10_000_000,
            openInterestCap: 200_000_000),
        Market(
            2, "ETH-PERP", priceDecimals: 2, quantityDecimals: 3, positionLimit: 20_000_000,
            openInterestCap: 400_000_000),
    ];

    /// <summary>
    /// A market like those of a new chain for a coin of about this price: a tick is near 0.025 basis points, a position
    /// holds up to about 60 million USD.
    /// </summary>
    /// <param name="id">Number of the market.</param>
    /// <param name="ticker">1 to 16 of A-Z, 0-9 and '-'.</param>
    /// <param name="price">USD, above 0.</param>
    /// <exception cref="GenesisException">The ticker or the price is none.</exception>
    public static MarketParameters MarketFor(uint id, string ticker, double price)
    {
        const int decimals = 5;
        Require(GenesisFields.IsTicker(ticker), ticker, "a ticker is 1 to 16 characters of A-Z, 0-9 and '-'");
        Require(price is > 0 and < 1e9, ticker, "a market needs a price from above 0 to below a billion USD");
        int priceDecimals = Math.Clamp((int)Math.Round(-Math.Log10(price * 0.0000025)), 0, decimals);
        int quantityDecimals = decimals - priceDecimals;
        long limit = Math.Max(1, (long)(60_000_000 / price * Math.Pow(10, quantityDecimals)));
        return Market(id, ticker, priceDecimals, quantityDecimals, limit, limit * 20);
    }

    /// <summary>Writes <c>app_state</c>.</summary>
    public static JsonObject Write(GenesisState state)
    {
        var markets = new JsonArray();
        foreach (MarketParameters p in state.Markets)
        {
            var tiers = new JsonArray();
            foreach (MarginTier tier in p.Tiers)
            {
                tiers.Add(new JsonObject
                {
                    ["notional_from"] = Text(tier.NotionalFrom),
                    ["initial_ppm"] = tier.InitialPpm,
                    ["maintenance_ppm"] = tier.MaintenancePpm,
                });
            }

            markets.Add(new JsonObject
            {
                ["market"] = p.MarketId,
                ["ticker"] = p.Ticker,
                ["price_decimals"] = p.PriceDecimals,
                ["quantity_decimals"] = p.QuantityDecimals,
                ["tiers"] = tiers,
                ["open_interest_scale_lower"] = Text(p.OpenInterestScaleLower),
                ["open_interest_scale_upper"] = Text(p.OpenInterestScaleUpper),
                ["maker_fee_ppm"] = p.MakerFeePpm,
                ["taker_fee_ppm"] = p.TakerFeePpm,
                ["position_limit"] = Text(p.PositionLimit),
                ["open_interest_cap"] = Text(p.OpenInterestCap),
                ["price_band_ppm"] = p.PriceBandPpm,
                ["impact_notional"] = Text(p.ImpactNotional),
                ["funding_cap_ppm"] = p.FundingCapPpm,
                ["liquidation_fee_ppm"] = p.LiquidationFeePpm,
                ["liquidation_whole_notional"] = Text(p.LiquidationWholeNotional),
                ["liquidation_slice_ppm"] = p.LiquidationSlicePpm,
            });
        }

        var accounts = new JsonArray();
        foreach (GenesisAccount account in state.Accounts)
        {
            accounts.Add(new JsonObject
            {
                ["account"] = AccountText.Of(account.Account),
                ["collateral"] = Text(account.Amount),
            });
        }

        var written = new JsonObject
        {
            ["markets"] = markets,
            ["accounts"] = accounts,
            ["insurance_fund"] = Text(state.InsuranceFund),
        };
        GenesisCouncils.Write(written, state.Vault, state.Treasury);
        return written;
    }

    private static MarketParameters Market(
        uint id, string ticker, int priceDecimals, int quantityDecimals, long positionLimit,
        long openInterestCap) => new()
    {
        MarketId = id,
        Ticker = ticker,
        PriceDecimals = priceDecimals,
        QuantityDecimals = quantityDecimals,
        TickLotValue = TickLotValueOf(priceDecimals, quantityDecimals),
        Tiers =
        [
            new MarginTier(0, 20_000, 10_000),
            new MarginTier(1_000_000_000_000, 50_000, 25_000),
            new MarginTier(10_000_000_000_000, 100_000, 50_000),
        ],
        OpenInterestScaleLower = 500_000_000_000_000,
        OpenInterestScaleUpper = 1_000_000_000_000_000,
        MakerFeePpm = -50,
        TakerFeePpm = 500,
        PositionLimit = positionLimit,
        OpenInterestCap = openInterestCap,
        PriceBandPpm = 100_000,
        ImpactNotional = 10_000_000_000,
        FundingCapPpm = 5_000,
        LiquidationFeePpm = 10_000,
        LiquidationWholeNotional = 50_000_000_000,
        LiquidationSlicePpm = 250_000,
    };

    private static MarketParameters MarketOf(GenesisFields f)
    {
        int priceDecimals = (int)f.Long("price_decimals", 0, 6);
        int quantityDecimals = (int)f.Long("quantity_decimals", 0, 6 - priceDecimals);
        var market = new MarketParameters
        {
            MarketId = (uint)f.Long("market", 1, ushort.MaxValue),
            Ticker = f.Ticker("ticker"),
            PriceDecimals = priceDecimals,
            QuantityDecimals = quantityDecimals,
            TickLotValue = TickLotValueOf(priceDecimals, quantityDecimals),
            Tiers = TiersOf(f),
            OpenInterestScaleLower = f.Long("open_interest_scale_lower", 0, Limits.AmountMax),
            OpenInterestScaleUpper = f.Long("open_interest_scale_upper", 0, Limits.AmountMax),
            MakerFeePpm = (int)f.Long("maker_fee_ppm", -10_000, 10_000),
            TakerFeePpm = (int)f.Long("taker_fee_ppm", 0, 10_000),
            PositionLimit = f.Long("position_limit", 1, Limits.QuantityMax),
            OpenInterestCap = f.Long("open_interest_cap", 1, Limits.QuantityMax),
            PriceBandPpm = (int)f.Long("price_band_ppm", 1, Limits.RatePpmMax),
            ImpactNotional = f.Long("impact_notional", 1, Limits.AmountMax),
            FundingCapPpm = (int)f.Long("funding_cap_ppm", 0, Limits.RatePpmMax),
            LiquidationFeePpm = (int)f.Long("liquidation_fee_ppm", 0, Limits.RatePpmMax),
            LiquidationWholeNotional = f.Long("liquidation_whole_notional", 0, Limits.AmountMax),
            LiquidationSlicePpm = (int)f.Long("liquidation_slice_ppm", 1, Limits.RatePpmMax),
        };
        f.Finish();
        Require(
            market.MakerFeePpm + market.TakerFeePpm >= 0, f.Path, "maker_fee_ppm + taker_fee_ppm must not be negative");
        bool scales = market.OpenInterestScaleUpper > market.OpenInterestScaleLower;
        bool never = market.OpenInterestScaleUpper == 0 && market.OpenInterestScaleLower == 0;
        Require(scales || never, f.Path, "open_interest_scale_upper must be above the lower, or both 0");
        return market;
    }

    private static ImmutableArray<MarginTier> TiersOf(GenesisFields market)
    {
        var tiers = ImmutableArray.CreateBuilder<MarginTier>();
        foreach (GenesisFields tier in market.Items("tiers"))
        {
            long from = tier.Long("notional_from", 0, Limits.AmountMax);
            int initial = (int)tier.Long("initial_ppm", 1, Limits.RatePpmMax);
            tiers.Add(new MarginTier(from, initial, (int)tier.Long("maintenance_ppm", 1, initial)));
            tier.Finish();
            Require(
                tiers.Count == 1 ? from == 0 : from > tiers[^2].NotionalFrom, tier.Path, "tiers start at 0 and ascend");
        }

        Require(
            tiers.Count is > 0 and <= Limits.MarginTiersMax,
            market.Path + ".tiers",
            $"needs 1 to {Limits.MarginTiersMax} tiers");
        return tiers.ToImmutable();
    }

    private static GenesisAccount AccountOf(GenesisFields fields)
    {
        string text = fields.Text("account");
        if (!AccountText.TryParse(text, out AccountId account, out string? reason))
        {
            throw new GenesisException($"{fields.Path}.account: '{text}' {reason}");
        }

        var parsed = new GenesisAccount(account, fields.Long("collateral", 1, Limits.AmountMax));
        fields.Finish();
        return parsed;
    }

    private static long TickLotValueOf(int priceDecimals, int quantityDecimals)
    {
        long value = 1;
        for (int i = priceDecimals + quantityDecimals; i < 6; i++)
        {
            value *= 10;
        }

        return value;
    }

    private static string Text(long value) => value.ToString(CultureInfo.InvariantCulture);

    private static void Require(bool condition, string path, string problem)
    {
        if (!condition)
        {
            throw new GenesisException($"{path}: {problem}");
        }
    }
}
