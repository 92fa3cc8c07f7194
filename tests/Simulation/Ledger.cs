using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using AppChain.Abci.Wire;
using AppChain.Margin;
using AppChain.Node;
using AppChain.StateMachine;

namespace AppChain.Simulation;

/// <summary>
/// A second, naive model of the money: it sees only the events that the chain announces, as any client does, and
/// predicts from them what every account, the fees, the insurance fund and the collateral held must be. It knows
/// nothing of matching, margin or liquidation.
/// </summary>
/// <remarks>
/// Per account it keeps collateral less entry notional in one number: a fill changes that by exactly price × quantity
/// and the fee, in whichever order the fills of a block are applied.
/// </remarks>
internal sealed class Ledger
{
    private const string Prefix = "appchain.v1.";

    private readonly SortedDictionary<string, Int128> _net = new(StringComparer.Ordinal);
    private readonly SortedDictionary<(string Account, uint Market), Int128> _sizes = [];
    private readonly HashSet<ulong> _orders = [];
    private readonly HashSet<ulong> _closed = [];
    private readonly Dictionary<AccountId, string> _names = [];
    private readonly Dictionary<uint, MarketParameters> _markets;
    private Int128 _held;
    private Int128 _leaving;
    private Int128 _fees;
    private Int128 _fund;
    private Int128 _fundingSettled;
    private Dictionary<string, string> _attributes = [];

    public Ledger(GenesisState genesis)
    {
        _markets = genesis.Markets.ToDictionary(market => market.MarketId);
        _fund = _held = genesis.InsuranceFund;
        foreach (GenesisAccount account in genesis.Accounts)
        {
            _net[AccountText.Of(account.Account)] = account.Amount;
            _held += account.Amount;
        }
    }

    /// <summary>What happened so far, by kind of event.</summary>
    public SortedDictionary<string, long> Counts { get; } = new(StringComparer.Ordinal);

    /// <summary>Takes the events of a block.</summary>
    public void Apply(ResponseFinalizeBlock response)
    {
        foreach (Event happened in response.Events) Apply(happened);
        foreach (ExecTxResult result in response.TxResults)
        {
            foreach (Event happened in result.Events) Apply(happened);
        }

        // Events of the block and of its transactions are told apart, not in one order: an order that a transaction
        // opened may be closed by the liquidations after it.
        _orders.ExceptWith(_closed);
        _closed.Clear();
    }

    /// <summary>Compares the prediction with the rows.</summary>
    /// <exception cref="Violation">They differ.</exception>
    public void Check(Rows rows, long height)
    {
        Dictionary<int, string> names = [];
        Dictionary<string, Int128> net = [];
        foreach (AccountRow account in rows.Of<AccountId, AccountRow>())
        {
            if (!_names.TryGetValue(account.Id, out string? name))
                _names[account.Id] = name = AccountText.Of(account.Id);
            names[account.Number] = name;
            net[name] = account.Collateral;
        }
        Dictionary<(string, uint), Int128> sizes = [];
        foreach (PositionRow position in rows.Of<PositionKey, PositionRow>())
        {
            string name = names[position.Account];
            net[name] -= position.EntryNotional;
            sizes[(name, position.Market)] = position.Size;
        }
        foreach ((string name, Int128 predicted) in _net)
            Expect(height, $"collateral less entry of {name}", predicted, net.GetValueOrDefault(name));
        foreach ((string name, Int128 found) in net)
            if (!_net.ContainsKey(name)) Expect(height, $"collateral less entry of {name}", 0, found);
        foreach (((string Account, uint Market) key, Int128 predicted) in _sizes)
            Expect(height, $"size of {key}", predicted, sizes.GetValueOrDefault(key));
        foreach (((string, uint) key, Int128 found) in sizes)
            if (found != 0 && !_sizes.ContainsKey(key)) Expect(height, $"size of {key}", 0, found);
        CheckPool(rows, height);
        HashSet<ulong> orders = [.. rows.Of<ulong, OrderRow>().Select(order => order.OrderId)];
        if (!orders.SetEquals(_orders))
        {
            throw new Violation("ledger", height, $"open orders {string.Join(' ', orders.Except(_orders))} were never "
                + $"announced, {string.Join(' ', _orders.Except(orders))} never closed");
        }
    }

    private void CheckPool(Rows rows, long height)
    {
        PoolRow pool = rows.Of<SingleKey, PoolRow>().Single();
        Int128 clearing = 0;
        foreach (MarketRow market in rows.Of<uint, MarketRow>()) clearing += market.FundingClearing;

        // What payers have paid and receivers have not received waits in the clearing accounts; what is missing there
        // is dust that went to the fund.
        Int128 dust = _fundingSettled - clearing;
        Expect(height, "collateral held", _held, pool.Held);
        Expect(height, "leaving", _leaving, pool.Leaving);
        Expect(height, "fees", _fees, pool.Fees);
        Expect(height, "insurance fund", _fund + dust, pool.InsuranceFund);
        if (dust < 0) throw new Violation("ledger", height, $"funding gave out {-dust} more than it took");
    }

