using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using AppChain.Node;

namespace AppChain.Localnet;

/// <summary>Lets every agent act once after each block, spread over the validators' RPC servers.</summary>
internal sealed class TraderFloor(IReadOnlyList<Trader> traders, IReadOnlyList<RpcClient> nodes, Presence presence)
{
    private long _submitted;
    private readonly SortedDictionary<uint, long> _refused = [];

    /// <summary>Transactions handed to a node.</summary>
    public long Submitted => Interlocked.Read(ref _submitted);

    /// <summary>Transactions that a node refused at once, by code.</summary>
    public IReadOnlyDictionary<uint, long> Refused => _refused;

    /// <summary>Acts after a block; returns when all transactions are handed over.</summary>
    public async Task ActAsync(long height, IReadOnlyList<MarketView> markets, CancellationToken cancel)
    {
        // BOUND: a transaction per agent and block, eight under way.
        using var slots = new SemaphoreSlim(8);
        var sending = new List<Task>();
        foreach (Trader trader in traders)
        {
            if (trader.Act(height, markets) is { } transaction)
            {
                await slots.WaitAsync(cancel).ConfigureAwait(false);
                sending.Add(SendAsync(NodeOf(trader), transaction, slots, cancel));
            }
        }

        await Task.WhenAll(sending).ConfigureAwait(false);
    }

    // An agent whose validator is away goes to the next one that is there.
    private RpcClient NodeOf(Trader trader)
    {
        int validator = trader.Number % nodes.Count;
        for (int i = 0; i < nodes.Count && presence.IsAway(validator); i++)
        {
            validator = (validator + 1) % nodes.Count;
        }

        return nodes[validator];
    }

    private async Task SendAsync(RpcClient node, byte[] transaction, SemaphoreSlim slots, CancellationToken cancel)
    {
        try
        {
            Interlocked.Increment(ref _submitted);
            BroadcastResult result = await node.BroadcastSyncAsync(transaction, cancel).ConfigureAwait(false);
            if (result.Code != 0)
            {
                lock (_refused)
                {
                    _refused[result.Code] = _refused.GetValueOrDefault(result.Code) + 1;
                }
            }
        }
        catch (Exception error) when (error is RpcException or NodeUnreachableException or OperationCanceledException)
        {
            // The end of the run, or a full mempool: the agent goes on in the next block.
        }
        finally
        {
            slots.Release();
        }
    }
}
