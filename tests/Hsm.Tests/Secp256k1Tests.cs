using System;
using System.Numerics;
using System.Security.Cryptography;
using System.Threading.Tasks;
using AppChain.Hsm;
using NUnit.Framework;

namespace AppChain.Tests;

internal sealed class Secp256k1Tests
{
    private const string OrderHex = "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141";

    [Test]
    public void Secret_key_one_has_the_generator_as_public_key()
    {
        byte[] one = new byte[32];
        one[31] = 1;
        Assert.That(Convert.ToHexString(Secp256k1.PublicKeyOf(one)),
            Is.EqualTo("0279BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798"));
    }

    /// <summary>A well-known RFC 6979 vector for secp256k1: key 1, message "Satoshi Nakamoto".</summary>
    [Test]
    public void Signature_follows_rfc_6979()
    {
        byte[] one = new byte[32];
        one[31] = 1;
        byte[] signature = new byte[64];
        Secp256k1.Sign(one, SHA256.HashData("Satoshi Nakamoto"u8), signature);
        Assert.That(Convert.ToHexStringLower(signature), Is.EqualTo(
            "934b1ea10a4b3c1757e2b0c017d0b6143ce3c9a7e6a4a49860d7a6ab210ee3d8"
            + "2442ce9d2b916064108014783e923ec36b49743e2ffa1c4496f01a512aafd9e5"));
    }

    [Test]
    public void Signatures_verify_are_low_and_bind_every_input()
    {
        Random random = new(3);
        byte[] secret = new byte[32];
        byte[] digest = new byte[32];
        byte[] signature = new byte[64];
        for (int i = 0; i < 100; i++)
        {
            random.NextBytes(secret);
            random.NextBytes(digest);
            byte[] publicKey = Secp256k1.PublicKeyOf(secret);
            Secp256k1.Sign(secret, digest, signature);
            Assert.That(Secp256k1.IsLowS(signature), Is.True);
            Assert.That(Secp256k1.Verify(publicKey, digest, signature), Is.True);
            Assert.That(Secp256k1.TryParse(publicKey, out Secp256k1.PublicKey key), Is.True);
            Assert.That(Secp256k1.Verify(key, digest, signature), Is.True);
            Assert.That(Secp256k1.Serialize(key), Is.EqualTo(publicKey));

            signature[i % 64] ^= 1;
            Assert.That(Secp256k1.Verify(key, digest, signature), Is.False);
            signature[i % 64] ^= 1;
            digest[i % 32] ^= 1;
            Assert.That(Secp256k1.Verify(key, digest, signature), Is.False);
        }
    }

    [Test]
    public void High_s_twin_of_a_signature_is_refused()
    {
        byte[] secret = new byte[32];
        secret[0] = 7;
        byte[] digest = SHA256.HashData("order"u8);
        byte[] signature = new byte[64];
        Secp256k1.Sign(secret, digest, signature);
        BigInteger order = BigInteger.Parse("0" + OrderHex, System.Globalization.NumberStyles.HexNumber);
        BigInteger s = new(signature.AsSpan(32), isUnsigned: true, isBigEndian: true);
        byte[] high = [.. signature.AsSpan(0, 32), .. (order - s).ToByteArray(isUnsigned: true, isBigEndian: true)];
        Assert.That(high, Has.Length.EqualTo(64));
        Assert.That(Secp256k1.IsLowS(high), Is.False);
        Assert.That(Secp256k1.Verify(Secp256k1.PublicKeyOf(secret), digest, high), Is.False);
        byte[] low = new byte[64];
        Assert.That(Secp256k1.TryNormalize(high, low), Is.True);
        Assert.That(low, Is.EqualTo(signature));
    }

    [TestCase("7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0", true)]
    [TestCase("7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A1", false)]
    [TestCase(OrderHex, false)]
    [TestCase("0000000000000000000000000000000000000000000000000000000000000001", true)]
    public void Half_of_the_order_is_the_highest_low_s(string s, bool isLow)
    {
        Assert.That(Secp256k1.IsLowS([.. new byte[32], .. Convert.FromHexString(s)]), Is.EqualTo(isLow));
    }

    [TestCase("0000000000000000000000000000000000000000000000000000000000000000", false)]
    [TestCase("0000000000000000000000000000000000000000000000000000000000000001", true)]
    [TestCase("FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364140", true)]
    [TestCase(OrderHex, false)]
    [TestCase("01", false)]
    public void Secret_keys_lie_between_zero_and_the_order(string hex, bool isValid)
    {
        byte[] secret = Convert.FromHexString(hex);
        Assert.That(Secp256k1.IsSecretKey(secret), Is.EqualTo(isValid));
        if (isValid || secret.Length != 32) return;
        Assert.That(() => Secp256k1.PublicKeyOf(secret), Throws.TypeOf<CryptographicException>());
        Assert.That(() => Secp256k1.Sign(secret, new byte[32], new byte[64]), Throws.TypeOf<CryptographicException>());
    }

    [Test]
    public void Garbage_never_verifies_and_never_throws()
    {
        Random random = new(9);
        byte[] publicKey = new byte[33];
        byte[] signature = new byte[64];
        for (int i = 0; i < 2000; i++)
        {
            random.NextBytes(publicKey);
            random.NextBytes(signature);
            publicKey[0] = (byte)(i % 8);
            signature[32] &= 0x3F;
            Assert.That(Secp256k1.Verify(publicKey, new byte[32], signature), Is.False);
        }
        Assert.That(Secp256k1.TryParse(new byte[65], out _), Is.False);
        Assert.That(Secp256k1.TryParse([], out _), Is.False);
        Assert.That(Secp256k1.Verify(default, new byte[32], new byte[64]), Is.False, "a key that was never parsed");
        byte[] good = Secp256k1.PublicKeyOf([.. new byte[31], 1]);
        Assert.That(Secp256k1.Verify(good, new byte[32], new byte[64]), Is.False, "zero r and s");
        Assert.That(Secp256k1.Verify(good, new byte[31], new byte[64]), Is.False);
        Assert.That(Secp256k1.Verify(good, new byte[32], new byte[63]), Is.False);
    }

    [Test]
    public void One_context_serves_many_threads()
    {
        Parallel.For(0, 8, worker =>
        {
            byte[] secret = [.. new byte[31], (byte)(worker + 1)];
            byte[] publicKey = Secp256k1.PublicKeyOf(secret);
            byte[] signature = new byte[64];
            for (int i = 0; i < 50; i++)
            {
                byte[] digest = SHA256.HashData(BitConverter.GetBytes(i));
                Secp256k1.Sign(secret, digest, signature);
                if (!Secp256k1.Verify(publicKey, digest, signature)) throw new InvalidOperationException();
            }
        });
    }
}
