using System;
using System.Diagnostics.CodeAnalysis;
using AppChain.Margin;

namespace AppChain.StateMachine;

/// <summary>Decodes the body of a transaction, field by field as transaction.proto numbers them.</summary>
internal static class TransactionDecoder
{
    public static ResultCode DecodeBody(
        ReadOnlySpan<byte> body, Address signer, [NotNullWhen(true)] out Transaction? transaction)
    {
        transaction = null;
        ulong nonce = 0;
        long expiryHeight = 0;
        uint subaccount = 0;
        bool allOrNothing = false;
        Address? principal = null;
        Operation[] operations = [];
        int count = 0;
        var reader = new WireReader(body);
        // BOUND: one turn per operation, and tags otherwise ascend.
        while (reader.TryReadTag(out uint tag, repeated: TransactionTags.Operations))
        {
            switch (tag)
            {
                case TransactionTags.Nonce:
                    nonce = reader.ReadUInt64();
                    break;
                case TransactionTags.ExpiryHeight:
                    expiryHeight = reader.ReadPositiveInt64();
                    break;
                case TransactionTags.Subaccount:
                    subaccount = reader.ReadUInt32();
                    break;
                case TransactionTags.AllOrNothing:
                    allOrNothing = reader.ReadBool();
                    break;
                case TransactionTags.Operations:
                    ReadOnlySpan<byte> operation = reader.ReadBytes();
                    if (count == 0 && !TryMakeRoom(reader.Rest, out operations))
                    {
                        return ResultCode.OperationCount;
                    }

                    // BOUND: the count has met the end or the first byte that is no operation, and so does this loop.
                    if (count == operations.Length || !TryDecodeOperation(operation, out operations[count++]))
                    {
                        reader.Fail();
                    }

                    break;
                case TransactionTags.Owner:
                    principal = reader.ReadAddress();
                    break;
                default:
                    reader.Fail();
                    break;
            }
        }

        // A signer who acts for itself says so by leaving the owner out.
        if (reader.HasFailed || principal == signer)
        {
            return ResultCode.Malformed;
        }

        if (count == 0)
        {
            return ResultCode.OperationCount;
        }

        if (subaccount > AccountId.SubaccountMax)
        {
            return ResultCode.InvalidSubaccount;
        }

        transaction = new Transaction
        {
            Signer = signer,
            Principal = principal,
            Subaccount = subaccount,
            Nonce = nonce,
            ExpiryHeight = expiryHeight,
            AllOrNothing = allOrNothing,
            Operations = operations,
        };
        return ResultCode.Ok;
    }

    // Room for an operation and those that follow it; false when there are too many.
    private static bool TryMakeRoom(ReadOnlySpan<byte> rest, out Operation[] operations)
    {
        int total = 1 + CountOperations(rest);
        operations = total <= Limits.OperationsPerTransactionMax ? new Operation[total] : [];
        return operations.Length > 0;
    }

    // How many more operations follow, up to the first thing that is none.
    private static int CountOperations(ReadOnlySpan<byte> rest)
    {
        int count = 0;
        var reader = new WireReader(rest);
        // BOUND: stops one above the limit.
        while (count <= Limits.OperationsPerTransactionMax
            && reader.TryReadTag(out uint tag, repeated: TransactionTags.Operations)
            && tag == TransactionTags.Operations)
        {
            reader.ReadBytes();
            count += reader.HasFailed ? 0 : 1;
        }

        return count;
    }

    private static bool TryDecodeOperation(ReadOnlySpan<byte> bytes, out Operation operation)
    {
        operation = default;
        var reader = new WireReader(bytes);
        if (!reader.TryReadTag(out uint tag))
        {
            return false;
        }

        ReadOnlySpan<byte> content = reader.ReadBytes();
        // Exactly one kind: nothing may follow it.
        if (reader.HasFailed || !reader.Rest.IsEmpty)
        {
            return false;
        }

        switch (tag)
        {
            case TransactionTags.PlaceOrder:
                operation.Kind = OperationKind.PlaceOrder;
                return TryDecodeOrder(content, ref operation);
            case TransactionTags.CancelOrder:
                operation.Kind = OperationKind.CancelOrder;
                return TryDecodeTarget(content, ref operation, takesOrder: false);
            case TransactionTags.CancelAll:
                operation.Kind = OperationKind.CancelAll;
                return TryDecodeCancelAll(content, ref operation);
            case TransactionTags.ReplaceOrder:
                operation.Kind = OperationKind.ReplaceOrder;
                return TryDecodeTarget(content, ref operation, takesOrder: true);
            case TransactionTags.Transfer:
                operation.Kind = OperationKind.Transfer;
                return TryDecodeTransfer(content, ref operation);
            case TransactionTags.Withdraw:
                operation.Kind = OperationKind.Withdraw;
                return VaultDecoder.TryDecodeWithdrawal(content, ref operation);
            case TransactionTags.AuthoriseAgent:
                operation.Kind = OperationKind.AuthoriseAgent;
                return AgentCodec.TryDecodeAuthorisation(content, out operation.Content);
            case TransactionTags.RevokeAgent:
                operation.Kind = OperationKind.RevokeAgent;
                return AgentCodec.TryDecodeRevocation(content, out operation.Content);
            case TransactionTags.CancelWithdrawal:
            case TransactionTags.AttestDeposit:
            case TransactionTags.SignRelease:
            case TransactionTags.VetoWithdrawal:
            case TransactionTags.Propose:
            case TransactionTags.ApproveProposal:
            case TransactionTags.VetoProposal:
            case TransactionTags.CancelProposal:
                operation.Kind = (OperationKind)(tag >> 3);
                return VaultDecoder.TryDecode(operation.Kind, content, out operation.Content);
            default:
                return false;
        }
    }

