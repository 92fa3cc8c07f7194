using System;
using System.Collections.Generic;
using System.Diagnostics.CodeAnalysis;
using AppChain.Hashing;
using AppChain.Margin;

namespace AppChain.StateMachine;

/// <summary>
/// The tree over all rows whose root is the app hash: a binary sparse Merkle tree over SHA-256 of the row keys, in the
/// form that the ICS-23 <c>SmtSpec</c> describes (docs/spec/state.md). A subtree with one leaf is that leaf; an empty
/// subtree hashes to 32 zero bytes. Every block makes a version that shares what it did not touch with the version
/// before; the last versions are kept and can be read and proven.
/// </summary>
/// <remarks>
/// One thread calls <see cref="Apply"/>, <see cref="Commit"/> and <see cref="Drop"/>. All other members read committed
/// versions and are safe on any thread at any time, without a lock: nodes of a committed version never change, and are
/// reused only <see cref="ReuseDelay"/> versions after it left the window. A reader looks at the window again when it
/// is done; if its version left meanwhile, it answers as if it had come later.
/// </remarks>
public sealed class StateTree
{
    /// <summary>Versions between the last moment a node can be reached and its reuse.</summary>
    private const int ReuseDelay = 2;

    /// <summary>Bits of a path.</summary>
    private const int DepthMax = 256;

    /// <summary>The committed versions that can be read: consecutive heights and their heads. Never changed.</summary>
    private sealed class Window(long oldest, int[] heads)
    {
        public readonly long Oldest = oldest;
        public readonly int[] Heads = heads;

        public long Newest => Oldest + Heads.Length - 1;
    }

    private readonly StateTreeArena<TreeNode> _nodes = new();
    private readonly StateTreeArena<TreeLeaf> _leaves = new();
    private readonly StateTreeUpdate _update;
    private readonly int _versionsKept;

    // What version v retired waits in entry v modulo the length.
    private readonly TreeRetired[] _retired;
    private volatile Window _window = new(0, []);
    private long _openVersion;
    private int _openHead;

    /// <summary>An empty tree without a version.</summary>
    /// <param name="versionsKept">Committed versions that can be read, 1…10,000.</param>
    public StateTree(int versionsKept = 100)
    {
        Invariant.Assert(versionsKept is > 0 and <= 10_000);
        _versionsKept = versionsKept;
        _retired = new TreeRetired[versionsKept + ReuseDelay];
        for (int index = 0; index < _retired.Length; index++)
        {
            _retired[index] = new TreeRetired();
        }

        // Number 0 stands for the empty subtree.
        _nodes.Take();
        _update = new StateTreeUpdate(_nodes, _leaves);
    }

    /// <summary>
    /// Height of the newest committed version; one less than <see cref="OldestVersion"/> when there is none.
    /// </summary>
    public long Version => _window.Newest;

    /// <summary>Height of the oldest committed version that can still be read.</summary>
    public long OldestVersion => _window.Oldest;

    /// <summary>
    /// What each change of the last <see cref="Apply"/> replaced or removed, in the order of its list; null where there
    /// was no row. For the thread that applies, good until it applies again. The arrays belong to the tree and may not
    /// be written.
    /// </summary>
    public ReadOnlySpan<byte[]?> Replaced => _update.Replaced;

    /// <summary>
    /// Makes the next version and leaves it open. No version may be open. The first version of a tree may have any
    /// height from 0; each later one has the height after it.
    /// </summary>
    /// <param name="version">Height of the block that made the changes.</param>
    /// <param name="changes">
    /// Rows written and removed, with distinct keys; keys and values are not empty. Removing a row that is not there
    /// changes nothing. The tree keeps the arrays: nobody may write to them afterwards.
    /// </param>
    /// <returns>The root of the version.</returns>
    public byte[] Apply(long version, IReadOnlyList<RowChange> changes)
    {
        Window window = _window;
        Invariant.Assert(_openHead == 0);
        Invariant.Assert(version >= 0 && (window.Heads.Length == 0 || version == window.Newest + 1));
        int head = window.Heads.Length == 0 ? 0 : window.Heads[^1];
        _openHead = _update.Run(head, changes, RetiredBy(version));
        _openVersion = version;
        return _nodes[_openHead].LeftHash.ToArray();
    }

