using System;
using System.Collections.Generic;
using AppChain.StateMachine;
using AppChain.V1;

namespace AppChain.Node;

// What happened lately: fills and the steps of liquidations.
internal sealed partial class QueryAnswers
{
    private FillsResponse AnswerFills(FillsRequest request)
    {
        int account = request.Account.Length == 0 ? -1 : Find(request.Account).Number;
        var answer = new FillsResponse();
        foreach (RecordedEvent recorded in Newest(model.History.Fills))
        {
            ExchangeEvent e = recorded.Event;
            bool wanted = (account < 0 || e.Account == account || e.Counterparty == account)
                && (request.Market == 0 || e.Market == request.Market);
            if (!wanted)
            {
                continue;
            }

            answer.Fills.Add(new RecordedFill
            {
                Height = (ulong)recorded.Height,
                Time = (ulong)recorded.Time,
                Fill = new Fill
                {
                    Market = e.Market,
                    Taker = Name(e.Account),
                    Maker = Name(e.Counterparty),
                    TakerOrderId = e.TakerOrderId,
                    MakerOrderId = e.OrderId,
                    Side = (V1.Side)(int)e.Side,
                    Price = (ulong)e.Price,
                    Quantity = (ulong)e.Quantity,
                    TakerFee = Text(e.Amount),
                    MakerFee = Text(e.Amount2),
                },
            });
            if (answer.Fills.Count == Limit(request.Limit, EventsOtherwise))
            {
                break;
            }
        }

        return answer;
    }

    private LiquidationsResponse AnswerLiquidations(LiquidationsRequest request)
    {
        int account = request.Account.Length == 0 ? -1 : Find(request.Account).Number;
        var answer = new LiquidationsResponse { Open = (uint)model.Liquidations.Count };
        foreach (RecordedEvent recorded in Newest(model.History.Steps))
        {
            if (account >= 0 && recorded.Event.Account != account && recorded.Event.Counterparty != account)
            {
                continue;
            }

            answer.Steps.Add(StepOf(recorded));
            if (answer.Steps.Count == Limit(request.Limit, EventsOtherwise))
            {
                break;
            }
        }

        return answer;
    }

    private RecordedLiquidation StepOf(in RecordedEvent recorded)
    {
        ExchangeEvent e = recorded.Event;
        var step = new RecordedLiquidation { Height = (ulong)recorded.Height, Time = (ulong)recorded.Time };
        switch (e.Kind)
        {
            case EventKind.LiquidationOpened:
                step.Opened = Opened(e);
                break;
            case EventKind.LiquidationSlice:
                step.Slice = Slice(e);
                break;
            case EventKind.InsuranceFundChanged:
                step.InsuranceFund = FundChange(e);
                break;
            case EventKind.Deleveraging:
                step.Deleveraging = Deleveraged(e);
                break;
            case EventKind.LiquidationClosed:
                step.Closed = Closed(e);
                break;
            default:
                step.Deferred = Deferred(e);
                break;
        }

        return step;
    }

    private LiquidationOpened Opened(in ExchangeEvent e) => new()
    {
        Account = Name(e.Account),
        EquityHigh = Text(e.Amount),
        MaintenanceMargin = Text(e.Amount2),
        Equity = Text(e.Amount3),
    };

    private LiquidationSlice Slice(in ExchangeEvent e) => new()
    {
        Account = Name(e.Account),
        Market = e.Market,
        Side = (V1.Side)(int)e.Side,
        Price = (ulong)e.Price,
        Quantity = (ulong)e.Quantity,
        BankruptcyPrice = Text(e.Amount),
        Filled = (ulong)e.Amount2,
    };

    private InsuranceFundChanged FundChange(in ExchangeEvent e) => new()
    {
        Account = Name(e.Account),
        Market = e.Market,
        Quantity = (ulong)e.Quantity,
        Amount = Text(e.Amount),
        InsuranceFund = Text(e.Amount2),
    };

    private Deleveraging Deleveraged(in ExchangeEvent e) => new()
    {
        Account = Name(e.Account),
        Counterparty = Name(e.Counterparty),
        Market = e.Market,
        Side = (V1.Side)(int)e.Side,
        Price = (ulong)e.Price,
        Quantity = (ulong)e.Quantity,
        LeveragePpm = Text(e.Amount),
    };

    private LiquidationClosed Closed(in ExchangeEvent e) => new()
    {
        Account = Name(e.Account),
        Equity = Text(e.Amount),
        MaintenanceMargin = Text(e.Amount2),
    };

    private LiquidationDeferred Deferred(in ExchangeEvent e) => new()
    {
        Account = Name(e.Account),
        Market = e.Market,
        Quantity = (ulong)e.Quantity,
        Stage = e.Reason,
    };
}