    private static bool TryDecodeOrder(ReadOnlySpan<byte> bytes, ref Operation operation)
    {
        var reader = new WireReader(bytes);
        // BOUND: tags ascend and unknown ones end the loop.
        while (reader.TryReadTag(out uint tag))
        {
            switch (tag)
            {
                case TransactionTags.Market:
                    operation.Market = reader.ReadUInt32();
                    break;
                case TransactionTags.Side:
                    operation.Side = (Side)reader.ReadEnum((byte)Side.Sell);
                    break;
                case TransactionTags.Price:
                    operation.Price = reader.ReadPositiveInt64();
                    break;
                case TransactionTags.Quantity:
                    operation.Quantity = reader.ReadPositiveInt64();
                    break;
                case TransactionTags.ClientId:
                    operation.ClientId = reader.ReadUInt64();
                    break;
                case TransactionTags.TimeInForce:
                    operation.TimeInForce = (TimeInForce)reader.ReadEnum((byte)TimeInForce.PostOnly);
                    break;
                case TransactionTags.SelfTrade:
                    operation.SelfTrade = (SelfTrade)reader.ReadEnum((byte)SelfTrade.Decrement);
                    break;
                case TransactionTags.ReduceOnly:
                    operation.ReduceOnly = reader.ReadBool();
                    break;
                case TransactionTags.MarketOrder:
                    operation.IsMarket = reader.ReadBool();
                    break;
                case TransactionTags.GoodTilHeight:
                    operation.GoodTilHeight = reader.ReadPositiveInt64();
                    break;
                case TransactionTags.GoodTilTime:
                    operation.GoodTilTime = reader.ReadPositiveInt64();
                    break;
                default:
                    reader.Fail();
                    break;
            }
        }

        return !reader.HasFailed;
    }

    private static bool TryDecodeTarget(ReadOnlySpan<byte> bytes, ref Operation operation, bool takesOrder)
    {
        bool hasOrder = false;
        var reader = new WireReader(bytes);
        // BOUND: tags ascend and unknown ones end the loop.
        while (reader.TryReadTag(out uint tag))
        {
            switch (tag)
            {
                case TransactionTags.TargetOrderId:
                    operation.TargetOrderId = reader.ReadUInt64();
                    break;
                case TransactionTags.TargetClientId:
                    operation.TargetClientId = reader.ReadUInt64();
                    break;
                case TransactionTags.ReplacementOrder when takesOrder:
                    hasOrder = TryDecodeOrder(reader.ReadBytes(), ref operation);
                    break;
                default:
                    reader.Fail();
                    break;
            }
        }

        return !reader.HasFailed && hasOrder == takesOrder;
    }

    private static bool TryDecodeCancelAll(ReadOnlySpan<byte> bytes, ref Operation operation)
    {
        var reader = new WireReader(bytes);
        // BOUND: tags ascend and unknown ones end the loop.
        while (reader.TryReadTag(out uint tag))
        {
            if (tag == TransactionTags.Market)
            {
                operation.Market = reader.ReadUInt32();
            }
            else
            {
                reader.Fail();
            }
        }

        return !reader.HasFailed;
    }

    private static bool TryDecodeTransfer(ReadOnlySpan<byte> bytes, ref Operation operation)
    {
        ReadOnlySpan<byte> recipient = default;
        uint subaccount = 0;
        var reader = new WireReader(bytes);
        // BOUND: tags ascend and unknown ones end the loop.
        while (reader.TryReadTag(out uint tag))
        {
            switch (tag)
            {
                case TransactionTags.Recipient:
                    recipient = reader.ReadBytes();
                    break;
                case TransactionTags.RecipientSubaccount:
                    subaccount = reader.ReadUInt32();
                    break;
                case TransactionTags.TransferAmount:
                    operation.Amount = reader.ReadPositiveInt64();
                    break;
                default:
                    reader.Fail();
                    break;
            }
        }

        if (reader.HasFailed || recipient.Length != Address.Size)
        {
            return false;
        }

        operation.Recipient = new AccountId(new Address(recipient), subaccount);
        return true;
    }
}
