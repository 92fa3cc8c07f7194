using System;
using AppChain.Margin;

namespace AppChain.StateMachine;

/// <summary>One price of one side of a book, and the orders waiting there in time order.</summary>
internal struct Level
{
    /// <summary>Ticks.</summary>
    public long Price;

    /// <summary>Lots of all its orders.</summary>
    public long Quantity;

    /// <summary>Lots of its orders that only reduce: they hold no margin, so the premium does not count them.</summary>
    public long Reducing;

    /// <summary>Its orders.</summary>
    public int Count;

    /// <summary>Slot of the oldest order.</summary>
    public int First;

    /// <summary>Slot of the newest order.</summary>
    public int Last;
}

/// <summary>
/// The price levels of one side, sorted so that the best is last: most changes happen near the best price, where a
/// sorted array moves little, and the next best is the neighbour in memory. Changed by <see cref="Book"/> only.
/// </summary>
internal sealed class BookSide
{
    // A rank grows with how good a price is: the price itself for bids, its negation for asks.
    private readonly int _sign;
    private long[] _ranks = new long[64];
    private int[] _levels = new int[64];
    private int _count;

    /// <summary>An empty side.</summary>
    public BookSide(Side side) => _sign = side == Side.Buy ? 1 : -1;

    /// <summary>Levels of this side.</summary>
    public int Count => _count;

    /// <summary>Slot of the level at a position; position 0 is the worst, Count − 1 the best.</summary>
    public int LevelAt(int position) => _levels[position];

    /// <summary>Price of the level at a position.</summary>
    public long PriceAt(int position) => _ranks[position] * _sign;

    /// <summary>Best price; 0 when the side is empty.</summary>
    public long BestPrice => _count == 0 ? 0 : _ranks[_count - 1] * _sign;

    /// <summary>True when a taker with this limit would trade with the best level.</summary>
    public bool Crosses(long limit) => _count > 0 && _ranks[_count - 1] >= limit * _sign;

    /// <summary>Position of the level with this price; the complement of where it belongs when there is none.</summary>
    public int Find(long price)
    {
        long rank = price * _sign;
        int low = 0;
        int high = _count - 1;
        // BOUND: a binary search over at most Limits.LevelsPerSideMax levels.
        while (low <= high)
        {
            int middle = (low + high) >> 1;
            long found = _ranks[middle];
            if (found == rank)
            {
                return middle;
            }

            if (found < rank)
            {
                low = middle + 1;
            }
            else
            {
                high = middle - 1;
            }
        }

        return ~low;
    }

    /// <summary>Puts a level where its price belongs.</summary>
    public void Insert(int position, long price, int level)
    {
        if (_count == _ranks.Length)
        {
            Array.Resize(ref _ranks, _count * 2);
            Array.Resize(ref _levels, _count * 2);
        }

        int moved = _count - position;
        if (moved > 0)
        {
            Array.Copy(_ranks, position, _ranks, position + 1, moved);
            Array.Copy(_levels, position, _levels, position + 1, moved);
        }

        _ranks[position] = price * _sign;
        _levels[position] = level;
        _count++;
    }

    /// <summary>Takes the level at a position out.</summary>
    public void RemoveAt(int position)
    {
        Invariant.Assert(position < _count);
        _count--;
        int moved = _count - position;
        if (moved > 0)
        {
            Array.Copy(_ranks, position + 1, _ranks, position, moved);
            Array.Copy(_levels, position + 1, _levels, position, moved);
        }
    }
}
