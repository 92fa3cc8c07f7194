using System;
using System.Numerics;
using FsCheck.Fluent;
using NUnit.Framework;

namespace AppChain.Margin.Tests;

/// <summary>MARGIN-1, MARGIN-5 and MARGIN-9: equity, exposure, and the transition rule.</summary>
[TestFixture]
public sealed class RiskTests
{
    private static readonly MarketParameters s_market = Draw.Market(new MarginTier(0, 100_000, 50_000));

    private static Risk Of(
        long collateral, long size, long entry, Valuation valuation, long buys = 0, long sells = 0, long owed = 0)
    {
        var risk = new Risk(collateral);
        risk.Add(s_market, valuation, size, entry, owed, buys, sells, 0);
        return risk;
    }

    [Test]
    public void A_long_is_worth_least_at_the_low_end_of_the_interval()
    {
        Risk risk = Of(1_000, 10, 10_000, new Valuation(990, 1_000, 1_020));
        Assert.That(risk.Equity, Is.EqualTo((Int128)1_000));
        Assert.That(risk.EquityLow, Is.EqualTo((Int128)900));
        Assert.That(risk.EquityHigh, Is.EqualTo((Int128)1_200));
        Assert.That(risk.Initial, Is.EqualTo((Int128)1_000));
        Assert.That(risk.Maintenance, Is.EqualTo((Int128)500));
    }

    [Test]
    public void A_short_is_worth_least_at_the_high_end()
    {
        Risk risk = Of(1_000, -10, -10_000, new Valuation(990, 1_000, 1_020), owed: 7);
        Assert.That(risk.Equity, Is.EqualTo((Int128)993));
        Assert.That(risk.EquityLow, Is.EqualTo((Int128)793));
        Assert.That(risk.EquityHigh, Is.EqualTo((Int128)1_093));
    }

    [TestCase(10, 0, 0, 10)]
    [TestCase(10, 5, 0, 15)]
    [TestCase(10, 0, 5, 10)]
    [TestCase(10, 0, 20, 10)]
    [TestCase(10, 0, 25, 15)]
    [TestCase(10, 3, 25, 15)]
    [TestCase(-10, 3, 3, 13)]
    [TestCase(0, 3, 4, 4)]
    public void Open_orders_ask_for_margin_of_the_worse_side(long size, long buys, long sells, long exposure)
    {
        Risk risk = Of(0, size, size * 1_000, new Valuation(1_000, 1_000, 1_000), buys, sells);
        Assert.That(risk.InitialWithOrders, Is.EqualTo((Int128)exposure * 100));
        Assert.That(risk.Initial, Is.EqualTo((Int128)Math.Abs(size) * 100));
    }

    [TestCase(499, true)]
    [TestCase(500, false)]
    public void An_account_is_liquidatable_strictly_below_maintenance_margin(long collateral, bool liquidatable) =>
        Assert.That(
            Of(collateral, 10, 10_000, new Valuation(1_000, 1_000, 1_000)).IsLiquidatable, Is.EqualTo(liquidatable));

    [Test]
    public void Nobody_is_liquidated_inside_the_interval_of_the_price() =>
        Assert.That(Of(400, 10, 10_000, new Valuation(980, 1_000, 1_010)).IsLiquidatable, Is.False);

    [Test]
    public void A_debt_without_positions_is_not_liquidatable() => Assert.That(new Risk(-5).IsLiquidatable, Is.False);

    [TestCase(80, 100, 80, 100, true, TestName = "Nothing changed")]
    [TestCase(80, 100, 40, 50, true, TestName = "Half of it closed at mark")]
    [TestCase(80, 100, 39, 50, false, TestName = "Closed at a loss that outweighs the relief")]
    [TestCase(80, 100, 90, 101, false, TestName = "More maintenance margin, even with more equity per unit")]
    [TestCase(-80, 100, -40, 50, true, TestName = "Debt per margin kept")]
    [TestCase(-80, 100, -50, 50, false, TestName = "Debt per margin grew")]
    [TestCase(-80, 100, -10, 0, false, TestName = "Closing out into a debt")]
    [TestCase(-80, 0, -70, 0, true, TestName = "Paying back without positions")]
    [TestCase(-80, 0, -80, 0, false, TestName = "No positions and nothing paid back")]
    [TestCase(80, 0, 80, 100, false, TestName = "Opening")]
    public void Transition_rule(long equityBefore, long marginBefore, long equityAfter, long marginAfter, bool allowed)
    {
        var before = new Risk(equityBefore) { Maintenance = marginBefore };
        var after = new Risk(equityAfter) { Maintenance = marginAfter };
        Assert.That(Risk.Reduces(before, after), Is.EqualTo(allowed));
    }

    [Test]
    public void The_transition_rule_equals_the_exact_comparison_of_ratios() => Draw.Check(
        from equityBefore in Draw.Integer(120)
        from marginBefore in Draw.Natural(120)
        from equityAfter in Draw.Integer(120)
        from marginAfter in Draw.Natural(120)
        select (equityBefore, marginBefore: marginBefore + 1, equityAfter, marginAfter: marginAfter + 1),
        static x =>
        {
            var before = new Risk(x.equityBefore) { Maintenance = x.marginBefore };
            var after = new Risk(x.equityAfter) { Maintenance = x.marginAfter };
            bool better = (BigInteger)x.equityAfter * x.marginBefore >= (BigInteger)x.equityBefore * x.marginAfter;
            Assert.That(Risk.Reduces(before, after), Is.EqualTo(better && x.marginAfter <= x.marginBefore));
        },
        2_000);

    [Test]
    public void Closing_part_at_mark_without_a_fee_always_reduces_risk() => Draw.Check(
        from size in Draw.Long(2, 1_000_000)
        from part in Draw.Long(1, 1_000_000)
        from mark in Draw.Long(1, 10_000_000)
        from entryPrice in Draw.Long(1, 10_000_000)
        from collateral in Draw.Long(0, 100_000_000_000)
        from isShort in Gen.Elements(true, false)
        select (size: isShort ? -size : size, part: Math.Min(part, size - 1), mark, entryPrice, collateral),
        static x =>
        {
            var valuation = new Valuation(x.mark, x.mark, x.mark);
            Int128 entry = (Int128)x.size * x.entryPrice;
            var before = new Risk(x.collateral);
            before.Add(s_market, valuation, x.size, entry, 0, 0, 0, 0);
            long size = x.size;
            Int128 entryAfter = entry;
            Int128 realised = PositionChange.Apply(
                ref size, ref entryAfter, size > 0 ? -x.part : x.part, x.mark, s_market.TickLotValue);
            var after = new Risk(x.collateral + realised);
            after.Add(s_market, valuation, size, entryAfter, 0, 0, 0, 0);
            Assert.That(after.Equity, Is.EqualTo(before.Equity));
            Assert.That(before.Equity < 0 || Risk.Reduces(before, after), Is.True);
        });
}
