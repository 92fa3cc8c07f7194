using System.Collections.Generic;
using System.Linq;
using AppChain.Margin;
using NUnit.Framework;

namespace AppChain.StateMachine.Tests.Books;

/// <summary>What bounds the work and the room that orders can take: ORD-7, ORD-8, ORD-14.</summary>
public sealed class MatchingLimitTests
{
    private const int Makers = 5;
    private const long Usd = 1_000_000;

    [Test]
    [Property("Spec", "ORD-8")]
    public void The_rest_of_an_order_that_met_a_thousand_is_closed_and_does_not_cross()
    {
        TestChain chain = DeepBook();
        chain.Add("taker", Ops.Buy(1_100, 10_000));
        BlockResult result = chain.Step();
        Assert.That(result.Transactions[0].Operations[0].Filled, Is.EqualTo(Limits.MatchesPerTransactionMax));
        ExchangeEvent closed = result.Events.Single(e => e.Kind == EventKind.OrderClosed && e.Quantity > 0);
        Assert.That(closed.Quantity, Is.EqualTo(100));
        Assert.That((CloseReason)closed.Reason, Is.EqualTo(CloseReason.Limit));
    }

    [Test]
    [Property("Spec", "ORD-8")]
    public void Work_that_is_taken_back_stays_spent()
    {
        TestChain chain = DeepBook();
        Operation[] batch =
        [
            .. Enumerable.Range(0, 3).Select(_ => Ops.Buy(1_100, 10_000, tif: TimeInForce.FillOrKill)),
        ];
        for (int i = 0; i < (Limits.MatchesPerBlockMax / Limits.MatchesPerTransactionMax) + 1; i++)
        {
            chain.Add("taker", batch);
        }

        chain.Add("taker", Ops.Buy(10, 10_000));
        chain.Add("taker", Ops.Buy(10, 9_000));
        BlockResult result = chain.Step();
        Assert.That(result.Events.Any(e => e.Kind == EventKind.Fill), Is.False);
        Assert.That(
            result.Transactions.SkipLast(1).SelectMany(transaction => transaction.Operations).Select(o => o.Code),
            Is.All.EqualTo(ResultCode.MatchingLimit));
        Assert.That(
            result.Transactions[^1].Code, Is.EqualTo(ResultCode.Ok), "an order that meets nobody needs no match");
        Assert.That(chain.Run("taker", Ops.Buy(10, 10_000)).Operations[0].Filled, Is.EqualTo(10), "a new block");
    }

    [Test]
    [Property("Spec", "ORD-8")]
    public void An_order_that_could_only_close_the_orders_it_met_has_cleared_the_way()
    {
        TestChain chain = DeepBook();
        chain.Price(1, 30_000_000);
        chain.Step();
        int[] closed = new int[2];
        for (int i = 0; i < closed.Length; i++)
        {
            chain.Add("taker", Ops.Buy(1, 10_000));
            BlockResult result = chain.Step();
            Assert.That(result.Transactions[0].Code, Is.EqualTo(ResultCode.Ok));
            Assert.That(result.Transactions[0].Operations[0].Filled, Is.Zero, "no maker can bear the loss");
            closed[i] = result.Events.Count(
                e => e is { Kind: EventKind.OrderClosed, Reason: (byte)CloseReason.Margin });
        }

        Assert.That(
            closed, Is.EqualTo(new[] { Limits.MatchesPerTransactionMax, 1_275 - Limits.MatchesPerTransactionMax }));
    }

