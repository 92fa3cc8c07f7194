using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using AppChain.Node;

namespace AppChain.Localnet;

/// <summary>Waits until a validator follows the chain again, as its RPC tells.</summary>
internal sealed class Recovery(IReadOnlyList<RpcClient> nodes)
{
    /// <summary>A validator that is not back after this long has not recovered, however busy the machine is.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromMinutes(10);

    private long _tip;

    /// <summary>The greatest height that any validator has told.</summary>
    public async Task<long> TipAsync(CancellationToken cancel)
    {
        long?[] heights = await Task.WhenAll(Enumerable.Range(0, nodes.Count).Select(i => HeightAsync(i, cancel)))
            .ConfigureAwait(false);
        return _tip = Math.Max(_tip, heights.Max() ?? 0);
    }

    /// <summary>Whether a validator says that it has a height.</summary>
    public async Task<bool> HasAsync(int validator, long height, CancellationToken cancel) =>
        await HeightAsync(validator, cancel).ConfigureAwait(false) >= height;

    /// <summary>
    /// Seconds until the validator has applied two blocks beyond the newest one that the others have now.
    /// </summary>
    /// <exception cref="InvalidOperationException">It does not come back.</exception>
    public async Task<double> WaitAsync(int validator, CancellationToken cancel)
    {
        long started = Stopwatch.GetTimestamp();
        long target = await TipAsync(cancel).ConfigureAwait(false) + 2;
        while (!await HasAsync(validator, target, cancel).ConfigureAwait(false))
        {
            if (Stopwatch.GetElapsedTime(started) > Limit)
            {
                throw new InvalidOperationException(
                    $"validator {validator} has not recovered after {Limit.TotalSeconds:0} s");
            }

            await Task.Delay(20, cancel).ConfigureAwait(false);
        }

        return Stopwatch.GetElapsedTime(started).TotalSeconds;
    }

    /// <summary>Returns when a node that answers has a height.</summary>
    public static async Task ReachAsync(RpcClient node, long height, CancellationToken cancel)
    {
        while ((await node.StatusAsync(cancel).ConfigureAwait(false)).Height < height)
        {
            await Task.Delay(100, cancel).ConfigureAwait(false);
        }
    }

    /// <summary>Height of a validator; null when it does not answer.</summary>
    public async Task<long?> HeightAsync(int validator, CancellationToken cancel)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        patience.CancelAfter(TimeSpan.FromSeconds(2));
        try
        {
            return (await nodes[validator].StatusAsync(patience.Token).ConfigureAwait(false)).Height;
        }
        catch (Exception error) when (error is RpcException or NodeUnreachableException or OperationCanceledException)
        {
            cancel.ThrowIfCancellationRequested();
            return null;
        }
    }
}
