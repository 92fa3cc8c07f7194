using System;
using System.Collections.Immutable;
using AppChain.Abci.Wire;

namespace AppChain.Localnet;

/// <summary>
/// Announces applied blocks to whoever listens. Listeners are called on the validator's thread: be quick.
/// </summary>
public sealed class ChainEvents
{
    private ImmutableList<Action<SealedBlock, ResponseFinalizeBlock>> _listeners = [];

    /// <summary>Adds a listener until the result is disposed.</summary>
    public IDisposable Subscribe(Action<SealedBlock, ResponseFinalizeBlock> listener)
    {
        ImmutableInterlocked.Update(ref _listeners, list => list.Add(listener));
        return new Subscription(() => ImmutableInterlocked.Update(ref _listeners, list => list.Remove(listener)));
    }

    /// <summary>Calls every listener.</summary>
    public void Publish(SealedBlock block, ResponseFinalizeBlock results)
    {
        foreach (Action<SealedBlock, ResponseFinalizeBlock> listener in _listeners) listener(block, results);
    }

    private sealed class Subscription(Action end) : IDisposable
    {
        public void Dispose() => end();
    }
}
