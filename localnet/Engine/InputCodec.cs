using System;
using System.Buffers.Binary;
using AppChain.Abci;
using AppChain.Abci.Wire.Types;
using Google.Protobuf;

namespace AppChain.Localnet;

/// <summary>
/// The bytes of the inputs of consensus: what the write-ahead log keeps, and what a message between validators is when
/// it leaves the process.
/// </summary>
public static class InputCodec
{
    /// <summary>Lowest and highest kind.</summary>
    public const byte First = 2, Last = 6;

    private const byte ProposalInput = 2;
    private const byte BlockInput = 3;
    private const byte VoteInput = 4;
    private const byte TimeoutInput = 5;
    private const byte ClaimInput = 6;

    // Height, round and step or type.
    private const int HeadSize = 16;

    /// <summary>Kind and bytes of an input.</summary>
    /// <exception cref="ArgumentException">It is none.</exception>
    public static (byte Kind, ReadOnlyMemory<byte> Content) Encode(object input)
    {
        if (input is SealedBlock block) return (BlockInput, block.Bytes);
        byte[] content = new byte[Size(input)];
        return (Write(input, content), content);
    }

    /// <summary>How many bytes an input takes.</summary>
    /// <exception cref="ArgumentException">It is none.</exception>
    internal static int Size(object input) => input switch
    {
        SealedBlock block => block.Bytes.Length,
        IMessage message => message.CalculateSize(),
        ConsensusTimeout => HeadSize,
        MajorityClaim claim => HeadSize + claim.BlockId.CalculateSize(),
        _ => throw NoInput(input),
    };

    /// <summary>Writes an input into exactly as many bytes as it takes, and returns its kind.</summary>
    /// <exception cref="ArgumentException">It is none.</exception>
    internal static byte Write(object input, Span<byte> content)
    {
        switch (input)
        {
            case Proposal proposal:
                proposal.WriteTo(content);
                return ProposalInput;
            case SealedBlock block:
                block.Bytes.Span.CopyTo(content);
                return BlockInput;
            case Vote vote:
                vote.WriteTo(content);
                return VoteInput;
            case ConsensusTimeout timeout:
                WriteHead(content, timeout.Height, timeout.Round, (int)timeout.Step);
                return TimeoutInput;
            case MajorityClaim claim:
                WriteHead(content, claim.Height, claim.Round, (int)claim.Type);
                claim.BlockId.WriteTo(content[HeadSize..]);
                return ClaimInput;
            default:
                throw NoInput(input);
        }
    }

    /// <summary>The input that bytes stand for, as this process wrote them; null if they are not a block.</summary>
    public static object? Decode(byte kind, byte[] content) => kind switch
    {
        ProposalInput => Proposal.Parser.Read(content),
        BlockInput => SealedBlock.Decode(content),
        VoteInput => Vote.Parser.Read(content),
        TimeoutInput => DecodeTimeout(content),
        _ => DecodeClaim(content),
    };

    private static void WriteHead(Span<byte> content, long height, int round, int kind)
    {
        BinaryPrimitives.WriteInt64LittleEndian(content, height);
        BinaryPrimitives.WriteInt32LittleEndian(content[8..], round);
        BinaryPrimitives.WriteInt32LittleEndian(content[12..], kind);
    }

    private static ArgumentException NoInput(object input) =>
        new($"no consensus input: {input.GetType().Name}", nameof(input));

    private static ConsensusTimeout DecodeTimeout(byte[] content) => new(
        BinaryPrimitives.ReadInt64LittleEndian(content),
        BinaryPrimitives.ReadInt32LittleEndian(content.AsSpan(8)),
        (ConsensusStep)BinaryPrimitives.ReadInt32LittleEndian(content.AsSpan(12)));

    private static MajorityClaim DecodeClaim(byte[] content) => new(
        BinaryPrimitives.ReadInt64LittleEndian(content),
        BinaryPrimitives.ReadInt32LittleEndian(content.AsSpan(8)),
        (SignedMsgType)BinaryPrimitives.ReadInt32LittleEndian(content.AsSpan(12)),
        BlockID.Parser.Read(content.AsSpan(HeadSize)));
}
