using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using AppChain.Margin;
using NUnit.Framework;

namespace AppChain.StateMachine.Tests.Liquidations;

/// <summary>LIQ-2 to LIQ-12 through whole blocks; every row is checked after each of them.</summary>
[TestFixture]
public sealed class LiquidationTests
{
    private const long Usd = 1_000_000;

    /// <summary>
    /// Alice is long 90 at 1,000 with 10,000 USD of collateral, against dave; a tick and a lot are one USD.
    /// </summary>
    private static TestChain AliceLong(long insurance = 0, bool sliced = false, params (string, long)[] more)
    {
        var accounts = new List<(string, long)>
        {
            ("alice", 10_000),
            ("bob", 100_000),
            ("carol", 10_000),
            ("dave", 100_000),
        };
        accounts.AddRange(more);
        var chain = new TestChain(TestMarkets.Genesis(accounts, [Market(1, sliced), Market(2, sliced)], insurance));
        chain.Step();
        chain.Price(1, 1_000);
        chain.Price(2, 1_000);
        chain.Step();
        chain.Run("dave", Ops.Sell(90, 1_000));
        Assert.That(chain.Run("alice", Ops.Buy(90, 1_000)).Operations[0].Filled, Is.EqualTo(90));
        return chain;
    }

    private static MarketParameters Market(uint id, bool sliced)
    {
        MarketParameters simple = TestMarkets.Simple(id);
        return new MarketParameters
        {
            MarketId = id,
            Ticker = simple.Ticker,
            PriceDecimals = 0,
            QuantityDecimals = 0,
            TickLotValue = simple.TickLotValue,
            Tiers = simple.Tiers,
            OpenInterestScaleLower = 0,
            OpenInterestScaleUpper = 0,
            MakerFeePpm = 0,
            TakerFeePpm = 0,
            PositionLimit = simple.PositionLimit,
            OpenInterestCap = simple.OpenInterestCap,
            PriceBandPpm = simple.PriceBandPpm,
            ImpactNotional = simple.ImpactNotional,
            FundingCapPpm = simple.FundingCapPpm,
            LiquidationFeePpm = simple.LiquidationFeePpm,
            LiquidationWholeNotional = sliced ? 10_000 * Usd : simple.LiquidationWholeNotional,
            LiquidationSlicePpm = simple.LiquidationSlicePpm,
        };
    }

    private static BlockResult DropTo(TestChain chain, long price)
    {
        chain.Price(1, price);
        return chain.Step();
    }

    private static ExchangeEvent[] Of(BlockResult block, EventKind kind) =>
        block.Events.Where(e => e.Kind == kind).ToArray();

    private static ExchangeEvent One(BlockResult block, EventKind kind) => block.Events.Single(e => e.Kind == kind);

    private static long Lots(BlockResult block, EventKind kind) => Of(block, kind).Sum(e => e.Quantity);

    [Test]
    public void Orders_of_the_account_are_cancelled_before_anything_is_sold()
    {
        TestChain chain = AliceLong();
        chain.Run("alice", Ops.Buy(5, 800), Ops.Buy(1, 900, market: 2));
        BlockResult block = DropTo(chain, 900);
        List<EventKind> kinds = block.Events.Select(e => e.Kind).ToList();
        ExchangeEvent[] closed = Of(block, EventKind.OrderClosed);
        Assert.That(
            closed.Select(e => (CloseReason)e.Reason),
            Is.EqualTo(new[] { CloseReason.Liquidation, CloseReason.Liquidation }));
        Assert.That(kinds.IndexOf(EventKind.LiquidationOpened), Is.LessThan(kinds.IndexOf(EventKind.OrderClosed)));
        Assert.That(kinds.LastIndexOf(EventKind.OrderClosed), Is.LessThan(kinds.IndexOf(EventKind.LiquidationSlice)));
    }

