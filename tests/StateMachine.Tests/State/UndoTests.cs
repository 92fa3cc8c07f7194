using System;
using System.Collections.Generic;
using System.Text;
using NUnit.Framework;

namespace AppChain.StateMachine.Tests;

/// <summary>
/// Rows, books, lists and indexes under random changes and nested savepoints: whatever is rolled back leaves the text
/// of the whole state as it was.
/// </summary>
[TestFixture]
public sealed class UndoTests
{
    private const int AccountCount = 5;
    private const int PriceCount = 12;

    private readonly List<int> _open = [];
    private State _state = null!;
    private RestingOrders _resting = null!;
    private BlockContext _context = null!;
    private Random _random = null!;
    private ulong _nextOrder;

    [Test]
    public void Every_rollback_leaves_the_state_as_it_was([Range(1, 20)] int seed)
    {
        Start(seed);
        for (int block = 0; block < 20; block++)
        {
            string before = Text();
            Savepoint start = _state.Journal.Mark();
            Change(3);
            if (_random.Next(3) == 0)
            {
                _state.Journal.Rollback(start);
                Assert.That(Text(), Is.EqualTo(before));
            }
            else
            {
                _state.Journal.Release(start);
            }

            _state.Forget();
        }

        Assert.That(_state.Orders.Count, Is.Positive);
    }

    [Test]
    public void Lots_taken_off_an_order_of_the_same_savepoint_come_back_before_it_goes()
    {
        Start(1);
        string before = Text();
        Savepoint block = _state.Journal.Mark();
        Savepoint transaction = _state.Journal.Mark();
        int slot = Open(0, Side.Buy, 1, 10);
        _state.Journal.Release(transaction);
        _resting.Reduce(slot, 0, _state.PositionSlot(0, 1), 4);
        _state.Journal.Rollback(block);
        Assert.That(Text(), Is.EqualTo(before));
    }

    private void Start(int seed)
    {
        _random = new Random(seed);
        _state = new State();
        _context = new BlockContext();
        _resting = new RestingOrders(_state);
        _nextOrder = 1;
        _state.AddMarket(new MarketRow { Parameters = TestMarkets.Simple() });
        _state.AddMarket(new MarketRow { Parameters = TestMarkets.Simple(2) });
        for (int account = 0; account < AccountCount; account++)
        {
            _state.FindOrOpenAccount(new AccountId(TestMarkets.AddressOf($"{account}"), 0));
        }

        _state.Forget();
    }

    // Random changes; some of them under a savepoint of their own, which is kept or taken back.
    private void Change(int depth)
    {
        for (int i = _random.Next(1, 12); i > 0; i--)
        {
            if (depth == 0 || _random.Next(3) > 0)
            {
                ChangeOne();
                continue;
            }

            string before = Text();
            Savepoint savepoint = _state.Journal.Mark();
            Change(depth - 1);
            if (_random.Next(2) == 0)
            {
                _state.Journal.Rollback(savepoint);
                Assert.That(Text(), Is.EqualTo(before));
            }
            else
            {
                _state.Journal.Release(savepoint);
            }
        }
    }

    private void ChangeOne()
    {
        _open.Clear();
        _open.AddRange(_state.Orders.SlotsInKeyOrder(Comparer<ulong>.Default));
        int kind = _random.Next(10);
        if (kind < 5 || _open.Count == 0)
        {
            Side side = _random.Next(2) == 0 ? Side.Buy : Side.Sell;
            Open(_random.Next(AccountCount), side, (uint)_random.Next(1, 3), _random.Next(1, 20));
            return;
        }

        int slot = _open[_random.Next(_open.Count)];
        OrderRow order = _state.Orders.Read(slot);
        int position = _state.PositionSlot(order.Account, order.Market);
        switch (kind)
        {
            case < 7:
                _resting.Close(slot, CloseReason.Cancelled, _context);
                break;
            case 7:
                _resting.CloseAll(position, CloseReason.Cancelled, _context);
                break;
            case 8:
                _resting.Reduce(
                    slot, _state.MarketSlot(order.Market), position, _random.NextInt64(1, order.Quantity + 1));
                _state.ReleaseIfEmpty(position);
                break;
            default:
                _state.Positions.Write(position).Size += _random.Next(-1, 2);
                _state.Accounts.Write(order.Account).Collateral += 1;
                break;
        }
    }

