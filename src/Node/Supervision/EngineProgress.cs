using System;
using System.Threading;
using System.Threading.Tasks;

namespace AppChain.Node;

/// <summary>
/// The height of a CometBFT that fetches blocks from its peers. In 0.38 it can stand still there for ever when a peer goes away
/// at the wrong moment; it answers, and only its height tells.
/// </summary>
public static class EngineProgress
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>
    /// The height while the engine at an RPC address is catching up and has peers; null when it is not, has none, or does not
    /// answer: then there is nothing that a restart would mend.
    /// </summary>
    public static Func<CancellationToken, Task<long?>> Of(string rpc)
    {
        var node = new RpcClient(rpc.Replace("0.0.0.0", "127.0.0.1", StringComparison.Ordinal), Patience);
        return async cancel =>
        {
            try
            {
                NodeStatus status = await node.StatusAsync(cancel).ConfigureAwait(false);
                return status.IsCatchingUp && await node.PeersAsync(cancel).ConfigureAwait(false) > 0 ? status.Height : null;
            }
            catch (Exception error) when (error is RpcException or NodeUnreachableException)
            {
                return null;
            }
        };
    }
}
