using System.Collections.Generic;
using AppChain.Margin;

namespace AppChain.StateMachine;

/// <summary>
/// Everything the app hash covers, in memory, changed in place under one undo journal. Reads are direct; writes go
/// through <see cref="Table{TKey,TRow}"/> so that they can be taken back and hashed.
/// </summary>
internal sealed class State : IJournaled
{
    /// <summary>The undo journal of all tables and books.</summary>
    public readonly Journal Journal = new();

    /// <summary>One row.</summary>
    public readonly Table<SingleKey, ChainRow> Chain;

    /// <summary>One row.</summary>
    public readonly Table<SingleKey, PoolRow> Pool;

    /// <summary>Markets by id.</summary>
    public readonly Table<uint, MarketRow> Markets;

    /// <summary>Consensus prices by market id.</summary>
    public readonly Table<uint, OracleRow> Oracles;

    /// <summary>Price reports by market and validator.</summary>
    public readonly Table<ReportKey, ReportRow> Reports;

    /// <summary>Validator sets by first height.</summary>
    public readonly Table<long, ValidatorSetRow> ValidatorSets;

    /// <summary>Accounts by id; the slot is the account's number.</summary>
    public readonly Table<AccountId, AccountRow> Accounts;

    /// <summary>Used nonces by owner.</summary>
    public readonly Table<Address, NonceRow> Nonces;

    /// <summary>Positions by account number and market.</summary>
    public readonly Table<PositionKey, PositionRow> Positions;

    /// <summary>Resting orders by id.</summary>
    public readonly Table<ulong, OrderRow> Orders;

    /// <summary>Open liquidations by account number.</summary>
    public readonly Table<int, LiquidationRow> Liquidations;

    /// <summary>What keys may do for owners.</summary>
    public readonly Table<AgentKey, AgentRow> Agents;

    /// <summary>Agents by owner.</summary>
    public readonly Table<Address, AgentListRow> AgentLists;

    /// <summary>Councils by kind.</summary>
    public readonly Table<uint, CouncilRow> Councils;

    /// <summary>Proposals by number.</summary>
    public readonly Table<ulong, ProposalRow> Proposals;

    /// <summary>One row, or none where there are no guardians.</summary>
    public readonly Table<SingleKey, VaultRow> Vault;

    /// <summary>One row, or none where there are no treasurers.</summary>
    public readonly Table<SingleKey, TreasuryRow> Treasury;

    /// <summary>One row.</summary>
    public readonly Table<SingleKey, CounterRow> Counters;

    /// <summary>Deposits that too few guardians attested.</summary>
    public readonly Table<DepositKey, PendingDepositRow> PendingDeposits;

    /// <summary>Deposits that were credited.</summary>
    public readonly Table<Sha256Digest, CreditedDepositRow> CreditedDeposits;

    /// <summary>Withdrawals by number.</summary>
    public readonly Table<ulong, WithdrawalRow> Withdrawals;

    /// <summary>Outflows by owner; the zero address stands for all.</summary>
    public readonly Table<Address, FlowRow> Flows;

    /// <summary>One row, or none where a chain began without telling them.</summary>
    public readonly Table<SingleKey, ConsensusParametersRow> ConsensusParameters;

    /// <summary>Proposals by when they are looked at next. Derived from the rows, like all queues.</summary>
    public readonly DueQueue<ulong> DueProposals;

    /// <summary>Pending deposits by when they are forgotten.</summary>
    public readonly DueQueue<DepositKey> DueDeposits;

    /// <summary>Waiting withdrawals by when they may be admitted.</summary>
    public readonly DueQueue<ulong> WaitingWithdrawals;

    /// <summary>Admitted withdrawals by when they expire, released ones by when they are forgotten.</summary>
    public readonly DueQueue<ulong> AdmittedWithdrawals;

    /// <summary>Book of each market, by slot of the market. Derived from the order rows.</summary>
    public readonly List<Book> Books = [];

    /// <summary>Open orders by account and client id. Derived from the order rows.</summary>
    public readonly ClientIds ClientIds;

    /// <summary>Orders by the last height they may rest. Derived from the order rows.</summary>
    public readonly ExpiryQueue HeightExpiries;

