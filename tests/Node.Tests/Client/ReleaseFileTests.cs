using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading.Tasks;
using AppChain.Node.Tests.Cli;
using AppChain.StateMachine;
using Google.Protobuf;
using NUnit.Framework;

namespace AppChain.Node.Tests;

/// <summary>VAULT-9: a release proves itself to whoever knows the guardians.</summary>
[TestFixture]
public sealed class ReleaseFileTests
{
    private const long Expiry = 1_800_000_000_000_000_000;
    private readonly List<TransactionSigner> _guardians = [];

    [OneTimeSetUp]
    public void MakeKeys() =>
        _guardians.AddRange(Enumerable.Range(0, 3).Select(_ => new TransactionSigner(KeyFile.NewSecretKey(), "c-1")));

    [OneTimeTearDown]
    public void ForgetKeys() => _guardians.ForEach(guardian => guardian.Dispose());

    private V1.CouncilResponse Council()
    {
        var council = new V1.CouncilResponse
        {
            Council = V1.Council.Guardians,
            Version = 4,
            Threshold = 2,
            VetoThreshold = 2,
        };
        council.Members.AddRange(_guardians.Select(guardian => new V1.CouncilMember
        {
            Address = AccountText.Of(guardian.Owner),
            PublicKey = Convert.ToHexStringLower(guardian.PublicKey),
        }));
        return council;
    }

    private V1.ReleaseResponse Signed(params int[] guardians)
    {
        var release = new Release(1, 2, Expiry, 4, 5_000_000, [.. "bank"u8]);
        var file = new V1.ReleaseResponse
        {
            ChainId = "c-1",
            WithdrawalId = 1,
            Sequence = 2,
            Expiry = Expiry,
            CouncilVersion = 4,
            Amount = "5000000",
            Destination = Convert.ToHexStringLower("bank"u8),
        };
        file.Signatures.AddRange(guardians.Select(i => new V1.GuardianSignature
        {
            PublicKey = Convert.ToHexStringLower(_guardians[i].PublicKey),
            Signature = Convert.ToHexStringLower([.. _guardians[i].Sign(release).Signature]),
        }));
        return file;
    }

    private string? Fault(V1.ReleaseResponse file, Action<V1.ReleaseResponse>? change = null, long now = Expiry - 1)
    {
        change?.Invoke(file);
        return ReleaseFile.Fault(file, Council(), now);
    }

    [Test]
    public void As_many_as_the_threshold_and_before_the_expiry()
    {
        Assert.That(Fault(Signed(0, 2)), Is.Null);
        Assert.That(Fault(Signed(0, 1, 2)), Is.Null);
        Assert.That(Fault(Signed(1)), Is.EqualTo("1 guardians have signed; it takes 2"));
        Assert.That(Fault(Signed()), Does.Contain("it takes 2"));
        Assert.That(Fault(Signed(0, 2), now: Expiry), Is.EqualTo("it has expired"));
    }

    [Test]
    public void Nothing_can_be_altered()
    {
        Assert.That(Fault(Signed(0, 2), file => file.ChainId = "c-2"), Does.Contain("does not verify"));
        Assert.That(Fault(Signed(0, 2), file => file.WithdrawalId = 9), Does.Contain("does not verify"));
        Assert.That(Fault(Signed(0, 2), file => file.Sequence = 9), Does.Contain("does not verify"));
        Assert.That(Fault(Signed(0, 2), file => file.Expiry++), Does.Contain("does not verify"));
        Assert.That(Fault(Signed(0, 2), file => file.Amount = "5000001"), Does.Contain("does not verify"));
        Assert.That(Fault(Signed(0, 2), file => file.Destination = "00"), Does.Contain("does not verify"));
        Assert.That(Fault(Signed(0, 2), file => file.CouncilVersion = 5), Does.Contain("version 5, not 4"));
        Assert.That(
            Fault(Signed(0, 2), file => file.Signatures[1].Signature = file.Signatures[0].Signature),
            Does.Contain("does not verify"));
        Assert.That(
            Fault(Signed(0, 2), file => file.Signatures[1] = file.Signatures[0]), Does.Contain("is there twice"));
        Assert.That(
            Fault(Signed(0, 2), file => file.Signatures[0].PublicKey = file.Signatures[0].PublicKey.ToUpperInvariant()),
            Is.Null);
        Assert.That(
            Fault(Signed(0, 2), file => file.Signatures[0].PublicKey = "02" + new string('1', 64)),
            Does.Contain("no guardian"));
        Assert.That(Fault(Signed(0, 2), file => file.Amount = "-5"), Does.Contain("no release can have"));
        Assert.That(Fault(Signed(0, 2), file => file.Destination = ""), Does.Contain("no release can have"));
    }

    [Test]
    public async Task The_command_line_needs_two_files_and_no_node()
    {
        using var run = new CommandRun();
        string file = run.WriteFile("release.json", JsonFormatter.Default.Format(Signed(0, 1)));
        string few = run.WriteFile("few.json", JsonFormatter.Default.Format(Signed(0)));
        string guardians = run.WriteFile("guardians.json", JsonFormatter.Default.Format(Council()));
        string[] at = ["--guardians", guardians, "--at", "2027-01-15T07:59:59Z"];
        Assert.That(await run.Run(["verify-release", file, .. at]), Is.Zero, run.Error);
        Assert.That(run.Out, Does.StartWith("valid: 2 guardians").And.Contain("5.00").And.Contain("bank"));
        Assert.That(await run.Run(["verify-release", file, .. at, "--chain-id", "c-2"]), Is.EqualTo(ExitCode.Refused));
        Assert.That(await run.Run(["verify-release", few, .. at, "--output", "json"]), Is.EqualTo(ExitCode.Refused));
        Assert.That(run.Out, Does.Contain("\"valid\": false"));
        Assert.That(
            await run.Run("verify-release", file, "--guardians", guardians, "--at", "2027-01-15T08:00:00Z"),
            Is.EqualTo(ExitCode.Refused));
        Assert.That(run.Out, Does.Contain("NOT VALID: it has expired"));
        Assert.That(await run.Run("verify-release", guardians, "--guardians", guardians), Is.EqualTo(ExitCode.Usage));
        Assert.That(run.Error, Does.Contain("is no release"));
    }
}
