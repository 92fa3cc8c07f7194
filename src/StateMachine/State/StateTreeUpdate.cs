using System;
using System.Collections.Generic;
using System.Runtime.CompilerServices;
using AppChain.Margin;

namespace AppChain.StateMachine;

/// <summary>
/// Makes the next version of a <see cref="StateTree"/> from sorted changes. It goes down the tree level by level and
/// copies the inner nodes above a change, so that the many cache misses of a level overlap, and then up level by
/// level, so that all nodes of a level are hashed together.
/// </summary>
internal sealed class StateTreeUpdate
{
    private const byte LeafPrefix = 0;
    private const byte InnerPrefix = 1;

    // Nodes given to the hash function at once: their pairs and digests stay in the first-level cache.
    private const int BatchSize = 128;

    /// <summary>
    /// Some of the changes, and the child below which all of them belong: twice its parent, plus the side.
    /// </summary>
    private struct Visit
    {
        public int Low;
        public int High;
        public int Slot;
    }

    /// <summary>A new inner node, 0 if it collapsed, and the slot of its parent as in <see cref="Visit"/>.</summary>
    private struct Branch
    {
        public int Node;
        public int Slot;
    }

    private readonly StateTreeArena<TreeNode> _nodes;
    private readonly StateTreeArena<TreeLeaf> _leaves;
    private readonly StateTreeChanges _changes = new();
    private readonly List<int> _levels = [];
    private readonly Sha256Digest[] _pairs = new Sha256Digest[2 * BatchSize];
    private readonly Sha256Digest[] _digests = new Sha256Digest[BatchSize];
    private readonly int[] _slots = new int[BatchSize];
    private Visit[] _visits = new Visit[1024];
    private Visit[] _nextVisits = new Visit[1024];
    private int _nextCount;
    private Branch[] _branches = new Branch[1024];
    private int _branchCount;
    private int _batched;
    private int _head;

    /// <summary>Updates trees in these arenas.</summary>
    public StateTreeUpdate(StateTreeArena<TreeNode> nodes, StateTreeArena<TreeLeaf> leaves)
    {
        _nodes = nodes;
        _leaves = leaves;
    }

    /// <summary>The values that the last version replaced or removed, as <see cref="StateTree.Replaced"/>.</summary>
    public ReadOnlySpan<byte[]?> Replaced => _changes.Replaced;

    /// <summary>
    /// Makes a version; the version under <paramref name="head"/> (0: the empty tree) stays as it is.
    /// </summary>
    /// <returns>The head of the new version.</returns>
    public int Run(int head, IReadOnlyList<RowChange> changes, TreeRetired retired)
    {
        _changes.Load(changes);
        for (int index = 0; index < _changes.Count; index++)
        {
            _changes.Leaves[index] = TakeLeaf(changes[_changes.Order[index]], index);
        }

        HashLeaves();
        _head = _nodes.Take();
        _nodes[_head] = head == 0 ? default : _nodes[head];
        if (head != 0)
        {
            retired.Nodes.Add(head);
        }

        GoDown(retired);
        GoUp();
        return _head;
    }

    /// <summary>Frees everything that the last version took.</summary>
    public void Undo()
    {
        for (int index = 0; index < _branchCount; index++)
        {
            if (_branches[index].Node != 0)
            {
                _nodes.Free(_branches[index].Node);
            }
        }

        for (int index = 0; index < _changes.Count; index++)
        {
            if (_changes.Leaves[index] != 0)
            {
                _leaves.Free(~_changes.Leaves[index]);
            }
        }

        _nodes.Free(_head);
    }

    /// <summary>Forgets the last version, and gives back the room of an uncommonly large one.</summary>
    public void Forget()
    {
        const int usualSize = 1 << 17;
        _changes.Forget();
        _branchCount = 0;
        if (_branches.Length > 8 * usualSize)
        {
            _branches = new Branch[1024];
        }

        if (_visits.Length > usualSize)
        {
            _visits = new Visit[1024];
            _nextVisits = new Visit[1024];
        }
    }

    private int TakeLeaf(RowChange change, int index)
    {
        if (change.Value is null)
        {
            return 0;
        }

        // ICS-23 cannot prove an empty key or value.
        Invariant.Assert(change.Key.Length > 0 && change.Value.Length > 0);
        int leaf = _leaves.Take();
        _leaves[leaf] = new TreeLeaf { KeyHash = _changes.KeyHashes[index], Key = change.Key, Value = change.Value };
        return ~leaf;
    }

    private void HashLeaves()
    {
        for (int start = 0; start < _changes.Count; start += BatchSize)
        {
            int count = Math.Min(BatchSize, _changes.Count - start);
            for (int index = 0; index < count; index++)
            {
                _pairs[2 * index] = _changes.KeyHashes[start + index];
                _pairs[(2 * index) + 1] = _changes.ValueHashes[_changes.Order[start + index]];
            }

            Sha256Lanes.HashPairs(LeafPrefix, _pairs.AsSpan(0, 2 * count), _changes.LeafHashes.AsSpan(start, count));
        }
    }

    private void GoDown(TreeRetired retired)
    {
        _levels.Clear();
        _branchCount = 0;
        _nextCount = 0;
        Push(0, _changes.Count, 2 * _head);
        for (int depth = 0; _nextCount > 0; depth++)
        {
            // BOUND: distinct keys have distinct hashes, so at 256 bits no two changes are left together.
            Invariant.Assert(depth <= 256);
            (_visits, _nextVisits) = (_nextVisits, _visits);
            int count = _nextCount;
            _nextCount = 0;
            _levels.Add(_branchCount);
            for (int index = 0; index < count; index++)
            {
                Open(_visits[index], depth, retired);
            }
        }
    }

