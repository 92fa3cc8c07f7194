using System;
using AppChain.Margin;
using NUnit.Framework;

namespace AppChain.StateMachine.Tests.Oracle;

/// <summary>
/// ORACLE-5, ORACLE-9 and ORACLE-12: integer roots, exponentials and averages against floating point.
/// </summary>
public sealed class VolatilityTests
{
    private const long Second = 1_000_000_000;

    [Test]
    [Property("Spec", "MARK-3")]
    public void The_exponential_is_within_its_documented_error()
    {
        var random = new Random(21);
        for (int i = 0; i < 100_000; i++)
        {
            long tau = random.NextInt64(1, 1L << random.Next(1, 43));
            long elapsed = (long)(tau * random.NextDouble() * (random.Next(2) == 0 ? 1 : 21));
            double exact = Math.Exp(-(double)elapsed / tau);
            Assert.That(Decay.Factor(elapsed, tau) / Math.Pow(2, 32), Is.EqualTo(exact).Within(Math.Pow(2, -28)));
        }

        Assert.That(Decay.Factor(0, 1), Is.EqualTo(1L << Decay.Bits));
    }

    [Test]
    [Property("Spec", "MARK-3")]
    public void The_exponential_falls()
    {
        long last = 1L << Decay.Bits;
        for (long elapsed = 0; elapsed < 20 * 150 * Second; elapsed += Second / 7)
        {
            long factor = Decay.Factor(elapsed, 150 * Second);
            Assert.That(factor, Is.LessThanOrEqualTo(last + 1), "ROUNDING may lift it by one unit at a halving");
            last = factor;
        }
    }

    [Test]
    [Property("Spec", "ORACLE-5")]
    public void Width_is_the_root_of_squares_and_never_shrinks_with_age()
    {
        var random = new Random(22);
        for (int i = 0; i < 20_000; i++)
        {
            long price = random.NextInt64(1, 1L << random.Next(1, 41));
            long confidence = random.NextInt64((price / 10) + 1);
            long variance = random.NextInt64(1_000, OracleRules.VarianceMax + 1);
            long age = random.NextInt64(120 * Second);
            double drift = price * 1e-6 * Math.Sqrt(variance * 4 * (age / 1e9));
            double exact = Math.Min(price, Math.Sqrt(((double)confidence * confidence) + (drift * drift)));
            long width = Volatility.Width(price, confidence, age, variance, 4);
            Assert.That(width, Is.EqualTo(exact).Within(2.01 + (price * 2e-9)));
            Assert.That(width, Is.GreaterThanOrEqualTo(confidence));
            long older = Volatility.Width(price, confidence, age + random.NextInt64(5 * Second), variance, 4);
            Assert.That(older, Is.GreaterThanOrEqualTo(width));
        }

        Assert.That(Volatility.Width(100, 7, -Second, 30_000, 4), Is.EqualTo(7));
    }

    [Test]
    [Property("Spec", "ORACLE-5")]
    public void Extremes_do_not_overflow()
    {
        foreach (long price in new[] { 1L, Limits.PriceMax })
        {
            foreach (long age in new[] { long.MinValue, 0, 1, long.MaxValue })
            {
                Assert.That(Volatility.Width(price, price, age, OracleRules.VarianceMax, 16), Is.EqualTo(price));
                Assert.That(Volatility.MoveBound(price, age, OracleRules.VarianceMax), Is.InRange(1, Limits.PriceMax));
                Assert.That(
                    Volatility.Next(OracleRules.VarianceMax, price, Limits.PriceMax + 1 - price, age),
                    Is.InRange((Int128)OracleRules.VarianceMin, (Int128)OracleRules.VarianceMax));
            }
        }
    }

    [Test]
    [Property("Spec", "ORACLE-9")]
    public void The_move_bound_is_four_sigma_and_a_tenth_of_a_percent()
    {
        // σ = 173 ppm per √s: in 4 s 4 × 173 × 2 ppm = 0.1386 %, and 0.1 %.
        Assert.That(Volatility.MoveBound(1_000_000, 4 * Second, 30_000), Is.EqualTo(2_385).Within(1));
        Assert.That(Volatility.MoveBound(1, Second, 30_000), Is.EqualTo(1));
    }

    [Test]
    [Property("Spec", "ORACLE-12")]
    public void The_variance_follows_a_floating_point_twin()
    {
        var random = new Random(23);
        Int128 variance = OracleRules.VarianceInitial;
        double twin = OracleRules.VarianceInitial;
        long price = 10_000_000;
        for (int i = 0; i < 20_000; i++)
        {
            long elapsed = random.NextInt64(Second / 10, 3 * Second);
            double noise = (random.NextDouble() + random.NextDouble() + random.NextDouble() - 1.5) * 2;
            long next = Math.Max(1, price + (long)(price * noise * 4e-4 * Math.Sqrt(elapsed / 1e9)));
            double square = (next - price) / (double)price * 1e6;
            double sample = Math.Min(square * square / (elapsed / 1e9), 36 * twin);
            double kept = Math.Exp(-elapsed / 3.6e12);
            twin = (twin * kept) + (sample * (1 - kept));
            variance = Volatility.Next(variance, price, next, elapsed);
            price = next;
        }

        Assert.That(twin, Is.GreaterThan(100_000), "the twin has moved far from where it began");
        Assert.That((double)variance, Is.EqualTo(twin).Within(0.01).Percent.Or.EqualTo(twin).Within(5_000));
    }

    [Test]
    [Property("Spec", "ORACLE-12")]
    public void One_print_moves_the_variance_by_at_most_35_times_its_share()
    {
        Int128 after = Volatility.Next(30_000, 1_000_000, 2_000_000, Second);
        Assert.That((double)after, Is.EqualTo(30_000 * (1 + (35 / 3_600.0))).Within(2));
        Assert.That(Volatility.Next(30_000, 1_000_000, 2_000_000, 0), Is.EqualTo((Int128)30_000));
    }
}
