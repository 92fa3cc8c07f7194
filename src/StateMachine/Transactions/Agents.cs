using System;
using System.Collections.Immutable;
using AppChain.Margin;

namespace AppChain.StateMachine;

/// <summary>
/// Keys that may trade for an owner and do nothing else (docs/spec/transactions.md, AGENT-1 to AGENT-6). Whatever an
/// operation of an agent is, it passes through here before it executes.
/// </summary>
internal sealed class Agents
{
    private const long LifeMax = 366 * AgentRow.DayNanoseconds;

    private readonly State _state;

    /// <summary>Agents of a state.</summary>
    public Agents(State state) => _state = state;

    /// <summary>AGENT-2: whether the signer of a transaction for another owner is its agent now.</summary>
    public ResultCode Admit(Transaction transaction, long time, out int agentSlot)
    {
        agentSlot = -1;
        if (transaction.Principal is not { } owner)
        {
            return ResultCode.Ok;
        }

        return _state.Agents.TryFind(new AgentKey(owner, transaction.Signer), out agentSlot)
            ? CheckActive(_state.Agents.Read(agentSlot), time)
            : ResultCode.AgentNotAuthorised;
    }

    /// <summary>AGENT-2 for a row that exists.</summary>
    public static ResultCode CheckActive(in AgentRow agent, long time) =>
        agent.IsActive(time) ? ResultCode.Ok : ResultCode.AgentExpired;

    /// <summary>
    /// AGENT-3 to AGENT-5 for one operation, before it executes: kind, market, and the notional of the day, which is
    /// used up if the operation is accepted.
    /// </summary>
    public ResultCode Charge(int agentSlot, int account, in Operation operation, BlockContext context)
    {
        switch (operation.Kind)
        {
            case OperationKind.PlaceOrder:
            case OperationKind.ReplaceOrder:
                return ChargeOrder(agentSlot, account, operation, context);
            case OperationKind.CancelOrder:
                return CheckTarget(agentSlot, account, operation);
            case OperationKind.CancelAll:
                return CheckMarket(agentSlot, operation.Market);
            default:
                return ResultCode.AgentMayNot;
        }
    }

    /// <summary>AGENT-1: lets a key trade for an owner, in place of what it was allowed before.</summary>
    /// <param name="owner">Who lets it.</param>
    /// <param name="content">Key and limits.</param>
    /// <param name="context">The block.</param>
    /// <param name="isNew">The key was no agent of the owner: it is to be paid for (AGENT-7).</param>
    public ResultCode Authorise(Address owner, AgentAuthorisation content, BlockContext context, out bool isNew)
    {
        isNew = false;
        bool isValid = content.Agent != owner
            && content.NotionalPerDay is > 0 and <= Limits.AmountMax
            && content.Expires > context.Time
            && content.Expires - context.Time <= LifeMax;
        if (!isValid)
        {
            return ResultCode.InvalidAgent;
        }

        foreach (uint market in content.Markets)
        {
            if (!_state.Markets.TryFind(market, out _))
            {
                return ResultCode.UnknownMarket;
            }
        }

        var key = new AgentKey(owner, content.Agent);
        if (!_state.Agents.TryFind(key, out int slot))
        {
            if (!TryList(key, context.Time))
            {
                return ResultCode.TooManyAgents;
            }

            slot = _state.Agents.Add(new AgentRow { Id = key, Markets = [] });
            isNew = true;
        }

        // What was used of the day stays used.
        ref AgentRow agent = ref _state.Agents.Write(slot);
        agent.Markets = content.Markets;
        agent.NotionalPerDay = content.NotionalPerDay;
        agent.Expires = content.Expires;
        return ResultCode.Ok;
    }

