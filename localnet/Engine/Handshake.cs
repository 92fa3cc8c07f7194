using System;
using System.Linq;
using AppChain.Abci;
using AppChain.Abci.Wire;
using AppChain.Abci.Wire.Crypto;
using Google.Protobuf;

namespace AppChain.Localnet;

/// <summary>
/// Brings application and validator to the same height when a validator starts. With A the height of the application,
/// S of the stored blocks and T of the stored state, T is S or S - 1; A may be anything up to S.
/// </summary>
public static class Handshake
{
    /// <summary>Version that the engine names in Info: it behaves like this release of CometBFT.</summary>
    public const string EngineVersion = "0.38.25";

    /// <summary>Runs the handshake and returns the state to continue from.</summary>
    /// <exception cref="ConsensusFailure">Application and validator do not belong together.</exception>
    public static ChainState Run(Genesis genesis, BlockStore store, IApplication application)
    {
        ChainState state = store.LoadState(store.StateHeight) ?? genesis.ToState();
        ResponseInfo info = application.Info(InfoRequest());
        long appHeight = info.LastBlockHeight;
        if (appHeight < 0) throw new ConsensusFailure($"the application reports the negative height {appHeight}");
        if (state.LastHeight == 0) state = state with { AppVersion = info.AppVersion };
        if (appHeight == 0) state = InitChain(genesis, store, application, state);
        return Replay(genesis, store, application, state, appHeight, info.LastBlockAppHash);
    }

    /// <summary>The request by which the engine introduces itself.</summary>
    public static RequestInfo InfoRequest() => new()
    {
        Version = EngineVersion,
        BlockVersion = BlockRules.BlockProtocol,
        P2PVersion = 8,
        AbciVersion = "2.0.0",
    };

    /// <summary>The request by which an application without a chain is given its genesis.</summary>
    public static RequestInitChain InitChainRequest(Genesis genesis)
    {
        RequestInitChain request = new()
        {
            Time = WireTime.FromNanoseconds(genesis.Time),
            ChainId = genesis.ChainId,
            ConsensusParams = genesis.Parameters,
            AppStateBytes = ByteString.CopyFrom(genesis.AppState),
            InitialHeight = genesis.InitialHeight,
        };
        request.Validators.Add(genesis.ToState().Validators.Members.Select(member => new ValidatorUpdate
        {
            PubKey = new PublicKey { Ed25519 = member.PublicKey },
            Power = member.Power,
        }));
        return request;
    }

    private static ChainState InitChain(Genesis genesis, BlockStore store, IApplication application, ChainState state)
    {
        RequestInitChain request = InitChainRequest(genesis);
        ResponseInitChain response = application.InitChain(request);
        if (state.LastHeight > 0) return state;

        if (response.Validators.Count > 0)
        {
            ValidatorSet members = ValidatorSet.Create(BlockExecutor.ToChanges(response.Validators, state.Parameters));
            state = state with { Validators = members, NextValidators = members.Increment(1) };
        }
        else if (request.Validators.Count == 0)
        {
            throw new ConsensusFailure("neither the genesis nor InitChain names a validator");
        }
        if (!response.AppHash.IsEmpty) state = state with { AppHash = response.AppHash };
        if (response.ConsensusParams is not null)
        {
            state = state with { Parameters = ParameterRules.Replace(state.Parameters, response.ConsensusParams) };
            ParameterRules.Validate(state.Parameters);
            state = state with { AppVersion = state.Parameters.Version.App };
        }
        state = state with { LastResultsHash = BlockHashes.Results([]) };
        store.SaveState(state);
        return state;
    }

