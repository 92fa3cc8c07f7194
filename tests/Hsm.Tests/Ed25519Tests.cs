using System;
using System.Text;
using System.Text.Json;
using AppChain.Hsm;
using NUnit.Framework;

namespace AppChain.Tests;

internal sealed class Ed25519Tests
{
    /// <summary>
    /// The ZIP-215 test vectors: small-order and non-canonical keys and points, all valid under that rule. libsodium
    /// alone refuses every one of them, which is why it cannot decide for consensus by itself.
    /// </summary>
    [Test]
    [Property("Spec", "SIGN-19")]
    public void All_zip215_vectors_are_accepted_and_libsodium_alone_refuses_them()
    {
        byte[] message = Encoding.ASCII.GetBytes("Zcash");
        int cases = 0;
        int strict = 0;
        foreach (JsonElement pair in JsonDocument.Parse(SharedData.Text("5_vectors", "ed25519_zip215.json.gz"))
            .RootElement.EnumerateArray())
        {
            byte[] key = Convert.FromHexString(pair[0].GetString()!);
            byte[] signature = Convert.FromHexString(pair[1].GetString()!);
            Assert.That(Ed25519.Verify(key, message, signature), Is.True, () => pair.ToString());
            if (Sodium.VerifyStrict(key, message, signature)) strict++;
            cases++;
        }
        Assert.That((cases, strict), Is.EqualTo((196, 0)));
    }

    /// <summary>
    /// 128 vectors of the original distribution: secret and public key, public key, message, signature.
    /// </summary>
    [Test]
    public void Signatures_of_the_original_vectors_are_made_and_verified()
    {
        string text = SharedData.Text("5_vectors", "ed25519_sign_input_djb_128.txt.gz");
        int cases = 0;
        foreach (string line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            string[] fields = line.Split(':');
            byte[] secret = Convert.FromHexString(fields[0]);
            byte[] publicKey = Convert.FromHexString(fields[1]);
            byte[] message = Convert.FromHexString(fields[2]);
            byte[] expected = Convert.FromHexString(fields[3])[..64];
            byte[] derived = new byte[64];
            byte[] signature = new byte[64];
            Sodium.SecretKeyOf(secret.AsSpan(0, 32), derived);
            Sodium.Sign(derived, message, signature);
            Assert.That(derived, Is.EqualTo(secret));
            Assert.That(signature, Is.EqualTo(expected));
            Assert.That(Sodium.VerifyStrict(publicKey, message, signature), Is.True);
            Assert.That(Ed25519.VerifyZip215(publicKey, message, signature), Is.True);

            byte[] damaged = [.. message, 0];
            Assert.That(Sodium.VerifyStrict(publicKey, damaged, signature), Is.False);
            Assert.That(Ed25519.Verify(publicKey, damaged, signature), Is.False);
            cases++;
        }
        Assert.That(cases, Is.EqualTo(128));
    }

