using AppChain.Margin;
using NUnit.Framework;

namespace AppChain.StateMachine.Tests;

/// <summary>ORD-7: a book has room for so many prices, and a price for so many lots.</summary>
[TestFixture]
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class BookRoomTests
{
    private readonly State _state = new();
    private readonly Book _book;
    private ulong _nextOrder;

    public BookRoomTests() => _book = new Book(_state.Journal, _state.Orders);

    [Test]
    public void ORD_7_A_side_has_8192_prices_and_a_known_price_is_always_open()
    {
        const long worst = 2;
        for (long price = worst; price < worst + Limits.LevelsPerSideMax; price++)
        {
            Assert.That(_book.IsFull(Side.Buy, price, 1), Is.False);
            Rest(price, 1);
        }

        long better = worst + Limits.LevelsPerSideMax;
        Assert.That(_book.IsFull(Side.Buy, worst - 1, 1), Is.True);
        Assert.That(_book.IsFull(Side.Buy, worst, 1), Is.False);
        Assert.That(_book.IsFull(Side.Sell, better, 1), Is.False);
        Assert.That(_book.IsFull(Side.Buy, better, 1), Is.False, "the worst level gives way");
        Assert.That(PriceOf(_book.FirstOfWorst(Side.Buy, better)), Is.EqualTo(worst));
        for (int order = 0; order < Limits.OrdersEvictedMax; order++)
        {
            Rest(worst, 1);
        }

        Assert.That(PriceOf(_book.FirstOfWorst(Side.Buy, better)), Is.EqualTo(worst + 1), "the worst has many orders");
    }

    [Test]
    public void ORD_7_A_price_holds_no_more_lots_than_can_be_counted()
    {
        Rest(5, Limits.LevelQuantityMax - Limits.QuantityMax - 1);
        Rest(5, 1);
        Assert.That(_book.IsFull(Side.Buy, 5, Limits.QuantityMax), Is.False);
        Rest(5, 1);
        Assert.That(_book.IsFull(Side.Buy, 5, Limits.QuantityMax), Is.True);
        Assert.That(_book.IsFull(Side.Buy, 5, Limits.QuantityMax - 1), Is.False);
        Assert.That(_book.IsFull(Side.Buy, 6, Limits.QuantityMax), Is.False);
    }

    private long PriceOf(int slot) => _state.Orders.Read(slot).Price;

    private void Rest(long price, long quantity) => _book.Insert(_state.Orders.Add(new OrderRow
    {
        OrderId = ++_nextOrder,
        Side = Side.Buy,
        Price = price,
        Quantity = quantity,
        OriginalQuantity = quantity,
    }));
}
