using System;
using System.Collections.Generic;
using System.IO;
using System.Runtime.Versioning;
using System.Text.Json;
using System.Threading.Tasks;
using AppChain.StateMachine;
using NUnit.Framework;

namespace AppChain.Node.Tests.Cli;

[TestFixture]
public sealed class KeysTests
{
    // Secret key 1: its public key is the generator of the curve.
    private const string SecretOne = "0000000000000000000000000000000000000000000000000000000000000001";
    private const string Generator = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";

    private CommandRun _run = null!;

    [SetUp]
    public void Start() => _run = new CommandRun();

    [TearDown]
    public void Stop() => _run.Dispose();

    [Test]
    public async Task Encrypted_key_opens_with_its_passphrase_and_with_no_other()
    {
        _run.Variables["APPCHAIN_PASSPHRASE"] = "correct horse";
        Assert.That(await _run.Run("keys", "add", "trader"), Is.EqualTo(ExitCode.Ok), _run.Error);
        Assert.That(_run.Out, Does.Contain("app1").And.Contain("encrypted   yes"));
        Assert.That(await _run.Run("keys", "export", "trader", "--secret"), Is.EqualTo(ExitCode.Ok));
        string secret = _run.Out.Trim();
        Assert.That(secret, Has.Length.EqualTo(64));
        Assert.That(File.ReadAllText(Path.Combine(_run.Home, "keys", "trader.json")), Does.Not.Contain(secret));

        _run.Variables["APPCHAIN_PASSPHRASE"] = "wrong horse";
        Assert.That(await _run.Run("keys", "export", "trader", "--secret"), Is.EqualTo(ExitCode.Usage));
        Assert.That(
            _run.Error.Trim(), Is.EqualTo("error: wrong passphrase for key 'trader' (or its file was altered)"));
        Assert.That(_run.Out, Is.Empty);
    }

    [Test]
    public async Task Imported_secret_has_the_address_of_its_public_key()
    {
        _run.Input = SecretOne + "\n";
        Assert.That(
            await _run.Run("keys", "import", "one", "-", "--unencrypted", "-o", "json"), Is.EqualTo(0), _run.Error);
        using JsonDocument json = JsonDocument.Parse(_run.Out);
        Assert.That(json.RootElement.GetProperty("public_key").GetString(), Is.EqualTo(Generator));
        string address = AccountText.Of(TransactionCodec.AddressOf(Convert.FromHexString(Generator)));
        Assert.That(json.RootElement.GetProperty("address").GetString(), Is.EqualTo(address));
        string file = File.ReadAllText(Path.Combine(_run.Home, "keys", "one.json"));
        Assert.That(file, Does.Contain("not encrypted").And.Contain(SecretOne));
    }

    [Test]
    public async Task Exported_file_is_imported_under_another_name_with_the_same_passphrase()
    {
        string passphrase = _run.WriteFile("passphrase", "from a file\nsecond line\n");
        await _run.Run("keys", "add", "first", "--passphrase-file", passphrase);
        await _run.Run("keys", "export", "first");
        string exported = _run.WriteFile("first.json", _run.Out);
        Assert.That(await _run.Run("keys", "import", "second", exported), Is.EqualTo(ExitCode.Ok), _run.Error);
        await _run.Run("keys", "export", "first", "--secret", "--passphrase-file", passphrase);
        string secret = _run.Out;
        Assert.That(await _run.Run("keys", "export", "second", "--secret", "--passphrase-file", passphrase), Is.Zero);
        Assert.That(_run.Out, Is.EqualTo(secret));
        await _run.Run("keys", "list");
        Assert.That(_run.Out, Does.Contain("first").And.Contain("second"));
    }

