using System;
using AppChain.Margin;

namespace AppChain.Liquidation;

/// <summary>What one slice of a liquidation is to do: how many lots, and at what worst price.</summary>
/// <param name="Lots">Lots to close, &gt; 0.</param>
/// <param name="Limit">Worst price, ticks.</param>
/// <param name="Bankruptcy">Bankruptcy price, ticks: better fills earn the fund its fee, worse ones cost it.</param>
public readonly record struct LiquidationSlice(long Lots, long Limit, long Bankruptcy)
{
    /// <summary>
    /// Plans the next slice of a position: whole when its notional is small, else the market's share of it. The fund
    /// must be able to pay for the worst fill, so the limit is never further beyond bankruptcy than it can afford.
    /// </summary>
    public static LiquidationSlice Plan(
        MarketParameters parameters, long size, long mark, in Risk risk, Int128 positionMaintenance,
        Int128 insuranceFund)
    {
        long held = Math.Abs(size);
        long lots = parameters.Notional(mark, held) <= parameters.LiquidationWholeNotional
            ? held
            : (long)Arithmetic.PpmCeil(held, parameters.LiquidationSlicePpm);
        long bankruptcy = BankruptcyPrice.Of(
            parameters, size, mark, risk.Equity, positionMaintenance, risk.Maintenance);
        long fillable = FillablePrice.Of(parameters, size, mark, risk.Equity, positionMaintenance, risk.Maintenance);

        // ROUNDING: down, the fund never promises more than it has.
        Int128 affordable = Arithmetic.DivFloor(insuranceFund, (Int128)lots * parameters.TickLotValue);
        Int128 worst = size > 0
            ? Arithmetic.Clamp(bankruptcy - affordable, 1, bankruptcy)
            : Arithmetic.Clamp(bankruptcy + affordable, bankruptcy, Limits.PriceMax);
        long limit = size > 0 ? Math.Max(fillable, (long)worst) : Math.Min(fillable, (long)worst);
        return new LiquidationSlice(lots, limit, bankruptcy);
    }

    /// <summary>
    /// What the insurance fund receives (positive) or pays (negative) for a slice that closed <paramref name="lots"/>
    /// of a position of this sign for <paramref name="notional"/> micro-USD: the surplus over bankruptcy up to the
    /// market's liquidation fee, or the whole deficit.
    /// </summary>
    public static Int128 FundShare(MarketParameters parameters, long size, long lots, Int128 notional, long bankruptcy)
    {
        Int128 atBankruptcy = parameters.Notional(bankruptcy, lots);
        Int128 surplus = size > 0 ? notional - atBankruptcy : atBankruptcy - notional;
        if (surplus <= 0)
        {
            return surplus;
        }

        // ROUNDING: down, what is left belongs to the account.
        Int128 fee = Arithmetic.PpmFloor(notional, parameters.LiquidationFeePpm);
        return surplus < fee ? surplus : fee;
    }
}
