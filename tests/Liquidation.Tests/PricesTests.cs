using System;
using System.Numerics;
using AppChain.Margin;
using NUnit.Framework;

namespace AppChain.Liquidation.Tests;

/// <summary>LIQ-5 to LIQ-7: bankruptcy price, fillable price, slice, and the fund's share.</summary>
[TestFixture]
public sealed class PricesTests
{
    [TestCase(10, 1_000, 200, 980)]
    [TestCase(10, 1_000, 0, 1_000)]
    [TestCase(10, 1_000, -200, 1_020)]
    [TestCase(-10, 1_000, 200, 1_020)]
    [TestCase(-10, 1_000, -200, 980)]
    [TestCase(10, 1_000, 205, 980)]
    [TestCase(-10, 1_000, 205, 1_020)]
    [TestCase(10, 1_000, -205, 1_021)]
    [TestCase(-10, 1_000, -205, 979)]
    public void Bankruptcy_price_of_an_only_position(long size, long mark, long equity, long price) =>
        Assert.That(BankruptcyPrice.Of(Markets.Of(), size, mark, equity, 500, 500), Is.EqualTo(price));

    [Test]
    public void Equity_is_shared_by_maintenance_margin() =>
        Assert.That(BankruptcyPrice.Of(Markets.Of(), 10, 1_000, 200, 100, 400), Is.EqualTo(995));

    [Test]
    public void Bankruptcy_price_stays_a_price()
    {
        Assert.That(BankruptcyPrice.Of(Markets.Of(), 1, 10, 100, 1, 1), Is.EqualTo(1));
        Assert.That(BankruptcyPrice.Of(Markets.Of(), -1, 10, Limits.PriceMax, 1, 1), Is.EqualTo(Limits.PriceMax));
    }

    [Test]
    public void Closing_everything_at_bankruptcy_leaves_no_debt_and_less_than_a_tick_per_lot([Range(1, 20)] int seed)
    {
        var random = new Random(seed);
        for (int run = 0; run < 200; run++)
        {
            int count = random.Next(1, 6);
            var market = new MarketParameters[count];
            var sizes = new long[count];
            var marks = new long[count];
            var margins = new Int128[count];
            Int128 total = 0;
            for (int i = 0; i < count; i++)
            {
                market[i] = Markets.Of(random.Next(1, 500_000), 1L << random.Next(0, 10));
                sizes[i] = (random.Next(2) * 2 - 1) * (1 + Markets.Long(random, 20));
                marks[i] = (1L << 34) + Markets.Long(random, 30);
                margins[i] = Requirement.Maintenance(market[i], market[i].Notional(marks[i], Math.Abs(sizes[i])));
                total += margins[i];
            }

            // From bankrupt by as much as the margin to just below maintenance margin.
            Int128 equity = Arithmetic.MulDivFloor(total, random.Next(0, 2_000_000), 1_000_000) - total;
            Int128 left = equity;
            Int128 tickEach = 0;
            for (int i = 0; i < count; i++)
            {
                long price = BankruptcyPrice.Of(market[i], sizes[i], marks[i], equity, margins[i], total);
                left += market[i].Notional(price - marks[i], sizes[i]);
                tickEach += (Int128)Math.Abs(sizes[i]) * market[i].TickLotValue;
            }

            Assert.That(left, Is.GreaterThanOrEqualTo((Int128)0));
            Assert.That(left, Is.LessThanOrEqualTo(tickEach + count));
        }
    }

    [Test]
    public void The_last_position_closed_at_bankruptcy_never_leaves_a_debt([Range(1, 10)] int seed)
    {
        var random = new Random(seed);
        for (int run = 0; run < 1_000; run++)
        {
            MarketParameters market = Markets.Of(50_000, 1L << random.Next(0, 10));
            long size = (random.Next(2) * 2 - 1) * (1 + Markets.Long(random, 30));
            long mark = (1L << 30) + Markets.Long(random, 30);
            Int128 margin = Requirement.Maintenance(market, market.Notional(mark, Math.Abs(size)));
            Int128 equity = Arithmetic.MulDivFloor(margin, random.Next(0, 3_000_000), 1_000_000) - (2 * margin);
            long price = BankruptcyPrice.Of(market, size, mark, equity, margin, margin);
            Int128 left = equity + market.Notional(price - mark, size);
            Assert.That(left, Is.InRange((Int128)0, ((Int128)Math.Abs(size) * market.TickLotValue) - 1));
        }
    }

    // Adjustment = 1 − equity / maintenance; price = mark ∓ adjustment × 1.5 × maintenance / lots.
    [TestCase(10, 500, 1_000)]
    [TestCase(10, 250, 962)]
    [TestCase(10, 0, 925)]
    [TestCase(10, -900, 925)]
    [TestCase(10, 600, 1_000)]
    [TestCase(-10, 250, 1_038)]
    [TestCase(-10, 0, 1_075)]
    public void Fillable_price_moves_away_with_the_depth_under_maintenance(long size, long equity, long price) =>
        Assert.That(FillablePrice.Of(Markets.Of(), size, 1_000, equity, 500, 500), Is.EqualTo(price));

