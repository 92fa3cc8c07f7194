using System;
using System.IO;
using Google.Protobuf;

namespace AppChain.Abci;

/// <summary>Writes messages as frames, gathered in a buffer until <see cref="Flush"/> or until 64 KiB wait.</summary>
public sealed class FrameWriter
{
    private const int IdleBufferSize = 64 * 1024;

    private readonly Stream _stream;
    private byte[] _buffer = new byte[IdleBufferSize];
    private int _count;

    /// <summary>Writes to <paramref name="stream"/>.</summary>
    public FrameWriter(Stream stream) => _stream = stream;

    /// <summary>Appends one message.</summary>
    public void Write(IMessage message)
    {
        ArgumentNullException.ThrowIfNull(message);
        int size = message.CalculateSize();
        int needed = checked(_count + Frame.PrefixBytesMax + size);
        if (needed > _buffer.Length) Array.Resize(ref _buffer, Math.Max(needed, 2 * IdleBufferSize));
        _count += Frame.WritePrefix(_buffer.AsSpan(_count), (uint)size);
        message.WriteTo(_buffer.AsSpan(_count, size));
        _count += size;
        if (_count >= IdleBufferSize) Flush();
    }

    /// <summary>Hands everything written so far to the stream.</summary>
    public void Flush()
    {
        if (_count == 0) return;
        int count = _count;
        _count = 0;
        _stream.Write(_buffer, 0, count);
        _stream.Flush();
        if (_buffer.Length > 2 * IdleBufferSize) _buffer = new byte[IdleBufferSize];
    }
}
