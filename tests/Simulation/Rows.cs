using System;
using System.Collections.Generic;
using System.Linq;
using AppChain.StateMachine;
using Google.Protobuf;

namespace AppChain.Simulation;

/// <summary>
/// The committed rows of a validator, read from its disk. A row is decoded when its bytes are other than at the last
/// look, be it at this disk or another; and then it is written again, which must give the same bytes.
/// </summary>
internal sealed class Rows
{
    /// <summary>Family of the rows on a disk.</summary>
    public const int Family = 2;

    private sealed class Kind<TRow>
    {
        public long Look { get; set; }
        public List<KeyValuePair<byte[], byte[]>> Stored { get; } = [];
        public List<TRow> Decoded { get; } = [];
    }

    private readonly object?[] _kinds = new object?[byte.MaxValue + 1];
    private SimulatedDisk? _disk;
    private long _look;
    private long _height;

    /// <summary>Root of a tree that holds the rows of a disk: the app hash of their height.</summary>
    public static ByteString RootOf(SimulatedDisk disk, long height) => ByteString.CopyFrom(new StateTree(1).Apply(
        height, [.. disk.Family(Family).Select(row => new RowChange(row.Key, row.Value, false))]));

    /// <summary>Looks at the rows that lie on a disk now; they must not change until the next look.</summary>
    public void LookAt(SimulatedDisk disk, long height)
    {
        _disk = disk;
        _height = height;
        _look++;
    }

    /// <summary>The rows of a kind, ascending by key, until the next look.</summary>
    /// <exception cref="Violation">A row is not written as it was read.</exception>
    public List<TRow> Of<TKey, TRow>()
        where TRow : struct, IRow<TKey, TRow>
    {
        var kind = (Kind<TRow>)(_kinds[(int)TRow.Kind] ??= new Kind<TRow>());
        if (kind.Look == _look) return kind.Decoded;
        kind.Look = _look;
        int at = 0;
        foreach (KeyValuePair<byte[], byte[]> row in _disk!.Of(Family, (byte)TRow.Kind))
        {
            int order = OrderAt(kind, at, row.Key);
            for (; order < 0; order = OrderAt(kind, at, row.Key)) Remove(kind, at, 1);
            if (order > 0)
            {
                kind.Stored.Insert(at, row);
                kind.Decoded.Insert(at, Decode<TKey, TRow>(row));
            }
            else if (!kind.Stored[at].Value.AsSpan().SequenceEqual(row.Value))
            {
                kind.Stored[at] = row;
                kind.Decoded[at] = Decode<TKey, TRow>(row);
            }
            at++;
        }
        Remove(kind, at, kind.Stored.Count - at);
        return kind.Decoded;
    }

    // Order of a remembered row, if there is one at the place, and a key.
    private static int OrderAt<TRow>(Kind<TRow> kind, int at, byte[] key) =>
        at < kind.Stored.Count ? Order(kind.Stored[at].Key, key) : 1;

    private static void Remove<TRow>(Kind<TRow> kind, int at, int count)
    {
        kind.Stored.RemoveRange(at, count);
        kind.Decoded.RemoveRange(at, count);
    }

    /// <summary>Every row is written again as it was read: nothing of it is lost on the disk.</summary>
    /// <exception cref="Violation">One is not.</exception>
    public void CheckEncodings()
    {
        Of<SingleKey, ChainRow>();
        Of<SingleKey, PoolRow>();
        Of<uint, MarketRow>();
        Of<uint, OracleRow>();
        Of<ReportKey, ReportRow>();
        Of<long, ValidatorSetRow>();
        Of<AccountId, AccountRow>();
        Of<Address, NonceRow>();
        Of<PositionKey, PositionRow>();
        Of<ulong, OrderRow>();
        Of<int, LiquidationRow>();
        Of<uint, CouncilRow>();
        Of<SingleKey, VaultRow>();
        Of<SingleKey, CounterRow>();
        Of<DepositKey, PendingDepositRow>();
        Of<Sha256Digest, CreditedDepositRow>();
        Of<ulong, WithdrawalRow>();
        Of<Address, FlowRow>();
        Of<ulong, ProposalRow>();
        Of<SingleKey, ConsensusParametersRow>();
    }

    private TRow Decode<TKey, TRow>(KeyValuePair<byte[], byte[]> row)
        where TRow : struct, IRow<TKey, TRow>
    {
        var key = new ByteReader(row.Key.AsSpan(1));
        var value = new ByteReader(row.Value);
        TRow decoded = TRow.Decode(ref key, ref value);
        RowChange written = RowChange.Added<TKey, TRow>(decoded);
        if (Order(written.Key, row.Key) != 0 || Order(written.Value, row.Value) != 0)
            throw new Violation("encoding", _height, $"a row of kind {TRow.Kind} is not written as it was read");
        return decoded;
    }

    private static int Order(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right) => left.SequenceCompareTo(right);
}
