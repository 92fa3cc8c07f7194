using System.IO;
using System.Text.Json;
using System.Threading.Tasks;
using NUnit.Framework;

namespace AppChain.Node.Tests.Cli;

[TestFixture]
public sealed class CheckCommandsTests
{
    // One byte is no signature, whatever a file says.
    private const string Template = """
        {"algorithm":"ECDSA","numberOfTests":1,"testGroups":[{"type":"EcdsaP1363Verify","sha":"SHA-256",
        "publicKey":{"curve":"secp256k1","uncompressed":"0479be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8"},
        "tests":[{"tcId":1,"comment":"","msg":"00","sig":"01","result":"RESULT","flags":[]}]}]}
        """;

    private CommandRun _run = null!;

    [SetUp]
    public void Start() => _run = new CommandRun();

    [TearDown]
    public void Stop() => _run.Dispose();

    [TestCase("invalid", ExitCode.Ok, 1, 0)]
    [TestCase("valid", ExitCode.Refused, 0, 1)]
    public async Task Disagreement_ends_with_1(string verdict, int code, int agreed, int disagreed)
    {
        string file = _run.WriteFile("vectors.json", Template.Replace("RESULT", verdict));
        string[] arguments = ["check", "vectors", "--kind", "ecdsa-secp256k1", file, "-o", "json"];
        Assert.That(await _run.Run(arguments), Is.EqualTo(code), _run.Error);
        using JsonDocument json = JsonDocument.Parse(_run.Out);
        Assert.That(json.RootElement.GetProperty("agreed").GetInt32(), Is.EqualTo(agreed));
        Assert.That(json.RootElement.GetProperty("disagreed").GetInt32(), Is.EqualTo(disagreed));
    }

    [TestCase("ecdsa-secp256k1", "{}")]
    [TestCase("ed25519", "{")]
    [TestCase("ics23", "nonsense")]
    public async Task What_is_no_file_of_vectors_ends_with_2(string kind, string content)
    {
        string file = _run.WriteFile("vectors.json", content);
        Assert.That(await _run.Run("check", "vectors", "--kind", kind, file), Is.EqualTo(ExitCode.Usage));
        Assert.That(_run.Error, Does.Contain(file));
    }

    [TestCase("ecdsa-secp256k1", "wycheproof_ecdsa_secp256k1_*")]
    [TestCase("ed25519", "wycheproof_ed25519*")]
    [TestCase("ics23", "ics23_*")]
    public async Task Public_vectors_agree(string kind, string files)
    {
        foreach (string file in Find(files))
        {
            Assert.That(await _run.Run("check", "vectors", "--kind", kind, file), Is.Zero, _run.Out + _run.Error);
            Assert.That(_run.Out, Does.Match("^[1-9][0-9,]* cases: [1-9][0-9,]* agreed, 0 disagreed"), file);
        }
    }

    [Test]
    public async Task A_file_of_which_nothing_can_be_judged_ends_with_1()
    {
        foreach (string file in Find("wycheproof_ed25519*"))
        {
            Assert.That(await _run.Run("check", "vectors", "--kind", "ics23", file), Is.EqualTo(ExitCode.Refused));
            Assert.That(_run.Out, Does.Contain("no case that this check can judge: is it of another kind?"));
        }
    }

    private static string[] Find(string pattern)
    {
        DirectoryInfo? root = new(TestContext.CurrentContext.TestDirectory);
        while (root is not null && !File.Exists(Path.Combine(root.FullName, "AppChain.sln")))
        {
            root = root.Parent;
        }

        string directory = Path.Combine(root?.Parent?.FullName ?? "", "shared", "data", "5_vectors");
        string[] found = Directory.Exists(directory) ? Directory.GetFiles(directory, pattern) : [];
        if (found.Length == 0)
        {
            Assert.Ignore($"no file {pattern} in ../shared/data/5_vectors");
        }

        return found;
    }
}
