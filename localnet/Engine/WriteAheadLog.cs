using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using AppChain.Abci.Wire.Types;
using Google.Protobuf;

namespace AppChain.Localnet;

/// <summary>
/// The inputs of the height being decided, in their order. A validator that is restarted in the middle of a height
/// takes
/// them again and so finds its way back to its round and its lock; what it signs then, its signer has signed before.
/// </summary>
public sealed class WriteAheadLog : IDisposable
{
    private const byte Marker = 1;
    private const byte ProposalInput = 2;
    private const byte BlockInput = 3;
    private const byte VoteInput = 4;
    private const byte TimeoutInput = 5;
    private const byte ClaimInput = 6;

    private readonly RecordLog _log;
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
        byte[] marker = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(marker, height);
        _log.Append(Marker, 0, marker);
    }

    /// <summary>Appends an input before it is processed.</summary>
    public void Append(int from, object input)
    {
        (byte kind, ReadOnlyMemory<byte> content) = input switch
        {
            Proposal proposal => (ProposalInput, proposal.ToByteArray()),
            SealedBlock block => (BlockInput, block.Bytes),
            Vote vote => (VoteInput, vote.ToByteArray()),
            ConsensusTimeout timeout => (TimeoutInput, Encode(timeout.Height, timeout.Round, (int)timeout.Step, [])),
            MajorityClaim claim => (ClaimInput,
                Encode(claim.Height, claim.Round, (int)claim.Type, claim.BlockId.ToByteArray())),
            _ => throw new ArgumentException($"no consensus input: {input.GetType().Name}", nameof(input)),
        };
        byte[] payload = new byte[4 + content.Length];
        BinaryPrimitives.WriteInt32LittleEndian(payload, from);
        content.Span.CopyTo(payload.AsSpan(4));
        _log.Append(kind, _sequence++, payload);
    }

    /// <inheritdoc/>
    public void Dispose() => _log.Dispose();

    private (int From, object Input)? ReadAt(long sequence)
    {
        for (byte kind = ProposalInput; kind <= ClaimInput; kind++)
        {
            if (_log.Read(kind, sequence) is not { } payload) continue;
            byte[] content = payload[4..];
            object? input = kind switch
            {
                ProposalInput => Proposal.Parser.ParseFrom(content),
                BlockInput => SealedBlock.Decode(content),
                VoteInput => Vote.Parser.ParseFrom(content),
                TimeoutInput => DecodeTimeout(content),
                _ => DecodeClaim(content),
            };
            return input is null ? null : (BinaryPrimitives.ReadInt32LittleEndian(payload), input);
        }
        return null;
    }

    private static byte[] Encode(long height, int round, int kind, byte[] rest)
    {
        byte[] content = new byte[16 + rest.Length];
        BinaryPrimitives.WriteInt64LittleEndian(content, height);
        BinaryPrimitives.WriteInt32LittleEndian(content.AsSpan(8), round);
        BinaryPrimitives.WriteInt32LittleEndian(content.AsSpan(12), kind);
        rest.CopyTo(content, 16);
        return content;
    }

    private static ConsensusTimeout DecodeTimeout(byte[] content) => new(
        BinaryPrimitives.ReadInt64LittleEndian(content),
        BinaryPrimitives.ReadInt32LittleEndian(content.AsSpan(8)),
        (ConsensusStep)BinaryPrimitives.ReadInt32LittleEndian(content.AsSpan(12)));

    private static MajorityClaim DecodeClaim(byte[] content) => new(
        BinaryPrimitives.ReadInt64LittleEndian(content),
        BinaryPrimitives.ReadInt32LittleEndian(content.AsSpan(8)),
        (SignedMsgType)BinaryPrimitives.ReadInt32LittleEndian(content.AsSpan(12)),
        BlockID.Parser.ParseFrom(content.AsSpan(16).ToArray()));
}