    /// <summary>Orders by the block time until which they may rest. Derived from the order rows.</summary>
    public readonly ExpiryQueue TimeExpiries;

    private const int Linked = 0;
    private const int Unlinked = 1;

    private readonly ITable?[] _byKind = new ITable?[256];

    // ORDER: ascending by kind.
    private readonly List<ITable> _tables = [];
    private readonly int _self;

    // A block is likely to change about as many rows as the one before, and none longer than the longest so far.
    private int _changesBefore;
    private ByteWriter _writer = new();

    /// <summary>An empty state.</summary>
    public State()
    {
        Chain = Register(RowKind.Chain, new Table<SingleKey, ChainRow>(Journal));
        Pool = Register(RowKind.Pool, new Table<SingleKey, PoolRow>(Journal));
        Markets = Register(RowKind.Market, new Table<uint, MarketRow>(Journal));
        Oracles = Register(RowKind.Oracle, new Table<uint, OracleRow>(Journal));
        Reports = Register(RowKind.Report, new Table<ReportKey, ReportRow>(Journal));
        ValidatorSets = Register(RowKind.ValidatorSet, new Table<long, ValidatorSetRow>(Journal));
        Accounts = Register(RowKind.Account, new Table<AccountId, AccountRow>(Journal, 1024));
        Nonces = Register(RowKind.Nonce, new Table<Address, NonceRow>(Journal, 1024));
        Positions = Register(RowKind.Position, new Table<PositionKey, PositionRow>(Journal, 1024));
        Orders = Register(RowKind.Order, new Table<ulong, OrderRow>(Journal, 4096));
        Liquidations = Register(RowKind.Liquidation, new Table<int, LiquidationRow>(Journal));
        Agents = Register(RowKind.Agent, new Table<AgentKey, AgentRow>(Journal));
        AgentLists = Register(RowKind.AgentList, new Table<Address, AgentListRow>(Journal));
        Councils = Register(RowKind.Council, new Table<uint, CouncilRow>(Journal));
        Proposals = Register(RowKind.Proposal, new Table<ulong, ProposalRow>(Journal));
        Vault = Register(RowKind.Vault, new Table<SingleKey, VaultRow>(Journal));
        Treasury = Register(RowKind.Treasury, new Table<SingleKey, TreasuryRow>(Journal));
        Counters = Register(RowKind.Counter, new Table<SingleKey, CounterRow>(Journal));
        PendingDeposits = Register(RowKind.PendingDeposit, new Table<DepositKey, PendingDepositRow>(Journal));
        CreditedDeposits = Register(RowKind.CreditedDeposit, new Table<Sha256Digest, CreditedDepositRow>(Journal));
        Withdrawals = Register(RowKind.Withdrawal, new Table<ulong, WithdrawalRow>(Journal));
        Flows = Register(RowKind.Flow, new Table<Address, FlowRow>(Journal));
        ConsensusParameters = Register(
            RowKind.ConsensusParameters, new Table<SingleKey, ConsensusParametersRow>(Journal));
        foreach (ITable? table in _byKind)
        {
            if (table is not null)
            {
                _tables.Add(table);
            }
        }

        _self = Journal.Register(this);
        DueProposals = new DueQueue<ulong>(Journal);
        DueDeposits = new DueQueue<DepositKey>(Journal);
        WaitingWithdrawals = new DueQueue<ulong>(Journal);
        AdmittedWithdrawals = new DueQueue<ulong>(Journal);
        ClientIds = new ClientIds();
        HeightExpiries = new ExpiryQueue(Journal);
        TimeExpiries = new ExpiryQueue(Journal);
    }

    /// <summary>
    /// The rows that the changes since the last <see cref="Forget"/> leave behind, by key, one per key.
    /// </summary>
    public List<RowChange> CollectChanges()
    {
        var changes = new List<RowChange>(_changesBefore + (_changesBefore / 8));
        // ORDER: ascending by kind, which is the first byte of the key; each table goes on in the order of its keys.
        foreach (ITable table in _tables)
        {
            table.CollectChanges(changes, ref _writer);
        }

        _changesBefore = changes.Count;
        return changes;
    }

