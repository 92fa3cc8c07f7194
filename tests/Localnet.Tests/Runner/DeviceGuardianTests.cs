using System;
using System.IO;
using System.Runtime.Versioning;
using System.Text.Json.Nodes;
using System.Threading.Tasks;
using AppChain.Hsm;
using AppChain.Hsm.Tests;
using AppChain.Node;
using NUnit.Framework;

namespace AppChain.Localnet.Tests;

/// <summary>
/// Owner and guardian with keys in devices, on four validators whose consensus keys are in devices too: VAULT-9,
/// VAULT-11, VAULT-15 and HSM-7 from end to end, on both engines.
/// </summary>
[TestFixture]
[NonParallelizable]
[UnsupportedOSPlatform("windows")]
public sealed class DeviceGuardianTests
{
    private string _token = "";

    [TestCase("embedded")]
    [TestCase("cometbft")]
    public async Task A_guardians_device_releases_what_an_owners_device_withdrew(string engine)
    {
        if (engine == "cometbft")
        {
            CometBftNode.Binary();
        }

        _token = SoftHsmDevice.NewToken();
        string newGuardian = Generate("guardian");
        Generate("owner");
        await using var run = new LocalnetByHand("--engine", engine, "--hsm", "softhsm");
        string pin = run.Write("pin", SoftHsmDevice.Pin);
        File.SetUnixFileMode(pin, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        string owner = $"--hsm pkcs11:token={_token};key=owner;pin-file={pin}";
        string guardian = $"--hsm pkcs11:token={_token};key=guardian;pin-file={pin}";
        await run.Until("query chain", "height", 90);

        // The guardians take a device in for guardian3, by their own threshold and timelock.
        await run.Run("query council guardians --output json");
        string before = run.Write("before.json");
        await run.Run("query vault --policy");
        JsonNode policy = JsonNode.Parse(run.Out)!;
        policy["guardians"]!["members"]![2] = newGuardian;
        await run.Run($"tx vault propose {run.Write("policy.json", policy.ToJsonString())} --from guardian1 --wait");
        await run.Run("tx proposal approve 1 --from guardian2 --wait");

        // An owner whose key is in the device: named, funded, trading, withdrawing.
        await run.Run($"keys add cold {owner}");
        await run.Run("tx transfer 5000 cold --from alice --wait");
        await run.Run($"tx transfer 1 alice {owner} --wait");
        await run.Run($"tx order cancel-all BTC-PERP {owner} --wait");
        await run.Until("query proposals", "executed", 90);
        await run.Run($"tx withdraw 250 --to iban-1 {owner} --wait");
        Assert.That(run.Out, Does.Contain("withdrawal 1"));
        await run.Until("query withdrawals --owner cold", "releasable", 60);
        await run.Run("guardian --from guardian3 --once --yes", ExitCode.Usage);
        Assert.That(run.Error, Does.Contain("is no guardian of appchain-localnet"));

        // A node between that sends the money elsewhere is found out by the device's guardian, whatever it alters.
        string honest = run.Node;
        foreach (LyingProxy.Lie lie in Enum.GetValues<LyingProxy.Lie>())
        {
            using var proxy = new LyingProxy(honest, TestPorts.Next(), lie);
            run.Node = proxy.Url;
            await run.Run(
                $"guardian {guardian} --once --yes", lie == LyingProxy.Lie.None ? ExitCode.Ok : ExitCode.Refused);
            Assert.That(run.Error, lie == LyingProxy.Lie.None ? Is.Empty : Does.Contain("does not prove what it says"));
            Assert.That(run.Out, lie == LyingProxy.Lie.None ? Does.Contain("1 signed") : Does.Not.Contain("sign? "));
        }

        run.Node = honest;
        await run.Watch("guardian --from guardian2 --interval 0.5", "y\n", "signed at height", 60);
        Assert.That(
            run.Out,
            Does.Contain("pay 250.00 USD to iban-1, for app1").And.Contain("sign? y or n:   signed at height"));
        await run.Until("query withdrawals", "released", 60);
        await run.Run("query release 1 --output json");
        string release = run.Write("release.json");
        await run.Run("query council guardians --output json");
        string after = run.Write("after.json");
        await run.EndNetwork();

        await run.Run($"verify-release {release} --guardians {after} --chain-id appchain-localnet");
        Assert.That(run.Out, Does.Contain("valid: 2 guardians have signed"));
        Assert.That(File.ReadAllText(release), Does.Contain(newGuardian), "one of the two is the device");
        await run.Run($"verify-release {release} --guardians {before}", ExitCode.Refused);
        Assert.That(run.Out, Does.Contain("NOT VALID: it is signed by guardians of version 2, not 1"));
    }

    private string Generate(string label)
    {
        using Pkcs11Session session = SoftHsmDevice.Open(_token);
        return Convert.ToHexStringLower(session.Generate(Pkcs11KeyType.Secp256k1, label).PublicKey);
    }
}
