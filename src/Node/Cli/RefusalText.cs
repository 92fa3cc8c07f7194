using System;
using AppChain.Margin;
using AppChain.StateMachine;

namespace AppChain.Node;

/// <summary>
/// What to do about a margin refusal, with its figures. Every other code has its line in <see cref="Explanations"/>.
/// </summary>
internal static class RefusalText
{
    /// <summary>
    /// The line for a margin refusal, such as <c>margin too low: needs 1,250.00, has 900.12; reduce size to 0.36 or
    /// deposit 349.88</c>.
    /// </summary>
    /// <param name="needed">Micro-USD.</param>
    /// <param name="available">Micro-USD.</param>
    /// <param name="market">Market of the order; null when no order was refused.</param>
    /// <param name="largest">Lots that would pass; 0 when none would or it is not known.</param>
    public static string Margin(Int128 needed, Int128 available, V1.Market? market, long largest)
    {
        string reduce = market is not null && largest > 0
            ? $"reduce size to {market.FormatQuantity(largest)} or "
            : "";
        return $"margin too low: needs {DecimalText.FormatAmount(needed)}, has {DecimalText.FormatAmount(available)}; "
            + $"{reduce}deposit {DecimalText.FormatAmount(needed - available)}";
    }

    /// <summary>
    /// The line for a price outside the band; null when the price is inside, or there is no index price.
    /// </summary>
    /// <param name="market">Market of the order.</param>
    /// <param name="side">Its side.</param>
    /// <param name="price">Its limit, ticks.</param>
    public static string? Band(V1.Market market, Side side, long price)
    {
        // ROUNDING: the band is widened to whole ticks (ORD-5).
        long highest = (long)Arithmetic.PpmCeil((long)market.IndexPrice, Arithmetic.PpmOne + (int)market.PriceBandPpm);
        long lowest = (long)Arithmetic.PpmFloor((long)market.IndexPrice, Arithmetic.PpmOne - (int)market.PriceBandPpm);
        bool isOutside = side == Side.Buy ? price > highest : price < lowest;
        if (market.IndexPrice == 0 || !isOutside)
        {
            return null;
        }

        string bound = side == Side.Buy
            ? $"a buy may pay at most {market.FormatPrice(highest)}"
            : $"a sell may take at least {market.FormatPrice(lowest)}";
        return $"the price is too far beyond the index price {market.FormatPrice((long)market.IndexPrice)}: "
            + $"{bound} now";
    }

    /// <summary>The line for collateral that does not cover a transfer or withdrawal.</summary>
    public static string Collateral(Int128 needed, Int128 available) =>
        $"collateral too low: needs {DecimalText.FormatAmount(needed)}, has {DecimalText.FormatAmount(available)}; "
        + "lower the amount, or close positions first: unrealised profit cannot leave";
}
