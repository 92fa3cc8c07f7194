using System;
using System.IO;
using AppChain.Hsm;
using NUnit.Framework;

namespace AppChain.Tests;

internal sealed class WycheproofTests
{
    [Test]
    public void Bitcoin_rule_file_agrees_without_exception()
    {
        VectorReport report = WycheproofVectors.RunEcdsaSecp256k1(
            SharedData.Path("5_vectors", "wycheproof_ecdsa_secp256k1_sha256_bitcoin.json.gz"));
        Assert.That(report.Disagreements, Is.Empty);
        Assert.That((report.Cases, report.Agreed, report.Skipped), Is.EqualTo((309, 309, 0)));
    }

    [Test]
    public void Plain_signature_file_agrees_but_for_high_s()
    {
        VectorReport report = WycheproofVectors.RunEcdsaSecp256k1(
            SharedData.Path("5_vectors", "wycheproof_ecdsa_secp256k1_sha256_p1363.json.gz"));
        Show(report);
        Assert.That(report.Disagreements, Is.Empty);
        Assert.That(report.Cases, Is.EqualTo(168));
        Assert.That(report.SkipReasons.Keys, Is.EqualTo((string[])[WycheproofVectors.HighS]));
    }

    [Test]
    public void Ed25519_file_agrees()
    {
        VectorReport report = WycheproofVectors.RunEd25519(SharedData.Path("5_vectors", "wycheproof_ed25519.json.gz"));
        Show(report);
        Assert.That(report.Disagreements, Is.Empty);
        Assert.That(report.Cases, Is.EqualTo(101));
    }

    [Test]
    public void X25519_file_agrees()
    {
        VectorReport report = WycheproofVectors.RunX25519(SharedData.Path("5_vectors", "wycheproof_x25519.json.gz"));
        Show(report);
        Assert.That(report.Disagreements, Is.Empty);
        Assert.That(report.Cases, Is.EqualTo(518));
        Assert.That(report.SkipReasons.Keys, Is.EqualTo((string[])[WycheproofVectors.SmallOrder]));
    }

    [Test]
    public void ChaCha20Poly1305_file_agrees_without_exception()
    {
        VectorReport report = WycheproofVectors.RunChaCha20Poly1305(
            SharedData.Path("5_vectors", "wycheproof_chacha20_poly1305.json.gz"));
        Show(report);
        Assert.That(report.Disagreements, Is.Empty);
        Assert.That((report.Cases, report.Agreed), Is.EqualTo((325, 325)));
    }

    [Test]
    public void A_wrong_verdict_in_the_file_is_reported()
    {
        string path = System.IO.Path.GetTempFileName();
        string text = SharedData.Text("5_vectors", "wycheproof_ed25519.json.gz");
        int at = text.IndexOf("\"result\": \"valid\"", StringComparison.Ordinal);
        if (at < 0) at = text.IndexOf("\"result\":\"valid\"", StringComparison.Ordinal);
        Assert.That(at, Is.GreaterThan(0));
        File.WriteAllText(path, text[..at] + text[at..].Replace("\"valid\"", "\"invalid\"", StringComparison.Ordinal));
        VectorReport report = WycheproofVectors.RunEd25519(path);
        Assert.That(report.Disagreed, Is.EqualTo(58));
        Assert.That(report.Disagreements[0], Does.StartWith("case 1").And.EndsWith("expected invalid, found valid"));
        File.Delete(path);
    }

    [TestCase("{}", "does not have the shape of a Wycheproof file")]
    [TestCase("not json", "is not JSON")]
    [TestCase("{\"algorithm\":\"RSA\"}", "holds vectors for RSA, not EDDSA")]
    [TestCase("{\"algorithm\":\"EDDSA\",\"testGroups\":[{\"publicKey\":{\"curve\":\"edwards25519\",\"pk\":\"xy\"}}]}",
        "'pk' is not hex: 'xy'")]
    [TestCase("{\"algorithm\":\"EDDSA\",\"testGroups\":[1]}", "does not have the shape of a Wycheproof file")]
    public void Other_files_are_refused_with_the_reason(string text, string reason)
    {
        string path = System.IO.Path.GetTempFileName();
        File.WriteAllText(path, text);
        Assert.That(() => WycheproofVectors.RunEd25519(path),
            Throws.TypeOf<FormatException>().With.Message.Contains(reason));
        File.Delete(path);
    }

    private static void Show(VectorReport report)
    {
        TestContext.Out.WriteLine($"{report.Cases} cases, {report.Agreed} agreed, {report.Disagreed} disagreed");
        foreach ((string reason, int count) in report.SkipReasons)
        {
            TestContext.Out.WriteLine($"{count} skipped: {reason}");
        }
        foreach (string line in report.Disagreements) TestContext.Out.WriteLine(line);
    }
}