    /// <summary>
    /// Makes everything since the last call final, or, after a rollback, forgets that it was touched.
    /// </summary>
    public void Forget()
    {
        foreach (ITable table in _tables)
        {
            table.Forget();
        }

        HeightExpiries.Forget();
        TimeExpiries.Forget();
        DueProposals.Forget();
        DueDeposits.Forget();
        WaitingWithdrawals.Forget();
        AdmittedWithdrawals.Forget();
        Journal.Forget();
    }

    /// <summary>
    /// The rows of a chain as encoded, ascending by key; then everything that is derived from them is rebuilt.
    /// </summary>
    public void Load(IEnumerable<KeyValuePair<byte[], byte[]>> rows)
    {
        var accounts = new List<(int Number, KeyValuePair<byte[], byte[]> Row)>();
        byte[] previous = [];
        foreach (KeyValuePair<byte[], byte[]> row in rows)
        {
            Invariant.Assert(System.MemoryExtensions.SequenceCompareTo<byte>(previous, row.Key) < 0);
            previous = row.Key;
            if (row.Key[0] == (byte)RowKind.Account)
            {
                accounts.Add((AccountNumber(row), row));
                continue;
            }

            LoadRow(row);
        }

        // ORDER: by number, so that the slot of an account is its number again.
        accounts.Sort(static (left, right) => left.Number.CompareTo(right.Number));
        foreach ((_, KeyValuePair<byte[], byte[]> row) in accounts)
        {
            LoadRow(row);
        }

        Rebuild();
        Forget();
    }

    /// <summary>Adds a market and its empty book; the slots of both are equal.</summary>
    public int AddMarket(in MarketRow market)
    {
        int slot = Markets.Add(market);
        Invariant.Assert(slot == Books.Count);
        Books.Add(new Book(Journal, Orders));
        return slot;
    }

    /// <summary>Slot of a market that exists.</summary>
    public int MarketSlot(uint market)
    {
        bool found = Markets.TryFind(market, out int slot);
        Invariant.Assert(found);
        return slot;
    }

    /// <summary>Slot of a position that exists.</summary>
    public int PositionSlot(int account, uint market)
    {
        bool found = Positions.TryFind(new PositionKey(account, market), out int slot);
        Invariant.Assert(found);
        return slot;
    }

    /// <summary>A council of a chain that has it.</summary>
    public ref readonly CouncilRow CouncilOf(CouncilKind kind)
    {
        bool found = Councils.TryFind((uint)kind, out int slot);
        Invariant.Assert(found);
        return ref Councils.Read(slot);
    }

    /// <summary>Finds an account, or opens it with no collateral; returns its number, which is its slot.</summary>
    public int FindOrOpenAccount(in AccountId id)
    {
        if (Accounts.TryFind(id, out int slot))
        {
            return slot;
        }

        int number = Accounts.Count;
        slot = Accounts.Add(new AccountRow { Id = id, Number = number, FirstPosition = -1 });
        Invariant.Assert(slot == number);
        return slot;
    }

    /// <summary>Finds a position, or opens an empty one that owes no funding; returns its slot.</summary>
    public int FindOrOpenPosition(int account, int marketSlot)
    {
        ref readonly MarketRow market = ref Markets.Read(marketSlot);
        var key = new PositionKey(account, market.Parameters.MarketId);
        if (Positions.TryFind(key, out int slot))
        {
            return slot;
        }

        slot = Positions.Add(new PositionRow
        {
            Account = account,
            Market = key.Market,
            FundingIndex = market.FundingIndex,
            FirstOrder = -1,
            LastOrder = -1,
            Next = -1,
        });
        LinkPosition(slot);
        Journal.Record(_self, Linked, slot);
        return slot;
    }

    /// <summary>Removes a position that has neither size nor orders.</summary>
    public void ReleaseIfEmpty(int positionSlot)
    {
        ref readonly PositionRow position = ref Positions.Read(positionSlot);
        if (position.Size != 0 || position.OrderCount != 0)
        {
            return;
        }

        Invariant.Assert(position.EntryNotional == 0);
        UnlinkPosition(positionSlot);
        Journal.Record(_self, Unlinked, positionSlot);
        Positions.Remove(positionSlot);
    }

