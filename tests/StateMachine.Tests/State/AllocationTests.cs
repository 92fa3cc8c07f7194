using System;
using NUnit.Framework;

namespace AppChain.StateMachine.Tests;

/// <summary>
/// What operations allocate once arrays have their size: nothing in the book, and on the order path what leaves it
/// (results, events, rows for the tree and the change log).
/// </summary>
[TestFixture]
[NonParallelizable]
public sealed class AllocationTests
{
    private const long BytesPerOrderMax = 1_000;

    private State _state = null!;
    private Book _book = null!;
    private int[] _live = [];
    private int _count;
    private ulong _id;
    private uint _random;

    [Test]
    public void The_book_allocates_nothing_per_operation()
    {
        _state = new State();
        _book = _state.Books[_state.AddMarket(new MarketRow { Parameters = TestMarkets.Simple() })];
        _live = new int[100_000];
        _id = 1;
        Trade(100_000);
        Trade(100_000);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Trade(100_000);
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.Zero);
        Assert.That(_id, Is.GreaterThan(100_000));
    }

    [Test]
    public void An_order_allocates_little_more_than_its_results_and_rows()
    {
        const int orders = 2_000;
        TestChain chain = new(TestMarkets.Genesis(
            [("alice", 1_000_000_000), ("bob", 1_000_000_000)], [TestMarkets.Simple()]));
        chain.Exchange.CheckEveryRow = false;
        chain.Price(1, 1_000);
        long bytes = 0;
        long fills = 0;
        for (int i = 0; i < 20; i++)
        {
            AddOrders(chain, orders);
            Block block = chain.Next();
            long before = GC.GetAllocatedBytesForCurrentThread();
            BlockResult result = chain.Exchange.Execute(block);
            chain.Exchange.Commit();
            bytes = GC.GetAllocatedBytesForCurrentThread() - before;
            foreach (ExchangeEvent happened in result.Events)
            {
                fills += happened.Kind == EventKind.Fill ? 1 : 0;
            }
        }

        Assert.That(fills, Is.GreaterThan(orders));
        Assert.That(bytes / orders, Is.LessThan(BytesPerOrderMax));
    }

    // Orders of four in a transaction: three that rest for a block, one that trades.
    private static void AddOrders(TestChain chain, int orders)
    {
        long until = chain.Exchange.Height + 2;
        for (int i = 0; i < orders / 4; i++)
        {
            string name = i % 2 == 0 ? "alice" : "bob";
            long offset = 1 + (i % 40);
            chain.Add(
                name,
                Ops.Buy(5, 1_000 + offset, tif: TimeInForce.ImmediateOrCancel),
                Resting(Ops.Buy(3, 1_000 - offset), until),
                Resting(Ops.Sell(3, 1_000 + offset), until),
                Resting(Ops.Sell(3, 1_001 + offset), until));
        }
    }

    private static Operation Resting(Operation operation, long until)
    {
        operation.GoodTilHeight = until;
        return operation;
    }

    // The same random operations each time, then everything is cancelled.
    private void Trade(int operations)
    {
        _random = 12_345;
        Savepoint savepoint = _state.Journal.Mark();
        for (int i = 0; i < operations; i++)
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
            else if (_state.Orders.Read(_live[_count - 1]).Quantity > 1)
            {
                _book.Reduce(_live[_count - 1], 1);
            }

            if (i % 1_000 == 999)
            {
                _state.Journal.Release(savepoint);
                _state.Forget();
                savepoint = _state.Journal.Mark();
            }
        }

        while (_count > 0)
        {
            Cancel(_count - 1);
        }

        _state.Journal.Release(savepoint);
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

    private void Cancel(int at)
    {
        int slot = _live[at];
        _live[at] = _live[--_count];
        _book.Remove(slot);
        _state.Orders.Remove(slot);
    }

    private uint Next()
    {
        _random ^= _random << 13;
        _random ^= _random >> 17;
        _random ^= _random << 5;
        return _random;
    }
}
