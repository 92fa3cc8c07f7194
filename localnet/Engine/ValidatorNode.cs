using System;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using AppChain.Abci;
using AppChain.Abci.Wire;
using AppChain.Abci.Wire.Types;
using AppChain.Hsm;
using Google.Protobuf;

namespace AppChain.Localnet;

/// <summary>What a validator is made of besides its data.</summary>
/// <param name="Genesis">Genesis of the chain.</param>
/// <param name="Application">Its application.</param>
/// <param name="Signer">Its key.</param>
/// <param name="Host">Its time and network.</param>
/// <param name="Timeouts">Its waiting times.</param>
/// <param name="Mempool">Limits of its mempool.</param>
public sealed record ValidatorParts(Genesis Genesis, IApplication Application, IVoteSigner Signer, IConsensusHost Host,
    ConsensusTimeouts Timeouts, MempoolOptions Mempool);

/// <summary>
/// One validator: store, mempool, evidence and consensus, joined with its application and its signer. All methods but
/// <see cref="Submit"/> and the readers belong to one thread. A validator that fails stops taking part, and its data
/// can still be read.
/// </summary>
public sealed class ValidatorNode : IDisposable
{
    private readonly ValidatorParts _parts;
    private readonly WriteAheadLog _log;
    private readonly BlockExecutor _executor;
    private readonly EvidencePool _evidence;
    private readonly VerifiedSignatures _verified = new();
    private ChainState _state;
    private ConsensusState? _consensus;
    private volatile Exception? _failure;

    /// <summary>Opens the data of a validator and runs the handshake with its application.</summary>
    /// <param name="parts">What it is made of.</param>
    /// <param name="blocks">Its blocks, results and states; owned from here on.</param>
    /// <param name="inputs">Its log of consensus inputs; owned from here on.</param>
    /// <exception cref="ConsensusFailure">Application and validator do not belong together.</exception>
    public ValidatorNode(ValidatorParts parts, RecordLog blocks, RecordLog inputs)
    {
        _parts = parts;
        PublicKey = parts.Signer.PublicKey().Ed25519;
        _log = new WriteAheadLog(inputs);
        Store = new BlockStore(blocks);
        _state = Handshake.Run(parts.Genesis, Store, parts.Application);
        _evidence = new EvidencePool(Store, _verified) { Formed = evidence => parts.Host.Broadcast(evidence) };
        Mempool = new Mempool(parts.Application, parts.Mempool, _state.Parameters);
        _executor = new BlockExecutor(parts.Application, Store, Mempool, _evidence, _verified)
        {
            Applied = (block, response, state) =>
            {
                Volatile.Write(ref _state, state);
                Applied?.Invoke(block, response);
            },
        };
    }

    /// <summary>Blocks, results and states; readable from any thread.</summary>
    public BlockStore Store { get; }

    /// <summary>Waiting transactions; usable from any thread.</summary>
    public Mempool Mempool { get; }

    /// <summary>Address of the validator's key.</summary>
    public ByteString Address => BlockHashes.Address(PublicKey.Span);

    /// <summary>The validator's key.</summary>
    public ByteString PublicKey { get; }

    /// <summary>State after the last applied block.</summary>
    public ChainState State => Volatile.Read(ref _state);

    /// <summary>The consensus machine, once <see cref="Start"/> was called.</summary>
    public ConsensusState? Consensus => _consensus;

    /// <summary>Why the validator has stopped, or null.</summary>
    public Exception? Failure => _failure;

    /// <summary>Called with each applied block, on the thread of the validator.</summary>
    public Action<SealedBlock, ResponseFinalizeBlock>? Applied { get; set; }

    /// <summary>Called at each write point inside a height.</summary>
    public Action<WritePoint>? Reached
    {
        get => _executor.Reached;
        set => _executor.Reached = value;
    }

    /// <summary>Catches up from the stores of others, then begins consensus.</summary>
    /// <param name="fetch">Gives the block of a height with the precommits seen for it, or null if nobody has
    /// it.</param>
    public void Start(Func<long, (SealedBlock Block, ExtendedCommit Seen)?> fetch)
    {
        try
        {
            Join(fetch);
        }
        catch (Exception failure) when (IsOwn(failure))
        {
            Fail(failure);
        }
    }

    /// <summary>Takes a message of another validator, or a time-out.</summary>
    public void Deliver(int from, object message)
    {
        if (_consensus is null || _failure is not null) return;
        try
        {
            switch (message)
            {
                case PeerStatus status:
                    ConsensusGossip.SendMissing(_parts.Host, from, status, _consensus, Store);
                    break;
                case DuplicateVoteEvidence evidence:
                    _evidence.Add(evidence, _state);
                    break;
                default:
                    _consensus.Receive(from, message);
                    break;
            }
        }
        catch (Exception failure) when (IsOwn(failure))
        {
            Fail(failure);
        }
    }

    /// <summary>Tells the others where this validator stands; called about ten times a second.</summary>
    public void SendStatus()
    {
        if (_consensus is not null && _failure is null) _parts.Host.Broadcast(ConsensusGossip.StatusOf(_consensus));
    }

    /// <summary>Submits a client's transaction; from any thread.</summary>
    public Task<ResponseCheckTx> Submit(ByteString transaction) => Mempool.Submit(transaction);

    /// <inheritdoc/>
    public void Dispose()
    {
        _log.Dispose();
        Store.Dispose();
    }

    private void Join(Func<long, (SealedBlock Block, ExtendedCommit Seen)?> fetch)
    {
        while (fetch(_state.NextHeight) is { } item) ApplyFetched(item.Block, item.Seen);
        VoteSet? lastCommit = null;
        if (_state.LastHeight > 0)
        {
            ExtendedCommit seen = Store.LoadSeenCommit(_state.LastHeight)
                ?? throw new ConsensusFailure($"damaged data: no commit of height {_state.LastHeight}");
            bool extensions = _state.ExtensionsEnabled(_state.LastHeight);
            lastCommit = VoteSet.Of(seen, _state.ChainId, _state.LastValidators, extensions, _verified);
        }
        _consensus = new ConsensusState(
            _state, lastCommit, _executor, _evidence, _verified, _parts.Signer, _parts.Host, _parts.Timeouts, _log);
        _consensus.Start();
    }

    private void ApplyFetched(SealedBlock block, ExtendedCommit seen)
    {
        string? wrong = BlockRules.Check(_state, block, _parts.Host.ChainTime, _verified)
            ?? _evidence.Check(block.Block.Evidence, _state)
            ?? Commits.Verify(
                Commits.Strip(seen), block.Id, block.Height, _state.ChainId, _state.Validators, _verified);
        if (wrong is not null) throw new ConsensusFailure($"block {block.Height} of a peer is invalid: {wrong}");
        bool extensions = _state.ExtensionsEnabled(block.Height);
        VoteSet.Of(seen, _state.ChainId, _state.Validators, extensions, _verified);
        _executor.Apply(_state, block, seen);
    }

    /// <summary>Stops the validator for good.</summary>
    public void Fail(Exception failure) => _failure = failure;

    /// <summary>A broken contract or a lost connection stops this validator and nothing else.</summary>
    private static bool IsOwn(Exception failure) => failure is ConsensusFailure or AbciException or IOException;
}
