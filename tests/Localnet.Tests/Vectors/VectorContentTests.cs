using System;
using System.Collections.Generic;
using System.Linq;
using AppChain.Abci;
using AppChain.Abci.Wire;
using AppChain.Abci.Wire.Types;
using AppChain.Hsm;
using AppChain.StateMachine;
using Google.Protobuf;
using NUnit.Framework;

namespace AppChain.Localnet.Tests.Vectors;

/// <summary>
/// The tapes show what their scenarios are for. A recording in which it did not come to pass is of no use: record
/// again.
/// </summary>
[TestFixture]
public sealed class VectorContentTests
{
    [Test]
    public void Traders_fill_and_are_liquidated()
    {
        List<string> events =
        [
            .. Finalized("plain.node0.abci").SelectMany(block =>
                block.Answer.Events.Concat(block.Answer.TxResults.SelectMany(result => result.Events)))
                .Select(one => one.Type),
        ];
        Assert.That(events, Does.Contain("appchain.v1." + EventKind.Fill));
        Assert.That(events, Does.Contain("appchain.v1." + EventKind.LiquidationSlice));
        Assert.That(Calls("plain.node0.abci").Count(call => call.Request.CheckTx is not null), Is.GreaterThan(20));
    }

    [Test]
    public void An_absent_validator_is_missed_and_comes_back_by_block_sync()
    {
        Assert.That(Flags("absent.node0.abci"), Does.Contain(BlockIDFlag.Absent));
        Assert.That(Rounds("absent.node0.abci"), Does.Contain(1), "it would have proposed");
        List<Request> second = [.. Tapes.Open("absent.node3.abci").Runs().ElementAt(1)
            .Where(one => one.Kind == TapeKind.Request)
            .Select(one => Request.Parser.Read(one.Message))];
        int synced = second.FindAll(request => request.FinalizeBlock is not null).Count;
        Assert.That(synced, Is.GreaterThan(10));
        Assert.That(second.Count(request => request.ExtendVote is not null), Is.LessThan(synced - 5));
    }

    [Test]
    public void Refused_proposals_end_in_later_rounds()
    {
        List<long> refused =
        [
            .. Calls("reject.node0.abci").Where(call => call.Answer?.ProcessProposal?.Status == ProposalStatus.Reject)
                .Select(call => call.Request.ProcessProposal.Height),
        ];
        Assert.That(refused, Is.EqualTo([6, 10, 10, 14]));
        Assert.That(Rounds("reject.node0.abci"), Does.Contain(1).And.Contain(2));
    }

    [Test]
    public void A_node_dies_at_every_kind_of_moment()
    {
        IReadOnlyList<TapeEntry>[] runs = [.. Tapes.Open("crash.node0.abci").Runs()];
        List<Request.ValueOneofCase> last =
        [
            .. runs.SkipLast(1).Select(run => Tapes.Calls(run).Last().Request.ValueCase),
        ];
        Assert.That(last, Is.EqualTo(new[]
        {
            Request.ValueOneofCase.Commit, Request.ValueOneofCase.Commit, Request.ValueOneofCase.Commit,
            Request.ValueOneofCase.FinalizeBlock, Request.ValueOneofCase.FinalizeBlock,
            Request.ValueOneofCase.ExtendVote, Request.ValueOneofCase.ProcessProposal,
        }));
        Assert.That(runs.SkipLast(1).Select(run => Tapes.Calls(run).Last().Answer), Has.All.Null);
        Assert.That(Calls("crash.node0.abci").Count(call => call.Request.InitChain is not null), Is.EqualTo(2),
            "it died before its first Commit was durable");
    }

    [Test]
    public void Evidence_removes_a_validator()
    {
        Assert.That(Finalized("evidence.node0.abci").Any(block => block.Request.Misbehavior.Count > 0));
        Assert.That(Finalized("evidence.node0.abci").SelectMany(block => block.Answer.ValidatorUpdates)
            .Select(update => update.Power), Is.EqualTo([0]));
        Assert.That(Finalized("evidence.node3.abci").Last().Request.DecidedLastCommit.Votes, Has.Count.EqualTo(3));
    }

