using System;

namespace AppChain.StateMachine;

/// <summary>Encodes the body of a transaction, the mirror of <see cref="TransactionDecoder"/>.</summary>
internal static class TransactionEncoder
{
    private const int BytesPerOperation = 40;

    public static byte[] EncodeBody(Transaction transaction)
    {
        var writer = new WireWriter(32 + (BytesPerOperation * transaction.Operations.Length));
        writer.WriteNumber(TransactionTags.Nonce, transaction.Nonce);
        writer.WriteNumber(TransactionTags.ExpiryHeight, transaction.ExpiryHeight);
        writer.WriteNumber(TransactionTags.Subaccount, (ulong)transaction.Subaccount);
        writer.WriteBool(TransactionTags.AllOrNothing, transaction.AllOrNothing);
        foreach (ref readonly Operation operation in transaction.Operations.AsSpan())
        {
            int outer = writer.BeginMessage(TransactionTags.Operations);
            int inner = writer.BeginMessage(((uint)operation.Kind << 3) | 2);
            EncodeContent(ref writer, operation);
            writer.EndMessage(inner);
            writer.EndMessage(outer);
        }

        if (transaction.Principal is { } principal)
        {
            writer.WriteAddress(TransactionTags.Owner, principal);
        }

        return writer.ToArray();
    }

    private static void EncodeContent(ref WireWriter writer, in Operation operation)
    {
        switch (operation.Kind)
        {
            case OperationKind.PlaceOrder:
                EncodeOrder(ref writer, operation);
                break;
            case OperationKind.CancelOrder:
                EncodeTarget(ref writer, operation);
                break;
            case OperationKind.CancelAll:
                writer.WriteNumber(TransactionTags.Market, (ulong)operation.Market);
                break;
            case OperationKind.ReplaceOrder:
                EncodeTarget(ref writer, operation);
                int order = writer.BeginMessage(TransactionTags.ReplacementOrder);
                EncodeOrder(ref writer, operation);
                writer.EndMessage(order);
                break;
            case OperationKind.Transfer:
                writer.WriteAddress(TransactionTags.Recipient, operation.Recipient.Owner);
                writer.WriteNumber(TransactionTags.RecipientSubaccount, (ulong)operation.Recipient.Subaccount);
                writer.WriteNumber(TransactionTags.TransferAmount, operation.Amount);
                break;
            case OperationKind.Withdraw:
                writer.WriteNumber(TransactionTags.WithdrawAmount, operation.Amount);
                if (operation.Content is not null)
                {
                    VaultEncoder.Encode(ref writer, operation.Content);
                }

                break;
            case OperationKind.AuthoriseAgent:
            case OperationKind.RevokeAgent:
                AgentCodec.Encode(ref writer, operation.Content);
                break;
            case OperationKind.CancelWithdrawal:
            case OperationKind.AttestDeposit:
            case OperationKind.SignRelease:
            case OperationKind.VetoWithdrawal:
            case OperationKind.Propose:
            case OperationKind.ApproveProposal:
            case OperationKind.VetoProposal:
            case OperationKind.CancelProposal:
                VaultEncoder.Encode(ref writer, operation.Content);
                break;
            case OperationKind.None:
            default:
                throw new ArgumentException("an operation needs a kind", nameof(operation));
        }
    }

    private static void EncodeTarget(ref WireWriter writer, in Operation operation)
    {
        writer.WriteNumber(TransactionTags.TargetOrderId, operation.TargetOrderId);
        writer.WriteNumber(TransactionTags.TargetClientId, operation.TargetClientId);
    }

    private static void EncodeOrder(ref WireWriter writer, in Operation operation)
    {
        writer.WriteNumber(TransactionTags.Market, (ulong)operation.Market);
        writer.WriteNumber(TransactionTags.Side, (ulong)operation.Side);
        writer.WriteNumber(TransactionTags.Price, operation.Price);
        writer.WriteNumber(TransactionTags.Quantity, operation.Quantity);
        writer.WriteNumber(TransactionTags.ClientId, operation.ClientId);
        writer.WriteNumber(TransactionTags.TimeInForce, (ulong)operation.TimeInForce);
        writer.WriteNumber(TransactionTags.SelfTrade, (ulong)operation.SelfTrade);
        writer.WriteBool(TransactionTags.ReduceOnly, operation.ReduceOnly);
        writer.WriteBool(TransactionTags.MarketOrder, operation.IsMarket);
        writer.WriteNumber(TransactionTags.GoodTilHeight, operation.GoodTilHeight);
        writer.WriteNumber(TransactionTags.GoodTilTime, operation.GoodTilTime);
    }
}
