using System;
using System.Collections.Generic;
using System.Globalization;
using AppChain.Margin;
using AppChain.StateMachine;

namespace AppChain.Node;

/// <summary>
/// Replays Bitstamp's level-3 order feed through the chain's book. An order that is created trades in our book at once;
/// what the feed then says of executions (an amount that shrinks, a deletion with nothing left) and of cancels (a
/// deletion with something left) are the cases: each must find our order exactly as far down as the feed says.
/// </summary>
internal sealed class BitstampReplay
{
    private const string FromBefore = "an order from before the file";
    private const string Twice = "the feed has already deleted the order";
    private const string Budget =
        "a market order ends with its budget, which the feed does not tell (less than a cent)";
    private const string Late = "the feed creates the order after its deletion";
    private const string NoNews = "the feed repeats what it said";

    // The two sides of a trade are a few messages apart.
    private const int MessagesApartMax = 6;

    private enum Kind
    {
        Created,
        Changed,
        Deleted,
    }

    // Amounts in 10^-8 coins, prices in 10^-2 USD.
    private readonly record struct Message(
        int Line, long Time, Kind Kind, ulong Id, long Price, long Amount, Side Side);

    // An order as the feed last described it.
    private sealed class Known
    {
        public long Price;
        public long Amount;

        // What our book expects the feed to say is left of the order, one entry per fill.
        public readonly Queue<long> Expected = new();

        // What our book took too much of the order, because a market order ended with its budget.
        public long Overtaken;
    }

    private readonly List<Message> _messages = [];
    private readonly BookReplay _book = new();
    private readonly FlowReport _report = new();
    private readonly Dictionary<ulong, Known> _orders = [];
    private readonly HashSet<ulong> _gone = [];
    private readonly HashSet<ulong> _created = [];

    private BitstampReplay()
    {
    }

    /// <summary>
    /// Replays a file of orders, and compares with the published best prices when there is a file of them.
    /// </summary>
    /// <exception cref="FormatException">A file has another shape.</exception>
    public static FlowReport Run(string ordersPath, string? topOfBookPath)
    {
        var replay = new BitstampReplay();
        foreach ((int line, string[] fields) in FlowFile.Read(ordersPath))
        {
            if (line > 1 || !FlowFile.IsHeader(fields))
            {
                replay._messages.Add(Parse(ordersPath, line, fields));
            }
        }

        BitstampTops? tops = topOfBookPath is null ? null : BitstampTops.Read(topOfBookPath);
        foreach (Message message in replay._messages)
        {
            if (message.Kind == Kind.Created)
            {
                replay._created.Add(message.Id);
            }
        }

        replay.SeedOrdersFromBefore();
        for (int i = 0; i < replay._messages.Count; i++)
        {
            replay.Step(i);
            tops?.Observe(replay._messages[i].Time, replay._book);
        }

        tops?.Judge(replay._report);
        return replay._report;
    }

    private static Message Parse(string path, int line, string[] fields)
    {
        Kind kind = fields.Length > 6
            ? fields[1] switch
            {
                "created" => Kind.Created,
                "changed" => Kind.Changed,
                "deleted" => Kind.Deleted,
                _ => throw new FormatException($"{path}, line {line}: the event '{fields[1]}' is unknown"),
            }
            : throw new FormatException($"{path}, line {line}: seven columns are needed: "
                + "time_ms,event,id,price,amount,order_time_s,side");
        Side side = fields[6] switch
        {
            "buy" => Side.Buy,
            "sell" => Side.Sell,
            _ => throw new FormatException($"{path}, line {line}: the side '{fields[6]}' is unknown"),
        };
        return new Message(
            line,
            FlowFile.Whole(path, line, fields, 0),
            kind,
            unchecked((ulong)FlowFile.Whole(path, line, fields, 2)),
            FlowFile.Scaled(path, line, fields, 3, 2),
            FlowFile.Scaled(path, line, fields, 4, 8),
            side);
    }

