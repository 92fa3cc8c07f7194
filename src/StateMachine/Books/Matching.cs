using System;
using AppChain.Margin;

namespace AppChain.StateMachine;

/// <summary>An arriving order, before any of it rests.</summary>
internal struct TakerOrder
{
    /// <summary>The account, by number.</summary>
    public int Account;

    /// <summary>Slot of the market, which is also the number of its book.</summary>
    public int MarketSlot;

    /// <summary>Slot of the account's position in the market.</summary>
    public int PositionSlot;

    /// <summary>Id it would rest under, and has in the events of its fills.</summary>
    public ulong OrderId;

    /// <summary>Buy or sell.</summary>
    public Side Side;

    /// <summary>Worst price it accepts, ticks.</summary>
    public long Limit;

    /// <summary>Lots still wanted.</summary>
    public long Quantity;

    /// <summary>What to do on meeting an order of the same owner.</summary>
    public SelfTrade SelfTrade;

    /// <summary>It may only bring the position nearer to zero.</summary>
    public bool ReduceOnly;

    /// <summary>It closes a liquidated position: no margin test of the taker, no taker fee.</summary>
    public bool IsLiquidation;
}

/// <summary>How far an arriving order got.</summary>
internal struct TakeResult
{
    /// <summary>Lots filled.</summary>
    public long Filled;

    /// <summary>Exact notional of the fills, micro-USD.</summary>
    public Int128 Notional;

    /// <summary>It met a resting order, if only to close it.</summary>
    public bool HasMatched;

    /// <summary>Why it stopped short of what the book offered; Ok when it did not.</summary>
    public ResultCode Stopped;

    /// <summary>When margin stopped it: micro-USD needed.</summary>
    public Int128 Needed;

    /// <summary>When margin stopped it: micro-USD of equity there would have been.</summary>
    public Int128 Available;
}

/// <summary>
/// Trades an arriving order with the book in price-time order. Each fill is worked out, tested against the margin of
/// both sides and the limits of the market, and only then written: matching, settlement and margin are one step.
/// </summary>
internal sealed class Matching
{
    private readonly State _state;
    private readonly RestingOrders _resting;

    /// <summary>Matches on the books of a state.</summary>
    public Matching(State state, RestingOrders resting)
    {
        _state = state;
        _resting = resting;
    }

    /// <summary>
    /// Fills the order as far as the book, the margin of both sides and the limits allow. What is left neither rests
    /// nor is reported: that is the caller's.
    /// </summary>
    public TakeResult Take(ref TakerOrder taker, BlockContext context)
    {
        TakeResult result = default;
        Book book = _state.Books[taker.MarketSlot];
        // BOUND: each pass fills, closes or reduces a resting order, as many of them as the block context allows.
        while (taker.Quantity > 0)
        {
            int maker = book.BestMaker(taker.Side, taker.Limit);
            if (maker < 0)
            {
                break;
            }

            if (!context.TryMatch(taker.IsLiquidation))
            {
                result.Stopped = ResultCode.MatchingLimit;
                break;
            }

            result.HasMatched = true;
            ref readonly OrderRow resting = ref _state.Orders.Read(maker);
            if (_state.Accounts.Read(resting.Account).Id.Owner == _state.Accounts.Read(taker.Account).Id.Owner)
            {
                PreventSelfTrade(ref taker, maker, context, ref result);
            }
            else
            {
                TradeWith(ref taker, maker, context, ref result);
            }

            if (result.Stopped != ResultCode.Ok)
            {
                break;
            }
        }

        return result;
    }

    private void TradeWith(ref TakerOrder taker, int maker, BlockContext context, ref TakeResult result)
    {
        OrderRow resting = _state.Orders.Read(maker);
        int makerPositionSlot = _state.PositionSlot(resting.Account, resting.Market);
        ref readonly PositionRow makerPosition = ref _state.Positions.Read(makerPositionSlot);
        ref readonly PositionRow takerPosition = ref _state.Positions.Read(taker.PositionSlot);
        ref readonly MarketRow market = ref _state.Markets.Read(taker.MarketSlot);
        int sign = taker.Side == Side.Buy ? 1 : -1;

        long makerRoom = Room(makerPosition.Size, -sign, resting.ReduceOnly, market.Parameters.PositionLimit);
        if (makerRoom <= 0)
        {
            _resting.Close(maker, resting.ReduceOnly ? CloseReason.ReduceOnly : CloseReason.Limit, context);
            return;
        }

        long takerRoom = Room(takerPosition.Size, sign, taker.ReduceOnly, market.Parameters.PositionLimit);
        if (takerRoom <= 0)
        {
            result.Stopped = taker.ReduceOnly ? ResultCode.WouldNotReduce : ResultCode.PositionLimit;
            return;
        }

        long quantity = Math.Min(Math.Min(taker.Quantity, resting.Quantity), Math.Min(takerRoom, makerRoom));
        FillOutcome takes = Settlement.Prepare(
            _state, taker.Account, takerPosition, market, sign * quantity, resting.Price,
            taker.IsLiquidation ? 0 : market.Parameters.TakerFeePpm);
        FillOutcome makes = Settlement.Prepare(
            _state, resting.Account, makerPosition, market, -sign * quantity, resting.Price,
            market.Parameters.MakerFeePpm);
        if (taker.IsLiquidation && makes.Fee < 0)
        {
            // A liquidated account pays no taker fee, so there is nothing that a rebate could be paid from.
            makes.Collateral += makes.Fee;
            makes.Fee = 0;
        }

        long openInterest = market.OpenInterest + takes.LongLotsDelta + makes.LongLotsDelta;
        if (openInterest > market.Parameters.OpenInterestCap && openInterest > market.OpenInterest)
        {
            result.Stopped = ResultCode.OpenInterestCap;
            return;
        }

        if (!taker.IsLiquidation
            && !CanCarry(context, taker.Account, taker.MarketSlot, takes, openInterest, out Risk takerRisk))
        {
            result.Stopped = ResultCode.MarginTooLow;
            result.Needed = takerRisk.Initial;
            result.Available = takerRisk.EquityLow;
            return;
        }

        if (!CanCarry(context, resting.Account, taker.MarketSlot, makes, openInterest, out _))
        {
            _resting.Close(maker, CloseReason.Margin, context);
            return;
        }

        Write(ref taker, maker, resting, makerPositionSlot, quantity, openInterest, takes, makes, context);
        taker.Quantity -= quantity;
        result.Filled += quantity;
        result.Notional += _state.Markets.Read(taker.MarketSlot).Parameters.Notional(resting.Price, quantity);
    }

