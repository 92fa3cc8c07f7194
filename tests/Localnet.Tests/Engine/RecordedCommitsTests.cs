using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.IO;
using System.Linq;
using AppChain.Abci;
using AppChain.Abci.Wire;
using AppChain.Abci.Wire.Types;
using AppChain.Hsm;
using AppChain.Node;
using AppChain.StateMachine;
using Google.Protobuf;
using NUnit.Framework;

namespace AppChain.Localnet.Tests;

/// <summary>
/// The product's application among the recorded nodes: their commits, with absent and nil votes, rounds and validator
/// sets as they were, in its own checks of extensions. The recorded extensions are those of another application, so
/// each is replaced by a price, signed with the key of the recorded validator for the recorded height and round; what
/// was a bad extension stays as it was recorded.
/// </summary>
[TestFixture]
public sealed class RecordedCommitsTests
{
    private const int SignatureSize = 64;

    // ORACLE-2
    [TestCaseSource(typeof(Recording), nameof(Recording.Names))]
    public void Injected_commits_of_recorded_nodes_are_checked_by_the_application(string name)
    {
        Recording recording = Recording.Open(name);
        foreach (int node in recording.Nodes)
        {
            string folder = Directory.CreateTempSubdirectory("appchain-recorded-").FullName;
            try
            {
                using var application = new Node.Application(
                    new ChainStore(folder), null, checkEveryRow: true, NodeLog.Silent);
                var walk = new Walk(recording, application);
                foreach (Request request in recording.Requests(node).TakeWhile(_ => !walk.HasOtherValidators))
                {
                    walk.Take(request);
                }

                Assert.That(walk.Proposals, Is.GreaterThan(0));
                Assert.That(walk.Accepted, Is.GreaterThan(5));
                Assert.That(walk.Refused, Is.GreaterThanOrEqualTo(walk.Accepted));
                Assert.That(application.Height, Is.GreaterThan(6));
                TestContext.Out.WriteLine($"{name} node {node}: {walk.Proposals} proposals made, {walk.Accepted} "
                    + $"judged as sound, {walk.Refused} damaged ones refused, {walk.Extensions} extensions, "
                    + $"{walk.LeftOut} left out, height {application.Height}");
            }
            finally
            {
                Directory.Delete(folder, recursive: true);
            }
        }
    }

    // What became of one node's calls.
    private sealed class Walk(Recording recording, Node.Application application)
    {
        private readonly IReadOnlyDictionary<ByteString, SoftwareKey> _keys = recording.Keys();
        private HashSet<(ByteString Address, long Power)> _validators = [];

        public int Proposals { get; private set; }

        public int Accepted { get; private set; }

        public int Refused { get; private set; }

        public int Extensions { get; private set; }

        public int LeftOut { get; private set; }

        /// <summary>The recorded application has changed the validators, which this one cannot know of.</summary>
        public bool HasOtherValidators { get; private set; }

        public void Take(Request request)
        {
            switch (request.ValueCase)
            {
                case Request.ValueOneofCase.InitChain when application.Height == 0:
                    request.InitChain.AppStateBytes = ByteString.CopyFrom(
                        Genesis.Parse(EmbeddedHandshakeTests.GenesisJson()).AppState);
                    _validators =
                    [
                        .. request.InitChain.Validators.Select(one => (BlockHashes.Address(one.PubKey), one.Power)),
                    ];
                    application.InitChain(request.InitChain);
                    break;
                case Request.ValueOneofCase.PrepareProposal:
                    Propose(request.PrepareProposal);
                    break;
                case Request.ValueOneofCase.ProcessProposal:
                    Judge(request.ProcessProposal);
                    break;
                case Request.ValueOneofCase.FinalizeBlock when request.FinalizeBlock.Height == application.Height + 1
                    || application.Height == 0:
                    Decide(request.FinalizeBlock);
                    break;
                default:
                    break;
            }
        }

        private void Propose(RequestPrepareProposal request)
        {
            if (IsOfOthers(request.LocalLastCommit.Votes.Select(vote => vote.Validator))) return;
            ExtendedCommitInfo recorded = request.LocalLastCommit;
            request.LocalLastCommit = WithPrices(recorded, request.Height - 1);
            ResponsePrepareProposal response = application.PrepareProposal(request);
            Proposals++;
            if (recorded.Votes.Count == 0)
            {
                Assert.That(response.Txs, Is.Empty, "the initial height carries no commit");
                return;
            }

            // The transactions of the other application are none of this one.
            Assert.That(response.Txs, Has.Count.EqualTo(1));
            Check(response.Txs[0], recorded);
        }

        private PriceUpdate Check(ByteString injected, ExtendedCommitInfo recorded)
        {
            PriceUpdate update = PriceUpdate.Decode(injected.Span)!;
            Assert.That(update.Round, Is.EqualTo(recorded.Round));
            Assert.That(update.Entries.Select(entry => entry.IsPresent), Is.EqualTo(recorded.Votes.Select(IsSound)));
            Extensions += update.Entries.Count(entry => entry.IsPresent);
            LeftOut += recorded.Votes.Count(vote => vote.BlockIdFlag == BlockIDFlag.Commit && !IsSound(vote));
            return update;
        }

