using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using AppChain.Abci;
using AppChain.Abci.Wire;
using AppChain.Abci.Wire.Types;
using AppChain.Hsm;
using Google.Protobuf;

namespace AppChain.Localnet;

/// <summary>
/// A network of validators in this process, in real time. Each has an application behind an ABCI socket, a signer
/// behind a privval socket, a folder, and an RPC server that answers like CometBFT. Only the messages between them stay
/// in memory.
/// </summary>
public sealed class EmbeddedNetwork : IDisposable
{
    private sealed record Running(ValidatorThread Thread, ValidatorNode Node, SocketApplication Application,
        SignerListener Signer, RpcServer Rpc);

    private static readonly TimeSpan SignerPatience = TimeSpan.FromSeconds(5);

    private readonly EmbeddedNetworkOptions _options;
    private readonly Genesis _genesis;
    private readonly Running?[] _running;
    private readonly Lock _lock = new();
    private long _lastHeight;

    private EmbeddedNetwork(EmbeddedNetworkOptions options)
    {
        _options = options;
        _genesis = Genesis.Parse(options.Genesis);
        _running = new Running?[options.Validators.Count];
        _lastHeight = options.LastHeight;
        long lastBlock = options.Validators.Max(validator => LastBlockTime(validator.Home));
        long now = WireTime.Now;
        Clock = new ConsensusClock(
            options.ClockStart ?? now, options.ClockEpoch ?? now, options.Speed, Math.Max(_genesis.Time, lastBlock));
    }

    /// <summary>The chain's clock.</summary>
    public ConsensusClock Clock { get; }

    /// <summary>Number of validators.</summary>
    public int Count => _running.Length;

    /// <summary>Height after which no further block is begun.</summary>
    public long LastHeight => Volatile.Read(ref _lastHeight);

    /// <summary>
    /// Called with each block that a validator has applied, on the thread of that validator: be quick.
    /// </summary>
    public event Action<int, SealedBlock, ResponseFinalizeBlock>? Applied;

    /// <summary>Called when a validator has stopped by a failure.</summary>
    public event Action<int, Exception>? Failed;

    /// <summary>
    /// Connects to all applications and signers, brings them to the height of their validators, and begins consensus.
    /// </summary>
    /// <param name="options">What the network is made of.</param>
    /// <param name="prepare">Called before consensus begins, to subscribe to events.</param>
    /// <exception cref="InvalidOperationException">A validator could not start; the message says which and
    /// why.</exception>
    public static EmbeddedNetwork Start(EmbeddedNetworkOptions options, Action<EmbeddedNetwork>? prepare = null)
    {
        EmbeddedNetwork network = new(options);
        try
        {
            prepare?.Invoke(network);
            Task[] openings = [.. Enumerable.Range(0, network.Count).Select(index => Task.Factory.StartNew(
                () => network.Open(index), CancellationToken.None, TaskCreationOptions.LongRunning,
                TaskScheduler.Default))];
            Task.WaitAll(openings);
            for (int index = 0; index < network.Count; index++) network.Begin(index);
            return network;
        }
        catch (AggregateException errors)
        {
            network.Dispose();
            throw new InvalidOperationException(errors.InnerExceptions[0].Message, errors.InnerExceptions[0]);
        }
    }

    /// <summary>The validator, for reading; null while it is down.</summary>
    public ValidatorNode? Node(int index) => Volatile.Read(ref _running[index])?.Node;

    /// <summary>Address of a validator's RPC server; null while it is down.</summary>
    public Uri? RpcUrl(int index) => Volatile.Read(ref _running[index])?.Rpc.Url;

    /// <summary>Height of the last block that every running validator has applied; 0 if none runs.</summary>
    public long Height => Nodes().Select(node => node.State.LastHeight).DefaultIfEmpty(0).Min();

    /// <summary>Lets no validator begin a height after this one.</summary>
    public void StopAfter(long height) => Volatile.Write(ref _lastHeight, height);

    /// <summary>
    /// Waits until every running validator has applied a height; false if the time is over, or a validator has failed.
    /// </summary>
    public bool WaitForHeight(long height, TimeSpan limit)
    {
        long start = Stopwatch.GetTimestamp();
        while (Height < height)
        {
            if (Stopwatch.GetElapsedTime(start) > limit || Nodes().Any(node => node.Failure is not null)) return false;
            Thread.Sleep(10);
        }
        return true;
    }

    /// <summary>Ends a validator at once, with its connections and its RPC server; what it has written stays.</summary>
    public void Crash(int index)
    {
        Running? running = Interlocked.Exchange(ref _running[index], null);
        if (running is not null) Close(running);
    }

