using System;
using AppChain.Abci;
using AppChain.Abci.Wire.Types;
using AppChain.Hsm;
using FsCheck;
using FsCheck.Fluent;
using Google.Protobuf;
using NUnit.Framework;

namespace AppChain.Tests;

/// <summary>The double-sign guard as lines "signed, then asked, then answer".</summary>
internal sealed class SignStateTests
{
    private const string Chain = "chain";

    [TestCase("5/1/Prevote", "6/0/Proposal", SignVerdict.Sign, TestName = "Next height")]
    [TestCase("5/1/Prevote", "5/2/Proposal", SignVerdict.Sign, TestName = "Next round")]
    [TestCase("5/1/Prevote", "5/1/Precommit", SignVerdict.Sign, TestName = "Next step")]
    [TestCase("5/1/Proposal", "5/1/Prevote", SignVerdict.Sign, TestName = "Prevote after own proposal")]
    [TestCase("5/1/Precommit", "9/0/Prevote", SignVerdict.Sign, TestName = "Heights may be skipped")]
    [TestCase("5/1/Prevote", "4/9/Precommit", SignVerdict.Refuse, TestName = "Lower height")]
    [TestCase("5/1/Prevote", "5/0/Precommit", SignVerdict.Refuse, TestName = "Lower round")]
    [TestCase("5/1/Precommit", "5/1/Prevote", SignVerdict.Refuse, TestName = "Earlier step")]
    [TestCase("5/1/Prevote", "5/1/Proposal", SignVerdict.Refuse, TestName = "Proposal after prevote")]
    [TestCase("5/1/Prevote A", "5/1/Prevote A", SignVerdict.Repeat, TestName = "Same again")]
    [TestCase("5/1/Prevote A", "5/1/Prevote B", SignVerdict.Refuse, TestName = "Another block")]
    [TestCase("5/1/Precommit A", "5/1/Precommit nil", SignVerdict.Refuse, TestName = "Nil after a block")]
    [TestCase("5/1/Precommit nil", "5/1/Precommit A", SignVerdict.Refuse, TestName = "A block after nil")]
    [TestCase("5/1/Proposal A", "5/1/Proposal B", SignVerdict.Refuse, TestName = "Another proposal")]
    [TestCase("5/1/Proposal A", "5/1/Proposal A", SignVerdict.Repeat, TestName = "Same proposal")]
    [Property("Spec", "SIGN-4")]
    [Property("Spec", "SIGN-5")]
    [Property("Spec", "SIGN-6")]
    [Property("Spec", "SIGN-8")]
    public void Guard_decides(string signed, string asked, SignVerdict expected)
    {
        (long height, int round, SignStep step, byte[] bytes) = Read(signed, "2026-01-01T00:00:00Z");
        SignState state = new(height, round, step, ByteString.CopyFrom(bytes), ByteString.CopyFrom(new byte[64]));
        (height, round, step, bytes) = Read(asked, "2026-01-01T00:00:00Z");
        SignDecision decision = state.Decide(height, round, step, bytes);
        Assert.That(decision.Verdict, Is.EqualTo(expected));
        Assert.That(decision.Reason is not null, Is.EqualTo(expected == SignVerdict.Refuse));
        Assert.That(decision.SignedTime, Is.Null);
    }

    [TestCase("5/1/Prevote A")]
    [TestCase("5/1/Precommit nil")]
    [TestCase("5/1/Proposal A")]
    [Property("Spec", "SIGN-7")]
    public void Another_time_alone_repeats_the_stored_signature_and_time(string what)
    {
        const string time = "2026-01-01T00:00:00.5Z";
        (long height, int round, SignStep step, byte[] bytes) = Read(what, time);
        SignState state = new(height, round, step, ByteString.CopyFrom(bytes), ByteString.CopyFrom(new byte[64]));
        byte[] later = Read(what, "2026-01-01T00:00:01Z").Bytes;
        SignDecision decision = state.Decide(height, round, step, later);
        Assert.That(decision.Verdict, Is.EqualTo(SignVerdict.Repeat));
        Assert.That(decision.SignedTime, Is.EqualTo(WireTime.Parse(time)));
    }

