using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Security.Cryptography;
using System.Threading.Tasks;
using AppChain.Abci.Wire.Types;
using NUnit.Framework;

namespace AppChain.Hsm.Tests;

/// <summary>Keys in a PKCS#11 device (docs/spec/devices.md), on SoftHSM 2.</summary>
[TestFixture]
[NonParallelizable]
public sealed class Pkcs11Tests
{
    [TestCase(Pkcs11KeyType.Ed25519)]
    [TestCase(Pkcs11KeyType.Secp256k1)]
    public void HSM_1_A_key_made_in_the_device_cannot_leave_it(Pkcs11KeyType type)
    {
        string token = SoftHsmDevice.NewToken();
        using Pkcs11Session session = SoftHsmDevice.Open(token);
        Pkcs11KeyInfo key = session.Generate(type, "k");
        Assert.That(key.IsConfined, Is.True);
        Assert.That(key.Attributes.Select(attribute => attribute.Value), Has.All.True);
        (nuint handle, _) = session.FindKey("k");
        Assert.That(session.TryRead(handle, Cryptoki.Value, out byte[] value), Is.EqualTo(Cryptoki.AttributeSensitive));
        Assert.That(value, Is.Empty);
    }

    [Test]
    public void HSM_2_An_Ed25519_key_signs_what_others_verify()
    {
        using Pkcs11Key key = SoftHsmDevice.NewKey(Pkcs11KeyType.Ed25519);
        foreach (int length in new[] { 0, 1, 120, 4_096 })
        {
            byte[] message = RandomNumberGenerator.GetBytes(length);
            byte[] signature = key.Sign(message);
            Assert.That(Ed25519.Verify(key.PublicKey.Span, message, signature), Is.True);
            Assert.That(key.Sign(message), Is.EqualTo(signature), "Ed25519 is deterministic");
        }
    }

    [Test]
    public void HSM_2_A_secp256k1_key_always_gives_a_low_s()
    {
        using Pkcs11Key key = SoftHsmDevice.NewKey(Pkcs11KeyType.Secp256k1);
        for (int i = 0; i < 60; i++)
        {
            byte[] digest = SHA256.HashData([(byte)i]);
            byte[] signature = key.Sign(digest);
            Assert.That(Secp256k1.IsLowS(signature), Is.True);
            Assert.That(Secp256k1.Verify(key.PublicKey.Span, digest, signature), Is.True);
        }
    }

    [Test]
    public void HSM_3_A_signature_that_does_not_verify_stays_inside([Values] Pkcs11KeyType type)
    {
        string token = SoftHsmDevice.NewToken();
        using Pkcs11Session session = SoftHsmDevice.Open(token);
        Pkcs11KeyInfo key = session.Generate(type, "k");
        byte[] message = new byte[32];
        byte[] signature = session.Sign(session.FindKey("k").Handle, type, message);
        Assert.That(Pkcs11Key.Verified(key, message, signature), Has.Length.EqualTo(64));
        signature[40] ^= 1;
        Assert.That(
            () => Pkcs11Key.Verified(key, message, signature),
            Throws.InstanceOf<Pkcs11Exception>().With.Message.Contains("not released"));
    }

    [Test]
    public void HSM_4_A_device_that_was_away_is_opened_again()
    {
        using Pkcs11Key key = SoftHsmDevice.NewKey(Pkcs11KeyType.Ed25519);
        using Pkcs11Key other = SoftHsmDevice.NewKey(Pkcs11KeyType.Secp256k1);
        byte[] before = key.Sign([1]);
        string away = SoftHsmDevice.Tokens + ".away";
        Directory.Move(SoftHsmDevice.Tokens, away);
        Directory.CreateDirectory(SoftHsmDevice.Tokens);
        try
        {
            SoftHsmDevice.Module().Restart(SoftHsmDevice.Module().Generation);
            Assert.That(() => key.Sign([1]), Throws.InstanceOf<IOException>());
            Assert.That(() => key.Sign([1]), Throws.InstanceOf<IOException>());
        }
        finally
        {
            Directory.Delete(SoftHsmDevice.Tokens);
            Directory.Move(away, SoftHsmDevice.Tokens);
        }

        // The module lists its tokens when it starts.
        SoftHsmDevice.Module().Restart(SoftHsmDevice.Module().Generation);
        Assert.That(key.Sign([1]), Is.EqualTo(before));
        Assert.That(other.Sign(new byte[32]), Has.Length.EqualTo(64));
    }

    [Test]
    public void HSM_4_A_module_that_was_shut_down_is_no_loss()
    {
        using Pkcs11Key key = SoftHsmDevice.NewKey(Pkcs11KeyType.Ed25519);
        byte[] before = key.Sign([2]);
        SoftHsmDevice.Module().Restart(SoftHsmDevice.Module().Generation);
        Assert.That(key.Sign([2]), Is.EqualTo(before));
    }

