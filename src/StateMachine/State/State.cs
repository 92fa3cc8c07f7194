using System.Collections.Generic;

namespace AppChain.StateMachine;

/// <summary>
/// Everything the app hash covers, in memory, changed in place under one undo journal. Reads are direct; writes go
/// through <see cref="Table{TKey,TRow}"/> so that they can be taken back and hashed.
/// </summary>
internal sealed class State
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

    private readonly ITable?[] _byKind = new ITable?[256];

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
    }

    /// <summary>The rows that the changes since the last <see cref="Forget"/> leave behind, by key, one per key.</summary>
    public List<RowChange> CollectChanges()
    {
        var touched = new List<RowChange>();
        foreach (ITable? table in _byKind)
        {
            table?.CollectChanges(touched);
        }

        // ORDER: by key bytes; equal keys carry equal values, and existed before the block if any of them says so.
        touched.Sort(static (left, right) => System.MemoryExtensions.SequenceCompareTo<byte>(left.Key, right.Key));
        var changes = new List<RowChange>(touched.Count);
        foreach (RowChange change in touched)
        {
            int last = changes.Count - 1;
            if (last >= 0 && System.MemoryExtensions.SequenceEqual<byte>(changes[last].Key, change.Key))
            {
                changes[last] = change with { ExistedBefore = changes[last].ExistedBefore || change.ExistedBefore };
            }
            else
            {
                changes.Add(change);
            }
        }

        // A row that came and went within the block was never there.
        changes.RemoveAll(static change => change.Value is null && !change.ExistedBefore);
        return changes;
    }

    /// <summary>Makes everything since the last call final, or, after a rollback, forgets that it was touched.</summary>
    public void Forget()
    {
        foreach (ITable? table in _byKind)
        {
            table?.Forget();
        }

        Journal.Forget();
    }

    /// <summary>Puts one encoded row into its table. For loading only; links are rebuilt afterwards.</summary>
    public void Load(byte[] key, byte[] value)
    {
        ITable? table = _byKind[key[0]];
        Margin.Invariant.Assert(table is not null);
        table.Load(key, value);
    }

    private Table<TKey, TRow> Register<TKey, TRow>(RowKind kind, Table<TKey, TRow> table)
        where TKey : struct, System.IEquatable<TKey>
        where TRow : struct, IRow<TKey, TRow>
    {
        Margin.Invariant.Assert(_byKind[(int)kind] is null);
        _byKind[(int)kind] = table;
        return table;
    }
}
