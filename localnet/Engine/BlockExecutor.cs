using System;
using System.Collections.Generic;
using System.Linq;
using AppChain.Abci;
using AppChain.Abci.Wire;
using AppChain.Abci.Wire.Crypto;
using AppChain.Abci.Wire.Types;
using AppChain.Hsm;
using Google.Protobuf;

namespace AppChain.Localnet;

/// <summary>The places inside a height after which a crash leaves something different on disk.</summary>
public enum WritePoint
{
    /// <summary>The decided block is stored.</summary>
    BlockSaved,

    /// <summary>The application has executed it.</summary>
    Finalized,

    /// <summary>The results are stored.</summary>
    ResponseSaved,

    /// <summary>The application has committed.</summary>
    Committed,

    /// <summary>The new state is stored.</summary>
    StateSaved,
}

/// <summary>
/// Builds, judges and applies blocks through the application of one validator. Calls come from the thread of that
/// validator alone.
/// </summary>
public sealed class BlockExecutor
{
    private readonly IApplication _application;
    private readonly BlockStore _store;
    private readonly Mempool _mempool;
    private readonly EvidencePool _evidence;
    private readonly VerifiedSignatures _verified;
    private (SealedBlock Block, ChainState State)? _validated;

    /// <summary>Joins the parts of a validator.</summary>
    public BlockExecutor(IApplication application, BlockStore store, Mempool mempool, EvidencePool evidence,
        VerifiedSignatures verified)
    {
        _verified = verified;
        _application = application;
        _store = store;
        _mempool = mempool;
        _evidence = evidence;
    }

    /// <summary>Called after each write point; a test crashes the validator there by an exception.</summary>
    public Action<WritePoint>? Reached { get; set; }

    /// <summary>Called with each applied block, after the new state is stored.</summary>
    public Action<SealedBlock, ResponseFinalizeBlock, ChainState>? Applied { get; set; }

    /// <summary>Builds a proposal with what the application makes of the mempool.</summary>
    /// <param name="state">State after the block before.</param>
    /// <param name="last">Precommits of the height before; null at the initial height.</param>
    /// <param name="proposer">Address of this validator.</param>
    public SealedBlock Propose(ChainState state, ExtendedCommit? last, ByteString proposer)
    {
        ConsensusParams parameters = state.Parameters;
        (List<Evidence> evidence, long evidenceBytes) = _evidence.Pending(parameters.Evidence.MaxBytes);
        long room = ParameterRules.MaximumTransactionBytes(parameters, state.Validators.Count, evidenceBytes);
        long reap = parameters.Block.MaxBytes == -1 ? -1 : room;
        List<ByteString> transactions = _mempool.Reap(reap, parameters.Block.MaxGas);
        Commit? commit = last is null ? null : Commits.Strip(last);
        Block draft = BlockRules.Draft(state, evidence, commit, proposer);
        RequestPrepareProposal request = new()
        {
            MaxTxBytes = room,
            LocalLastCommit = AbciRequests.ExtendedCommitInfoOf(last, state.LastValidators),
            Height = draft.Header.Height,
            Time = draft.Header.Time,
            NextValidatorsHash = draft.Header.NextValidatorsHash,
            ProposerAddress = proposer,
        };
        request.Txs.Add(transactions);
        request.Misbehavior.Add(AbciRequests.MisbehaviorOf(draft.Evidence));
        ResponsePrepareProposal response = _application.PrepareProposal(request);
        if (response.Txs.Sum(Mempool.EncodedSize) > room)
            throw new ConsensusFailure($"PrepareProposal returned more than {room} bytes of transactions");
        return BlockRules.Complete(draft, response.Txs);
    }

    /// <summary>Checks a block against the state. Null if it is valid, else the reason.</summary>
    /// <param name="state">State after the block before.</param>
    /// <param name="block">The block.</param>
    /// <param name="now">Chain time of this validator.</param>
    public string? Validate(ChainState state, SealedBlock block, long now)
    {
        bool isKnown = _validated is { } last && last.Block == block && ReferenceEquals(last.State, state);
        if (isKnown) return null;
        string? wrong = BlockRules.Check(state, block, now, _verified) ?? _evidence.Check(block.Block.Evidence, state);
        if (wrong is null) _validated = (block, state);
        return wrong;
    }

    /// <summary>Asks the application whether it accepts a proposal.</summary>
    public bool Process(ChainState state, SealedBlock block)
    {
        ResponseProcessProposal response = _application.ProcessProposal(AbciRequests.ProcessProposal(block, state));
        return response.Status switch
        {
            ProposalStatus.Accept => true,
            ProposalStatus.Reject => false,
            _ => throw new ConsensusFailure($"ProcessProposal returned status {response.Status}"),
        };
    }

