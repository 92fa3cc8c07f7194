using System;
using System.Numerics;
using FsCheck.Fluent;
using NUnit.Framework;

namespace AppChain.Margin.Tests;

/// <summary>The rounding divisions, 256-bit products and roots against BigInteger.</summary>
[TestFixture]
public sealed class ArithmeticTests
{
    [TestCase(7, 2, 3, 4)]
    [TestCase(-7, 2, -4, -3)]
    [TestCase(6, 2, 3, 3)]
    [TestCase(-6, 2, -3, -3)]
    [TestCase(0, 5, 0, 0)]
    [TestCase(1, long.MaxValue, 0, 1)]
    [TestCase(-1, long.MaxValue, -1, 0)]
    [TestCase(long.MinValue, 1, long.MinValue, long.MinValue)]
    [TestCase(long.MinValue, 2, long.MinValue / 2, long.MinValue / 2)]
    [TestCase(long.MaxValue, long.MaxValue, 1, 1)]
    public void Division_says_its_direction(long numerator, long denominator, long floor, long ceiling)
    {
        Assert.That(Arithmetic.DivFloor(numerator, denominator), Is.EqualTo(floor));
        Assert.That(Arithmetic.DivCeil(numerator, denominator), Is.EqualTo(ceiling));
        Assert.That(Arithmetic.DivFloor((Int128)numerator, denominator), Is.EqualTo((Int128)floor));
        Assert.That(Arithmetic.DivCeil((Int128)numerator, denominator), Is.EqualTo((Int128)ceiling));
    }

    [Test]
    public void Division_equals_the_naive_one() => Draw.Check(
        from numerator in Draw.Integer(127)
        from denominator in Draw.Natural(127)
        select (numerator, denominator),
        static pair =>
        {
            Int128 denominator = Int128.Max(1, pair.denominator);
            Assert.That(
                (BigInteger)Arithmetic.DivFloor(pair.numerator, denominator),
                Is.EqualTo(Draw.Floor(pair.numerator, denominator)));
            Assert.That(
                (BigInteger)Arithmetic.DivCeil(pair.numerator, denominator),
                Is.EqualTo(Draw.Ceiling(pair.numerator, denominator)));
        },
        2_000);

    [Test]
    public void Division_of_the_extremes()
    {
        Assert.That(Arithmetic.DivFloor(Int128.MinValue, 1), Is.EqualTo(Int128.MinValue));
        Assert.That(Arithmetic.DivCeil(Int128.MinValue, Int128.MaxValue), Is.EqualTo((Int128)(-1)));
        Assert.That(Arithmetic.DivFloor(Int128.MinValue, Int128.MaxValue), Is.EqualTo((Int128)(-2)));
        Assert.That(Arithmetic.DivCeil(Int128.MaxValue, 2), Is.EqualTo(Int128.One << 126));
    }

    [TestCase(0)]
    [TestCase(-1)]
    public void Division_by_nothing_positive_is_a_broken_belief(long denominator)
    {
        Assert.That(() => Arithmetic.DivFloor(1, denominator), Throws.TypeOf<InvariantException>());
        Assert.That(() => Arithmetic.DivCeil((Int128)1, denominator), Throws.TypeOf<InvariantException>());
    }

    [Test]
    public void Products_compare_as_in_BigInteger() => Draw.Check(
        from a in Draw.Integer(127)
        from b in Draw.Integer(127)
        from c in Draw.Integer(127)
        from d in Draw.Integer(127)
        from near in Gen.Choose(0, 3)
        select near switch
        {
            // Equal products, or products that differ in the last place only.
            0 => (a, b, c: b, d: a),
            1 => (a, b, c: a, d: b == Int128.MinValue ? b : b - 1),
            _ => (a, b, c, d),
        },
        static x => Assert.That(
            Arithmetic.CompareProducts(x.a, x.b, x.c, x.d),
            Is.EqualTo(((BigInteger)x.a * x.b).CompareTo((BigInteger)x.c * x.d))),
        5_000);

    [Test]
    public void Products_of_the_extremes_compare()
    {
        Int128 min = Int128.MinValue;
        Int128 max = Int128.MaxValue;
        Assert.That(Arithmetic.CompareProducts(min, min, max, max), Is.EqualTo(1));
        Assert.That(Arithmetic.CompareProducts(min, max, max, min), Is.Zero);
        Assert.That(Arithmetic.CompareProducts(min, max, min, min), Is.EqualTo(-1));
        Assert.That(Arithmetic.CompareProducts(0, min, max, 0), Is.Zero);
    }

    [Test]
    public void Multiply_and_divide_equals_the_naive_one() => Draw.Check(
        from a in Draw.Integer(127)
        from b in Draw.Natural(127)
        from c in Draw.Natural(127)
        select (a, b, c: Int128.Max(1, c)),
        static x =>
        {
            BigInteger floor = Draw.Floor((BigInteger)x.a * x.b, x.c);
            BigInteger ceiling = Draw.Ceiling((BigInteger)x.a * x.b, x.c);
            if (BigInteger.Abs(floor) >= Int128.MaxValue || BigInteger.Abs(ceiling) >= Int128.MaxValue)
            {
                return;
            }

            Assert.That((BigInteger)Arithmetic.MulDivFloor(x.a, x.b, x.c), Is.EqualTo(floor));
            Assert.That((BigInteger)Arithmetic.MulDivCeil(x.a, x.b, x.c), Is.EqualTo(ceiling));
        },
        5_000);

    [Test]
    public void A_quotient_that_does_not_fit_is_never_wrapped() => Assert.That(
        () => Arithmetic.MulDivFloor(Int128.MaxValue, Int128.MaxValue, 1),
        Throws.InstanceOf<InvariantException>().Or.InstanceOf<OverflowException>());

    [Test]
    public void The_root_is_the_largest_whole_number_whose_square_fits() => Draw.Check(
        Draw.Natural(127),
        static value =>
        {
            var root = (BigInteger)Arithmetic.SqrtFloor(value);
            Assert.That(root * root, Is.LessThanOrEqualTo((BigInteger)value));
            Assert.That((root + 1) * (root + 1), Is.GreaterThan((BigInteger)value));
        },
        2_000);

    [Test]
    public void The_root_of_the_extremes()
    {
        Assert.That(Arithmetic.SqrtFloor(0), Is.EqualTo((Int128)0));
        Assert.That(
            (BigInteger)Arithmetic.SqrtFloor(Int128.MaxValue), Is.EqualTo(BigInteger.Parse("13043817825332782212")));
        Assert.That(() => Arithmetic.SqrtFloor(-1), Throws.TypeOf<InvariantException>());
    }

    [Test]
    public void A_rate_of_an_amount_rounds_as_its_name_says() => Draw.Check(
        from amount in Draw.Integer(100)
        from ppm in Gen.Choose(-1_000_000, 1_000_000)
        select (amount, ppm),
        static x =>
        {
            BigInteger exact = (BigInteger)x.amount * x.ppm;
            Assert.That((BigInteger)Arithmetic.PpmFloor(x.amount, x.ppm), Is.EqualTo(Draw.Floor(exact, 1_000_000)));
            Assert.That((BigInteger)Arithmetic.PpmCeil(x.amount, x.ppm), Is.EqualTo(Draw.Ceiling(exact, 1_000_000)));
        });
}
