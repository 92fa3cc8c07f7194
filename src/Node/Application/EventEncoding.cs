using System;
using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using AppChain.Abci.Wire;
using AppChain.StateMachine;

namespace AppChain.Node;

/// <summary>
/// Events as ABCI events <c>appchain.v1.&lt;Kind&gt;</c>, with the attributes that proto/appchain/v1/event.proto names,
/// all of them, in its order.
/// </summary>
public static class EventEncoding
{
    // Kinds of events and values of enumerations, as they are called here and as events spell them.
    private static readonly ConcurrentDictionary<string, string> Types = new();
    private static readonly ConcurrentDictionary<string, string> Names = new();

    /// <summary>Encodes an event; accounts are named by the given function.</summary>
    public static Event Of(in ExchangeEvent e, Func<int, string> account)
    {
        var encoded = new Event { Type = Types.GetOrAdd(e.Kind.ToString(), static kind => "appchain.v1." + kind) };
        switch (e.Kind)
        {
            case EventKind.OrderOpened:
                Add(encoded, ("account", account(e.Account)), ("market", e.Market), ("order_id", e.OrderId),
                    ("client_id", e.ClientId), ("side", Name(e.Side)), ("price", e.Price), ("quantity", e.Quantity),
                    ("reduce_only", e.Reason == 1 ? "true" : "false"), ("good_til_height", e.Amount),
                    ("good_til_time", e.Amount2));
                break;
            case EventKind.Fill:
                Add(encoded, ("market", e.Market), ("taker", account(e.Account)), ("maker", account(e.Counterparty)),
                    ("taker_order_id", e.TakerOrderId), ("maker_order_id", e.OrderId), ("side", Name(e.Side)),
                    ("price", e.Price), ("quantity", e.Quantity), ("taker_fee", e.Amount), ("maker_fee", e.Amount2));
                break;
            case EventKind.OrderReduced:
                Add(encoded, ("account", account(e.Account)), ("market", e.Market), ("order_id", e.OrderId),
                    ("quantity", e.Quantity), ("reason", Name((CloseReason)e.Reason)));
                break;
            case EventKind.OrderClosed:
                Add(encoded, ("account", account(e.Account)), ("market", e.Market), ("order_id", e.OrderId),
                    ("client_id", e.ClientId), ("quantity", e.Quantity), ("reason", Name((CloseReason)e.Reason)));
                break;
            case EventKind.Transfer:
                Add(encoded, ("sender", account(e.Account)), ("recipient", account(e.Counterparty)),
                    ("amount", e.Amount), ("fee", e.Amount2));
                break;
            case EventKind.OracleUpdated:
                Add(encoded, ("market", e.Market), ("price", e.Price), ("confidence", e.Amount),
                    ("state", Name((OracleState)e.Reason)), ("power", e.Amount2), ("agreed_price", e.Quantity),
                    ("source_time", e.Amount3));
                break;
            case EventKind.OracleStateChanged:
                Add(encoded, ("market", e.Market), ("price", e.Price), ("state", Name((OracleState)e.Reason)));
                break;
            case EventKind.FundingApplied:
                Add(encoded, ("market", e.Market), ("price", e.Price), ("rate_ppm", e.Amount),
                    ("funding_index", e.Amount2));
                break;
            case EventKind.FundingSettled:
                Add(encoded, ("account", account(e.Account)), ("market", e.Market), ("size", e.Quantity),
                    ("amount", e.Amount));
                break;
            case EventKind.LiquidationOpened:
                Add(encoded, ("account", account(e.Account)), ("equity_high", e.Amount),
                    ("maintenance_margin", e.Amount2), ("equity", e.Amount3));
                break;
            case EventKind.LiquidationSlice:
                Add(encoded, ("account", account(e.Account)), ("market", e.Market), ("side", Name(e.Side)),
                    ("price", e.Price), ("quantity", e.Quantity), ("bankruptcy_price", e.Amount), ("filled", e.Amount2),
                    ("equity", e.Amount3), ("maintenance_margin", e.Amount4));
                break;
            case EventKind.InsuranceFundChanged:
                Add(encoded, ("account", account(e.Account)), ("market", e.Market), ("quantity", e.Quantity),
                    ("amount", e.Amount), ("insurance_fund", e.Amount2));
                break;
            case EventKind.Deleveraging:
                Add(encoded, ("account", account(e.Account)), ("counterparty", account(e.Counterparty)),
                    ("market", e.Market),
                    ("side", Name(e.Side)), ("price", e.Price), ("quantity", e.Quantity), ("leverage_ppm", e.Amount));
                break;
            case EventKind.LiquidationClosed:
                Add(encoded, ("account", account(e.Account)), ("equity", e.Amount), ("maintenance_margin", e.Amount2));
                break;
            case EventKind.LiquidationDeferred:
                Add(encoded, ("account", account(e.Account)), ("market", e.Market), ("quantity", e.Quantity),
                    ("stage", (int)e.Reason));
                break;
            case EventKind.ValidatorRemoved:
                Add(encoded, ("power", e.Amount), ("misbehavior", (int)e.Reason));
                break;
            case EventKind.AgentAuthorised:
                Add(encoded, ("account", account(e.Account)), ("agent", Address(e.Data)),
                    ("notional_per_day", e.Amount), ("expires", e.Amount2), ("fee", e.Amount3));
                break;
            case EventKind.AgentRevoked:
                Add(encoded, ("account", account(e.Account)), ("agent", Address(e.Data)));
                break;
            case EventKind.None:
                break;
            default:
                AddVault(encoded, e, account);
                break;
        }

        return encoded;
    }

