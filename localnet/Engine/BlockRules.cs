using System.Collections.Generic;
using AppChain.Abci;
using AppChain.Abci.Wire.Types;
using AppChain.Abci.Wire.Version;
using AppChain.Hsm;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace AppChain.Localnet;

/// <summary>How a block follows from the state before it: building one and checking one are the same rules.</summary>
public static class BlockRules
{
    /// <summary>Block protocol of the 0.38 line.</summary>
    public const ulong BlockProtocol = 11;

    /// <summary>How far a block may be ahead of a validator's clock: 60 s.</summary>
    public const long TimeTolerance = 60_000_000_000;

    /// <summary>Builds the next block.</summary>
    /// <param name="state">State after the block before.</param>
    /// <param name="transactions">Content.</param>
    /// <param name="evidence">Evidence to include.</param>
    /// <param name="lastCommit">Commit of the block before; null for the initial block.</param>
    /// <param name="proposer">Address of the proposer.</param>
    public static SealedBlock Build(ChainState state, IEnumerable<ByteString> transactions,
        IEnumerable<Evidence> evidence, Commit? lastCommit, ByteString proposer) =>
        Complete(Draft(state, evidence, lastCommit, proposer), transactions);

    /// <summary>The next block as <see cref="Build"/> makes it, but without transactions and their hash.</summary>
    public static Block Draft(
        ChainState state, IEnumerable<Evidence> evidence, Commit? lastCommit, ByteString proposer)
    {
        Block block = new()
        {
            Data = new Data(),
            Evidence = new EvidenceList(),
            LastCommit = lastCommit ?? new Commit { BlockId = new BlockID { PartSetHeader = new PartSetHeader() } },
        };
        block.Evidence.Evidence.Add(evidence);
        block.Header = new Header
        {
            Version = new Consensus { Block = BlockProtocol, App = state.AppVersion },
            ChainId = state.ChainId,
            Height = state.NextHeight,
            Time = TimeOf(state, block.LastCommit),
            LastBlockId = state.LastBlockId,
            LastCommitHash = BlockHashes.Commit(block.LastCommit),
            ValidatorsHash = state.Validators.Hash(),
            NextValidatorsHash = state.NextValidators.Hash(),
            ConsensusHash = BlockHashes.ConsensusParams(state.Parameters),
            AppHash = state.AppHash,
            LastResultsHash = state.LastResultsHash,
            EvidenceHash = BlockHashes.Evidence(block.Evidence.Evidence),
            ProposerAddress = proposer,
        };
        return block;
    }

    /// <summary>Puts the transactions into a draft, which is not changed afterwards.</summary>
    public static SealedBlock Complete(Block draft, IEnumerable<ByteString> transactions)
    {
        draft.Data.Txs.Add(transactions);
        draft.Header.DataHash = BlockHashes.Data(draft.Data.Txs);
        return SealedBlock.Of(draft);
    }

    /// <summary>
    /// Checks everything about a block but its evidence and the content of its transactions. Null if it is valid, else
    /// the reason.
    /// </summary>
    /// <param name="state">State after the block before.</param>
    /// <param name="sealedBlock">The block.</param>
    /// <param name="now">Chain time of this validator.</param>
    /// <param name="verified">Signatures that this validator has verified before; null: none.</param>
    public static string? Check(
        ChainState state, SealedBlock sealedBlock, long now, VerifiedSignatures? verified = null)
    {
        Block block = sealedBlock.Block;
        Header header = block.Header;
        if (CheckForm(block, state.NextHeight == state.InitialHeight) is { } malformed) return malformed;
        if (sealedBlock.WrongHash is { } wrongHash) return wrongHash;
        if (sealedBlock.Bytes.Length > ParameterRules.BlockBytes(state.Parameters)) return "too many bytes";
        if (header.Version.Block != BlockProtocol) return "wrong block protocol";
        if (header.Version.App != state.AppVersion) return "wrong application version";
        if (header.ChainId != state.ChainId) return "wrong chain id";
        if (header.Height != state.NextHeight) return "wrong height";
        if (!header.LastBlockId.Equals(state.LastBlockId)) return "wrong last block id";
        if (header.AppHash != state.AppHash) return "wrong application hash";
        if (header.ConsensusHash != BlockHashes.ConsensusParams(state.Parameters)) return "wrong consensus hash";
        if (header.LastResultsHash != state.LastResultsHash) return "wrong last results hash";
        if (header.ValidatorsHash != state.Validators.Hash()) return "wrong validators hash";
        if (header.NextValidatorsHash != state.NextValidators.Hash()) return "wrong next validators hash";
        if (state.Validators.IndexOf(header.ProposerAddress) < 0) return "proposer is not a validator";
        if (header.Height > state.InitialHeight && Commits.Verify(block.LastCommit, state.LastBlockId,
            state.LastHeight, state.ChainId, state.LastValidators, verified) is { } wrongCommit) return wrongCommit;
        return CheckTime(state, block, now);
    }

    private static string? CheckTime(ChainState state, Block block, long now)
    {
        Timestamp time = block.Header.Time;
        if (!time.Equals(TimeOf(state, block.LastCommit))) return "wrong time";
        if (WireTime.Compare(time, WireTime.FromNanoseconds(now + TimeTolerance)) >= 0) return "time is in the future";
        bool isLater = WireTime.Compare(time, WireTime.FromNanoseconds(state.LastTime)) > 0;
        return isLater || block.Header.Height == state.InitialHeight ? null : "time is not after the last block";
    }

    private static string? CheckForm(Block block, bool isInitial)
    {
        Header header = block.Header;
        if (block.LastCommit is null) return "no last commit";
        if (!isInitial && Commits.CheckForm(block.LastCommit) is { } malformed) return malformed;
        if (isInitial && block.LastCommit.Signatures.Count > 0) return "initial block with a commit";
        if (header.ProposerAddress.Length != BlockHashes.AddressSize) return "malformed proposer address";
        if (!WireTime.IsValid(header.Time)) return "malformed time";
        foreach (Evidence evidence in block.Evidence.Evidence)
        {
            if (evidence.SumCase != Evidence.SumOneofCase.DuplicateVoteEvidence) return "unknown kind of evidence";
        }
        return null;
    }

    /// <summary>Genesis time for the initial block, else the weighted median of the commit's times.</summary>
    private static Timestamp TimeOf(ChainState state, Commit lastCommit) =>
        state.NextHeight == state.InitialHeight
            ? WireTime.FromNanoseconds(state.LastTime)
            : MedianTime.Of(lastCommit, state.LastValidators.ToWire());
}
