using System;
using System.Collections.Generic;
using AppChain.Margin;

namespace AppChain.Liquidation;

/// <summary>A position on the other side that could give way.</summary>
/// <param name="Account">The account, by number.</param>
/// <param name="Lots">Lots it holds, &gt; 0, without sign.</param>
/// <param name="Equity">Equity of the account at mark, micro-USD, &gt; 0.</param>
public readonly record struct DeleveragingCandidate(int Account, long Lots, Int128 Equity);

/// <summary>Lots taken from one candidate.</summary>
/// <param name="Account">The account, by number.</param>
/// <param name="Lots">Lots to close, &gt; 0.</param>
public readonly record struct DeleveragingCut(int Account, long Lots);

/// <summary>
/// Auto-deleveraging by water-filling: the most leveraged are cut down to a common leverage until exactly the residual
/// is covered. Splitting an account gains nothing, the order of the candidates does not matter, and nobody is cut
/// below the level that everybody above it is cut to (Campbell, Hey, Moallemi, Nutz 2026; docs/spec/liquidation.md).
/// </summary>
public static class Deleveraging
{
    /// <summary>
    /// Shares <paramref name="needed"/> lots among the candidates: with lots n and equity e, everybody above the level
    /// L at which Σ max(0, n − L e) = needed is cut to it. The cuts add up to min(needed, Σ n) exactly. ROUNDING: each
    /// cut down to a lot; the lots left over go to the largest remainders, then to the lowest accounts.
    /// </summary>
    public static List<DeleveragingCut> WaterFill(IReadOnlyList<DeleveragingCandidate> candidates, long needed)
    {
        Invariant.Assert(needed > 0);
        var sorted = new List<DeleveragingCandidate>(candidates);

        // ORDER: leverage descending, then account number: a total order of distinct accounts.
        sorted.Sort(static (left, right) =>
        {
            int byLeverage = Arithmetic.CompareProducts(right.Lots, left.Equity, left.Lots, right.Equity);
            return byLeverage != 0 ? byLeverage : left.Account.CompareTo(right.Account);
        });

        Int128 lots = 0;
        Int128 equity = 0;
        int count = 0;
        // BOUND: one step per candidate. Stops when the level of those taken in is above the next one's leverage.
        while (count < sorted.Count)
        {
            DeleveragingCandidate next = sorted[count];
            if (lots - needed >= 0 && Arithmetic.CompareProducts(lots - needed, next.Equity, next.Lots, equity) >= 0)
            {
                break;
            }

            lots += next.Lots;
            equity += next.Equity;
            count++;
        }

        return lots <= needed ? All(sorted) : Cut(sorted, count, lots - needed, equity, needed);
    }

    private static List<DeleveragingCut> All(List<DeleveragingCandidate> sorted)
    {
        var cuts = new List<DeleveragingCut>(sorted.Count);
        foreach (DeleveragingCandidate candidate in sorted)
        {
            cuts.Add(new DeleveragingCut(candidate.Account, candidate.Lots));
        }

        return cuts;
    }

    // The level is kept / equity: candidate i keeps e_i × kept / equity lots.
    private static List<DeleveragingCut> Cut(
        List<DeleveragingCandidate> sorted, int count, Int128 kept, Int128 equity, long needed)
    {
        var lots = new long[count];
        var remainders = new Int128[count];
        Int128 total = 0;
        for (int i = 0; i < count; i++)
        {
            // ROUNDING: what stays is rounded up, so each cut is rounded down to a lot; left-over lots follow below.
            Int128 stays = Arithmetic.MulDivCeil(sorted[i].Equity, kept, equity);
            Int128 cut = Arithmetic.Clamp(sorted[i].Lots - stays, 0, sorted[i].Lots);
            lots[i] = (long)cut;
            remainders[i] = Fraction(stays, sorted[i].Equity, kept, equity);
            total += cut;
        }

        ShareLeftOver(sorted, lots, remainders, (long)(needed - total));
        var cuts = new List<DeleveragingCut>(count);
        for (int i = 0; i < count; i++)
        {
            if (lots[i] > 0)
            {
                cuts.Add(new DeleveragingCut(sorted[i].Account, lots[i]));
            }
        }

        return cuts;
    }

    // How much the rounding kept too much, in 2^-20 lots: the largest are served first.
    private static Int128 Fraction(Int128 stays, Int128 share, Int128 kept, Int128 equity)
    {
        const long one = 1L << 20;
        return (stays * one) - Arithmetic.MulDivFloor(share * one, kept, equity);
    }

    private static void ShareLeftOver(
        List<DeleveragingCandidate> sorted, long[] lots, Int128[] remainders, long leftOver)
    {
        Invariant.Assert(leftOver >= 0);
        Invariant.Assert(leftOver <= lots.Length);
        var order = new int[lots.Length];
        for (int i = 0; i < order.Length; i++)
        {
            order[i] = i;
        }

        // ORDER: largest remainder, then account number.
        Array.Sort(order, (left, right) =>
        {
            int byRemainder = remainders[right].CompareTo(remainders[left]);
            return byRemainder != 0 ? byRemainder : sorted[left].Account.CompareTo(sorted[right].Account);
        });
        // BOUND: every pass serves at least one lot, or there is nothing left to take.
        while (leftOver > 0)
        {
            long before = leftOver;
            for (int i = 0; i < order.Length && leftOver > 0; i++)
            {
                int index = order[i];
                if (lots[index] < sorted[index].Lots)
                {
                    lots[index]++;
                    leftOver--;
                }
            }

            Invariant.Assert(leftOver < before);
        }
    }
}