    [Test]
    public void A_fresh_key_signs_anything_first()
    {
        (long height, int round, SignStep step, byte[] bytes) = Read("1/0/Proposal A", "2026-01-01T00:00:00Z");
        Assert.That(SignState.Fresh.Decide(height, round, step, bytes).Verdict, Is.EqualTo(SignVerdict.Sign));
    }

    [Test]
    public void Unreadable_stored_bytes_lead_to_refusal()
    {
        SignState state = new(5, 1, SignStep.Prevote, ByteString.CopyFrom(new byte[] { 9, 9 }), ByteString.Empty);
        (long height, int round, SignStep step, byte[] bytes) = Read("5/1/Prevote A", "2026-01-01T00:00:00Z");
        Assert.That(state.Decide(height, round, step, bytes).Verdict, Is.EqualTo(SignVerdict.Refuse));
    }

    /// <summary>
    /// Whatever is asked in whatever order, no two different contents are ever signed for one height, round and step,
    /// and what is signed only moves forward.
    /// </summary>
    [Test]
    [Property("Spec", "SIGN-8")]
    public void Random_requests_never_lead_to_a_double_sign()
    {
        Gen<int[]> requests = Gen.Choose(0, 4 * 3 * 3 * 3 * 2 - 1).ArrayOf(60);
        Prop.ForAll(requests.ToArbitrary(), codes =>
        {
            System.Collections.Generic.Dictionary<(long, int, SignStep), string> signed = [];
            SignState state = SignState.Fresh;
            foreach (int code in codes)
            {
                long height = 1 + (code % 4);
                int round = code / 4 % 3;
                SignStep step = (SignStep)(1 + (code / 12 % 3));
                string block = ((string[])["A", "B", step == SignStep.Proposal ? "A" : "nil"])[code / 36 % 3];
                string time = code / 108 == 0 ? "2026-01-01T00:00:00Z" : "2026-01-01T00:00:01Z";
                byte[] bytes = Read($"{height}/{round}/{step} {block}", time).Bytes;
                SignDecision decision = state.Decide(height, round, step, bytes);
                if (decision.Verdict == SignVerdict.Refuse) continue;
                if (decision.Verdict == SignVerdict.Sign)
                {
                    if (signed.ContainsKey((height, round, step))) return false;
                    signed.Add((height, round, step), block);
                    state = new SignState(height, round, step, ByteString.CopyFrom(bytes), ByteString.Empty);
                }
                if (signed[(height, round, step)] != block) return false;
            }
            return true;
        }).QuickCheckThrowOnFailure();
    }

    private static (long Height, int Round, SignStep Step, byte[] Bytes) Read(string text, string time)
    {
        string[] fields = text.Split('/', ' ');
        long height = long.Parse(fields[0]);
        int round = int.Parse(fields[1]);
        SignStep step = Enum.Parse<SignStep>(fields[2]);
        string block = fields.Length > 3 ? fields[3] : "A";
        BlockID? id = block == "nil" ? null : new BlockID
        {
            Hash = ByteString.CopyFromUtf8(new string(block[0], 32)),
            PartSetHeader = new PartSetHeader { Total = 1, Hash = ByteString.CopyFromUtf8(new string(block[0], 32)) },
        };
        byte[] bytes = step == SignStep.Proposal
            ? SignBytes.Proposal(Chain, new Proposal
            {
                Type = SignedMsgType.Proposal,
                Height = height,
                Round = round,
                PolRound = -1,
                BlockId = id,
                Timestamp = WireTime.Parse(time),
            })
            : SignBytes.Vote(Chain, new Vote
            {
                Type = step == SignStep.Prevote ? SignedMsgType.Prevote : SignedMsgType.Precommit,
                Height = height,
                Round = round,
                BlockId = id,
                Timestamp = WireTime.Parse(time),
            });
        return (height, round, step, bytes);
    }
}
