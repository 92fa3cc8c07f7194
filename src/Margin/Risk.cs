using System;

namespace AppChain.Margin;

/// <summary>
/// The numbers that decide what an account may do, summed over its positions. All in micro-USD. Equity is taken at
/// three prices of the interval in which the truth lies: the adverse side for initial margin, the account's side for
/// maintenance margin, the mark price for people.
/// </summary>
public struct Risk
{
    /// <summary>Collateral + unrealised profit − funding owed, at the mark price.</summary>
    public Int128 Equity;

    /// <summary>The same at the adverse side of each interval.</summary>
    public Int128 EquityLow;

    /// <summary>The same at the account's side of each interval.</summary>
    public Int128 EquityHigh;

    /// <summary>Initial margin of the positions held.</summary>
    public Int128 Initial;

    /// <summary>Initial margin if the worse side of the open orders of each market were filled.</summary>
    public Int128 InitialWithOrders;

    /// <summary>Maintenance margin of the positions held.</summary>
    public Int128 Maintenance;

    /// <summary>The risk of an account that holds collateral only.</summary>
    public Risk(Int128 collateral)
    {
        this = default;
        Equity = collateral;
        EquityLow = collateral;
        EquityHigh = collateral;
    }

    /// <summary>EquityLow covers the initial margin of the positions.</summary>
    public readonly bool MeetsInitial => EquityLow >= Initial;

    /// <summary>EquityLow covers the initial margin of positions and open orders.</summary>
    public readonly bool MeetsInitialWithOrders => EquityLow >= InitialWithOrders;

    /// <summary>Even at the account's side of the interval, equity is below maintenance margin.</summary>
    public readonly bool IsLiquidatable => Maintenance > 0 && EquityHigh < Maintenance;

    /// <summary>Adds one position and the open orders of its market.</summary>
    /// <param name="parameters">Parameters of the market.</param>
    /// <param name="valuation">Price interval of the market.</param>
    /// <param name="size">Signed lots.</param>
    /// <param name="entryNotional">Micro-USD paid for the size, signed like it.</param>
    /// <param name="fundingOwed">Micro-USD owed since the last settlement; negative when it is to receive.</param>
    /// <param name="openBuys">Lots of open buy orders, ≥ 0.</param>
    /// <param name="openSells">Lots of open sell orders, ≥ 0.</param>
    /// <param name="openInterestScalePpm">See <see cref="Requirement.OpenInterestScalePpm"/>.</param>
    public void Add(
        MarketParameters parameters,
        Valuation valuation,
        long size,
        Int128 entryNotional,
        Int128 fundingOwed,
        long openBuys,
        long openSells,
        long openInterestScalePpm)
    {
        Int128 held = 0;
        if (size != 0)
        {
            Int128 cost = entryNotional + fundingOwed;
            Equity += parameters.Notional(valuation.Mark, size) - cost;
            EquityLow += parameters.Notional(valuation.Adverse(size), size) - cost;
            EquityHigh += parameters.Notional(valuation.Favourable(size), size) - cost;
            Int128 notional = parameters.Notional(valuation.Mark, Math.Abs(size));
            held = Requirement.Initial(parameters, notional, openInterestScalePpm);
            Initial += held;
            Maintenance += Requirement.Maintenance(parameters, notional);
        }

        long exposure = Math.Max(Math.Abs(size + openBuys), Math.Abs(size - openSells));
        InitialWithOrders += exposure <= Math.Abs(size)
            ? held
            : Requirement.Initial(parameters, parameters.Notional(valuation.Mark, exposure), openInterestScalePpm);
    }

    /// <summary>
    /// The transition rule for accounts below initial margin (dYdX v4): the change is allowed when maintenance margin
    /// does not grow and equity per maintenance margin does not fall, compared by cross-multiplication. When either
    /// maintenance margin is zero, it is allowed only when both are zero and equity rises, so nobody closes out into a
    /// debt; that is left to liquidation.
    /// </summary>
    public static bool Reduces(in Risk before, in Risk after)
    {
        if (before.Maintenance == 0 || after.Maintenance == 0)
        {
            return before.Maintenance == 0 && after.Maintenance == 0 && after.EquityLow > before.EquityLow;
        }

        return after.Maintenance <= before.Maintenance
            && Arithmetic.CompareProducts(
                after.EquityLow, before.Maintenance, before.EquityLow, after.Maintenance) >= 0;
    }
}
