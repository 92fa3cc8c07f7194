using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using System.Threading;
using AppChain.Margin;
using AppChain.StateMachine;

namespace AppChain.Node;

/// <summary>
/// The committed rows, decoded and indexed for questions. Brought up to date at Commit from the rows that the block
/// changed; the state machine's own state is never read by a query. Whoever reads holds the gate
/// (<see cref="EnterToRead"/>).
/// </summary>
internal sealed class ReadModel
{
    private readonly SortedDictionary<AccountId, AccountRow> _accounts = [];
    private readonly Dictionary<int, AccountId> _numbers = [];
    private readonly Dictionary<Address, NonceRow> _nonces = [];
    private readonly Dictionary<int, SortedDictionary<uint, PositionRow>> _positions = [];
    private readonly Dictionary<int, LiquidationRow> _liquidations = [];
    private readonly Dictionary<Address, SortedDictionary<Address, AgentRow>> _agents = [];

    // Held while reading or changing.
    private readonly Lock _gate = new();
    private bool _isCommitWaiting;

    /// <summary>An empty model.</summary>
    public ReadModel() => Ranking = new RiskRanking(this);

    /// <summary>
    /// Takes the gate to read, after a Commit that waits for it: who asks without a pause would otherwise take it again
    /// before Commit wakes up. Given up by disposing of the scope.
    /// </summary>
    public Lock.Scope EnterToRead()
    {
        SpinWait pause = default;
        // BOUND: Commit waits for at most one reader.
        while (Volatile.Read(ref _isCommitWaiting))
        {
            pause.SpinOnce();
        }

        return _gate.EnterScope();
    }

    /// <summary>Counts every change of the rows.</summary>
    public long Version { get; private set; }

    /// <summary>Height of the newest block in it.</summary>
    public long Height { get; private set; }

    /// <summary>Header time of that block.</summary>
    public long Time { get; private set; }

    /// <summary>App hash after that block.</summary>
    public byte[] AppHash { get; private set; } = [];

    /// <summary>Chain row.</summary>
    public ChainRow Chain { get; private set; }

    /// <summary>Pool row.</summary>
    public PoolRow Pool { get; private set; }

    /// <summary>Markets by id.</summary>
    public SortedDictionary<uint, MarketRow> Markets { get; } = [];

    /// <summary>Consensus prices by market.</summary>
    public SortedDictionary<uint, OracleRow> Oracles { get; } = [];

    /// <summary>Vault, treasury and councils.</summary>
    public VaultModel Vault { get; } = new();

    /// <summary>Reports by market and validator.</summary>
    public SortedDictionary<ReportKey, ReportRow> Reports { get; } = [];

    /// <summary>Parameters of the markets, ascending by id.</summary>
    public ImmutableArray<MarketParameters> MarketParameters()
    {
        lock (_gate)
        {
            return [.. Markets.Values.Select(static market => market.Parameters)];
        }
    }

    /// <summary>Accounts by id.</summary>
    public IReadOnlyDictionary<AccountId, AccountRow> Accounts => _accounts;

    /// <summary>Resting orders.</summary>
    public OrderModel Orders { get; } = new();

    /// <summary>Open liquidations by account number.</summary>
    public IReadOnlyDictionary<int, LiquidationRow> Liquidations => _liquidations;

    /// <summary>The accounts nearest to liquidation.</summary>
    public RiskRanking Ranking { get; }

    /// <summary>What has happened since the node started.</summary>
    public EventHistory History { get; } = new();

    /// <summary>Forgets everything: the chain starts again from genesis.</summary>
    public void Clear()
    {
        using (EnterToChange())
        {
            _accounts.Clear();
            _numbers.Clear();
            _nonces.Clear();
            _positions.Clear();
            Orders.Clear();
            _liquidations.Clear();
            _agents.Clear();
            Vault.Clear();
            Markets.Clear();
            Oracles.Clear();
            Reports.Clear();
            Version++;
        }
    }

    /// <summary>Takes in what a committed block changed and did.</summary>
    public void Apply(
        IReadOnlyList<RowChange> changes, IReadOnlyList<ExchangeEvent> events, long height, long time, byte[] appHash)
    {
        using (EnterToChange())
        {
            for (int i = 0; i < changes.Count; i++)
            {
                Apply(changes[i]);
            }

            for (int i = 0; i < events.Count; i++)
            {
                History.Record(new RecordedEvent(height, time, events[i]));
            }

            Height = height;
            Time = time;
            AppHash = appHash;
            Version++;
        }
    }

    /// <summary>Counts a committed block: what was refused in it, and whether every row was visited after it.</summary>
    public void Count(ImmutableArray<TransactionResult> results, bool isEveryRowChecked)
    {
        using (EnterToChange())
        {
            History.Count(results, isEveryRowChecked);
        }
    }

    /// <summary>The account with a number.</summary>
    public AccountId AccountOf(int number) => _numbers[number];

    /// <summary>Positions of an account, ascending by market.</summary>
    public IEnumerable<PositionRow> PositionsOf(int account) =>
        _positions.TryGetValue(account, out SortedDictionary<uint, PositionRow>? positions) ? positions.Values : [];

    /// <summary>The account with a number; false beyond the last. Numbers begin at 0 and have no gaps.</summary>
    public bool TryAccount(int number, out AccountRow account)
    {
        account = default;
        return _numbers.TryGetValue(number, out AccountId id) && _accounts.TryGetValue(id, out account);
    }

    /// <summary>In how many markets an account has a position or an order.</summary>
    public int CountPositions(int account) =>
        _positions.TryGetValue(account, out SortedDictionary<uint, PositionRow>? positions) ? positions.Count : 0;

