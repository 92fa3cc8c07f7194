using System;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace AppChain.Hsm;

/// <summary>
/// A Merlin transcript: both sides of a protocol append what they saw, in order, and draw the same challenge from it.
/// Merlin is STROBE-128 (rate 166) over Keccak-f[1600] with two operations on top.
/// </summary>
internal sealed class MerlinTranscript
{
    private const int Rate = 166;

    // Flags of STROBE operations.
    private const byte Inbound = 1;
    private const byte Application = 2;
    private const byte Cipher = 4;
    private const byte Meta = 16;

    private readonly ulong[] _lanes = new ulong[KeccakF1600.Lanes];
    private int _position;
    private int _begin;

    /// <summary>Begins a transcript of one protocol.</summary>
    public MerlinTranscript(string protocol)
    {
        if (!BitConverter.IsLittleEndian) throw new PlatformNotSupportedException("needs a little-endian machine");
        ReadOnlySpan<byte> domain = [1, Rate + 2, 1, 0, 1, 96];
        domain.CopyTo(State);
        "STROBEv1.0.2"u8.CopyTo(State[domain.Length..]);
        KeccakF1600.Permute(_lanes);
        Begin(Meta | Application);
        Absorb("Merlin v1.0"u8);
        Append("dom-sep", Encoding.ASCII.GetBytes(protocol));
    }

    private Span<byte> State => MemoryMarshal.AsBytes(_lanes.AsSpan());

    /// <summary>Adds a message under a label.</summary>
    public void Append(string label, ReadOnlySpan<byte> message)
    {
        Announce(label, message.Length);
        Begin(Application);
        Absorb(message);
    }

    /// <summary>Draws bytes that depend on everything appended so far.</summary>
    public byte[] Challenge(string label, int size)
    {
        byte[] challenge = new byte[size];
        Announce(label, size);
        Begin(Inbound | Application | Cipher);
        for (int i = 0; i < size; i++)
        {
            challenge[i] = State[_position];
            State[_position] = 0;
            Step();
        }
        return challenge;
    }

    private void Announce(string label, int size)
    {
        Span<byte> length = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(length, (uint)size);
        Begin(Meta | Application);
        Absorb(Encoding.ASCII.GetBytes(label));
        Absorb(length);
    }

    private void Begin(byte flags)
    {
        ReadOnlySpan<byte> header = [(byte)_begin, flags];
        _begin = _position + 1;
        Absorb(header);
        if ((flags & Cipher) != 0 && _position != 0) Run();
    }

    private void Absorb(ReadOnlySpan<byte> bytes)
    {
        foreach (byte one in bytes)
        {
            State[_position] ^= one;
            Step();
        }
    }

    private void Step()
    {
        _position++;
        if (_position == Rate) Run();
    }

    private void Run()
    {
        State[_position] ^= (byte)_begin;
        State[_position + 1] ^= 0x04;
        State[Rate + 1] ^= 0x80;
        KeccakF1600.Permute(_lanes);
        _position = 0;
        _begin = 0;
    }
}
