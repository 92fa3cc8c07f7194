using System;
using System.Collections.Generic;
using System.Linq;
using System.Reflection;
using AppChain.Abci;
using AppChain.Abci.Wire;
using NUnit.Framework;

namespace AppChain.Tests;

/// <summary>Answers every call with an empty message.</summary>
public class EmptyAnswers : DispatchProxy
{
    /// <inheritdoc/>
    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) =>
        targetMethod!.ReturnType == typeof(void) ? null : Activator.CreateInstance(targetMethod.ReturnType);
}

/// <summary>Words in and out of the grammar of calls. A letter is a call, the number behind it its height.</summary>
internal sealed class CallGrammarTests
{
    // A fresh chain up to height 3: this node proposes 2, hears late votes, and is caught up at 3.
    private const string Fresh = "S I0 N1 Q1 E1 V1 V1 F1 C P2 Q2 V2 E2 V2 F2 C V3 F3 C";

    [TestCase("")]
    [TestCase("S")]
    [TestCase("I0", Description = "the start of the process was not noted")]
    [TestCase(Fresh)]
    [TestCase("S I0 N5 P5 Q5 E5 F5 C", Description = "an initial height above 1")]
    [TestCase("S I0 N1 F1 C F2 C F3 C Q4", Description = "an application without its data: every block again")]
    [TestCase("S I7 Q8 E8 F8 C", Description = "a restart of both")]
    [TestCase("S I7 F8 C F9 C", Description = "handshake replay, or block sync")]
    [TestCase("S I7 V8 V8 P8 P8 Q8 Q8 E8 E8 F8 C", Description = "several rounds, votes before the proposal")]
    [TestCase(Fresh + " S I3 P4", Description = "both died after Commit")]
    [TestCase(Fresh + " S I2 F3 C", Description = "the application died in Commit, before it was durable")]
    [TestCase(Fresh + " S I3 S I3 Q4", Description = "and again before it heard a block")]
    [TestCase(Fresh + " Q4 F4 S I3 F4 C", Description = "died between FinalizeBlock and Commit")]
    [TestCase("S I0 N1 F1 S I0 N1 F1 C", Description = "died before the first Commit: InitChain again")]
    [TestCase(Fresh + " Q4 F4 I3 F4 C", Description = "the engine alone died after FinalizeBlock")]
    [TestCase(Fresh + " Q4 I3 F4 I3 C", Description = "a client asks in between")]
    [TestCase(Fresh + " I2 I3 Q4", Description = "a client asks while Commit runs")]
    [TestCase(Fresh + " I3 I3 F4 C", Description = "the engine alone was restarted")]
    [TestCase("S O A A A I9 F10 C Q11", Description = "state sync")]
    [TestCase("S O O A O A I9 Q10", Description = "a second and a third snapshot are tried")]
    [TestCase("S I0 O A I0 A I9 F10 C", Description = "a client asks during state sync")]
    [TestCase("S O A S O A A I9 F10 C", Description = "died during state sync")]
    [TestCase(Fresh + " R2 R1 S I1 F2 C F3 C", Description = "taken back by two heights while it was stopped")]
    public void A_word_of_the_grammar_is_accepted(string word) => Assert.That(CallGrammar.Check(Parse(word)), Is.Null);

    [TestCase("S Q1", 2, Description = "no Info")]
    [TestCase("S N1", 2)]
    [TestCase("S C", 2)]
    [TestCase("S I0 Q1", 3, Description = "no InitChain although the height is 0")]
    [TestCase("S I0 F1", 3)]
    [TestCase("S I7 N1", 3, Description = "InitChain although the height is not 0")]
    [TestCase("S I0 N1 N1", 4, Description = "InitChain twice without a restart")]
    [TestCase("S I0 N1 F1 C N1", 6)]
    [TestCase("S I0 N1 F2", 4, Description = "not the initial height")]
    [TestCase("S I0 N5 Q1", 4)]
    [TestCase("S I7 Q8 C", 4, Description = "Commit without FinalizeBlock")]
    [TestCase("S I7 F8 C C", 5)]
    [TestCase("S I7 F8 F8", 4, Description = "FinalizeBlock twice")]
    [TestCase("S I7 F8 Q8", 4, Description = "votes between FinalizeBlock and Commit")]
    [TestCase("S I7 F8 V8 C", 4)]
    [TestCase("S I7 F8 V9", 4)]
    [TestCase("S I7 F9", 3, Description = "a height left out")]
    [TestCase("S I7 F7", 3, Description = "a height twice")]
    [TestCase("S I7 Q7", 3, Description = "a vote for the committed height")]
    [TestCase("S I7 Q8 E9", 4)]
    [TestCase("S I7 F8 C P10", 5)]
    [TestCase("S I7 Q8 I8", 4, Description = "Info answers a block that was not committed")]
    [TestCase("S I7 F8 C Q9 I7", 6, Description = "Info forgets a block")]
    [TestCase(Fresh + " V4 S I2", 22, Description = "a committed block is lost in a restart")]
    [TestCase(Fresh + " S I4", 21, Description = "a block that was not committed appears in a restart")]
    [TestCase(Fresh + " S I0", 21, Description = "the application has lost its data")]
    [TestCase(Fresh + " R3", 20, Description = "taken back to where it is")]
    [TestCase(Fresh + " R1 S I2", 22, Description = "taken back by one height more than it says")]
    [TestCase("S I7 O", 3, Description = "a snapshot for an application that has blocks")]
    [TestCase("S I0 N1 O", 4)]
    [TestCase("S A", 2, Description = "a chunk of no snapshot")]
    [TestCase("S O I9 Q10", 3, Description = "a snapshot without a chunk")]
    [TestCase("S O A Q1", 4, Description = "a block before Info has confirmed the snapshot")]
    [TestCase("S O A N1", 4)]
    [TestCase("S O A I9 Q9", 5)]
    [TestCase("S O A I9 A", 5, Description = "a chunk after the snapshot is complete")]
    public void A_word_outside_the_grammar_is_refused_at_its_first_wrong_call(string word, int at)
    {
        var grammar = new CallGrammar();
        string? wrong = null;
        foreach (AbciCall call in Parse(word))
        {
            wrong = grammar.Take(call);
            if (wrong is not null) break;
        }
        Assert.That(wrong, Does.StartWith($"call {at}, "));
    }

