using System.Collections.Generic;
using System.IO;
using System.Runtime.Versioning;
using System.Text.Json;
using System.Threading.Tasks;
using AppChain.Hsm;
using AppChain.Hsm.Tests;
using NUnit.Framework;

namespace AppChain.Node.Tests.Cli;

/// <summary>
/// The verbs of <c>hsm</c>, each with module, token and PIN file: HSM-1, HSM-5 and HSM-6 as people meet them.
/// </summary>
[TestFixture]
[NonParallelizable]
[UnsupportedOSPlatform("windows")]
public sealed class HsmCommandsTests
{
    private static int s_tokens;

    private CommandRun _run = null!;
    private string _token = "";
    private string _pin = "";

    [SetUp]
    public async Task Start()
    {
        SoftHsmDevice.Module();
        _run = new CommandRun();
        _token = $"cli{++s_tokens}";
        _pin = PinFile("pin", SoftHsmDevice.Pin);
        string officer = PinFile("so-pin", SoftHsmDevice.OfficerPin);
        Assert.That(await Hsm("init", "--so-pin-file", officer), Is.Zero, _run.Error);
        Assert.That(_run.Out, Does.Contain($"token '{_token}', serial number").And.Contain("is ready"));
        Assert.That(
            await Hsm("init", "--so-pin-file", officer), Is.EqualTo(ExitCode.Usage), "a second one of the same label");
    }

    [TearDown]
    public void Stop() => _run.Dispose();

    [TestCase("ed25519")]
    [TestCase("secp256k1")]
    public async Task A_key_is_made_listed_shown_tried_and_measured(string type)
    {
        Assert.That(await Hsm("keygen", "--type", type, "--label", "key1"), Is.Zero, _run.Error);
        Assert.That(_run.Out, Does.Contain(type).And.Contain("yes"));
        Assert.That(await Hsm("keygen", "--type", type, "--label", "key1"), Is.EqualTo(ExitCode.Usage));
        Assert.That(await Hsm("list"), Is.Zero, _run.Error);
        Assert.That(_run.Out, Does.Contain("key1"));
        Assert.That(await _run.Run("hsm", "list", "--module", Pkcs11Module.SoftHsm), Is.Zero, _run.Error);
        Assert.That(_run.Out, Does.Contain(_token));
        Assert.That(await Hsm("show", "--label", "key1"), Is.Zero, _run.Error);
        Assert.That(
            _run.Out, Does.Contain("the key cannot leave the device").And.Contain("never extractable").And
                .Contain("mechanisms:"));
        Assert.That(await Hsm("show", "--label", "key1", "--output", "json"), Is.Zero, _run.Error);
        using JsonDocument json = JsonDocument.Parse(_run.Out);
        Assert.That(json.RootElement.GetProperty("public_key_base64").GetString(), Is.Not.Empty);
        Assert.That(await Hsm("sign-test", "--label", "key1"), Is.Zero, _run.Error);
        Assert.That(_run.Out, Does.Match("verified +yes"));
        Assert.That(await Hsm("bench", "--label", "key1", "--count", "20"), Is.Zero, _run.Error);
        Assert.That(_run.Out, Does.Contain("20 signatures").And.Contain("p99"));
    }

    [Test]
    public async Task The_PIN_comes_from_a_file_the_environment_or_a_question_and_never_from_the_command_line()
    {
        await Hsm("keygen", "--type", "ed25519", "--label", "key1");
        string[] verb = ["hsm", "sign-test", "--token", _token, "--label", "key1"];
        Assert.That(await _run.Run(verb), Is.EqualTo(ExitCode.Usage));
        Assert.That(_run.Error, Does.Contain("a PIN is needed"));
        _run.Variables["APPCHAIN_HSM_PIN"] = SoftHsmDevice.Pin;
        Assert.That(await _run.Run(verb), Is.Zero, _run.Error);
        _run.Variables.Clear();
        _run.Secrets = new Queue<string>([SoftHsmDevice.Pin]);
        Assert.That(await _run.Run(verb), Is.Zero, _run.Error);
        Assert.That(await _run.Run([.. verb, "--pin", SoftHsmDevice.Pin]), Is.EqualTo(ExitCode.Usage));
        File.SetUnixFileMode(_pin, UnixFileMode.UserRead | UnixFileMode.OtherRead);
        Assert.That(await _run.Run([.. verb, "--pin-file", _pin]), Is.EqualTo(ExitCode.Usage));
        Assert.That(_run.Error, Does.Contain("can be read by others"));
    }

    // Whoever starts a program again when it fails must not do so after this: three tries lock many devices.
    [Test]
    public async Task A_wrong_PIN_has_an_exit_code_of_its_own_also_from_the_signer()
    {
        await Hsm("keygen", "--type", "ed25519", "--label", "key1");
        string wrong = PinFile("wrong", "00000000");
        Assert.That(
            await _run.Run("hsm", "sign-test", "--token", _token, "--label", "key1", "--pin-file", wrong),
            Is.EqualTo(ExitCode.PinRefused));
        Assert.That(_run.Error, Does.Contain("the PIN is wrong"));
        Assert.That(
            await _run.Run(
                "signer", "--chain", "c", "--key", $"pkcs11:token={_token};key=key1;pin-file={wrong}", "--engine",
                "tcp://127.0.0.1:1", "--state", Path.Combine(_run.Home, "state.json"), "--create-state"),
            Is.EqualTo(ExitCode.PinRefused), _run.Error);
    }

    private Task<int> Hsm(string verb, params string[] more) =>
        _run.Run(["hsm", verb, "--module", Pkcs11Module.SoftHsm, "--token", _token, "--pin-file", _pin, .. more]);

    private string PinFile(string name, string pin)
    {
        string path = _run.WriteFile(name, pin);
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        return path;
    }
}
