using System;
using System.IO;
using System.Text.Json.Nodes;
using AppChain.Abci;
using AppChain.Abci.Wire.Types;
using AppChain.Hsm;
using Google.Protobuf;
using NUnit.Framework;

namespace AppChain.Tests;

internal sealed class SignStateFileTests
{
    private string _folder = "";

    private string Path => System.IO.Path.Combine(_folder, "state.json");

    [SetUp]
    public void MakeFolder() => _folder = Directory.CreateTempSubdirectory("appchain-state-").FullName;

    [TearDown]
    public void RemoveFolder() => Directory.Delete(_folder, recursive: true);

    [TestCase(SignStep.Proposal)]
    [TestCase(SignStep.Prevote)]
    [TestCase(SignStep.Precommit)]
    public void State_survives_a_restart(SignStep step)
    {
        using (SignStateFile file = SignStateFile.Create(Path)) file.Save(State(7, 2, step));
        using SignStateFile again = SignStateFile.Open(Path);
        Assert.That(again.State, Is.EqualTo(State(7, 2, step)));
        Assert.That(File.GetUnixFileMode(Path), Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite));
        Assert.That(File.Exists(Path + ".new"), Is.False);
    }

    [Test]
    [Property("Spec", "SIGN-10")]
    public void Fields_are_those_of_the_reference_implementation()
    {
        using (SignStateFile file = SignStateFile.Create(Path))
        {
            JsonNode fresh = JsonNode.Parse(File.ReadAllText(Path))!;
            Assert.That(fresh["height"]!.GetValue<string>(), Is.EqualTo("0"));
            Assert.That(fresh["round"]!.GetValue<int>(), Is.Zero);
            Assert.That(fresh["step"]!.GetValue<int>(), Is.Zero);
            Assert.That(fresh["signature"], Is.Null);
            file.Save(State(7, 2, SignStep.Precommit));
        }
        JsonNode json = JsonNode.Parse(File.ReadAllText(Path))!;
        Assert.That(json["height"]!.GetValue<string>(), Is.EqualTo("7"));
        Assert.That(json["step"]!.GetValue<int>(), Is.EqualTo(3));
        Assert.That(Convert.FromBase64String(json["signature"]!.GetValue<string>()), Has.Length.EqualTo(64));
        Assert.That(json["signbytes"]!.GetValue<string>(),
            Is.EqualTo(Convert.ToHexString(State(7, 2, SignStep.Precommit).Bytes.Span)));
    }

    [Test]
    public void A_file_of_the_reference_implementation_is_taken_over()
    {
        File.WriteAllText(Path, "{\"height\":\"0\",\"round\":0,\"step\":0}");
        using (SignStateFile fresh = SignStateFile.Open(Path)) Assert.That(fresh.State, Is.EqualTo(SignState.Fresh));

        SignState state = State(12, 0, SignStep.Prevote);
        File.WriteAllText(Path, $"{{\"height\":\"12\",\"round\":0,\"step\":2,\"signature\":\""
            + $"{Convert.ToBase64String(state.Signature.Span)}\",\"signbytes\":\""
            + $"{Convert.ToHexString(state.Bytes.Span)}\"}}");
        using SignStateFile file = SignStateFile.Open(Path);
        Assert.That(file.State, Is.EqualTo(state));
        file.Save(state);
        Assert.That(File.ReadAllText(Path), Does.Contain("checksum"));
    }

    /// <summary>Every single byte of the file is damaged in turn; none of it may lead to another state.</summary>
    [Test]
    [Property("Spec", "SIGN-10")]
    public void Damage_anywhere_is_refused_or_harmless()
    {
        SignState state = State(7, 2, SignStep.Precommit);
        using (SignStateFile file = SignStateFile.Create(Path)) file.Save(state);
        byte[] good = File.ReadAllBytes(Path);
        int refused = 0;
        for (int i = 0; i < good.Length; i++)
        {
            byte[] bad = (byte[])good.Clone();
            bad[i] ^= 1;
            File.WriteAllBytes(Path, bad);
            try
            {
                using SignStateFile file = SignStateFile.Open(Path);
                Assert.That(file.State, Is.EqualTo(state), $"byte {i}");
            }
            catch (IOException error)
            {
                Assert.That(error.Message, Does.Contain("cannot be used").And.Contain("Do not delete it"));
                refused++;
            }
        }
        Assert.That(refused, Is.GreaterThan(good.Length * 8 / 10));

        for (int length = 0; length < good.Length - 1; length += 7)
        {
            File.WriteAllBytes(Path, good[..length]);
            Assert.That(() => SignStateFile.Open(Path), Throws.TypeOf<IOException>());
        }
    }

    [TestCase("{}", "'height' is missing")]
    [TestCase("[]", "it is not an object")]
    [TestCase("{\"height\":\"5\",\"round\":0,\"step\":9}", "step 9 is unknown")]
    [TestCase("{\"height\":\"-5\",\"round\":0,\"step\":0}", "height -5, round 0 is out of range")]
    [TestCase("{\"height\":\"5\",\"round\":-1,\"step\":0}", "round -1 is out of range")]
    [TestCase("{\"height\":\"5\",\"round\":0,\"step\":1,\"signbytes\":\"00\"}", "of another height, round or step")]
    public void Impossible_content_is_refused(string content, string reason)
    {
        File.WriteAllText(Path, content);
        Assert.That(() => SignStateFile.Open(Path), Throws.TypeOf<IOException>().With.Message.Contains(reason));
    }

    [Test]
    public void Height_raised_by_hand_contradicts_the_signed_bytes()
    {
        using (SignStateFile file = SignStateFile.Create(Path)) file.Save(State(7, 2, SignStep.Precommit));
        JsonObject json = JsonNode.Parse(File.ReadAllText(Path))!.AsObject();
        json["height"] = "9";
        File.WriteAllText(Path, json.ToJsonString());
        Assert.That(() => SignStateFile.Open(Path), Throws.TypeOf<IOException>().With.Message.Contains("checksum"));
        json.Remove("checksum");
        File.WriteAllText(Path, json.ToJsonString());
        Assert.That(() => SignStateFile.Open(Path),
            Throws.TypeOf<IOException>().With.Message.Contains("another height, round or step"));
    }

    [Test]
    [Property("Spec", "SIGN-10")]
    public void A_missing_file_is_not_replaced_by_a_fresh_one()
    {
        Assert.That(() => SignStateFile.Open(Path), Throws.TypeOf<IOException>().With.Message.Contains("is missing"));
        Assert.That(File.Exists(Path), Is.False);
        using SignStateFile file = SignStateFile.Create(Path);
        file.Dispose();
        Assert.That(() => SignStateFile.Create(Path), Throws.TypeOf<IOException>(),
            "an existing one is not overwritten");
    }

    [Test]
    [Property("Spec", "SIGN-11")]
    public void One_process_holds_the_file()
    {
        using SignStateFile file = SignStateFile.Create(Path);
        Assert.That(() => SignStateFile.Open(Path),
            Throws.TypeOf<IOException>().With.Message.Contains("stop the other one first"));
        file.Dispose();
        using SignStateFile again = SignStateFile.Open(Path);
    }

    [Test]
    [Property("Spec", "SIGN-11")]
    public void A_writer_that_lost_its_lock_finds_the_fence()
    {
        using SignStateFile old = SignStateFile.Create(Path);
        old.Save(State(7, 0, SignStep.Prevote));
        // The lock file is deleted by hand, so a second process gets in.
        File.Delete(Path + ".lock");
        using SignStateFile taker = SignStateFile.Open(Path);
        Assert.That(taker.State, Is.EqualTo(State(7, 0, SignStep.Prevote)));
        Assert.That(() => old.Save(State(8, 0, SignStep.Prevote)), Throws.TypeOf<IOException>()
            .With.Message.Contains("another process has taken over"));
        taker.Save(State(9, 0, SignStep.Prevote));
    }

    [Test]
    [Property("Spec", "SIGN-11")]
    public void A_damaged_state_is_replaced_only_on_demand_and_only_upwards()
    {
        using (SignStateFile file = SignStateFile.Create(Path)) file.Save(State(7, 2, SignStep.Precommit));
        Assert.That(
            () => SignStateFile.Raise(Path, 7), Throws.TypeOf<IOException>().With.Message.Contains("never lowered"));
        File.WriteAllText(Path, "damaged");
        Assert.That(() => SignStateFile.Open(Path), Throws.TypeOf<IOException>());
        using (SignStateFile raised = SignStateFile.Raise(Path, 8))
        {
            SignState state = raised.State;
            ReadOnlySpan<byte> bytes = State(7, 9, SignStep.Precommit).Bytes.Span;
            Assert.That(
                state.Decide(7, int.MaxValue, SignStep.Precommit, bytes).Verdict, Is.EqualTo(SignVerdict.Refuse));
            Assert.That(state.Decide(8, 0, SignStep.Proposal, bytes).Verdict, Is.EqualTo(SignVerdict.Sign));
        }
        Assert.That(File.ReadAllText(Path + ".replaced"), Is.EqualTo("damaged"));
    }

    [Test]
    public void A_state_that_cannot_be_stored_is_an_error_and_the_old_one_stays()
    {
        using SignStateFile file = SignStateFile.Create(Path);
        file.Save(State(7, 2, SignStep.Prevote));
        Directory.CreateDirectory(Path + ".new");
        Assert.That(() => file.Save(State(8, 0, SignStep.Prevote)), Throws.InstanceOf<IOException>());
        Assert.That(file.State.Height, Is.EqualTo(7));
        Directory.Delete(Path + ".new");
        file.Dispose();
        using SignStateFile again = SignStateFile.Open(Path);
        Assert.That(again.State.Height, Is.EqualTo(7));
    }

    private static SignState State(long height, int round, SignStep step)
    {
        byte[] bytes = step == SignStep.Proposal
            ? SignBytes.Proposal("chain", new Proposal
            {
                Type = SignedMsgType.Proposal,
                Height = height,
                Round = round,
                PolRound = -1,
                BlockId = new BlockID { Hash = ByteString.CopyFrom(new byte[32]) },
                Timestamp = WireTime.Parse("2026-01-01T00:00:00Z"),
            })
            : SignBytes.Vote("chain", new Vote
            {
                Type = step == SignStep.Prevote ? SignedMsgType.Prevote : SignedMsgType.Precommit,
                Height = height,
                Round = round,
            });
        byte[] signature = new byte[64];
        signature[5] = 77;
        return new SignState(height, round, step, ByteString.CopyFrom(bytes), ByteString.CopyFrom(signature));
    }
}
