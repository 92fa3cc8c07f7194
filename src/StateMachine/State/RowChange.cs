using System;

namespace AppChain.StateMachine;

/// <summary>
/// What a block did to one row. Keys and values are the canonical encodings that the app hash covers.
/// </summary>
/// <param name="Key">Kind byte and key.</param>
/// <param name="Value">The value after the block; null when the row is gone.</param>
/// <param name="ExistedBefore">The row was there before the block.</param>
public readonly record struct RowChange(byte[] Key, byte[]? Value, bool ExistedBefore)
{
    // Keys are hardly longer.
    private const int KeyBytes = 64;

    /// <summary>The change by which a row comes into being.</summary>
    public static RowChange Added<TKey, TRow>(in TRow row)
        where TRow : struct, IRow<TKey, TRow>
    {
        var value = new ByteWriter();
        TRow.EncodeValue(row, ref value);
        return new RowChange(KeyOf<TKey, TRow>(row.Key), value.ToArray(), false);
    }

    /// <summary>The tree key of a row: kind byte and encoded key.</summary>
    public static byte[] KeyOf<TKey, TRow>(in TKey key)
        where TRow : struct, IRow<TKey, TRow>
    {
        var writer = new ByteWriter(KeyBytes);
        writer.WriteByte((byte)TRow.Kind);
        TRow.EncodeKey(key, ref writer);
        return writer.ToArray();
    }
}

/// <summary>First byte of every row key. Numbers are never reused.</summary>
public enum RowKind : byte
{
    /// <summary>Never written.</summary>
    None = 0,

    /// <summary>One row: height, time and counters of the chain.</summary>
    Chain = 1,

    /// <summary>One row: collateral held, insurance fund and fees.</summary>
    Pool = 2,

    /// <summary>A market: parameters, open interest, mark price, funding.</summary>
    Market = 3,

    /// <summary>The consensus price of a market.</summary>
    Oracle = 4,

    /// <summary>The last accepted price report of one validator for one market.</summary>
    Report = 5,

    /// <summary>A validator set and the height from which it is in force.</summary>
    ValidatorSet = 6,

    /// <summary>An account: owner, sub-account number, collateral.</summary>
    Account = 7,

    /// <summary>Nonces used by one owner.</summary>
    Nonce = 8,

    /// <summary>A position of an account in a market.</summary>
    Position = 9,

    /// <summary>A resting order.</summary>
    Order = 10,

    /// <summary>An open liquidation of an account.</summary>
    Liquidation = 11,

    /// <summary>What a key may do for an owner.</summary>
    Agent = 12,

    /// <summary>The agents of one owner.</summary>
    AgentList = 13,

    /// <summary>A council: members, thresholds, timelock.</summary>
    Council = 14,

    /// <summary>A proposal of a council.</summary>
    Proposal = 15,

    /// <summary>One row: caps and timelocks of withdrawals.</summary>
    Vault = 16,

    /// <summary>One row: limit of the treasury and what was spent.</summary>
    Treasury = 17,

    /// <summary>One row: the next numbers of proposals, withdrawals and admissions.</summary>
    Counter = 18,

    /// <summary>A deposit that too few guardians have attested yet.</summary>
    PendingDeposit = 19,

    /// <summary>A deposit that was credited.</summary>
    CreditedDeposit = 20,

    /// <summary>A withdrawal on its way out.</summary>
    Withdrawal = 21,

    /// <summary>What an owner takes out, by hour; the zero address stands for all.</summary>
    Flow = 22,

    /// <summary>One row: the parameters of consensus that the chain may change.</summary>
    ConsensusParameters = 23,
}
