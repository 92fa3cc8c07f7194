using System;
using System.Diagnostics.CodeAnalysis;
using AppChain.StateMachine;
using Cosmos.Ics23.V1;
using Google.Protobuf;

namespace AppChain.Node;

/// <summary>Proofs of our state tree in the form of ICS-23, for <see cref="Ics23Specs.Smt"/>.</summary>
public static class Ics23Export
{
    /// <summary>
    /// Proves at a committed height that a row is there, with its value, or that it is not. False when the height is
    /// not kept, or when the tree is empty: ICS-23 has no proof for that.
    /// </summary>
    public static bool TryProve(
        StateTree tree, long height, ReadOnlySpan<byte> key, [NotNullWhen(true)] out CommitmentProof? proof)
    {
        proof = null;
        if (TryProveExistence(tree, height, key, out ExistenceProof? exist))
        {
            proof = new CommitmentProof { Exist = exist };
            return true;
        }

        if (!tree.TryFindNeighbors(height, key, out byte[]? left, out byte[]? right))
        {
            return false;
        }

        var nonexist = new NonExistenceProof { Key = ByteString.CopyFrom(key) };
        if (left is not null)
        {
            if (!TryProveExistence(tree, height, left, out ExistenceProof? leftProof))
            {
                return false;
            }

            nonexist.Left = leftProof;
        }

        if (right is not null)
        {
            if (!TryProveExistence(tree, height, right, out ExistenceProof? rightProof))
            {
                return false;
            }

            nonexist.Right = rightProof;
        }

        proof = left is null && right is null ? null : new CommitmentProof { Nonexist = nonexist };
        return proof is not null;
    }

    /// <summary>The same proof of existence in the form of ICS-23. The proof must be of the kind Present.</summary>
    public static ExistenceProof ToIcs23(StateProof proof, byte[] key, byte[] value)
    {
        if (proof.Kind != StateProofKind.Present)
        {
            throw new ArgumentException("only a proof of existence stands alone in ICS-23", nameof(proof));
        }

        var exist = new ExistenceProof
        {
            Key = ByteString.CopyFrom(key),
            Value = ByteString.CopyFrom(value),
            Leaf = Ics23Specs.Smt.LeafSpec.Clone(),
        };
        byte[] path = System.Security.Cryptography.SHA256.HashData(key);
        for (int depth = proof.Depth - 1; depth >= 0; depth--)
        {
            bool isRight = (path[depth / 8] & (0x80 >> (depth % 8))) != 0;
            ReadOnlySpan<byte> sibling = proof.Sibling(depth);
            exist.Path.Add(new InnerOp
            {
                Hash = HashOp.Sha256,
                Prefix = isRight ? ByteString.CopyFrom([1, .. sibling]) : ByteString.CopyFrom(1),
                Suffix = isRight ? ByteString.Empty : ByteString.CopyFrom(sibling),
            });
        }

        return exist;
    }

    private static bool TryProveExistence(
        StateTree tree, long height, ReadOnlySpan<byte> key, [NotNullWhen(true)] out ExistenceProof? exist)
    {
        exist = null;
        if (tree.TryGet(height, key, out byte[]? value)
            && tree.TryProve(height, key, out StateProof? proof)
            && proof.Kind == StateProofKind.Present)
        {
            exist = ToIcs23(proof, key.ToArray(), value);
        }

        return exist is not null;
    }
}
