using System.Collections.Generic;
using System.Linq;
using System.Security.Cryptography;
using System.Text;
using AppChain.Abci;
using AppChain.Abci.Wire;
using AppChain.Abci.Wire.Types;
using Google.Protobuf;
using NUnit.Framework;

namespace AppChain.Localnet.Tests;

public sealed class RecordingTests
{
    // C1, C11, C12
    /// <summary>
    /// Walks a recorded chain with the rules of the engine: every block must be valid after the one before, its
    /// proposer
    /// must be the one whose turn it was in its round, and every validator set must have the recorded priorities.
    /// </summary>
    [TestCaseSource(typeof(Recording), nameof(Recording.Names))]
    public void Recorded_chains_follow_the_rules_of_the_engine(string name)
    {
        Recording recording = Recording.Open(name);
        ChainState state = AfterInitChain(recording.Genesis);
        foreach (long height in recording.Heights)
        {
            SealedBlock block =
                SealedBlock.Of(RpcJsonReader.Block(recording.Answer("block", height).GetProperty("block")));
            BlockID recorded = RpcJsonReader.BlockId(recording.Answer("block", height).GetProperty("block_id"));
            Assert.That(block.Id, Is.EqualTo(recorded), $"id of block {height}");
            Assert.That(BlockRules.Check(state, block, WireTime.ToNanoseconds(block.Block.Header.Time)), Is.Null,
                $"block {height}");

            Commit commit = RpcJsonReader.Commit(
                recording.Answer("commit", height).GetProperty("signed_header").GetProperty("commit"));
            ValidatorSet turn = commit.Round == 0 ? state.Validators : state.Validators.Increment(commit.Round);
            Assert.That(block.Block.Header.ProposerAddress, Is.EqualTo(turn.Proposer.Address), $"proposer {height}");
            Assert.That(Commits.Verify(commit, block.Id, height, state.ChainId, state.Validators), Is.Null);
            Assert.That(Priorities(state.Validators.ToWire()),
                Is.EqualTo(Priorities(RpcJsonReader.Validators(recording.Answer("validators", height)))),
                    $"set {height}");
            Assert.That(state.Parameters, Is.EqualTo(RpcJsonReader.ConsensusParams(
                recording.Answer("consensus_params", height).GetProperty("consensus_params"))), $"parameters {height}");

            state = BlockExecutor.NextState(state, block,
                RpcJsonReader.BlockResults(recording.Answer("block_results", height)));
        }
    }

    /// <summary>
    /// What the node sent to its application about a decided block is what the engine would send: transactions, commit
    /// info, hash, time and the rest.
    /// </summary>
    [TestCaseSource(typeof(Recording), nameof(Recording.Names))]
    public void Recorded_requests_are_those_of_the_engine(string name)
    {
        Recording recording = Recording.Open(name);
        Dictionary<long, (SealedBlock Block, ChainState Before)> heights = [];
        ChainState state = AfterInitChain(recording.Genesis);
        foreach (long height in recording.Heights)
        {
            SealedBlock block = BlockAt(recording, height);
            heights.Add(height, (block, state));
            state = BlockExecutor.NextState(
                state, block, RpcJsonReader.BlockResults(recording.Answer("block_results", height)));
        }
        int compared = 0;
        foreach (Request request in recording.Nodes.SelectMany(recording.Requests))
        {
            if (request.PrepareProposal is { } prepare && heights.TryGetValue(prepare.Height, out var at))
            {
                Assert.That(prepare.MaxTxBytes, Is.EqualTo(ParameterRules.MaximumTransactionBytes(
                    at.Before.Parameters, at.Before.Validators.Count, 0)));
                Assert.That(prepare.NextValidatorsHash, Is.EqualTo(at.Before.NextValidators.Hash()));
            }
            (IMessage Recorded, IMessage Built)? pair = request switch
            {
                { FinalizeBlock: { } r } when heights.TryGetValue(r.Height, out at) =>
                    (r, AbciRequests.FinalizeBlock(at.Block, at.Before.LastValidators, state.InitialHeight)),
                { ProcessProposal: { } r } when heights.TryGetValue(r.Height, out at) && r.Hash == at.Block.Id.Hash =>
                    (r, AbciRequests.ProcessProposal(at.Block, at.Before)),
                { ExtendVote: { } r } when heights.TryGetValue(r.Height, out at) && r.Hash == at.Block.Id.Hash =>
                    (r, AbciRequests.ExtendVote(at.Block, at.Before)),
                _ => null,
            };
            if (pair is null) continue;
            Assert.That(pair.Value.Built, Is.EqualTo(pair.Value.Recorded));
            compared++;
        }
        Assert.That(compared, Is.AtLeast(2 * recording.Heights.Count));
    }

    [Test]
    public void A_changed_byte_anywhere_in_a_recorded_block_is_noticed()
    {
        Recording recording = Recording.Open("a_plain");
        ChainState state = AfterInitChain(recording.Genesis);
        for (long height = 1; height < 5; height++)
        {
            state = BlockExecutor.NextState(state, BlockAt(recording, height),
                RpcJsonReader.BlockResults(recording.Answer("block_results", height)));
        }
        SealedBlock block = BlockAt(recording, 5);
        long now = WireTime.ToNanoseconds(block.Block.Header.Time);
        byte[] bytes = block.Bytes.ToArray();
        for (int i = 0; i < bytes.Length; i += 7)
        {
            byte[] changed = (byte[])bytes.Clone();
            changed[i] ^= 1;
            SealedBlock? decoded = SealedBlock.Decode(changed);
            if (decoded is not null && decoded.Id.Equals(block.Id)) Assert.Fail($"byte {i} does not change the id");
            if (decoded is not null && decoded.Id.Hash == block.Id.Hash)
                Assert.That(BlockRules.Check(state, decoded, now), Is.Not.Null, $"byte {i}");
        }
    }

    private static SealedBlock BlockAt(Recording recording, long height) =>
        SealedBlock.Of(RpcJsonReader.Block(recording.Answer("block", height).GetProperty("block")));

    private static ChainState AfterInitChain(Genesis genesis) => genesis.ToState() with
    {
        AppHash = ByteString.CopyFrom(SHA256.HashData(Encoding.UTF8.GetBytes("genesis:" + genesis.ChainId))),
        LastResultsHash = BlockHashes.Results([]),
    };

    private static List<(string, long, long)> Priorities(IEnumerable<AppChain.Abci.Wire.Types.Validator> members) =>
        [.. members.Select(member => (member.Address.ToBase64(), member.VotingPower, member.ProposerPriority))];
}
