using System;
using System.Collections.Generic;
using System.Globalization;
using AppChain.StateMachine;

namespace AppChain.Node;

/// <summary>Operations in words for people, the way back from <see cref="OperationReader"/>.</summary>
internal static class OperationWords
{
    /// <summary>One line; a market that is not known is shown in ticks and lots.</summary>
    public static string Of(in Operation operation, IReadOnlyDictionary<uint, V1.Market> markets) =>
        operation.Kind switch
        {
            OperationKind.PlaceOrder => Order(operation, markets),
            OperationKind.CancelOrder => $"cancel {Target(operation)}",
            OperationKind.CancelAll => $"cancel all in {Market(operation.Market, markets)}",
            OperationKind.ReplaceOrder => $"replace {Target(operation)} by {Order(operation, markets)}",
            OperationKind.Transfer =>
                $"transfer {DecimalText.FormatAmount(operation.Amount)} to {AccountText.Of(operation.Recipient)}",
            OperationKind.Withdraw => $"withdraw {DecimalText.FormatAmount(operation.Amount)}{To(operation)}",
            OperationKind.AuthoriseAgent => Authorise(operation.Content as AgentAuthorisation, markets),
            OperationKind.RevokeAgent => $"revoke agent {Agent((operation.Content as AgentRevocation)?.Agent)}",
            OperationKind.None => "nothing",
            _ => VaultWords.Of(operation),
        };

    /// <summary>Word for an operation's kind, as in batch files.</summary>
    public static string Kind(OperationKind kind) => kind switch
    {
        OperationKind.PlaceOrder => "place",
        OperationKind.CancelOrder => "cancel",
        OperationKind.CancelAll => "cancel-all",
        OperationKind.ReplaceOrder => "replace",
        OperationKind.Transfer => "transfer",
        OperationKind.Withdraw => "withdraw",
        OperationKind.AuthoriseAgent => "authorise-agent",
        OperationKind.RevokeAgent => "revoke-agent",
        OperationKind.None => "none",
        _ => VaultWords.Kind(kind),
    };

    private static string Authorise(AgentAuthorisation? content, IReadOnlyDictionary<uint, V1.Market> markets)
    {
        if (content is null)
        {
            return "authorise an agent";
        }

        var names = new List<string>();
        foreach (uint market in content.Markets)
        {
            names.Add(Market(market, markets));
        }

        string where = names.Count == 0 ? "all markets" : string.Join(", ", names);
        return $"authorise agent {Agent(content.Agent)} for {where}, "
            + $"{DecimalText.FormatAmount(content.NotionalPerDay)} a day, until "
            + $"{QueryText.Time((ulong)content.Expires)}";
    }

    private static string To(in Operation operation) =>
        operation.Content is WithdrawalDestination to ? $" to {VaultWords.Destination(to.Destination)}" : "";

    private static string Agent(Address? agent) => agent is { } key ? AccountText.Of(key) : "without an address";

    private static string Order(in Operation operation, IReadOnlyDictionary<uint, V1.Market> markets)
    {
        string side = operation.Side == Side.Buy ? "buy" : "sell";
        string what = markets.TryGetValue(operation.Market, out V1.Market? market)
            ? $"{market.FormatQuantity(operation.Quantity)} {market.Ticker} at {market.FormatPrice(operation.Price)}"
            : string.Create(
                CultureInfo.InvariantCulture,
                $"{operation.Quantity} lots of market {operation.Market} at {operation.Price} ticks");
        string waits = operation.TimeInForce switch
        {
            TimeInForce.ImmediateOrCancel when operation.IsMarket => " or better, now",
            TimeInForce.ImmediateOrCancel => ", immediate or cancel",
            TimeInForce.FillOrKill => ", fill or kill",
            TimeInForce.PostOnly => ", post-only",
            TimeInForce.GoodTilCancelled => "",
        };
        return $"{side} {what}{waits}{(operation.ReduceOnly ? ", reduce-only" : "")}";
    }

    private static string Target(in Operation operation) => operation.TargetOrderId != 0
        ? string.Create(CultureInfo.InvariantCulture, $"order {operation.TargetOrderId}")
        : string.Create(CultureInfo.InvariantCulture, $"order with client id {operation.TargetClientId}");

    private static string Market(uint number, IReadOnlyDictionary<uint, V1.Market> markets) =>
        markets.TryGetValue(number, out V1.Market? market)
            ? market.Ticker
            : string.Create(CultureInfo.InvariantCulture, $"market {number}");
}