    private static ChainState Replay(Genesis genesis, BlockStore store, IApplication application, ChainState state,
        long appHeight, ByteString appHash)
    {
        long stored = store.Height;
        if (stored == 0)
        {
            CheckHash(appHeight == 0 ? state.AppHash : appHash, state);
            return state;
        }
        if (appHeight > stored)
        {
            throw new ConsensusFailure($"app block height ({appHeight}) is too high: the validator has stored " +
                $"{stored} blocks; was its data removed without that of the application?");
        }
        bool isTooLow = appHeight == 0 ? genesis.InitialHeight < store.Base : appHeight < store.Base - 1;
        if (isTooLow)
            throw new ConsensusFailure($"app block height ({appHeight}) is too low: blocks begin at {store.Base}");
        if (state.LastHeight != stored && state.NextHeight != stored)
            throw new ConsensusFailure($"damaged data: state of height {state.LastHeight}, blocks up to {stored}");

        if (state.LastHeight == stored)
        {
            if (appHeight < stored) appHash = ReplayBlocks(store, application, state, appHeight, stored);
            CheckHash(appHash, state);
            return state;
        }
        if (appHeight == stored) return ApplyStored(store, state, stored);
        if (appHeight < state.LastHeight) ReplayBlocks(store, application, state, appHeight, stored - 1);
        return ApplyLast(store, application, state, stored);
    }

    /// <summary>Feeds blocks that are decided and known to the validator to an application that lacks them.</summary>
    private static ByteString ReplayBlocks(
        BlockStore store, IApplication application, ChainState state, long from, long to)
    {
        ByteString hash = ByteString.Empty;
        for (long height = Math.Max(from + 1, state.InitialHeight); height <= to; height++)
        {
            SealedBlock block = store.LoadBlock(height)!;
            ChainState before = store.LoadStateBefore(height)
                ?? throw new ConsensusFailure($"damaged data: no state before height {height}");
            ResponseFinalizeBlock response = application.FinalizeBlock(
                AbciRequests.FinalizeBlock(block, before.LastValidators, state.InitialHeight));
            BlockExecutor.CheckResultCount(block, response);
            hash = response.AppHash;
            ByteString expected = height < store.Height
                ? store.LoadBlock(height + 1)!.Block.Header.AppHash
                : state.AppHash;
            if (hash != expected) throw Mismatch(height, hash, expected);
            application.Commit();
        }
        return hash;
    }

    /// <summary>The last block was stored but not committed by the application: it is applied as usual.</summary>
    private static ChainState ApplyLast(BlockStore store, IApplication application, ChainState state, long height)
    {
        SealedBlock block = store.LoadBlock(height)!;
        CheckBlock(state, block);
        ResponseFinalizeBlock response = application.FinalizeBlock(
            AbciRequests.FinalizeBlock(block, state.LastValidators, state.InitialHeight));
        BlockExecutor.CheckResultCount(block, response);
        store.SaveResponse(height, response);
        ChainState next = BlockExecutor.NextState(state, block, response);
        application.Commit();
        store.SaveState(next);
        return next;
    }

    /// <summary>The application has committed the last block already: its stored results are used.</summary>
    private static ChainState ApplyStored(BlockStore store, ChainState state, long height)
    {
        SealedBlock block = store.LoadBlock(height)!;
        CheckBlock(state, block);
        ResponseFinalizeBlock response = store.LoadResponse(height) ?? throw new ConsensusFailure(
            $"the application has committed height {height}, but its results are not stored");
        ChainState next = BlockExecutor.NextState(state, block, response);
        store.SaveState(next);
        return next;
    }

    private static void CheckBlock(ChainState state, SealedBlock block)
    {
        if (BlockRules.Check(state, block, long.MaxValue - BlockRules.TimeTolerance) is { } wrong)
            throw new ConsensusFailure($"damaged data: block {block.Height}: {wrong}");
    }

    private static void CheckHash(ByteString appHash, ChainState state)
    {
        if (appHash != state.AppHash) throw Mismatch(state.LastHeight, appHash, state.AppHash);
    }

    private static ConsensusFailure Mismatch(long height, ByteString actual, ByteString expected) => new(
        $"application hash {Convert.ToHexString(actual.Span)} after height {height} differs from the chain's " +
        $"{Convert.ToHexString(expected.Span)}; was the data of one removed without that of the other?");
}
