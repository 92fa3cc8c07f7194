using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Threading;
using System.Threading.Tasks;
using AppChain.Node;

namespace AppChain.Localnet;

/// <summary>Waits until a validator follows the chain again, as its RPC tells.</summary>
internal sealed class Recovery(IReadOnlyList<RpcClient> nodes)
{
    // BOUND: a validator that is not back by then has not recovered.
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(120);

    /// <summary>Height of validator 0, which no fault touches.</summary>
    public async Task<long> TipAsync(CancellationToken cancel) => await HeightAsync(0, cancel).ConfigureAwait(false) ?? 0;

    /// <summary>
    /// Seconds until the validator has applied two blocks beyond the newest one that the others have now.
    /// </summary>
    /// <exception cref="InvalidOperationException">It does not come back.</exception>
    public async Task<double> WaitAsync(int validator, CancellationToken cancel)
    {
        long started = Stopwatch.GetTimestamp();
        long target = await TipAsync(cancel).ConfigureAwait(false) + 2;
        while (await HeightAsync(validator, cancel).ConfigureAwait(false) is not { } height || height < target)
        {
            if (Stopwatch.GetElapsedTime(started) > Limit)
            {
                throw new InvalidOperationException($"validator {validator} has not recovered after {Limit.TotalSeconds:0} s");
            }

            await Task.Delay(20, cancel).ConfigureAwait(false);
        }

        return Stopwatch.GetElapsedTime(started).TotalSeconds;
    }

    private async Task<long?> HeightAsync(int validator, CancellationToken cancel)
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
