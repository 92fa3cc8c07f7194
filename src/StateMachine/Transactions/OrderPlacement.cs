using System;
using AppChain.Margin;

namespace AppChain.StateMachine;

/// <summary>
/// Places an order: checks in the order of <see cref="ResultCode"/>, then trades, then lets the rest rest. A refusal
/// after something was written is taken back by the caller's savepoint (docs/spec/orders.md).
/// </summary>
internal sealed class OrderPlacement
{
    private readonly State _state;
    private readonly RestingOrders _resting;
    private readonly Matching _matching;

    /// <summary>Places orders into the books of a state.</summary>
    public OrderPlacement(State state, RestingOrders resting, Matching matching)
    {
        _state = state;
        _resting = resting;
        _matching = matching;
    }

    /// <summary>Places the order that the operation describes for an account.</summary>
    public OperationOutcome Place(int account, in Operation operation, BlockContext context)
    {
        ResultCode code = CheckForm(operation, context);
        if (code != ResultCode.Ok)
        {
            return new OperationOutcome(code);
        }

        if (!_state.Markets.TryFind(operation.Market, out int marketSlot))
        {
            return new OperationOutcome(ResultCode.UnknownMarket);
        }

        code = CheckMarket(account, operation, marketSlot);
        if (code != ResultCode.Ok)
        {
            return new OperationOutcome(code);
        }

        bool mayRest = operation.TimeInForce is TimeInForce.GoodTilCancelled or TimeInForce.PostOnly;
        code = CheckBook(account, operation, marketSlot, mayRest);
        if (code != ResultCode.Ok)
        {
            return new OperationOutcome(code);
        }

        return Execute(account, operation, marketSlot, mayRest, context);
    }

    /// <summary>The checks that need nothing but the operation and the block's height and time.</summary>
    public static ResultCode CheckForm(in Operation operation, BlockContext context)
    {
        ResultCode code = CheckForm(operation);
        if (code != ResultCode.Ok)
        {
            return code;
        }

        bool passed = (operation.GoodTilHeight > 0 && operation.GoodTilHeight < context.Height)
            || (operation.GoodTilTime > 0 && operation.GoodTilTime < context.Time);
        return passed ? ResultCode.OrderExpired : ResultCode.Ok;
    }

    /// <summary>The checks that need nothing but the operation.</summary>
    public static ResultCode CheckForm(in Operation operation)
    {
        if (operation.Side is not (Side.Buy or Side.Sell))
        {
            return ResultCode.InvalidSide;
        }

        if (operation.Price is <= 0 or > Limits.PriceMax)
        {
            return ResultCode.InvalidPrice;
        }

        if (operation.Quantity is <= 0 or > Limits.QuantityMax)
        {
            return ResultCode.InvalidQuantity;
        }

        bool rests = operation.TimeInForce is TimeInForce.GoodTilCancelled or TimeInForce.PostOnly;
        bool contradicts = (operation.IsMarket && operation.TimeInForce != TimeInForce.ImmediateOrCancel)
            || (!rests && (operation.GoodTilHeight != 0 || operation.GoodTilTime != 0))
            || operation.GoodTilHeight < 0
            || operation.GoodTilTime < 0
            || (operation.GoodTilHeight != 0 && operation.GoodTilTime != 0);
        return contradicts ? ResultCode.InvalidFlags : ResultCode.Ok;
    }

    private ResultCode CheckMarket(int account, in Operation operation, int marketSlot)
    {
        OracleRow oracle = OracleOf(operation.Market);
        if (oracle.State is OracleState.None or OracleState.Frozen)
        {
            return ResultCode.MarketFrozen;
        }

        if (oracle.State == OracleState.Stale && !operation.ReduceOnly)
        {
            return ResultCode.MarketReduceOnly;
        }

        if (oracle.State == OracleState.Uncertain && operation.IsMarket)
        {
            return ResultCode.MarketUncertain;
        }

        if (_state.Liquidations.TryFind(account, out _) && !operation.ReduceOnly)
        {
            return ResultCode.InLiquidation;
        }

        // ROUNDING: the band is widened to whole ticks, in the trader's favour.
        int band = _state.Markets.Read(marketSlot).Parameters.PriceBandPpm;
        bool outside = operation.Side == Side.Buy
            ? operation.Price > Arithmetic.PpmCeil(oracle.Price, Arithmetic.PpmOne + band)
            : operation.Price < Arithmetic.PpmFloor(oracle.Price, Arithmetic.PpmOne - band);
        return outside ? ResultCode.PriceOutsideBand : ResultCode.Ok;
    }

