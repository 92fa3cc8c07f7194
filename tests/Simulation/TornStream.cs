using System;
using System.IO;
using AppChain.Localnet;

namespace AppChain.Simulation;

/// <summary>
/// A file of the consensus engine, in memory. A process that dies while it writes leaves any part of the record behind;
/// the engine must cut it off when it opens the file again. A machine that goes takes what was not synchronised, up to
/// a byte somewhere in it, and may bring back what the engine had emptied the file of.
/// </summary>
internal sealed class TornStream(Action<long> step, Func<double> random) : MemoryStream
{
    private long _synced;
    private byte[]? _emptied;

    public override void Write(ReadOnlySpan<byte> record)
    {
        try
        {
            step(record.Length);
        }
        catch (SimulatedCrash)
        {
            Put(record[..(int)((record.Length + 1) * random())]);
            throw;
        }
        Put(record);
    }

    public override void SetLength(long value)
    {
        if (value < _synced)
        {
            _emptied ??= GetBuffer().AsSpan(0, (int)_synced).ToArray();
            _synced = value;
        }
        base.SetLength(value);
    }

    /// <summary>Everything written so far survives the machine.</summary>
    public void Sync()
    {
        step(0);
        _synced = Length;
        _emptied = null;
    }

    /// <summary>The machine loses power.</summary>
    public void LosePower()
    {
        if (_emptied is not null && random() < 0.5)
        {
            base.SetLength(0);
            Position = 0;
            Put(_emptied);
        }
        else
        {
            base.SetLength(Math.Min(Length, _synced + (long)((Length - _synced + 1) * random())));
        }
        _synced = Length;
        _emptied = null;
    }

    // A stream that is derived from MemoryStream writes a span by way of another array.
    private void Put(ReadOnlySpan<byte> bytes)
    {
        int at = (int)Position;
        if (at + bytes.Length > Length) base.SetLength(at + bytes.Length);
        bytes.CopyTo(GetBuffer().AsSpan(at));
        Position = at + bytes.Length;
    }

    // The engine disposes of a file; the disk keeps it.
    protected override void Dispose(bool disposing)
    {
    }
}
