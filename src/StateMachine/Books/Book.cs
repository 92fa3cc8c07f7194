using System;
using AppChain.Margin;

namespace AppChain.StateMachine;

/// <summary>
/// The resting orders of one market in price-time order. It links rows of the order table; it owns no truth of its
/// own and is rebuilt from the rows at load. Undone by opposites: an order taken out keeps its own links, so it finds
/// its place again once everything after it has been taken back.
/// </summary>
internal sealed class Book : IJournaled
{
    private const int Inserted = 0;
    private const int Removed = 1;
    private const int Reduced = 2;

    private readonly Journal _journal;
    private readonly int _self;
    private readonly Table<ulong, OrderRow> _orders;
    private Level[] _levels = new Level[64];

    // Level numbers not in use; the last was freed last.
    private int[] _free = new int[64];
    private int _freeCount;

    /// <summary>Buy orders.</summary>
    public readonly BookSide Bids = new(Side.Buy);

    /// <summary>Sell orders.</summary>
    public readonly BookSide Asks = new(Side.Sell);

    /// <summary>An empty book over the order table.</summary>
    public Book(Journal journal, Table<ulong, OrderRow> orders)
    {
        _journal = journal;
        _self = journal.Register(this);
        _orders = orders;
        for (int level = 0; level < _free.Length; level++)
        {
            _free[_freeCount++] = level;
        }
    }

    /// <summary>The side that orders of this side rest on.</summary>
    public BookSide SideOf(Side side) => side == Side.Buy ? Bids : Asks;

    /// <summary>The side that a taker of this side trades with.</summary>
    public BookSide Opposite(Side side) => side == Side.Buy ? Asks : Bids;

    /// <summary>Reads a level.</summary>
    public ref readonly Level LevelAt(int level) => ref _levels[level];

    /// <summary>True when an order would need a level that the side, or lots that the level, has no room for.</summary>
    public bool IsFull(Side side, long price, long quantity)
    {
        BookSide levels = SideOf(side);
        int position = levels.Find(price);
        return position < 0
            ? NeedsRoom(side, price) && FirstOfWorst(side, price) < 0
            : _levels[levels.LevelAt(position)].Quantity > Limits.LevelQuantityMax - quantity;
    }

    /// <summary>True when an order at this price needs a level and the side has no more.</summary>
    public bool NeedsRoom(Side side, long price)
    {
        BookSide levels = SideOf(side);
        return levels.Count >= Limits.LevelsPerSideMax && levels.Find(price) < 0;
    }

    /// <summary>
    /// Slot of the oldest order of the level that gives way to one at this price: the farthest from the market of those
    /// with few orders, if it is farther than the price; -1 when there is none.
    /// </summary>
    public int FirstOfWorst(Side side, long price)
    {
        BookSide levels = SideOf(side);
        // BOUND: at most Limits.LevelsPerSideMax levels.
        for (int i = 0; i < levels.Count; i++)
        {
            ref readonly Level level = ref _levels[levels.LevelAt(i)];
            if (side == Side.Buy ? level.Price >= price : level.Price <= price)
            {
                break;
            }

            if (level.Count <= Limits.OrdersEvictedMax)
            {
                return level.First;
            }
        }

        return -1;
    }

    /// <summary>
    /// Slot of the oldest order at the best price of the side that this taker trades with; -1 when none crosses.
    /// </summary>
    public int BestMaker(Side takerSide, long limit)
    {
        BookSide makers = Opposite(takerSide);
        return makers.Crosses(limit) ? _levels[makers.LevelAt(makers.Count - 1)].First : -1;
    }

    /// <summary>Puts an order behind the others of its price.</summary>
    public void Insert(int orderSlot)
    {
        ref OrderRow order = ref _orders.Relink(orderSlot);
        BookSide side = SideOf(order.Side);
        int position = side.Find(order.Price);
        order.Next = -1;
        if (position < 0)
        {
            order.Previous = -1;
            order.Level = OpenLevel(side, ~position, order.Price);
        }
        else
        {
            order.Level = side.LevelAt(position);
            order.Previous = _levels[order.Level].Last;
        }

        Link(orderSlot, order);
        _journal.Record(_self, Inserted, orderSlot);
    }

    /// <summary>Takes an order out, and its level when it was the last there.</summary>
    public void Remove(int orderSlot)
    {
        Unlink(_orders.Read(orderSlot));
        _journal.Record(_self, Removed, orderSlot);
    }

