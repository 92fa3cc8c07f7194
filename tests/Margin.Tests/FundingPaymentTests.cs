using System;
using System.Numerics;
using FsCheck.Fluent;
using NUnit.Framework;

namespace AppChain.Margin.Tests;

/// <summary>MARGIN-8: what a position owes for a move of the funding index.</summary>
[TestFixture]
public sealed class FundingPaymentTests
{
    private const long One = 1L << FundingPayment.ScaleBits;

    [TestCase(10, 3, 30)]
    [TestCase(-10, 3, -30)]
    [TestCase(10, -3, -30)]
    [TestCase(0, 3, 0)]
    public void Whole_units_are_paid_exactly(long size, long units, long owed)
    {
        Assert.That(FundingPayment.Owed(size, units * One, 0, out long dust), Is.EqualTo((Int128)owed));
        Assert.That(dust, Is.Zero);
    }

    [Test]
    public void A_fraction_is_paid_by_the_payer_and_kept_from_the_receiver()
    {
        Assert.That(FundingPayment.Owed(1, 1, 0, out long paid), Is.EqualTo((Int128)1));
        Assert.That(paid, Is.EqualTo(One - 1));
        Assert.That(FundingPayment.Owed(-1, 1, 0, out long kept), Is.EqualTo((Int128)0));
        Assert.That(kept, Is.EqualTo(1));
    }

    [Test]
    public void Rounding_is_up_and_the_dust_is_what_it_added() => Draw.Check(
        from size in Draw.Integer(40)
        from now in Draw.Integer(118)
        from then in Draw.Integer(118)
        select (size: (long)size, now, then),
        static x =>
        {
            BigInteger exact = ((BigInteger)x.now - x.then) * x.size;
            Int128 owed = FundingPayment.Owed(x.size, x.now, x.then, out long dust);
            Assert.That((BigInteger)owed, Is.EqualTo(Draw.Ceiling(exact, One)));
            Assert.That(((BigInteger)owed * One) - exact, Is.EqualTo((BigInteger)dust));
            Assert.That(dust, Is.InRange(0, One - 1));
        },
        2_000);

    [Test]
    public void The_payments_of_a_market_never_sum_below_zero() => Draw.Check(
        from lots in Gen.ArrayOf(Draw.Long(-1_000_000, 1_000_000), 6)
        from index in Draw.Integer(80)
        select (lots, index),
        static x =>
        {
            Int128 sum = 0;
            long net = 0;
            foreach (long lots in x.lots)
            {
                net += lots;
                sum += FundingPayment.Owed(lots, x.index, 0, out _);
            }

            sum += FundingPayment.Owed(-net, x.index, 0, out _);
            Assert.That(sum, Is.InRange((Int128)0, (Int128)x.lots.Length));
        });
}