    private void Apply(Event happened)
    {
        string kind = happened.Type.StartsWith(Prefix, StringComparison.Ordinal) ? happened.Type[Prefix.Length..] : "";
        Counts[kind] = Counts.GetValueOrDefault(kind) + 1;
        _attributes = happened.Attributes.ToDictionary(item => item.Key, item => item.Value);
        switch (kind)
        {
            case nameof(EventKind.Fill):
                ApplyFill();
                break;
            case nameof(EventKind.Deleveraging):
                Trade(_attributes["account"], _attributes["side"] == "buy", Number("price"), Number("quantity"), 0);
                Trade(
                    _attributes["counterparty"], _attributes["side"] != "buy", Number("price"), Number("quantity"), 0);
                break;
            case nameof(EventKind.Transfer):
                Add(_attributes["sender"], -Number("amount"));
                Add(_attributes["recipient"], Number("amount") - Number("fee"));
                _fees += Number("fee");
                break;
            case nameof(EventKind.AgentAuthorised):
                Add(_attributes["account"], -Number("fee"));
                _fees += Number("fee");
                break;
            case nameof(EventKind.WithdrawalRequested):
                Add(_attributes["account"], -Number("amount"));
                _leaving += Number("amount");
                break;
            case nameof(EventKind.WithdrawalClosed):
                Add(_attributes["account"], Number("amount"));
                _leaving -= Number("amount");
                break;
            case nameof(EventKind.WithdrawalReleased):
                _leaving -= Number("amount");
                _held -= Number("amount");
                break;
            case nameof(EventKind.DepositCredited):
                Add(_attributes["account"], Number("amount"));
                _held += Number("amount");
                break;
            case nameof(EventKind.FundingSettled):
                Add(_attributes["account"], -Number("amount"));
                _fundingSettled += Number("amount");
                break;
            case nameof(EventKind.InsuranceFundChanged):
                Add(_attributes["account"], -Number("amount"));
                _fund += Number("amount");
                break;
            case nameof(EventKind.OrderOpened):
                if (!_orders.Add((ulong)Number("order_id"))) throw new Violation("ledger", "an order was opened twice");
                break;
            case nameof(EventKind.OrderClosed):
                _closed.Add((ulong)Number("order_id"));
                break;
            default:
                break;
        }
    }

    private void ApplyFill()
    {
        MarketParameters market = _markets[(uint)Number("market")];
        Int128 notional = Number("price") * Number("quantity") * market.TickLotValue;
        Int128 makerFee = Number("maker_fee");
        Int128 takerFee = Number("taker_fee");

        // Liquidations have no order number; they pay a fee of their own, and no rebate is paid out of nothing.
        bool isLiquidation = Number("taker_order_id") == 0;
        Int128 makerRate = Fee(notional, market.MakerFeePpm);
        bool isRight = isLiquidation
            ? takerFee == 0 && makerFee == Int128.Max(makerRate, 0)
            : takerFee == Fee(notional, market.TakerFeePpm) && makerFee == makerRate;
        if (!isRight) throw new Violation("ledger", $"fees {takerFee} and {makerFee} on a notional of {notional}");
        bool buys = _attributes["side"] == "buy";
        Trade(_attributes["taker"], buys, Number("price"), Number("quantity"), takerFee);
        Trade(_attributes["maker"], !buys, Number("price"), Number("quantity"), makerFee);
        _fees += takerFee + makerFee;
    }

    // A fee never short, a rebate never too much: up.
    private static Int128 Fee(Int128 notional, int ppm)
    {
        Int128 scaled = notional * ppm;
        return scaled >= 0 ? (scaled + 999_999) / 1_000_000 : -(-scaled / 1_000_000);
    }

    private void Trade(string account, bool buys, Int128 price, Int128 quantity, Int128 fee)
    {
        uint market = (uint)Number("market");
        Int128 signed = buys ? quantity : -quantity;
        Add(account, -(signed * price * _markets[market].TickLotValue) - fee);
        _sizes[(account, market)] = _sizes.GetValueOrDefault((account, market)) + signed;
    }

    private void Add(string account, Int128 amount) => _net[account] = _net.GetValueOrDefault(account) + amount;

    private Int128 Number(string name) =>
        Int128.Parse(_attributes[name], NumberStyles.Integer, CultureInfo.InvariantCulture);

    private static void Expect(long height, string what, Int128 predicted, Int128 found)
    {
        if (predicted != found)
            throw new Violation("ledger", height, $"{what}: the events make it {predicted}, the chain says {found}");
    }
}
