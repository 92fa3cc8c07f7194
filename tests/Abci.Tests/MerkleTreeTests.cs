using System;
using System.Collections.Generic;
using System.Security.Cryptography;
using System.Text;
using AppChain.Abci;
using AppChain.Abci.Wire.Crypto;
using FsCheck;
using FsCheck.Fluent;
using Google.Protobuf;
using NUnit.Framework;

namespace AppChain.Tests;

internal sealed class MerkleTreeTests
{
    [Test]
    public void Empty_list_has_the_hash_of_nothing()
    {
        Assert.That(Convert.ToHexString(MerkleTree.Root([])),
            Is.EqualTo("E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855"));
    }

    /// <summary>Expected values worked out by hand from RFC 6962, section 2.1: split 4 + 3 and so on.</summary>
    [Test]
    public void Seven_leaves_split_at_four()
    {
        byte[][] leaf = Leaves(7);
        byte[][] h = new byte[7][];
        for (int i = 0; i < 7; i++) h[i] = SHA256.HashData([0, .. leaf[i]]);
        byte[] left = Inner(Inner(h[0], h[1]), Inner(h[2], h[3]));
        byte[] right = Inner(Inner(h[4], h[5]), h[6]);
        Assert.That(MerkleTree.Root(leaf), Is.EqualTo(Inner(left, right)));
    }

    [Test]
    public void A_leaf_of_any_length_has_the_hash_of_its_prefix_and_its_bytes(
        [Values(0, 1, 510, 511, 512, 513, 70_000)] int length)
    {
        byte[] leaf = new byte[length];
        new Random(length).NextBytes(leaf);
        Assert.That(MerkleTree.LeafHash(leaf), Is.EqualTo(SHA256.HashData([0, .. leaf])));
    }

    [Test]
    public void The_header_alone_is_that_of_the_whole_part_set([Values(1, 65_535, 65_536, 65_537, 200_000)] int length)
    {
        byte[] block = new byte[length];
        new Random(length).NextBytes(block);
        Assert.That(PartSet.HeaderOf(block), Is.EqualTo(PartSet.Of(block).Header));
    }

    [Test]
    public void Root_agrees_with_a_naive_twin_for_every_small_count()
    {
        for (int count = 1; count <= 70; count++)
        {
            Assert.That(MerkleTree.Root(Leaves(count)), Is.EqualTo(Naive([.. Leaves(count)])), $"{count} leaves");
        }
    }

    [Test]
    public void Every_leaf_is_proven_and_no_other_content_or_place()
    {
        for (int count = 1; count <= 20; count++)
        {
            byte[][] leaves = Leaves(count);
            (byte[] root, IReadOnlyList<Proof> proofs) = MerkleTree.Prove(leaves);
            Assert.That(root, Is.EqualTo(MerkleTree.Root(leaves)));
            for (int i = 0; i < count; i++)
            {
                Assert.That(MerkleTree.Verify(proofs[i], root, leaves[i]), Is.True);
                Assert.That(MerkleTree.Verify(proofs[i], root, leaves[(i + 1) % count]), Is.EqualTo(count == 1));
                Proof moved = proofs[i].Clone();
                moved.Index = (i + 1) % count;
                Assert.That(MerkleTree.Verify(moved, root, leaves[i]), Is.EqualTo(count == 1));
            }
        }
    }

    [Test]
    public void Damaged_proofs_are_refused_without_throwing()
    {
        byte[][] leaves = Leaves(11);
        (byte[] root, IReadOnlyList<Proof> proofs) = MerkleTree.Prove(leaves);
        Gen<(int, int, int)> damage = Gen.Choose(0, 10).SelectMany(leaf =>
            Gen.Choose(0, 6).SelectMany(kind => Gen.Choose(0, 1000).Select(at => (leaf, kind, at))));
        Prop.ForAll(damage.ToArbitrary(), choice =>
        {
            (int index, int kind, int at) = choice;
            Proof proof = proofs[index].Clone();
            switch (kind)
            {
                case 0: proof.Total = at - 500; break;
                case 1: proof.Index = at - 500; break;
                case 2: proof.Aunts.RemoveAt(at % proof.Aunts.Count); break;
                case 3: proof.Aunts.Add(ByteString.CopyFrom(new byte[32])); break;
                case 4: proof.Aunts[at % proof.Aunts.Count] = ByteString.CopyFrom(new byte[at % 40]); break;
                case 5: proof.LeafHash = ByteString.CopyFrom(new byte[32]); break;
                default: proof.Total = long.MaxValue; break;
            }
            // The root says nothing of the total: another one is as good where it leads the same way.
            bool isWhole = proof.Aunts.Equals(proofs[index].Aunts) && proof.LeafHash == proofs[index].LeafHash
                && Way(proof.Index, proof.Total) == Way(index, leaves.Length);
            return isWhole == MerkleTree.Verify(proof, root, leaves[index]);
        }).QuickCheckThrowOnFailure();
        Assert.That(MerkleTree.Verify(null!, root, leaves[0]), Is.False);
    }

    // From the root to a leaf, left and right; null where there is no such leaf.
    private static string? Way(long index, long total)
    {
        if (index < 0 || index >= total) return null;
        if (total == 1) return "";
        long split = 1;
        while (split < total - split) split *= 2;
        return index < split ? "L" + Way(index, split) : "R" + Way(index - split, total - split);
    }

    private static byte[] Naive(List<byte[]> leaves)
    {
        if (leaves.Count == 1) return SHA256.HashData([0, .. leaves[0]]);
        int split = 1;
        while (split * 2 < leaves.Count) split *= 2;
        return Inner(Naive(leaves[..split]), Naive(leaves[split..]));
    }

    private static byte[] Inner(byte[] left, byte[] right) => SHA256.HashData([1, .. left, .. right]);

    private static byte[][] Leaves(int count)
    {
        byte[][] leaves = new byte[count][];
        for (int i = 0; i < count; i++) leaves[i] = Encoding.ASCII.GetBytes($"leaf {i}");
        return leaves;
    }
}
