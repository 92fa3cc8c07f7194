using System;
using System.Runtime.CompilerServices;
using AppChain.Margin;

namespace AppChain.StateMachine;

/// <summary>
/// What an owner takes out of the vault: what waits, what is admitted, and the net outflow by hour of the current hour
/// and the 24 before it, so that a window is never shorter than 24 h. The row of the zero address, which no key has, is
/// the sum over all owners.
/// </summary>
public struct FlowRow : IRow<Address, FlowRow>
{
    /// <summary>The net outflows of the hours of the window.</summary>
    [InlineArray(Hours)]
    public struct Buckets
    {
        private Int128 _bucket;
    }

    /// <summary>Hours of the window.</summary>
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

    /// <summary>Micro-USD released less credited, of hour h at h modulo <see cref="Hours"/>.</summary>
    public Buckets Net;

    /// <inheritdoc/>
    public static RowKind Kind => RowKind.Flow;

    /// <inheritdoc/>
    public readonly Address Key => Owner;

    /// <summary>Micro-USD released less credited in the hour of a block time and the 24 before it.</summary>
    public readonly Int128 NetAt(long time)
    {
        Int128 sum = 0;
        long first = Math.Max((time / HourNanoseconds) - Hours + 1, Hour - Hours + 1);
        // BOUND: at most Hours buckets.
        for (long hour = first; hour <= Hour; hour++)
        {
            sum += Net[Slot(hour)];
        }

        return sum;
    }

    /// <summary>Micro-USD that is on its way out or left within the window: what a further withdrawal adds to.</summary>
    public readonly Int128 SizeAt(long time) => Waiting + Admitted + Int128.Max(0, NetAt(time));

    /// <summary>Adds to the net outflow of the hour of a block time.</summary>
    public void AddNet(long time, Int128 amount)
    {
        long hour = time / HourNanoseconds;
        Invariant.Assert(hour >= Hour);
        // BOUND: at most Hours buckets.
        for (long h = Math.Max(Hour + 1, hour - Hours + 1); h <= hour; h++)
        {
            Net[Slot(h)] = 0;
        }

        Hour = hour;
        Net[Slot(hour)] += amount;
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
        uint filled = 0;
        for (int i = 0; i < Hours; i++)
        {
            filled |= row.Net[i] != 0 ? 1u << i : 0;
        }

        writer.WriteUInt32(filled);
        for (int i = 0; i < Hours; i++)
        {
            if (row.Net[i] != 0)
            {
                writer.WriteInt128(row.Net[i]);
            }
        }
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
        uint filled = value.ReadUInt32();
        for (int i = 0; i < Hours; i++)
        {
            row.Net[i] = (filled >> i & 1) != 0 ? value.ReadInt128() : 0;
        }

        return row;
    }

    private static int Slot(long hour) => (int)(hour % Hours);
}