    /// <summary>Makes the open version the newest committed one. When the window is full the oldest leaves.</summary>
    public void Commit()
    {
        Invariant.Assert(_openHead != 0);
        Window window = _window;
        int kept = Math.Min(window.Heads.Length, _versionsKept - 1);
        var heads = new int[kept + 1];
        window.Heads.AsSpan(window.Heads.Length - kept).CopyTo(heads);
        heads[kept] = _openHead;
        _window = new Window(_openVersion - kept, heads);
        _openHead = 0;
        _update.Forget();

        // The entry that the next version will fill: what it holds was last used by a version that left the window
        // ReuseDelay commits ago.
        TreeRetired retired = RetiredBy(_openVersion + 1);
        foreach (int node in retired.Nodes)
        {
            _nodes.Free(node);
        }

        foreach (int leaf in retired.Leaves)
        {
            _leaves.Free(leaf);
        }

        retired.Clear();
    }

    /// <summary>Forgets the open version; the tree is as before its <see cref="Apply"/>.</summary>
    public void Drop()
    {
        Invariant.Assert(_openHead != 0);
        _update.Undo();
        _update.Forget();
        RetiredBy(_openVersion).Clear();
        _openHead = 0;
    }

    /// <summary>The root of a committed version; false when it is not kept.</summary>
    public bool TryGetRoot(long version, [NotNullWhen(true)] out byte[]? root)
    {
        root = TryGetHead(version, out int head) ? _nodes[head].LeftHash.ToArray() : null;
        return root is not null && IsStillKept(version);
    }

    /// <summary>
    /// The value of a row at a committed version; false when the row was not there or the version is not kept. The
    /// array belongs to the tree and may not be written.
    /// </summary>
    public bool TryGet(long version, ReadOnlySpan<byte> key, [NotNullWhen(true)] out byte[]? value)
    {
        value = null;
        if (!TryGetHead(version, out int head))
        {
            return false;
        }

        var keyHash = new Sha256Digest(Sha256.Hash(key));
        TreeLeaf leaf = ReadLeaf(Descend(head, keyHash, null));
        value = leaf.KeyHash.Equals(keyHash) ? leaf.Value : null;
        return value is not null && IsStillKept(version);
    }

    /// <summary>
    /// Proves at a committed version that a row is there with its value, or that it is not there; false when the
    /// version is not kept.
    /// </summary>
    public bool TryProve(long version, ReadOnlySpan<byte> key, [NotNullWhen(true)] out StateProof? proof)
    {
        proof = null;
        if (!TryGetHead(version, out int head))
        {
            return false;
        }

        var keyHash = new Sha256Digest(Sha256.Hash(key));
        var siblings = new List<Sha256Digest>();
        int child = Descend(head, keyHash, siblings);
        if (child == 0)
        {
            proof = StateProof.Empty(siblings);
        }
        else
        {
            TreeLeaf leaf = ReadLeaf(child);
            proof = leaf.KeyHash.Equals(keyHash)
                ? StateProof.Present(siblings)
                : StateProof.OtherLeaf(siblings, leaf.KeyHash, new Sha256Digest(Sha256.Hash(leaf.Value ?? [])));
        }

        return IsStillKept(version);
    }

    /// <summary>
    /// The keys that stand next to an absent key in the order of key hashes, null at either end; ICS-23 proves absence
    /// by these. False when the key is present or the version is not kept.
    /// </summary>
    public bool TryFindNeighbors(long version, ReadOnlySpan<byte> key, out byte[]? left, out byte[]? right)
    {
        left = null;
        right = null;
        if (!TryGetHead(version, out int head))
        {
            return false;
        }

        // The subtrees beside the path, the deepest last.
        var keyHash = new Sha256Digest(Sha256.Hash(key));
        int beforePath = 0;
        int afterPath = 0;
        int child = _nodes[head].Left;
        for (int depth = 0; child > 0 && depth < DepthMax; depth++)
        {
            ref TreeNode node = ref _nodes[child];
            int side = keyHash.Bit(depth);
            beforePath = side == 1 && node.Left != 0 ? node.Left : beforePath;
            afterPath = side == 0 && node.Right != 0 ? node.Right : afterPath;
            child = node.Child(side);
        }

        if (child < 0)
        {
            int order = ReadLeaf(child).KeyHash.CompareTo(keyHash);
            if (order == 0)
            {
                return false;
            }

            beforePath = order < 0 ? child : beforePath;
            afterPath = order > 0 ? child : afterPath;
        }

        left = ReadLeaf(FindEnd(beforePath, 1)).Key;
        right = ReadLeaf(FindEnd(afterPath, 0)).Key;
        return IsStillKept(version);
    }

