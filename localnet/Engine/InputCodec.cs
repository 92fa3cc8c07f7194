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

    /// <summary>Kind and bytes of an input.</summary>
    /// <exception cref="ArgumentException">It is none.</exception>
    public static (byte Kind, ReadOnlyMemory<byte> Content) Encode(object input) => input switch
    {
        Proposal proposal => (ProposalInput, proposal.ToByteArray()),
        SealedBlock block => (BlockInput, block.Bytes),
        Vote vote => (VoteInput, vote.ToByteArray()),
        ConsensusTimeout timeout => (TimeoutInput, Encode(timeout.Height, timeout.Round, (int)timeout.Step, [])),
        MajorityClaim claim => (ClaimInput,
            Encode(claim.Height, claim.Round, (int)claim.Type, claim.BlockId.ToByteArray())),
        _ => throw new ArgumentException($"no consensus input: {input.GetType().Name}", nameof(input)),
    };

    /// <summary>The input that bytes stand for, as this process wrote them; null if they are not a block.</summary>
    public static object? Decode(byte kind, byte[] content) => kind switch
    {
        ProposalInput => Proposal.Parser.Read(content),
        BlockInput => SealedBlock.Decode(content),
        VoteInput => Vote.Parser.Read(content),
        TimeoutInput => DecodeTimeout(content),
        _ => DecodeClaim(content),
    };

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
        BlockID.Parser.Read(content.AsSpan(16)));
}
