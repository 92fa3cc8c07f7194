using System.Linq;
using NUnit.Framework;

namespace AppChain.StateMachine.Tests;

/// <summary>Orders, fills, margin and liquidation through whole blocks, every row checked after each.</summary>
[TestFixture]
public sealed class TradingTests
{
    private static TestChain Chain(long insurance = 0, int makerFee = 0, int takerFee = 0) => new(TestMarkets.Genesis(
        [("alice", 10_000), ("bob", 10_000), ("carol", 10_000), ("dave", 100_000)],
        [TestMarkets.Simple(1, makerFee, takerFee), TestMarkets.Simple(2)],
        insurance));

    private static TestChain Live(long price, long insurance = 0, int makerFee = 0, int takerFee = 0)
    {
        TestChain chain = Chain(insurance, makerFee, takerFee);
        chain.Step();
        chain.Price(1, price);
        chain.Price(2, price);
        chain.Step();
        return chain;
    }

    [Test]
    public void Nothing_trades_before_the_first_price()
    {
        TestChain chain = Chain();
        Assert.That(chain.Run("alice", Ops.Buy(1, 50_000)).Code, Is.EqualTo(ResultCode.MarketFrozen));
    }

    [Test]
    public void A_resting_order_is_filled_by_a_crossing_one_at_the_makers_price()
    {
        TestChain chain = Live(1_000, makerFee: -100, takerFee: 500);
        TransactionResult maker = chain.Run("alice", Ops.Buy(10, 990));
        Assert.That(maker.Code, Is.EqualTo(ResultCode.Ok));
        Assert.That(maker.Operations[0].Filled, Is.Zero);
        chain.Add("bob", Ops.Sell(4, 980));
        BlockResult block = chain.Step();
        Assert.That(block.Transactions[0].Operations[0].Filled, Is.EqualTo(4));
        ExchangeEvent fill = block.Events.Single(e => e.Kind == EventKind.Fill);
        Assert.That(fill.Price, Is.EqualTo(990));
        Assert.That((long)fill.Amount, Is.EqualTo(1_980_000));
        Assert.That((long)fill.Amount2, Is.EqualTo(-396_000));
    }

    [Test]
    public void Price_time_priority_holds()
    {
        TestChain chain = Live(1_000);
        chain.Run("alice", Ops.Sell(1, 1_010));
        chain.Run("bob", Ops.Sell(1, 1_005));
        chain.Run("carol", Ops.Sell(1, 1_005));
        chain.Add("dave", Ops.Buy(3, 1_020));
        BlockResult block = chain.Step();
        long[] prices = block.Events.Where(e => e.Kind == EventKind.Fill).Select(e => e.Price).ToArray();
        ulong[] orders = block.Events.Where(e => e.Kind == EventKind.Fill).Select(e => e.OrderId).ToArray();
        Assert.That(prices, Is.EqualTo(new long[] { 1_005, 1_005, 1_010 }));
        Assert.That(orders, Is.EqualTo(new ulong[] { 2, 3, 1 }));
    }

    [Test]
    public void A_taker_that_would_end_below_initial_margin_is_cut_off_at_that_fill()
    {
        TestChain chain = Live(1_000);
        chain.Run("dave", Ops.Sell(50, 1_000), Ops.Sell(40, 1_000), Ops.Sell(30, 1_000));
        TransactionResult taken = chain.Run("alice", Ops.Buy(120, 1_000));
        Assert.That(taken.Operations[0].Filled, Is.EqualTo(90));
    }

    [Test]
    public void A_liquidation_happens_in_the_block_that_carries_the_price()
    {
        TestChain chain = Live(1_000, insurance: 1_000);
        chain.Run("dave", Ops.Sell(90, 1_000));
        chain.Run("alice", Ops.Buy(90, 1_000));
        chain.Run("bob", Ops.Buy(100, 915));
        chain.Price(1, 920);
        BlockResult block = chain.Step();
        ExchangeEvent oracle = block.Events.Single(e => e.Kind == EventKind.OracleUpdated && e.Market == 1);
        Assert.That(oracle.Price, Is.EqualTo(920));
        ExchangeEvent[] slices = block.Events.Where(e => e.Kind == EventKind.LiquidationSlice).ToArray();
        Assert.That(slices, Has.Length.EqualTo(1));
        Assert.That((long)slices[0].Amount2, Is.GreaterThan(0));
    }