    /// <summary>Nonces of an owner; false when it has used none.</summary>
    public bool TryNonces(Address owner, out NonceRow row) => _nonces.TryGetValue(owner, out row);

    /// <summary>Agents of an owner, ascending by address.</summary>
    public IEnumerable<AgentRow> AgentsOf(Address owner) =>
        _agents.TryGetValue(owner, out SortedDictionary<Address, AgentRow>? agents) ? agents.Values : [];

    /// <summary>Valuation of a market; false before the first price.</summary>
    public bool TryValuation(uint market, out Valuation valuation)
    {
        valuation = default;
        if (!Oracles.TryGetValue(market, out OracleRow oracle) || !Markets.TryGetValue(market, out MarketRow row)
            || row.MarkPrice == 0)
        {
            return false;
        }

        valuation = OracleUpdate.ValuationOf(row, oracle, Time);
        return true;
    }

    /// <summary>Risk of an account, by the same arithmetic as the state machine's.</summary>
    /// <param name="account">Which.</param>
    /// <param name="withOrders">
    /// Without them <see cref="Risk.InitialWithOrders"/> is <see cref="Risk.Initial"/>.
    /// </param>
    public Risk RiskOf(in AccountRow account, bool withOrders = true)
    {
        var risk = new Risk(account.Collateral);
        foreach (PositionRow position in PositionsOf(account.Number))
        {
            if (!TryValuation(position.Market, out Valuation valuation))
            {
                continue;
            }

            MarketRow market = Markets[position.Market];
            (long buys, long sells) = withOrders ? Orders.OpenLots(account.Number, position.Market) : default;
            risk.Add(
                market.Parameters,
                valuation,
                position.Size,
                position.EntryNotional,
                FundingPayment.Owed(position.Size, market.FundingIndex, position.FundingIndex, out _),
                buys,
                sells,
                Requirement.OpenInterestScalePpm(market.Parameters, market.OpenInterest, valuation.Mark));
        }

        return risk;
    }

    private Lock.Scope EnterToChange()
    {
        Volatile.Write(ref _isCommitWaiting, true);
        Lock.Scope scope = _gate.EnterScope();
        Volatile.Write(ref _isCommitWaiting, false);
        return scope;
    }

    private void Apply(in RowChange change)
    {
        var key = new ByteReader(change.Key.AsSpan(1));
        var value = new ByteReader(change.Value);
        bool gone = change.Value is null;
        switch ((RowKind)change.Key[0])
        {
            case RowKind.Chain:
                Chain = ChainRow.Decode(ref key, ref value);
                break;
            case RowKind.Pool:
                Pool = PoolRow.Decode(ref key, ref value);
                break;
            case RowKind.Market:
                Markets.Put(ref key, ref value);
                break;
            case RowKind.Oracle:
                Oracles.Put(ref key, ref value);
                break;
            case RowKind.Report when gone:
                Reports.Remove(new ReportKey(key.ReadUInt32(), new Address(key.ReadFixed(Address.Size))));
                break;
            case RowKind.Report:
                Reports.Put(ref key, ref value);
                break;
            case RowKind.Account:
                AccountRow account = _accounts.Put(ref key, ref value);
                _numbers[account.Number] = account.Id;
                break;
            case RowKind.Nonce:
                _nonces.Put(ref key, ref value);
                break;
            case RowKind.Position:
                ApplyPosition(ref key, ref value, gone);
                break;
            case RowKind.Order:
                Orders.Apply(ref key, ref value, gone);
                break;
            case RowKind.Liquidation:
                ApplyLiquidation(ref key, ref value, gone);
                break;
            case RowKind.Agent when gone:
                RemoveAgent(key.ReadAddress(), key.ReadAddress());
                break;
            case RowKind.Agent:
                AddAgent(AgentRow.Decode(ref key, ref value));
                break;
            case RowKind.AgentList:
            case RowKind.None:
                break;
            default:
                Vault.Apply((RowKind)change.Key[0], ref key, ref value, gone);
                break;
        }
    }

    private void ApplyLiquidation(ref ByteReader key, ref ByteReader value, bool gone)
    {
        if (gone)
        {
            _liquidations.Remove(key.ReadInt32());
        }
        else
        {
            _liquidations.Put(ref key, ref value);
        }
    }

    private void AddAgent(in AgentRow agent)
    {
        if (!_agents.TryGetValue(agent.Id.Owner, out SortedDictionary<Address, AgentRow>? agents))
        {
            _agents[agent.Id.Owner] = agents = [];
        }

        agents[agent.Id.Agent] = agent;
    }

    private void RemoveAgent(Address owner, Address agent)
    {
        if (_agents.TryGetValue(owner, out SortedDictionary<Address, AgentRow>? agents)
            && agents.Remove(agent)
            && agents.Count == 0)
        {
            _agents.Remove(owner);
        }
    }

    private void ApplyPosition(ref ByteReader key, ref ByteReader value, bool gone)
    {
        int account = key.ReadInt32();
        uint market = key.ReadUInt32();
        if (!_positions.TryGetValue(account, out SortedDictionary<uint, PositionRow>? positions))
        {
            _positions[account] = positions = [];
        }

        if (gone)
        {
            positions.Remove(market);
            if (positions.Count == 0)
            {
                _positions.Remove(account);
            }

            return;
        }

        positions[market] = new PositionRow
        {
            Account = account,
            Market = market,
            Size = value.ReadInt64(),
            EntryNotional = value.ReadInt128(),
            FundingIndex = value.ReadInt128(),
        };
    }
}