    [Test]
    public void Parameters_of_consensus_are_changed()
    {
        long changed = Finalized("parameters.node0.abci")
            .Single(block => block.Answer.ConsensusParamUpdates is not null)
            .Request.Height;
        Assert.That(Finalized("parameters.node0.abci").Last().Request.Height, Is.GreaterThan(changed));
    }

    [Test]
    public void Votes_are_nil_without_prices_and_with_bytes_that_are_none()
    {
        Assert.That(Flags("mixed_votes.node0.abci"), Does.Contain(BlockIDFlag.Nil));
        Assert.That(Calls("mixed_votes.node0.abci").Any(
            call => call.Answer?.VerifyVoteExtension?.Status == VerifyStatus.Reject));
        Assert.That(Calls("mixed_votes.node0.abci").Any(
            call => call.Request.VerifyVoteExtension?.VoteExtension.IsEmpty == true));
    }

    [Test]
    public void A_chain_begins_at_height_5() =>
        Assert.That(Finalized("initial_height.node0.abci").First().Request.Height, Is.EqualTo(5));

    [Test]
    public void A_signer_goes_away_and_comes_back() =>
        Assert.That(Tapes.Open("signer.node0.privval").Runs().Count(), Is.EqualTo(2));

    [Test]
    public void A_node_begins_with_a_snapshot()
    {
        Assert.That(Calls("state_sync.node4.abci").Any(
            call => call.Answer?.ApplySnapshotChunk?.Result == ApplySnapshotChunkResult.Accept));
        Assert.That(Calls("state_sync.node4.abci").Any(call => call.Request.InitChain is not null), Is.False);
    }

    /// <summary>CometBFT verifies over the same bytes as we do: what it hands to a proposer is signed.</summary>
    [Test]
    public void Extensions_handed_to_a_proposer_are_signed_over_our_sign_bytes()
    {
        Dictionary<ByteString, ByteString> keys = Enumerable.Range(0, 4).Select(Tapes.ConsensusKey)
            .ToDictionary(key => BlockHashes.Address(
                new Abci.Wire.Crypto.PublicKey { Ed25519 = key.PublicKey }), key => key.PublicKey);
        int verified = 0;
        foreach (RequestPrepareProposal request in Tapes.Validators().SelectMany(Calls)
            .Select(call => call.Request.PrepareProposal).OfType<RequestPrepareProposal>())
        {
            foreach (ExtendedVoteInfo vote in request.LocalLastCommit.Votes)
            {
                if (vote.BlockIdFlag != BlockIDFlag.Commit)
                {
                    Assert.That(vote.VoteExtension.IsEmpty && vote.ExtensionSignature.IsEmpty);
                    continue;
                }

                byte[] bytes = SignBytes.VoteExtension(
                    NetworkFiles.ChainId, request.Height - 1, request.LocalLastCommit.Round, vote.VoteExtension);
                Assert.That(Ed25519.Verify(keys[vote.Validator.Address].Span, bytes, vote.ExtensionSignature.Span));
                verified++;
            }
        }

        Assert.That(verified, Is.GreaterThan(200));
    }

    private static IEnumerable<(Request Request, Response? Answer)> Calls(string name) =>
        Tapes.Open(name).Runs().SelectMany(Tapes.Calls);

    private static IEnumerable<(RequestFinalizeBlock Request, ResponseFinalizeBlock Answer)> Finalized(string name) =>
        Calls(name).Where(call => call.Answer?.FinalizeBlock is not null)
            .Select(call => (call.Request.FinalizeBlock, call.Answer!.FinalizeBlock));

    private static IEnumerable<BlockIDFlag> Flags(string name) =>
        Finalized(name).SelectMany(block => block.Request.DecidedLastCommit.Votes).Select(vote => vote.BlockIdFlag);

    private static IEnumerable<int> Rounds(string name) =>
        Finalized(name).Select(block => block.Request.DecidedLastCommit.Round);
}
