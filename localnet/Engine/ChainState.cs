using System;
using System.Buffers;
using System.Buffers.Binary;
using System.IO;
using System.Text;
using AppChain.Abci;
using AppChain.Abci.Wire.Types;
using Google.Protobuf;

namespace AppChain.Localnet;

/// <summary>
/// What a validator knows after a block: everything that the next block is checked against. Immutable; the parameters
/// and ids inside are never changed in place.
/// </summary>
/// <param name="ChainId">Chain id of the genesis.</param>
/// <param name="InitialHeight">Height of the first block.</param>
/// <param name="LastHeight">Height of the last block; 0 before the first.</param>
/// <param name="LastBlockId">Id of the last block; empty before the first.</param>
/// <param name="LastTime">Time of the last block, or of the genesis; nanoseconds since 1970.</param>
/// <param name="LastValidators">Validators of the last block, whose precommits the next block carries.</param>
/// <param name="Validators">Validators of the next block.</param>
/// <param name="NextValidators">Validators of the block after the next.</param>
/// <param name="Parameters">Consensus parameters in force for the next block.</param>
/// <param name="AppVersion">Application version for the header of the next block.</param>
/// <param name="AppHash">Application hash after the last block.</param>
/// <param name="LastResultsHash">Hash over the results of the last block's transactions.</param>
public sealed record ChainState(
    string ChainId, long InitialHeight, long LastHeight, BlockID LastBlockId, long LastTime,
    ValidatorSet LastValidators, ValidatorSet Validators, ValidatorSet NextValidators,
    ConsensusParams Parameters, ulong AppVersion, ByteString AppHash, ByteString LastResultsHash)
{
    // What the state of a few validators takes.
    private const int UsualSize = 1024;
    private const int MaximumPrefixSize = 5;

    /// <summary>Height of the next block.</summary>
    public long NextHeight => LastHeight == 0 ? InitialHeight : LastHeight + 1;

    /// <summary>Whether precommits of a height carry vote extensions.</summary>
    public bool ExtensionsEnabled(long height)
    {
        long enabled = Parameters.Abci?.VoteExtensionsEnableHeight ?? 0;
        return enabled > 0 && height >= enabled;
    }

    /// <summary>Writes the state in its stored form.</summary>
    public byte[] ToBytes()
    {
        ArrayBufferWriter<byte> writer = new(UsualSize);
        Write(writer, ChainId);
        Write(writer, InitialHeight);
        Write(writer, LastHeight);
        Write(writer, LastBlockId);
        Write(writer, LastTime);
        Write(writer, LastValidators);
        Write(writer, Validators);
        Write(writer, NextValidators);
        Write(writer, Parameters);
        Write(writer, unchecked((long)AppVersion));
        Write(writer, AppHash.Span);
        Write(writer, LastResultsHash.Span);
        return writer.WrittenSpan.ToArray();
    }

    /// <summary>Reads the stored form.</summary>
    public static ChainState FromBytes(byte[] bytes)
    {
        BinaryReader reader = new(new MemoryStream(bytes));
        return new ChainState(
            reader.ReadString(), reader.ReadInt64(), reader.ReadInt64(), BlockID.Parser.Read(ReadBytes(reader)),
            reader.ReadInt64(), ReadSet(reader), ReadSet(reader), ReadSet(reader),
            ConsensusParams.Parser.Read(ReadBytes(reader)), reader.ReadUInt64(),
            UnsafeByteOperations.UnsafeWrap(ReadBytes(reader)), UnsafeByteOperations.UnsafeWrap(ReadBytes(reader)));
    }

    /// <summary>A string in the form of <see cref="BinaryReader.ReadString"/>.</summary>
    private static void Write(ArrayBufferWriter<byte> writer, string text)
    {
        Span<byte> prefix = writer.GetSpan(MaximumPrefixSize);
        writer.Advance(Frame.WritePrefix(prefix, (uint)Encoding.UTF8.GetByteCount(text)));
        Encoding.UTF8.GetBytes(text, writer);
    }

    private static void Write(ArrayBufferWriter<byte> writer, long value)
    {
        BinaryPrimitives.WriteInt64LittleEndian(writer.GetSpan(sizeof(long)), value);
        writer.Advance(sizeof(long));
    }

    private static void WriteLength(ArrayBufferWriter<byte> writer, int length)
    {
        BinaryPrimitives.WriteInt32LittleEndian(writer.GetSpan(sizeof(int)), length);
        writer.Advance(sizeof(int));
    }

    private static void Write(ArrayBufferWriter<byte> writer, ReadOnlySpan<byte> bytes)
    {
        WriteLength(writer, bytes.Length);
        writer.Write(bytes);
    }

    private static void Write(ArrayBufferWriter<byte> writer, IMessage message)
    {
        int size = message.CalculateSize();
        WriteLength(writer, size);
        message.WriteTo(writer.GetSpan(size)[..size]);
        writer.Advance(size);
    }

    private static void Write(ArrayBufferWriter<byte> writer, ValidatorSet set)
    {
        WriteLength(writer, set.Count);
        foreach (Validator member in set.Members)
        {
            Write(writer, member.PublicKey.Span);
            Write(writer, member.Power);
            Write(writer, member.Priority);
        }
        if (set.Count > 0) Write(writer, set.Proposer.Address.Span);
    }

    private static byte[] ReadBytes(BinaryReader reader) => reader.ReadBytes(reader.ReadInt32());

    private static ValidatorSet ReadSet(BinaryReader reader)
    {
        Validator[] members = new Validator[reader.ReadInt32()];
        for (int i = 0; i < members.Length; i++)
        {
            ByteString key = UnsafeByteOperations.UnsafeWrap(ReadBytes(reader));
            members[i] = new Validator(BlockHashes.Address(key.Span), key, reader.ReadInt64(), reader.ReadInt64());
        }
        return members.Length == 0
            ? ValidatorSet.Empty
            : new ValidatorSet(members, UnsafeByteOperations.UnsafeWrap(ReadBytes(reader)));
    }
}