    private static void Add(Event encoded, params ReadOnlySpan<(string Key, Text Value)> attributes)
    {
        encoded.Attributes.Capacity = encoded.Attributes.Count + attributes.Length;
        foreach ((string key, Text value) in attributes)
        {
            encoded.Attributes.Add(new EventAttribute { Key = key, Value = value.Value, Index = true });
        }
    }

    /// <summary>The value of an attribute.</summary>
    private readonly record struct Text(string Value)
    {
        public static implicit operator Text(string value) => new(value);

        public static implicit operator Text(uint value) => (ulong)value;

        public static implicit operator Text(ulong value) => new(value.ToString(CultureInfo.InvariantCulture));

        public static implicit operator Text(long value) => new(value.ToString(CultureInfo.InvariantCulture));

        // Nearly all are short, and those are written much quicker.
        public static implicit operator Text(Int128 value) => value >= long.MinValue && value <= long.MaxValue
            ? (long)value
            : new Text(value.ToString(CultureInfo.InvariantCulture));
    }

    private static void AddVault(Event encoded, in ExchangeEvent e, Func<int, string> account)
    {
        switch (e.Kind)
        {
            case EventKind.ProposalOpened:
                Add(encoded, ("proposal_id", e.OrderId), ("council", Name((CouncilKind)e.Reason)),
                    ("member", Address(e.Data)));
                break;
            case EventKind.ProposalApproved:
                Add(encoded, ("proposal_id", e.OrderId), ("council", Name((CouncilKind)e.Reason)),
                    ("member", Address(e.Data)), ("approvals", e.Quantity), ("ready_time", e.Amount));
                break;
            case EventKind.ProposalVetoed:
                Add(encoded, ("proposal_id", e.OrderId), ("council", Name((CouncilKind)e.Reason)),
                    ("member", Address(e.Data)), ("vetoes", e.Quantity));
                break;
            case EventKind.ProposalClosed:
                Add(encoded, ("proposal_id", e.OrderId), ("council", Name((CouncilKind)(byte)e.Quantity)),
                    ("state", Name((ProposalState)e.Reason)));
                break;
            case EventKind.CouncilChanged:
                Add(encoded, ("council", Name((CouncilKind)e.Reason)), ("version", e.OrderId));
                break;
            case EventKind.DepositAttested:
                Add(encoded, ("deposit_id", Hex(e.Data)), ("amount", e.Amount), ("attestations", e.Quantity));
                break;
            case EventKind.DepositCredited:
                Add(encoded, ("account", account(e.Account)), ("deposit_id", Hex(e.Data)), ("amount", e.Amount));
                break;
            case EventKind.TreasurySpent:
                Add(encoded, ("proposal_id", e.OrderId), ("account", e.Account < 0 ? "" : account(e.Account)),
                    ("amount", e.Amount), ("balance", e.Amount2), ("note", Hex(e.Data)));
                break;
            case EventKind.ConsensusParametersChanged:
                Add(encoded, ("proposal_id", e.OrderId), ("from_height", e.Quantity), ("block_bytes", e.Amount),
                    ("evidence_age_blocks", e.Amount2), ("evidence_age_seconds", e.Amount3),
                    ("evidence_bytes", e.Amount4));
                break;
            case EventKind.ValidatorPowerChanged:
                Add(encoded, ("proposal_id", e.OrderId), ("public_key", Hex(e.Data)), ("power", e.Amount),
                    ("power_before", e.Amount2), ("from_height", e.Quantity));
                break;
            default:
                AddWithdrawal(encoded, e, account(e.Account));
                break;
        }
    }

    private static void AddWithdrawal(Event encoded, in ExchangeEvent e, string account)
    {
        Add(encoded, ("account", account), ("withdrawal_id", e.OrderId));
        switch (e.Kind)
        {
            case EventKind.WithdrawalRequested:
                Add(encoded, ("amount", e.Amount), ("ready_time", e.Amount2), ("destination", Hex(e.Data)));
                break;
            case EventKind.WithdrawalAdmitted:
                Add(encoded, ("sequence", e.ClientId), ("amount", e.Amount), ("expiry", e.Amount2),
                    ("destination", Hex(e.Data)));
                break;
            case EventKind.WithdrawalSigned:
                Add(encoded, ("sequence", e.ClientId), ("signatures", e.Amount2));
                break;
            case EventKind.WithdrawalReleased:
                Add(encoded, ("sequence", e.ClientId), ("amount", e.Amount), ("destination", Hex(e.Data)));
                break;
            case EventKind.WithdrawalExpired:
                Add(encoded, ("sequence", e.ClientId));
                break;
            case EventKind.WithdrawalVetoed:
                Add(encoded, ("vetoes", e.Amount2));
                break;
            case EventKind.WithdrawalClosed:
                Add(encoded, ("amount", e.Amount), ("state", Name((WithdrawalState)e.Reason)));
                break;
            default:
                throw new InvalidOperationException($"no encoding of the event {e.Kind}");
        }
    }

    private static string Hex(byte[]? bytes) => Convert.ToHexStringLower(bytes ?? []);

    private static string Address(byte[]? bytes) => AccountText.Of(new Address(bytes));

    private static string Name<T>(T value)
        where T : struct, Enum => Names.GetOrAdd(value.ToString(), Spell);

    // SelfTrade is "self_trade".
    private static string Spell(string name)
    {
        var text = new StringBuilder(name.Length + 4);
        foreach (char c in name)
        {
            if (char.IsUpper(c) && text.Length > 0)
            {
                text.Append('_');
            }

            text.Append(char.ToLowerInvariant(c));
        }

        return text.ToString();
    }
}
