using System;
using System.Collections.Generic;
using AppChain.Margin;
using AppChain.StateMachine;

namespace AppChain.Node;

/// <summary>
/// Collects operations and signs them as one transaction. Prices are ticks, quantities lots, amounts micro-USD.
/// Reusable: <see cref="Sign"/> empties it.
/// </summary>
/// <example><code>
/// byte[] bytes = builder.Place(1, Side.Buy, price, quantity).CancelAll(2).Sign(signer, nonce, height + 50);
/// </code></example>
public sealed class TransactionBuilder
{
    private readonly List<Operation> _operations = [];

    /// <summary>Sub-account that the operations act for. It survives <see cref="Sign"/>.</summary>
    public uint Subaccount { get; set; }

    /// <summary>Owner for whom the signer trades as an agent; null: itself. It survives <see cref="Sign"/>.</summary>
    public Address? Principal { get; set; }

    /// <summary>All operations or none. It survives <see cref="Sign"/>.</summary>
    public bool AllOrNothing { get; set; }

    /// <summary>Operations collected so far.</summary>
    public int Count => _operations.Count;

    /// <summary>True when no operation fits any more.</summary>
    public bool IsFull => _operations.Count == Limits.OperationsPerTransactionMax;

    /// <summary>The operations collected so far.</summary>
    public IReadOnlyList<Operation> Operations => _operations;

    /// <summary>Places a limit order.</summary>
    public TransactionBuilder Place(
        uint market,
        Side side,
        long price,
        long quantity,
        ulong clientId = 0,
        TimeInForce timeInForce = TimeInForce.GoodTilCancelled,
        bool reduceOnly = false) => Add(new Operation
        {
            Kind = OperationKind.PlaceOrder,
            Market = market,
            Side = side,
            Price = price,
            Quantity = quantity,
            ClientId = clientId,
            TimeInForce = timeInForce,
            ReduceOnly = reduceOnly,
        });

    /// <summary>Places a market order, which trades at once and never beyond <paramref name="limit"/>.</summary>
    public TransactionBuilder PlaceMarket(
        uint market, Side side, long limit, long quantity, bool reduceOnly = false) => Add(new Operation
        {
            Kind = OperationKind.PlaceOrder,
            Market = market,
            Side = side,
            Price = limit,
            Quantity = quantity,
            TimeInForce = TimeInForce.ImmediateOrCancel,
            IsMarket = true,
            ReduceOnly = reduceOnly,
        });

    /// <summary>Cancels an order by its id.</summary>
    public TransactionBuilder Cancel(ulong orderId) =>
        Add(new Operation { Kind = OperationKind.CancelOrder, TargetOrderId = orderId });

    /// <summary>Cancels an order by its client id.</summary>
    public TransactionBuilder CancelByClientId(ulong clientId) =>
        Add(new Operation { Kind = OperationKind.CancelOrder, TargetClientId = clientId });

    /// <summary>Cancels every order in a market.</summary>
    public TransactionBuilder CancelAll(uint market) =>
        Add(new Operation { Kind = OperationKind.CancelAll, Market = market });

    /// <summary>Replaces the order with a client id by another one with the same client id.</summary>
    public TransactionBuilder Replace(
        ulong clientId,
        uint market,
        Side side,
        long price,
        long quantity,
        TimeInForce timeInForce = TimeInForce.GoodTilCancelled) => Add(new Operation
        {
            Kind = OperationKind.ReplaceOrder,
            TargetClientId = clientId,
            Market = market,
            Side = side,
            Price = price,
            Quantity = quantity,
            ClientId = clientId,
            TimeInForce = timeInForce,
        });

    /// <summary>Moves collateral to another account.</summary>
    public TransactionBuilder Transfer(AccountId recipient, long amount) =>
        Add(new Operation { Kind = OperationKind.Transfer, Recipient = recipient, Amount = amount });

    /// <summary>Queues collateral to leave the chain for a destination of 1 to 64 bytes.</summary>
    public TransactionBuilder Withdraw(long amount, ReadOnlySpan<byte> destination) => Add(new Operation
    {
        Kind = OperationKind.Withdraw,
        Amount = amount,
        Content = new WithdrawalDestination([.. destination]),
    });

    /// <summary>Adds any operation.</summary>
    /// <exception cref="InvalidOperationException">There are 100 already.</exception>
    public TransactionBuilder Add(in Operation operation)
    {
        if (IsFull)
        {
            throw new InvalidOperationException(
                $"a transaction holds at most {Limits.OperationsPerTransactionMax} operations");
        }

        _operations.Add(operation);
        return this;
    }

    /// <summary>Forgets the operations.</summary>
    public void Clear() => _operations.Clear();

    /// <summary>
    /// Signs the operations as one transaction, and forgets them. The nonce must not have been used by this owner; the
    /// transaction executes up to and including the expiry height.
    /// </summary>
    public byte[] Sign(TransactionSigner signer, ulong nonce, long expiryHeight)
    {
        byte[] bytes = signer.Sign(TransactionCodec.EncodeBody(Build(signer.Owner, nonce, expiryHeight)));
        _operations.Clear();
        return bytes;
    }

    /// <summary>The transaction as it stands, unsigned.</summary>
    /// <exception cref="InvalidOperationException">There is no operation.</exception>
    public Transaction Build(Address signer, ulong nonce, long expiryHeight)
    {
        if (_operations.Count == 0)
        {
            throw new InvalidOperationException("a transaction needs an operation");
        }

        return new Transaction
        {
            Signer = signer,
            Principal = Principal == signer ? null : Principal,
            Subaccount = Subaccount,
            Nonce = nonce,
            ExpiryHeight = expiryHeight,
            AllOrNothing = AllOrNothing,
            Operations = [.. _operations],
        };
    }
}