    private int Open(int account, Side side, uint market, long quantity)
    {
        int marketSlot = _state.MarketSlot(market);
        int position = _state.FindOrOpenPosition(account, marketSlot);
        var order = new OrderRow
        {
            OrderId = _nextOrder,
            ClientId = _random.Next(2) == 0 ? 0 : _nextOrder * 3,
            Account = account,
            Market = market,
            Side = side,
            ReduceOnly = _random.Next(4) == 0,
            Price = 100 + _random.Next(PriceCount),
            Quantity = quantity,
        };
        _nextOrder++;
        return _resting.Open(order, marketSlot, position);
    }

    // Everything that reads can see, links by what they lead to: slot numbers may differ.
    private string Text()
    {
        var text = new StringBuilder();
        for (int account = 0; account < AccountCount; account++)
        {
            text.Append($"account {account} {_state.Accounts.Read(account).Collateral}\n");
            int position = _state.Accounts.Read(account).FirstPosition;
            for (; position >= 0; position = _state.Positions.Read(position).Next)
            {
                Append(text, position);
            }
        }

        for (int market = 0; market < _state.Books.Count; market++)
        {
            Append(text, _state.Books[market], _state.Books[market].Bids);
            Append(text, _state.Books[market], _state.Books[market].Asks);
        }

        return text.Append($"{_state.Positions.Count} {_state.Orders.Count}").ToString();
    }

    private void Append(StringBuilder text, int positionSlot)
    {
        PositionRow row = _state.Positions.Read(positionSlot);
        Assert.That(_state.PositionSlot(row.Account, row.Market), Is.EqualTo(positionSlot));
        text.Append($"position {row.Market} {row.Size} {row.OpenBuys} {row.OpenSells} {row.OrderCount}:");
        int previous = -1;
        for (int slot = row.FirstOrder; slot >= 0; slot = _state.Orders.Read(slot).AccountNext)
        {
            OrderRow order = _state.Orders.Read(slot);
            Assert.That(order.AccountPrevious, Is.EqualTo(previous));
            Assert.That(_state.Orders.TryFind(order.OrderId, out int found) ? found : -1, Is.EqualTo(slot));
            if (order.ClientId != 0)
            {
                Assert.That(
                    _state.ClientIds.TryFind(row.Account, order.ClientId, out found) ? found : -1, Is.EqualTo(slot));
            }

            text.Append($" {order.OrderId}");
            previous = slot;
        }

        Assert.That(row.LastOrder, Is.EqualTo(previous));
        text.Append('\n');
    }

    private void Append(StringBuilder text, Book book, BookSide side)
    {
        for (int i = 0; i < side.Count; i++)
        {
            Level level = book.LevelAt(side.LevelAt(i));
            Assert.That(level.Price, Is.EqualTo(side.PriceAt(i)));
            text.Append($"level {level.Price} {level.Quantity} {level.Count}:");
            int previous = -1;
            for (int slot = level.First; slot >= 0; slot = _state.Orders.Read(slot).Next)
            {
                OrderRow order = _state.Orders.Read(slot);
                Assert.That(order.Previous, Is.EqualTo(previous));
                Assert.That(order.Level, Is.EqualTo(side.LevelAt(i)));
                text.Append($" {order.OrderId} {order.Quantity} {order.ClientId}");
                previous = slot;
            }

            Assert.That(level.Last, Is.EqualTo(previous));
            text.Append('\n');
        }
    }
}