    /// <summary>Starts a validator again; its application and signer must be there.</summary>
    /// <exception cref="InvalidOperationException">It could not start; the message says why.</exception>
    public void Restart(int index)
    {
        Crash(index);
        Open(index);
        Begin(index);
        ValidatorNode? other = Nodes().FirstOrDefault(node => node != Node(index));
        foreach (ByteString transaction in other?.Mempool.First(int.MaxValue) ?? [])
            _ = Node(index)!.Mempool.Receive(transaction);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        for (int index = 0; index < Count; index++) Crash(index);
    }

    internal void Post(int from, int to, object message) => Volatile.Read(ref _running[to])?.Thread.Post(from, message);

    internal void Report(int index, Exception failure) => Failed?.Invoke(index, failure);

    /// <summary>A block for a validator that is behind. The newest one is left to consensus.</summary>
    internal (SealedBlock Block, ExtendedCommit Seen)? Fetch(int index, long height)
    {
        foreach (ValidatorNode node in Nodes().Where(node => node != Node(index)))
        {
            if (node.State.LastHeight <= height) continue;
            if (node.Store.LoadBlock(height) is { } block) return (block, node.Store.LoadSeenCommit(height)!);
        }
        return null;
    }

    private IEnumerable<ValidatorNode> Nodes() =>
        Enumerable.Range(0, Count).Select(Node).OfType<ValidatorNode>();

    private void Open(int index)
    {
        EmbeddedValidatorOptions options = _options.Validators[index];
        List<IDisposable> opened = [];
        try
        {
            SocketApplication application = Opened(new SocketApplication(options.AbciAddress, _options.Patience));
            SignerListener signer =
                Opened(new SignerListener(options.PrivvalAddress, _genesis.ChainId, SignerPatience));
            AwaitSigner(signer);
            ValidatorThread thread = Opened(new ValidatorThread(this, index));
            ValidatorParts parts = new(_genesis, application, signer, thread, _options.Timeouts, _options.Mempool);
            RecordLog blocks = Opened(RecordLog.Open(BlocksPath(options.Home)));
            RecordLog inputs = Opened(RecordLog.Open(Path.Combine(options.Home, "data", "consensus.log")));
            ValidatorNode node = Opened(new ValidatorNode(parts, blocks, inputs));
            ChainEvents events = new();
            node.Applied = (block, results) =>
            {
                events.Publish(block, results);
                Applied?.Invoke(index, block, results);
            };
            node.Mempool.Admitted = transaction => Gossip(index, transaction);
            string moniker = options.Moniker.Length > 0 ? options.Moniker : $"node{index}";
            RpcServer rpc = Opened(new RpcServer(
                new RpcSource(_genesis, moniker, Count - 1, node, application, events), options.RpcPort));
            Volatile.Write(ref _running[index], new Running(thread, node, application, signer, rpc));
        }
        catch (Exception error) when (error is IOException or AbciException or ConsensusFailure
            or SigningRefusedException)
        {
            Enumerable.Reverse(opened).ToList().ForEach(item => item.Dispose());
            throw new InvalidOperationException($"validator {index}: {error.Message}", error);
        }

        T Opened<T>(T item) where T : IDisposable
        {
            opened.Add(item);
            return item;
        }
    }

    /// <summary>A signer dials again and again, so it may come later than the engine.</summary>
    private void AwaitSigner(SignerListener signer)
    {
        long start = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                signer.PublicKey();
                return;
            }
            catch (IOException) when (Stopwatch.GetElapsedTime(start) < _options.Patience)
            {
                // Ask again.
            }
        }
    }

    private void Begin(int index)
    {
        Running running = _running[index]!;
        running.Thread.Start(running.Node);
    }

    private void Gossip(int from, ByteString transaction)
    {
        for (int to = 0; to < Count; to++)
        {
            if (to != from && Node(to) is { Failure: null } node) _ = node.Mempool.Receive(transaction);
        }
    }

    private static void Close(Running running)
    {
        running.Rpc.Dispose();
        running.Thread.Stop();
        // A call in flight ends with its connection, so the thread cannot hang on a dead application.
        running.Application.Dispose();
        running.Signer.Dispose();
        running.Thread.Dispose();
        running.Node.Dispose();
    }

    private static string BlocksPath(string home) => Path.Combine(home, "data", "blocks.log");

    private static long LastBlockTime(string home)
    {
        if (!File.Exists(BlocksPath(home))) return 0;
        using BlockStore store = new(RecordLog.Open(BlocksPath(home)));
        return store.LoadState(store.StateHeight)?.LastTime ?? 0;
    }
}