    /// <summary>
    /// Every single change of order in a good word is noticed, but for votes, which may come in any order.
    /// </summary>
    [Test]
    public void Exchanging_two_neighbours_of_a_good_word_is_noticed()
    {
        List<AbciCall> word = [.. Parse(Fresh)];
        for (int i = 1; i + 1 < word.Count; i++)
        {
            if (IsVote(word[i]) && IsVote(word[i + 1])) continue;
            List<AbciCall> changed = [.. word];
            (changed[i], changed[i + 1]) = (changed[i + 1], changed[i]);
            Assert.That(CallGrammar.Check(changed), Is.Not.Null, string.Join(' ', changed));
        }

        static bool IsVote(AbciCall call) =>
            call.Kind is >= CallKind.PrepareProposal and <= CallKind.VerifyVoteExtension;
    }

    [Test]
    public void A_recorder_notes_calls_and_passes_them_on()
    {
        List<AbciCall> calls = [];
        var recorder = new CallRecorder(DispatchProxy.Create<IAbciApplication, EmptyAnswers>(), calls.Add);
        recorder.Info(new RequestInfo());
        recorder.InitChain(new RequestInitChain { InitialHeight = 3 });
        recorder.PrepareProposal(new RequestPrepareProposal { Height = 3 });
        recorder.ProcessProposal(new RequestProcessProposal { Height = 3 });
        recorder.ExtendVote(new RequestExtendVote { Height = 3 });
        recorder.VerifyVoteExtension(new RequestVerifyVoteExtension { Height = 3 });
        recorder.CheckTx(new RequestCheckTx());
        recorder.Query(new RequestQuery());
        recorder.ListSnapshots(new RequestListSnapshots());
        recorder.LoadSnapshotChunk(new RequestLoadSnapshotChunk());
        recorder.FinalizeBlock(new RequestFinalizeBlock { Height = 3 });
        recorder.Commit(new RequestCommit());
        recorder.OfferSnapshot(new RequestOfferSnapshot());
        recorder.ApplySnapshotChunk(new RequestApplySnapshotChunk());
        string[] expected =
        [
            "Info 0", "InitChain 3", "PrepareProposal 3",
            "ProcessProposal 3", "ExtendVote 3", "VerifyVoteExtension 3", "FinalizeBlock 3", "Commit 0",
            "OfferSnapshot 0", "ApplySnapshotChunk 0",
        ];
        Assert.That(calls.Select(call => call.ToString()), Is.EqualTo(expected));
        Assert.That(expected.Select(AbciCall.Parse), Is.EqualTo(calls));
    }

    [TestCase("")]
    [TestCase("Commit")]
    [TestCase("Commit -1")]
    [TestCase("Commit 1 2")]
    [TestCase("commit 1")]
    [TestCase("99 1")]
    public void A_line_that_is_no_call_is_named(string line) =>
        Assert.That(() => AbciCall.Parse(line), Throws.TypeOf<FormatException>().With.Message.Contains("is no call"));

    private static IEnumerable<AbciCall> Parse(string word) =>
        word.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(letter => new AbciCall(
            letter[0] switch
            {
                'S' => CallKind.Start,
                'I' => CallKind.Info,
                'N' => CallKind.InitChain,
                'O' => CallKind.OfferSnapshot,
                'A' => CallKind.ApplySnapshotChunk,
                'P' => CallKind.PrepareProposal,
                'Q' => CallKind.ProcessProposal,
                'E' => CallKind.ExtendVote,
                'V' => CallKind.VerifyVoteExtension,
                'F' => CallKind.FinalizeBlock,
                'R' => CallKind.Rollback,
                _ => CallKind.Commit,
            },
            letter.Length > 1 ? long.Parse(letter[1..]) : 0));
}