    [Test]
    [Property("Spec", "ORD-14")]
    [Property("Spec", "FUND-2")]
    public void Orders_that_only_reduce_show_no_more_than_the_position_and_move_no_premium()
    {
        TestChain chain = Small(TestMarkets.Simple() with { ImpactNotional = 10_000 * Usd });
        chain.Run("bob", Ops.Sell(1, 10_000));
        chain.Run("alice", Ops.Buy(1, 10_000));
        chain.Run("bob", Ops.Buy(100, 9_700));
        chain.Add("alice", Ops.Sell(1_000_000, 9_750, reduceOnly: true));
        BlockResult rested = chain.Step();
        Assert.That(rested.Events.Single(e => e.Kind == EventKind.OrderOpened).Quantity, Is.EqualTo(1));
        Assert.That(
            chain.Run("alice", Ops.Sell(1, 9_760, reduceOnly: true)).Code, Is.EqualTo(ResultCode.WouldNotReduce));
        chain.BlockSeconds = 30;
        var rates = new List<long>();
        for (int i = 0; i < 125; i++)
        {
            rates.AddRange(chain.Step().Events.Where(e => e.Kind == EventKind.FundingApplied)
                .Select(e => (long)e.Amount));
        }

        Assert.That(rates, Is.Not.Empty);
        Assert.That(rates, Is.All.GreaterThan(-20), "no ask holds margin, so there is no premium");
    }

    [Test]
    [Property("Spec", "ORD-7")]
    public void A_side_that_was_filled_with_far_prices_still_takes_better_ones()
    {
        TestChain chain = Small(TestMarkets.Simple());
        chain.Exchange.CheckEveryRow = false;
        Fill(chain, "bob", 1_000_000);
        chain.Add("carol", Ops.Sell(1, 10_001));
        BlockResult better = chain.Step();
        Assert.That(better.Transactions[0].Code, Is.EqualTo(ResultCode.Ok));
        ExchangeEvent gone = better.Events.Single(e => e.Kind == EventKind.OrderClosed);
        Assert.That((CloseReason)gone.Reason, Is.EqualTo(CloseReason.Evicted));
        Assert.That(gone.Price, Is.EqualTo(1_000_000 + Limits.LevelsPerSideMax - 1), "the farthest");
        Assert.That(
            chain.Run("carol", Ops.Sell(1, 2_000_000)).Code, Is.EqualTo(ResultCode.BookFull), "none is farther");
        chain.Exchange.CheckEveryRow = true;
        Assert.That(chain.Run("carol", Ops.Sell(1, 10_002)).Code, Is.EqualTo(ResultCode.Ok));
    }

    // One order at each of as many prices as a side has.
    private static void Fill(TestChain chain, string owner, long from)
    {
        const int batch = 64;
        long price = from;
        for (uint account = 1; price < from + Limits.LevelsPerSideMax; account++)
        {
            chain.Run(owner, new Operation
            {
                Kind = OperationKind.Transfer,
                Recipient = new AccountId(TestMarkets.AddressOf(owner), account),
                Amount = 20_000_000 * Usd,
            });
            for (int i = 0; i < Limits.OrdersPerPositionMax / batch; i++, price += batch)
            {
                chain.Add(owner, false, account, [.. Enumerable.Range(0, batch).Select(k => Ops.Sell(1, price + k))]);
            }

            BlockResult result = chain.Step();
            Assert.That(
                result.Transactions.SelectMany(t => t.Operations).Select(o => o.Code), Is.All.EqualTo(ResultCode.Ok));
        }
    }

    // 1,275 sells of one lot at 10,000.
    private static TestChain DeepBook()
    {
        (string, long)[] accounts =
        [
            .. Enumerable.Range(0, Makers).Select(i => ($"maker{i}", 10_000_000L)),
            ("taker", 1_000_000_000L),
        ];
        var chain = new TestChain(TestMarkets.Genesis(accounts, [TestMarkets.Simple()], 0));
        chain.Exchange.CheckEveryRow = false;
        chain.Step();
        chain.Price(1, 10_000);
        chain.Step();
        for (int i = 0; i < Makers; i++)
        {
            for (int batch = 0; batch < 3; batch++)
            {
                TransactionResult result = chain.Run(
                    $"maker{i}", [.. Enumerable.Range(0, 85).Select(_ => Ops.Sell(1, 10_000))]);
                Assert.That(result.Code, Is.EqualTo(ResultCode.Ok));
            }
        }

        chain.Exchange.CheckEveryRow = true;
        return chain;
    }

    private static TestChain Small(MarketParameters market)
    {
        var chain = new TestChain(TestMarkets.Genesis(
            [("alice", 1_000_000), ("bob", 1_000_000_000), ("carol", 100_000_000)], [market], 0));
        chain.Step();
        chain.Price(1, 10_000);
        chain.Step();
        return chain;
    }
}
