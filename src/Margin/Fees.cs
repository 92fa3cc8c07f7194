using System;

namespace AppChain.Margin;

/// <summary>Fees of a fill.</summary>
public static class Fees
{
    /// <summary>
    /// The fee on a notional (≥ 0) in micro-USD; negative when the rate is a rebate. ROUNDING: up, so a fee is never
    /// short and a rebate never too much.
    /// </summary>
    public static Int128 Of(Int128 notional, int feePpm) => Arithmetic.PpmCeil(notional, feePpm);
}
