using System;
using System.Collections.Generic;
using AppChain.Node;
using AppChain.StateMachine;

namespace AppChain.Bench;

/// <summary>
/// The raw book: 1,000,000 operations, 60 % limit, 35 % cancel, 5 % crossing, within 50 ticks of the middle; the undo
/// journal is on, as in a block, and forgotten every 10,000 operations. One state serves all rounds and is emptied
/// between them, so that arrays have their size: what is allocated then is allocated by the operations.
/// </summary>
internal sealed class BookFigures
{
    private const int Operations = 1_000_000;
    private const int PerBlock = 10_000;

    private readonly State _state = new();
    private readonly Book _book;
    private readonly int[] _live = new int[Operations];
    private int _count;
    private ulong _id = 1;
    private uint _random;

    private BookFigures() =>
        _book = _state.Books[_state.AddMarket(new MarketRow { Parameters = GenesisFile.DefaultMarkets[0] })];

    /// <summary>Measures and prints.</summary>
    public static void Print()
    {
        const int rounds = 9;
        var figures = new BookFigures();
        var costs = new List<Cost>();
        Cost first = default;
        for (int round = 0; round <= rounds; round++)
        {
            figures._random = 12_345;
            Cost cost = Cost.Of(figures.Round);
            figures.Empty();
            if (round == 0)
            {
                first = cost;
            }
            else
            {
                costs.Add(cost);
            }
        }

        Cost median = Cost.Median(costs);
        Cost most = Cost.Quantile(costs, 1);
        Console.WriteLine(
            $"raw book: {Operations / median.Wall / 1e6:0.00} M operations/s, "
            + $"{Operations / median.Processor / 1e6:0.00} by processor time "
            + $"(median of {rounds}, least {Operations / most.Wall / 1e6:0.00}); bytes allocated per operation: "
            + $"{most.Bytes / Operations:0.0000} (growing from empty: {first.Bytes / Operations:0})");
    }

    private void Round()
    {
        Savepoint savepoint = _state.Journal.Mark();
        for (int i = 0; i < Operations; i++)
        {
            uint kind = Next() % 100;
            if (kind < 60 || _count == 0)
            {
                Place((Next() & 1) == 0 ? Side.Buy : Side.Sell, 1 + (Next() % 50), 1 + (Next() % 100));
            }
            else if (kind < 95)
            {
                Cancel((int)(Next() % (uint)_count));
            }
            else
            {
                Cross((Next() & 1) == 0 ? Side.Buy : Side.Sell, 1 + (Next() % 200));
            }

            if (i % PerBlock == PerBlock - 1)
            {
                _state.Journal.Release(savepoint);
                _state.Forget();
                savepoint = _state.Journal.Mark();
            }
        }

        _state.Journal.Release(savepoint);
    }

    private void Empty()
    {
        while (_count > 0)
        {
            Cancel(_count - 1);
        }

        _state.Forget();
    }

    private void Place(Side side, long offset, long quantity)
    {
        int slot = _state.Orders.Add(new OrderRow
        {
            OrderId = _id++,
            Market = 1,
            Side = side,
            Price = side == Side.Buy ? 10_000 - offset : 10_000 + offset,
            Quantity = quantity,
        });
        _book.Insert(slot);
        _live[_count++] = slot;
    }

    // An order that was filled since has left a free slot, or one that another order took: then that one is cancelled.
    private void Cancel(int at)
    {
        int slot = _live[at];
        _live[at] = _live[--_count];
        if (_state.Orders.Read(slot).Quantity > 0)
        {
            _book.Remove(slot);
            _state.Orders.Remove(slot);
        }
    }

    // Takes lots from the best makers.
    private void Cross(Side side, long lots)
    {
        while (lots > 0)
        {
            int maker = _book.BestMaker(side, side == Side.Buy ? long.MaxValue : 1);
            if (maker < 0)
            {
                return;
            }

            long quantity = _state.Orders.Read(maker).Quantity;
            if (quantity <= lots)
            {
                _book.Remove(maker);
                _state.Orders.Remove(maker);
                lots -= quantity;
            }
            else
            {
                _book.Reduce(maker, lots);
                lots = 0;
            }
        }
    }

    private uint Next()
    {
        _random ^= _random << 13;
        _random ^= _random >> 17;
        _random ^= _random << 5;
        return _random;
    }
}