    [Test]
    public async Task Passphrase_is_asked_for_twice_and_must_be_the_same()
    {
        _run.Secrets = new Queue<string>(["one", "two"]);
        Assert.That(await _run.Run("keys", "add", "trader"), Is.EqualTo(ExitCode.Usage));
        Assert.That(_run.Error, Does.Contain("the two passphrases differ; nothing was written"));
        Assert.That(Directory.Exists(Path.Combine(_run.Home, "keys")), Is.False);
        _run.Secrets = new Queue<string>(["same", "same"]);
        Assert.That(await _run.Run("keys", "add", "trader"), Is.EqualTo(ExitCode.Ok), _run.Error);
    }

    [Test]
    public async Task Without_a_terminal_the_error_says_where_a_passphrase_may_come_from()
    {
        Assert.That(await _run.Run("keys", "add", "trader"), Is.EqualTo(ExitCode.Usage));
        Assert.That(_run.Error, Does.Contain("give --passphrase-file FILE or set APPCHAIN_PASSPHRASE"));
    }

    [Test]
    public async Task Key_is_never_overwritten_and_names_are_checked()
    {
        Assert.That(await _run.Run("keys", "add", "a", "--unencrypted"), Is.Zero);
        Assert.That(await _run.Run("keys", "add", "a", "--unencrypted"), Is.EqualTo(ExitCode.Usage));
        Assert.That(_run.Error, Does.Contain("there is a key 'a' already"));
        Assert.That(await _run.Run("keys", "add", "../a", "--unencrypted"), Is.EqualTo(ExitCode.Usage));
        Assert.That(_run.Error, Does.Contain("is no name for a key"));
        Assert.That(await _run.Run("keys", "show", "nobody"), Is.EqualTo(ExitCode.Usage));
        Assert.That(_run.Error, Does.Contain("no key 'nobody'").And.Contain("it has a;"));
    }

    [Test]
    [UnsupportedOSPlatform("windows")]
    public void Key_file_is_readable_by_the_user_alone()
    {
        var store = new KeyStore(Path.Combine(_run.Home, "keys"));
        store.Add("a", KeyFile.InClear(KeyFile.NewSecretKey()));
        Assert.That(
            File.GetUnixFileMode(store.PathOf("a")), Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite));
        Assert.That(() => store.Add("a", KeyFile.InClear(KeyFile.NewSecretKey())), Throws.TypeOf<IOException>());
        Assert.That(Directory.GetFiles(store.Directory), Has.Length.EqualTo(1));
    }

    [TestCase("{}", "'format' is missing")]
    [TestCase("{\"format\":\"other\"}", "it does not say \"format\": \"appchain-key-1\"")]
    [TestCase("nonsense", "it is not JSON")]
    [TestCase("[]", "it does not say")]
    [TestCase("""{"format":"appchain-key-1","public_key":"00"}""", "'public_key' is not 33 bytes in hex")]
    [TestCase("""{"format":"appchain-key-1","public_key":"GENERATOR"}""", "'secret_key' is missing")]
    [TestCase(
        """{"format":"appchain-key-1","public_key":"GENERATOR","secret_key":"0000000000000000000000000000000000000000000000000000000000000002"}""",
        "public_key does not belong to secret_key")]
    public void Damaged_key_file_is_refused_with_the_reason(string json, string reason) =>
        Assert.That(
            () => KeyFile.Parse(json.Replace("GENERATOR", Generator)),
            Throws.TypeOf<FormatException>().With.Message.Contains(reason));

    [Test]
    public void Sealed_key_of_somebody_else_is_not_accepted_for_a_public_key()
    {
        byte[] other = KeyFile.NewSecretKey();
        string json = KeyFile.Seal(other, "p").ToJson();
        string swapped = json.Replace(Convert.ToHexStringLower(KeyFile.InClear(other).PublicKey), Generator);
        Assert.That(KeyFile.Parse(swapped).TryOpen("p", out _), Is.False);
        Assert.That(KeyFile.Parse(json).TryOpen("p", out byte[]? opened), Is.True);
        Assert.That(opened, Is.EqualTo(other));
    }
}