    [Test]
    public void Any_flipped_bit_is_refused_by_both_paths()
    {
        byte[] secret = new byte[64];
        byte[] signature = new byte[64];
        byte[] message = Encoding.ASCII.GetBytes("message");
        Sodium.SecretKeyOf(new byte[32], secret);
        Sodium.Sign(secret, message, signature);
        byte[] publicKey = secret[32..];
        Assert.That(Ed25519.VerifyZip215(publicKey, message, signature), Is.True);
        for (int bit = 0; bit < 512; bit += 7)
        {
            byte[] flipped = (byte[])signature.Clone();
            flipped[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.That(Ed25519.Verify(publicKey, message, flipped), Is.False, $"bit {bit}");
        }
        for (int bit = 0; bit < 256; bit += 17)
        {
            byte[] flipped = (byte[])publicKey.Clone();
            flipped[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.That(Ed25519.Verify(flipped, message, signature), Is.False, $"key bit {bit}");
        }
    }

    /// <summary>
    /// Keys and nonces with and without a part of small order, right and wrong equations, irregular encodings: the
    /// product's arithmetic and the naive twin agree on all of them, and both verdicts occur.
    /// </summary>
    [Test]
    [Property("Spec", "SIGN-19")]
    public void Verdicts_agree_with_a_naive_twin()
    {
        Random random = new(17);
        byte[] message = "m"u8.ToArray();
        byte[] secret = new byte[64];
        byte[] seed = new byte[32];
        byte[] signature = new byte[64];
        JsonElement small = JsonDocument.Parse(SharedData.Text("5_vectors", "ed25519_zip215.json.gz")).RootElement;
        int accepted = 0;
        for (int i = 0; i < 120; i++)
        {
            random.NextBytes(seed);
            Sodium.SecretKeyOf(seed, secret);
            Sodium.Sign(secret, message, signature);
            byte[] key = secret[32..];
            JsonElement pair = small[random.Next(small.GetArrayLength())];
            switch (i % 6)
            {
                case 0: break;
                case 1: random.NextBytes(signature.AsSpan(0, 32)); break;
                case 2: random.NextBytes(key); break;
                case 3: Convert.FromHexString(pair[0].GetString()!).CopyTo(key, 0); break;
                case 4: Convert.FromHexString(pair[1].GetString()!).AsSpan(0, 32).CopyTo(signature); break;
                default:
                    Convert.FromHexString(pair[0].GetString()!).CopyTo(key, 0);
                    Convert.FromHexString(pair[1].GetString()!).CopyTo(signature, 0);
                    signature[32] = (byte)(i % 2);
                    break;
            }
            bool expected = NaiveEd25519.Verify(key, message, signature);
            Assert.That(Ed25519.VerifyZip215(key, message, signature), Is.EqualTo(expected), $"case {i}");
            Assert.That(Ed25519.Verify(key, message, signature), Is.EqualTo(expected), $"case {i}");
            if (expected) accepted++;
        }
        Assert.That(accepted, Is.InRange(20, 100));
    }

    /// <summary>
    /// A signature whose nonce point has a part of order 8 added: right with the cofactor, wrong without.
    /// </summary>
    [Test]
    [Property("Spec", "SIGN-19")]
    public void Small_order_part_of_the_nonce_is_ignored()
    {
        (byte[] key, byte[] message, byte[] signature) = NaiveEd25519.SignWithSmallOrderNonce();
        Assert.That(NaiveEd25519.Verify(key, message, signature), Is.True);
        Assert.That(Ed25519.Verify(key, message, signature), Is.True);
        Assert.That(Sodium.VerifyStrict(key, message, signature), Is.False);
        signature[40] ^= 1;
        Assert.That(Ed25519.Verify(key, message, signature), Is.False);
    }

    /// <summary>S plus the group order passes the equation and must still be refused.</summary>
    [Test]
    public void S_beyond_the_order_is_refused()
    {
        byte[] secret = new byte[64];
        byte[] signature = new byte[64];
        Sodium.SecretKeyOf(new byte[32], secret);
        Sodium.Sign(secret, "x"u8, signature);
        System.Numerics.BigInteger order = System.Numerics.BigInteger.Pow(2, 252)
            + System.Numerics.BigInteger.Parse("27742317777372353535851937790883648493");
        System.Numerics.BigInteger s = new(signature.AsSpan(32), isUnsigned: true);
        (s + order).ToByteArray(isUnsigned: true).CopyTo(signature, 32);
        Assert.That(Ed25519.Verify(secret.AsSpan(32), "x"u8, signature), Is.False);
    }

    [Test]
    public void Wrong_sizes_are_refused()
    {
        Assert.That(Ed25519.Verify(new byte[31], [], new byte[64]), Is.False);
        Assert.That(Ed25519.Verify(new byte[32], [], new byte[63]), Is.False);
        Assert.That(Ed25519.Verify([], [], []), Is.False);
        Assert.That(() => Sodium.Sign(new byte[32], [], new byte[64]), Throws.ArgumentException);
    }
}
