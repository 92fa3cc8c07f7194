using System;
using System.Threading;
using System.Threading.Tasks;

namespace AppChain.Node;

/// <summary>
/// The height of a CometBFT that must go on: of one that fetches blocks from its peers, and of the only validator of a
/// chain. In 0.38 the first can stand still for ever when a peer goes away at the wrong moment; the second does when
/// its signer refused a vote, because the engine asks once and nobody else ends the round. Both answer, and only the
/// height tells.
/// </summary>
public static class EngineProgress
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>
    /// The height while the engine at an RPC address is catching up and has peers, or is alone in the validator set and
    /// makes blocks without transactions too; null when it is neither, or does not answer: then there is nothing that a
    /// restart would mend.
    /// </summary>
    /// <param name="rpc">The address.</param>
    /// <param name="makesEmptyBlocks">See <see cref="EngineSettings.MakesEmptyBlocks"/>.</param>
    public static Func<CancellationToken, Task<long?>> Of(string rpc, bool makesEmptyBlocks)
    {
        var node = new RpcClient(rpc.Replace("0.0.0.0", "127.0.0.1", StringComparison.Ordinal), Patience);
        return async cancel =>
        {
            try
            {
                NodeStatus status = await node.StatusAsync(cancel).ConfigureAwait(false);
                bool mustMove = status.IsCatchingUp
                    ? await node.PeersAsync(cancel).ConfigureAwait(false) > 0
                    : makesEmptyBlocks && status.VotingPower > 0
                        && (await node.ValidatorsAsync(cancel: cancel).ConfigureAwait(false)).Count == 1;
                return mustMove ? status.Height : null;
            }
            catch (Exception error) when (error is RpcException or NodeUnreachableException)
            {
                return null;
            }
        };
    }
}