    [Test]
    public void A_large_position_is_sold_in_slices_until_the_account_is_above_maintenance()
    {
        TestChain chain = AliceLong(sliced: true);
        chain.Run("bob", Ops.Buy(1_000, 930));
        BlockResult block = DropTo(chain, 930);
        Assert.That(Lots(block, EventKind.LiquidationSlice), Is.EqualTo(23));
        Assert.That((long)One(block, EventKind.LiquidationSlice).Amount2, Is.EqualTo(23));
        Assert.That(Of(block, EventKind.Deleveraging), Is.Empty);
        Assert.That(Of(block, EventKind.LiquidationClosed), Has.Length.EqualTo(1));
        Assert.That(Of(chain.Step(), EventKind.LiquidationSlice), Is.Empty);
    }

    [Test]
    public void A_position_that_stays_below_maintenance_gets_one_slice_a_block()
    {
        TestChain chain = AliceLong(sliced: true);
        chain.Run("bob", Ops.Buy(1_000, 892));
        long left = 90;
        int blocks = 0;
        BlockResult block = DropTo(chain, 892);
        while (Of(block, EventKind.LiquidationClosed).Length == 0 && blocks < 20)
        {
            ExchangeEvent slice = One(block, EventKind.LiquidationSlice);
            Assert.That(slice.Quantity, Is.EqualTo(left * 900 <= 10_000 ? left : (left + 3) / 4));
            left -= (long)slice.Amount2;
            blocks++;
            block = chain.Step();
        }

        Assert.That(blocks, Is.GreaterThan(2));
        Assert.That(left, Is.LessThan(90));
    }

    [Test]
    public void The_fund_earns_the_surplus_over_bankruptcy_up_to_the_fee()
    {
        TestChain chain = AliceLong(insurance: 7);
        chain.Run("bob", Ops.Buy(200, 915));
        BlockResult block = DropTo(chain, 920);
        ExchangeEvent slice = One(block, EventKind.LiquidationSlice);
        ExchangeEvent fund = One(block, EventKind.InsuranceFundChanged);
        long surplus = (915 - (long)slice.Amount) * 90 * Usd;
        long fee = 915 * 90 * Usd / 100;
        Assert.That(surplus, Is.GreaterThan(fee));
        Assert.That((long)fund.Amount, Is.EqualTo(fee));
        Assert.That((long)fund.Amount2, Is.EqualTo((7 * Usd) + fee));
        Assert.That(fund.Quantity, Is.EqualTo(90));
    }

    [Test]
    public void The_fund_pays_what_a_fill_is_short_of_bankruptcy()
    {
        TestChain chain = AliceLong(insurance: 1_000);
        chain.Run("bob", Ops.Buy(200, 884));
        BlockResult block = DropTo(chain, 880);
        ExchangeEvent slice = One(block, EventKind.LiquidationSlice);
        ExchangeEvent fund = One(block, EventKind.InsuranceFundChanged);
        long deficit = ((long)slice.Amount - 884) * 90 * Usd;
        Assert.That(deficit, Is.GreaterThan(0));
        Assert.That((long)fund.Amount, Is.EqualTo(-deficit));
        Assert.That(Of(block, EventKind.Deleveraging), Is.Empty);
        long left = (long)One(block, EventKind.LiquidationClosed).Amount;
        Assert.That(left, Is.InRange(0, (90 * Usd) - 1), "closed at bankruptcy, to the tick");
    }

    [Test]
    public void A_slice_never_sells_lower_than_the_fund_can_pay_for()
    {
        TestChain chain = AliceLong(insurance: 100);
        chain.Run("bob", Ops.Buy(200, 800));
        BlockResult block = DropTo(chain, 880);
        ExchangeEvent slice = One(block, EventKind.LiquidationSlice);
        Assert.That(slice.Price, Is.EqualTo((long)slice.Amount - 1), "100 USD buy one tick on 90 lots");
        Assert.That((long)slice.Amount2, Is.Zero);
    }

    [Test]
    public void A_bankrupt_account_that_the_fund_can_cover_loses_only_the_slice_that_the_book_left()
    {
        TestChain chain = AliceLong(insurance: 50_000, sliced: true);
        BlockResult block = DropTo(chain, 880);
        Assert.That(Lots(block, EventKind.LiquidationSlice), Is.EqualTo(23));
        Assert.That(Lots(block, EventKind.Deleveraging), Is.EqualTo(23));
        Assert.That(Of(block, EventKind.LiquidationClosed), Is.Empty);
    }

