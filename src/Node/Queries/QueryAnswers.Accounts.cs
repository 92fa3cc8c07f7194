using System;
using System.Collections.Generic;
using AppChain.Margin;
using AppChain.StateMachine;
using AppChain.V1;

namespace AppChain.Node;

// Accounts: what they hold, what they risk, what they have open.
internal sealed partial class QueryAnswers
{
    private const uint AtRiskOtherwise = 10;
    private const uint AtRiskMax = 100;

    private AccountResponse AnswerAccount(AccountRequest request)
    {
        AccountRow account = Find(request.Account);
        Risk risk = model.RiskOf(account);
        model.TryNonces(account.Id.Owner, out NonceRow nonces);
        model.Liquidations.TryGetValue(account.Number, out LiquidationRow liquidation);
        var answer = new AccountResponse
        {
            Account = AccountText.Of(account.Id),
            Collateral = Text(account.Collateral),
            Equity = Text(risk.Equity),
            EquityLow = Text(risk.EquityLow),
            EquityHigh = Text(risk.EquityHigh),
            InitialMargin = Text(risk.Initial),
            InitialMarginWithOrders = Text(risk.InitialWithOrders),
            MaintenanceMargin = Text(risk.Maintenance),
            Withdrawable = Text(Int128.Max(0, Int128.Min(account.Collateral, risk.EquityLow - risk.InitialWithOrders))),
            NonceHighest = nonces.Highest,
            InLiquidationSince = (ulong)liquidation.SinceHeight,
        };
        foreach (OrderRow unused in model.Orders.Of(account.Number))
        {
            answer.OpenOrders++;
        }

        foreach (PositionRow position in model.PositionsOf(account.Number))
        {
            (long buys, long sells) = model.Orders.OpenLots(account.Number, position.Market);
            if (position.Size != 0 || buys != 0 || sells != 0)
            {
                answer.Positions.Add(PositionOf(account.Number, position, risk));
            }
        }

        return answer;
    }

    private Position PositionOf(int account, in PositionRow row, in Risk risk)
    {
        MarketRow market = model.Markets[row.Market];
        MarketParameters p = market.Parameters;
        (long buys, long sells) = model.Orders.OpenLots(account, row.Market);
        Int128 perTick = (Int128)Math.Abs(row.Size) * p.TickLotValue;
        Int128 maintenance = Requirement.Maintenance(p, p.Notional(market.MarkPrice, Math.Abs(row.Size)));

        // Estimate: equity falls by a lot's value a tick, and maintenance with the notional at its average rate.
        Int128 slack = risk.EquityHigh - risk.Maintenance;
        Int128 ratePpm = maintenance * 1_000_000 / Int128.Max(1, p.Notional(market.MarkPrice, Math.Abs(row.Size)));
        Int128 lossPerTick = perTick * (1_000_000 - (row.Size > 0 ? ratePpm : -ratePpm)) / 1_000_000;
        Int128 distance = lossPerTick > 0 ? slack / lossPerTick : 0;
        Int128 liquidation = row.Size > 0 ? market.MarkPrice - distance : market.MarkPrice + distance;
        return new Position
        {
            Market = row.Market,
            Size = row.Size,
            EntryNotional = Text(row.EntryNotional),
            EntryPrice = perTick == 0
                ? 0
                : (ulong)Int128.Max(0, (Int128.Abs(row.EntryNotional) + (perTick / 2)) / perTick),
            UnrealizedProfit = Text(p.Notional(market.MarkPrice, row.Size) - row.EntryNotional),
            FundingOwed = Text(FundingPayment.Owed(row.Size, market.FundingIndex, row.FundingIndex, out _)),
            MaintenanceMargin = Text(maintenance),
            LiquidationPrice =
                row.Size != 0 && liquidation > 0 && liquidation <= Limits.PriceMax ? (ulong)liquidation : 0,
            OpenBuys = (ulong)buys,
            OpenSells = (ulong)sells,
        };
    }

    private NonceResponse AnswerNonce(NonceRequest request)
    {
        Address owner = AccountOf(request.Owner).Owner;
        return model.TryNonces(owner, out NonceRow row)
            ? new NonceResponse { Used = true, Highest = row.Highest }
            : new NonceResponse();
    }

    private AgentsResponse AnswerAgents(AgentsRequest request)
    {
        var answer = new AgentsResponse();
        foreach (AgentRow row in model.AgentsOf(AccountOf(request.Owner).Owner))
        {
            var agent = new Agent
            {
                Agent_ = AccountText.Of(row.Id.Agent),
                NotionalPerDay = Text(row.NotionalPerDay),
                Used = Text(row.UsedOn(model.Time)),
                Expires = (ulong)row.Expires,
                IsActive = row.IsActive(model.Time),
            };
            agent.Markets.AddRange(row.Markets);
            answer.Agents.Add(agent);
        }

        return answer;
    }

    private OrdersResponse AnswerOrders(OrdersRequest request)
    {
        var answer = new OrdersResponse();
        foreach (OrderRow order in model.Orders.Of(Find(request.Account).Number))
        {
            if (request.Market != 0 && order.Market != request.Market)
            {
                continue;
            }

            answer.Orders.Add(new Order
            {
                OrderId = order.OrderId,
                ClientId = order.ClientId,
                Market = order.Market,
                Side = (V1.Side)(int)order.Side,
                Price = (ulong)order.Price,
                Quantity = (ulong)order.Quantity,
                OriginalQuantity = (ulong)order.OriginalQuantity,
                ReduceOnly = order.ReduceOnly,
                GoodTilHeight = (ulong)order.GoodTilHeight,
                GoodTilTime = (ulong)order.GoodTilTime,
            });
        }

        return answer;
    }

    private AccountsAtRiskResponse AnswerAtRisk(AccountsAtRiskRequest request)
    {
        var found = new List<(ulong UsedPpm, Risk Risk, AccountRow Account)>();
        foreach (int number in model.Ranking.Numbers)
        {
            // Both may have changed since the search.
            bool isThere = model.TryAccount(number, out AccountRow account);
            Risk risk = isThere ? model.RiskOf(account, withOrders: false) : default;
            if (risk.Maintenance > 0)
            {
                found.Add((RiskRanking.UsedPpm(risk), risk, account));
            }
        }

        found.Sort(static (left, right) => left.UsedPpm != right.UsedPpm
            ? right.UsedPpm.CompareTo(left.UsedPpm)
            : left.Account.Number.CompareTo(right.Account.Number));
        var answer = new AccountsAtRiskResponse();
        int limit = Limit(request.Limit, AtRiskOtherwise, AtRiskMax);
        for (int i = 0; i < found.Count && i < limit; i++)
        {
            answer.Accounts.Add(AtRiskOf(found[i].Account, found[i].Risk, found[i].UsedPpm));
        }

        return answer;
    }

    private AccountAtRisk AtRiskOf(in AccountRow account, in Risk risk, ulong usedPpm)
    {
        Int128 notional = 0;
        foreach (PositionRow position in model.PositionsOf(account.Number))
        {
            MarketRow market = model.Markets[position.Market];
            notional += market.Parameters.Notional(market.MarkPrice, Math.Abs(position.Size));
        }

        model.Liquidations.TryGetValue(account.Number, out LiquidationRow liquidation);
        return new AccountAtRisk
        {
            Account = AccountText.Of(account.Id),
            EquityHigh = Text(risk.EquityHigh),
            MaintenanceMargin = Text(risk.Maintenance),
            UsedPpm = usedPpm,
            Notional = Text(notional),
            InLiquidationSince = (ulong)liquidation.SinceHeight,
        };
    }
}
