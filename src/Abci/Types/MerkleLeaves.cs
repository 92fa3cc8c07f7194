using System;
using AppChain.Hashing;
using Google.Protobuf;

namespace AppChain.Abci;

/// <summary>The leaves of a Merkle tree for its root alone. One buffer holds the hashes of all.</summary>
internal struct MerkleLeaves
{
    /// <summary>First byte of what a leaf's hash is over.</summary>
    public const byte LeafPrefix = 0;

    /// <summary>First byte of what an inner node's hash is over.</summary>
    public const byte InnerPrefix = 1;

    private const int ShortMessage = 256;
    private const int BytesFieldTag = (1 << 3) | 2;
    private const int LengthSizeMax = 5;

    private readonly byte[] _hashes;
    private int _count;

    /// <summary>Begins with no leaf; there is room for <paramref name="capacity"/>.</summary>
    public MerkleLeaves(int capacity) => _hashes = new byte[capacity * Sha256.Size];

    /// <summary>Adds a leaf.</summary>
    public void Add(ReadOnlySpan<byte> leaf) => Sha256.Hash(LeafPrefix, leaf, [], Hash(_count++));

    /// <summary>Adds an encoded message as a leaf.</summary>
    public void Add(IMessage message)
    {
        int size = message.CalculateSize();
        Span<byte> bytes = size <= ShortMessage ? stackalloc byte[ShortMessage] : new byte[size];
        message.WriteTo(bytes[..size]);
        Add(bytes[..size]);
    }

    /// <summary>
    /// Adds a byte field as a leaf, encoded as <c>BytesValue</c>. An empty value gives an empty leaf; it is not left
    /// out.
    /// </summary>
    public void AddField(ByteString value)
    {
        Span<byte> head = stackalloc byte[1 + LengthSizeMax];
        head[0] = BytesFieldTag;
        int size = value.IsEmpty ? 0 : 1 + Frame.WritePrefix(head[1..], (uint)value.Length);
        Sha256.Hash(LeafPrefix, head[..size], value.Span, Hash(_count++));
    }

    /// <summary>The root over the leaves, which are used up. SHA-256 of nothing if there is none.</summary>
    public byte[] Root()
    {
        if (_count == 0) return Sha256.Hash([]);
        // Pairs from the left, an odd one moves up as it is: the same tree as splitting at powers of two.
        for (; _count > 1; _count = (_count + 1) / 2)
        {
            for (int i = 0; i < _count / 2; i++)
                Sha256.Hash(InnerPrefix, Hash(2 * i), Hash((2 * i) + 1), Hash(i));
            if (_count % 2 == 1) Hash(_count - 1).CopyTo(Hash(_count / 2));
        }
        return Hash(0).ToArray();
    }

    private readonly Span<byte> Hash(int index) =>
        _hashes.AsSpan(index * Sha256.Size, Sha256.Size);
}
