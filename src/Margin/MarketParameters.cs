using System.Collections.Immutable;

namespace AppChain.Margin;

/// <summary>
/// A margin tier: the rates that apply to the part of a position's notional from <see cref="NotionalFrom"/> up to the
/// next tier. Rates are marginal, so the requirement is continuous at the tier edges.
/// </summary>
/// <param name="NotionalFrom">Lower edge, micro-USD, inclusive. The first tier starts at 0.</param>
/// <param name="InitialPpm">Initial margin rate of this part, ppm, 1…1,000,000.</param>
/// <param name="MaintenancePpm">Maintenance margin rate of this part, ppm, 1…<paramref name="InitialPpm"/>.</param>
public readonly record struct MarginTier(long NotionalFrom, int InitialPpm, int MaintenancePpm);

/// <summary>
/// What a perpetual market is: units, margin, fees, caps. Set at genesis and immutable for the life of the object;
/// a change of parameters replaces the object.
/// </summary>
public sealed record MarketParameters
{
    /// <summary>Number of the market; key of its rows. 1…65,535.</summary>
    public required uint MarketId { get; init; }

    /// <summary>Ticker for people, e.g. <c>BTC-PERP</c>: 1 to 16 characters of A–Z, 0–9 and '-'.</summary>
    public required string Ticker { get; init; }

    /// <summary>Decimals of a displayed price: price in USD = ticks × 10^-PriceDecimals. 0…9.</summary>
    public required int PriceDecimals { get; init; }

    /// <summary>Decimals of a displayed quantity: quantity in base coin = lots × 10^-QuantityDecimals. 0…9.</summary>
    public required int QuantityDecimals { get; init; }

    /// <summary>
    /// Value in micro-USD of one lot when the price moves one tick: 10^(6 − PriceDecimals − QuantityDecimals), which
    /// must be a whole number, so notional = price × quantity × TickLotValue is exact.
    /// </summary>
    public required long TickLotValue { get; init; }

    /// <summary>Tiers by ascending <see cref="MarginTier.NotionalFrom"/>, the first from 0; 1…8 of them.</summary>
    public required ImmutableArray<MarginTier> Tiers { get; init; }

    /// <summary>
    /// Open notional (micro-USD) up to which initial margin is not scaled. 0 with Upper 0: never scaled.
    /// </summary>
    public required long OpenInterestScaleLower { get; init; }

    /// <summary>Open notional (micro-USD) at which the initial margin rate reaches 100 %.</summary>
    public required long OpenInterestScaleUpper { get; init; }

    /// <summary>Fee of the maker in ppm of notional; negative is a rebate. Maker + taker is never below 0.</summary>
    public required int MakerFeePpm { get; init; }

    /// <summary>Fee of the taker in ppm of notional, ≥ 0.</summary>
    public required int TakerFeePpm { get; init; }

    /// <summary>Largest position of one account, in lots.</summary>
    public required long PositionLimit { get; init; }

    /// <summary>Largest open interest of the market (sum of longs), in lots.</summary>
    public required long OpenInterestCap { get; init; }

    /// <summary>
    /// A buy may not be priced above index × (1 + band), a sell not below index × (1 − band). ppm, 0 &lt; band ≤
    /// 1,000,000.
    /// </summary>
    public required int PriceBandPpm { get; init; }

    /// <summary>Notional (micro-USD) at which the book is read for the funding premium.</summary>
    public required long ImpactNotional { get; init; }

    /// <summary>Cap of the absolute funding rate per hour, ppm.</summary>
    public required int FundingCapPpm { get; init; }

    /// <summary>
    /// Fee of a liquidated account in ppm of the closed notional, paid to the insurance fund out of what is left above
    /// bankruptcy.
    /// </summary>
    public required int LiquidationFeePpm { get; init; }

    /// <summary>Notional (micro-USD) below which a position is liquidated whole, in one slice.</summary>
    public required long LiquidationWholeNotional { get; init; }

    /// <summary>Share of a larger position closed in one block, ppm, 1…1,000,000.</summary>
    public required int LiquidationSlicePpm { get; init; }

    /// <summary>
    /// Exact notional of <paramref name="quantity"/> lots at <paramref name="price"/> ticks, in micro-USD; sign of the
    /// quantity.
    /// </summary>
    public System.Int128 Notional(long price, long quantity) => Arithmetic.Multiply(price, quantity, TickLotValue);
}
