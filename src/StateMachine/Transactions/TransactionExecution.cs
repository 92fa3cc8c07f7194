using System;
using System.Collections.Immutable;
using System.Runtime.InteropServices;
using AppChain.Margin;

namespace AppChain.StateMachine;

/// <summary>
/// Executes one transaction: envelope, then its operations, each under a savepoint of its own, so that a refused
/// operation leaves nothing behind (docs/spec/transactions.md).
/// </summary>
internal sealed class TransactionExecution
{
    private readonly State _state;
    private readonly RestingOrders _resting;
    private readonly OrderPlacement _placement;
    private readonly Agents _agents;
    private readonly Vault _vault;

    /// <summary>Executes on a state.</summary>
    public TransactionExecution(State state, RestingOrders resting, OrderPlacement placement, Vault vault)
    {
        _state = state;
        _resting = resting;
        _placement = placement;
        _agents = new Agents(state);
        _vault = vault;
    }

    /// <summary>
    /// Executes the transaction. Its nonce is used up whenever the envelope is valid, whatever becomes of the
    /// operations.
    /// </summary>
    public TransactionResult Execute(Transaction transaction, BlockContext context)
    {
        ResultCode code = CheckExpiry(transaction, context.Height);
        if (code != ResultCode.Ok)
        {
            return Refused(code);
        }

        bool known = _state.Nonces.TryFind(transaction.Signer, out int nonceSlot);
        if (known && !_state.Nonces.Read(nonceSlot).IsFree(transaction.Nonce))
        {
            return Refused(ResultCode.NonceUsed);
        }

        if (!_state.Accounts.TryFind(transaction.Account, out int account))
        {
            // VAULT-2: members of councils sign what only they may, without an account.
            account = -1;
            if (!transaction.IsForCouncils || !Councils.IsMember(_state, transaction.Signer))
            {
                return Refused(ResultCode.UnknownAccount);
            }
        }

        code = _agents.Admit(transaction, context.Time, out int agent);
        if (code != ResultCode.Ok)
        {
            return Refused(code);
        }

        if (!known)
        {
            var row = new NonceRow { Owner = transaction.Signer };
            row.Start(transaction.Nonce);
            _state.Nonces.Add(row);
        }
        else
        {
            _state.Nonces.Write(nonceSlot).Use(transaction.Nonce);
        }

        return ExecuteOperations(transaction, new Actor(transaction.Signer, account, agent), context);
    }

    /// <summary>The expiry checks of the envelope, which need only the height at which it would execute.</summary>
    public static ResultCode CheckExpiry(Transaction transaction, long height)
    {
        if (transaction.ExpiryHeight < height)
        {
            return ResultCode.Expired;
        }

        return transaction.ExpiryHeight - height > Limits.ExpiryHeightsAheadMax
            ? ResultCode.ExpiryTooFar
            : ResultCode.Ok;
    }

    // Who acts: the signer; the number of the account it acts for, -1 when none; the slot of the agent's row, -1 when
    // the owner itself acts.
    private readonly record struct Actor(Address Signer, int Account, int Agent);

    private TransactionResult ExecuteOperations(Transaction transaction, in Actor actor, BlockContext context)
    {
        Operation[] operations = transaction.Operations;
        var results = new OperationResult[operations.Length];
        context.BeginMatching();
        Savepoint whole = _state.Journal.Mark();
        int eventsBefore = context.Events.Count;
        OperationOutcome first = default;
        bool anyDone = false;
        // BOUND: at most Limits.OperationsPerTransactionMax operations.
        for (int i = 0; i < operations.Length; i++)
        {
            OperationOutcome outcome = ExecuteOne(actor, operations[i], context);
            results[i] = new OperationResult(outcome.Code, outcome.OrderId, outcome.Filled);
            anyDone |= outcome.Code == ResultCode.Ok;
            if (outcome.Code == ResultCode.Ok)
            {
                continue;
            }

            if (first.Code == ResultCode.Ok)
            {
                first = outcome;
            }

            if (transaction.AllOrNothing)
            {
                _state.Journal.Rollback(whole);
                context.TruncateEvents(eventsBefore);
                for (int j = 0; j < results.Length; j++)
                {
                    results[j] = new OperationResult(j == i ? outcome.Code : ResultCode.RolledBack, 0, 0);
                }

                return new TransactionResult(
                    outcome.Code,
                    ImmutableCollectionsMarshal.AsImmutableArray(results),
                    outcome.Needed,
                    outcome.Available);
            }
        }

        _state.Journal.Release(whole);
        return new TransactionResult(
            anyDone ? ResultCode.Ok : first.Code,
            ImmutableCollectionsMarshal.AsImmutableArray(results),
            first.Needed,
            first.Available);
    }