    [Test]
    public void HSM_5_Wrong_PINs_wrong_labels_and_missing_modules_say_what_to_do()
    {
        string token = SoftHsmDevice.NewToken();
        Assert.That(
            () => SoftHsmDevice.Open(token, "000000"),
            Throws.InstanceOf<Pkcs11Exception>().With.Message.Contains("CKR_PIN_INCORRECT").And.Message
                .Contains("PIN is wrong"));
        using (SoftHsmDevice.Open(token))
        {
        }

        Assert.That(
            () => SoftHsmDevice.Module().Find("nobody"),
            Throws.InstanceOf<Pkcs11Exception>().With.Message.Contains(token));
        Assert.That(
            () => Pkcs11Key.Open(Pkcs11Module.SoftHsm, token, "nokey", () => SoftHsmDevice.Pin),
            Throws.InstanceOf<Pkcs11Exception>().With.Message.Contains("hsm keygen"));
        Assert.That(
            () => Pkcs11Module.Load("/no/such/module.so"),
            Throws.InstanceOf<Pkcs11Exception>().With.Message.Contains("apt-get install softhsm2"));
        Assert.That(
            () => Pkcs11Module.Load(typeof(Pkcs11Tests).Assembly.Location),
            Throws.InstanceOf<Pkcs11Exception>().With.Message.Contains("no PKCS#11 module"));
    }

    [Test]
    public void HSM_5_A_refused_PIN_is_not_tried_again()
    {
        string token = SoftHsmDevice.NewToken();
        using (Pkcs11Session session = SoftHsmDevice.Open(token)) session.Generate(Pkcs11KeyType.Ed25519, "k");
        string pin = SoftHsmDevice.Pin;
        using var key = Pkcs11Key.Open(Pkcs11Module.SoftHsm, token, "k", () => pin);
        pin = "000000";
        SoftHsmDevice.Module().Restart(SoftHsmDevice.Module().Generation);
        Assert.That(
            () => key.Sign([1]), Throws.InstanceOf<Pkcs11Exception>().With.Message.Contains("CKR_PIN_INCORRECT"));
        Assert.That(() => key.Sign([1]), Throws.InstanceOf<Pkcs11Exception>().With.Message.Contains("not tried again"));
        pin = SoftHsmDevice.Pin;
        Assert.That(key.Sign([1]), Has.Length.EqualTo(64), "the file was corrected");
    }

    [Test]
    public void HSM_5_A_PIN_is_asked_for_once_and_used_again_after_a_loss()
    {
        string token = SoftHsmDevice.NewToken();
        using (Pkcs11Session session = SoftHsmDevice.Open(token)) session.Generate(Pkcs11KeyType.Ed25519, "k");
        var questions = new List<string>();
        using ISigningKey key = KeyPlace.Open($"pkcs11:token={token};key=k", question =>
        {
            questions.Add(question);
            return SoftHsmDevice.Pin;
        });
        SoftHsmDevice.Module().Restart(SoftHsmDevice.Module().Generation);
        Assert.That(key.Sign([1]), Has.Length.EqualTo(64));
        Assert.That(questions, Is.EqualTo(new[] { $"PIN of token '{token}': " }));
        Assert.That(
            () => KeyPlace.Open($"pkcs11:token={token};key=k"),
            Throws.InstanceOf<IOException>().With.Message.Contains("a PIN is needed"));
    }

    [Test]
    public void HSM_6_Labels_are_unique()
    {
        string token = SoftHsmDevice.NewToken();
        using Pkcs11Session session = SoftHsmDevice.Open(token);
        session.Generate(Pkcs11KeyType.Ed25519, "k");
        Assert.That(() => session.Generate(Pkcs11KeyType.Secp256k1, "k"), Throws.InstanceOf<Pkcs11Exception>());
        Assert.That(
            () => SoftHsmDevice.Module().InitializeToken(token, SoftHsmDevice.OfficerPin, SoftHsmDevice.Pin),
            Throws.InstanceOf<Pkcs11Exception>());
        Assert.That(session.Keys().Select(key => key.Label), Is.EqualTo(new[] { "k" }));
    }

    [Test]
    public void Several_tokens_and_threads_sign_at_once()
    {
        using Pkcs11Key first = SoftHsmDevice.NewKey(Pkcs11KeyType.Ed25519);
        using Pkcs11Key second = SoftHsmDevice.NewKey(Pkcs11KeyType.Ed25519);
        var wrong = new List<int>();
        Parallel.For(0, 200, i =>
        {
            Pkcs11Key key = i % 2 == 0 ? first : second;
            byte[] message = BitConverter.GetBytes(i);
            if (!Ed25519.Verify(key.PublicKey.Span, message, key.Sign(message)))
            {
                lock (wrong) wrong.Add(i);
            }
        });
        Assert.That(wrong, Is.Empty);
    }

    [Test]
    public void The_guard_stands_in_front_of_the_device()
    {
        using Pkcs11Key key = SoftHsmDevice.NewKey(Pkcs11KeyType.Ed25519);
        var signer = new ConsensusSigner("chain", key, SignState.Fresh, static _ => { });
        var vote = new Vote
        {
            Type = SignedMsgType.Prevote,
            Height = 5,
            BlockId = new BlockID(),
            Timestamp = new Google.Protobuf.WellKnownTypes.Timestamp { Seconds = 1 },
        };
        Vote signed = signer.SignVote(vote.Clone());
        Assert.That(Ed25519.Verify(key.PublicKey.Span, SignBytes.Vote("chain", vote), signed.Signature.Span), Is.True);
        vote.Height = 4;
        Assert.That(() => signer.SignVote(vote), Throws.InstanceOf<SigningRefusedException>());
    }
}
