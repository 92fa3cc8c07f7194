using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using AppChain.Abci.Wire.Types;
using AppChain.Hsm;
using Google.Protobuf;

namespace AppChain.Localnet;

/// <summary>Thrown from inside a validator to end it where it stands, as the death of its process would.</summary>
public sealed class SimulatedCrash : Exception;

/// <summary>What a simulated network is made of.</summary>
public sealed record SimulationOptions
{
    /// <summary>Genesis of the chain.</summary>
    public required Genesis Genesis { get; init; }

    /// <summary>Number of validators.</summary>
    public required int Validators { get; init; }

    /// <summary>Seed of all that is random.</summary>
    public required int Seed { get; init; }

    /// <summary>Connects to the application of a validator; called again at each restart.</summary>
    public required Func<int, IApplication> Application { get; init; }

    /// <summary>Connects to the signer of a validator; called again at each restart.</summary>
    public required Func<int, IVoteSigner> Signer { get; init; }

    /// <summary>Waiting times.</summary>
    public ConsensusTimeouts Timeouts { get; init; } = new();

    /// <summary>Shortest time that a message travels.</summary>
    public TimeSpan MinimumDelay { get; init; } = TimeSpan.FromMilliseconds(1);

    /// <summary>Longest time that a message travels.</summary>
    public TimeSpan MaximumDelay { get; init; } = TimeSpan.FromMilliseconds(20);

    /// <summary>How far the clock of a validator is ahead, in nanoseconds.</summary>
    public Func<int, long> ClockSkew { get; init; } = _ => 0;

    /// <summary>How often each validator tells the others where it stands.</summary>
    public TimeSpan StatusInterval { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>The disks of a validator, for its blocks and its inputs; null for memory that never fails.</summary>
    public Func<int, (Stream Blocks, Stream Inputs)>? Disks { get; init; }

    /// <summary>Called with a disk when everything written to it must survive the machine.</summary>
    public Action<Stream> Sync { get; init; } = _ => { };

    /// <summary>What arrives of a message that was sent: itself, or what its bytes decode to.</summary>
    public Func<object, object> Carry { get; init; } = message => message;

    /// <summary>
    /// Copies of a message that arrive, by sender, receiver and message: 0 loses it, 2 doubles it. The random numbers
    /// are those of the simulation, so that a seed repeats a run exactly. A gossiped transaction is a message too.
    /// </summary>
    public Func<Random, int, int, object, int> Copies { get; init; } = (_, _, _, _) => 1;
}

/// <summary>
/// N validators in virtual time: one queue of events, one thread, one seed. The validators are the same code as in real
/// time; only time, network, application and signer are handed in. What a validator has written survives its crash.
/// </summary>
public sealed class SimulatedNetwork
{
    private const int Scenario = -1;

    /// <summary>An action, or a message that reaches a validator if the life it was sent to lasts.</summary>
    private readonly record struct Event(int Validator, int Life, int From, object Content);

    private sealed class Slot : IConsensusHost
    {
        private readonly SimulatedNetwork _network;
        private readonly int _index;
        public readonly Stream Blocks;
        public readonly Stream Inputs;
        public readonly Action Status;
        public ValidatorNode? Node;
        public int Life;
        private int _timeout;

        public Slot(SimulatedNetwork network, int index)
        {
            _network = network;
            _index = index;
            Status = () => network.Status(index);
            (Blocks, Inputs) = network.Options.Disks?.Invoke(index) ?? (new MemoryStream(), new MemoryStream());
        }

        public long ChainTime =>
            _network.Options.Genesis.Time + _network.Now.Ticks * 100 + _network.Options.ClockSkew(_index);

        public TimeSpan WallTime => _network.Now;

        public void Broadcast(object message)
        {
            for (int to = 0; to < _network.Options.Validators; to++)
            {
                if (to != _index) Send(to, message);
            }
        }

        public void Send(int peer, object message) => _network.Transmit(_index, peer, message);

        public void Schedule(ConsensusTimeout timeout, TimeSpan delay)
        {
            int number = ++_timeout;
            _network.At(delay, _index, () =>
            {
                if (number == _timeout) Node!.Deliver(ConsensusState.Self, timeout);
            });
        }
    }

    private readonly PriorityQueue<Event, (TimeSpan Time, long Number)> _events = new();
    private readonly Random _random;
    private readonly Slot[] _slots;
    private readonly Dictionary<(int From, int To), TimeSpan> _lastData = [];
    private long _eventCount;

    /// <summary>Creates a network whose validators are all down.</summary>
    public SimulatedNetwork(SimulationOptions options)
    {
        Options = options;
        _random = new Random(options.Seed);
        _slots = [.. Enumerable.Range(0, options.Validators).Select(index => new Slot(this, index))];
    }

    /// <summary>What the network is made of.</summary>
    public SimulationOptions Options { get; }

    /// <summary>Virtual time since the start.</summary>
    public TimeSpan Now { get; private set; }

    /// <summary>
    /// Called at each write point of a validator; <see cref="SimulatedCrash"/> thrown there kills it.
    /// </summary>
    public Action<int, WritePoint>? Reached { get; set; }

