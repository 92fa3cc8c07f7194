using System;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using NUnit.Framework;

namespace AppChain.StateMachine.Tests.Tree;

[TestFixture]
public sealed class Sha256LanesTests
{
    private static readonly Sha256Width[] Widths = [Sha256Width.One, Sha256Width.Eight, Sha256Width.Sixteen];

    [TestCaseSource(nameof(Widths))]
    public void Every_number_of_pairs_hashes_as_the_platform_does(object width)
    {
        SkipUnsupported((Sha256Width)width);
        var random = new Random(1);
        for (int count = 0; count < 70; count++)
        {
            var pairs = new Sha256Digest[2 * count];
            random.NextBytes(MemoryMarshal.AsBytes(pairs.AsSpan()));
            byte prefix = (byte)random.Next(256);
            var digests = new Sha256Digest[count];
            Sha256Lanes.HashPairs((Sha256Width)width, prefix, pairs, digests);
            for (int index = 0; index < count; index++)
            {
                byte[] preimage = [prefix, .. pairs[2 * index].ToArray(), .. pairs[(2 * index) + 1].ToArray()];
                Assert.That(digests[index].ToArray(), Is.EqualTo(SHA256.HashData(preimage)));
            }
        }
    }

    [TestCaseSource(nameof(Widths))]
    public void Messages_of_mixed_lengths_hash_as_the_platform_does(object width)
    {
        SkipUnsupported((Sha256Width)width);
        var random = new Random(2);
        var messages = new byte[1500][];
        for (int index = 0; index < messages.Length; index++)
        {
            messages[index] = new byte[index < 700 ? index : random.Next(0, 130)];
            random.NextBytes(messages[index]);
        }

        random.Shuffle(messages);
        var digests = new Sha256Digest[messages.Length];
        Sha256Lanes.HashMessages((Sha256Width)width, messages, digests);
        for (int index = 0; index < messages.Length; index++)
        {
            Assert.That(digests[index].ToArray(), Is.EqualTo(SHA256.HashData(messages[index])));
        }
    }

    [TestCaseSource(nameof(Widths))]
    public void Self_test_passes_on_this_machine(object width)
    {
        SkipUnsupported((Sha256Width)width);
        Assert.That(Sha256Lanes.AgreesWithPlatform((Sha256Width)width), Is.True);
    }

    [Test]
    public void Chosen_width_is_supported() => Assert.That(Sha256Lanes.IsSupported(Sha256Lanes.Width), Is.True);

    [Test]
    public void Digests_compare_as_bytes_and_count_bits_from_the_top()
    {
        var random = new Random(3);
        for (int round = 0; round < 2000; round++)
        {
            var left = new byte[32];
            var right = new byte[32];
            random.NextBytes(left);
            left.CopyTo(right, 0);
            int position = random.Next(32);
            right[position] = (byte)random.Next(256);
            int order = new Sha256Digest(left).CompareTo(new Sha256Digest(right));
            Assert.That(Math.Sign(order), Is.EqualTo(Math.Sign(left.AsSpan().SequenceCompareTo(right))));
            int bit = random.Next(256);
            Assert.That(new Sha256Digest(left).Bit(bit), Is.EqualTo((left[bit / 8] >> (7 - (bit % 8))) & 1));
        }
    }

    private static void SkipUnsupported(Sha256Width width)
    {
        if (!Sha256Lanes.IsSupported(width))
        {
            Assert.Ignore("this machine has no vectors of that width");
        }
    }
}
