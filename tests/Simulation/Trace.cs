using System;
using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace AppChain.Simulation;

/// <summary>
/// A hash over everything that happens in a run, in its order (FNV-1a, 64 bits): equal hashes mean that a seed repeated
/// its run. Not a cryptographic one; nobody attacks it.
/// </summary>
internal sealed class Trace
{
    private const ulong Prime = 1_099_511_628_211;
    private ulong _hash = 14_695_981_039_346_656_037;

    /// <summary>The hash so far, 16 hex digits.</summary>
    public string Text => _hash.ToString("x16", CultureInfo.InvariantCulture);

    /// <summary>Adds a step: its time, whose it is, what kind it is, and a number that belongs to it.</summary>
    public void Add(TimeSpan time, int validator, StepKind kind, long number)
    {
        Add((ulong)time.Ticks);
        Add(((ulong)(uint)validator << 32) | (byte)kind);
        Add((ulong)number);
    }

    /// <summary>Adds bytes.</summary>
    public void Add(ReadOnlySpan<byte> bytes)
    {
        for (; bytes.Length >= 8; bytes = bytes[8..]) Add(BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        foreach (byte value in bytes) Add(value);
    }

    /// <summary>Adds a text.</summary>
    public void Add(string text) => Add(Encoding.UTF8.GetBytes(text));

    private void Add(ulong value) => _hash = unchecked((_hash ^ value) * Prime ^ (_hash >> 29));
}

/// <summary>The points at which a validator can die, which are also the steps of the trace.</summary>
internal enum StepKind : byte
{
    Start,
    Deliver,
    BeforeCall,
    AfterCall,
    BeforeDisk,
    AfterDisk,
    BeforeSign,
    AfterSign,
    EngineLog,
    WritePoint,
    Died,
    Submit,
}
