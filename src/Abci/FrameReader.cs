using System;
using System.IO;

namespace AppChain.Abci;

/// <summary>
/// Cuts a byte stream into frames. Many small frames are read with one system call; a large one makes the buffer grow
/// only as its bytes arrive, so an announced length costs nothing.
/// </summary>
public sealed class FrameReader
{
    private const int IdleBufferSize = 64 * 1024;
    private const int KeptBufferSizeMax = 4 * 1024 * 1024;

    private readonly Stream _stream;
    private readonly int _bytesMax;
    private byte[] _buffer = new byte[IdleBufferSize];
    private int _start;
    private int _end;

    /// <summary>Reads from <paramref name="stream"/>; frames above <paramref name="bytesMax"/> are malformed.</summary>
    public FrameReader(Stream stream, int bytesMax)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bytesMax);
        _stream = stream;
        _bytesMax = bytesMax;
    }

    /// <summary>
    /// Takes the next frame when it has arrived completely. The span is valid until <see cref="Fill"/>. Throws
    /// <see cref="MalformedFrameException"/>.
    /// </summary>
    public bool TryTake(out ReadOnlySpan<byte> frame)
    {
        frame = default;
        ReadOnlySpan<byte> waiting = _buffer.AsSpan(_start, _end - _start);
        if (!Frame.TryReadPrefix(waiting, _bytesMax, out int length, out int prefixSize)) return false;
        if (waiting.Length - prefixSize < length) return false;
        frame = waiting.Slice(prefixSize, length);
        _start += prefixSize + length;
        return true;
    }

    /// <summary>
    /// Waits for more bytes. False when the stream ended between two frames; <see cref="MalformedFrameException"/> when
    /// it ended inside one.
    /// </summary>
    public bool Fill()
    {
        MakeRoom();
        int count = _stream.Read(_buffer.AsSpan(_end));
        if (count == 0)
        {
            return _start == _end ? false : throw new MalformedFrameException("connection ended inside a frame");
        }
        _end += count;
        return true;
    }

    /// <summary>Waits for one frame. False when the stream ended before it began.</summary>
    public bool TryRead(out ReadOnlySpan<byte> frame)
    {
        while (!TryTake(out frame))
        {
            if (!Fill()) return false;
        }
        return true;
    }

    private void MakeRoom()
    {
        int waiting = _end - _start;
        if (waiting == 0 && _buffer.Length > KeptBufferSizeMax) _buffer = new byte[IdleBufferSize];
        else if (_start > 0) _buffer.AsSpan(_start, waiting).CopyTo(_buffer);
        _start = 0;
        _end = waiting;
        if (_end < _buffer.Length) return;

        // BOUND: complete frames were taken, so what waits is less than one frame of the largest size.
        long largest = Math.Min(Array.MaxLength, (long)_bytesMax + Frame.PrefixBytesMax);
        if (_buffer.Length >= largest) throw new InvalidOperationException("complete frames must be taken before Fill");
        Array.Resize(ref _buffer, (int)Math.Min(2L * _buffer.Length, largest));
    }
}
