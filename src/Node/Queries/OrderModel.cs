using System;
using System.Collections.Generic;
using AppChain.StateMachine;

namespace AppChain.Node;

/// <summary>What rests at one price of a book.</summary>
internal sealed class PriceLevel
{
    /// <summary>Ticks.</summary>
    public required long Price { get; init; }

    /// <summary>Lots of all orders together.</summary>
    public long Quantity { get; set; }

    /// <summary>How many orders.</summary>
    public int Orders { get; set; }
}

/// <summary>
/// The committed resting orders: by account, and summed by price, so that a question for the best levels costs as much
/// as the levels it asks for. Part of <see cref="ReadModel"/>, under its gate.
/// </summary>
internal sealed class OrderModel
{
    private readonly Dictionary<ulong, OrderRow> _orders = [];
    private readonly Dictionary<int, SortedSet<ulong>> _ordersOf = [];
    private readonly Dictionary<(uint Market, Side Side), SortedDictionary<long, PriceLevel>> _levels = [];

    /// <summary>How many orders rest.</summary>
    public int Count => _orders.Count;

    /// <summary>Orders of an account, ascending by id.</summary>
    public IEnumerable<OrderRow> Of(int account)
    {
        if (_ordersOf.TryGetValue(account, out SortedSet<ulong>? ids))
        {
            foreach (ulong id in ids)
            {
                yield return _orders[id];
            }
        }
    }

    /// <summary>Lots of open orders that ask for margin: buys and sells of an account in a market.</summary>
    public (long Buys, long Sells) OpenLots(int account, uint market)
    {
        long buys = 0;
        long sells = 0;
        foreach (OrderRow order in Of(account))
        {
            if (order.Market == market && !order.ReduceOnly)
            {
                buys += order.Side == Side.Buy ? order.Quantity : 0;
                sells += order.Side == Side.Sell ? order.Quantity : 0;
            }
        }

        return (buys, sells);
    }

    /// <summary>Levels of one side of a book, best first.</summary>
    public IEnumerable<PriceLevel> Levels(uint market, Side side) =>
        _levels.TryGetValue((market, side), out SortedDictionary<long, PriceLevel>? levels) ? levels.Values : [];

    /// <summary>Forgets everything.</summary>
    public void Clear()
    {
        _orders.Clear();
        _ordersOf.Clear();
        _levels.Clear();
    }

    /// <summary>Takes in a changed row.</summary>
    public void Apply(ref ByteReader key, ref ByteReader value, bool gone)
    {
        OrderRow order = gone ? new OrderRow { OrderId = key.ReadUInt64() } : OrderRow.Decode(ref key, ref value);
        if (_orders.Remove(order.OrderId, out OrderRow old))
        {
            Rest(old, -old.Quantity, -1);
            if (gone)
            {
                _ordersOf[old.Account].Remove(order.OrderId);
            }
        }

        if (gone)
        {
            return;
        }

        _orders[order.OrderId] = order;
        Rest(order, order.Quantity, 1);
        if (!_ordersOf.TryGetValue(order.Account, out SortedSet<ulong>? ids))
        {
            _ordersOf[order.Account] = ids = [];
        }

        ids.Add(order.OrderId);
    }

    private void Rest(in OrderRow order, long quantity, int orders)
    {
        if (!_levels.TryGetValue((order.Market, order.Side), out SortedDictionary<long, PriceLevel>? levels))
        {
            IComparer<long>? bestFirst = order.Side == Side.Buy
                ? Comparer<long>.Create(static (left, right) => right.CompareTo(left))
                : null;
            _levels[(order.Market, order.Side)] = levels = new SortedDictionary<long, PriceLevel>(bestFirst);
        }

        if (!levels.TryGetValue(order.Price, out PriceLevel? level))
        {
            levels[order.Price] = level = new PriceLevel { Price = order.Price };
        }

        level.Quantity += quantity;
        level.Orders += orders;
        if (level.Orders == 0)
        {
            levels.Remove(order.Price);
        }
    }
}
