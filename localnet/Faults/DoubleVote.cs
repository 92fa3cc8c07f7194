using System;
using System.Collections.Generic;
using System.Linq;
using System.Text.Json;
using System.Threading;
using System.Threading.Tasks;
using AppChain.Abci;
using AppChain.Abci.Wire.Types;
using AppChain.Hsm;
using AppChain.Node;
using Google.Protobuf;

namespace AppChain.Localnet;

/// <summary>
/// Makes evidence of a double vote with the key of a validator and hands it to a node: the one way by which this chain
/// changes its validators. The signer would never do this; the key is taken from the localnet's seed.
/// </summary>
internal sealed class DoubleVote(NetworkFiles files, RpcClient node)
{
    /// <summary>Submits the evidence and waits until the validator is removed.</summary>
    public async Task ProveAsync(int validator, CancellationToken cancel)
    {
        long height = (await node.StatusAsync(cancel).ConfigureAwait(false)).Height - 1;
        BlockAnswer block = await node.BlockAsync(height, cancel).ConfigureAwait(false);
        IReadOnlyList<Abci.Wire.Types.Validator> set = await node.ValidatorsAsync(height, cancel).ConfigureAwait(false);
        SoftwareKey key = SoftwareKey.FromSeed(files.ConsensusSeed(validator));
        ByteString address = BlockHashes.Address(key.PublicKey.Span);
        int index = set.ToList().FindIndex(member => member.Address == address);
        Vote[] votes = [.. new byte[] { 1, 2 }.Select(fill => VoteFor(fill, height, index, address, block, key))];
        var evidence = new Evidence
        {
            DuplicateVoteEvidence = new DuplicateVoteEvidence
            {
                VoteA = votes[0],
                VoteB = votes[1],
                TotalVotingPower = set.Sum(member => member.VotingPower),
                ValidatorPower = set[index].VotingPower,
                Timestamp = block.Block.Header.Time,
            },
        };
        using JsonDocument answer = await node.CallAsync(
            "broadcast_evidence",
            json =>
            {
                json.WritePropertyName("evidence");
                RpcJsonWriter.Evidence(json, evidence);
            },
            cancel).ConfigureAwait(false);
        while ((await node.ValidatorsAsync(0, cancel).ConfigureAwait(false)).Any(member => member.Address == address))
        {
            await Task.Delay(50, cancel).ConfigureAwait(false);
        }
    }

    private static Vote VoteFor(
        byte fill, long height, int index, ByteString address, BlockAnswer block, SoftwareKey key)
    {
        ByteString hash = ByteString.CopyFrom([.. Enumerable.Repeat(fill, 32)]);
        var vote = new Vote
        {
            Type = SignedMsgType.Precommit,
            Height = height,
            BlockId = new BlockID { Hash = hash, PartSetHeader = new PartSetHeader { Total = 1, Hash = hash } },
            Timestamp = block.Block.Header.Time,
            ValidatorAddress = address,
            ValidatorIndex = index,
        };
        vote.Signature = ByteString.CopyFrom(key.Sign(SignBytes.Vote(NetworkFiles.ChainId, vote)));
        return vote;
    }
}