    private ResultCode CheckBook(int account, in Operation operation, int marketSlot, bool mayRest)
    {
        if (operation.ClientId != 0 && _state.ClientIds.TryFind(account, operation.ClientId, out _))
        {
            return ResultCode.DuplicateClientId;
        }

        bool hasPosition = _state.Positions.TryFind(new PositionKey(account, operation.Market), out int positionSlot);
        long size = hasPosition ? _state.Positions.Read(positionSlot).Size : 0;
        if (operation.ReduceOnly && (operation.Side == Side.Buy ? size >= 0 : size <= 0))
        {
            return ResultCode.WouldNotReduce;
        }

        Book book = _state.Books[marketSlot];
        if (operation.TimeInForce == TimeInForce.PostOnly && book.BestMaker(operation.Side, operation.Price) >= 0)
        {
            return ResultCode.WouldTrade;
        }

        if (operation.TimeInForce == TimeInForce.FillOrKill
            && book.Fillable(operation.Side, operation.Price, operation.Quantity) < operation.Quantity)
        {
            return ResultCode.NotFillable;
        }

        if (!mayRest)
        {
            return ResultCode.Ok;
        }

        if (hasPosition && _state.Positions.Read(positionSlot).OrderCount >= Limits.OrdersPerPositionMax)
        {
            return ResultCode.TooManyOrders;
        }

        return book.IsFull(operation.Side, operation.Price, operation.Quantity) ? ResultCode.BookFull : ResultCode.Ok;
    }

    private OperationOutcome Execute(
        int account, in Operation operation, int marketSlot, bool mayRest, BlockContext context)
    {
        ref ChainRow chain = ref _state.Chain.Write(0);
        var taker = new TakerOrder
        {
            Account = account,
            MarketSlot = marketSlot,
            PositionSlot = _state.FindOrOpenPosition(account, marketSlot),
            OrderId = chain.NextOrderId,
            Side = operation.Side,
            Limit = operation.Price,
            Quantity = operation.Quantity,
            SelfTrade = operation.SelfTrade,
            ReduceOnly = operation.ReduceOnly,
        };
        chain.NextOrderId++;
        TakeResult taken = operation.TimeInForce == TimeInForce.PostOnly ? default : _matching.Take(ref taker, context);
        if (operation.TimeInForce == TimeInForce.FillOrKill && taken.Filled < operation.Quantity)
        {
            ResultCode why = taken.Stopped == ResultCode.Ok ? ResultCode.NotFillable : taken.Stopped;
            return new OperationOutcome(why, taken.Needed, taken.Available);
        }

        // Closing the last of the makers' orders cannot have released this position: it is released only here.
        CloseReason left = CloseReason.None;
        if (taker.Quantity > 0)
        {
            OperationOutcome rested = taken.Stopped != ResultCode.Ok
                ? new OperationOutcome(taken.Stopped, taken.Needed, taken.Available)
                : mayRest ? Rest(ref taker, operation, context) : new OperationOutcome(ResultCode.NotFillable);
            if (rested.Code != ResultCode.Ok)
            {
                if (!IsDone(operation, taken, rested.Code))
                {
                    return rested;
                }

                left = ReasonOf(rested.Code);
            }
        }

        if (taker.Quantity == 0 && taken.Filled < operation.Quantity)
        {
            // Decrement took the rest of it: nothing is left that could rest.
            left = CloseReason.SelfTrade;
        }

        if (left != CloseReason.None)
        {
            EmitClosed(taker, operation, left, context);
        }

        _state.ReleaseIfEmpty(taker.PositionSlot);
        context.Touch(account);
        return new OperationOutcome(ResultCode.Ok) { OrderId = taker.OrderId, Filled = taken.Filled };
    }

    // An immediate order that finds nothing, one that its own self-trade rule stops, and one that met as many orders as
    // it may and closed them all, have done what they could; anything else that filled nothing is refused.
    private static bool IsDone(in Operation operation, in TakeResult taken, ResultCode stopped) =>
        taken.Filled > 0
        || stopped == ResultCode.SelfTrade
        || (stopped == ResultCode.MatchingLimit && taken.HasMatched)
        || (stopped == ResultCode.NotFillable && operation.TimeInForce == TimeInForce.ImmediateOrCancel);

    private OperationOutcome Rest(ref TakerOrder taker, in Operation operation, BlockContext context)
    {
        OperationOutcome refused = operation.ReduceOnly ? CutToRoom(ref taker) : CheckMargin(taker, context);
        if (refused.Code != ResultCode.Ok)
        {
            return refused;
        }

        MakeRoom(ref taker, context);
        var order = new OrderRow
        {
            OrderId = taker.OrderId,
            ClientId = operation.ClientId,
            Account = taker.Account,
            Market = operation.Market,
            Side = operation.Side,
            ReduceOnly = operation.ReduceOnly,
            Price = operation.Price,
            Quantity = taker.Quantity,
            OriginalQuantity = operation.Quantity,
            GoodTilHeight = operation.GoodTilHeight,
            GoodTilTime = operation.GoodTilTime,
        };
        _resting.Open(order, taker.MarketSlot, taker.PositionSlot);
        EmitOpened(order, context);
        return new OperationOutcome(ResultCode.Ok);
    }

