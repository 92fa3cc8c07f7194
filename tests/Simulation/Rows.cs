using System;
using System.Collections.Generic;
using AppChain.StateMachine;

namespace AppChain.Simulation;

/// <summary>The committed rows of a validator, read from its disk.</summary>
internal sealed class Rows
{
    /// <summary>Family of the rows on a disk.</summary>
    public const int Family = 2;

    private readonly SimulatedDisk _disk;
    private readonly Dictionary<RowKind, object> _decoded = [];

    /// <summary>Reads the rows that lie on a disk, each kind once: for as long as the disk does not change.</summary>
    public Rows(SimulatedDisk disk) => _disk = disk;

    /// <summary>The rows of a kind, ascending by key.</summary>
    public List<TRow> Of<TKey, TRow>()
        where TRow : struct, IRow<TKey, TRow>
    {
        if (_decoded.TryGetValue(TRow.Kind, out object? known)) return (List<TRow>)known;
        IReadOnlyDictionary<byte[], byte[]> stored = _disk.Of(Family, (byte)TRow.Kind);
        List<TRow> rows = new(stored.Count);
        foreach (KeyValuePair<byte[], byte[]> row in stored) rows.Add(Decoded<TKey, TRow>(row));
        _decoded.Add(TRow.Kind, rows);
        return rows;
    }

    /// <summary>Every row is written again as it was read: nothing of it is lost on the disk.</summary>
    /// <exception cref="Violation">One is not.</exception>
    public void CheckEncodings(long height)
    {
        Check<SingleKey, ChainRow>(height);
        Check<SingleKey, PoolRow>(height);
        Check<uint, MarketRow>(height);
        Check<uint, OracleRow>(height);
        Check<ReportKey, ReportRow>(height);
        Check<long, ValidatorSetRow>(height);
        Check<AccountId, AccountRow>(height);
        Check<Address, NonceRow>(height);
        Check<PositionKey, PositionRow>(height);
        Check<ulong, OrderRow>(height);
        Check<int, LiquidationRow>(height);
        Check<uint, CouncilRow>(height);
        Check<SingleKey, VaultRow>(height);
        Check<SingleKey, CounterRow>(height);
        Check<DepositKey, PendingDepositRow>(height);
        Check<Sha256Digest, CreditedDepositRow>(height);
        Check<ulong, WithdrawalRow>(height);
        Check<Address, FlowRow>(height);
        Check<ulong, ProposalRow>(height);
        Check<SingleKey, ConsensusParametersRow>(height);
    }

    private void Check<TKey, TRow>(long height)
        where TRow : struct, IRow<TKey, TRow>
    {
        foreach (KeyValuePair<byte[], byte[]> row in _disk.Of(Family, (byte)TRow.Kind))
        {
            TRow decoded = Decoded<TKey, TRow>(row);
            RowChange written = RowChange.Added<TKey, TRow>(decoded);
            if (!written.Key.SequenceEqual(row.Key) || !written.Value!.SequenceEqual(row.Value))
                throw new Violation("encoding", height, $"a row of kind {TRow.Kind} is not written as it was read");
        }
    }

    private static TRow Decoded<TKey, TRow>(KeyValuePair<byte[], byte[]> row)
        where TRow : struct, IRow<TKey, TRow>
    {
        var key = new ByteReader(row.Key.AsSpan(1));
        var value = new ByteReader(row.Value);
        return TRow.Decode(ref key, ref value);
    }
}