    /// <inheritdoc/>
    public void Undo(int operation, int positionSlot, long detail)
    {
        if (operation == Linked)
        {
            UnlinkPosition(positionSlot);
        }
        else
        {
            LinkPosition(positionSlot);
        }
    }

    private void UnlinkPosition(int positionSlot)
    {
        ref readonly PositionRow position = ref Positions.Read(positionSlot);
        int before = -1;
        int slot = Accounts.Read(position.Account).FirstPosition;
        // BOUND: at most Limits.MarketsMax positions of an account.
        while (slot != positionSlot)
        {
            before = slot;
            slot = Positions.Read(slot).Next;
        }

        if (before < 0)
        {
            Accounts.Relink(position.Account).FirstPosition = position.Next;
        }
        else
        {
            Positions.Relink(before).Next = position.Next;
        }
    }

    // Keeps the positions of an account in ascending order of market.
    private void LinkPosition(int positionSlot)
    {
        ref PositionRow position = ref Positions.Relink(positionSlot);
        int before = -1;
        int after = Accounts.Read(position.Account).FirstPosition;
        // BOUND: at most Limits.MarketsMax positions of an account.
        while (after >= 0 && Positions.Read(after).Market < position.Market)
        {
            before = after;
            after = Positions.Read(after).Next;
        }

        position.Next = after;
        if (before < 0)
        {
            Accounts.Relink(position.Account).FirstPosition = positionSlot;
        }
        else
        {
            Positions.Relink(before).Next = positionSlot;
        }
    }

    private void LoadRow(KeyValuePair<byte[], byte[]> row)
    {
        ITable? table = _byKind[row.Key[0]];
        Invariant.Assert(table is not null);
        table.Load(row.Key, row.Value);
    }

    private void Rebuild()
    {
        // ORDER: rows come in key order, so market slots ascend with the ids as they did at genesis.
        for (int i = 0; i < Markets.Count; i++)
        {
            Books.Add(new Book(Journal, Orders));
        }

        foreach (int slot in Positions.SlotsInKeyOrder(Comparer<PositionKey>.Default))
        {
            LinkPosition(slot);
        }

        // ORDER: by order id, which is time priority and the order in which an account opened them.
        var resting = new RestingOrders(this);
        foreach (int slot in Orders.SlotsInKeyOrder(Comparer<ulong>.Default))
        {
            ref readonly OrderRow order = ref Orders.Read(slot);
            resting.Attach(slot, MarketSlot(order.Market), PositionSlot(order.Account, order.Market));
        }

        RebuildQueues();
    }

    private void RebuildQueues()
    {
        foreach (int slot in Proposals.SlotsInKeyOrder(Comparer<ulong>.Default))
        {
            DueProposals.Add(Proposals.Read(slot).DueTime, Proposals.Read(slot).Id);
        }

        foreach (int slot in PendingDeposits.SlotsInKeyOrder(Comparer<DepositKey>.Default))
        {
            DueDeposits.Add(PendingDeposits.Read(slot).DueTime, PendingDeposits.Read(slot).Id);
        }

        foreach (int slot in Withdrawals.SlotsInKeyOrder(Comparer<ulong>.Default))
        {
            ref readonly WithdrawalRow row = ref Withdrawals.Read(slot);
            (row.State == WithdrawalState.Waiting ? WaitingWithdrawals : AdmittedWithdrawals).Add(row.DueTime, row.Id);
        }
    }

    private static int AccountNumber(KeyValuePair<byte[], byte[]> row) => new ByteReader(row.Value).ReadInt32();

    private Table<TKey, TRow> Register<TKey, TRow>(RowKind kind, Table<TKey, TRow> table)
        where TKey : struct, System.IEquatable<TKey>, System.IComparable<TKey>
        where TRow : struct, IRow<TKey, TRow>
    {
        Invariant.Assert(_byKind[(int)kind] is null);
        _byKind[(int)kind] = table;
        return table;
    }
}