    private void Write(
        ref TakerOrder taker, int maker, in OrderRow resting, int makerPositionSlot, long quantity, long openInterest,
        in FillOutcome takes, in FillOutcome makes, BlockContext context)
    {
        Settlement.Apply(_state, context, taker.PositionSlot, taker.MarketSlot, takes);
        Settlement.Apply(_state, context, makerPositionSlot, taker.MarketSlot, makes);
        ref MarketRow market = ref _state.Markets.Write(taker.MarketSlot);
        market.OpenInterest = openInterest;
        market.LastPrice = resting.Price;
        market.LastFillTime = context.Time;
        _state.Pool.Write(0).Fees += takes.Fee + makes.Fee;
        context.Emit(new ExchangeEvent
        {
            Kind = EventKind.Fill,
            Account = taker.Account,
            Counterparty = resting.Account,
            Market = resting.Market,
            Side = taker.Side,
            OrderId = resting.OrderId,
            TakerOrderId = taker.OrderId,
            ClientId = resting.ClientId,
            Price = resting.Price,
            Quantity = quantity,
            Amount = takes.Fee,
            Amount2 = makes.Fee,
        });
        if (quantity == resting.Quantity)
        {
            _resting.Close(maker, CloseReason.Filled, context);
        }
        else
        {
            _resting.Reduce(maker, taker.MarketSlot, makerPositionSlot, quantity);
        }
    }

    private void PreventSelfTrade(ref TakerOrder taker, int maker, BlockContext context, ref TakeResult result)
    {
        ApplySelfTradeRule(ref taker, maker, context, ref result);

        // Closing the account's last order may have released its empty position.
        taker.PositionSlot = _state.FindOrOpenPosition(taker.Account, taker.MarketSlot);
    }

    private void ApplySelfTradeRule(ref TakerOrder taker, int maker, BlockContext context, ref TakeResult result)
    {
        OrderRow resting = _state.Orders.Read(maker);
        switch (taker.SelfTrade)
        {
            case SelfTrade.CancelMaker:
                _resting.Close(maker, CloseReason.SelfTrade, context);
                break;
            case SelfTrade.CancelTaker:
                result.Stopped = ResultCode.SelfTrade;
                break;
            case SelfTrade.CancelBoth:
                _resting.Close(maker, CloseReason.SelfTrade, context);
                result.Stopped = ResultCode.SelfTrade;
                break;
            case SelfTrade.Decrement:
                long lots = Math.Min(taker.Quantity, resting.Quantity);
                taker.Quantity -= lots;
                if (lots == resting.Quantity)
                {
                    _resting.Close(maker, CloseReason.SelfTrade, context);
                    break;
                }

                int positionSlot = _state.PositionSlot(resting.Account, resting.Market);
                _resting.Reduce(maker, taker.MarketSlot, positionSlot, lots);
                context.Emit(new ExchangeEvent
                {
                    Kind = EventKind.OrderReduced,
                    Account = resting.Account,
                    Counterparty = -1,
                    Market = resting.Market,
                    Side = resting.Side,
                    OrderId = resting.OrderId,
                    ClientId = resting.ClientId,
                    Quantity = resting.Quantity - lots,
                    Reason = (byte)CloseReason.SelfTrade,
                });
                break;
        }
    }

    // MARGIN: above initial margin after the fill, or strictly less risk than before it.
    private bool CanCarry(
        BlockContext context, int account, int marketSlot, in FillOutcome outcome, long openInterest, out Risk after)
    {
        after = AccountRisk.After(
            _state, context, account, marketSlot, outcome.Position, outcome.Collateral, openInterest);
        if (after.MeetsInitial)
        {
            return true;
        }

        Risk before = AccountRisk.Of(_state, context, account);
        return Risk.Reduces(before, after);
    }

    // Lots that may be traded in the direction of the sign: to the position limit, or, reducing only, to zero.
    private static long Room(long size, int sign, bool reduceOnly, long positionLimit) =>
        reduceOnly ? -sign * size : positionLimit - (sign * size);
}
