using System;
using System.Collections.Generic;
using System.Threading;
using AppChain.Margin;
using AppChain.StateMachine;

namespace AppChain.Node;

/// <summary>
/// Which accounts are nearest to liquidation. Looking at all of them takes long where there are many, so it is done
/// once a block, by the first who asks, and a few rows at a time: Commit gets the gate of the model in between.
/// </summary>
internal sealed class RiskRanking(ReadModel model)
{
    /// <summary>Share of <see cref="UsedPpm"/> from which an account has no equity that could be used.</summary>
    public const ulong UsedPpmMax = 1_000_000_000;

    // Twice as many as an answer may ask for: blocks that are committed during the search change their order.
    private const int Kept = 200;

    // BOUND: accounts and positions looked at before the gate is given up, about a tenth of a millisecond.
    private const int RowsAtOnce = 200;

    private readonly Lock _search = new();
    private readonly PriorityQueue<int, (ulong UsedPpm, int Number)> _nearest = new(
        Comparer<(ulong UsedPpm, int Number)>.Create(static (left, right) =>
            left.UsedPpm != right.UsedPpm
                ? left.UsedPpm.CompareTo(right.UsedPpm)
                : right.Number.CompareTo(left.Number)));
    private long _searched = -1;
    private volatile int[] _numbers = [];

    /// <summary>Numbers of the accounts that were nearest when last looked for, unordered.</summary>
    public IReadOnlyList<int> Numbers => _numbers;

    /// <summary>
    /// Maintenance margin as a share of equity at the account's side of the interval, at most <see cref="UsedPpmMax"/>.
    /// </summary>
    public static ulong UsedPpm(in Risk risk) => risk.EquityHigh <= 0
        ? UsedPpmMax
        : (ulong)Int128.Min(UsedPpmMax, risk.Maintenance * 1_000_000 / risk.EquityHigh);

    /// <summary>
    /// Looks for them, unless nothing was committed since the last time. To be called without the gate.
    /// </summary>
    public void Refresh()
    {
        lock (_search)
        {
            int next = 0;
            long version;
            using (model.EnterToRead())
            {
                version = model.Version;
            }

            if (version == _searched)
            {
                return;
            }

            _nearest.Clear();
            bool isOver = false;
            // BOUND: a slice per few accounts.
            while (!isOver)
            {
                using (model.EnterToRead())
                {
                    isOver = LookAtSome(ref next);
                }
            }

            var numbers = new List<int>(Kept);
            foreach ((int number, _) in _nearest.UnorderedItems)
            {
                numbers.Add(number);
            }

            _numbers = [.. numbers];
            _searched = version;
        }
    }

    private bool LookAtSome(ref int next)
    {
        for (int rows = 0; rows < RowsAtOnce; rows++, next++)
        {
            if (!model.TryAccount(next, out AccountRow account))
            {
                return true;
            }

            int positions = model.CountPositions(next);
            if (positions == 0)
            {
                continue;
            }

            rows += positions;
            Risk risk = model.RiskOf(account, withOrders: false);
            if (risk.Maintenance == 0)
            {
                continue;
            }

            _nearest.Enqueue(next, (UsedPpm(risk), next));
            if (_nearest.Count > Kept)
            {
                _nearest.Dequeue();
            }
        }

        return false;
    }
}
