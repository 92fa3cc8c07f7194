using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.IO;
using System.Numerics;

namespace AppChain.Localnet;

/// <summary>
/// An append-only file of records, each named by a kind and a height; the last record of a name counts. Layout of a
/// record, little endian: payload length (4 bytes), CRC-32C of all that follows (4), kind (1), height (8), payload.
/// A torn or damaged tail, as a killed process leaves it, is cut off when the log is opened. Writes survive the death
/// of the process; what was written before <see cref="Sync"/> survives that of the machine too, where the log was given
/// a way to wait for the disk. Safe for one writer and many readers.
/// </summary>
public sealed class RecordLog : IDisposable
{
    private const int HeadLength = 17;
    private const int MaximumPayload = 1 << 30;

    private readonly Stream _stream;
    private readonly Action? _sync;
    /// <summary>Where the payload of the last record of a name lies.</summary>
    private readonly record struct Place(long Height, long Offset, int Length);

    // By kind, ascending by height.
    private readonly List<Place>?[] _index = new List<Place>?[byte.MaxValue + 1];
    private readonly object _lock = new();
    private byte[] _record = [];
    private long _end;

    /// <summary>Opens a log over a seekable stream and reads it through.</summary>
    /// <param name="stream">Owned from here on; a write must not stay in a buffer of the process.</param>
    /// <param name="sync">Returns when all writes are on the disk; null where that is not asked for.</param>
    public RecordLog(Stream stream, Action? sync = null)
    {
        _stream = stream;
        _sync = sync;
        Scan();
    }

    /// <summary>
    /// Opens or creates a log file, which never waits for the disk: a network on one machine dies with it as a whole.
    /// </summary>
    /// <param name="path">Its place; the directory is made.</param>
    public static RecordLog Open(string path)
    {
        string? directory = Path.GetDirectoryName(path);
        if (!string.IsNullOrEmpty(directory)) Directory.CreateDirectory(directory);
        // A buffer of 1 byte disables the buffer of the stream: a returned Append has reached the operating system.
        return new RecordLog(new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read, 1));
    }

    /// <summary>Heights that have a record of a kind, ascending.</summary>
    public List<long> Heights(byte kind)
    {
        lock (_lock)
        {
            return _index[kind]?.ConvertAll(place => place.Height) ?? [];
        }
    }

    /// <summary>Appends a record.</summary>
    public void Append(byte kind, long height, ReadOnlySpan<byte> payload)
    {
        lock (_lock)
        {
            Span<byte> record = Buffer(HeadLength + payload.Length);
            BinaryPrimitives.WriteInt32LittleEndian(record, payload.Length);
            record[8] = kind;
            BinaryPrimitives.WriteInt64LittleEndian(record[9..], height);
            payload.CopyTo(record[HeadLength..]);
            BinaryPrimitives.WriteUInt32LittleEndian(record[4..], Checksum(record[8..]));
            _stream.Position = _end;
            _stream.Write(record);
            Index(kind, height, payload.Length);
            _end += record.Length;
        }
    }

    /// <summary>Returns when everything appended so far is on the disk, where that is asked for.</summary>
    public void Sync()
    {
        lock (_lock) _sync?.Invoke();
    }

    /// <summary>The last record of a name, or null.</summary>
    public byte[]? Read(byte kind, long height)
    {
        lock (_lock)
        {
            if (_index[kind] is not { } places || Find(places, height) is not (>= 0 and int i)) return null;
            byte[] payload = new byte[places[i].Length];
            _stream.Position = places[i].Offset;
            _stream.ReadExactly(payload);
            return payload;
        }
    }

    /// <summary>Removes every record.</summary>
    public void Clear()
    {
        lock (_lock)
        {
            _stream.SetLength(0);
            foreach (List<Place>? places in _index) places?.Clear();
            _end = 0;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_lock) _stream.Dispose();
    }

    private void Scan()
    {
        byte[] head = new byte[HeadLength];
        _stream.Position = 0;
        while (_stream.ReadAtLeast(head, HeadLength, throwOnEndOfStream: false) == HeadLength)
        {
            int length = BinaryPrimitives.ReadInt32LittleEndian(head);
            if (length is < 0 or > MaximumPayload || length > _stream.Length - _stream.Position) break;
            byte[] body = new byte[HeadLength - 8 + length];
            head.AsSpan(8).CopyTo(body);
            _stream.ReadExactly(body.AsSpan(HeadLength - 8));
            if (Checksum(body) != BinaryPrimitives.ReadUInt32LittleEndian(head.AsSpan(4))) break;
            Index(head[8], BinaryPrimitives.ReadInt64LittleEndian(head.AsSpan(9)), length);
            _end += HeadLength + length;
        }
        _stream.SetLength(_end);
    }

    /// <summary>Notes the record that begins at the end of the log.</summary>
    private void Index(byte kind, long height, int length)
    {
        List<Place> places = _index[kind] ??= [];
        Place place = new(height, _end + HeadLength, length);
        int i = Find(places, height);
        if (i >= 0) places[i] = place;
        else places.Insert(~i, place);
    }

    /// <summary>
    /// Where the record of a height is listed; the complement of where it belongs if there is none. Heights mostly
    /// rise, so the end is looked at first.
    /// </summary>
    private static int Find(List<Place> places, long height)
    {
        int low = 0, high = places.Count - 1;
        if (high < 0 || places[high].Height < height) return ~places.Count;
        while (low <= high)
        {
            int middle = high - ((high - low) / 2);
            long found = places[middle].Height;
            if (found == height) return middle;
            if (found < height) low = middle + 1;
            else high = middle - 1;
        }
        return ~low;
    }

    /// <summary>Room for one record, the same for all.</summary>
    private Span<byte> Buffer(int length)
    {
        if (_record.Length < length) _record = new byte[Math.Max(length, 2 * _record.Length)];
        return _record.AsSpan(0, length);
    }

    private static uint Checksum(ReadOnlySpan<byte> bytes)
    {
        uint crc = ~0u;
        for (; bytes.Length >= 8; bytes = bytes[8..])
        {
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        }
        foreach (byte value in bytes) crc = BitOperations.Crc32C(crc, value);
        return ~crc;
    }
}
