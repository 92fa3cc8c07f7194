using System;
using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using AppChain.Hashing;

namespace AppChain.StateMachine;

/// <summary>How many SHA-256 messages this machine hashes at once.</summary>
internal enum Sha256Width
{
    /// <summary>One by one with the platform's SHA-256.</summary>
    One = 1,

    /// <summary>Eight in 256-bit vectors.</summary>
    Eight = 8,

    /// <summary>Sixteen in 512-bit vectors.</summary>
    Sixteen = 16,
}

/// <summary>
/// SHA-256 of many short messages at once. A call of the platform's SHA-256 costs several hundred nanoseconds before
/// it hashes a byte; a lane of a wide vector costs about sixty for a whole tree node.
/// </summary>
internal static class Sha256Lanes
{
    // BOUND: messages above this many blocks are quicker one by one, and this keeps the scratch on the stack small.
    private const int BlocksMax = 8;
    private const int BlockSize = 64;

    /// <summary>The widest way that this machine has and that agreed with the platform's SHA-256 at start.</summary>
    public static readonly Sha256Width Width = WidestThatAgrees();

    /// <summary>
    /// Hashes tree nodes: <c>SHA-256(prefix ‖ left ‖ right)</c> for pairs that follow each other.
    /// </summary>
    /// <param name="prefix">The byte that separates the domains of leaves and inner nodes.</param>
    /// <param name="pairs">Left and right digest of each node: two entries for each entry of the result.</param>
    /// <param name="digests">The result; may not overlap the pairs.</param>
    public static void HashPairs(byte prefix, ReadOnlySpan<Sha256Digest> pairs, Span<Sha256Digest> digests) =>
        HashPairs(Width, prefix, pairs, digests);

    /// <summary>Hashes messages of any length; entry i of the result belongs to message i.</summary>
    public static void HashMessages(ReadOnlySpan<byte[]> messages, Span<Sha256Digest> digests) =>
        HashMessages(Width, messages, digests);

    /// <summary>The same with a chosen width, which the machine must have.</summary>
    [SkipLocalsInit]
    internal static void HashPairs(
        Sha256Width width, byte prefix, ReadOnlySpan<Sha256Digest> pairs, Span<Sha256Digest> digests)
    {
        Margin.Invariant.Assert(pairs.Length == digests.Length * 2);
        ReadOnlySpan<byte> bytes = MemoryMarshal.AsBytes(pairs);
        Span<byte> results = MemoryMarshal.AsBytes(digests);
        Span<byte> lastPairs = stackalloc byte[(int)width * BlockSize];
        Span<byte> lastDigests = stackalloc byte[(int)width * Sha256Digest.Size];
        int lanes;
        for (int start = 0; start < digests.Length; start += lanes)
        {
            int left = digests.Length - start;
            Sha256Width group = left == 1 && Sha256.IsDirect ? Sha256Width.One
                : left <= (int)Narrow(width) ? Narrow(width) : width;
            lanes = (int)group;
            ReadOnlySpan<byte> source = bytes[(start * BlockSize)..];
            Span<byte> target = results[(start * Sha256Digest.Size)..];
            if (left >= lanes)
            {
                HashGroup(group, prefix, source[..(lanes * BlockSize)], target[..(lanes * Sha256Digest.Size)]);
                continue;
            }

            // Lanes beyond the end hash what lies there, and nobody reads the result.
            source.CopyTo(lastPairs);
            HashGroup(group, prefix, lastPairs, lastDigests);
            lastDigests[..target.Length].CopyTo(target);
        }
    }

    /// <summary>The same with a chosen width, which the machine must have.</summary>
    [SkipLocalsInit]
    internal static void HashMessages(
        Sha256Width width, ReadOnlySpan<byte[]> messages, Span<Sha256Digest> digests)
    {
        Margin.Invariant.Assert(messages.Length == digests.Length);
        int lanes = (int)width;

        // Messages with the same number of blocks are hashed together: for each number, the messages that still wait
        // for their group to fill.
        Span<int> waiting = stackalloc int[(BlocksMax + 1) * lanes];
        Span<int> waitingCounts = stackalloc int[BlocksMax + 1];
        Span<byte> scratch = stackalloc byte[lanes * BlocksMax * BlockSize];
        waitingCounts.Clear();
        for (int index = 0; index < messages.Length; index++)
        {
            int blocks = BlocksOf(messages[index]);
            if (blocks > BlocksMax || lanes == 1)
            {
                Sha256.Hash(messages[index], digests[index].Bytes);
                continue;
            }

            Span<int> group = waiting.Slice(blocks * lanes, lanes);
            group[waitingCounts[blocks]++] = index;
            if (waitingCounts[blocks] == lanes)
            {
                HashGroup(width, group, scratch, messages, digests);
                waitingCounts[blocks] = 0;
            }
        }

        // The rest, the longest first: a group takes as long as the first of it.
        Span<int> rest = stackalloc int[BlocksMax * lanes];
        int count = 0;
        for (int blocks = BlocksMax; blocks > 0; blocks--)
        {
            waiting.Slice(blocks * lanes, waitingCounts[blocks]).CopyTo(rest[count..]);
            count += waitingCounts[blocks];
        }

        int narrow = (int)Narrow(width);
        for (int start = 0; start < count; start += narrow)
        {
            Span<int> group = rest[start..Math.Min(start + narrow, count)];
            HashGroup(Narrow(width), group, scratch, messages, digests);
        }
    }

