using System;
using System.Collections.Generic;
using System.IO;
using System.Runtime.Versioning;
using System.Text.Json;
using System.Threading.Tasks;
using AppChain.Hsm;
using AppChain.Hsm.Tests;
using AppChain.StateMachine;
using NUnit.Framework;

namespace AppChain.Node.Tests.Cli;

/// <summary>Owner keys in a device: every verb of tx signs with them, and no file holds them.</summary>
[TestFixture]
[NonParallelizable]
[UnsupportedOSPlatform("windows")]
public sealed class DeviceKeysTests
{
    private CommandRun _run = null!;
    private FakeNode _node = null!;
    private string _token = "";
    private string _place = "";
    private byte[] _publicKey = [];

    [SetUp]
    public void Start()
    {
        _token = SoftHsmDevice.NewToken();
        using (Pkcs11Session session = SoftHsmDevice.Open(_token))
        {
            _publicKey = session.Generate(Pkcs11KeyType.Secp256k1, "owner").PublicKey;
            session.Generate(Pkcs11KeyType.Ed25519, "consensus");
        }

        _run = new CommandRun();
        string pin = _run.WriteFile("pin", SoftHsmDevice.Pin);
        File.SetUnixFileMode(pin, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        _place = $"pkcs11:token={_token};key=owner;pin-file={pin}";
        _node = new FakeNode();
        _run.Variables["APPCHAIN_NODE"] = _node.Url;
    }

    [TearDown]
    public void Stop()
    {
        _node?.Dispose();
        _run?.Dispose();
    }

    [TestCase("tx order place BTC-PERP buy --quantity 0.25 --price 50000.5")]
    [TestCase("tx order cancel --order-id 7")]
    [TestCase("tx order cancel-all BTC-PERP")]
    [TestCase("tx order replace BTC-PERP buy --quantity 1 --price 5 --replace-order-id 3")]
    [TestCase("tx transfer 1 app1c4nc7rn3fgu4pyfcls8ltqgtzlhmxw7ydwkw27/0")]
    [TestCase("tx agent revoke app1c4nc7rn3fgu4pyfcls8ltqgtzlhmxw7ydwkw27")]
    public async Task HSM_7_Every_verb_signs_with_a_key_in_a_device(string line)
    {
        Assert.That(await _run.Run([.. line.Split(' '), "--hsm", _place]), Is.EqualTo(ExitCode.Ok), _run.Error);

        // LastTransaction takes a transaction only when its signature is right, and low in s (TX-4).
        Assert.That(_node.LastTransaction().Signer, Is.EqualTo(TransactionCodec.AddressOf(_publicKey)));
    }

    [Test]
    public async Task A_key_in_a_device_has_a_name_like_any_other()
    {
        Assert.That(await _run.Run("keys", "add", "cold", "--hsm", _place), Is.EqualTo(ExitCode.Ok), _run.Error);
        string address = AccountText.Of(TransactionCodec.AddressOf(_publicKey));
        Assert.That(_run.Out, Does.Contain(address).And.Contain(_place));
        await _run.Run("keys", "list", "-o", "json");
        using JsonDocument json = JsonDocument.Parse(_run.Out);
        Assert.That(json.RootElement[0].GetProperty("device").GetString(), Is.EqualTo(_place));
        Assert.That(json.RootElement[0].GetProperty("address").GetString(), Is.EqualTo(address));

        Assert.That(
            await _run.Run("tx", "withdraw", "1", "--to", "bank", "--from", "cold", "--dry-run"), Is.Zero, _run.Error);
        Assert.That(_run.Out, Does.Contain(address));
        Assert.That(await _run.Run("keys", "export", "cold", "--secret"), Is.EqualTo(ExitCode.Usage));
        Assert.That(_run.Error, Does.Contain("in a device, which never shows it"));
    }

    [Test]
    public async Task The_PIN_is_asked_for_once_when_no_file_gives_it()
    {
        _run.Secrets = new Queue<string>([SoftHsmDevice.Pin]);
        string place = $"pkcs11:token={_token};key=owner";
        Assert.That(
            await _run.Run("tx", "withdraw", "1", "--to", "bank", "--hsm", place), Is.EqualTo(ExitCode.Ok), _run.Error);
        Assert.That(_run.Error, Does.Contain($"PIN of token '{_token}': "));
        _run.Secrets = null;
        Assert.That(await _run.Run("tx", "withdraw", "1", "--to", "bank", "--hsm", place), Is.EqualTo(ExitCode.Usage));
        Assert.That(_run.Error, Does.Contain("a PIN is needed"));
    }

    // VAULT-9
    [Test]
    public void A_guardians_device_signs_a_release_that_anybody_can_check()
    {
        using Pkcs11Key device = KeyPlace.OpenAccount(_place);
        using var guardian = new TransactionSigner(device, FakeNode.ChainId);
        var release = new Release(Id: 7, Sequence: 3, Expiry: 1_000, CouncilVersion: 2, Amount: 5_000_000, [1, 2, 3]);
        ReleaseSignature signed = guardian.Sign(release);
        string publicKey = Convert.ToHexStringLower(_publicKey);
        var file = new V1.ReleaseResponse
        {
            ChainId = FakeNode.ChainId,
            WithdrawalId = release.Id,
            Sequence = release.Sequence,
            Expiry = (ulong)release.Expiry,
            CouncilVersion = release.CouncilVersion,
            Amount = "5000000",
            Destination = "010203",
            Signatures =
            {
                new V1.GuardianSignature
                {
                    PublicKey = publicKey, Signature = Convert.ToHexStringLower(signed.Signature.AsSpan()),
                },
            },
        };
        var guardians = new V1.CouncilResponse
        {
            Version = 2, Threshold = 1, Members = { new V1.CouncilMember { PublicKey = publicKey } },
        };
        Assert.That(ReleaseFile.Fault(file, guardians, now: 999), Is.Null);
        file.Amount = "5000001";
        Assert.That(ReleaseFile.Fault(file, guardians, now: 999), Does.Contain("does not verify"));
    }

    [Test]
    public async Task Consensus_keys_and_exchanged_keys_are_not_taken()
    {
        string consensus = _place.Replace("key=owner", "key=consensus", StringComparison.Ordinal);
        Assert.That(
            await _run.Run("tx", "withdraw", "1", "--to", "bank", "--hsm", consensus), Is.EqualTo(ExitCode.Usage));
        Assert.That(_run.Error, Does.Contain("an account needs a secp256k1 key"));

        await _run.Run("keys", "add", "cold", "--hsm", _place);
        string file = Path.Combine(_run.Home, "keys", "cold.json");
        string other = SoftHsmDevice.NewToken();
        using (Pkcs11Session session = SoftHsmDevice.Open(other)) session.Generate(Pkcs11KeyType.Secp256k1, "owner");
        string text = File.ReadAllText(file);
        File.WriteAllText(file, text.Replace($"token={_token};", $"token={other};", StringComparison.Ordinal));
        Assert.That(
            await _run.Run("tx", "withdraw", "1", "--to", "bank", "--from", "cold"), Is.EqualTo(ExitCode.Usage));
        Assert.That(_run.Error, Does.Contain("holds another key"));
        Assert.That(_node.Received, Is.Empty);
    }
}
