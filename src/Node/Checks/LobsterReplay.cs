using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using AppChain.Margin;
using AppChain.StateMachine;

namespace AppChain.Node;

/// <summary>
/// Replays a LOBSTER recording through the chain's book. Every message is a case: it agrees when our book can do what
/// it says (a new order rests without crossing, a recorded execution hits the first order in price-time priority) and
/// then shows the recorded levels. Orders from before the file are one nameless order per level, which the first row of
/// the book file gives; levels that were out of sight come back as the book file shows them.
/// </summary>
internal sealed class LobsterReplay
{
    private const string FromBefore = "an order from before the file";
    private const string OutOfSight = "its level had been out of sight";
    private const string Doubted = "an order that has disagreed before (the book file would tell what it holds)";
    private const string Unseen = "orders may have changed unseen (the book file would tell)";

    private readonly BookReplay _book = new();
    private readonly FlowReport _report = new();

    // The nameless orders, by level; their ids count down from the top.
    private readonly Dictionary<(Side Side, long Price), ulong> _nameless = [];
    private ulong _nextNameless = ulong.MaxValue;

    // Levels whose queue may have changed while nobody saw it.
    private readonly HashSet<(Side Side, long Price)> _unsure = [];

    // Without a book file: how often a side had got a new best price when the order came; it has been at the best
    // price, and so in sight, ever since if the number is still the same.
    private readonly Dictionary<ulong, int> _bestSince = [];
    private readonly int[] _newBests = new int[2];

    // Without a book file: orders about which our book and the recording disagreed. Nothing tells what is left of them,
    // so they are out of the book, lest one disagreement makes a thousand.
    private readonly HashSet<ulong> _doubted = [];

    private List<LobsterMessage> _messages = [];
    private int _index;

    // Messages before this index are of a sweep that hit the same orders as ours would, in whatever order told.
    private int _sweepEnd;
    private LobsterBookRow? _before;
    private bool _isBookKnown;

    // What became of the message at hand.
    private string? _wrong;
    private string? _open;
    private bool _forgive;

    private LobsterReplay()
    {
    }

    /// <summary>Replays a message file, next to its book file when there is one.</summary>
    /// <exception cref="FormatException">A file has another shape, or the two differ in length.</exception>
    public static FlowReport Run(string messagesPath, string? bookPath)
    {
        var replay = new LobsterReplay
        {
            _isBookKnown = bookPath is not null,
            _messages = [.. LobsterMessage.Read(messagesPath)],
        };
        using IEnumerator<LobsterBookRow>? rows =
            bookPath is null ? null : LobsterBookRow.Read(bookPath).GetEnumerator();
        for (; replay._index < replay._messages.Count; replay._index++)
        {
            if (rows is not null && !rows.MoveNext())
            {
                throw new FormatException($"{bookPath} ends before {messagesPath}: one row per message is needed");
            }

            replay.Step(replay._messages[replay._index], rows?.Current);
        }

        if (rows is not null && rows.MoveNext())
        {
            throw new FormatException(
                $"{bookPath} goes on after the end of {messagesPath}: one row per message is needed");
        }

        return replay._report;
    }

    private void Step(in LobsterMessage message, LobsterBookRow? row)
    {
        (_wrong, _open, _forgive) = (null, null, false);
        if (row is not null && _before is null)
        {
            Seed(message, row);
            _open = "the first row of the book file, from which the replay starts";
        }
        else
        {
            Apply(message);
            if (row is not null)
            {
                Compare(Side.Buy, row, message);
                Compare(Side.Sell, row, message);
            }
        }

        _before = row;
        if (_wrong is not null)
        {
            _report.Disagree(string.Create(CultureInfo.InvariantCulture, $"line {message.Line}: {_wrong}"));
        }
        else if (_open is not null)
        {
            _report.Skip(_open);
        }
        else
        {
            _report.Agree();
        }
    }

    // The row holds the book after the message, so a new order is behind what its level had before.
    private void Seed(in LobsterMessage message, LobsterBookRow row)
    {
        foreach (Side side in (ReadOnlySpan<Side>)[Side.Buy, Side.Sell])
        {
            foreach ((long price, long quantity) in row.Levels(side))
            {
                bool isNew = message.Type == 1 && message.Side == side && message.Price == price;
                long older = isNew ? quantity - message.Quantity : quantity;
                if (older > 0)
                {
                    RestNameless(side, price, older);
                }

                if (isNew)
                {
                    _book.Rest(new BookOrder(message.Id, side, price, message.Quantity));
                }
            }
        }
    }

    private void Apply(in LobsterMessage message)
    {
        switch (message.Type)
        {
            case 1:
                Open(message);
                break;
            case 2 or 3:
                Cancel(message);
                break;
            case 4:
                _report.Note("executions of visible orders");
                Execute(message);
                break;
            case 5:
                _open = "an execution of a hidden order, which no book shows";
                break;
            case 6:
                _open = "a cross trade, which happens outside the book";
                break;
            default:
                _open = "a trading halt";
                break;
        }
    }

