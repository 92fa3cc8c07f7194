using System;
using System.Collections.Generic;
using System.Text;
using NUnit.Framework;

namespace AppChain.StateMachine.Tests.Tree;

[TestFixture]
public sealed class StateProofTests
{
    [Test(Description = "T5, T7")]
    public void Proofs_of_every_kept_version_verify_and_show_nothing_else()
    {
        var kinds = new HashSet<StateProofKind>();
        var history = new TreeHistory(seed: 21, keyCount: 150, versionsKept: 6, firstVersion: 1);
        for (int step = 0; step < 25; step++)
        {
            history.Step(changeCount: 40, removePercent: 45);
            foreach ((long version, SortedDictionary<byte[], byte[]> rows) in history.Kept)
            {
                byte[] key = history.RandomKey();
                StateProof proof = Prove(history.Tree, version, key, out byte[] root);
                bool isThere = rows.TryGetValue(key, out byte[]? value);
                Assert.That(proof.Kind == StateProofKind.Present, Is.EqualTo(isThere));
                Assert.That(StateProof.Verify(proof, root, key, value), Is.True);
                Assert.That(StateProof.Verify(proof, root, key, isThere ? null : [1]), Is.False);
                Assert.That(StateProof.Verify(proof, root, key, [9, 9, 9]), Is.False);
                Assert.That(isThere && StateProof.Verify(proof, root, [.. key, 0], value), Is.False);
                kinds.Add(proof.Kind);
            }
        }

        Assert.That(kinds, Has.Count.EqualTo(3));
    }

    [Test(Description = "T7, T8")]
    public void Any_changed_bit_makes_a_proof_fail()
    {
        var tree = new StateTree();
        var changes = new List<RowChange>();
        for (int number = 0; number < 40; number++)
        {
            changes.Add(new RowChange(Key(number), Key(number + 1000), false));
        }

        tree.Apply(1, changes);
        tree.Commit();
        var kinds = new HashSet<StateProofKind>();
        for (int number = 0; number < 12; number++)
        {
            StateProof proof = Prove(tree, 1, Key(number * 7), out byte[] root);
            byte[]? value = tree.TryGet(1, Key(number * 7), out byte[]? found) ? found : null;
            kinds.Add(proof.Kind);
            byte[] bytes = proof.Encode();
            Assert.That(VerifyBytes(bytes, root, Key(number * 7), value), Is.True);
            for (int bit = 0; bit < bytes.Length * 8; bit++)
            {
                Assert.That(VerifyBytes(Flip(bytes, bit), root, Key(number * 7), value), Is.False, $"bit {bit}");
            }

            for (int bit = 0; bit < root.Length * 8; bit++)
            {
                Assert.That(VerifyBytes(bytes, Flip(root, bit), Key(number * 7), value), Is.False);
            }
        }

        Assert.That(kinds, Has.Count.EqualTo(3));
    }

    [Test(Description = "T8")]
    public void A_proof_has_one_encoding()
    {
        var history = new TreeHistory(seed: 22, keyCount: 300, versionsKept: 2, firstVersion: 1);
        for (int step = 0; step < 10; step++)
        {
            history.Step(changeCount: 100, removePercent: 30);
        }

        for (int probe = 0; probe < 200; probe++)
        {
            byte[] bytes = Prove(history.Tree, history.Tree.Version, history.RandomKey(), out _).Encode();
            Assert.That(StateProof.TryDecode(bytes, out StateProof? decoded), Is.True);
            Assert.That(decoded!.Encode(), Is.EqualTo(bytes));
            Assert.That(StateProof.TryDecode([.. bytes, 0], out _), Is.False);
            Assert.That(StateProof.TryDecode(bytes.AsSpan(0, bytes.Length - 1), out _), Is.False);
        }
    }

    [Test]
    public void Random_bytes_never_throw()
    {
        var random = new Random(23);
        for (int round = 0; round < 20_000; round++)
        {
            var bytes = new byte[random.Next(0, 120)];
            random.NextBytes(bytes);
            if (bytes.Length > 2)
            {
                bytes[0] = (byte)random.Next(0, 5);
                bytes[1] = 0;
                bytes[2] = (byte)random.Next(0, 6);
            }

            if (StateProof.TryDecode(bytes, out StateProof? proof))
            {
                Assert.That(proof.Encode(), Is.EqualTo(bytes));
                Assert.That(StateProof.Verify(proof, new byte[32], "k"u8, null), Is.EqualTo(bytes is [3, 0, 0]));
            }
        }
    }

    [Test]
    public void Neighbors_of_an_absent_key_enclose_it_by_hash()
    {
        var history = new TreeHistory(seed: 24, keyCount: 60, versionsKept: 2, firstVersion: 1);
        for (int step = 0; step < 30; step++)
        {
            history.Step(changeCount: 10, removePercent: 50);
            for (int probe = 0; probe < 60 && history.Kept.Count > 0; probe++)
            {
                byte[] key = history.RandomKey();
                bool isAbsent = history.Tree.TryFindNeighbors(
                    history.Tree.Version, key, out byte[]? left, out byte[]? right);
                Assert.That(isAbsent, Is.EqualTo(!history.Rows.ContainsKey(key)));
                if (isAbsent)
                {
                    Assert.That((left, right), Is.EqualTo(NaiveNeighbors(history.Rows.Keys, key)));
                }
            }
        }
    }

    private static (byte[]? Left, byte[]? Right) NaiveNeighbors(IEnumerable<byte[]> keys, byte[] key)
    {
        byte[]? left = null;
        byte[]? right = null;
        foreach (byte[] other in keys)
        {
            if (CompareHashes(other, key) < 0 && (left is null || CompareHashes(other, left) > 0))
            {
                left = other;
            }

            if (CompareHashes(other, key) > 0 && (right is null || CompareHashes(other, right) < 0))
            {
                right = other;
            }
        }

        return (left, right);
    }

    private static int CompareHashes(byte[] left, byte[] right) =>
        System.Security.Cryptography.SHA256.HashData(left).AsSpan()
            .SequenceCompareTo(System.Security.Cryptography.SHA256.HashData(right));

    private static StateProof Prove(StateTree tree, long version, byte[] key, out byte[] root)
    {
        Assert.That(tree.TryGetRoot(version, out byte[]? found), Is.True);
        Assert.That(tree.TryProve(version, key, out StateProof? proof), Is.True);
        root = found!;
        return proof!;
    }

    private static bool VerifyBytes(byte[] bytes, byte[] root, byte[] key, byte[]? value) =>
        StateProof.TryDecode(bytes, out StateProof? proof) && StateProof.Verify(proof, root, key, value);

    private static byte[] Flip(byte[] bytes, int bit)
    {
        byte[] flipped = [.. bytes];
        flipped[bit / 8] ^= (byte)(1 << (bit % 8));
        return flipped;
    }

    private static byte[] Key(int number) => Encoding.ASCII.GetBytes($"row {number}");
}