    // Orders that the file never creates rested before it began. What they held is what was left of them when they were
    // cancelled, and what the other sides of their executions lost; numbers grow with time, so they are in the order of
    // the queue.
    private void SeedOrdersFromBefore()
    {
        var older = new SortedDictionary<ulong, BookOrder>();
        long[] lost = LostByExecution();
        for (int i = 0; i < _messages.Count; i++)
        {
            Message message = _messages[i];
            if (!_created.Contains(message.Id))
            {
                long cancelled = message.Kind == Kind.Deleted ? message.Amount : 0;
                long held = older.GetValueOrDefault(message.Id).Quantity + lost[i] + cancelled;
                older[message.Id] = new BookOrder(message.Id, message.Side, message.Price, held);
            }
        }

        foreach (BookOrder order in older.Values)
        {
            if (order.Quantity > 0
                && !_book.TryFirstMaker(order.Side, order.Price, out _)
                && _book.CanRest(order.Id, order.Side, order.Price))
            {
                _book.Rest(order);
                _orders[order.Id] = new Known { Price = order.Price, Amount = order.Quantity };
                _report.Note("orders from before the file");
            }
        }
    }

    // What each message says its order lost by execution. Of an order from before the file only what is left is known;
    // it lost what the other side lost, whose message is the next one about an execution, or the one before.
    private long[] LostByExecution()
    {
        var left = new Dictionary<ulong, (long Price, long Amount)>();
        var lost = new long[_messages.Count];
        int unpaired = -1;
        for (int i = 0; i < _messages.Count; i++)
        {
            Message message = _messages[i];
            bool isFromBefore = !_created.Contains(message.Id);
            (long price, long before) = left.GetValueOrDefault(message.Id, (message.Price, message.Amount));
            left[message.Id] = (message.Price, message.Amount);
            bool isShrunk = message.Amount == 0 || (price == message.Price && message.Amount < before);
            bool isExecution = message.Kind switch
            {
                Kind.Created => false,
                Kind.Changed => isFromBefore || isShrunk,
                _ => message.Amount == 0,
            };
            if (!isExecution)
            {
                continue;
            }

            lost[i] = isFromBefore ? 0 : before - message.Amount;
            bool isPair = unpaired >= 0
                && i - unpaired <= MessagesApartMax
                && _messages[unpaired].Side != message.Side;
            if (isPair)
            {
                long both = Math.Max(lost[unpaired], lost[i]);
                (lost[unpaired], lost[i]) = (both, both);
            }

            unpaired = isPair ? -1 : i;
        }

        return lost;
    }

    private void Step(int index)
    {
        Message message = _messages[index];
        if (message.Kind == Kind.Created)
        {
            if (_gone.Contains(message.Id))
            {
                _report.Skip(Late);
                return;
            }

            _report.Note("orders placed");
            _orders[message.Id] = new Known { Price = message.Price, Amount = message.Amount };
            Place(message);
        }
        else if (_gone.Contains(message.Id))
        {
            _report.Skip(Twice);
        }
        else if (!_orders.TryGetValue(message.Id, out Known? known))
        {
            _report.Skip(_created.Contains(message.Id) ? Late : FromBefore);
            if (message.Kind == Kind.Deleted)
            {
                _gone.Add(message.Id);
            }
        }
        else
        {
            Follow(index, message, known);
        }
    }

    private void Follow(int index, in Message message, Known known)
    {
        bool isShrunk = message.Price == known.Price && message.Amount < known.Amount;
        if (message.Kind == Kind.Deleted ? message.Amount == 0 : isShrunk)
        {
            JudgeExecution(index, message, known);
        }
        else if (message.Kind == Kind.Deleted)
        {
            JudgeCancel(index, message, known);
        }
        else if (message.Price == known.Price && message.Amount == known.Amount)
        {
            _report.Skip(NoNews);
        }
        else
        {
            // A new price (market orders move up and down by new prices, their budget buying less or more), or more of
            // it: the order goes to the back of the queue there, or trades.
            _report.Note("orders replaced");
            TakeOut(message.Id);
            known.Expected.Clear();
            Place(message);
        }

        known.Price = message.Price;
        known.Amount = message.Amount;
        if (message.Kind == Kind.Deleted)
        {
            TakeOut(message.Id);
            _orders.Remove(message.Id);
            _gone.Add(message.Id);
        }
    }

