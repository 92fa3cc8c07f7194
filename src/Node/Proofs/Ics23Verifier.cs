using System;
using System.Collections.Generic;
using System.Diagnostics.CodeAnalysis;
using Cosmos.Ics23.V1;
using Google.Protobuf;

namespace AppChain.Node;

/// <summary>
/// Verifies ICS-23 proofs from anyone against a trusted root and the specification of its tree. Accepts what the
/// reference implementation accepts, as far as it needs no hash function but SHA-256 and SHA-512. Never throws.
/// </summary>
public static class Ics23Verifier
{
    private const int DepthMaxUnstated = 128;

    /// <summary>True when the proof shows that the tree holds the key with the value.</summary>
    /// <param name="spec">What the tree is like; see <see cref="Ics23Specs"/>.</param>
    /// <param name="root">The trusted root.</param>
    /// <param name="proof">The proof.</param>
    /// <param name="key">The key.</param>
    /// <param name="value">The value.</param>
    /// <param name="refusal">Why not; null when the result is true.</param>
    public static bool VerifyMembership(
        ProofSpec spec,
        ReadOnlySpan<byte> root,
        CommitmentProof proof,
        ReadOnlySpan<byte> key,
        ReadOnlySpan<byte> value,
        [NotNullWhen(false)] out string? refusal)
    {
        if (proof.Exist is not { } exist)
        {
            refusal = "not a proof of existence";
        }
        else if (!exist.Key.Span.SequenceEqual(key) || !exist.Value.Span.SequenceEqual(value))
        {
            refusal = "the proof is for another key or value";
        }
        else
        {
            refusal = Refuse(exist, spec, root);
        }

        return refusal is null;
    }

    /// <summary>True when the proof shows that the tree does not hold the key.</summary>
    /// <param name="spec">What the tree is like; see <see cref="Ics23Specs"/>.</param>
    /// <param name="root">The trusted root.</param>
    /// <param name="proof">The proof.</param>
    /// <param name="key">The key.</param>
    /// <param name="refusal">Why not; null when the result is true.</param>
    public static bool VerifyNonMembership(
        ProofSpec spec,
        ReadOnlySpan<byte> root,
        CommitmentProof proof,
        ReadOnlySpan<byte> key,
        [NotNullWhen(false)] out string? refusal)
    {
        refusal = proof.Nonexist is { } nonexist
            ? Refuse(nonexist, spec, root, key)
            : "not a proof of absence";
        return refusal is null;
    }

    /// <summary>The root that a proof of existence leads to; false when its operations cannot be done.</summary>
    public static bool TryCalculateRoot(ExistenceProof proof, [NotNullWhen(true)] out byte[]? root) =>
        TryCalculateRoot(proof, null, out root);

    /// <summary>Why a proof of existence does not meet a specification, whatever its root; null when it does.</summary>
    internal static string? Refuse(ExistenceProof proof, ProofSpec spec)
    {
        if (proof.Leaf is not { } leaf)
        {
            return "the proof has no leaf operation";
        }

        if (Ics23Operations.Refuse(leaf, spec) is { } leafRefusal)
        {
            return leafRefusal;
        }

        int depthMax = spec.MaxDepth == 0 ? DepthMaxUnstated : spec.MaxDepth;
        if (proof.Path.Count < spec.MinDepth || proof.Path.Count > depthMax)
        {
            return "the path is too short or too long";
        }

        for (int index = 0; index < proof.Path.Count; index++)
        {
            if (Ics23Operations.Refuse(proof.Path[index], spec, index + 1) is { } refusal)
            {
                return refusal;
            }
        }

        return null;
    }

    private static string? Refuse(ExistenceProof proof, ProofSpec spec, ReadOnlySpan<byte> root)
    {
        if (Refuse(proof, spec) is { } refusal)
        {
            return refusal;
        }

        if (!TryCalculateRoot(proof, spec.InnerSpec, out byte[]? calculated))
        {
            return "the operations of the proof cannot be done";
        }

        return calculated.AsSpan().SequenceEqual(root) ? null : "the proof leads to another root";
    }

    private static string? Refuse(
        NonExistenceProof proof, ProofSpec spec, ReadOnlySpan<byte> root, ReadOnlySpan<byte> key)
    {
        if (spec.LeafSpec is not { } leafSpec || spec.InnerSpec is not { } innerSpec)
        {
            return "the specification lacks the leaf or the inner node";
        }

        foreach (ExistenceProof? side in (ReadOnlySpan<ExistenceProof?>)[proof.Left, proof.Right])
        {
            if (side is not null && Refuse(side, spec, root) is { } refusal)
            {
                return refusal;
            }
        }

        HashOp prehash = spec.PrehashKeyBeforeComparison ? leafSpec.PrehashKey : HashOp.NoHash;
        if ((proof.Left is not null && !IsBefore(prehash, proof.Left.Key.Span, key))
            || (proof.Right is not null && !IsBefore(prehash, key, proof.Right.Key.Span)))
        {
            return "the key is not between its neighbors";
        }

        bool isComplete = (proof.Left, proof.Right) switch
        {
            (null, null) => false,
            (null, { } right) => Ics23Neighbors.IsLeftmost(innerSpec, right.Path),
            ({ } left, null) => Ics23Neighbors.IsRightmost(innerSpec, left.Path),
            ({ } left, { } right) => Ics23Neighbors.AreNeighbors(innerSpec, left.Path, right.Path),
        };
        return isComplete ? null : "there may be another key between the neighbors";
    }

    private static bool IsBefore(HashOp prehash, ReadOnlySpan<byte> left, ReadOnlySpan<byte> right)
    {
        if (prehash == HashOp.NoHash)
        {
            return left.SequenceCompareTo(right) < 0;
        }

        return Ics23Operations.TryHash(prehash, left, out byte[]? leftHash)
            && Ics23Operations.TryHash(prehash, right, out byte[]? rightHash)
            && leftHash.AsSpan().SequenceCompareTo(rightHash) < 0;
    }

    private static bool TryCalculateRoot(ExistenceProof proof, InnerSpec? spec, [NotNullWhen(true)] out byte[]? root)
    {
        root = null;
        if (proof.Leaf is not { } leaf || !Ics23Operations.TryApply(leaf, proof.Key, proof.Value, out byte[]? hash))
        {
            return false;
        }

        foreach (InnerOp inner in proof.Path)
        {
            if (!Ics23Operations.TryApply(inner, hash, out hash)
                || (spec is not null && spec.ChildSize >= 32 && hash.Length > spec.ChildSize))
            {
                return false;
            }
        }

        root = hash;
        return true;
    }
}