    private void Open(in LobsterMessage message)
    {
        Side opposite = message.Side == Side.Buy ? Side.Sell : Side.Buy;
        // BOUND: each pass ends or clears a level.
        while (_book.TryFirstMaker(message.Side, message.Price, out BookOrder crossed))
        {
            if (_isBookKnown || IsWatched(crossed))
            {
                _wrong ??=
                    $"order {message.Id} rests at {message.Price} but would trade with {crossed.Id} at {crossed.Price}";
                if (_isBookKnown)
                {
                    return;
                }

                Doubt(crossed);
            }
            else
            {
                ForgetLevel(opposite, crossed.Price);
            }
        }

        if (message.Quantity <= 0 || !_book.CanRest(message.Id, message.Side, message.Price))
        {
            _wrong = $"order {message.Id} of {message.Quantity} cannot rest: its number is in use, or it is empty";
            return;
        }

        bool isNewBest = _book.LevelCount(message.Side) == 0 || IsBetter(message.Side, message.Price);
        if (isNewBest)
        {
            _newBests[SideIndex(message.Side)]++;
        }

        _book.Rest(new BookOrder(message.Id, message.Side, message.Price, message.Quantity));
        bool isAtBest = _book.Level(message.Side, 0).Price == message.Price;
        _bestSince[message.Id] = isAtBest ? _newBests[SideIndex(message.Side)] : -1;
    }

    private void Cancel(in LobsterMessage message)
    {
        if (!TryOrder(message, out BookOrder order))
        {
            return;
        }

        bool isWhole = message.Type == 3;
        if (message.Quantity > order.Quantity || (isWhole && !IsNameless(order) && message.Quantity != order.Quantity))
        {
            if (_unsure.Contains((order.Side, order.Price)) || (!_isBookKnown && !IsWatched(order)))
            {
                _open = Unseen;
                _forgive = true;
                _book.Reduce(order.Id, isWhole ? order.Quantity : Math.Min(order.Quantity, message.Quantity));
                return;
            }

            _wrong = $"{message.Quantity} of order {message.Id} are cancelled, {order.Quantity} were left";
            Doubt(order);
            return;
        }

        _book.Reduce(order.Id, message.Quantity);
    }

    private void Execute(in LobsterMessage message)
    {
        if (!TryOrder(message, out BookOrder order))
        {
            return;
        }

        if (message.Quantity > order.Quantity)
        {
            _wrong = $"{message.Quantity} of order {message.Id} are executed, {order.Quantity} were left";
            Doubt(order);
            return;
        }

        if (IsInSweep(message))
        {
            _book.Reduce(order.Id, message.Quantity);
            _report.Note("executions that hit the orders of the book");
            return;
        }

        Side taker = message.Side == Side.Buy ? Side.Sell : Side.Buy;
        // BOUND: each pass ends or takes an order out.
        while (_book.TryFirstMaker(taker, order.Price, out BookOrder first) && first.Id != order.Id)
        {
            bool isUnsure = _unsure.Contains((order.Side, order.Price)) || _unsure.Contains((first.Side, first.Price));
            if (_isBookKnown ? !isUnsure : IsWatched(first))
            {
                _wrong = $"order {message.Id} is executed, {first.Id} at {first.Price} comes before it";
                _book.Reduce(order.Id, message.Quantity);
                Doubt(first);
                return;
            }

            _open = _isBookKnown ? OutOfSight : Unseen;
            if (_isBookKnown)
            {
                _book.Reduce(order.Id, message.Quantity);
                return;
            }

            _book.Remove(first.Id);
        }

        IReadOnlyList<BookFill> fills = _book.Take(taker, order.Price, message.Quantity);
        Invariant.Assert(fills.Count == 1);
        _report.Note("executions that hit the orders of the book");
    }

    // Executions of one moment on one side are one arriving order; the recording does not always tell them in the order
    // of the queue. They agree when ours would hit the same orders for the same quantities.
    private bool IsInSweep(in LobsterMessage first)
    {
        if (_index < _sweepEnd)
        {
            return true;
        }

        var recorded = new SortedDictionary<ulong, long>();
        long quantity = 0;
        long limit = first.Price;
        int end = _index;
        for (; end < _messages.Count; end++)
        {
            LobsterMessage message = _messages[end];
            if (message.Type != 4 || message.Side != first.Side || message.Time != first.Time)
            {
                break;
            }

            ulong id = _book.TryFind(message.Id, out _) ? message.Id
                : _nameless.GetValueOrDefault((message.Side, message.Price));
            recorded[id] = recorded.GetValueOrDefault(id) + message.Quantity;
            quantity += message.Quantity;
            limit = IsBefore(first.Side, message.Price, limit) ? limit : message.Price;
        }

        Side taker = first.Side == Side.Buy ? Side.Sell : Side.Buy;
        var ours = new SortedDictionary<ulong, long>();
        foreach (BookFill fill in _book.Preview(taker, limit, quantity))
        {
            ours[fill.MakerId] = fill.Quantity;
        }

        if (!recorded.SequenceEqual(ours))
        {
            return false;
        }

        _sweepEnd = end;
        return true;
    }

