using System;
using System.Collections.Generic;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using AppChain.Margin;

namespace AppChain.StateMachine;

/// <summary>
/// An inner node, or the head of a version, whose left child is the root. A node holds the hashes of its children and
/// not its own: then hashing it, proving through it and copying it each touch this one place in memory.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal struct TreeNode
{
    /// <summary>Hash of the left child; zeros when it is empty.</summary>
    public Sha256Digest LeftHash;

    /// <summary>Hash of the right child; zeros when it is empty.</summary>
    public Sha256Digest RightHash;

    /// <summary>Left child: 0 empty, positive an inner node, negative the complement of a leaf.</summary>
    public int Left;

    /// <summary>Right child, as <see cref="Left"/>.</summary>
    public int Right;

    // The side is as random as the key hash: finding the field by a branch would be mispredicted half of the time.

    /// <summary>The child of side 0 (left) or 1 (right).</summary>
    [UnscopedRef]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ref int Child(int side) => ref Unsafe.Add(ref Left, side);

    /// <summary>The hash of the child of side 0 (left) or 1 (right).</summary>
    [UnscopedRef]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ref Sha256Digest ChildHash(int side) => ref Unsafe.Add(ref LeftHash, side);
}

/// <summary>One row at some versions. Where it hangs in the tree is not part of it.</summary>
internal struct TreeLeaf
{
    /// <summary>SHA-256 of the key: the path of the leaf.</summary>
    public Sha256Digest KeyHash;

    /// <summary>Key of the row; null only in a slot that is not in use.</summary>
    public byte[]? Key;

    /// <summary>Value of the row; null only in a slot that is not in use.</summary>
    public byte[]? Value;
}

/// <summary>What a version of the tree no longer uses of the version before it.</summary>
internal sealed class TreeRetired
{
    /// <summary>Inner nodes and the head of the version before.</summary>
    public readonly List<int> Nodes = [];

    /// <summary>Leaves replaced or removed.</summary>
    public readonly List<int> Leaves = [];

    /// <summary>Forgets all, keeping the room.</summary>
    public void Clear()
    {
        Nodes.Clear();
        Leaves.Clear();
    }
}

/// <summary>
/// Slots of one type in chunks that never move, found by number; freed slots are taken again first. One thread takes,
/// writes and frees; other threads may read slots that the writer has published to them.
/// </summary>
internal sealed class StateTreeArena<T>
    where T : struct
{
    private const int ChunkBits = 13;
    private const int ChunkSize = 1 << ChunkBits;

    // Slots fetched before they are taken: as long as a slot was free nobody touched it.
    private const int FetchedAhead = 8;

    // Replaced, never changed, when a chunk is added: a reader sees either table, and both hold what it may reach.
    private volatile T[][] _chunks = [];
    private int _used;
    private int[] _free = new int[ChunkSize];
    private int _freeCount;

    /// <summary>Slots in use.</summary>
    public int Count => _used - _freeCount;

    /// <summary>The slot with this number.</summary>
    public ref T this[int index]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => ref _chunks[index >> ChunkBits][index & (ChunkSize - 1)];
    }

    /// <summary>Finds a slot for use; what is in it is undefined.</summary>
    public int Take()
    {
        if (_freeCount > 0)
        {
            if (_freeCount > FetchedAhead)
            {
                Prefetch(_free[_freeCount - 1 - FetchedAhead]);
            }

            return _free[--_freeCount];
        }

        T[][] chunks = _chunks;
        if (_used == chunks.Length << ChunkBits)
        {
            var grown = new T[chunks.Length + 1][];
            chunks.CopyTo(grown, 0);
            grown[^1] = new T[ChunkSize];
            _chunks = grown;
        }

        return _used++;
    }

    /// <summary>Gives a slot back.</summary>
    public void Free(int index)
    {
        Invariant.Assert(_freeCount < _used);
        if (RuntimeHelpers.IsReferenceOrContainsReferences<T>())
        {
            this[index] = default;
        }

        if (_freeCount == _free.Length)
        {
            Array.Resize(ref _free, _freeCount * 2);
        }

        _free[_freeCount++] = index;
    }

    /// <summary>Asks the processor to fetch a slot that is needed soon.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public unsafe void Prefetch(int index)
    {
        if (Sse.IsSupported)
        {
            // A prefetch of an address that went stale does nothing, so the slot need not be pinned.
            void* address = Unsafe.AsPointer(ref this[index]);
            Sse.Prefetch0(address);
            Sse.Prefetch0((byte*)address + Unsafe.SizeOf<T>() - 1);
        }
    }
}
