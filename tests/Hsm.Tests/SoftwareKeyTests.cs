using System;
using System.IO;
using System.Security.Cryptography;
using AppChain.Hsm;
using NUnit.Framework;

namespace AppChain.Tests;

internal sealed class SoftwareKeyTests
{
    private string _folder = "";

    private string Path => System.IO.Path.Combine(_folder, "key");

    [SetUp]
    public void MakeFolder() => _folder = Directory.CreateTempSubdirectory("appchain-key-").FullName;

    [TearDown]
    public void RemoveFolder() => Directory.Delete(_folder, recursive: true);

    [Test]
    public void A_created_key_is_private_and_loads_again()
    {
        using SoftwareKey created = SoftwareKey.Create(Path);
        Assert.That(File.GetUnixFileMode(Path), Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite));
        using SoftwareKey loaded = SoftwareKey.Load(Path);
        Assert.That(loaded.PublicKey, Is.EqualTo(created.PublicKey));
        Assert.That(Ed25519.Verify(created.PublicKey.Span, "x"u8, loaded.Sign("x"u8)), Is.True);
        Assert.That(() => SoftwareKey.Create(Path), Throws.InstanceOf<IOException>(), "a key is never overwritten");
    }

    [Test]
    public void A_key_of_the_reference_implementation_loads()
    {
        byte[] seed = new byte[32];
        Array.Fill(seed, (byte)1);
        byte[] secret = new byte[64];
        Sodium.SecretKeyOf(seed, secret);
        Write($"{{\"address\":\"34750F98BD59FCFC946DA45AAABE933BE154A4B5\",\"pub_key\":{{}},\"priv_key\":{{\"type\":"
            + $"\"tendermint/PrivKeyEd25519\",\"value\":\"{Convert.ToBase64String(secret)}\"}}}}");
        using SoftwareKey key = SoftwareKey.Load(Path);
        Assert.That(Convert.ToBase64String(key.PublicKey.Span),
            Is.EqualTo("iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w="));
    }

    [TestCase("", "it does not hold 64 hex digits")]
    [TestCase("01", "it does not hold 64 hex digits")]
    [TestCase("zz01010101010101010101010101010101010101010101010101010101010101", "it does not hold 64 hex digits")]
    [TestCase("{}", "'priv_key' is missing")]
    [TestCase("{\"priv_key\":{\"type\":\"other\",\"value\":\"\"}}", "its type is 'other'")]
    [TestCase("{\"priv_key\":{\"type\":\"tendermint/PrivKeyEd25519\",\"value\":\"AAAA\"}}", "does not have 64 bytes")]
    [TestCase("{\"priv_key\":{\"type\":\"tendermint/PrivKeyEd25519\",\"value\":\"??\"}}", "is not a key")]
    [TestCase("{\"priv_key\":", "is not a key")]
    public void Other_content_is_refused(string content, string reason)
    {
        Write(content);
        Assert.That(() => SoftwareKey.Load(Path), Throws.TypeOf<IOException>().With.Message.Contains(reason));
    }

    [Test]
    public void Halves_that_do_not_belong_together_are_refused()
    {
        Write($"{{\"priv_key\":{{\"type\":\"tendermint/PrivKeyEd25519\",\"value\":\""
            + $"{Convert.ToBase64String(new byte[64])}\"}}}}");
        Assert.That(() => SoftwareKey.Load(Path),
            Throws.TypeOf<IOException>().With.Message.Contains("does not belong to its secret half"));
    }

    [Test]
    public void A_key_file_that_others_can_read_is_refused()
    {
        SoftwareKey.Store(Path, new byte[32]);
        File.SetUnixFileMode(Path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);
        Assert.That(() => SoftwareKey.Load(Path),
            Throws.TypeOf<IOException>().With.Message.EqualTo(
                $"the key file {Path} can be read by others; run: chmod 600 {Path}"));
        Assert.That(() => SoftwareKey.Load(Path + "x"),
            Throws.TypeOf<IOException>().With.Message.Contains("does not exist"));
    }

    [Test]
    public void A_passphrase_opens_its_box_and_no_other_does()
    {
        byte[] secret = [1, 2, 3, 4];
        byte[] box = PassphraseBox.Seal("correct horse", secret, "app1label");
        Assert.That(PassphraseBox.Open("correct horse", box), Is.EqualTo(secret));
        Assert.That(() => PassphraseBox.Open("correct horsf", box), Throws.TypeOf<CryptographicException>());
        string text = System.Text.Encoding.UTF8.GetString(box);
        byte[] relabelled = System.Text.Encoding.UTF8.GetBytes(text.Replace("app1label", "app1lebal"));
        Assert.That(() => PassphraseBox.Open("correct horse", relabelled), Throws.TypeOf<CryptographicException>());
        Assert.That(() => PassphraseBox.Open("x", "{}"u8.ToArray()), Throws.TypeOf<FormatException>());
        Assert.That(() => PassphraseBox.Open("x", "nothing"u8.ToArray()), Throws.TypeOf<FormatException>());
        byte[] greedy = System.Text.Encoding.UTF8.GetBytes(text.Replace("67108864", "9967108864"));
        Assert.That(() => PassphraseBox.Open("correct horse", greedy), Throws.TypeOf<FormatException>());
        Assert.That(() => PassphraseBox.Open("x", "[]"u8.ToArray()), Throws.TypeOf<FormatException>());
    }

    private void Write(string content)
    {
        File.WriteAllText(Path, content);
        File.SetUnixFileMode(Path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }
}
