using System;
using System.Collections.Generic;
using System.IO;
using System.IO.Compression;
using System.Linq;
using AppChain.Abci;
using Google.Protobuf;

namespace AppChain.Localnet.Tests.Vectors;

/// <summary>What a line of a tape is.</summary>
public enum TapeKind : byte
{
    /// <summary>A process of the application (the signer) begins.</summary>
    Start = (byte)'s',

    /// <summary>A frame of the engine.</summary>
    Request = (byte)'q',

    /// <summary>The frame that answered the request before; a request without one is where the process died.</summary>
    Answer = (byte)'a',
}

/// <summary>A frame is the length as an unsigned LEB128 number and the message, as it is on the socket.</summary>
public sealed record TapeEntry(TapeKind Kind, byte[] Frame)
{
    /// <summary>The message without its length.</summary>
    public ReadOnlySpan<byte> Message =>
        Abci.Frame.TryReadPrefix(Frame, int.MaxValue, out _, out int prefix) ? Frame.AsSpan(prefix) : [];
}

/// <summary>
/// The frames between one engine and one application (or signer) in the order of execution, one call at a time. As a
/// file: for each entry the letter of its kind and the frame, all compressed with Brotli, which sees a transaction
/// again in the proposal, the vote and the block that carry it.
/// </summary>
public sealed class Tape
{
    private const int Quality = 11;

    private readonly List<TapeEntry> _entries = [];

    public IReadOnlyList<TapeEntry> Entries => _entries;

    public void Start() => _entries.Add(new TapeEntry(TapeKind.Start, [0]));

    public void Add(TapeKind kind, IMessage message)
    {
        int size = message.CalculateSize();
        byte[] frame = new byte[Frame.PrefixSize((uint)size) + size];
        message.WriteTo(frame.AsSpan(Frame.WritePrefix(frame, (uint)size)));
        _entries.Add(new TapeEntry(kind, frame));
    }

    /// <summary>The entries of each process, without the start.</summary>
    public IEnumerable<IReadOnlyList<TapeEntry>> Runs()
    {
        for (int at = 0; at < _entries.Count;)
        {
            List<TapeEntry> run = [.. _entries.Skip(at + 1).TakeWhile(entry => entry.Kind != TapeKind.Start)];
            yield return run;
            at += run.Count + 1;
        }
    }

    public void Save(string path)
    {
        using FileStream file = File.Create(path);
        using var encoder = new BrotliStream(
            file, new BrotliCompressionOptions { Quality = Quality }, leaveOpen: true);
        foreach (TapeEntry entry in _entries)
        {
            encoder.WriteByte((byte)entry.Kind);
            encoder.Write(entry.Frame);
        }
    }

    public static Tape Load(Stream compressed)
    {
        using var decoder = new BrotliStream(compressed, CompressionMode.Decompress);
        using var all = new MemoryStream();
        decoder.CopyTo(all);
        ReadOnlySpan<byte> rest = all.ToArray();
        var tape = new Tape();
        while (rest.Length > 0)
        {
            if (!Frame.TryReadPrefix(rest[1..], int.MaxValue, out int length, out int prefix)
                || !Enum.IsDefined((TapeKind)rest[0]))
            {
                throw new InvalidDataException("not a tape");
            }

            tape._entries.Add(new TapeEntry((TapeKind)rest[0], rest.Slice(1, prefix + length).ToArray()));
            rest = rest[(1 + prefix + length)..];
        }

        return tape;
    }
}
