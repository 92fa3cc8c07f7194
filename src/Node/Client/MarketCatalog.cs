using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Globalization;
using System.Threading;
using System.Threading.Tasks;
using AppChain.Margin;

namespace AppChain.Node;

/// <summary>The markets of a chain as a client needs them, asked for once.</summary>
public sealed class MarketCatalog(RpcClient node)
{
    private Dictionary<uint, V1.Market>? _markets;

    /// <summary>All markets by number, as they were when first asked for.</summary>
    public async Task<IReadOnlyDictionary<uint, V1.Market>> AllAsync(CancellationToken cancel = default)
    {
        if (_markets is null)
        {
            V1.MarketsResponse response = await node.MarketsAsync(cancel).ConfigureAwait(false);
            var markets = new Dictionary<uint, V1.Market>();
            foreach (V1.Market market in response.Markets)
            {
                markets[market.Market_] = market;
            }

            _markets = markets;
        }

        return _markets;
    }

    /// <summary>A market by ticker (in either case) or number.</summary>
    /// <exception cref="FormatException">There is none; the message lists those there are.</exception>
    public async Task<V1.Market> FindAsync(string name, CancellationToken cancel = default)
    {
        IReadOnlyDictionary<uint, V1.Market> markets = await AllAsync(cancel).ConfigureAwait(false);
        bool isNumber = uint.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out uint number);
        var tickers = new List<string>();
        foreach (V1.Market market in markets.Values)
        {
            if (isNumber ? market.Market_ == number : name.Equals(market.Ticker, StringComparison.OrdinalIgnoreCase))
            {
                return market;
            }

            tickers.Add(market.Ticker);
        }

        tickers.Sort(StringComparer.Ordinal);
        throw new FormatException($"no market '{name}'; there are {string.Join(", ", tickers)}");
    }
}

/// <summary>Prices and quantities of a market as people write them.</summary>
public static class MarketText
{
    /// <summary>Ticks of a price in USD.</summary>
    /// <exception cref="FormatException">Not a price of this market; the message names the nearest ones.</exception>
    public static long ParsePrice(this V1.Market market, string text) =>
        DecimalText.Parse("price", text, (int)market.PriceDecimals, "tick", Limits.PriceMax);

    /// <summary>Lots of a quantity in coins.</summary>
    /// <exception cref="FormatException">Not a quantity of this market; the message names the nearest ones.</exception>
    public static long ParseQuantity(this V1.Market market, string text) =>
        DecimalText.Parse("quantity", text, (int)market.QuantityDecimals, "lot", Limits.QuantityMax);

    /// <summary>Ticks as USD, thousands separated.</summary>
    public static string FormatPrice(this V1.Market market, Int128 ticks) =>
        DecimalText.Grouped(DecimalText.Format(ticks, (int)market.PriceDecimals));

    /// <summary>Lots as coins, thousands separated, without zeros at the end.</summary>
    public static string FormatQuantity(this V1.Market market, Int128 lots)
    {
        string text = DecimalText.Grouped(DecimalText.Format(lots, (int)market.QuantityDecimals));
        return text.Contains('.', StringComparison.Ordinal) ? text.TrimEnd('0').TrimEnd('.') : text;
    }

    /// <summary>The market's parameters as the state machine has them.</summary>
    public static MarketParameters ToParameters(this V1.Market market)
    {
        var tiers = ImmutableArray.CreateBuilder<MarginTier>(market.Tiers.Count);
        foreach (V1.MarginTier tier in market.Tiers)
        {
            tiers.Add(new MarginTier((long)tier.NotionalFrom, (int)tier.InitialPpm, (int)tier.MaintenancePpm));
        }

        return new MarketParameters
        {
            MarketId = market.Market_,
            Ticker = market.Ticker,
            PriceDecimals = (int)market.PriceDecimals,
            QuantityDecimals = (int)market.QuantityDecimals,
            TickLotValue = (long)market.TickLotValue,
            Tiers = tiers.MoveToImmutable(),
            OpenInterestScaleLower = (long)market.OpenInterestScaleLower,
            OpenInterestScaleUpper = (long)market.OpenInterestScaleUpper,
            MakerFeePpm = market.MakerFeePpm,
            TakerFeePpm = (int)market.TakerFeePpm,
            PositionLimit = (long)market.PositionLimit,
            OpenInterestCap = (long)market.OpenInterestCap,
            PriceBandPpm = (int)market.PriceBandPpm,
            ImpactNotional = (long)market.ImpactNotional,
            FundingCapPpm = (int)market.FundingCapPpm,
            LiquidationFeePpm = (int)market.LiquidationFeePpm,
            LiquidationWholeNotional = (long)market.LiquidationWholeNotional,
            LiquidationSlicePpm = (int)market.LiquidationSlicePpm,
        };
    }
}
