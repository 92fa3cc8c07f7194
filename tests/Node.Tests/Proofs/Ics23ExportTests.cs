using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using AppChain.StateMachine;
using Cosmos.Ics23.V1;
using Google.Protobuf;
using NUnit.Framework;

namespace AppChain.Node.Tests.Proofs;

[TestFixture]
public sealed class Ics23ExportTests
{
    [TestCase(1, Description = "T9")]
    [TestCase(2)]
    [TestCase(3)]
    [TestCase(10)]
    [TestCase(400)]
    public void Exported_proofs_pass_the_general_verifier(int rowCount)
    {
        StateTree tree = Tree(rowCount);
        Assert.That(tree.TryGetRoot(1, out byte[]? root), Is.True);
        for (int number = 0; number < rowCount + 200; number++)
        {
            byte[] key = Key(number);
            Assert.That(Ics23Export.TryProve(tree, 1, key, out CommitmentProof? proof), Is.True);
            CommitmentProof read = CommitmentProof.Parser.ParseFrom(proof!.ToByteArray());
            bool isMember = Ics23Verifier.VerifyMembership(Ics23Specs.Smt, root, read, key, Value(number), out _);
            bool isAbsent = Ics23Verifier.VerifyNonMembership(
                Ics23Specs.Smt, root, read, key, out string? refusal);
            Assert.That((isMember, isAbsent), Is.EqualTo((number < rowCount, number >= rowCount)), refusal);
        }
    }

    [Test(Description = "T9")]
    public void Any_changed_bit_makes_an_exported_proof_fail()
    {
        StateTree tree = Tree(20);
        Assert.That(tree.TryGetRoot(1, out byte[]? root), Is.True);
        foreach (int number in (int[])[3, 17, 20, 21, 22, 23])
        {
            byte[] key = Key(number);
            Assert.That(Ics23Export.TryProve(tree, 1, key, out CommitmentProof? proof), Is.True);
            byte[] bytes = proof!.ToByteArray();
            for (int bit = 0; bit < bytes.Length * 8; bit++)
            {
                byte[] changed = [.. bytes];
                changed[bit / 8] ^= (byte)(1 << (bit % 8));
                if (TryParse(changed, out CommitmentProof? read) && !SaysTheSame(read!, proof!))
                {
                    bool isAccepted =
                        Ics23Verifier.VerifyMembership(Ics23Specs.Smt, root, read!, key, Value(number), out _)
                        || Ics23Verifier.VerifyNonMembership(Ics23Specs.Smt, root, read!, key, out _);
                    Assert.That(isAccepted, Is.False, $"row {number}, bit {bit}");
                }
            }
        }
    }

    [Test(Description = "T9")]
    public void Absence_needs_the_nearest_neighbors()
    {
        StateTree tree = Tree(60);
        Assert.That(tree.TryGetRoot(1, out byte[]? root), Is.True);
        List<ExistenceProof> byHash = Enumerable.Range(0, 60)
            .OrderBy(number => Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(Key(number))))
            .Select(number => Prove(tree, number))
            .ToList();
        for (int left = 0; left < 59; left++)
        {
            for (int right = left + 2; right < Math.Min(left + 5, 60); right++)
            {
                // The key between these two is there; a proof that leaves it out must not pass for it.
                var forged = new CommitmentProof
                {
                    Nonexist = new NonExistenceProof { Left = byHash[left], Right = byHash[right] },
                };
                byte[] present = byHash[left + 1].Key.ToByteArray();
                Assert.That(
                    Ics23Verifier.VerifyNonMembership(Ics23Specs.Smt, root, forged, present, out _), Is.False);
            }
        }

        var onlyLeft = new CommitmentProof { Nonexist = new NonExistenceProof { Left = byHash[57] } };
        var onlyRight = new CommitmentProof { Nonexist = new NonExistenceProof { Right = byHash[1] } };
        byte[] last = byHash[58].Key.ToByteArray();
        byte[] first = byHash[0].Key.ToByteArray();
        Assert.That(Ics23Verifier.VerifyNonMembership(Ics23Specs.Smt, root, onlyLeft, last, out _), Is.False);
        Assert.That(Ics23Verifier.VerifyNonMembership(Ics23Specs.Smt, root, onlyRight, first, out _), Is.False);
    }

    [Test]
    public void Nothing_can_be_exported_from_an_empty_tree_or_an_unknown_height()
    {
        Assert.That(Ics23Export.TryProve(Tree(0), 1, Key(1), out _), Is.False);
        Assert.That(Ics23Export.TryProve(Tree(3), 2, Key(1), out _), Is.False);
    }

    private static ExistenceProof Prove(StateTree tree, int number)
    {
        Assert.That(Ics23Export.TryProve(tree, 1, Key(number), out CommitmentProof? proof), Is.True);
        return proof!.Exist;
    }

    // The key inside a proof of absence is a note that no verifier reads, and in protobuf a changed tag can make a
    // field an unknown one or write a default value: such bytes are another encoding of the same proof.
    private static bool SaysTheSame(CommitmentProof left, CommitmentProof right)
    {
        var formatter = new JsonFormatter(JsonFormatter.Settings.Default);
        return formatter.Format(WithoutNote(left)) == formatter.Format(WithoutNote(right));
    }

    private static CommitmentProof WithoutNote(CommitmentProof proof)
    {
        CommitmentProof copy = proof.Clone();
        if (copy.Nonexist is not null)
        {
            copy.Nonexist.Key = ByteString.Empty;
        }

        return copy;
    }

    private static bool TryParse(byte[] bytes, out CommitmentProof? proof)
    {
        try
        {
            proof = CommitmentProof.Parser.ParseFrom(bytes);
            return true;
        }
        catch (InvalidProtocolBufferException)
        {
            proof = null;
            return false;
        }
    }

    private static StateTree Tree(int rowCount)
    {
        var tree = new StateTree();
        tree.Apply(1, Enumerable.Range(0, rowCount).Select(row => new RowChange(Key(row), Value(row), false)).ToList());
        tree.Commit();
        return tree;
    }

    private static byte[] Key(int number) => Encoding.ASCII.GetBytes($"key {number}");

    private static byte[] Value(int number) => Encoding.ASCII.GetBytes($"value {number}");
}
