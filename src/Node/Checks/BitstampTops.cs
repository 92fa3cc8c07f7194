using System;
using System.Collections.Generic;
using System.Globalization;
using AppChain.Margin;
using AppChain.StateMachine;

namespace AppChain.Node;

/// <summary>
/// The best bid and ask that Bitstamp published every few seconds, compared with ours. They are published on another
/// channel than the orders, so each must have been our best at some moment shortly before or after.
/// </summary>
internal sealed class BitstampTops
{
    private const long ApartMax = 3_000;

    private readonly record struct Top(long Bid, long BidAmount, long Ask, long AskAmount);

    private readonly List<(int Line, long Time, Top Top)> _published = [];
    private readonly List<(long Time, Top Top)> _ours = [];

    private BitstampTops()
    {
    }

    /// <summary>Reads a file of lines time_ms,best_bid,bid_amount,best_ask,ask_amount.</summary>
    /// <exception cref="FormatException">A line has another shape.</exception>
    public static BitstampTops Read(string path)
    {
        var tops = new BitstampTops();
        foreach ((int line, string[] fields) in FlowFile.Read(path))
        {
            if (line > 1 || !FlowFile.IsHeader(fields))
            {
                tops._published.Add((line, FlowFile.Whole(path, line, fields, 0), new Top(
                    FlowFile.Scaled(path, line, fields, 1, 2),
                    FlowFile.Scaled(path, line, fields, 2, 8),
                    FlowFile.Scaled(path, line, fields, 3, 2),
                    FlowFile.Scaled(path, line, fields, 4, 8))));
            }
        }

        return tops._published.Count > 0
            ? tops
            : throw new FormatException($"{path} has no lines of time_ms,best_bid,bid_amount,best_ask,ask_amount");
    }

    /// <summary>Notes our best prices as of a time.</summary>
    public void Observe(long time, BookReplay book)
    {
        (long bid, long bidAmount) = book.LevelCount(Side.Buy) > 0 ? book.Level(Side.Buy, 0) : default;
        (long ask, long askAmount) = book.LevelCount(Side.Sell) > 0 ? book.Level(Side.Sell, 0) : default;
        var top = new Top(bid, bidAmount, ask, askAmount);
        if (_ours.Count == 0 || _ours[^1].Top != top)
        {
            _ours.Add((time, top));
        }
    }

    /// <summary>Counts how many published tops were ours, each side a note of its own; they are no cases.</summary>
    public void Judge(FlowReport report)
    {
        int first = 0;
        foreach ((_, long time, Top published) in _published)
        {
            // The last of ours before the window is in force when it begins.
            while (first + 1 < _ours.Count && _ours[first + 1].Time <= time - ApartMax)
            {
                first++;
            }

            bool bid = false;
            bool ask = false;
            for (int i = first; i < _ours.Count && _ours[i].Time <= time + ApartMax; i++)
            {
                bid |= (_ours[i].Top.Bid, _ours[i].Top.BidAmount) == (published.Bid, published.BidAmount);
                ask |= (_ours[i].Top.Ask, _ours[i].Top.AskAmount) == (published.Ask, published.AskAmount);
            }

            report.Note("published best prices", 2);
            report.Note("published best prices that were ours within 3 s", (bid ? 1 : 0) + (ask ? 1 : 0));
        }
    }
}