    private OperationOutcome ExecuteOne(in Actor actor, in Operation operation, BlockContext context)
    {
        Savepoint savepoint = _state.Journal.Mark();
        int eventsBefore = context.Events.Count;
        ResultCode allowed = actor.Agent < 0
            ? ResultCode.Ok
            : _agents.Charge(actor.Agent, actor.Account, operation, context);
        OperationOutcome outcome = allowed != ResultCode.Ok
            ? new OperationOutcome(allowed)
            : operation.Kind >= OperationKind.AttestDeposit
                ? new OperationOutcome(_vault.Execute(actor.Signer, operation, context))
                : Apply(actor.Account, operation, context);
        if (outcome.Code == ResultCode.Ok)
        {
            _state.Journal.Release(savepoint);
        }
        else
        {
            _state.Journal.Rollback(savepoint);
            context.TruncateEvents(eventsBefore);
        }

        return outcome;
    }

    private OperationOutcome Apply(int account, in Operation operation, BlockContext context) => operation.Kind switch
    {
        OperationKind.PlaceOrder => _placement.Place(account, operation, context),
        OperationKind.CancelOrder => new OperationOutcome(Cancel(account, operation, CloseReason.Cancelled, context)),
        OperationKind.CancelAll => new OperationOutcome(CancelAll(account, operation, context)),
        OperationKind.ReplaceOrder => Replace(account, operation, context),
        OperationKind.Transfer => Transfer(account, operation, context),
        OperationKind.Withdraw => Withdraw(account, operation, context),
        OperationKind.AuthoriseAgent => Authorise(account, operation, context),
        OperationKind.RevokeAgent => new OperationOutcome(Revoke(account, operation, context)),
        OperationKind.CancelWithdrawal => new OperationOutcome(_vault.CancelWithdrawal(account, operation, context)),
        _ => new OperationOutcome(ResultCode.Malformed),
    };

    private OperationOutcome Authorise(int account, in Operation operation, BlockContext context)
    {
        if (operation.Content is not AgentAuthorisation content)
        {
            return new OperationOutcome(ResultCode.Malformed);
        }

        Address owner = _state.Accounts.Read(account).Id.Owner;
        ResultCode code = _agents.Authorise(owner, content, context, out bool isNew);
        if (code != ResultCode.Ok)
        {
            return new OperationOutcome(code);
        }

        // AGENT-7: a further key is paid for.
        OperationOutcome outcome = isNew
            ? PayFee(account, Limits.AgentFee, context)
            : new OperationOutcome(ResultCode.Ok);
        if (outcome.Code == ResultCode.Ok)
        {
            context.Emit(new ExchangeEvent
            {
                Kind = EventKind.AgentAuthorised,
                Account = account,
                Counterparty = -1,
                Amount = content.NotionalPerDay,
                Amount2 = content.Expires,
                Amount3 = isNew ? Limits.AgentFee : 0,
                Data = content.Agent.ToArray(),
            });
        }

        return outcome;
    }

    private OperationOutcome PayFee(int account, long fee, BlockContext context)
    {
        Settlement.AddCollateral(_state, context, account, -fee);
        _state.Pool.Write(0).Fees += fee;
        return CheckCollateralLeft(account, fee, context);
    }

    private ResultCode Revoke(int account, in Operation operation, BlockContext context)
    {
        if (operation.Content is not AgentRevocation content)
        {
            return ResultCode.Malformed;
        }

        ResultCode code = _agents.Revoke(_state.Accounts.Read(account).Id.Owner, content.Agent);
        if (code == ResultCode.Ok)
        {
            context.Emit(new ExchangeEvent
            {
                Kind = EventKind.AgentRevoked,
                Account = account,
                Counterparty = -1,
                Data = content.Agent.ToArray(),
            });
        }

        return code;
    }