    private void Place(in Message message)
    {
        IReadOnlyList<BookFill> fills = _book.Take(message.Side, message.Price, message.Amount);
        long left = message.Amount;
        foreach (BookFill fill in fills)
        {
            left -= fill.Quantity;
            _orders[fill.MakerId].Expected.Enqueue(fill.MakerLeft);
            _orders[message.Id].Expected.Enqueue(left);
            _report.Note("fills of our book");
            _report.Filled(fill.Price, fill.Quantity);
        }

        if (left > 0 && _book.CanRest(message.Id, message.Side, message.Price))
        {
            _book.Rest(new BookOrder(message.Id, message.Side, message.Price, left));
        }
    }

    private void JudgeExecution(int index, in Message message, Known known)
    {
        _report.Note("recorded executions");
        long ours = message.Amount - known.Overtaken;
        if (known.Expected.TryPeek(out long expected) && known.Expected.Contains(ours))
        {
            // BOUND: the fills up to the one that the message tells; it may tell several at once.
            while (known.Expected.Dequeue() != ours)
            {
            }

            _report.Note("recorded executions that our book made");
            _report.Agree();
            return;
        }

        bool isBudget = known.Expected.Count > 0
            && ours - expected > 0
            && ours - expected <= CentWorth(message.Price)
            && HasEndOfBudget(index);
        if (isBudget)
        {
            known.Expected.Dequeue();
            known.Overtaken += ours - expected;
            _report.Skip(Budget);
            return;
        }

        string what = known.Expected.Count > 0
            ? string.Create(CultureInfo.InvariantCulture, $"our book leaves {expected}, the feed {message.Amount}")
            : "our book has no trade of it";
        _report.Disagree(string.Create(
            CultureInfo.InvariantCulture,
            $"line {message.Line}: {known.Amount - message.Amount} of order {message.Id} are executed, {what}"));

        // Go on from what was recorded.
        known.Expected.Clear();
        known.Overtaken = 0;
        if (_book.TryFind(message.Id, out BookOrder order) && order.Quantity > message.Amount)
        {
            _book.Reduce(message.Id, order.Quantity - message.Amount);
        }
    }

    private void JudgeCancel(int index, in Message message, Known known)
    {
        long ours = _book.TryFind(message.Id, out BookOrder order) ? order.Quantity + known.Overtaken : 0;
        if (ours == message.Amount)
        {
            _report.Agree();
        }
        else if (ours == 0 && known.Expected.Count == 1 && HasExecutionBeside(index))
        {
            _report.Skip(Budget);
        }
        else
        {
            _report.Disagree(string.Create(
                CultureInfo.InvariantCulture,
                $"line {message.Line}: order {message.Id} is cancelled with {message.Amount} left, our book has "
                + $"{ours}"));
        }
    }

    // A market order whose budget is used up is deleted with what it had before its last fill, though it got that fill.
    private bool HasEndOfBudget(int index) => HasBeside(index, static (message, other) =>
        other.Kind == Kind.Deleted && other.Amount > 0 && other.Side != message.Side && other.Price == message.Price);

    private bool HasExecutionBeside(int index) => HasBeside(index, static (message, other) =>
        other.Kind != Kind.Created && other.Side != message.Side && other.Price == message.Price);

    private bool HasBeside(int index, Func<Message, Message, bool> isIt)
    {
        for (int i = Math.Max(0, index - 2); i <= Math.Min(_messages.Count - 1, index + 2); i++)
        {
            if (i != index && isIt(_messages[index], _messages[i]))
            {
                return true;
            }
        }

        return false;
    }

    // One cent in 10^-8 coins at a price in cents. ROUNDING: up, the feed rounds its budgets up too.
    private static long CentWorth(long price) => (100_000_000 + price - 1) / price;

    private void TakeOut(ulong id)
    {
        if (_book.TryFind(id, out _))
        {
            _book.Remove(id);
        }
    }
}
