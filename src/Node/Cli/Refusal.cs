using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using AppChain.Abci.Wire;
using AppChain.StateMachine;

namespace AppChain.Node;

/// <summary>Explains refusals with figures of the account and its markets, where a node gives them.</summary>
internal sealed class Refusal(RpcClient node, IReadOnlyDictionary<uint, V1.Market> markets)
{
    /// <summary>Why a transaction, or the first of its operations that was, was refused; null when none was.</summary>
    public async Task<string?> ExplainAsync(Transaction transaction, ExecTxResult result, CancellationToken cancel)
    {
        V1.TransactionResult outcome = TransactionReport.OutcomeOf(result);
        var code = (ResultCode)result.Code;
        Operation operation = default;
        // BOUND: at most one turn per operation.
        for (int i = 0; i < outcome.Operations.Count && i < transaction.Operations.Length; i++)
        {
            var one = (ResultCode)outcome.Operations[i].Code;
            if (one is not (ResultCode.Ok or ResultCode.RolledBack))
            {
                code = one;
                operation = transaction.Operations[i];
                break;
            }
        }

        if (code == ResultCode.Ok)
        {
            return null;
        }

        if (code == ResultCode.PriceOutsideBand && markets.TryGetValue(operation.Market, out V1.Market? banded))
        {
            // The index price may have moved since.
            return RefusalText.Band(banded, operation.Side, operation.Price) ?? Explanations.Of(code);
        }

        if (code is not (ResultCode.MarginTooLow or ResultCode.CollateralTooLow) || outcome.Needed.Length == 0)
        {
            return Explanations.Of(code);
        }

        Int128 needed = DecimalText.ParseAmount(outcome.Needed);
        Int128 available = DecimalText.ParseAmount(outcome.Available);
        if (code == ResultCode.CollateralTooLow)
        {
            return RefusalText.Collateral(needed, available);
        }

        return NeedsMargin(operation) && markets.TryGetValue(operation.Market, out V1.Market? market)
            ? RefusalText.Margin(
                needed, available, market, await LargestAsync(transaction, operation, cancel).ConfigureAwait(false))
            : RefusalText.Margin(needed, available, null, 0);
    }

    /// <summary>
    /// What the price band and the margin test would say to the orders of a transaction, one after the other, as text
    /// for people.
    /// </summary>
    public async Task<string> EstimateAsync(Transaction transaction, CancellationToken cancel)
    {
        foreach (Operation operation in transaction.Operations)
        {
            if (IsOrder(operation)
                && markets.TryGetValue(operation.Market, out V1.Market? market)
                && RefusalText.Band(market, operation.Side, operation.Price) is { } outside)
            {
                return $"estimate: {outside}";
            }
        }

        bool hasOrder = Array.Exists(transaction.Operations, NeedsMargin);
        if (!hasOrder)
        {
            return "no order needs any";
        }

        MarginEstimate estimate = await EstimateOfAsync(transaction, cancel).ConfigureAwait(false);
        string text = "";
        foreach (Operation operation in transaction.Operations)
        {
            if (!NeedsMargin(operation) || !markets.TryGetValue(operation.Market, out V1.Market? market))
            {
                continue;
            }

            (Int128 needed, Int128 available) = estimate.WithOrder(
                operation.Market, operation.Side, operation.Quantity);
            if (needed > available)
            {
                long largest = estimate.LargestQuantity(operation.Market, operation.Side, operation.Quantity);
                return $"estimate: {RefusalText.Margin(needed, available, market, largest)}";
            }

            estimate.Assume(operation.Market, operation.Side, operation.Quantity);
            text = $"estimate: needs {DecimalText.FormatAmount(needed)}, has {DecimalText.FormatAmount(available)}";
        }

        return text;
    }

    private async Task<long> LargestAsync(Transaction transaction, Operation operation, CancellationToken cancel)
    {
        try
        {
            MarginEstimate estimate = await EstimateOfAsync(transaction, cancel).ConfigureAwait(false);
            long largest = estimate.LargestQuantity(operation.Market, operation.Side, operation.Quantity);
            // When the account looks able to carry the whole order by now, a smaller size is no advice.
            return largest < operation.Quantity ? largest : 0;
        }
        catch (Exception error) when (error is NodeUnreachableException or RpcException or QueryRefusedException)
        {
            return 0;
        }
    }

    private async Task<MarginEstimate> EstimateOfAsync(Transaction transaction, CancellationToken cancel)
    {
        V1.AccountResponse account = await node
            .AccountAsync(AccountText.Of(transaction.Account), cancel).ConfigureAwait(false);
        return new MarginEstimate(account, markets);
    }

    private static bool NeedsMargin(Operation operation) => IsOrder(operation) && !operation.ReduceOnly;

    private static bool IsOrder(Operation operation) =>
        operation.Kind is OperationKind.PlaceOrder or OperationKind.ReplaceOrder;
}
