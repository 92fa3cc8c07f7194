using System;
using System.Collections.Generic;
using AppChain.Liquidation;
using AppChain.Margin;

namespace AppChain.StateMachine;

/// <summary>Which accounts a sweep looks at.</summary>
internal enum LiquidationPass
{
    /// <summary>Step 8: accounts that prices made due, accounts touched so far, and open liquidations.</summary>
    Scheduled,

    /// <summary>Step 11: accounts touched since step 8.</summary>
    Touched,
}

/// <summary>
/// Liquidates in the block that carries the price. Stages per account: cancel its orders and look again; close in
/// slices on the book; the insurance fund earns or pays the difference to bankruptcy; what neither book nor fund can
/// bear of a bankrupt account is closed against the most leveraged winners. What a budget or an empty book leaves over
/// stays open as a <see cref="LiquidationRow"/> and goes on in the next block (docs/spec/liquidation.md).
/// </summary>
internal sealed partial class LiquidationSweep
{
    /// <summary>Accounts worked on in one pass.</summary>
    private const int AccountsPerPassMax = 512;

    /// <summary>Positions deleveraged in one pass: each of them visits every account.</summary>
    private const int DeleveragingsPerPassMax = 32;

    /// <summary>Stages of docs/spec/liquidation.md that can be deferred.</summary>
    private const byte StageBook = 1;
    private const byte StageDeleveraging = 3;

    private readonly record struct Turn(int Slices, int Account);

    // What a slice left of a position: lots that the book did not take.
    private readonly record struct Residual(uint Market, int MarketSlot, long Unfilled);

    private readonly State _state;
    private readonly RestingOrders _resting;
    private readonly Matching _matching;
    private readonly RiskSchedule _schedule;
    private readonly List<int> _accounts = [];
    private readonly List<Turn> _turns = [];
    private readonly List<Residual> _residuals = [];
    private int _deleveragings;

    /// <summary>Sweeps a state.</summary>
    public LiquidationSweep(State state, RestingOrders resting, Matching matching, RiskSchedule schedule)
    {
        _state = state;
        _resting = resting;
        _matching = matching;
        _schedule = schedule;
    }

    /// <summary>Looks at the accounts of the pass, and works on those below maintenance margin.</summary>
    public void Execute(BlockContext context, LiquidationPass pass)
    {
        Collect(context, pass);
        _deleveragings = 0;
        _turns.Clear();
        int previous = -1;
        foreach (int account in _accounts)
        {
            if (account != previous && account < _state.Accounts.Count && !Look(account, context))
            {
                _state.Liquidations.TryFind(account, out int record);
                _turns.Add(new Turn(_state.Liquidations.Read(record).Slices, account));
            }

            previous = account;
        }

        // ORDER: those that had the fewest turns first, so that a full budget starves nobody; then by account number.
        _turns.Sort(static (left, right) =>
        {
            int bySlices = left.Slices.CompareTo(right.Slices);
            return bySlices != 0 ? bySlices : left.Account.CompareTo(right.Account);
        });

        // BOUND: AccountsPerPassMax accounts; the records of the rest stay open.
        for (int i = 0; i < _turns.Count && i < AccountsPerPassMax; i++)
        {
            Work(_turns[i].Account, context);
        }

        LookAgain(context);
    }

    // Opens or closes the account's record as its risk demands; true when it is not below maintenance margin. A debt
    // keeps its record until the fund or a transfer has paid it: the account is looked at again in every block.
    private bool Look(int account, BlockContext context)
    {
        Risk risk = AccountRisk.Of(_state, context, account);
        if (risk.IsLiquidatable)
        {
            OpenRecord(account, risk, context);
            return false;
        }

        if (AccountRisk.IsDebtor(_state, account))
        {
            OpenRecord(account, risk, context);
            PayDebt(account, context);
            if (AccountRisk.IsDebtor(_state, account))
            {
                return true;
            }

            risk = AccountRisk.Of(_state, context, account);
        }

        CloseRecord(account, risk, context);
        _schedule.Schedule(account, risk);
        return true;
    }

