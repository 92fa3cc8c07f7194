using System;

namespace AppChain.Margin;

/// <summary>What a fill makes of a position.</summary>
public static class PositionChange
{
    /// <summary>
    /// Applies a fill of <paramref name="signedQuantity"/> lots (positive: bought) at <paramref name="price"/>; returns
    /// the realised profit in micro-USD, which belongs into the collateral. Realised profit − change of entry notional
    /// is exactly −signedQuantity × price × tickLotValue, so no unit appears or vanishes.
    /// </summary>
    public static Int128 Apply(
        ref long size, ref Int128 entryNotional, long signedQuantity, long price, long tickLotValue)
    {
        Invariant.Assert(signedQuantity != 0);
        Int128 paid = Arithmetic.Multiply(price, signedQuantity, tickLotValue);
        bool opens = size == 0 || (size > 0) == (signedQuantity > 0);
        if (opens)
        {
            size += signedQuantity;
            entryNotional += paid;
            return 0;
        }

        long closed = Math.Min(Math.Abs(signedQuantity), Math.Abs(size));
        long closedSigned = size > 0 ? closed : -closed;

        // ROUNDING: the entry notional released is rounded down, so realised profit is rounded up by less than one
        // micro-USD and unrealised profit down by the same: their sum is exact, nobody gains.
        Int128 released = closed == Math.Abs(size)
            ? entryNotional
            : Arithmetic.MulDivFloor(entryNotional, closed, Math.Abs(size));
        Int128 proceeds = Arithmetic.Multiply(price, closedSigned, tickLotValue);
        size -= closedSigned;
        entryNotional -= released;
        long opened = signedQuantity + closedSigned;
        if (opened != 0)
        {
            size = opened;
            entryNotional = Arithmetic.Multiply(price, opened, tickLotValue);
        }

        return proceeds - released;
    }
}
