using System;
using System.Buffers.Binary;
using System.Text;
using AppChain.Abci;
using AppChain.Abci.Wire.Types;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace AppChain.Hsm;

/// <summary>
/// The bytes a validator signs, built from the fields of a message and from nothing else. They begin with their own
/// length. Rule SIGN-1.
/// </summary>
/// <remarks>
/// Each vote that a validator sends, hears or finds in a commit takes them, so they are written without the messages of
/// proto/tendermint/types/canonical.proto, whose encoding they are.
/// </remarks>
public static class SignBytes
{
    // BOUND: what tags, lengths and numbers take at most.
    private const int NumbersSize = 192;

    /// <summary>Bytes of a buffer with room for nearly every vote and proposal.</summary>
    public const int UsualSize = 512;

    /// <summary>
    /// Of a prevote or precommit. The block id is left out in a vote for nil; validator, index and extension are not
    /// covered.
    /// </summary>
    public static byte[] Vote(string chainId, Vote vote) =>
        Vote(chainId, vote, stackalloc byte[UsualSize]).ToArray();

    /// <summary>The same in a buffer, or in an array when they may need more room than it has.</summary>
    public static ReadOnlySpan<byte> Vote(string chainId, Vote vote, Span<byte> buffer)
    {
        ArgumentNullException.ThrowIfNull(vote);
        return Vote(chainId, vote.Type, vote.Height, vote.Round, vote.BlockId, vote.Timestamp, buffer);
    }

    /// <summary>Of a prevote or precommit with these fields.</summary>
    internal static ReadOnlySpan<byte> Vote(
        string chainId, SignedMsgType type, long height, int round, BlockID? blockId, Timestamp? time,
        Span<byte> buffer)
    {
        int bound = BoundOf(chainId, blockId);
        FieldsFromEnd fields = new(bound <= buffer.Length ? buffer : new byte[bound]);
        fields.Text(6, chainId);
        fields.Time(5, time ?? WireTime.Zero);
        fields.Block(4, blockId);
        fields.Fixed(3, round);
        fields.Fixed(2, height);
        fields.Number(1, (long)type);
        return fields.Delimited();
    }

    /// <summary>Of a proposal.</summary>
    public static byte[] Proposal(string chainId, Proposal proposal)
    {
        ArgumentNullException.ThrowIfNull(proposal);
        int bound = BoundOf(chainId, proposal.BlockId);
        FieldsFromEnd fields = new(bound <= UsualSize ? stackalloc byte[UsualSize] : new byte[bound]);
        fields.Text(7, chainId);
        fields.Time(6, proposal.Timestamp ?? WireTime.Zero);
        fields.Block(5, proposal.BlockId);
        fields.Number(4, proposal.PolRound);
        fields.Fixed(3, proposal.Round);
        fields.Fixed(2, proposal.Height);
        fields.Number(1, (long)proposal.Type);
        return fields.Delimited().ToArray();
    }

    /// <summary>
    /// Of a vote extension. Neither the time, the block nor the validator is covered: whoever needs the block to be
    /// bound puts its hash into the extension.
    /// </summary>
    public static byte[] VoteExtension(string chainId, long height, int round, ByteString extension)
    {
        ArgumentNullException.ThrowIfNull(extension);
        return VoteExtension(chainId, height, round, extension.Span, stackalloc byte[UsualSize]).ToArray();
    }

    /// <summary>The same in a buffer, or in an array when they may need more room than it has.</summary>
    public static ReadOnlySpan<byte> VoteExtension(
        string chainId, long height, int round, ReadOnlySpan<byte> extension, Span<byte> buffer)
    {
        int bound = BoundOf(chainId, null) + extension.Length;
        FieldsFromEnd fields = new(bound <= buffer.Length ? buffer : new byte[bound]);
        fields.Text(4, chainId);
        fields.Fixed(3, round);
        fields.Fixed(2, height);
        fields.Bytes(1, extension);
        return fields.Delimited();
    }

    private static int BoundOf(string chainId, BlockID? id) =>
        NumbersSize + Encoding.UTF8.GetMaxByteCount(chainId.Length) + (id?.Hash.Length ?? 0)
            + (id?.PartSetHeader?.Hash.Length ?? 0);

    /// <summary>
    /// Fields of a message in the wire format of protocol buffers, the last one first: so the length of a message in a
    /// message is known when it is written. Zeros and what is empty are left out.
    /// </summary>
    private ref struct FieldsFromEnd(Span<byte> buffer)
    {
        private const int VarintType = 0;
        private const int FixedType = 1;
        private const int LengthType = 2;

        private readonly Span<byte> _buffer = buffer;
        private int _at = buffer.Length;

        public void Number(int field, long value)
        {
            if (value == 0) return;
            Varint(unchecked((ulong)value));
            Tag(field, VarintType);
        }

        public void Fixed(int field, long value)
        {
            if (value == 0) return;
            _at -= sizeof(long);
            BinaryPrimitives.WriteInt64LittleEndian(_buffer[_at..], value);
            Tag(field, FixedType);
        }

        public void Bytes(int field, ReadOnlySpan<byte> value)
        {
            if (value.IsEmpty) return;
            int end = _at;
            _at -= value.Length;
            value.CopyTo(_buffer[_at..]);
            Message(field, end);
        }

        public void Text(int field, string value)
        {
            if (value.Length == 0) return;
            int end = _at;
            _at -= Encoding.UTF8.GetByteCount(value);
            Encoding.UTF8.GetBytes(value, _buffer[_at..end]);
            Message(field, end);
        }

        public void Time(int field, Timestamp value)
        {
            int end = _at;
            Number(2, value.Nanos);
            Number(1, value.Seconds);
            Message(field, end);
        }

        /// <summary>The id in canonical form; nothing when it stands for nil.</summary>
        public void Block(int field, BlockID? id)
        {
            if (id is null || BlockIds.IsNil(id)) return;
            int end = _at;
            Bytes(2, (id.PartSetHeader?.Hash ?? ByteString.Empty).Span);
            Number(1, id.PartSetHeader?.Total ?? 0);
            Message(2, end);
            Bytes(1, id.Hash.Span);
            Message(field, end);
        }

        /// <summary>All of it behind its length.</summary>
        public ReadOnlySpan<byte> Delimited()
        {
            Varint((ulong)(_buffer.Length - _at));
            return _buffer[_at..];
        }

        /// <summary>Makes what lies before <paramref name="end"/> the content of a field.</summary>
        private void Message(int field, int end)
        {
            Varint((ulong)(end - _at));
            Tag(field, LengthType);
        }

        // BOUND: fields below 16, whose tags are one byte.
        private void Tag(int field, int type) => _buffer[--_at] = (byte)((field << 3) | type);

        private void Varint(ulong value)
        {
            int size = 1;
            for (ulong rest = value >> 7; rest != 0; rest >>= 7) size++;
            _at -= size;
            for (int i = 0; i < size; i++)
            {
                _buffer[_at + i] = (byte)((value & 0x7F) | (i < size - 1 ? 0x80u : 0));
                value >>= 7;
            }
        }
    }
}
