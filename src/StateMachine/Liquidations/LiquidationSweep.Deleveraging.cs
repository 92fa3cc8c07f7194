using System;
using System.Collections.Generic;
using AppChain.Liquidation;
using AppChain.Margin;

namespace AppChain.StateMachine;

/// <content>Stage 3: what neither book nor fund can bear is closed against winners (LIQ-8 to LIQ-10).</content>
internal sealed partial class LiquidationSweep
{
    // Only a bankrupt account is closed against winners: while equity is left, the book gets its chance in every
    // block. When the fund cannot pay for the debt, all of the position gives way; when it can, what the book left of
    // the slice.
    private void Deleverage(int account, Residual residual, BlockContext context)
    {
        Risk risk = AccountRisk.Of(_state, context, account);
        if (risk.EquityHigh >= 0
            || !_state.Positions.TryFind(new PositionKey(account, residual.Market), out int positionSlot))
        {
            return;
        }

        long held = Math.Abs(_state.Positions.Read(positionSlot).Size);
        long lots = -risk.Equity > _state.Pool.Read(0).InsuranceFund ? held : Math.Min(residual.Unfilled, held);
        if (lots == 0)
        {
            return;
        }

        if (_deleveragings >= DeleveragingsPerPassMax)
        {
            Defer(account, positionSlot, StageDeleveraging, context);
            return;
        }

        _deleveragings++;
        CloseAgainstWinners(account, positionSlot, residual.MarketSlot, lots, risk, context);
    }

    private void CloseAgainstWinners(
        int account, int positionSlot, int marketSlot, long lots, in Risk risk, BlockContext context)
    {
        Settlement.SettleFunding(_state, context, positionSlot, marketSlot);
        long size = _state.Positions.Read(positionSlot).Size;
        MarketParameters parameters = _state.Markets.Read(marketSlot).Parameters;
        long mark = context.Valuations[marketSlot].Mark;
        long price = BankruptcyPrice.Of(
            parameters, size, mark, risk.Equity, MaintenanceOf(positionSlot, context), risk.Maintenance);
        List<DeleveragingCandidate> candidates = Winners(account, marketSlot, size, price, context);
        long closed = 0;
        foreach (DeleveragingCut cut in Liquidation.Deleveraging.WaterFill(candidates, lots))
        {
            CloseBoth(account, positionSlot, marketSlot, cut, price, context);
            closed += cut.Lots;
        }

        Invariant.Assert(closed <= lots);
        if (closed < lots)
        {
            Defer(account, positionSlot, StageDeleveraging, context);
        }

        _state.ReleaseIfEmpty(positionSlot);
    }

    private void CloseBoth(
        int account, int positionSlot, int marketSlot, DeleveragingCut cut, long price, BlockContext context)
    {
        ref readonly MarketRow market = ref _state.Markets.Read(marketSlot);
        long size = _state.Positions.Read(positionSlot).Size;
        int winnerSlot = _state.PositionSlot(cut.Account, market.Parameters.MarketId);
        Int128 equity = AccountRisk.Of(_state, context, cut.Account).Equity;
        Int128 notional = market.Parameters.Notional(
            context.Valuations[marketSlot].Mark, Math.Abs(_state.Positions.Read(winnerSlot).Size));
        long lots = size > 0 ? -cut.Lots : cut.Lots;
        FillOutcome loser = Settlement.Prepare(
            _state, account, _state.Positions.Read(positionSlot), market, lots, price, feePpm: 0);
        FillOutcome winner = Settlement.Prepare(
            _state, cut.Account, _state.Positions.Read(winnerSlot), market, -lots, price, feePpm: 0);
        long openInterest = market.OpenInterest + loser.LongLotsDelta + winner.LongLotsDelta;
        Settlement.Apply(_state, context, positionSlot, marketSlot, loser);
        Settlement.Apply(_state, context, winnerSlot, marketSlot, winner);
        _state.Markets.Write(marketSlot).OpenInterest = openInterest;
        context.Emit(new ExchangeEvent
        {
            Kind = EventKind.Deleveraging,
            Account = account,
            Counterparty = cut.Account,
            Market = market.Parameters.MarketId,
            Side = size > 0 ? Side.Sell : Side.Buy,
            Price = price,
            Quantity = cut.Lots,
            Amount = Arithmetic.MulDivFloor(notional, Arithmetic.PpmOne, equity),
        });
        _state.ReleaseIfEmpty(winnerSlot);
    }

    // Accounts with the opposite position and something to lose. Visits every account: this stage is rare.
    private List<DeleveragingCandidate> Winners(
        int bankrupt, int marketSlot, long size, long price, BlockContext context)
    {
        MarketParameters parameters = _state.Markets.Read(marketSlot).Parameters;
        long mark = context.Valuations[marketSlot].Mark;

        // What a winner gives up per lot by closing at the bankruptcy price rather than at mark.
        Int128 lossPerLot = (Int128)(size > 0 ? price - mark : mark - price) * parameters.TickLotValue;
        var candidates = new List<DeleveragingCandidate>();
        for (int account = 0; account < _state.Accounts.Count; account++)
        {
            long opposite = OppositeLots(account, parameters.MarketId, size);
            if (opposite <= 0 || account == bankrupt)
            {
                continue;
            }

            // ROUNDING: down, nobody is cut so far that it ends below maintenance margin itself.
            Risk risk = AccountRisk.Of(_state, context, account);
            Int128 bearable = lossPerLot > 0
                ? Arithmetic.DivFloor(risk.Equity - risk.Maintenance, lossPerLot)
                : opposite;
            if (bearable > 0 && risk.Equity > 0)
            {
                candidates.Add(new DeleveragingCandidate(account, (long)Int128.Min(opposite, bearable), risk.Equity));
            }
        }

        return candidates;
    }

    private long OppositeLots(int account, uint market, long size)
    {
        // BOUND: at most Limits.MarketsMax positions of an account.
        for (int slot = _state.Accounts.Read(account).FirstPosition; slot >= 0; slot = _state.Positions.Read(slot).Next)
        {
            ref readonly PositionRow position = ref _state.Positions.Read(slot);
            if (position.Market == market)
            {
                return size > 0 ? -position.Size : position.Size;
            }
        }

        return 0;
    }
}
