using System;

namespace AppChain.StateMachine;

/// <summary>
/// The class that fixes where in a block a transaction executes (docs/spec/block.md). It follows from the content:
/// a transaction is of the highest class that any of its operations needs.
/// </summary>
public enum TransactionClass : byte
{
    /// <summary>Only cancels, transfers, revocations, attestations and vetoes: before liquidations.</summary>
    RiskReducing = 7,

    /// <summary>Only post-only orders, cancels and replaces: after liquidations.</summary>
    PostOnly = 9,

    /// <summary>Everything else.</summary>
    Other = 10,
}

/// <summary>A decoded transaction whose signature has been verified by the node.</summary>
public sealed class Transaction
{
    /// <summary>Who signed: address of the public key.</summary>
    public required Address Signer { get; init; }

    /// <summary>The owner for whom the signer acts as an agent; null when it acts for itself.</summary>
    public Address? Principal { get; init; }

    /// <summary>Sub-account of the owner that every operation acts for.</summary>
    public required uint Subaccount { get; init; }

    /// <summary>Nonce of the signer, see <see cref="NonceRow"/>.</summary>
    public required ulong Nonce { get; init; }

    /// <summary>Last height at which it may execute.</summary>
    public required long ExpiryHeight { get; init; }

    /// <summary>All operations or none; otherwise each stands on its own.</summary>
    public required bool AllOrNothing { get; init; }

    /// <summary>1…100 operations.</summary>
    public required Operation[] Operations { get; init; }

    /// <summary>The account the operations act for.</summary>
    public AccountId Account => new(Principal ?? Signer, Subaccount);

    /// <summary>True when members of councils sign every one of its operations, so that it needs no account.</summary>
    public bool IsForCouncils
    {
        get
        {
            bool result = Principal is null;
            // BOUND: at most Limits.OperationsPerTransactionMax operations.
            foreach (ref readonly Operation operation in Operations.AsSpan())
            {
                result &= operation.Kind >= OperationKind.AttestDeposit;
            }

            return result;
        }
    }

    /// <summary>The class of the content.</summary>
    public TransactionClass Class
    {
        get
        {
            var result = TransactionClass.RiskReducing;
            // BOUND: at most Limits.OperationsPerTransactionMax operations.
            foreach (ref readonly Operation operation in Operations.AsSpan())
            {
                TransactionClass needed = ClassOf(operation);
                result = needed > result ? needed : result;
            }

            return result;
        }
    }

    private static TransactionClass ClassOf(in Operation operation) => operation.Kind switch
    {
        OperationKind.CancelOrder or OperationKind.CancelAll => TransactionClass.RiskReducing,
        OperationKind.Transfer => TransactionClass.RiskReducing,
        OperationKind.RevokeAgent => TransactionClass.RiskReducing,
        OperationKind.CancelWithdrawal or OperationKind.AttestDeposit => TransactionClass.RiskReducing,
        OperationKind.VetoWithdrawal or OperationKind.VetoProposal => TransactionClass.RiskReducing,
        OperationKind.PlaceOrder or OperationKind.ReplaceOrder =>
            operation.TimeInForce == TimeInForce.PostOnly ? TransactionClass.PostOnly : TransactionClass.Other,
        OperationKind.Withdraw or OperationKind.AuthoriseAgent => TransactionClass.Other,
        OperationKind.SignRelease or OperationKind.Propose => TransactionClass.Other,
        OperationKind.ApproveProposal or OperationKind.CancelProposal => TransactionClass.Other,
        OperationKind.None => TransactionClass.Other,
    };
}