    private void Collect(BlockContext context, LiquidationPass pass)
    {
        _accounts.Clear();
        if (pass == LiquidationPass.Scheduled)
        {
            _schedule.Observe(context);
            foreach (int slot in _state.Liquidations.SlotsInKeyOrder(Comparer<int>.Default))
            {
                _accounts.Add(_state.Liquidations.Read(slot).Account);
            }
        }

        _schedule.TakeDue(_accounts);
        _accounts.AddRange(context.Touched);
        context.ForgetTouched();

        // ORDER: by account number, whatever brought the account here.
        _accounts.Sort();
    }

    // Makers and winners that a liquidation traded with were touched by it: schedule them, and record any that it took
    // below maintenance margin, so that none is missed. They are worked on from the next block on.
    private void LookAgain(BlockContext context)
    {
        _accounts.Clear();
        _accounts.AddRange(context.Touched);
        context.ForgetTouched();
        _accounts.Sort();
        foreach (int account in _accounts)
        {
            Look(account, context);
        }
    }

    private void Work(int account, BlockContext context)
    {
        if (!AccountRisk.Of(_state, context, account).IsLiquidatable)
        {
            // Its resting orders traded with another liquidation of this pass, which saved it.
            return;
        }

        CancelOrders(account, context);
        _residuals.Clear();
        // BOUND: at most Limits.MarketsMax positions of an account.
        foreach (int positionSlot in PositionsByMaintenance(account, context))
        {
            Risk risk = AccountRisk.Of(_state, context, account);
            if (!risk.IsLiquidatable)
            {
                break;
            }

            uint market = _state.Positions.Read(positionSlot).Market;
            int marketSlot = _state.MarketSlot(market);
            if (MayLiquidate(market))
            {
                long unfilled = CloseSlice(account, positionSlot, marketSlot, risk, context);
                _residuals.Add(new Residual(market, marketSlot, unfilled));
            }
            else
            {
                Defer(account, positionSlot, StageBook, context);
            }
        }

        foreach (Residual residual in _residuals)
        {
            Deleverage(account, residual, context);
        }

        PayDebt(account, context);
        CountSlice(account);
    }

    private void CancelOrders(int account, BlockContext context)
    {
        int slot = _state.Accounts.Read(account).FirstPosition;
        // BOUND: at most Limits.MarketsMax positions of an account.
        while (slot >= 0)
        {
            int next = _state.Positions.Read(slot).Next;
            _resting.CloseAll(slot, CloseReason.Liquidation, context);
            slot = next;
        }
    }

    private int[] PositionsByMaintenance(int account, BlockContext context)
    {
        var slots = new List<int>();
        for (int slot = _state.Accounts.Read(account).FirstPosition; slot >= 0; slot = _state.Positions.Read(slot).Next)
        {
            slots.Add(slot);
        }

        // ORDER: largest maintenance margin first, it frees most; then market.
        slots.Sort((left, right) =>
        {
            int byMargin = MaintenanceOf(right, context).CompareTo(MaintenanceOf(left, context));
            return byMargin != 0
                ? byMargin
                : _state.Positions.Read(left).Market.CompareTo(_state.Positions.Read(right).Market);
        });
        return slots.ToArray();
    }

    // Returns the lots of the slice that the book did not take.
    private long CloseSlice(int account, int positionSlot, int marketSlot, in Risk risk, BlockContext context)
    {
        long size = _state.Positions.Read(positionSlot).Size;
        MarketParameters parameters = _state.Markets.Read(marketSlot).Parameters;
        LiquidationSlice slice = LiquidationSlice.Plan(
            parameters,
            size,
            context.Valuations[marketSlot].Mark,
            risk,
            MaintenanceOf(positionSlot, context),
            _state.Pool.Read(0).InsuranceFund);
        var taker = new TakerOrder
        {
            Account = account,
            MarketSlot = marketSlot,
            PositionSlot = positionSlot,
            Side = size > 0 ? Side.Sell : Side.Buy,
            Limit = slice.Limit,
            Quantity = slice.Lots,
            ReduceOnly = true,
            IsLiquidation = true,
        };
        TakeResult taken = _matching.Take(ref taker, context);
        context.Emit(new ExchangeEvent
        {
            Kind = EventKind.LiquidationSlice,
            Account = account,
            Counterparty = -1,
            Market = parameters.MarketId,
            Side = taker.Side,
            Price = slice.Limit,
            Quantity = slice.Lots,
            Amount = slice.Bankruptcy,
            Amount2 = taken.Filled,
            Amount3 = risk.Equity,
            Amount4 = risk.Maintenance,
        });
        if (taken.Filled > 0)
        {
            Int128 share = LiquidationSlice.FundShare(parameters, size, taken.Filled, taken.Notional, slice.Bankruptcy);
            PayFund(account, parameters.MarketId, taken.Filled, share, context);
            _state.ReleaseIfEmpty(positionSlot);
        }

        if (taken.Stopped == ResultCode.MatchingLimit)
        {
            // The book may have more: nobody gives way to a budget.
            Defer(account, positionSlot, StageBook, context);
            return 0;
        }

        return slice.Lots - taken.Filled;
    }

