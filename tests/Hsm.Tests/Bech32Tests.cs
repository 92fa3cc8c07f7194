using System;
using AppChain.Hsm;
using FsCheck;
using FsCheck.Fluent;
using NUnit.Framework;

namespace AppChain.Tests;

/// <summary>Vectors of BIP-173.</summary>
internal sealed class Bech32Tests
{
    [TestCase("A12UEL5L", "a")]
    [TestCase("a12uel5l", "a")]
    [TestCase("an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1tt5tgs",
        "an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio")]
    [TestCase("abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw", "abcdef")]
    [TestCase("11qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqc8247j", "1")]
    [TestCase("split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w", "split")]
    [TestCase("?1ezyfcl", "?")]
    public void Valid_texts_are_read(string text, string prefix)
    {
        Assert.That(Bech32.TryDecodeGroups(text, out string? found, out _), Is.True);
        Assert.That(found, Is.EqualTo(prefix));
    }

    [TestCase("\u00201nwldj5")]
    [TestCase("\u007F1axkwrx")]
    [TestCase("\u00801eym55h")]
    [TestCase("an84characterslonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1569pvx")]
    [TestCase("pzry9x0s0muk")]
    [TestCase("1pzry9x0s0muk")]
    [TestCase("x1b4n0q5v")]
    [TestCase("li1dgmt3")]
    [TestCase("de1lg7wt\u00FF")]
    [TestCase("A1G7SGD8")]
    [TestCase("10a06t8")]
    [TestCase("1qzzfhee")]
    [TestCase("A12uel5l")]
    [TestCase("")]
    public void Invalid_texts_are_refused(string text)
    {
        Assert.That(Bech32.TryDecodeGroups(text, out _, out _), Is.False);
        Assert.That(Bech32.TryDecode(text, out _, out _), Is.False);
    }

    [TestCase("BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4", "751e76e8199196d454941c45d1b3a323f1433bd6")]
    [TestCase("tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7",
        "1863143c14c5166804bd19203356da136c985678cd4d27a1b8c6329604903262")]
    public void Data_of_the_segwit_vectors_is_joined_to_bytes(string text, string expected)
    {
        Assert.That(Bech32.TryDecodeGroups(text, out _, out byte[]? groups), Is.True);
        Assert.That(groups![0], Is.Zero, "witness version");
        Assert.That(Bech32.TryJoin(groups.AsSpan(1), out byte[]? bytes), Is.True);
        Assert.That(Convert.ToHexStringLower(bytes!), Is.EqualTo(expected));
    }

    [TestCase("bc1zw508d6qejxtdg4y5r3zarvaryvqyzf3du")]
    [TestCase("tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3pjxtptv")]
    public void Padding_of_five_bits_or_not_of_zeros_is_refused(string text)
    {
        Assert.That(Bech32.TryDecodeGroups(text, out _, out byte[]? groups), Is.True, "the checksum is right");
        Assert.That(Bech32.TryJoin(groups.AsSpan(1), out _), Is.False);
    }

    [Test]
    public void Bytes_survive_a_round_trip()
    {
        Prop.ForAll(ArbMap.Default.ArbFor<byte[]>(), bytes =>
        {
            if (bytes.Length > 40) return true;
            string text = Bech32.Encode("app", bytes);
            return Bech32.TryDecode(text, out string? prefix, out byte[]? back) && prefix == "app"
                && back.AsSpan().SequenceEqual(bytes) && Bech32.TryDecode(text.ToUpperInvariant(), out _, out _);
        }).QuickCheckThrowOnFailure();
    }

    [Test]
    public void Address_is_derived_from_the_compressed_key()
    {
        byte[] publicKey = Convert.FromHexString("0279BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798");
        byte[] address = AccountAddress.AddressOf(publicKey);
        Assert.That(Convert.ToHexStringLower(address), Is.EqualTo("0f715baf5d4c2ed329785cef29e562f73488c8a2"));
        string text = AccountAddress.ToText(address);
        Assert.That(text, Does.StartWith("app1").And.Length.EqualTo(42));
        Assert.That(AccountAddress.TryParse(text, out byte[]? back, out _), Is.True);
        Assert.That(back, Is.EqualTo(address));
    }

    [Test]
    public void Bad_addresses_say_why()
    {
        string good = AccountAddress.ToText(new byte[20]);
        string mistyped = good[..10] + (good[10] == 'q' ? 'p' : 'q') + good[11..];
        Assert.That(Reason(mistyped), Is.EqualTo("mistyped: the checksum does not fit"));
        Assert.That(Reason(Bech32.Encode("cosmos", new byte[20])),
            Is.EqualTo("begins with 'cosmos1' instead of 'app1'"));
        Assert.That(Reason(Bech32.Encode("app", new byte[32])), Is.EqualTo("holds 32 bytes instead of 20"));
    }

    private static string? Reason(string text)
    {
        Assert.That(AccountAddress.TryParse(text, out _, out string? reason), Is.False);
        return reason;
    }
}
