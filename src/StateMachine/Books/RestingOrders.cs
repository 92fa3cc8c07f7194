using AppChain.Margin;

namespace AppChain.StateMachine;

/// <summary>
/// Opens, reduces and closes resting orders: the row, the book, the list and the sums of its position, the client id
/// and the expiry always change together, here and nowhere else. Lists, sums and client ids are undone by opposites.
/// </summary>
internal sealed class RestingOrders : IJournaled
{
    private const int Attached = 0;
    private const int Detached = 1;
    private const int Reduced = 2;

    private readonly State _state;
    private readonly int _self;

    /// <summary>Works on the tables and books of a state.</summary>
    public RestingOrders(State state)
    {
        _state = state;
        _self = state.Journal.Register(this);
    }

    /// <summary>Opens an order: adds its row and attaches it. The position row must exist. Returns the slot.</summary>
    public int Open(in OrderRow order, int marketSlot, int positionSlot)
    {
        int slot = _state.Orders.Add(order);
        Attach(slot, marketSlot, positionSlot);
        return slot;
    }

    /// <summary>Links an order row that is in the table into everything that is derived from order rows.</summary>
    public void Attach(int slot, int marketSlot, int positionSlot)
    {
        _state.Books[marketSlot].Insert(slot);
        ref OrderRow order = ref _state.Orders.Relink(slot);
        order.AccountPrevious = _state.Positions.Read(positionSlot).LastOrder;
        order.AccountNext = -1;
        Link(slot, order, positionSlot);
        _state.Journal.Record(_self, Attached, slot);
        if (order.GoodTilHeight > 0)
        {
            _state.HeightExpiries.Add(order.GoodTilHeight, order.OrderId);
        }

        if (order.GoodTilTime > 0)
        {
            _state.TimeExpiries.Add(order.GoodTilTime, order.OrderId);
        }
    }

    /// <summary>
    /// Takes lots off an order; closes it when none are left. Says nothing: the caller emits the event.
    /// </summary>
    public void Reduce(int slot, int marketSlot, int positionSlot, long lots)
    {
        ref readonly OrderRow order = ref _state.Orders.Read(slot);
        Invariant.Assert(lots <= order.Quantity);
        if (lots == order.Quantity)
        {
            Detach(slot, marketSlot, positionSlot);
            _state.Orders.Remove(slot);
            return;
        }

        AddOpenLots(ref _state.Positions.Relink(positionSlot), order, -lots);
        _state.Journal.Record(_self, Reduced, slot, lots);
        _state.Books[marketSlot].Reduce(slot, lots);
    }

    /// <summary>Closes an order with an event; removes the position row when nothing is left in it.</summary>
    public void Close(int slot, CloseReason reason, BlockContext context)
    {
        OrderRow order = _state.Orders.Read(slot);
        int marketSlot = _state.MarketSlot(order.Market);
        int positionSlot = _state.PositionSlot(order.Account, order.Market);
        context.Emit(new ExchangeEvent
        {
            Kind = EventKind.OrderClosed,
            Account = order.Account,
            Counterparty = -1,
            Market = order.Market,
            Side = order.Side,
            OrderId = order.OrderId,
            ClientId = order.ClientId,
            Price = order.Price,
            Quantity = reason == CloseReason.Filled ? 0 : order.Quantity,
            Reason = (byte)reason,
        });
        Detach(slot, marketSlot, positionSlot);
        _state.Orders.Remove(slot);
        _state.ReleaseIfEmpty(positionSlot);
        context.Touch(order.Account);
    }

    /// <summary>Closes every order of a position, oldest first.</summary>
    public void CloseAll(int positionSlot, CloseReason reason, BlockContext context)
    {
        int slot = _state.Positions.Read(positionSlot).FirstOrder;
        // BOUND: at most Limits.OrdersPerPositionMax orders.
        while (slot >= 0)
        {
            int next = _state.Orders.Read(slot).AccountNext;
            Close(slot, reason, context);
            slot = next;
        }
    }

    /// <summary>Closes the orders whose height or time has passed, at the start of a block.</summary>
    public void Expire(BlockContext context)
    {
        Expire(_state.HeightExpiries, context.Height, byHeight: true, context);
        Expire(_state.TimeExpiries, context.Time, byHeight: false, context);
    }

    private void Expire(ExpiryQueue queue, long now, bool byHeight, BlockContext context)
    {
        queue.DropStale(_state.Orders);
        // BOUND: each pass takes an entry out of the queue.
        while (queue.TryTake(now, out long expiry, out ulong orderId))
        {
            if (!_state.Orders.TryFind(orderId, out int slot))
            {
                continue;
            }

            ref readonly OrderRow order = ref _state.Orders.Read(slot);
            if ((byHeight ? order.GoodTilHeight : order.GoodTilTime) == expiry)
            {
                Close(slot, CloseReason.Expired, context);
            }
        }
    }

    private void Detach(int slot, int marketSlot, int positionSlot)
    {
        _state.Books[marketSlot].Remove(slot);
        Unlink(_state.Orders.Read(slot), positionSlot);
        _state.Journal.Record(_self, Detached, slot);
    }

    /// <inheritdoc/>
    public void Undo(int operation, int slot, long lots)
    {
        ref readonly OrderRow order = ref _state.Orders.Read(slot);
        int positionSlot = _state.PositionSlot(order.Account, order.Market);
        switch (operation)
        {
            case Attached:
                Unlink(order, positionSlot);
                break;
            case Detached:
                Link(slot, order, positionSlot);
                break;
            default:
                AddOpenLots(ref _state.Positions.Relink(positionSlot), order, lots);
                break;
        }
    }

    // Puts an order between its neighbours in the list of its position.
    private void Link(int slot, in OrderRow order, int positionSlot)
    {
        ref PositionRow position = ref _state.Positions.Relink(positionSlot);
        if (order.AccountPrevious >= 0)
        {
            _state.Orders.Relink(order.AccountPrevious).AccountNext = slot;
        }
        else
        {
            position.FirstOrder = slot;
        }

        if (order.AccountNext >= 0)
        {
            _state.Orders.Relink(order.AccountNext).AccountPrevious = slot;
        }
        else
        {
            position.LastOrder = slot;
        }

        position.OrderCount++;
        AddOpenLots(ref position, order, order.Quantity);
        _state.ClientIds.Add(order.Account, order.ClientId, slot);
    }

    // Joins the neighbours of an order, whose own links stay.
    private void Unlink(in OrderRow order, int positionSlot)
    {
        ref PositionRow position = ref _state.Positions.Relink(positionSlot);
        if (order.AccountPrevious >= 0)
        {
            _state.Orders.Relink(order.AccountPrevious).AccountNext = order.AccountNext;
        }
        else
        {
            position.FirstOrder = order.AccountNext;
        }

        if (order.AccountNext >= 0)
        {
            _state.Orders.Relink(order.AccountNext).AccountPrevious = order.AccountPrevious;
        }
        else
        {
            position.LastOrder = order.AccountPrevious;
        }

        position.OrderCount--;
        AddOpenLots(ref position, order, -order.Quantity);
        _state.ClientIds.Remove(order.Account, order.ClientId);
    }

    // Reduce-only orders cannot add exposure, so they ask for no margin.
    private static void AddOpenLots(ref PositionRow position, in OrderRow order, long lots)
    {
        if (order.ReduceOnly)
        {
            position.OpenReducing += lots;
            return;
        }

        if (order.Side == Side.Buy)
        {
            position.OpenBuys += lots;
        }
        else
        {
            position.OpenSells += lots;
        }
    }
}
