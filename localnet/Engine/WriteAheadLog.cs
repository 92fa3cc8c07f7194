using System;
using System.Buffers.Binary;
using System.Collections.Generic;

namespace AppChain.Localnet;

/// <summary>
/// The inputs of the height being decided, in their order. A validator that is restarted in the middle of a height
/// takes them again and so finds its way back to its round and its lock; what it signs then, its signer has signed
/// before.
/// </summary>
public sealed class WriteAheadLog : IDisposable
{
    private const byte Marker = 1;
    private const int SenderSize = 4;

    private readonly RecordLog _log;
    private byte[] _payload = [];
    private long _sequence;

    /// <summary>Creates the log over a record log of its own.</summary>
    public WriteAheadLog(RecordLog log)
    {
        _log = log;
    }

    /// <summary>The logged inputs of a height; a log of another height is emptied.</summary>
    public List<(int From, object Input)> Open(long height)
    {
        List<(int From, object Input)> inputs = [];
        if (_log.Read(Marker, 0) is not { } marker || BinaryPrimitives.ReadInt64LittleEndian(marker) != height)
        {
            Begin(height);
            return inputs;
        }
        for (_sequence = 1; ReadAt(_sequence) is { } entry; _sequence++) inputs.Add(entry);
        return inputs;
    }

    /// <summary>Empties the log for a new height.</summary>
    public void Begin(long height)
    {
        _log.Clear();
        _sequence = 1;
        Span<byte> marker = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(marker, height);
        _log.Append(Marker, 0, marker);
    }

    /// <summary>Appends an input before it is processed.</summary>
    public void Append(int from, object input)
    {
        int length = SenderSize + InputCodec.Size(input);
        if (_payload.Length < length) _payload = new byte[Math.Max(length, 2 * _payload.Length)];
        Span<byte> payload = _payload.AsSpan(0, length);
        BinaryPrimitives.WriteInt32LittleEndian(payload, from);
        byte kind = InputCodec.Write(input, payload[SenderSize..]);
        _log.Append(kind, _sequence++, payload);
    }

    /// <summary>Returns when everything appended so far is on the disk.</summary>
    public void Sync() => _log.Sync();

    /// <inheritdoc/>
    public void Dispose() => _log.Dispose();

    private (int From, object Input)? ReadAt(long sequence)
    {
        for (byte kind = InputCodec.First; kind <= InputCodec.Last; kind++)
        {
            if (_log.Read(kind, sequence) is not { } payload) continue;
            object? input = InputCodec.Decode(kind, payload[SenderSize..]);
            return input is null ? null : (BinaryPrimitives.ReadInt32LittleEndian(payload), input);
        }
        return null;
    }
}
