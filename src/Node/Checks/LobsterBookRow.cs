using System;
using System.Collections.Generic;
using System.Globalization;
using AppChain.StateMachine;

namespace AppChain.Node;

/// <summary>The visible levels after one message of a LOBSTER recording, best first.</summary>
internal sealed class LobsterBookRow
{
    // Stands for a level that is not there, negative on the buy side.
    private const long NoPrice = 9_999_999_999;

    private readonly List<(long Price, long Quantity)> _bids = [];
    private readonly List<(long Price, long Quantity)> _asks = [];
    private readonly int _depth;

    private LobsterBookRow(int depth) => _depth = depth;

    /// <summary>The levels of a side that are there.</summary>
    public IReadOnlyList<(long Price, long Quantity)> Levels(Side side) => side == Side.Buy ? _bids : _asks;

    /// <summary>True when an order at this price would have been among the levels shown.</summary>
    public bool Shows(Side side, long price)
    {
        List<(long Price, long Quantity)> levels = side == Side.Buy ? _bids : _asks;
        return levels.Count < _depth || (side == Side.Buy ? price >= levels[^1].Price : price <= levels[^1].Price);
    }

    /// <summary>The rows of a file: ask price, ask size, bid price, bid size, and so on for each level.</summary>
    /// <exception cref="FormatException">A line has another shape.</exception>
    public static IEnumerable<LobsterBookRow> Read(string path)
    {
        bool isFirst = true;
        foreach ((int line, string[] fields) in FlowFile.Read(path))
        {
            bool isHeader = isFirst && FlowFile.IsHeader(fields);
            isFirst = false;
            if (isHeader)
            {
                continue;
            }

            if (fields.Length % 4 != 0)
            {
                throw new FormatException(string.Create(
                    CultureInfo.InvariantCulture, $"{path}, line {line}: {fields.Length} columns, not four per level"));
            }

            var row = new LobsterBookRow(fields.Length / 4);
            for (int column = 0; column < fields.Length; column += 2)
            {
                long price = FlowFile.Whole(path, line, fields, column);
                long quantity = FlowFile.Whole(path, line, fields, column + 1);
                if (Math.Abs(price) != NoPrice && quantity > 0)
                {
                    (column % 4 == 0 ? row._asks : row._bids).Add((price, quantity));
                }
            }

            yield return row;
        }
    }
}