    // Eight lanes are done sooner than sixteen, and one node by itself sooner than eight: where no more are needed, no
    // more are used.
    private static Sha256Width Narrow(Sha256Width width) => width == Sha256Width.Sixteen ? Sha256Width.Eight : width;

    private static int BlocksOf(byte[] message) => (message.Length + 9 + BlockSize - 1) / BlockSize;

    /// <summary>Hashes at most one message per lane, the longest first.</summary>
    [SkipLocalsInit]
    private static void HashGroup(
        Sha256Width width,
        ReadOnlySpan<int> group,
        Span<byte> scratch,
        ReadOnlySpan<byte[]> messages,
        Span<Sha256Digest> digests)
    {
        int stride = BlocksOf(messages[group[0]]) * BlockSize;
        Span<int> blocks = stackalloc int[group.Length];
        for (int lane = 0; lane < group.Length; lane++)
        {
            // FIPS 180-4, 5.1.1: the end mark, zeros, and the length in bits as eight bytes.
            byte[] message = messages[group[lane]];
            blocks[lane] = BlocksOf(message);
            Span<byte> padded = scratch.Slice(lane * stride, blocks[lane] * BlockSize);
            message.CopyTo(padded);
            padded[message.Length] = 0x80;
            padded[(message.Length + 1)..^8].Clear();
            BinaryPrimitives.WriteUInt64BigEndian(padded[^8..], (ulong)message.Length * 8);
        }

        // Lanes beyond the group hash what is left in the scratch, and nobody reads the result.
        Span<Sha256Digest> results = stackalloc Sha256Digest[group.Length];
        if (width == Sha256Width.Sixteen)
        {
            Sha256Kernel<Vector512<uint>, Sha256Vector512>.HashPadded(scratch, stride, blocks, results);
        }
        else
        {
            Sha256Kernel<Vector256<uint>, Sha256Vector256>.HashPadded(scratch, stride, blocks, results);
        }

        for (int lane = 0; lane < group.Length; lane++)
        {
            digests[group[lane]] = results[lane];
        }
    }

    private static void HashGroup(Sha256Width width, byte prefix, ReadOnlySpan<byte> pairs, Span<byte> digests)
    {
        switch (width)
        {
            case Sha256Width.Sixteen:
                Sha256Kernel<Vector512<uint>, Sha256Vector512>.HashPairs(prefix, pairs, digests);
                break;
            case Sha256Width.Eight:
                Sha256Kernel<Vector256<uint>, Sha256Vector256>.HashPairs(prefix, pairs, digests);
                break;
            default:
                Sha256.Hash(prefix, pairs, [], digests);
                break;
        }
    }

    /// <summary>True when the machine has the vectors of this width.</summary>
    internal static bool IsSupported(Sha256Width width) => width switch
    {
        Sha256Width.Sixteen => Avx512F.IsSupported,
        Sha256Width.Eight => Avx2.IsSupported,
        Sha256Width.One => true,
    };

    private static Sha256Width WidestThatAgrees()
    {
        foreach (Sha256Width width in (ReadOnlySpan<Sha256Width>)[Sha256Width.Sixteen, Sha256Width.Eight])
        {
            if (IsSupported(width) && AgreesWithPlatform(width))
            {
                return width;
            }
        }

        return Sha256Width.One;
    }

    /// <summary>
    /// Hashes pairs and messages of every length up to two blocks past the widest both ways. A processor or compiler
    /// on which the vectors are wrong would otherwise fork from the others at its first block.
    /// </summary>
    internal static bool AgreesWithPlatform(Sha256Width width)
    {
        var pairs = new Sha256Digest[2 * ((3 * (int)width) + 1)];
        Span<byte> bytes = MemoryMarshal.AsBytes(pairs.AsSpan());
        for (int index = 0; index < bytes.Length; index++)
        {
            bytes[index] = unchecked((byte)((index * 167) + (index >> 5)));
        }

        var messages = new byte[(BlocksMax + 2) * BlockSize][];
        for (int length = 0; length < messages.Length; length++)
        {
            messages[length] = bytes.Slice(length % 61, Math.Min(length, bytes.Length - 61)).ToArray();
        }

        foreach (byte prefix in (ReadOnlySpan<byte>)[0, 1])
        {
            var wide = new Sha256Digest[pairs.Length / 2];
            var single = new Sha256Digest[pairs.Length / 2];
            HashPairs(width, prefix, pairs, wide);
            HashPairs(Sha256Width.One, prefix, pairs, single);
            if (!wide.AsSpan().SequenceEqual(single))
            {
                return false;
            }
        }

        var wideMessages = new Sha256Digest[messages.Length];
        var singleMessages = new Sha256Digest[messages.Length];
        HashMessages(width, messages, wideMessages);
        HashMessages(Sha256Width.One, messages, singleMessages);
        return wideMessages.AsSpan().SequenceEqual(singleMessages);
    }
}
