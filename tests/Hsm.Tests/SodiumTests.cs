using System;
using System.Text;
using AppChain.Hsm;
using NUnit.Framework;

namespace AppChain.Tests;

internal sealed class SodiumTests
{
    /// <summary>Vector of draft-irtf-cfrg-xchacha-03, appendix A.3.1.</summary>
    [Test]
    public void Sealing_gives_the_published_bytes()
    {
        byte[] plain = Encoding.ASCII.GetBytes("Ladies and Gentlemen of the class of '99: If I could offer you only "
            + "one "
            + "tip for the future, sunscreen would be it.");
        byte[] associated = Convert.FromHexString("50515253c0c1c2c3c4c5c6c7");
        byte[] key = Convert.FromHexString("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f");
        byte[] nonce = Convert.FromHexString("404142434445464748494a4b4c4d4e4f5051525354555657");
        byte[] result = new byte[plain.Length + Sodium.SealTagSize];
        Sodium.Seal(key, nonce, plain, associated, result);
        Assert.That(Convert.ToHexStringLower(result), Is.EqualTo(
            "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa6440bf3a82f4eda7e39ae64c670"
            + "8c54c216cb96b72e1213b4522f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff921f9664c97637da9"
            + "768812f615c68b13b52ec0875924c1c7987947deafd8780acf49"));

        byte[] opened = new byte[plain.Length];
        Assert.That(Sodium.TryOpen(key, nonce, result, associated, opened), Is.True);
        Assert.That(opened, Is.EqualTo(plain));
        result[3] ^= 1;
        Assert.That(Sodium.TryOpen(key, nonce, result, associated, opened), Is.False);
        result[3] ^= 1;
        Assert.That(Sodium.TryOpen(key, nonce, result, [], opened), Is.False);
    }

    /// <summary>
    /// The reference implementation's command line with -id -t 2 -m 16 -p 1 for "password" and "somesalt" gives another
    /// salt size than libsodium takes, so the value here is only that the parameters matter and the result is stable.
    /// </summary>
    [Test]
    public void Stretching_depends_on_every_parameter()
    {
        string first = Stretch("password", 1, 2, 65_536);
        Assert.That(Stretch("password", 1, 2, 65_536), Is.EqualTo(first));
        Assert.That(Stretch("passwore", 1, 2, 65_536), Is.Not.EqualTo(first));
        Assert.That(Stretch("password", 2, 2, 65_536), Is.Not.EqualTo(first));
        Assert.That(Stretch("password", 1, 3, 65_536), Is.Not.EqualTo(first));
        Assert.That(Stretch("password", 1, 2, 131_072), Is.Not.EqualTo(first));
    }

    [Test]
    public void A_missing_library_is_one_line_that_names_its_package()
    {
        Assert.That(() => NativeLibraries.Load(["libnothing.so.9"], "libnothing9"),
            Throws.TypeOf<DllNotFoundException>()
            .With.Message.EqualTo("libnothing.so.9 is missing; install it with: apt-get install libnothing9"));
        Assert.That(NativeLibraries.RequireAll, Throws.Nothing);
    }

    [Test]
    public void Random_bytes_differ()
    {
        byte[] first = new byte[32];
        byte[] second = new byte[32];
        Sodium.FillRandom(first);
        Sodium.FillRandom(second);
        Assert.That(first, Is.Not.EqualTo(second));
    }

    private static string Stretch(string passphrase, byte salt, int passes, long memory)
    {
        byte[] salts = new byte[Sodium.SaltSize];
        salts[0] = salt;
        byte[] key = new byte[32];
        Sodium.StretchPassphrase(Encoding.UTF8.GetBytes(passphrase), salts, passes, memory, key);
        return Convert.ToHexStringLower(key);
    }
}