    /// <summary>AGENT-6: forbids a key to trade for an owner.</summary>
    public ResultCode Revoke(Address owner, Address agent)
    {
        if (!_state.Agents.TryFind(new AgentKey(owner, agent), out int slot))
        {
            return ResultCode.UnknownAgent;
        }

        _state.Agents.Remove(slot);
        bool found = _state.AgentLists.TryFind(owner, out int list);
        Invariant.Assert(found);
        ImmutableArray<Address> rest = _state.AgentLists.Read(list).Agents.Remove(agent);
        if (rest.IsEmpty)
        {
            _state.AgentLists.Remove(list);
        }
        else
        {
            _state.AgentLists.Write(list).Agents = rest;
        }

        return ResultCode.Ok;
    }

    private ResultCode ChargeOrder(int agentSlot, int account, in Operation operation, BlockContext context)
    {
        ResultCode code = CheckMarket(agentSlot, operation.Market);
        if (code == ResultCode.Ok && operation.Kind == OperationKind.ReplaceOrder)
        {
            code = CheckTarget(agentSlot, account, operation);
        }

        code = code == ResultCode.Ok ? OrderPlacement.CheckForm(operation) : code;
        if (code != ResultCode.Ok)
        {
            return code;
        }

        Int128 notional = NotionalOf(operation);
        ref readonly AgentRow agent = ref _state.Agents.Read(agentSlot);
        Int128 used = notional + agent.UsedOn(context.Time);
        if (used > agent.NotionalPerDay)
        {
            return ResultCode.AgentNotional;
        }

        ref AgentRow changed = ref _state.Agents.Write(agentSlot);
        changed.Day = context.Time / AgentRow.DayNanoseconds;
        changed.Used = used;
        return ResultCode.Ok;
    }

    // A buy never pays more than its limit. A sell may get more than its limit, so it counts at the index price when
    // that is higher: a low limit does not make it small.
    private Int128 NotionalOf(in Operation operation)
    {
        int market = _state.MarketSlot(operation.Market);
        long price = operation.Price;
        if (operation.Side == Side.Sell && _state.Oracles.TryFind(operation.Market, out int oracle))
        {
            price = Math.Max(price, _state.Oracles.Read(oracle).Price);
        }

        return _state.Markets.Read(market).Parameters.Notional(price, operation.Quantity);
    }

    private ResultCode CheckMarket(int agentSlot, uint market)
    {
        if (!_state.Markets.TryFind(market, out _))
        {
            return ResultCode.UnknownMarket;
        }

        return _state.Agents.Read(agentSlot).Covers(market) ? ResultCode.Ok : ResultCode.AgentMarket;
    }

    private ResultCode CheckTarget(int agentSlot, int account, in Operation operation)
    {
        bool found = operation.TargetOrderId != 0
            ? _state.Orders.TryFind(operation.TargetOrderId, out int slot)
            : _state.ClientIds.TryFind(account, operation.TargetClientId, out slot);
        if (!found || _state.Orders.Read(slot).Account != account)
        {
            return ResultCode.UnknownOrder;
        }

        return CheckMarket(agentSlot, _state.Orders.Read(slot).Market);
    }

    // Puts an agent on its owner's list; those that have expired make room.
    private bool TryList(in AgentKey key, long time)
    {
        if (!_state.AgentLists.TryFind(key.Owner, out int slot))
        {
            _state.AgentLists.Add(new AgentListRow { Owner = key.Owner, Agents = [key.Agent] });
            return true;
        }

        ImmutableArray<Address> agents = _state.AgentLists.Read(slot).Agents;
        // BOUND: at most AgentListRow.AgentsMax agents.
        for (int i = agents.Length - 1; i >= 0 && agents.Length == AgentListRow.AgentsMax; i--)
        {
            bool found = _state.Agents.TryFind(new AgentKey(key.Owner, agents[i]), out int agent);
            Invariant.Assert(found);
            if (!_state.Agents.Read(agent).IsActive(time))
            {
                _state.Agents.Remove(agent);
                agents = agents.RemoveAt(i);
            }
        }

        if (agents.Length == AgentListRow.AgentsMax)
        {
            return false;
        }

        _state.AgentLists.Write(slot).Agents = agents.Add(key.Agent);
        return true;
    }
}
