using System;
using AppChain.Margin;

namespace AppChain.StateMachine;

/// <summary>
/// The resting orders of one market in price-time order. It links rows of the order table; it owns no truth of its
/// own and is rebuilt from the rows at load.
/// </summary>
internal sealed class Book
{
    private readonly Table<ulong, OrderRow> _orders;
    private readonly Slots<Level> _levels;

    /// <summary>Buy orders.</summary>
    public readonly BookSide Bids;

    /// <summary>Sell orders.</summary>
    public readonly BookSide Asks;

    /// <summary>An empty book over the order table.</summary>
    public Book(Journal journal, Table<ulong, OrderRow> orders)
    {
        _orders = orders;
        _levels = new Slots<Level>(journal);
        Bids = new BookSide(journal, Side.Buy);
        Asks = new BookSide(journal, Side.Sell);
    }

    /// <summary>The side that orders of this side rest on.</summary>
    public BookSide SideOf(Side side) => side == Side.Buy ? Bids : Asks;

    /// <summary>The side that a taker of this side trades with.</summary>
    public BookSide Opposite(Side side) => side == Side.Buy ? Asks : Bids;

    /// <summary>Reads a level.</summary>
    public ref readonly Level LevelAt(int slot) => ref _levels.Read(slot);

    /// <summary>True when an order at this price would need a level that the side has no room for.</summary>
    public bool IsFull(Side side, long price)
    {
        BookSide levels = SideOf(side);
        return levels.Count >= Limits.LevelsPerSideMax && levels.Find(price) < 0;
    }

    /// <summary>Slot of the oldest order at the best price of the side that this taker trades with; -1 when none crosses.</summary>
    public int BestMaker(Side takerSide, long limit)
    {
        BookSide makers = Opposite(takerSide);
        return makers.Crosses(limit) ? _levels.Read(makers.LevelAt(makers.Count - 1)).First : -1;
    }

    /// <summary>Puts an order behind the others of its price.</summary>
    public void Insert(int orderSlot)
    {
        ref OrderRow order = ref _orders.Relink(orderSlot);
        BookSide side = SideOf(order.Side);
        int position = side.Find(order.Price);
        if (position < 0)
        {
            int fresh = _levels.Add(new Level
            {
                Price = order.Price,
                Quantity = order.Quantity,
                Count = 1,
                First = orderSlot,
                Last = orderSlot,
            });
            side.Insert(~position, order.Price, fresh);
            order.Level = fresh;
            order.Previous = -1;
            order.Next = -1;
            return;
        }

        int levelSlot = side.LevelAt(position);
        ref Level level = ref _levels.Write(levelSlot);
        order.Level = levelSlot;
        order.Previous = level.Last;
        order.Next = -1;
        _orders.Relink(level.Last).Next = orderSlot;
        level.Last = orderSlot;
        level.Quantity += order.Quantity;
        level.Count++;
    }

    /// <summary>Takes an order out, and its level when it was the last there.</summary>
    public void Remove(int orderSlot)
    {
        ref readonly OrderRow order = ref _orders.Read(orderSlot);
        ref Level level = ref _levels.Write(order.Level);
        if (level.Count == 1)
        {
            BookSide side = SideOf(order.Side);
            int position = side.Find(order.Price);
            Invariant.Assert(position >= 0);
            side.RemoveAt(position);
            _levels.Remove(order.Level);
            return;
        }

        level.Count--;
        level.Quantity -= order.Quantity;
        if (order.Previous >= 0)
        {
            _orders.Relink(order.Previous).Next = order.Next;
        }
        else
        {
            level.First = order.Next;
        }

        if (order.Next >= 0)
        {
            _orders.Relink(order.Next).Previous = order.Previous;
        }
        else
        {
            level.Last = order.Previous;
        }
    }

    /// <summary>Takes lots off an order that keeps its place.</summary>
    public void Reduce(int orderSlot, long lots)
    {
        ref OrderRow order = ref _orders.Write(orderSlot);
        Invariant.Assert(lots > 0);
        Invariant.Assert(lots < order.Quantity);
        order.Quantity -= lots;
        _levels.Write(order.Level).Quantity -= lots;
    }

    /// <summary>Lots that a taker with this limit could trade, at most <paramref name="wanted"/>.</summary>
    public long Fillable(Side takerSide, long limit, long wanted)
    {
        BookSide makers = Opposite(takerSide);
        long found = 0;
        // BOUND: at most Limits.LevelsPerSideMax levels, ends when enough is found.
        for (int i = makers.Count - 1; i >= 0 && found < wanted; i--)
        {
            ref readonly Level level = ref _levels.Read(makers.LevelAt(i));
            if (takerSide == Side.Buy ? level.Price > limit : level.Price < limit)
            {
                break;
            }

            found += Math.Min(level.Quantity, wanted - found);
        }

        return found;
    }

    /// <summary>
    /// Average price, in ticks, at which a taker would trade this notional (micro-USD): rounded up for a buy and down
    /// for a sell; 0 when the side is not that deep.
    /// </summary>
    public long ImpactPrice(Side takerSide, long notional, long tickLotValue)
    {
        BookSide makers = Opposite(takerSide);
        Int128 spent = 0;
        Int128 lots = 0;
        // BOUND: at most Limits.LevelsPerSideMax levels, ends when the notional is reached.
        for (int i = makers.Count - 1; i >= 0; i--)
        {
            ref readonly Level level = ref _levels.Read(makers.LevelAt(i));
            Int128 perLot = (Int128)level.Price * tickLotValue;
            Int128 all = perLot * level.Quantity;
            if (spent + all < notional)
            {
                spent += all;
                lots += level.Quantity;
                continue;
            }

            // ROUNDING: up to whole lots, so that the notional is really reached.
            Int128 last = Arithmetic.DivCeil(notional - spent, perLot);
            spent += last * perLot;
            lots += last;
            Int128 perTick = lots * tickLotValue;
            // ROUNDING: away from the taker's favour, so that the premium is never overstated by rounding.
            return (long)(takerSide == Side.Buy
                ? Arithmetic.DivCeil(spent, perTick)
                : Arithmetic.DivFloor(spent, perTick));
        }

        return 0;
    }

    /// <summary>Forgets what the undo journal no longer needs.</summary>
    public void Forget()
    {
        _levels.Forget();
        Bids.Forget();
        Asks.Forget();
    }
}
