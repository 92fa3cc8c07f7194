using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;

namespace AppChain.Node;

/// <summary>
/// The height of a CometBFT and whether it may stay there. In 0.38 one that fetches blocks can stand still for ever
/// when a peer goes away at the wrong moment; the only validator of a chain does when its signer refused a vote,
/// because the engine asks once and nobody else ends the round; and one that lost its log does when others bring back
/// its own prevote with theirs before its step (docs/decisions/0054). All answer; only heights and votes tell.
/// </summary>
public static class EngineProgress
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Variables with which it does not wait for a proposal in the first round, and then in no round: its prevote comes
    /// before those of others and its own old one, and these lead on. It votes nil on proposals of others for lack of
    /// time, so it should not go on like that.
    /// </summary>
    public static IReadOnlyList<IReadOnlyDictionary<string, string>> WaysOut { get; } =
    [
        Zero("CMT_CONSENSUS_TIMEOUT_COMMIT", "CMT_CONSENSUS_TIMEOUT_PROPOSE"),
        Zero(
            "CMT_CONSENSUS_TIMEOUT_COMMIT", "CMT_CONSENSUS_TIMEOUT_PROPOSE", "CMT_CONSENSUS_TIMEOUT_PROPOSE_DELTA"),
    ];

    /// <summary>
    /// Asks the engine at an RPC address. It must move while it is catching up and has peers, or is alone in the
    /// validator set and makes blocks without transactions too. Null when it does not answer.
    /// </summary>
    /// <param name="rpc">The address.</param>
    /// <param name="makesEmptyBlocks">See <see cref="EngineSettings.MakesEmptyBlocks"/>.</param>
    public static Func<CancellationToken, Task<PartProgress?>> Of(string rpc, bool makesEmptyBlocks)
    {
        var node = new RpcClient(rpc.Replace("0.0.0.0", "127.0.0.1", StringComparison.Ordinal), Patience);
        return async cancel =>
        {
            try
            {
                NodeStatus status = await node.StatusAsync(cancel).ConfigureAwait(false);
                return new PartProgress(
                    status.Height, await PaceAsync(node, status, makesEmptyBlocks, cancel).ConfigureAwait(false));
            }
            catch (Exception error) when (error is RpcException or NodeUnreachableException)
            {
                return null;
            }
        };
    }

    private static Dictionary<string, string> Zero(params string[] names) =>
        names.ToDictionary(static name => name, static _ => "0s");

    private static async Task<PartPace> PaceAsync(
        RpcClient node, NodeStatus status, bool makesEmptyBlocks, CancellationToken cancel)
    {
        bool mustMove;
        if (status.IsCatchingUp)
        {
            mustMove = await node.PeersAsync(cancel).ConfigureAwait(false) > 0;
        }
        else
        {
            if (status.VotingPower == 0) return PartPace.MayStay;
            if ((await node.ConsensusPlaceAsync(cancel).ConfigureAwait(false)).WaitsForNothing) return PartPace.Stuck;
            mustMove = makesEmptyBlocks
                && (await node.ValidatorsAsync(cancel: cancel).ConfigureAwait(false)).Count == 1;
        }

        return mustMove ? PartPace.MustMove : PartPace.MayStay;
    }
}
