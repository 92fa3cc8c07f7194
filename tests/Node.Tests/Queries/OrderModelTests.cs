using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using AppChain.Abci.Wire;
using AppChain.StateMachine;
using AppChain.V1;
using Google.Protobuf;
using NUnit.Framework;
using Side = AppChain.StateMachine.Side;

namespace AppChain.Node.Tests.Queries;

/// <summary>The read model's orders and levels against a list of all orders.</summary>
[TestFixture]
public sealed class OrderModelTests
{
    private const int Depth = 5;

    // QUERY-5
    [TestCase(1)]
    [TestCase(2)]
    public void Levels_are_the_sums_of_the_orders_after_any_changes(int seed)
    {
        var random = new Random(seed);
        var model = new ReadModel();
        model.Apply(
            [.. GenesisFile.DefaultMarkets.Select(
                one => RowChange.Added<uint, MarketRow>(new MarketRow { Parameters = one }))], [], 1, 1, []);
        var orders = new Dictionary<ulong, OrderRow>();
        ulong next = 1;
        for (int block = 0; block < 300; block++)
        {
            var changes = new List<RowChange>();
            for (int i = random.Next(6); i >= 0; i--)
            {
                bool isNew = orders.Count == 0 || random.Next(3) > 0;
                ulong id = isNew ? next++ : orders.Keys.ElementAt(random.Next(orders.Count));
                if (!isNew && random.Next(3) > 0)
                {
                    changes.Add(RowChange.Added<ulong, OrderRow>(orders[id]) with { Value = null });
                    orders.Remove(id);
                    continue;
                }

                OrderRow order = isNew ? NewOrder(random, id) : orders[id] with { Quantity = random.Next(1, 100) };
                orders[id] = order;
                changes.Add(RowChange.Added<ulong, OrderRow>(order));
            }

            model.Apply(changes, [], block, block, []);
            Check(model, orders);
        }

        Assert.That(next, Is.GreaterThan(200));
    }

    [Test]
    public void A_row_that_goes_without_having_been_changes_nothing()
    {
        var model = new ReadModel();
        model.Apply([RowChange.Added<ulong, OrderRow>(NewOrder(new Random(1), 7)) with { Value = null }], [], 1, 1, []);
        Assert.That(model.Orders.Count, Is.Zero);
    }

    /// <summary>
    /// A query reads the levels it shows. With the whole book read it took a hundred times as long as on a book of a
    /// hundredth; the bound leaves room for a busy machine.
    /// </summary>
    [Test]
    public void A_book_of_100_000_orders_is_asked_as_fast_as_one_of_1_000()
    {
        ReadModel small = ModelOf(1_000);
        ReadModel large = ModelOf(100_000);
        Fastest(small);
        Assert.That(Fastest(large), Is.LessThan(10 * Fastest(small)));
    }

    private static TimeSpan Fastest(ReadModel model) => Enumerable.Range(0, 50).Min(_ =>
    {
        long started = Stopwatch.GetTimestamp();
        Ask(model, 1);
        return Stopwatch.GetElapsedTime(started);
    });

    private static ReadModel ModelOf(int orders)
    {
        var random = new Random(orders);
        var model = new ReadModel();
        model.Apply(
            [.. GenesisFile.DefaultMarkets.Select(
                one => RowChange.Added<uint, MarketRow>(new MarketRow { Parameters = one }))], [], 1, 1, []);
        model.Apply(
            [.. Enumerable.Range(1, orders).Select(
                id => RowChange.Added<ulong, OrderRow>(NewOrder(random, (ulong)id, prices: 400)))], [], 2, 2, []);
        return model;
    }

    private static void Check(ReadModel model, Dictionary<ulong, OrderRow> orders)
    {
        Assert.That(model.Orders.Count, Is.EqualTo(orders.Count));
        foreach (uint market in new uint[] { 1, 2 })
        {
            BookResponse book = Ask(model, market);
            Assert.That(book.Bids.Select(Text), Is.EqualTo(Levels(orders.Values, market, Side.Buy)));
            Assert.That(book.Asks.Select(Text), Is.EqualTo(Levels(orders.Values, market, Side.Sell)));
            Market shown = Markets(model).Single(one => one.Market_ == market);
            Assert.That(shown.BestBid, Is.EqualTo(book.Bids.Count > 0 ? book.Bids[0].Price : 0));
            Assert.That(shown.BestAsk, Is.EqualTo(book.Asks.Count > 0 ? book.Asks[0].Price : 0));
        }

        for (int account = 0; account < 3; account++)
        {
            Assert.That(
                model.Orders.Of(account).Select(order => order.OrderId),
                Is.EqualTo(orders.Values.Where(order => order.Account == account)
                    .Select(order => order.OrderId).Order()));
        }
    }

    private static IEnumerable<string> Levels(IEnumerable<OrderRow> orders, uint market, Side side) => orders
        .Where(order => order.Market == market && order.Side == side)
        .GroupBy(order => order.Price)
        .OrderBy(level => side == Side.Buy ? -level.Key : level.Key)
        .Take(Depth)
        .Select(level => $"{level.Sum(order => order.Quantity)} at {level.Key} of {level.Count()}");

    private static string Text(BookLevel level) => $"{level.Quantity} at {level.Price} of {level.Orders}";

    private static BookResponse Ask(ReadModel model, uint market) =>
        (BookResponse)new QueryAnswers(model).Answer(new RequestQuery
        {
            Path = "/book",
            Data = new BookRequest { Market = market, Depth = Depth }.ToByteString(),
        });

    private static IEnumerable<Market> Markets(ReadModel model) =>
        ((MarketsResponse)new QueryAnswers(model).Answer(new RequestQuery { Path = "/markets" })).Markets;

    private static OrderRow NewOrder(Random random, ulong id, int prices = 12)
    {
        Side side = random.Next(2) == 0 ? Side.Buy : Side.Sell;
        long away = random.Next(1, prices);
        return new OrderRow
        {
            OrderId = id,
            Account = random.Next(3),
            Market = (uint)random.Next(1, 3),
            Side = side,
            Price = side == Side.Buy ? 1_000 - away : 1_000 + away,
            Quantity = random.Next(1, 100),
            OriginalQuantity = 100,
        };
    }
}
