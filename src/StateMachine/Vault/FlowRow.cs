using System;
using System.Runtime.CompilerServices;
using AppChain.Margin;

namespace AppChain.StateMachine;

/// <summary>
/// What an owner takes out of the vault: what waits, what is admitted, and what left and came in by hour. The row of
/// the zero address, which no key has, is the sum over all owners.
/// </summary>
public struct FlowRow : IRow<Address, FlowRow>
{
    /// <summary>Amounts of the hours of the window, hour h at h modulo <see cref="Hours"/>.</summary>
    [InlineArray(Hours)]
    public struct Buckets
    {
        private Int128 _bucket;
    }

    /// <summary>
    /// Hours of the window: the current one and the 24 before it, which hold every moment of the last 24 h.
    /// </summary>
    public const int Hours = 25;

    /// <summary>Nanoseconds of an hour.</summary>
    public const long HourNanoseconds = 3_600_000_000_000;

    /// <summary>The owner; the zero address for all.</summary>
    public Address Owner;

    /// <summary>Withdrawals not released, cancelled or vetoed yet.</summary>
    public int Open;

    /// <summary>Micro-USD requested and not admitted.</summary>
    public Int128 Waiting;

    /// <summary>Micro-USD admitted and not released.</summary>
    public Int128 Admitted;

    /// <summary>Newest hour (block time / 1 h) with a bucket.</summary>
    public long Hour;

    /// <summary>Micro-USD released.</summary>
    public Buckets Out;

    /// <summary>Micro-USD credited.</summary>
    public Buckets In;

    /// <inheritdoc/>
    public static RowKind Kind => RowKind.Flow;

    /// <inheritdoc/>
    public readonly Address Key => Owner;

    /// <summary>Micro-USD released less credited in the last 24 h, never less than it truly was.</summary>
    public readonly Int128 NetAt(long time)
    {
        // ROUNDING: of the oldest hour only a part lies within the last 24 h. What left in it counts, what came in does
        // not.
        long oldest = (time / HourNanoseconds) - Hours + 1;
        Int128 sum = 0;
        // BOUND: at most Hours buckets.
        for (long hour = Math.Max(Math.Max(oldest, Hour - Hours + 1), 0); hour <= Hour; hour++)
        {
            sum += Out[Slot(hour)] - (hour > oldest ? In[Slot(hour)] : 0);
        }

        return sum;
    }

    /// <summary>
    /// Micro-USD that is on its way out or left within the window: what a further withdrawal adds to.
    /// </summary>
    public readonly Int128 SizeAt(long time) => Waiting + Admitted + Int128.Max(0, NetAt(time));

    /// <summary>Adds what left and what came in at a block time.</summary>
    public void Add(long time, Int128 released, Int128 credited)
    {
        long hour = time / HourNanoseconds;
        Invariant.Assert(hour >= Hour);
        // BOUND: at most Hours buckets.
        for (long h = Math.Max(Hour + 1, hour - Hours + 1); h <= hour; h++)
        {
            Out[Slot(h)] = 0;
            In[Slot(h)] = 0;
        }

        Hour = hour;
        Out[Slot(hour)] += released;
        In[Slot(hour)] += credited;
    }

    /// <inheritdoc/>
    public static void EncodeKey(in Address key, ref ByteWriter writer) => writer.WriteAddress(key);

    /// <inheritdoc/>
    public static void EncodeValue(in FlowRow row, ref ByteWriter writer)
    {
        writer.WriteInt32(row.Open);
        writer.WriteInt128(row.Waiting);
        writer.WriteInt128(row.Admitted);
        writer.WriteInt64(row.Hour);
        Encode(row.Out, ref writer);
        Encode(row.In, ref writer);
    }

    /// <inheritdoc/>
    public static FlowRow Decode(ref ByteReader key, ref ByteReader value)
    {
        var row = new FlowRow
        {
            Owner = key.ReadAddress(),
            Open = value.ReadInt32(),
            Waiting = value.ReadInt128(),
            Admitted = value.ReadInt128(),
            Hour = value.ReadInt64(),
        };
        Decode(ref row.Out, ref value);
        Decode(ref row.In, ref value);
        return row;
    }

    // Most hours are empty: a bit for each says which follow.
    private static void Encode(in Buckets buckets, ref ByteWriter writer)
    {
        uint filled = 0;
        for (int i = 0; i < Hours; i++)
        {
            filled |= buckets[i] != 0 ? 1u << i : 0;
        }

        writer.WriteUInt32(filled);
        for (int i = 0; i < Hours; i++)
        {
            if (buckets[i] != 0)
            {
                writer.WriteInt128(buckets[i]);
            }
        }
    }

    private static void Decode(ref Buckets buckets, ref ByteReader value)
    {
        uint filled = value.ReadUInt32();
        for (int i = 0; i < Hours; i++)
        {
            buckets[i] = (filled >> i & 1) != 0 ? value.ReadInt128() : 0;
        }
    }

    private static int Slot(long hour) => (int)(hour % Hours);
}