    /// <summary>Takes lots off an order that keeps its place.</summary>
    public void Reduce(int orderSlot, long lots)
    {
        ref OrderRow order = ref _orders.Write(orderSlot);
        Invariant.Assert(lots > 0);
        Invariant.Assert(lots < order.Quantity);
        order.Quantity -= lots;
        AddLots(order, -lots);
        _journal.Record(_self, Reduced, orderSlot, lots);
    }

    /// <inheritdoc/>
    public void Undo(int operation, int orderSlot, long lots)
    {
        ref OrderRow order = ref _orders.Relink(orderSlot);
        if (operation == Reduced)
        {
            // The row may have been added under the same savepoint: then it has no image that brings the lots back.
            order.Quantity += lots;
            AddLots(order, lots);
            return;
        }

        if (operation == Inserted)
        {
            Unlink(order);
            return;
        }

        if (order.Previous < 0 && order.Next < 0)
        {
            BookSide side = SideOf(order.Side);
            int level = OpenLevel(side, ~side.Find(order.Price), order.Price);
            Invariant.Assert(level == order.Level);
        }

        Link(orderSlot, order);
    }

    /// <summary>
    /// Lots that a taker with this limit could trade, at most <paramref name="wanted"/>, and at most those of as many
    /// levels as it may meet orders.
    /// </summary>
    public long Fillable(Side takerSide, long limit, long wanted)
    {
        BookSide makers = Opposite(takerSide);
        long found = 0;
        int last = Math.Max(0, makers.Count - Limits.MatchesPerTransactionMax);
        // BOUND: at most Limits.MatchesPerTransactionMax levels, ends when enough is found.
        for (int i = makers.Count - 1; i >= last && found < wanted; i--)
        {
            ref readonly Level level = ref _levels[makers.LevelAt(i)];
            if (takerSide == Side.Buy ? level.Price > limit : level.Price < limit)
            {
                break;
            }

            found += Math.Min(level.Quantity, wanted - found);
        }

        return found;
    }

    /// <summary>
    /// Average price, in ticks, at which a taker would trade this notional (micro-USD) with orders that hold margin:
    /// rounded up for a buy and down for a sell; 0 when the side is not that deep.
    /// </summary>
    public long ImpactPrice(Side takerSide, long notional, long tickLotValue)
    {
        BookSide makers = Opposite(takerSide);
        Int128 spent = 0;
        Int128 lots = 0;
        // BOUND: at most Limits.LevelsPerSideMax levels, ends when the notional is reached.
        for (int i = makers.Count - 1; i >= 0; i--)
        {
            ref readonly Level level = ref _levels[makers.LevelAt(i)];
            Int128 perLot = (Int128)level.Price * tickLotValue;
            long firm = level.Quantity - level.Reducing;
            Int128 all = perLot * firm;
            if (spent + all < notional)
            {
                spent += all;
                lots += firm;
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

    // Puts an order between its neighbours.
    private void Link(int orderSlot, in OrderRow order)
    {
        ref Level level = ref _levels[order.Level];
        level.Count++;
        AddLots(order, order.Quantity);
        if (order.Previous >= 0)
        {
            _orders.Relink(order.Previous).Next = orderSlot;
        }
        else
        {
            level.First = orderSlot;
        }

        if (order.Next >= 0)
        {
            _orders.Relink(order.Next).Previous = orderSlot;
        }
        else
        {
            level.Last = orderSlot;
        }
    }

    // Joins the neighbours of an order, whose own links stay.
    private void Unlink(in OrderRow order)
    {
        ref Level level = ref _levels[order.Level];
        level.Count--;
        AddLots(order, -order.Quantity);
        if (level.Count == 0)
        {
            CloseLevel(order);
            return;
        }

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

    private void AddLots(in OrderRow order, long lots)
    {
        ref Level level = ref _levels[order.Level];
        level.Quantity += lots;
        level.Reducing += order.ReduceOnly ? lots : 0;
    }

    private int OpenLevel(BookSide side, int position, long price)
    {
        if (_freeCount == 0)
        {
            // New numbers go in below all that are freed later, so that undoing finds them as they were.
            int from = _levels.Length;
            Array.Resize(ref _levels, from * 2);
            Array.Resize(ref _free, from * 2);
            for (int fresh = from; fresh < _levels.Length; fresh++)
            {
                _free[_freeCount++] = fresh;
            }
        }

        int level = _free[--_freeCount];
        _levels[level] = new Level { Price = price };
        side.Insert(position, price, level);
        return level;
    }

    private void CloseLevel(in OrderRow order)
    {
        BookSide side = SideOf(order.Side);
        int position = side.Find(order.Price);
        Invariant.Assert(position >= 0);
        side.RemoveAt(position);
        _free[_freeCount++] = order.Level;
    }
}
