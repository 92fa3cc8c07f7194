using System;
using System.Collections.Generic;
using AppChain.Margin;

namespace AppChain.StateMachine;

/// <summary>One trade of an arriving order with a resting one.</summary>
/// <param name="MakerId">The resting order.</param>
/// <param name="Price">Its price, ticks.</param>
/// <param name="Quantity">Lots.</param>
/// <param name="MakerLeft">Lots of the resting order that are left.</param>
public readonly record struct BookFill(ulong MakerId, long Price, long Quantity, long MakerLeft);

/// <summary>A resting order as a replay sees it.</summary>
/// <param name="Id">Its number in the recording.</param>
/// <param name="Side">Buy or sell.</param>
/// <param name="Price">Ticks.</param>
/// <param name="Quantity">Lots still open.</param>
public readonly record struct BookOrder(ulong Id, Side Side, long Price, long Quantity);

/// <summary>
/// The book of one market by itself, without accounts and margin, for replaying order flow recorded elsewhere: the
/// order of matching is that of the chain, because it is the chain's book.
/// </summary>
public sealed class BookReplay
{
    private const uint Market = 1;

    private readonly State _state = new();
    private readonly Book _book;

    /// <summary>An empty book.</summary>
    public BookReplay() => _book = new Book(_state.Journal, _state.Orders);

    /// <summary>Levels of a side.</summary>
    public int LevelCount(Side side) => _book.SideOf(side).Count;

    /// <summary>Price and lots of a level of a side; 0 is the best.</summary>
    public (long Price, long Quantity) Level(Side side, int depth)
    {
        BookSide levels = _book.SideOf(side);
        ref readonly Level level = ref _book.LevelAt(levels.LevelAt(levels.Count - 1 - depth));
        return (level.Price, level.Quantity);
    }

    /// <summary>The order with this id; false when it does not rest here.</summary>
    public bool TryFind(ulong id, out BookOrder order)
    {
        bool found = _state.Orders.TryFind(id, out int slot);
        order = found ? OrderAt(slot) : default;
        return found;
    }

    /// <summary>
    /// The oldest order at the best price that a taker with this limit would trade with; false when none crosses.
    /// </summary>
    public bool TryFirstMaker(Side takerSide, long limit, out BookOrder order)
    {
        int slot = _book.BestMaker(takerSide, limit);
        order = slot >= 0 ? OrderAt(slot) : default;
        return slot >= 0;
    }

    /// <summary>
    /// True when there is room for an order, even the largest: at its price, and no order with this id.
    /// </summary>
    public bool CanRest(ulong id, Side side, long price) =>
        !_state.Orders.TryFind(id, out _) && !_book.IsFull(side, price, Limits.QuantityMax);

    /// <summary>
    /// Puts an order behind the others of its price, without matching. <see cref="CanRest"/> must hold.
    /// </summary>
    public void Rest(in BookOrder order)
    {
        Invariant.Assert(order.Quantity > 0);
        Invariant.Assert(CanRest(order.Id, order.Side, order.Price));
        _book.Insert(_state.Orders.Add(new OrderRow
        {
            OrderId = order.Id,
            Market = Market,
            Side = order.Side,
            Price = order.Price,
            Quantity = order.Quantity,
            OriginalQuantity = order.Quantity,
        }));
        Forget();
    }

    /// <summary>Takes an order out. It must be there.</summary>
    public void Remove(ulong id)
    {
        bool found = _state.Orders.TryFind(id, out int slot);
        Invariant.Assert(found);
        Remove(slot);
        Forget();
    }

    /// <summary>Takes lots off an order, which keeps its place; all of them take it out.</summary>
    public void Reduce(ulong id, long lots)
    {
        bool found = _state.Orders.TryFind(id, out int slot);
        Invariant.Assert(found);
        ReduceOrRemove(slot, lots);
        Forget();
    }

    /// <summary>Trades an arriving order in price-time order as far as its limit allows; returns the fills.</summary>
    public IReadOnlyList<BookFill> Take(Side side, long limit, long quantity)
    {
        IReadOnlyList<BookFill> fills = Trade(side, limit, quantity);
        Forget();
        return fills;
    }

    /// <summary>The fills that <see cref="Take"/> would give; the book stays as it is.</summary>
    public IReadOnlyList<BookFill> Preview(Side side, long limit, long quantity)
    {
        Savepoint savepoint = _state.Journal.Mark();
        IReadOnlyList<BookFill> fills = Trade(side, limit, quantity);
        _state.Journal.Rollback(savepoint);
        Forget();
        return fills;
    }

    /// <summary>Takes every order of a level out; returns their number.</summary>
    public int ClearLevel(Side side, long price)
    {
        BookSide levels = _book.SideOf(side);
        int position = levels.Find(price);
        if (position < 0)
        {
            return 0;
        }

        int level = levels.LevelAt(position);
        int count = _book.LevelAt(level).Count;
        // BOUND: the orders of the level.
        for (int i = 0; i < count; i++)
        {
            Remove(_book.LevelAt(level).First);
        }

        Forget();
        return count;
    }

    private List<BookFill> Trade(Side side, long limit, long quantity)
    {
        var fills = new List<BookFill>();
        // BOUND: every pass uses up a resting order or the arriving one.
        while (quantity > 0)
        {
            int slot = _book.BestMaker(side, limit);
            if (slot < 0)
            {
                break;
            }

            BookOrder maker = OrderAt(slot);
            long lots = Math.Min(quantity, maker.Quantity);
            ReduceOrRemove(slot, lots);
            quantity -= lots;
            fills.Add(new BookFill(maker.Id, maker.Price, lots, maker.Quantity - lots));
        }

        return fills;
    }

    private BookOrder OrderAt(int slot)
    {
        ref readonly OrderRow row = ref _state.Orders.Read(slot);
        return new BookOrder(row.OrderId, row.Side, row.Price, row.Quantity);
    }

    private void ReduceOrRemove(int slot, long lots)
    {
        if (lots < _state.Orders.Read(slot).Quantity)
        {
            _book.Reduce(slot, lots);
        }
        else
        {
            Invariant.Assert(lots == _state.Orders.Read(slot).Quantity);
            Remove(slot);
        }
    }

    private void Remove(int slot)
    {
        _book.Remove(slot);
        _state.Orders.Remove(slot);
    }

    // Nothing is taken back in a replay.
    private void Forget() => _state.Forget();
}