    private void Open(Visit visit, int depth, TreeRetired retired)
    {
        ref TreeNode parent = ref _nodes[visit.Slot >> 1];
        int side = visit.Slot & 1;
        ref int child = ref parent.Child(side);
        if (child <= 0 && !HoldsTwo(visit, child))
        {
            Settle(visit, ref child, ref parent.ChildHash(side), retired);
            return;
        }

        int node = _nodes.Take();
        ref TreeNode copy = ref _nodes[node];
        if (child > 0)
        {
            copy = _nodes[child];
            retired.Nodes.Add(child);
        }
        else
        {
            copy = default;
            if (child < 0)
            {
                int down = _leaves[~child].KeyHash.Bit(depth);
                copy.Child(down) = child;
                copy.ChildHash(down) = parent.ChildHash(side);
            }
        }

        child = node;
        AddBranch(node, visit.Slot);
        int middle = _changes.FindSetBit(visit.Low, visit.High, depth);
        if (middle > visit.Low)
        {
            Push(visit.Low, middle, 2 * node);
            Prefetch(copy.Left);
        }

        if (visit.High > middle)
        {
            Push(middle, visit.High, (2 * node) + 1);
            Prefetch(copy.Right);
        }
    }

    /// <summary>True when an empty subtree or a leaf will hold two leaves or more after the changes.</summary>
    private bool HoldsTwo(Visit visit, int child)
    {
        int count = child < 0 && IndexOf(visit, child) < 0 ? 1 : 0;
        for (int index = visit.Low; index < visit.High && count < 2; index++)
        {
            count += _changes.Leaves[index] != 0 ? 1 : 0;
        }

        return count == 2;
    }

    // The change of the leaf's row, or -1.
    private int IndexOf(Visit visit, int child) => _changes.Find(visit.Low, visit.High, _leaves[~child].KeyHash);

    /// <summary>Puts the one leaf that remains in place of an empty subtree or a leaf, or empties it.</summary>
    private void Settle(Visit visit, ref int child, ref Sha256Digest hash, TreeRetired retired)
    {
        if (child < 0)
        {
            int replacing = IndexOf(visit, child);
            if (replacing < 0)
            {
                return;
            }

            _changes.Replaced[_changes.Order[replacing]] = _leaves[~child].Value;
            retired.Leaves.Add(~child);
        }

        child = 0;
        hash = default;
        for (int index = visit.Low; index < visit.High; index++)
        {
            if (_changes.Leaves[index] != 0)
            {
                child = _changes.Leaves[index];
                hash = _changes.LeafHashes[index];
            }
        }
    }

    private void GoUp()
    {
        int end = _branchCount;
        for (int level = _levels.Count - 1; level >= 0; level--)
        {
            int start = _levels[level];
            for (int index = start; index < end; index++)
            {
                ref Branch branch = ref _branches[index];
                ref TreeNode node = ref _nodes[branch.Node];
                if ((node.Left == 0 && node.Right <= 0) || (node.Right == 0 && node.Left < 0))
                {
                    Collapse(ref branch, in node);
                    continue;
                }

                _pairs[2 * _batched] = node.LeftHash;
                _pairs[(2 * _batched) + 1] = node.RightHash;
                _slots[_batched++] = branch.Slot;
                if (_batched == BatchSize)
                {
                    HashBatch();
                }
            }

            HashBatch();
            end = start;
        }
    }

    /// <summary>A subtree with one leaf is that leaf, and one without leaves is empty.</summary>
    private void Collapse(ref Branch branch, in TreeNode node)
    {
        ref TreeNode parent = ref _nodes[branch.Slot >> 1];
        parent.Child(branch.Slot & 1) = node.Left != 0 ? node.Left : node.Right;
        parent.ChildHash(branch.Slot & 1) = node.Left != 0 ? node.LeftHash : node.RightHash;
        _nodes.Free(branch.Node);
        branch.Node = 0;
    }

    private void HashBatch()
    {
        Sha256Lanes.HashPairs(InnerPrefix, _pairs.AsSpan(0, 2 * _batched), _digests.AsSpan(0, _batched));
        for (int index = 0; index < _batched; index++)
        {
            _nodes[_slots[index] >> 1].ChildHash(_slots[index] & 1) = _digests[index];
        }

        _batched = 0;
    }

    private void Push(int low, int high, int slot)
    {
        if (_nextCount == _nextVisits.Length)
        {
            Array.Resize(ref _nextVisits, _nextCount * 2);
        }

        ref Visit visit = ref _nextVisits[_nextCount++];
        visit.Low = low;
        visit.High = high;
        visit.Slot = slot;
    }

    private void AddBranch(int node, int slot)
    {
        if (_branchCount == _branches.Length)
        {
            Array.Resize(ref _branches, _branchCount * 2);
        }

        ref Branch branch = ref _branches[_branchCount++];
        branch.Node = node;
        branch.Slot = slot;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Prefetch(int child)
    {
        if (child > 0)
        {
            _nodes.Prefetch(child);
        }
        else if (child < 0)
        {
            _leaves.Prefetch(~child);
        }
    }
}
