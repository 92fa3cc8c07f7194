using System;
using System.Collections.Generic;
using System.Linq;
using FsCheck.Fluent;
using NUnit.Framework;

namespace AppChain.Margin.Tests;

/// <summary>MARGIN-6 and MARGIN-7: fills, realised profit, fees.</summary>
[TestFixture]
public sealed class PositionChangeTests
{
    [TestCase(0, 0, 10, 100, 10, 1_000, 0, TestName = "Opening pays the notional")]
    [TestCase(10, 1_000, 5, 130, 15, 1_650, 0, TestName = "Adding pays the notional")]
    [TestCase(10, 1_000, -4, 130, 6, 600, 120, TestName = "Reducing a long realises its share")]
    [TestCase(-10, -1_000, 4, 130, -6, -600, -120, TestName = "Reducing a short realises its share")]
    [TestCase(10, 1_000, -10, 90, 0, 0, -100, TestName = "Closing realises all")]
    [TestCase(10, 1_000, -15, 90, -5, -450, -100, TestName = "Crossing zero closes all and opens the rest")]
    [TestCase(-10, -1_000, 15, 90, 5, 450, 100, TestName = "Crossing zero from below")]
    [TestCase(3, 100, -1, 50, 2, 67, 17, TestName = "The released entry of a long rounds down")]
    [TestCase(-3, -100, 1, 50, -2, -66, -16, TestName = "The released entry of a short rounds down")]
    public void Fills(long size, long entry, long signed, long price, long sizeAfter, long entryAfter, long realised)
    {
        Int128 notional = entry;
        Int128 profit = PositionChange.Apply(ref size, ref notional, signed, price, 1);
        Assert.That(size, Is.EqualTo(sizeAfter));
        Assert.That(notional, Is.EqualTo((Int128)entryAfter));
        Assert.That(profit, Is.EqualTo((Int128)realised));
    }

    [Test]
    public void No_unit_appears_or_vanishes_over_any_sequence_of_fills() => Draw.Check(
        from fills in Gen.ListOf(Fill())
        from tickLot in Draw.Long(1, Limits.TickLotValueMax)
        select (fills, tickLot),
        static x =>
        {
            long size = 0;
            Int128 entry = 0;
            Int128 collateral = 0;
            Int128 expectedSize = 0;
            foreach ((long lots, long price) in x.fills)
            {
                if (lots == 0 || Int128.Abs(size + lots) > Limits.QuantityMax)
                {
                    continue;
                }

                Int128 before = collateral - entry;
                collateral += PositionChange.Apply(ref size, ref entry, lots, price, x.tickLot);
                expectedSize += lots;
                Assert.That(collateral - entry - before, Is.EqualTo(-(Int128)price * lots * x.tickLot));
                Assert.That((Int128)size, Is.EqualTo(expectedSize));
                Assert.That(size != 0 || entry == 0, Is.True, "a closed position has no entry notional");
                Assert.That(entry == 0 || (entry > 0) == (size > 0), Is.True, "entry notional is signed like the size");
            }
        },
        300);

    [Test]
    public void The_two_sides_of_every_fill_cancel() => Draw.Check(
        Gen.ListOf(Fill()),
        static fills =>
        {
            var sizes = new long[3];
            var entries = new Int128[3];
            var collateral = new Int128[3];
            int turn = 0;
            foreach ((long lots, long price) in fills)
            {
                turn++;
                int taker = turn % 3;
                int maker = (turn + 1 + (turn % 2)) % 3;
                if (lots == 0
                    || Math.Abs(sizes[taker] + lots) > Limits.QuantityMax
                    || Math.Abs(sizes[maker] - lots) > Limits.QuantityMax)
                {
                    continue;
                }

                collateral[taker] += PositionChange.Apply(ref sizes[taker], ref entries[taker], lots, price, 10);
                collateral[maker] += PositionChange.Apply(ref sizes[maker], ref entries[maker], -lots, price, 10);
            }

            Int128 claims = 0;
            for (int i = 0; i < 3; i++)
            {
                claims += collateral[i] - entries[i];
            }

            Assert.That(sizes.Sum(), Is.Zero);
            Assert.That(claims, Is.EqualTo((Int128)0));
        },
        300);

    [Test]
    public void The_largest_position_closes_in_parts()
    {
        long size = Limits.QuantityMax;
        Int128 entry = (Int128)Limits.PriceMax * Limits.QuantityMax * Limits.TickLotValueMax;
        Int128 profit = PositionChange.Apply(ref size, ref entry, -(Limits.QuantityMax - 1), 1, Limits.TickLotValueMax);
        Assert.That(size, Is.EqualTo(1));
        Assert.That(entry, Is.EqualTo((Int128)Limits.PriceMax * Limits.TickLotValueMax));
        Assert.That(
            profit, Is.EqualTo((Int128)(1 - Limits.PriceMax) * (Limits.QuantityMax - 1) * Limits.TickLotValueMax));
    }

    [TestCase(1_000_000, 500, 500)]
    [TestCase(1_000_001, 500, 501)]
    [TestCase(1_000_000, -100, -100)]
    [TestCase(1_009_999, -100, -100)]
    [TestCase(9_999, -100, 0)]
    [TestCase(0, 500, 0)]
    public void A_fee_rounds_up_and_a_rebate_toward_zero(long notional, int ppm, long fee) =>
        Assert.That(Fees.Of(notional, ppm), Is.EqualTo((Int128)fee));

    [Test]
    public void A_rebate_is_never_more_than_the_takers_fee() => Draw.Check(
        from notional in Draw.Natural(101)
        from taker in Gen.Choose(0, 10_000)
        from rebate in Gen.Choose(0, 10_000)
        select (notional, taker, rebate: Math.Min(rebate, taker)),
        static x => Assert.That(
            Fees.Of(x.notional, x.taker) + Fees.Of(x.notional, -x.rebate), Is.GreaterThanOrEqualTo((Int128)0)));

    private static FsCheck.Gen<(long Lots, long Price)> Fill() =>
        from lots in Draw.Integer(40)
        from price in Draw.Long(1, Limits.PriceMax)
        select ((long)lots, price);
}