        private void Judge(RequestProcessProposal request)
        {
            if (IsOfOthers(request.ProposedLastCommit.Votes.Select(vote => vote.Validator))) return;
            PriceUpdate? update = Inject(request.Txs, request.Height, request.ProposedLastCommit.Votes.Count);
            Assert.That(application.ProcessProposal(request).Status, Is.EqualTo(ProposalStatus.Accept));
            Accepted++;
            if (update is null) return;
            foreach (PriceUpdate damaged in Damaged(update))
            {
                RequestProcessProposal lie = request.Clone();
                lie.Txs[0] = ByteString.CopyFrom(damaged.Encode());
                Assert.That(application.ProcessProposal(lie).Status, Is.EqualTo(ProposalStatus.Reject));
                Refused++;
            }

            RequestProcessProposal without = request.Clone();
            without.Txs.Clear();
            Assert.That(application.ProcessProposal(without).Status, Is.EqualTo(ProposalStatus.Reject));
            RequestProcessProposal flagged = request.Clone();
            VoteInfo first =
                flagged.ProposedLastCommit.Votes[update.Entries.ToList().FindIndex(entry => entry.IsPresent)];
            first.BlockIdFlag = BlockIDFlag.Nil;
            Assert.That(application.ProcessProposal(flagged).Status, Is.EqualTo(ProposalStatus.Reject));
            Refused += 2;
        }

        private void Decide(RequestFinalizeBlock request)
        {
            if (IsOfOthers(request.DecidedLastCommit.Votes.Select(vote => vote.Validator))) return;
            Inject(request.Txs, request.Height, request.DecidedLastCommit.Votes.Count);
            ResponseFinalizeBlock response = application.FinalizeBlock(request);
            Assert.That(response.TxResults, Has.Count.EqualTo(request.Txs.Count));
            application.Commit(new RequestCommit());
            Assert.That(application.Height, Is.EqualTo(request.Height));
        }

        // Puts the recorded commit, as this application carries it, in the place of the recorded transactions.
        private PriceUpdate? Inject(IList<ByteString> transactions, long height, int votes)
        {
            if (votes == 0)
            {
                transactions.Clear();
                return null;
            }

            ExtendedCommitInfo recorded = ExtendedCommitInfo.Parser.Read(transactions[0].Span["VEC1".Length..]);
            var ask = new RequestPrepareProposal
            {
                Height = height,
                MaxTxBytes = 1_000_000,
                LocalLastCommit = WithPrices(recorded, height - 1),
            };
            transactions.Clear();
            transactions.Add(application.PrepareProposal(ask).Txs.Single());
            return Check(transactions[0], recorded);
        }

        private ExtendedCommitInfo WithPrices(ExtendedCommitInfo recorded, long height)
        {
            ExtendedCommitInfo commit = recorded.Clone();
            foreach (ExtendedVoteInfo vote in commit.Votes.Where(vote => vote.BlockIdFlag == BlockIDFlag.Commit))
            {
                SoftwareKey key = _keys[vote.Validator.Address];
                byte[] said = SignBytes.VoteExtension(
                    recording.Genesis.ChainId, height, commit.Round, vote.VoteExtension);
                Assert.That(Ed25519.Verify(key.PublicKey.Span, said, vote.ExtensionSignature.Span), Is.True,
                    "the recorded signature of the recorded extension");
                if (!IsSound(vote) || vote.VoteExtension.IsEmpty) continue;
                vote.VoteExtension = ByteString.CopyFrom(PriceVote.Encode(
                    [new PriceReport(1, 500_000 + height, 50, 1_700_000_000_000_000_000)]));
                vote.ExtensionSignature = ByteString.CopyFrom(key.Sign(
                    SignBytes.VoteExtension(recording.Genesis.ChainId, height, commit.Round, vote.VoteExtension)));
            }

            return commit;
        }

        private static IEnumerable<PriceUpdate> Damaged(PriceUpdate update)
        {
            int first = update.Entries.ToList().FindIndex(entry => entry.IsPresent);
            PriceUpdateEntry entry = update.Entries[first];
            byte[] signature = [.. entry.Signature];
            signature[SignatureSize - 1] ^= 1;
            yield return With(update.Entries.SetItem(first, entry with { Signature = signature }));
            byte[] other = PriceVote.Encode([new PriceReport(1, 499_999, 50, 1_700_000_000_000_000_000)]);
            yield return With(update.Entries.SetItem(first, entry with { Extension = other }));
            yield return With(update.Entries.RemoveAt(first));
            yield return With(update.Entries.Add(PriceUpdateEntry.Absent));
            yield return new PriceUpdate { Round = update.Round + 1, Entries = update.Entries };
            int last = update.Entries.Length - 1;
            if (update.Entries[first].Signature != update.Entries[last].Signature)
            {
                yield return With(update.Entries.SetItem(first, update.Entries[last]).SetItem(last, entry));
            }

            PriceUpdate With(ImmutableArray<PriceUpdateEntry> entries) =>
                new() { Round = update.Round, Entries = entries };
        }

        private static bool IsSound(ExtendedVoteInfo vote) =>
            vote.BlockIdFlag == BlockIDFlag.Commit && vote.VoteExtension.ToStringUtf8() != "BAD";

        private bool IsOfOthers(IEnumerable<Abci.Wire.Validator> validators)
        {
            HashSet<(ByteString, long)> set = [.. validators.Select(one => (one.Address, one.Power))];
            return HasOtherValidators |= set.Count > 0 && !set.SetEquals(_validators);
        }
    }
}