    // A reduce-only order asks for no margin, so it may show no more than it can do.
    private OperationOutcome CutToRoom(ref TakerOrder taker)
    {
        ref readonly PositionRow position = ref _state.Positions.Read(taker.PositionSlot);
        long room = (taker.Side == Side.Buy ? -position.Size : position.Size) - position.OpenReducing;
        taker.Quantity = Math.Min(taker.Quantity, room);
        return new OperationOutcome(room > 0 ? ResultCode.Ok : ResultCode.WouldNotReduce);
    }

    private OperationOutcome CheckMargin(in TakerOrder taker, BlockContext context)
    {
        ref readonly MarketRow market = ref _state.Markets.Read(taker.MarketSlot);
        PositionRow position = _state.Positions.Read(taker.PositionSlot);
        if (taker.Side == Side.Buy)
        {
            position.OpenBuys += taker.Quantity;
        }
        else
        {
            position.OpenSells += taker.Quantity;
        }

        if (position.Size + position.OpenBuys > market.Parameters.PositionLimit
            || position.OpenSells - position.Size > market.Parameters.PositionLimit)
        {
            return new OperationOutcome(ResultCode.PositionLimit);
        }

        Risk risk = AccountRisk.After(
            _state, context, taker.Account, taker.MarketSlot, position,
            _state.Accounts.Read(taker.Account).Collateral, market.OpenInterest);
        return risk.MeetsInitialWithOrders
            ? new OperationOutcome(ResultCode.Ok)
            : new OperationOutcome(ResultCode.MarginTooLow, risk.InitialWithOrders, risk.EquityLow);
    }

    private static void EmitOpened(in OrderRow order, BlockContext context) =>
        context.Emit(new ExchangeEvent
        {
            Kind = EventKind.OrderOpened,
            Account = order.Account,
            Counterparty = -1,
            Market = order.Market,
            Side = order.Side,
            OrderId = order.OrderId,
            ClientId = order.ClientId,
            Price = order.Price,
            Quantity = order.Quantity,
            Reason = (byte)(order.ReduceOnly ? 1 : 0),
            Amount = order.GoodTilHeight,
            Amount2 = order.GoodTilTime,
        });

    // Of an order that did what it could and whose rest is gone.
    private static void EmitClosed(
        in TakerOrder taker, in Operation operation, CloseReason reason, BlockContext context) =>
        context.Emit(new ExchangeEvent
        {
            Kind = EventKind.OrderClosed,
            Account = taker.Account,
            Counterparty = -1,
            Market = operation.Market,
            Side = operation.Side,
            OrderId = taker.OrderId,
            ClientId = operation.ClientId,
            Price = operation.Price,
            Quantity = taker.Quantity,
            Reason = (byte)reason,
        });

    // A side of a book that has no level left gives up the farthest one. That may close the last order of the account
    // itself, and with it its empty position.
    private void MakeRoom(ref TakerOrder taker, BlockContext context)
    {
        Book book = _state.Books[taker.MarketSlot];
        if (!book.NeedsRoom(taker.Side, taker.Limit))
        {
            return;
        }

        int first = book.FirstOfWorst(taker.Side, taker.Limit);
        Invariant.Assert(first >= 0);
        // BOUND: at most Limits.OrdersEvictedMax orders, each closed.
        for (int slot = first; slot >= 0; slot = first)
        {
            first = _state.Orders.Read(slot).Next;
            _resting.Close(slot, CloseReason.Evicted, context);
        }

        taker.PositionSlot = _state.FindOrOpenPosition(taker.Account, taker.MarketSlot);
    }

    private static CloseReason ReasonOf(ResultCode code) => code switch
    {
        ResultCode.NotFillable => CloseReason.NotFilled,
        ResultCode.MarginTooLow => CloseReason.Margin,
        ResultCode.SelfTrade => CloseReason.SelfTrade,
        ResultCode.WouldNotReduce => CloseReason.ReduceOnly,
        _ => CloseReason.Limit,
    };

    private OracleRow OracleOf(uint market) =>
        _state.Oracles.TryFind(market, out int slot) ? _state.Oracles.Read(slot) : default;
}

/// <summary>Outcome of an operation inside the core: the code, and what a trader needs to understand it.</summary>
internal struct OperationOutcome
{
    /// <summary>Ok or why it was refused.</summary>
    public ResultCode Code;

    /// <summary>Id of the order placed; 0 when none was.</summary>
    public ulong OrderId;

    /// <summary>Lots filled at once.</summary>
    public long Filled;

    /// <summary>For margin refusals: micro-USD needed.</summary>
    public Int128 Needed;

    /// <summary>For margin refusals: micro-USD of equity there was.</summary>
    public Int128 Available;

    /// <summary>An outcome without an order.</summary>
    public OperationOutcome(ResultCode code, Int128 needed = default, Int128 available = default)
    {
        Code = code;
        OrderId = 0;
        Filled = 0;
        Needed = needed;
        Available = available;
    }
}