    [Test]
    public void A_bankrupt_account_without_book_or_fund_is_deleveraged_exactly()
    {
        TestChain chain = Live(1_000);
        chain.Run("dave", Ops.Sell(90, 1_000));
        chain.Run("alice", Ops.Buy(90, 1_000));
        chain.Price(1, 700);
        BlockResult block = chain.Step();
        long cut = block.Events.Where(e => e.Kind == EventKind.Deleveraging).Sum(e => e.Quantity);
        Assert.That(cut, Is.EqualTo(90));
        Assert.That(block.Events.Any(e => e.Kind == EventKind.LiquidationClosed), Is.True);
    }

    [Test]
    public void Unrealised_profit_cannot_be_withdrawn()
    {
        TestChain chain = Live(1_000);
        chain.Run("dave", Ops.Sell(50, 1_000));
        chain.Run("alice", Ops.Buy(50, 1_000));
        chain.Price(1, 1_100);
        chain.Step();
        Assert.That(chain.Run("alice", Ops.Withdraw(10_001)).Code, Is.EqualTo(ResultCode.CollateralTooLow));
        Assert.That(chain.Run("alice", Ops.Withdraw(9_000)).Code, Is.EqualTo(ResultCode.Ok));
    }

    [Test]
    public void An_all_or_nothing_batch_leaves_nothing_behind_when_one_operation_fails()
    {
        TestChain chain = Live(1_000);
        byte[] before = chain.Exchange.AppHash;
        chain.Add("alice", true, 0, Ops.Buy(1, 990), Ops.Cancel(77));
        BlockResult block = chain.Step();
        Assert.That(block.Transactions[0].Code, Is.EqualTo(ResultCode.UnknownOrder));
        Assert.That(block.Transactions[0].Operations[0].Code, Is.EqualTo(ResultCode.RolledBack));
        Assert.That(block.Events.Any(e => e.Kind == EventKind.OrderOpened), Is.False);
        Assert.That(block.AppHash, Is.Not.EqualTo(before));
    }

    [TestCase(SelfTrade.CancelMaker, 1L, 0)]
    [TestCase(SelfTrade.CancelTaker, 0L, 1)]
    [TestCase(SelfTrade.CancelBoth, 0L, 0)]
    [TestCase(SelfTrade.Decrement, 0L, 1)]
    public void Self_trade_rules(SelfTrade rule, long restsOfTaker, int restsOfMaker)
    {
        TestChain chain = Live(1_000);
        long makerLots = rule == SelfTrade.Decrement ? 3 : 1;
        chain.Run("alice", Ops.Sell(makerLots, 1_000, clientId: 1));
        chain.Run("alice", Ops.Buy(1, 1_000, clientId: 2, selfTrade: rule));
        bool makerOpen = chain.Run("alice", Ops.CancelClient(1)).Code == ResultCode.Ok;
        bool takerOpen = chain.Run("alice", Ops.CancelClient(2)).Code == ResultCode.Ok;
        Assert.That(makerOpen ? 1 : 0, Is.EqualTo(restsOfMaker));
        Assert.That(takerOpen ? 1L : 0L, Is.EqualTo(restsOfTaker));
    }

    [Test]
    public void Good_til_orders_expire()
    {
        TestChain chain = Live(1_000);
        Operation order = Ops.Buy(1, 990, clientId: 5);
        order.GoodTilHeight = chain.Exchange.Height + 2;
        chain.Run("alice", order);
        Assert.That(chain.Step().Events.Any(e => e.Kind == EventKind.OrderClosed), Is.False);
        ExchangeEvent closed = chain.Step().Events.Single(e => e.Kind == EventKind.OrderClosed);
        Assert.That(closed.Reason, Is.EqualTo((byte)CloseReason.Expired));
    }
}