    /// <summary>Called with receiver, sender and message before each delivery; it may kill the receiver too.</summary>
    public Action<int, int, object>? Delivering { get; set; }

    /// <summary>Called when a validator has died of a <see cref="SimulatedCrash"/>.</summary>
    public Action<int>? Crashed { get; set; }

    /// <summary>The validator, or null while it is down.</summary>
    public ValidatorNode? Node(int index) => _slots[index].Node;

    /// <summary>The stored blocks of a validator, also while it is down.</summary>
    public BlockStore StoreOf(int index) =>
        _slots[index].Node?.Store ?? new BlockStore(new RecordLog(_slots[index].Blocks));

    /// <summary>Starts a validator, or starts it again from what it has written.</summary>
    public void Start(int index)
    {
        Slot slot = _slots[index];
        if (slot.Node is not null) throw new InvalidOperationException($"validator {index} is running");
        slot.Life++;
        Run(new Event(index, slot.Life, index, () =>
        {
            ValidatorParts parts = new(Options.Genesis, Options.Application(index), Options.Signer(index), slot,
                Options.Timeouts, new MempoolOptions());
            slot.Node = new ValidatorNode(parts, Log(slot.Blocks), Log(slot.Inputs))
            {
                Reached = point => Reached?.Invoke(index, point),
            };
            slot.Node.Mempool.Admitted = transaction => Gossip(index, transaction);
            slot.Node.Start(height => Fetch(index, height));
            At(Options.StatusInterval, index, slot.Status);
        }));
    }

    /// <summary>Ends a validator at once.</summary>
    public void Crash(int index)
    {
        _slots[index].Node = null;
        _slots[index].Life++;
    }

    /// <summary>Runs an action at a later time, unless the validator has died by then.</summary>
    public void At(TimeSpan delay, int validator, Action action) =>
        Enqueue(delay, validator, validator, action);

    /// <summary>Runs an action of the scenario at a later time.</summary>
    public void At(TimeSpan delay, Action action) =>
        _events.Enqueue(new Event(Scenario, 0, Scenario, action), (Now + delay, _eventCount++));

    /// <summary>Runs until the condition holds or the time is over; tells whether the condition holds.</summary>
    public bool RunUntil(Func<bool> condition, TimeSpan limit)
    {
        TimeSpan end = Now + limit;
        while (!condition())
        {
            if (!_events.TryPeek(out _, out (TimeSpan Time, long) next) || next.Time > end) return false;
            Event due = _events.Dequeue();
            Now = next.Time;
            bool isAlive = due.Validator == Scenario
                || (_slots[due.Validator].Life == due.Life && Node(due.Validator) is not null);
            if (isAlive) Run(due);
        }
        return true;
    }

    /// <summary>Injects a message, as a Byzantine validator might send it.</summary>
    public void Transmit(int from, int to, object message)
    {
        int copies = Options.Copies(_random, from, to, message);
        if (copies > 0) message = Options.Carry(message);
        for (int i = 0; i < copies; i++)
        {
            TimeSpan range = Options.MaximumDelay - Options.MinimumDelay;
            TimeSpan delay = Options.MinimumDelay + TimeSpan.FromTicks((long)(range.Ticks * _random.NextDouble()));
            // ORDER: proposals and blocks share a channel, which keeps their order; votes have their own.
            if (message is Proposal or SealedBlock)
            {
                TimeSpan earliest = _lastData.GetValueOrDefault((from, to)) - Now;
                if (delay < earliest) delay = earliest;
                _lastData[(from, to)] = Now + delay;
            }
            Enqueue(delay, to, from, message);
        }
    }

    private RecordLog Log(Stream disk) => new(disk, () => Options.Sync(disk));

    private void Enqueue(TimeSpan delay, int validator, int from, object content) =>
        _events.Enqueue(new Event(validator, _slots[validator].Life, from, content), (Now + delay, _eventCount++));

    private void Run(Event due)
    {
        try
        {
            if (due.Content is Action action)
            {
                action();
                return;
            }
            Delivering?.Invoke(due.Validator, due.From, due.Content);
            _slots[due.Validator].Node!.Deliver(due.From, due.Content);
        }
        catch (SimulatedCrash)
        {
            Crash(due.Validator);
            Crashed?.Invoke(due.Validator);
        }
    }

    private void Status(int index)
    {
        _slots[index].Node!.SendStatus();
        At(Options.StatusInterval, index, _slots[index].Status);
    }

    private (SealedBlock, ExtendedCommit)? Fetch(int index, long height)
    {
        foreach (Slot slot in _slots.Where((_, other) => other != index))
        {
            // The last block of a validator is left to consensus, where its precommits still come in.
            if (slot.Node is not { } node || node.Store.StateHeight <= height) continue;
            if (node.Store.LoadBlock(height) is { } block) return (block, node.Store.LoadSeenCommit(height)!);
        }
        return null;
    }

    private void Gossip(int from, ByteString transaction)
    {
        for (int to = 0; to < _slots.Length; to++)
        {
            if (to == from) continue;
            int receiver = to;
            for (int copies = Options.Copies(_random, from, to, transaction); copies > 0; copies--)
                At(Options.MinimumDelay, receiver, () => _ = _slots[receiver].Node!.Mempool.Receive(transaction));
        }
    }
}