    /// <summary>
    /// Encodes the chunk of a place at a committed version; false when the version is not kept. The chunk is null when
    /// it has two rows or more that take more than the given bytes: then ask for the two halves of the place.
    /// </summary>
    /// <param name="version">Height.</param>
    /// <param name="place">
    /// A place that the tree parts at: the whole, or a half of one whose rows were too many.
    /// </param>
    /// <param name="bytesMax">Most bytes of rows; no bound at <see cref="StateChunk.DepthMax"/>.</param>
    /// <param name="chunk">The encoded chunk.</param>
    public bool TryReadChunk(long version, ChunkPlace place, int bytesMax, out byte[]? chunk)
    {
        chunk = null;
        if (!TryGetHead(version, out int head))
        {
            return false;
        }

        var siblings = new List<Sha256Digest>(place.Depth);
        int child = _nodes[head].Left;
        for (int depth = 0; depth < place.Depth; depth++)
        {
            if (child <= 0)
            {
                return false;
            }

            ref TreeNode node = ref _nodes[child];
            siblings.Add(node.ChildHash(1 - place.Bit(depth)));
            child = node.Child(place.Bit(depth));
        }

        int bytesLeft = place.Depth < StateChunk.DepthMax ? bytesMax : int.MaxValue;
        var leaves = new List<TreeLeaf>();
        bool fits = TryCollect(version, child, bytesLeft, leaves);
        if (fits)
        {
            chunk = StateChunk.Encode(siblings, leaves);
        }

        return IsStillKept(version);
    }

    /// <summary>Slots of nodes and leaves in use, by all versions together.</summary>
    internal (int Nodes, int Leaves) CountSlots() => (_nodes.Count - 1, _leaves.Count);

    private TreeRetired RetiredBy(long version) => _retired[version % _retired.Length];

    private bool TryGetHead(long version, out int head)
    {
        Window window = _window;
        bool isKept = version >= window.Oldest && version <= window.Newest;
        head = isKept ? window.Heads[version - window.Oldest] : 0;
        return isKept;
    }

    private bool IsStillKept(long version) => version >= _window.Oldest;

    /// <summary>The leaf where the path of a hash ends, or 0; notes the hashes beside it, the root's first.</summary>
    private int Descend(int head, in Sha256Digest keyHash, List<Sha256Digest>? siblings)
    {
        int child = _nodes[head].Left;
        for (int depth = 0; child > 0 && depth < DepthMax; depth++)
        {
            ref TreeNode node = ref _nodes[child];
            int side = keyHash.Bit(depth);
            siblings?.Add(node.ChildHash(1 - side));
            child = node.Child(side);
        }

        return child;
    }

    // The leaves below a child, ascending by path; false when they take more bytes, or the version left the window.
    private bool TryCollect(long version, int child, int bytesLeft, List<TreeLeaf> leaves)
    {
        var waiting = new Stack<int>();
        waiting.Push(child);
        // BOUND: each pass takes one node of the version; nodes that went stale are noticed within 256 passes.
        for (int passes = 1; waiting.TryPop(out int next); passes++)
        {
            if (passes % 256 == 0 && !IsStillKept(version))
            {
                return false;
            }

            if (next > 0)
            {
                ref TreeNode node = ref _nodes[next];
                waiting.Push(node.Right);
                waiting.Push(node.Left);
            }
            else if (next < 0)
            {
                TreeLeaf leaf = ReadLeaf(next);
                bytesLeft -= StateChunk.SizeOf(leaf);
                if (bytesLeft < 0 && leaves.Count > 0)
                {
                    return false;
                }

                leaves.Add(leaf);
            }
        }

        return true;
    }

    private int FindEnd(int child, int side)
    {
        for (int depth = 0; child > 0 && depth < DepthMax; depth++)
        {
            ref TreeNode node = ref _nodes[child];
            child = node.Child(side) != 0 ? node.Child(side) : node.Child(1 - side);
        }

        return child;
    }

    // A child number of a version that left the window may be stale: anything but a leaf reads as no leaf, and the
    // caller finds that its version has gone.
    private TreeLeaf ReadLeaf(int child) => child < 0 ? _leaves[~child] : default;
}