    // The order that the message means; a number from before the file means the nameless order of the level.
    private bool TryOrder(in LobsterMessage message, out BookOrder order)
    {
        if (_book.TryFind(message.Id, out order))
        {
            if (order.Side == message.Side && order.Price == message.Price)
            {
                return true;
            }

            _wrong = $"order {message.Id} rests at {order.Price}, the message says {message.Price}";
            Doubt(order);
            return false;
        }

        (Side, long) level = (message.Side, message.Price);
        if (_nameless.TryGetValue(level, out ulong nameless)
            && _book.TryFind(nameless, out order)
            && order.Quantity >= message.Quantity)
        {
            return true;
        }

        bool isKnownLevel = _isBookKnown && !_unsure.Contains(level) && _before!.Shows(message.Side, message.Price);
        if (isKnownLevel)
        {
            _wrong = $"order {message.Id} is not in the book, and its level has no older orders that it could be of";
            return false;
        }

        _open = _isBookKnown ? OutOfSight : _doubted.Contains(message.Id) ? Doubted : FromBefore;
        _forgive = true;
        return false;
    }

    // Walks both lists from the best level on, until the recording shows no more.
    private void Compare(Side side, LobsterBookRow row, in LobsterMessage message)
    {
        IReadOnlyList<(long Price, long Quantity)> shown = row.Levels(side);
        int depth = 0;
        foreach ((long price, long quantity) in shown)
        {
            // BOUND: each pass clears a level that the recording does not have.
            while (depth < _book.LevelCount(side) && IsBefore(side, _book.Level(side, depth).Price, price))
            {
                long extra = _book.Level(side, depth).Price;
                Judge(side, extra, message, "is gone");
                ForgetLevel(side, extra);
            }

            _report.Note("levels compared");
            (long Price, long Quantity) ours = depth < _book.LevelCount(side) ? _book.Level(side, depth) : default;
            if (ours != (price, quantity))
            {
                Judge(side, price, message, $"holds {quantity}, ours {(ours.Price == price ? ours.Quantity : 0)}");
                ForgetLevel(side, price);
                RestNameless(side, price, quantity);
            }

            depth++;
        }

        // The recording shows a short side whole.
        while (row.Shows(side, side == Side.Buy ? 0 : long.MaxValue) && depth < _book.LevelCount(side))
        {
            long extra = _book.Level(side, depth).Price;
            Judge(side, extra, message, "is gone");
            ForgetLevel(side, extra);
        }

        foreach ((long price, _) in _before!.Levels(side))
        {
            if (!row.Shows(side, price))
            {
                _unsure.Add((side, price));
            }
        }
    }

    // A level that was in sight before the message must be as we have it; another one may have changed.
    private void Judge(Side side, long price, in LobsterMessage message, string what)
    {
        bool isOfMessage = message.Side == side && message.Price == price;
        if (!_before!.Shows(side, price) || (_forgive && isOfMessage))
        {
            _report.Note("levels that came back into sight, taken from the book file");
            return;
        }

        _wrong ??= $"the level {price} {(side == Side.Buy ? "bid" : "ask")} {what}";
    }

    private void RestNameless(Side side, long price, long quantity)
    {
        ulong id = _nextNameless--;
        if (_book.CanRest(id, side, price))
        {
            _book.Rest(new BookOrder(id, side, price, quantity));
            _nameless[(side, price)] = id;
        }
    }

    private void Doubt(in BookOrder order)
    {
        if (!_isBookKnown)
        {
            _book.Remove(order.Id);
            _doubted.Add(order.Id);
        }
    }

    private void ForgetLevel(Side side, long price)
    {
        _book.ClearLevel(side, price);
        _unsure.Remove((side, price));
    }

    private bool IsNameless(in BookOrder order) => order.Id > _nextNameless;

    private bool IsWatched(in BookOrder order) =>
        _bestSince.TryGetValue(order.Id, out int since) && since == _newBests[SideIndex(order.Side)];

    private bool IsBetter(Side side, long price) => IsBefore(side, price, _book.Level(side, 0).Price);

    private static bool IsBefore(Side side, long price, long other) =>
        side == Side.Buy ? price > other : price < other;

    private static int SideIndex(Side side) => side == Side.Buy ? 0 : 1;
}
