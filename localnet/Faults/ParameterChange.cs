using System;
using System.Collections.Generic;
using System.Text.Json;
using System.Threading;
using System.Threading.Tasks;
using AppChain.Abci;
using AppChain.Abci.Wire.Types;
using AppChain.Node;
using AppChain.StateMachine;

namespace AppChain.Localnet;

/// <summary>
/// Lets two guardians change the parameters of consensus, then asks the engine of every validator whether it obeys.
/// </summary>
internal sealed class ParameterChange(NetworkFiles files, IReadOnlyList<RpcClient> nodes)
{
    /// <summary>Changes all four parameters; returns when the engine of every validator has them.</summary>
    /// <exception cref="InvalidOperationException">An engine has others, or headers do not name them.</exception>
    public async Task DecideAsync(CancellationToken cancel)
    {
        V1.ConsensusResponse now = await nodes[0].ConsensusAsync(cancel).ConfigureAwait(false);
        var wanted = new ConsensusParameters(
            (long)now.BlockBytes / 2,
            (long)now.EvidenceAgeBlocks / 2,
            (long)now.EvidenceAgeSeconds * 2,
            (long)now.EvidenceBytes / 2);
        await new GuardianVote(files, nodes[0]).DecideAsync(wanted, cancel).ConfigureAwait(false);
        V1.ConsensusResponse after = await nodes[0].ConsensusAsync(cancel).ConfigureAwait(false);
        Require(after.FromHeight > now.FromHeight, "a proposal is executed and the parameters are the same");
        foreach (RpcClient node in nodes)
        {
            await CheckAsync(node, (long)after.FromHeight, wanted, cancel).ConfigureAwait(false);
        }
    }

    // The first height has the new ones, the one before it the old ones, and the hash of its header says so.
    private static async Task CheckAsync(
        RpcClient node, long from, ConsensusParameters wanted, CancellationToken cancel)
    {
        await Recovery.ReachAsync(node, from, cancel).ConfigureAwait(false);
        ConsensusParams before = await ParametersAsync(node, from - 1, cancel).ConfigureAwait(false);
        ConsensusParams now = await ParametersAsync(node, from, cancel).ConfigureAwait(false);
        Header header = (await node.BlockAsync(from, cancel).ConfigureAwait(false)).Block.Header;
        var told = new ConsensusParameters(
            now.Block.MaxBytes,
            now.Evidence.MaxAgeNumBlocks,
            now.Evidence.MaxAgeDuration.Seconds,
            now.Evidence.MaxBytes);
        Require(told == wanted, $"the engine has {told}, decided were {wanted}");
        Require(before.Block.MaxBytes != wanted.BlockBytes, "the parameters were there a block too early");
        Require(
            Equals(now.Abci, before.Abci) && Equals(now.Validator, before.Validator),
            "other parameters changed with them");
        Require(header.ConsensusHash == BlockHashes.ConsensusParams(now), "the header names other parameters");
        Require(header.Version.App == before.Version.App, "the version of the application changed with them");
    }

    private static async Task<ConsensusParams> ParametersAsync(RpcClient node, long height, CancellationToken cancel)
    {
        using JsonDocument answer = await node.CallAsync(
            "consensus_params", json => json.WriteString("height", $"{height}"), cancel).ConfigureAwait(false);
        return RpcJsonReader.ConsensusParams(answer.RootElement.GetProperty("result").GetProperty("consensus_params"));
    }

    private static void Require(bool condition, string what)
    {
        if (!condition)
        {
            throw new InvalidOperationException($"parameter change: {what}");
        }
    }
}
