using System;
using System.Collections.Generic;
using System.IO;
using AppChain.Localnet;

namespace AppChain.Simulation;

/// <summary>
/// A file of the consensus engine, in memory. A process that dies while it writes leaves any part of the record behind;
/// the engine must cut it off when it opens the file again. A machine that goes takes what was not synchronised, up to
/// a byte somewhere in it, and may bring back what the engine had emptied the file of.
/// </summary>
/// <remarks>Made of pieces of one size, because a run writes hundreds of megabytes and an array would be copied with
/// each doubling.</remarks>
internal sealed class TornStream(Action<long> step, Func<double> random) : Stream
{
    private const int Piece = 1 << 18;

    private readonly List<byte[]> _pieces = [];
    private long _length;
    private long _synced;
    private byte[]? _emptied;

    public override bool CanRead => true;

    public override bool CanSeek => true;

    public override bool CanWrite => true;

    public override long Length => _length;

    public override long Position { get; set; }

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

    public override int Read(Span<byte> target)
    {
        int count = (int)Math.Min(target.Length, Math.Max(0, _length - Position));
        for (Span<byte> rest = target[..count]; !rest.IsEmpty;)
        {
            ReadOnlySpan<byte> here = Here();
            if (here.Length > rest.Length) here = here[..rest.Length];
            here.CopyTo(rest);
            rest = rest[here.Length..];
            Position += here.Length;
        }
        return count;
    }

    public override void SetLength(long value)
    {
        if (value > _length) throw new NotSupportedException("a file of the engine grows by writing");
        if (value < _synced)
        {
            _emptied ??= Content(_synced);
            _synced = value;
        }
        _length = value;
    }

    /// <summary>Everything written so far survives the machine.</summary>
    public void Sync()
    {
        step(0);
        _synced = _length;
        _emptied = null;
    }

    /// <summary>The machine loses power.</summary>
    public void LosePower()
    {
        if (_emptied is not null && random() < 0.5)
        {
            _length = Position = 0;
            Put(_emptied);
        }
        else
        {
            _length = Math.Min(_length, _synced + (long)((_length - _synced + 1) * random()));
        }
        _synced = _length;
        _emptied = null;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void Flush()
    {
    }

    // What is left of the piece at the position.
    private Span<byte> Here() => _pieces[(int)(Position / Piece)].AsSpan((int)(Position % Piece));

    private void Put(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            if (Position / Piece == _pieces.Count) _pieces.Add(GC.AllocateUninitializedArray<byte>(Piece));
            Span<byte> here = Here();
            ReadOnlySpan<byte> part = bytes.Length > here.Length ? bytes[..here.Length] : bytes;
            part.CopyTo(here);
            bytes = bytes[part.Length..];
            Position += part.Length;
        }
        _length = Math.Max(_length, Position);
    }

    private byte[] Content(long length)
    {
        byte[] content = new byte[length];
        long before = Position;
        Position = 0;
        ReadExactly(content);
        Position = before;
        return content;
    }

    // The engine disposes of a file; the disk keeps it.
    protected override void Dispose(bool disposing)
    {
    }
}
