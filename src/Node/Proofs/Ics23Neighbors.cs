using System;
using System.Collections.Generic;
using Cosmos.Ics23.V1;
using Google.Protobuf;

namespace AppChain.Node;

/// <summary>
/// Where the paths of existence proofs run: whether one is at an end of its tree, and whether nothing can be between
/// two. A step tells which child it came from by the lengths of its prefix and suffix.
/// </summary>
internal static class Ics23Neighbors
{
    /// <summary>True when every step came from the first child, or has only empty children to its left.</summary>
    public static bool IsLeftmost(InnerSpec spec, IEnumerable<InnerOp> path)
    {
        foreach (InnerOp step in path)
        {
            if (!CameFrom(spec, step, 0) && !IsEmptyToTheLeft(spec, step))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>True when every step came from the last child, or has only empty children to its right.</summary>
    public static bool IsRightmost(InnerSpec spec, IEnumerable<InnerOp> path)
    {
        foreach (InnerOp step in path)
        {
            if (!CameFrom(spec, step, spec.ChildOrder.Count - 1) && !IsEmptyToTheRight(spec, step))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>
    /// True when the paths part at neighboring children of one node, and from there run along the two sides of the
    /// gap between them. Both paths lead to the same root.
    /// </summary>
    public static bool AreNeighbors(InnerSpec spec, IReadOnlyList<InnerOp> left, IReadOnlyList<InnerOp> right)
    {
        int leftTop = left.Count - 1;
        int rightTop = right.Count - 1;
        while (leftTop >= 0 && rightTop >= 0
            && left[leftTop].Prefix.Equals(right[rightTop].Prefix)
            && left[leftTop].Suffix.Equals(right[rightTop].Suffix))
        {
            leftTop--;
            rightTop--;
        }

        if (leftTop < 0 || rightTop < 0)
        {
            return false;
        }

        int leftBranch = FindBranch(spec, left[leftTop]);
        return leftBranch >= 0
            && FindBranch(spec, right[rightTop]) == leftBranch + 1
            && IsRightmost(spec, Below(left, leftTop))
            && IsLeftmost(spec, Below(right, rightTop));
    }

    /// <summary>True when a step came from a child with others to its left, and all of them are empty.</summary>
    public static bool IsEmptyToTheLeft(InnerSpec spec, InnerOp step)
    {
        int branches = FindBranch(spec, step);
        int start = step.Prefix.Length - (branches * spec.ChildSize);
        return branches > 0 && start >= 0 && AreEmpty(spec, step.Prefix, start, branches);
    }

    /// <summary>True when a step came from a child with others to its right, and all of them are empty.</summary>
    public static bool IsEmptyToTheRight(InnerSpec spec, InnerOp step)
    {
        int branch = FindBranch(spec, step);
        int branches = spec.ChildOrder.Count - 1 - branch;
        return branch >= 0
            && branches > 0
            && step.Suffix.Length == branches * spec.ChildSize
            && AreEmpty(spec, step.Suffix, 0, branches);
    }

    private static IEnumerable<InnerOp> Below(IReadOnlyList<InnerOp> path, int top)
    {
        for (int index = 0; index < top; index++)
        {
            yield return path[index];
        }
    }

    private static bool AreEmpty(InnerSpec spec, ByteString bytes, int start, int count)
    {
        if (spec.EmptyChild.Length != spec.ChildSize)
        {
            return false;
        }

        for (int index = 0; index < count; index++)
        {
            int from = start + (index * spec.ChildSize);
            if (!bytes.Span.Slice(from, spec.ChildSize).SequenceEqual(spec.EmptyChild.Span))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>The child, counted in key order, that a step came from; -1 when it fits none.</summary>
    private static int FindBranch(InnerSpec spec, InnerOp step)
    {
        for (int branch = 0; branch < spec.ChildOrder.Count; branch++)
        {
            if (CameFrom(spec, step, branch))
            {
                return branch;
            }
        }

        return -1;
    }

    private static bool CameFrom(InnerSpec spec, InnerOp step, int branch)
    {
        int place = spec.ChildOrder.IndexOf(branch);
        int before = place * spec.ChildSize;
        return place >= 0
            && step.Prefix.Length >= before + spec.MinPrefixLength
            && step.Prefix.Length <= before + spec.MaxPrefixLength
            && step.Suffix.Length == (spec.ChildOrder.Count - 1 - place) * spec.ChildSize;
    }
}