    [Test]
    public void Fillable_price_equals_the_naive_one([Range(1, 5)] int seed)
    {
        var random = new Random(seed);
        for (int run = 0; run < 2_000; run++)
        {
            MarketParameters market = Markets.Of(50_000, 1L << random.Next(0, 20));
            long size = (random.Next(2) * 2 - 1) * (1 + Markets.Long(random, 39));
            long mark = 1 + Markets.Long(random, 39);
            Int128 margin = 1 + (Int128)Markets.Long(random, 60);
            Int128 total = margin + Markets.Long(random, 60);
            Int128 equity = total - Markets.Long(random, 61);
            BigInteger missing = BigInteger.Max(0, BigInteger.Min(total, (BigInteger)total - equity));
            BigInteger adjusted = -Markets.Floor(-missing * margin, total);
            BigInteger distance = -Markets.Floor(-adjusted * 3, (BigInteger)Math.Abs(size) * market.TickLotValue * 2);
            BigInteger price = size > 0 ? mark - distance : mark + distance;
            price = BigInteger.Max(1, BigInteger.Min(Limits.PriceMax, price));
            Assert.That((BigInteger)FillablePrice.Of(market, size, mark, equity, margin, total), Is.EqualTo(price));
        }
    }

    [TestCase(1, 1_000, 1)]
    [TestCase(2, 1_000, 1)]
    [TestCase(100, 1_000, 25)]
    [TestCase(-101, 1_000, 26)]
    [TestCase(3, 1_000, 1)]
    public void A_slice_is_the_whole_of_a_small_position_and_a_share_of_a_large_one(long size, long mark, long lots) =>
        Assert.That(Plan(size, mark, 0, 1_000_000).Lots, Is.EqualTo(lots));

    [TestCase(100, 0, 0, 1_000)]
    [TestCase(100, 0, 24, 1_000)]
    [TestCase(100, 0, 25, 999)]
    [TestCase(100, 0, 1_000_000, 925)]
    [TestCase(-100, 0, 25, 1_001)]
    [TestCase(-100, 0, 1_000_000, 1_075)]
    public void The_limit_is_no_further_beyond_bankruptcy_than_the_fund_can_pay(
        long size, long equity, long fund, long limit) =>
        Assert.That(Plan(size, 1_000, equity, fund).Limit, Is.EqualTo(limit));

    [Test]
    public void The_worst_fill_of_a_slice_never_costs_more_than_the_fund_has([Range(1, 5)] int seed)
    {
        var random = new Random(seed);
        for (int run = 0; run < 2_000; run++)
        {
            MarketParameters market = Markets.Of(50_000, 1L << random.Next(0, 20));
            long size = (random.Next(2) * 2 - 1) * (1 + Markets.Long(random, 30));
            long mark = 1 + Markets.Long(random, 39);
            var risk = new Risk(0)
            {
                Maintenance = Requirement.Maintenance(market, market.Notional(mark, Math.Abs(size))),
            };
            risk.Equity = risk.Maintenance - Markets.Long(random, 61);
            Int128 fund = Markets.Long(random, 61);
            LiquidationSlice slice = LiquidationSlice.Plan(market, size, mark, risk, risk.Maintenance, fund);
            Int128 worst = LiquidationSlice.FundShare(
                market, size, slice.Lots, market.Notional(slice.Limit, slice.Lots), slice.Bankruptcy);
            Assert.That(fund + worst, Is.GreaterThanOrEqualTo((Int128)0));
            Assert.That(slice.Lots, Is.InRange(1, Math.Abs(size)));
            Assert.That(slice.Limit, Is.InRange(1, Limits.PriceMax));
        }
    }

    // Sold 10 lots for this notional at bankruptcy price 980: worth 9,800; the fee is 1 % of the notional.
    [TestCase(10, 9_800, 0)]
    [TestCase(10, 9_850, 50)]
    [TestCase(10, 10_000, 100)]
    [TestCase(10, 9_000, -800)]
    [TestCase(-10, 9_000, 90)]
    [TestCase(-10, 9_760, 40)]
    [TestCase(-10, 10_000, -200)]
    public void The_fund_earns_the_surplus_up_to_the_fee_and_pays_the_deficit(long size, long notional, long share) =>
        Assert.That(LiquidationSlice.FundShare(Markets.Of(), size, 10, notional, 980), Is.EqualTo((Int128)share));

    private static LiquidationSlice Plan(long size, long mark, long equity, long fund)
    {
        MarketParameters market = Markets.Of();
        var risk = new Risk(equity)
        {
            Maintenance = Requirement.Maintenance(market, market.Notional(mark, Math.Abs(size))),
        };
        return LiquidationSlice.Plan(market, size, mark, risk, risk.Maintenance, fund);
    }
}
