using System;
using System.Collections.Generic;
using AppChain.Margin;

namespace AppChain.StateMachine;

/// <summary>
/// What the steps of one block share and that is no state: its height and time, the valuation of each market from
/// step 3 on, the events, and the accounts it touched.
/// </summary>
internal sealed class BlockContext
{
    private readonly List<int> _touched = [];
    private long[] _touchedIn = new long[1024];
    private long _run;

    /// <summary>Height of the block.</summary>
    public long Height { get; private set; }

    /// <summary>Header time, ns.</summary>
    public long Time { get; private set; }

    /// <summary>Position of the transaction in execution; -1 outside of transactions.</summary>
    public int Transaction { get; set; } = -1;

    /// <summary>Resting orders that the transaction in execution may still meet.</summary>
    public int MatchesOfTransaction { get; private set; }

    /// <summary>Resting orders that the transactions of the block may still meet.</summary>
    public int MatchesOfBlock { get; private set; }

    /// <summary>Resting orders that the liquidations of the block may still meet.</summary>
    public int MatchesOfLiquidations { get; private set; }

    /// <summary>
    /// Collateral may leave the chain in this block (<see cref="WithdrawalGate"/>); decided after step 8.
    /// </summary>
    public bool WithdrawalsOpen { get; set; }

    /// <summary>Valuation by slot of the market; Mark is 0 when there is no price yet.</summary>
    public Valuation[] Valuations { get; } = new Valuation[Limits.MarketsMax];

    /// <summary>Everything that happened so far.</summary>
    public List<ExchangeEvent> Events { get; private set; } = [];

    /// <summary>
    /// Numbers of the accounts whose collateral, position or orders changed, each once, in order of first change.
    /// </summary>
    public IReadOnlyList<int> Touched => _touched;

    /// <summary>Starts a block.</summary>
    public void Begin(long height, long time)
    {
        Height = height;
        Time = time;
        Transaction = -1;
        WithdrawalsOpen = false;
        MatchesOfBlock = Limits.MatchesPerBlockMax;
        MatchesOfLiquidations = Limits.LiquidationMatchesPerBlockMax;

        // The list belongs to the result of its block; the next is likely to become about as long.
        Events = new List<ExchangeEvent>(Events.Count + (Events.Count / 8));
        ForgetTouched();
        Array.Clear(Valuations);
    }

    /// <summary>Gives a transaction its share of matches.</summary>
    public void BeginMatching() => MatchesOfTransaction = Math.Min(Limits.MatchesPerTransactionMax, MatchesOfBlock);

    /// <summary>
    /// Meets one more resting order; false when there may be no more. What is rolled back stays spent: it was work.
    /// </summary>
    public bool TryMatch(bool isLiquidation)
    {
        if ((isLiquidation ? MatchesOfLiquidations : MatchesOfTransaction) == 0)
        {
            return false;
        }

        if (isLiquidation)
        {
            MatchesOfLiquidations--;
        }
        else
        {
            MatchesOfTransaction--;
            MatchesOfBlock--;
        }

        return true;
    }

    /// <summary>Starts gathering touched accounts anew: those so far have been looked at.</summary>
    public void ForgetTouched()
    {
        _touched.Clear();
        _run++;
    }

    /// <summary>Adds an event; the transaction is filled in.</summary>
    public void Emit(in ExchangeEvent happened)
    {
        Events.Add(happened);
        System.Runtime.InteropServices.CollectionsMarshal.AsSpan(Events)[^1].Transaction = Transaction;
    }

    /// <summary>Takes back events of something that was rolled back.</summary>
    public void TruncateEvents(int count) => Events.RemoveRange(count, Events.Count - count);

    /// <summary>
    /// Notes that an account changed. What was rolled back may stay noted: it is only looked at again.
    /// </summary>
    public void Touch(int account)
    {
        if (account >= _touchedIn.Length)
        {
            Array.Resize(ref _touchedIn, Math.Max(account + 1, _touchedIn.Length * 2));
        }

        if (_touchedIn[account] != _run)
        {
            _touchedIn[account] = _run;
            _touched.Add(account);
        }
    }
}