    private ResultCode Cancel(int account, in Operation operation, CloseReason reason, BlockContext context)
    {
        bool found = operation.TargetOrderId != 0
            ? _state.Orders.TryFind(operation.TargetOrderId, out int slot)
            : _state.ClientIds.TryFind(account, operation.TargetClientId, out slot);
        if (!found || _state.Orders.Read(slot).Account != account)
        {
            return ResultCode.UnknownOrder;
        }

        _resting.Close(slot, reason, context);
        return ResultCode.Ok;
    }

    private ResultCode CancelAll(int account, in Operation operation, BlockContext context)
    {
        if (!_state.Markets.TryFind(operation.Market, out _))
        {
            return ResultCode.UnknownMarket;
        }

        if (_state.Positions.TryFind(new PositionKey(account, operation.Market), out int positionSlot))
        {
            _resting.CloseAll(positionSlot, CloseReason.Cancelled, context);
        }

        return ResultCode.Ok;
    }

    private OperationOutcome Replace(int account, in Operation operation, BlockContext context)
    {
        ResultCode code = Cancel(account, operation, CloseReason.Replaced, context);
        return code == ResultCode.Ok ? _placement.Place(account, operation, context) : new OperationOutcome(code);
    }

    private OperationOutcome Transfer(int account, in Operation operation, BlockContext context)
    {
        if (operation.Amount is <= 0 or > Limits.AmountMax)
        {
            return new OperationOutcome(ResultCode.InvalidAmount);
        }

        if (operation.Recipient.Subaccount > AccountId.SubaccountMax)
        {
            return new OperationOutcome(ResultCode.InvalidSubaccount);
        }

        if (operation.Recipient == _state.Accounts.Read(account).Id)
        {
            return new OperationOutcome(ResultCode.SameAccount);
        }

        // TX-12: an account that is opened is paid for out of the amount.
        long fee = _state.Accounts.TryFind(operation.Recipient, out _) ? 0 : Limits.AccountOpeningFee;
        if (operation.Amount <= fee)
        {
            return new OperationOutcome(ResultCode.InvalidAmount);
        }

        Settlement.AddCollateral(_state, context, account, -operation.Amount);
        OperationOutcome outcome = CheckCollateralLeft(account, operation.Amount, context);
        if (outcome.Code != ResultCode.Ok)
        {
            return outcome;
        }

        int recipient = _state.FindOrOpenAccount(operation.Recipient);
        Settlement.AddCollateral(_state, context, recipient, operation.Amount - fee);
        _state.Pool.Write(0).Fees += fee;
        context.Emit(new ExchangeEvent
        {
            Kind = EventKind.Transfer,
            Account = account,
            Counterparty = recipient,
            Amount = operation.Amount,
            Amount2 = fee,
        });
        return outcome;
    }

    private OperationOutcome Withdraw(int account, in Operation operation, BlockContext context)
    {
        if (operation.Amount is < Limits.WithdrawalMin or > Limits.AmountMax)
        {
            return new OperationOutcome(ResultCode.InvalidAmount);
        }

        if (!context.WithdrawalsOpen)
        {
            return new OperationOutcome(ResultCode.WithdrawalsClosed);
        }

        Settlement.AddCollateral(_state, context, account, -operation.Amount);
        OperationOutcome outcome = CheckCollateralLeft(account, operation.Amount, context);
        if (outcome.Code != ResultCode.Ok)
        {
            return outcome;
        }

        return new OperationOutcome(_vault.Withdraw(account, operation, context));
    }

    // Unrealised profit cannot leave: the collateral itself must cover the amount, and what is left of the equity must
    // cover the initial margin of positions and open orders.
    private OperationOutcome CheckCollateralLeft(int account, Int128 taken, BlockContext context)
    {
        Int128 left = _state.Accounts.Read(account).Collateral;
        if (left < 0)
        {
            return new OperationOutcome(ResultCode.CollateralTooLow, taken, left + taken);
        }

        Risk risk = AccountRisk.Of(_state, context, account);
        return risk.MeetsInitialWithOrders
            ? new OperationOutcome(ResultCode.Ok)
            : new OperationOutcome(ResultCode.MarginTooLow, risk.InitialWithOrders, risk.EquityLow);
    }

    private static TransactionResult Refused(ResultCode code) => new(code, []);
}
