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

    // What the events make of an account, and what the rows say of it.
    private sealed class Tally
    {
        public Int128 Net { get; set; }
        public Dictionary<uint, Int128> Sizes { get; } = [];
        public Int128 NetFound { get; set; }
        public Dictionary<uint, Int128> SizesFound { get; } = [];
    }

    private readonly SortedDictionary<string, Tally> _tallies = new(StringComparer.Ordinal);
    private readonly Dictionary<AccountId, Tally> _byId = [];
    private readonly Dictionary<int, Tally> _byNumber = [];
    private readonly HashSet<ulong> _orders = [];
    private readonly HashSet<ulong> _closed = [];
    private readonly Dictionary<string, string> _kinds = [];
    private readonly Dictionary<uint, MarketParameters> _markets;
    private Int128 _held;
    private Int128 _leaving;
    private Int128 _fees;
    private Int128 _fund;
    private Int128 _fundingSettled;
    private Event _event = new();

    public Ledger(GenesisState genesis)
    {
        _markets = genesis.Markets.ToDictionary(market => market.MarketId);
        _fund = _held = genesis.InsuranceFund;
        foreach (GenesisAccount account in genesis.Accounts)
        {
            Add(AccountText.Of(account.Account), account.Amount);
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
        Read(rows);
        foreach ((string name, Tally tally) in _tallies)
        {
            if (tally.Net != tally.NetFound)
                throw Differ(height, $"collateral less entry of {name}", tally.Net, tally.NetFound);
            foreach ((uint market, Int128 predicted) in tally.Sizes)
            {
                Int128 found = tally.SizesFound.GetValueOrDefault(market);
                if (predicted != found) throw Differ(height, $"size of {name} in market {market}", predicted, found);
            }
            foreach ((uint market, Int128 found) in tally.SizesFound)
            {
                if (found != 0 && !tally.Sizes.ContainsKey(market))
                    throw Differ(height, $"size of {name} in market {market}", 0, found);
            }
        }
        CheckPool(rows, height);
        CheckOrders(rows.Of<ulong, OrderRow>(), height);
    }

    // What the rows say of every account.
    private void Read(Rows rows)
    {
        foreach (Tally tally in _tallies.Values)
        {
            tally.NetFound = 0;
            tally.SizesFound.Clear();
        }
        _byNumber.Clear();
        foreach (AccountRow account in rows.Of<AccountId, AccountRow>())
        {
            if (!_byId.TryGetValue(account.Id, out Tally? tally))
                _byId[account.Id] = tally = Of(AccountText.Of(account.Id));
            _byNumber[account.Number] = tally;
            tally.NetFound = account.Collateral;
        }
        foreach (PositionRow position in rows.Of<PositionKey, PositionRow>())
        {
            Tally tally = _byNumber[position.Account];
            tally.NetFound -= position.EntryNotional;
            tally.SizesFound[position.Market] = position.Size;
        }
    }

    private void CheckOrders(List<OrderRow> found, long height)
    {
        bool isSame = found.Count == _orders.Count && found.TrueForAll(order => _orders.Contains(order.OrderId));
        if (isSame) return;
        IEnumerable<ulong> orders = found.Select(order => order.OrderId);
        throw new Violation("ledger", height, $"open orders {string.Join(' ', orders.Except(_orders))} were never "
            + $"announced, {string.Join(' ', _orders.Except(orders))} never closed");
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
        if (!_kinds.TryGetValue(happened.Type, out string? kind))
        {
            bool isOurs = happened.Type.StartsWith(Prefix, StringComparison.Ordinal);
            _kinds[happened.Type] = kind = isOurs ? happened.Type[Prefix.Length..] : "";
        }
        Counts[kind] = Counts.GetValueOrDefault(kind) + 1;
        _event = happened;
        switch (kind)
        {
            case nameof(EventKind.Fill):
                ApplyFill();
                break;
            case nameof(EventKind.Deleveraging):
                Trade(Text("account"), Text("side") == "buy", Number("price"), Number("quantity"), 0);
                Trade(
                    Text("counterparty"), Text("side") != "buy", Number("price"), Number("quantity"), 0);
                break;
            case nameof(EventKind.Transfer):
                Add(Text("sender"), -Number("amount"));
                Add(Text("recipient"), Number("amount") - Number("fee"));
                _fees += Number("fee");
                break;
            case nameof(EventKind.AgentAuthorised):
                Add(Text("account"), -Number("fee"));
                _fees += Number("fee");
                break;
            case nameof(EventKind.WithdrawalRequested):
                Add(Text("account"), -Number("amount"));
                _leaving += Number("amount");
                break;
            case nameof(EventKind.WithdrawalClosed):
                Add(Text("account"), Number("amount"));
                _leaving -= Number("amount");
                break;
            case nameof(EventKind.WithdrawalReleased):
                _leaving -= Number("amount");
                _held -= Number("amount");
                break;
            case nameof(EventKind.DepositCredited):
                Add(Text("account"), Number("amount"));
                _held += Number("amount");
                break;
            case nameof(EventKind.FundingSettled):
                Add(Text("account"), -Number("amount"));
                _fundingSettled += Number("amount");
                break;
            case nameof(EventKind.InsuranceFundChanged):
                Add(Text("account"), -Number("amount"));
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
        bool buys = Text("side") == "buy";
        Trade(Text("taker"), buys, Number("price"), Number("quantity"), takerFee);
        Trade(Text("maker"), !buys, Number("price"), Number("quantity"), makerFee);
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
        Dictionary<uint, Int128> sizes = Of(account).Sizes;
        sizes[market] = sizes.GetValueOrDefault(market) + signed;
    }

    private void Add(string account, Int128 amount) => Of(account).Net += amount;

    private Tally Of(string account)
    {
        if (!_tallies.TryGetValue(account, out Tally? tally)) _tallies[account] = tally = new Tally();
        return tally;
    }

    // An attribute of the event.
    private string Text(string name)
    {
        foreach (EventAttribute attribute in _event.Attributes)
        {
            if (attribute.Key == name) return attribute.Value;
        }
        throw new Violation("ledger", $"an event {_event.Type} has no {name}");
    }

    private Int128 Number(string name) =>
        Int128.Parse(Text(name), NumberStyles.Integer, CultureInfo.InvariantCulture);

    private static void Expect(long height, string what, Int128 predicted, Int128 found)
    {
        if (predicted != found) throw Differ(height, what, predicted, found);
    }

    private static Violation Differ(long height, string what, Int128 predicted, Int128 found) =>
        new("ledger", height, $"{what}: the events make it {predicted}, the chain says {found}");
}
