using System;
using System.Collections.Generic;
using AppChain.Margin;

namespace AppChain.StateMachine;

/// <summary>
/// Finds the accounts that may be below maintenance margin without visiting all of them. Each market counts how far
/// its prices have travelled since genesis; an account is due again when a market it holds has travelled as far as its
/// slack allows. The schedule only decides when to look: looking is exact, so looking too often changes nothing, and a
/// full scan always agrees (docs/spec/liquidation.md).
/// </summary>
internal sealed class RiskSchedule : IJournaled
{
    private readonly record struct Entry(int Account, uint Version);

    private readonly State _state;
    private readonly int _self;
    private readonly Int128[] _travelled = new Int128[Limits.MarketsMax];
    private readonly Valuation[] _last = new Valuation[Limits.MarketsMax];
    private readonly Int128[] _lastFunding = new Int128[Limits.MarketsMax];
    private readonly PriorityQueue<Entry, Int128>[] _due = new PriorityQueue<Entry, Int128>[Limits.MarketsMax];
    private readonly List<int> _pending = [];
    private uint[] _versions = new uint[1024];

    /// <summary>An empty schedule over a state.</summary>
    public RiskSchedule(State state)
    {
        _state = state;
        _self = state.Journal.Register(this);
        for (int i = 0; i < _due.Length; i++)
        {
            _due[i] = new PriorityQueue<Entry, Int128>();
        }
    }

    /// <summary>Makes every account due, after loading.</summary>
    public void Rebuild()
    {
        for (int account = 0; account < _state.Accounts.Count; account++)
        {
            _pending.Add(account);
        }
    }

    /// <summary>
    /// Counts how far prices and funding moved since the last call. Called with the valuations of an undecided block
    /// that is rolled back it counts a detour, which is never shorter than the straight way: safe.
    /// </summary>
    public void Observe(BlockContext context)
    {
        for (int slot = 0; slot < _state.Books.Count; slot++)
        {
            Valuation now = context.Valuations[slot];
            ref readonly MarketRow market = ref _state.Markets.Read(slot);
            Valuation last = _last[slot];
            long move = Math.Max(
                Math.Abs(now.Mark - last.Mark), Math.Max(Math.Abs(now.Low - last.Low), Math.Abs(now.High - last.High)));
            Int128 funding = Int128.Abs(market.FundingIndex - _lastFunding[slot]);
            Int128 perTick = (Int128)market.Parameters.TickLotValue << MarketRow.FundingScaleBits;

            // ROUNDING: up, a fraction of a tick of funding counts as a tick.
            _travelled[slot] += move + Arithmetic.DivCeil(funding, perTick);
            _last[slot] = now;
            _lastFunding[slot] = market.FundingIndex;
        }
    }

    /// <summary>
    /// The accounts to look at: those whose markets have travelled far enough, those that must be looked at because a
    /// block was rolled back or the chain was loaded. Unordered, possibly repeated.
    /// </summary>
    public void TakeDue(List<int> accounts)
    {
        accounts.AddRange(_pending);
        foreach (int account in _pending)
        {
            Noted(account);
        }

        _pending.Clear();
        for (int slot = 0; slot < _state.Books.Count; slot++)
        {
            PriorityQueue<Entry, Int128> due = _due[slot];
            // BOUND: each pass takes an entry out.
            while (due.TryPeek(out Entry entry, out Int128 at) && at <= _travelled[slot])
            {
                due.Dequeue();
                if (_versions[entry.Account] == entry.Version)
                {
                    accounts.Add(entry.Account);
                    Noted(entry.Account);
                }
            }
        }
    }

    /// <summary>Schedules an account that has been looked at and is not below maintenance margin.</summary>
    public void Schedule(int account, in Risk risk)
    {
        Grow(account);
        uint version = unchecked(++_versions[account]);
        Noted(account);
        (Int128 weight, int positions) = Weight(account);

        // ROUNDING: margin and funding of each position round up, which may take two units that no tick accounts for.
        Int128 slack = Int128.Max(0, risk.EquityHigh - risk.Maintenance - (2 * positions));
        if (weight == 0)
        {
            return;
        }

        // BOUND: at most Limits.MarketsMax positions of an account.
        for (int p = _state.Accounts.Read(account).FirstPosition; p >= 0; p = _state.Positions.Read(p).Next)
        {
            ref readonly PositionRow position = ref _state.Positions.Read(p);
            if (position.Size == 0)
            {
                continue;
            }

            // ROUNDING: down, so that the account is looked at rather early than late.
            int slot = _state.MarketSlot(position.Market);
            Int128 ticks = Arithmetic.MulDivFloor(slack, _last[slot].Mark, weight);
            _due[slot].Enqueue(new Entry(account, version), _travelled[slot] + ticks);
            DropStale(slot);
        }
    }

    /// <inheritdoc/>
    public void Undo(int operation, int account, long detail) => _pending.Add(account);

    // If the block is rolled back, what was learnt about this account was learnt on a state that never was.
    private void Noted(int account) => _state.Journal.Record(_self, 0, account);

    // Σ notional × (1 + highest maintenance rate): what the account loses, at most, when every market it holds moves
    // against it by its whole price.
    private (Int128 Weight, int Positions) Weight(int account)
    {
        Int128 weight = 0;
        int positions = 0;
        for (int p = _state.Accounts.Read(account).FirstPosition; p >= 0; p = _state.Positions.Read(p).Next)
        {
            ref readonly PositionRow position = ref _state.Positions.Read(p);
            if (position.Size == 0)
            {
                continue;
            }

            int slot = _state.MarketSlot(position.Market);
            MarketParameters parameters = _state.Markets.Read(slot).Parameters;
            long rate = Arithmetic.PpmOne;
            foreach (MarginTier tier in parameters.Tiers)
            {
                rate = Math.Max(rate, Arithmetic.PpmOne + tier.MaintenancePpm);
            }

            Int128 notional = parameters.Notional(_last[slot].Mark, Math.Abs(position.Size));
            weight += Arithmetic.PpmCeil(notional, rate);
            positions++;
        }

        return (weight, positions);
    }

    // Entries that a later look replaced stay in the queue until it is mostly they.
    private void DropStale(int slot)
    {
        PriorityQueue<Entry, Int128> due = _due[slot];
        if (due.Count < 4096 || due.Count < _state.Positions.Count * 4)
        {
            return;
        }

        var fresh = new PriorityQueue<Entry, Int128>(_state.Positions.Count);
        // ORDER: any; entries are only hints of when to look.
        foreach ((Entry entry, Int128 at) in due.UnorderedItems)
        {
            if (_versions[entry.Account] == entry.Version)
            {
                fresh.Enqueue(entry, at);
            }
        }

        _due[slot] = fresh;
    }

    private void Grow(int account)
    {
        if (account >= _versions.Length)
        {
            Array.Resize(ref _versions, Math.Max(account + 1, _versions.Length * 2));
        }
    }
}
