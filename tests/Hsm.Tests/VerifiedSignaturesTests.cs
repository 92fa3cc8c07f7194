using System;
using System.Linq;
using AppChain.Hsm;
using NUnit.Framework;

namespace AppChain.Tests;

internal sealed class VerifiedSignaturesTests
{
    private readonly SoftwareKey _key = SoftwareKey.FromSeed([.. Enumerable.Repeat((byte)7, 32)]);

    [OneTimeTearDown]
    public void Dispose() => _key.Dispose();

    [Test]
    [Property("Spec", "C21")]
    public void A_signature_is_verified_once()
    {
        var verified = new VerifiedSignatures();
        byte[] signature = _key.Sign("vote"u8);
        for (int i = 0; i < 3; i++) Assert.That(verified.Verify(_key.PublicKey.Span, "vote"u8, signature), Is.True);
        Assert.That(verified.Verifications, Is.EqualTo(1));
    }

    /// <summary>
    /// Every bit of key, message and signature counts, also beside a known signature with the same nonce.
    /// </summary>
    [Test]
    [Property("Spec", "C21")]
    public void Nothing_else_passes_for_a_known_signature()
    {
        var verified = new VerifiedSignatures();
        byte[] key = _key.PublicKey.ToByteArray();
        byte[] message = [1, 2, 3];
        byte[] signature = _key.Sign(message);
        Assert.That(verified.Verify(key, message, signature), Is.True);
        foreach (byte[] part in (byte[][])[key, message, signature])
        {
            for (int bit = 0; bit < part.Length * 8; bit++)
            {
                part[bit / 8] ^= (byte)(1 << (bit % 8));
                Assert.That(verified.Verify(key, message, signature), Is.False, $"bit {bit}");
                Assert.That(verified.Verify(key, message, signature), Is.False, $"bit {bit}, again");
                part[bit / 8] ^= (byte)(1 << (bit % 8));
            }
        }
        Assert.That(verified.Verify(key, [.. message, 0], signature), Is.False);
        Assert.That(verified.Verify(key, message.AsSpan(1), signature), Is.False);
        Assert.That(verified.Verify(key, message, [.. signature, 0]), Is.False);
        Assert.That(verified.Verify(key, message, signature), Is.True);
    }

    [Test]
    public void Long_messages_and_many_signatures_are_verified_and_not_all_kept()
    {
        var verified = new VerifiedSignatures();
        byte[] huge = new byte[5000];
        byte[] signature = _key.Sign(huge);
        Assert.That(verified.Verify(_key.PublicKey.Span, huge, signature), Is.True);
        Assert.That(verified.Verify(_key.PublicKey.Span, huge, signature), Is.True);
        Assert.That(verified.Verifications, Is.Zero, "too long to be remembered");

        byte[] first = _key.Sign(BitConverter.GetBytes(0));
        for (int i = 0; i < 9000; i++)
        {
            byte[] message = BitConverter.GetBytes(i);
            Assert.That(verified.Verify(_key.PublicKey.Span, message, _key.Sign(message)), Is.True);
        }
        Assert.That(verified.Verify(_key.PublicKey.Span, BitConverter.GetBytes(0), first), Is.True);
        Assert.That(verified.Verifications, Is.EqualTo(9001), "the first had been forgotten");
    }
}