    // An account without positions cannot recover by itself: the fund covers what it owes, as far as the fund goes.
    private void PayDebt(int account, BlockContext context)
    {
        if (AccountRisk.IsDebtor(_state, account))
        {
            PayFund(account, market: 0, lots: 0, _state.Accounts.Read(account).Collateral, context);
        }
    }

    private void PayFund(int account, uint market, long lots, Int128 amount, BlockContext context)
    {
        Int128 affordable = Int128.Max(amount, -_state.Pool.Read(0).InsuranceFund);
        if (affordable == 0)
        {
            return;
        }

        Settlement.PayInsuranceFund(_state, context, account, affordable);
        context.Emit(new ExchangeEvent
        {
            Kind = EventKind.InsuranceFundChanged,
            Account = account,
            Counterparty = -1,
            Market = market,
            Quantity = lots,
            Amount = affordable,
            Amount2 = _state.Pool.Read(0).InsuranceFund,
        });
    }

    private bool MayLiquidate(uint market) =>
        _state.Oracles.TryFind(market, out int oracle)
            && _state.Oracles.Read(oracle).State is OracleState.Live or OracleState.Uncertain or OracleState.Stale;

    private Int128 MaintenanceOf(int positionSlot, BlockContext context)
    {
        ref readonly PositionRow position = ref _state.Positions.Read(positionSlot);
        int marketSlot = _state.MarketSlot(position.Market);
        MarketParameters parameters = _state.Markets.Read(marketSlot).Parameters;
        return Requirement.Maintenance(
            parameters, parameters.Notional(context.Valuations[marketSlot].Mark, Math.Abs(position.Size)));
    }

    private void OpenRecord(int account, in Risk risk, BlockContext context)
    {
        if (_state.Liquidations.TryFind(account, out _))
        {
            return;
        }

        _state.Liquidations.Add(new LiquidationRow { Account = account, SinceHeight = context.Height });
        context.Emit(new ExchangeEvent
        {
            Kind = EventKind.LiquidationOpened,
            Account = account,
            Counterparty = -1,
            Amount = risk.EquityHigh,
            Amount2 = risk.Maintenance,
            Amount3 = risk.Equity,
        });
    }

    private void CloseRecord(int account, in Risk risk, BlockContext context)
    {
        if (!_state.Liquidations.TryFind(account, out int slot))
        {
            return;
        }

        _state.Liquidations.Remove(slot);
        context.Emit(new ExchangeEvent
        {
            Kind = EventKind.LiquidationClosed,
            Account = account,
            Counterparty = -1,
            Amount = risk.Equity,
            Amount2 = risk.Maintenance,
        });
    }

    private void CountSlice(int account)
    {
        if (_state.Liquidations.TryFind(account, out int slot))
        {
            _state.Liquidations.Write(slot).Slices++;
        }
    }

    private void Defer(int account, int positionSlot, byte stage, BlockContext context)
    {
        ref readonly PositionRow position = ref _state.Positions.Read(positionSlot);
        context.Emit(new ExchangeEvent
        {
            Kind = EventKind.LiquidationDeferred,
            Account = account,
            Counterparty = -1,
            Market = position.Market,
            Quantity = Math.Abs(position.Size),
            Reason = stage,
        });
    }
}