    // LIQ-5, LIQ-8, LIQ-10
    [Test]
    public void A_bankrupt_account_that_the_fund_cannot_cover_is_closed_whole_at_the_bankruptcy_price()
    {
        TestChain chain = AliceLong(insurance: 5, sliced: true);
        BlockResult block = DropTo(chain, 880);
        ExchangeEvent slice = One(block, EventKind.LiquidationSlice);
        ExchangeEvent cut = One(block, EventKind.Deleveraging);
        Assert.That(cut.Quantity, Is.EqualTo(90));
        Assert.That(cut.Price, Is.EqualTo((long)slice.Amount));
        Assert.That((long)One(block, EventKind.LiquidationClosed).Amount, Is.InRange(0, (90 * Usd) - 1));
        Assert.That(Of(block, EventKind.InsuranceFundChanged), Is.Empty);
    }

    [Test]
    public void While_equity_is_left_the_account_waits_for_the_book()
    {
        TestChain chain = AliceLong();
        BlockResult block = DropTo(chain, 920);
        Assert.That(Of(block, EventKind.LiquidationOpened), Has.Length.EqualTo(1));
        Assert.That(Of(block, EventKind.Deleveraging), Is.Empty);
        Assert.That(chain.Run("alice", Ops.Buy(1, 900)).Code, Is.EqualTo(ResultCode.InLiquidation));
        chain.Run("bob", Ops.Buy(200, 915));
        block = chain.Step();
        Assert.That((long)One(block, EventKind.LiquidationSlice).Amount2, Is.EqualTo(90));
    }

    [Test]
    public void Collateral_that_arrives_in_the_block_of_the_price_saves_the_account()
    {
        TestChain chain = AliceLong();
        chain.Add("dave", Ops.Transfer("alice", 5_000));
        BlockResult block = DropTo(chain, 920);
        Assert.That(block.Transactions[0].Code, Is.EqualTo(ResultCode.Ok));
        Assert.That(Of(block, EventKind.LiquidationOpened), Is.Empty);
    }

    [Test]
    public void A_recovering_price_closes_the_liquidation_without_a_sale()
    {
        TestChain chain = AliceLong();
        DropTo(chain, 920);
        BlockResult block = DropTo(chain, 1_000);
        Assert.That(Of(block, EventKind.LiquidationClosed), Has.Length.EqualTo(1));
        Assert.That(Of(block, EventKind.LiquidationSlice), Is.Empty);
    }

    [Test]
    public void A_price_that_grows_old_widens_until_it_liquidates_nobody()
    {
        TestChain chain = AliceLong();
        Assert.That(Of(DropTo(chain, 920), EventKind.LiquidationOpened), Has.Length.EqualTo(1));
        chain.Price(1, 0);
        chain.BlockSeconds = 600;
        BlockResult block = chain.Step();
        Assert.That(Of(block, EventKind.LiquidationSlice), Is.Empty);
        Assert.That(Of(block, EventKind.LiquidationClosed), Has.Length.EqualTo(1));
    }

    [Test]
    public void A_position_in_a_frozen_market_is_deferred_and_the_others_are_sold()
    {
        TestChain chain = AliceLong();
        chain.Run("dave", Ops.Sell(1, 1_000, market: 2));
        chain.Run("alice", Ops.Buy(1, 1_000, market: 2));
        chain.Price(2, 0);
        chain.BlockSeconds = 1_000;
        chain.Step();
        BlockResult block = DropTo(chain, 892);
        Assert.That(One(block, EventKind.LiquidationSlice).Market, Is.EqualTo(1));
        ExchangeEvent deferred = One(block, EventKind.LiquidationDeferred);
        Assert.That(deferred.Market, Is.EqualTo(2));
        Assert.That(deferred.Quantity, Is.EqualTo(1));
        Assert.That(deferred.Reason, Is.EqualTo(1), "the stage of the book");
    }