    /// <summary>The extension for the own precommit.</summary>
    public ByteString ExtendVote(ChainState state, SealedBlock block) =>
        _application.ExtendVote(AbciRequests.ExtendVote(block, state)).VoteExtension;

    /// <summary>Asks the application about the extension of another validator's precommit.</summary>
    public bool VerifyExtension(Vote vote)
    {
        ResponseVerifyVoteExtension response = _application.VerifyVoteExtension(new RequestVerifyVoteExtension
        {
            Hash = vote.BlockId.Hash,
            ValidatorAddress = vote.ValidatorAddress,
            Height = vote.Height,
            VoteExtension = vote.Extension,
        });
        return response.Status switch
        {
            VerifyStatus.Accept => true,
            VerifyStatus.Reject => false,
            _ => throw new ConsensusFailure($"VerifyVoteExtension returned status {response.Status}"),
        };
    }

    /// <summary>Stores a decided block, executes it, commits, and stores the state that follows.</summary>
    public ChainState Apply(ChainState state, SealedBlock block, ExtendedCommit seen)
    {
        if (_store.Height < block.Height) _store.SaveBlock(block, seen);
        Reached?.Invoke(WritePoint.BlockSaved);
        ResponseFinalizeBlock response = _application.FinalizeBlock(
            AbciRequests.FinalizeBlock(block, state.LastValidators, state.InitialHeight));
        Reached?.Invoke(WritePoint.Finalized);
        CheckResultCount(block, response);
        _store.SaveResponse(block.Height, response);
        Reached?.Invoke(WritePoint.ResponseSaved);
        ChainState next = NextState(state, block, response);
        _mempool.Lock();
        try
        {
            _application.Commit();
            Reached?.Invoke(WritePoint.Committed);
            _mempool.Update(block.Block.Data.Txs, response.TxResults, next.Parameters);
        }
        finally
        {
            _mempool.Unlock();
        }
        _evidence.Update(next, block.Block.Evidence);
        _store.SaveState(next);
        Reached?.Invoke(WritePoint.StateSaved);
        Applied?.Invoke(block, response, next);
        return next;
    }

    /// <summary>The state after a block whose results are known.</summary>
    /// <exception cref="ConsensusFailure">The results contain an update that is not permitted.</exception>
    public static ChainState NextState(ChainState state, SealedBlock block, ResponseFinalizeBlock response)
    {
        ConsensusParams parameters =
            ParameterRules.Update(state.Parameters, response.ConsensusParamUpdates, block.Height);
        List<ValidatorChange> changes = ToChanges(response.ValidatorUpdates, state.Parameters);
        return state with
        {
            LastHeight = block.Height,
            LastBlockId = block.Id,
            LastTime = WireTime.ToNanoseconds(block.Block.Header.Time),
            LastValidators = state.Validators,
            Validators = state.NextValidators,
            NextValidators = state.NextValidators.Update(changes).Increment(1),
            Parameters = parameters,
            AppVersion = response.ConsensusParamUpdates is null ? state.AppVersion : parameters.Version.App,
            AppHash = response.AppHash,
            LastResultsHash = BlockHashes.Results(response.TxResults),
        };
    }

    /// <summary>Reads validator updates of the application.</summary>
    /// <exception cref="ConsensusFailure">A key is of a type that the parameters do not permit.</exception>
    public static List<ValidatorChange> ToChanges(IEnumerable<ValidatorUpdate> updates, ConsensusParams parameters)
    {
        List<ValidatorChange> changes = [];
        foreach (ValidatorUpdate update in updates)
        {
            bool isEd25519 = update.PubKey?.SumCase == PublicKey.SumOneofCase.Ed25519;
            if (!isEd25519 || !parameters.Validator.PubKeyTypes.Contains("ed25519"))
                throw new ConsensusFailure("validator update with a key type that is not permitted");
            if (update.PubKey!.Ed25519.Length != 32)
                throw new ConsensusFailure("validator update with a malformed key");
            changes.Add(new ValidatorChange(update.PubKey.Ed25519, update.Power));
        }
        return changes;
    }

    /// <summary>Every transaction needs exactly one result.</summary>
    public static void CheckResultCount(SealedBlock block, ResponseFinalizeBlock response)
    {
        int transactions = block.Block.Data.Txs.Count;
        if (response.TxResults.Count == transactions) return;
        throw new ConsensusFailure($"FinalizeBlock of height {block.Height} returned {response.TxResults.Count} " +
            $"results for {transactions} transactions");
    }
}
