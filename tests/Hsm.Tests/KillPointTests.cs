using System;
using System.Collections.Generic;
using System.IO;
using AppChain.Abci.Wire.Types;
using AppChain.Hsm;
using Google.Protobuf;
using NUnit.Framework;

namespace AppChain.Tests;

/// <summary>
/// SIGN-9: what a kill can leave on the disk between any two steps of a signature, every byte of every write included.
/// From each of these folders the signer starts by itself, and another content is signed only where none can have left.
/// </summary>
[NonParallelizable]
internal sealed class KillPointTests
{
    private const string Chain = "chain-1";

    private readonly Vote _asked = Votes.Block(SignedMsgType.Prevote, 6, 0, 1);
    private readonly Vote _other = Votes.Block(SignedMsgType.Prevote, 6, 0, 2);
    private string _folder = "";

    [SetUp]
    public void MakeFolder() => _folder = Directory.CreateTempSubdirectory("killpoints").FullName;

    [TearDown]
    public void RemoveFolder() => Directory.Delete(_folder, recursive: true);

    private sealed record Disk(byte[] State, byte[]? New, byte[] Audit);

    private sealed class ProbedKey(SoftwareKey key, Action probe) : ISigningKey
    {
        public ByteString PublicKey => key.PublicKey;

        public void Probe() => key.Probe();

        public byte[] Sign(ReadOnlySpan<byte> message)
        {
            probe();
            return key.Sign(message);
        }

        public void Dispose() => key.Dispose();
    }

    [Test]
    [Property("Spec", "SIGN-9")]
    [Property("Spec", "SIGN-35")]
    public void From_whatever_a_kill_leaves_the_signer_goes_on_and_never_signs_a_second_content()
    {
        using SoftwareKey key = SoftwareKey.FromSeed(new byte[32]);
        SignStateFile.Create(In("state")).Dispose();
        Ask(key, Votes.Block(SignedMsgType.Prevote, 5, 0, 1));
        Disk before = Read();
        Disk? atDevice = null;
        Ask(new ProbedKey(key, () => atDevice ??= Read()), _asked);
        Disk after = Read();

        // The order of the steps: recorded before the device sees the bytes, noted before the signature leaves.
        Assert.That(atDevice!.State, Is.Not.EqualTo(before.State));
        Assert.That(atDevice.Audit, Is.EqualTo(before.Audit));
        Assert.That(after.Audit, Has.Length.GreaterThan(before.Audit.Length));

        int points = 0;
        foreach ((Disk disk, bool isRecorded) in Leftovers(before, atDevice, after))
        {
            Write(disk);
            Vote? other = TryAsk(key, _other);
            Assert.That(other is null, Is.EqualTo(isRecorded), $"point {points}");
            Vote? asked = TryAsk(key, _asked);
            Assert.That(asked is null, Is.Not.EqualTo(other is null), $"point {points}: one of the two, and only one");
            Assert.That(AuditLog.Verify(In("audit")).Fault, Is.Null, $"point {points}");
            points++;
        }

        TestContext.Out.WriteLine($"{points} points");
        Assert.That(points, Is.GreaterThan(500));
    }

    // In the order in which they come into being; true once the content is on record.
    private static IEnumerable<(Disk Disk, bool IsRecorded)> Leftovers(Disk before, Disk recorded, Disk after)
    {
        yield return (before, false);
        for (int length = 0; length <= recorded.State.Length; length++)
        {
            yield return (before with { New = recorded.State[..length] }, false);
        }

        yield return (recorded, true);
        for (int length = before.Audit.Length; length <= after.Audit.Length; length++)
        {
            yield return (after with { Audit = after.Audit[..length] }, true);
        }
    }

    private string In(string name) => Path.Combine(_folder, name);

    private Disk Read() => new(File.ReadAllBytes(In("state")), null, ReadShared(In("audit")));

    private static byte[] ReadShared(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        var bytes = new byte[file.Length];
        file.ReadExactly(bytes);
        return bytes;
    }

    private void Write(Disk disk)
    {
        File.WriteAllBytes(In("state"), disk.State);
        File.WriteAllBytes(In("audit"), disk.Audit);
        File.Delete(In("state.new"));
        if (disk.New is not null) File.WriteAllBytes(In("state.new"), disk.New);
    }

    // One life of the process.
    private Vote Ask(ISigningKey key, Vote vote)
    {
        using SignStateFile file = SignStateFile.Open(In("state"));
        using AuditLog audit = new(In("audit"));
        SigningNotes notes = new(Chain, audit, new SignerMetrics());
        return new ConsensusSigner(Chain, key, new SignGuard(file.State, file.Save), null, notes).SignVote(vote);
    }

    private Vote? TryAsk(ISigningKey key, Vote vote)
    {
        try
        {
            return Ask(key, vote);
        }
        catch (SigningRefusedException)
        {
            return null;
        }
    }
}