    [Test]
    public void The_most_leveraged_winners_give_way_first_and_all_of_it_is_covered()
    {
        var chain = new TestChain(TestMarkets.Genesis(
            [("alice", 10_000), ("bob", 100_000), ("carol", 10_000), ("dave", 5_000), ("erin", 1_000_000)],
            [Market(1, false), Market(2, false)]));
        chain.Step();
        chain.Price(1, 1_000);
        chain.Price(2, 1_000);
        chain.Step();

        // Shorts: carol 60, dave 40, erin 90. Longs: alice 90, bob 100.
        chain.Run("carol", Ops.Sell(60, 1_000));
        chain.Run("dave", Ops.Sell(40, 1_000));
        chain.Run("erin", Ops.Sell(90, 1_000));
        chain.Run("alice", Ops.Buy(90, 1_000));
        chain.Run("bob", Ops.Buy(100, 1_000));
        BlockResult block = DropTo(chain, 860);
        Dictionary<int, long> cuts = Of(block, EventKind.Deleveraging).ToDictionary(
            e => e.Counterparty, e => e.Quantity);
        Assert.That(cuts.Values.Sum(), Is.EqualTo(90));
        long[] leverages = Of(block, EventKind.Deleveraging).Select(e => (long)e.Amount).ToArray();
        Assert.That(leverages, Is.Ordered.Descending);
        Assert.That(cuts, Has.Count.EqualTo(2), "carol and dave are above the level, erin is not");
        Assert.That(
            Of(block, EventKind.LiquidationOpened), Has.Length.EqualTo(1), "no winner is cut below maintenance");
    }

    [Test]
    public void A_winner_is_never_cut_below_its_own_maintenance_margin()
    {
        // Carol wins 60 × 300 on market 1 and loses almost as much on market 2 in the same block.
        TestChain chain = AliceLong(0, false, ("erin", 100_000));
        chain.Run("carol", Ops.Sell(40, 1_000));
        chain.Run("erin", Ops.Buy(40, 1_000));
        chain.Run("dave", Ops.Sell(58, 1_000, market: 2));
        chain.Run("carol", Ops.Buy(58, 1_000, market: 2));
        chain.Price(2, 700);
        BlockResult block = DropTo(chain, 700);
        Assert.That(Lots(block, EventKind.Deleveraging), Is.EqualTo(90));
        Assert.That(Of(block, EventKind.Deleveraging), Has.Length.EqualTo(2));
        Assert.That(Of(block, EventKind.LiquidationOpened), Has.Length.EqualTo(1));
        Assert.That(Of(block, EventKind.Deleveraging).Min(e => e.Quantity), Is.LessThan(10), "carol can bear little");
    }

    // LIQ-3
    [Test]
    public void A_full_budget_starves_nobody()
    {
        // 700 small longs below maintenance and not bankrupt, more than the 512 turns of a pass, and no book to sell
        // to.
        var accounts = new List<(string, long)> { ("dave", 10_000_000) };
        for (int i = 0; i < 700; i++)
        {
            accounts.Add(("small" + i, 120));
        }

        var chain = new TestChain(TestMarkets.Genesis(accounts, [Market(1, false)]));
        chain.Exchange.CheckEveryRow = false;
        chain.Step();
        chain.Price(1, 1_000);
        chain.Step();
        chain.Run("dave", Ops.Sell(700, 1_000));
        for (int i = 0; i < 700; i++)
        {
            chain.Add("small" + i, Ops.Buy(1, 1_000));
        }

        chain.Step();
        chain.Exchange.CheckEveryRow = true;
        BlockResult first = DropTo(chain, 910);
        BlockResult second = chain.Step();
        Assert.That(Of(first, EventKind.LiquidationOpened), Has.Length.EqualTo(700));
        Assert.That(Of(first, EventKind.LiquidationSlice), Has.Length.EqualTo(512));
        HashSet<int> served = [.. Of(first, EventKind.LiquidationSlice).Select(e => e.Account)];
        served.UnionWith(Of(second, EventKind.LiquidationSlice).Select(e => e.Account));
        Assert.That(served, Has.Count.EqualTo(700));
    }
}
