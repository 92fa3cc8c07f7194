using System;
using System.Security.Cryptography;
using AppChain.Hashing;
using NUnit.Framework;

namespace AppChain.Abci.Tests;

[TestFixture]
public sealed class Sha256Tests
{
    /// <summary>Examples of FIPS 180-4 for one and for two blocks.</summary>
    [TestCase("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")]
    [TestCase("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1")]
    [TestCase("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")]
    public void The_examples_of_the_standard(string message, string digest) =>
        Assert.That(Convert.ToHexStringLower(Sha256.Hash(System.Text.Encoding.ASCII.GetBytes(message))),
            Is.EqualTo(digest));

    [Test]
    public void Every_length_hashes_as_the_platform_does()
    {
        byte[] message = RandomNumberGenerator.GetBytes(1000);
        for (int length = 0; length <= message.Length; length++)
            Assert.That(Sha256.Hash(message.AsSpan(0, length)), Is.EqualTo(SHA256.HashData(message.AsSpan(0, length))));
    }

    [Test]
    public void A_prefix_and_two_pieces_hash_as_their_concatenation()
    {
        byte[] message = RandomNumberGenerator.GetBytes(150);
        byte[] digest = new byte[Sha256.Size];
        for (int length = 1; length <= message.Length; length++)
        {
            for (int cut = 1; cut <= length; cut += 7)
            {
                Sha256.Hash(message[0], message.AsSpan(1..cut), message.AsSpan(cut..length), digest);
                Assert.That(digest, Is.EqualTo(SHA256.HashData(message.AsSpan(0, length))));
            }
        }
    }

    [Test]
    public void A_digest_of_another_size_is_refused() =>
        Assert.That(() => Sha256.Hash([], new byte[31]), Throws.ArgumentException);

    [Test]
    public void A_digest_may_be_written_over_its_message()
    {
        byte[] bytes = RandomNumberGenerator.GetBytes(Sha256.Size);
        byte[] expected = SHA256.HashData(bytes);
        Sha256.Hash(bytes, bytes);
        Assert.That(bytes, Is.EqualTo(expected));
    }

    [Test]
    public void The_library_is_called_directly_where_it_is_installed()
    {
        if (!System.Runtime.InteropServices.NativeLibrary.TryLoad("libcrypto.so.3", out _))
            Assert.Ignore("libcrypto.so.3 is not installed");
        Assert.That(Sha256.IsDirect);
    }
}
