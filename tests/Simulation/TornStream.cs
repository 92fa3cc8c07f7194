using System;
using System.IO;
using AppChain.Localnet;

namespace AppChain.Simulation;

/// <summary>
/// A file of the consensus engine, in memory. A process that dies while it writes leaves any part of the record behind;
/// the engine must cut it off when it opens the file again.
/// </summary>
internal sealed class TornStream(Action<long> step, Func<double> random) : MemoryStream
{
    public override void Write(ReadOnlySpan<byte> record)
    {
        try
        {
            step(record.Length);
        }
        catch (SimulatedCrash)
        {
            base.Write(record[..(int)((record.Length + 1) * random())]);
            throw;
        }
        base.Write(record);
    }

    // The engine disposes of a file; the disk keeps it.
    protected override void Dispose(bool disposing)
    {
    }
}
