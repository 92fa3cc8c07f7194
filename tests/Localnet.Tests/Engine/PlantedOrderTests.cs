using System.Collections.Generic;
using System.Linq;
using AppChain.Abci;
using AppChain.Localnet.Tests.Vectors;
using NUnit.Framework;

namespace AppChain.Localnet.Tests;

/// <summary>
/// The check of the order of calls can fail: a fault is planted at every FinalizeBlock and Commit of real sequences, of
/// CometBFT with the product's application and of the embedded engine.
/// </summary>
[TestFixture]
public sealed class PlantedOrderTests
{
    [TestCaseSource(typeof(Tapes), nameof(Tapes.Applications))]
    public void A_wrong_order_of_CometBFT_is_noticed(string name) => Plant(
        [.. Tapes.Open(name).Runs().SelectMany(run => Tapes.Calls(run)
            .Select(call => Tapes.CallOf(call.Request, call.Answer)).OfType<AbciCall>()
            .Prepend(new AbciCall(CallKind.Start, 0)))]);

    [Test]
    public void A_wrong_order_of_the_embedded_engine_is_noticed()
    {
        var network = new TestNetwork(seed: 5);
        network.StartAll();
        network.RunToHeight(12);
        Plant([.. network.Applications[0].Calls.Select(CallOrder.Call)]);
    }

    private static void Plant(List<AbciCall> calls)
    {
        Assert.That(CallGrammar.Check(calls), Is.Null, "as it was recorded");
        int planted = 0;
        for (int i = 0; i + 2 < calls.Count; i++)
        {
            // The calls after a death, or of a client that asks between, leave more than one order possible.
            if (calls[i].Kind != CallKind.FinalizeBlock || calls[i + 1].Kind != CallKind.Commit
                || !IsOfBlock(calls[i + 2])) continue;
            planted++;
            AbciCall block = calls[i];
            MustFail("no FinalizeBlock", [.. calls[..i], .. calls[(i + 1)..]]);
            MustFail("no Commit", [.. calls[..(i + 1)], .. calls[(i + 2)..]]);
            MustFail("Commit before FinalizeBlock", [.. calls[..i], calls[i + 1], block, .. calls[(i + 2)..]]);
            MustFail("Commit twice", [.. calls[..(i + 2)], calls[i + 1], .. calls[(i + 2)..]]);
            MustFail("FinalizeBlock twice", [.. calls[..(i + 1)], block, .. calls[(i + 1)..]]);
            MustFail("another height", [.. calls[..i], block with { Height = block.Height + 1 }, .. calls[(i + 1)..]]);
            MustFail(
                "a vote between",
                [.. calls[..(i + 1)], block with { Kind = CallKind.ExtendVote }, .. calls[(i + 1)..]]);
            MustFail("a vote of the height before",
                [.. calls[..(i + 2)], block with { Kind = CallKind.ProcessProposal }, .. calls[(i + 2)..]]);
            MustFail("genesis again", [.. calls[..i], new AbciCall(CallKind.InitChain, 1), .. calls[i..]]);
        }

        Assert.That(planted, Is.GreaterThan(5));
        TestContext.Out.WriteLine($"{planted} places");

        void MustFail(string fault, IEnumerable<AbciCall> sequence) => Assert.That(
            CallGrammar.Check(sequence), Is.Not.Null, fault);
    }

    private static bool IsOfBlock(AbciCall call) => call.Kind is CallKind.PrepareProposal or CallKind.ProcessProposal
        or CallKind.ExtendVote or CallKind.VerifyVoteExtension or CallKind.FinalizeBlock;
}
