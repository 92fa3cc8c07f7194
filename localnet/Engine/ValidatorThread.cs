using System;
using System.Collections.Concurrent;
using System.Diagnostics;
using System.IO;
using System.Threading;

namespace AppChain.Localnet;

/// <summary>
/// A validator in real time: one thread that takes messages, time-outs and the status interval one at a time, as the
/// consensus machine wants it.
/// </summary>
internal sealed class ValidatorThread : IConsensusHost, IDisposable
{
    private static readonly TimeSpan StatusInterval = TimeSpan.FromMilliseconds(100);

    private readonly EmbeddedNetwork _network;
    private readonly int _index;
    private readonly BlockingCollection<(int From, object Message)> _inbox = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly long _origin = Stopwatch.GetTimestamp();
    private readonly Thread _thread;
    private (ConsensusTimeout Timeout, TimeSpan Due)? _pending;
    private ValidatorNode? _node;

    public ValidatorThread(EmbeddedNetwork network, int index)
    {
        _network = network;
        _index = index;
        _thread = new Thread(Run) { IsBackground = true, Name = $"validator {index}" };
    }

    public long ChainTime => _network.Clock.Now;

    public TimeSpan WallTime => Stopwatch.GetElapsedTime(_origin);

    /// <summary>Begins consensus with a validator whose handshake is done.</summary>
    public void Start(ValidatorNode node)
    {
        _node = node;
        _thread.Start();
    }

    /// <summary>Hands over a message of another validator.</summary>
    public void Post(int from, object message)
    {
        if (!_stop.IsCancellationRequested) _inbox.Add((from, message));
    }

    public void Broadcast(object message)
    {
        for (int to = 0; to < _network.Count; to++)
        {
            if (to != _index) _network.Post(_index, to, message);
        }
    }

    public void Send(int peer, object message) => _network.Post(_index, peer, message);

    public void Schedule(ConsensusTimeout timeout, TimeSpan delay)
    {
        bool isBeyondEnd = timeout.Step == ConsensusStep.NewHeight && timeout.Height > _network.LastHeight;
        _pending = isBeyondEnd ? null : (timeout, WallTime + delay);
    }

    /// <summary>Tells the thread to end; what fails from now on is not reported.</summary>
    public void Stop() => _stop.Cancel();

    /// <summary>Ends the thread and waits for it.</summary>
    public void Dispose()
    {
        Stop();
        if (_thread.IsAlive && Thread.CurrentThread != _thread) _thread.Join();
    }

    private void Run()
    {
        ValidatorNode node = _node!;
        try
        {
            node.Start(height => _network.Fetch(_index, height));
            TimeSpan nextStatus = WallTime;
            while (!_stop.IsCancellationRequested && node.Failure is null)
            {
                TimeSpan now = WallTime;
                if (_pending is { } pending && pending.Due <= now)
                {
                    _pending = null;
                    node.Deliver(ConsensusState.Self, pending.Timeout);
                }
                if (nextStatus <= now)
                {
                    node.SendStatus();
                    nextStatus = now + StatusInterval;
                }
                TakeMessage(node, nextStatus);
            }
        }
        catch (OperationCanceledException)
        {
            // The validator was told to stop.
        }
        catch (Exception failure) when (failure is not OutOfMemoryException)
        {
            // Whatever breaks one validator must leave the others and the data readable; the network reports it.
            node.Fail(failure);
        }
        if (node.Failure is not null && !_stop.IsCancellationRequested) _network.Report(_index, node.Failure);
    }

    private void TakeMessage(ValidatorNode node, TimeSpan nextStatus)
    {
        TimeSpan due = _pending is { } pending && pending.Due < nextStatus ? pending.Due : nextStatus;
        TimeSpan wait = due - WallTime;
        // ROUNDING: up to whole milliseconds, which is what the wait can do; else it would spin until then.
        int milliseconds = wait <= TimeSpan.Zero ? 0 : (int)Math.Ceiling(wait.TotalMilliseconds);
        if (_inbox.TryTake(out (int From, object Message) item, milliseconds, _stop.Token))
            node.Deliver(item.From, item.Message);
    }
}
