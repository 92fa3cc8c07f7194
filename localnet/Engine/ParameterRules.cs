using System;
using System.Collections.Generic;
using AppChain.Abci.Wire.Types;
using Google.Protobuf.WellKnownTypes;

namespace AppChain.Localnet;

/// <summary>Defaults, limits and updates of the consensus parameters.</summary>
public static class ParameterRules
{
    /// <summary>Largest permitted block.max_bytes, and what -1 stands for: 100 MiB.</summary>
    public const long MaximumBlockBytes = 104_857_600;

    private const int MaximumOverheadBytes = 11;
    private const int MaximumHeaderBytes = 626;
    private const int MaximumCommitBytes = 94;
    private const int MaximumCommitSignatureBytes = 111;

    /// <summary>The parameters of a genesis that names none.</summary>
    public static ConsensusParams Default => new()
    {
        Block = new BlockParams { MaxBytes = 22_020_096, MaxGas = -1 },
        Evidence = new EvidenceParams
        {
            MaxAgeNumBlocks = 100_000,
            MaxAgeDuration = new Duration { Seconds = 48 * 3600 },
            MaxBytes = 1_048_576,
        },
        Validator = new ValidatorParams { PubKeyTypes = { "ed25519" } },
        Version = new VersionParams(),
        Abci = new ABCIParams(),
    };

    /// <summary>
    /// The parameters after an update of a block: each part that is given replaces the old one whole.
    /// </summary>
    /// <exception cref="ConsensusFailure">The result or the change is not permitted.</exception>
    public static ConsensusParams Update(ConsensusParams current, ConsensusParams? update, long height)
    {
        if (update is null) return current;
        ConsensusParams next = Replace(current, update);
        Validate(next);
        if (update.Abci is not null)
            CheckExtensionHeight(current.Abci.VoteExtensionsEnableHeight, next.Abci.VoteExtensionsEnableHeight, height);
        return next;
    }

    /// <summary>Replaces the parts that are given, without any check.</summary>
    public static ConsensusParams Replace(ConsensusParams current, ConsensusParams update)
    {
        ConsensusParams next = current.Clone();
        if (update.Block is not null) next.Block = update.Block.Clone();
        if (update.Evidence is not null) next.Evidence = update.Evidence.Clone();
        if (update.Validator is not null) next.Validator = update.Validator.Clone();
        if (update.Version is not null) next.Version = update.Version.Clone();
        if (update.Abci is not null) next.Abci = update.Abci.Clone();
        next.Evidence.MaxAgeDuration ??= new Duration();
        return next;
    }

    /// <summary>Checks the limits of every parameter.</summary>
    /// <exception cref="ConsensusFailure">A parameter is out of its range.</exception>
    public static void Validate(ConsensusParams parameters)
    {
        BlockParams block = parameters.Block;
        EvidenceParams evidence = parameters.Evidence;
        Require(block.MaxBytes == -1 || (block.MaxBytes > 0 && block.MaxBytes <= MaximumBlockBytes), "block.max_bytes");
        Require(block.MaxGas >= -1, "block.max_gas");
        Require(evidence.MaxAgeNumBlocks > 0, "evidence.max_age_num_blocks");
        Require(evidence.MaxAgeDuration.ToTimeSpan() > TimeSpan.Zero, "evidence.max_age_duration");
        Require(evidence.MaxBytes >= 0 && evidence.MaxBytes <= BlockBytes(parameters), "evidence.max_bytes");
        Require(parameters.Abci.VoteExtensionsEnableHeight >= 0, "abci.vote_extensions_enable_height");
        Require(parameters.Validator.PubKeyTypes.Count > 0, "validator.pub_key_types");
        foreach (string type in parameters.Validator.PubKeyTypes)
            Require(type is "ed25519" or "secp256k1", $"validator.pub_key_types \"{type}\"");
    }

    /// <summary>Most bytes of an encoded block.</summary>
    public static long BlockBytes(ConsensusParams parameters) =>
        parameters.Block.MaxBytes == -1 ? MaximumBlockBytes : parameters.Block.MaxBytes;

    /// <summary>
    /// Bytes that the transactions of a block may take, each counted with its tag and length, after header, commit of
    /// <paramref name="validators"/> signatures and evidence have had their worst-case share.
    /// </summary>
    /// <exception cref="ConsensusFailure">Nothing is left for transactions.</exception>
    public static long MaximumTransactionBytes(ConsensusParams parameters, int validators, long evidenceBytes)
    {
        long total = BlockBytes(parameters);
        long commit = MaximumCommitBytes + (long)MaximumCommitSignatureBytes * validators;
        long left = total - MaximumOverheadBytes - MaximumHeaderBytes - commit - evidenceBytes;
        return left >= 0
            ? left
            : throw new ConsensusFailure($"block.max_bytes {total} leaves no room for transactions");
    }

    private static void CheckExtensionHeight(long current, long next, long height)
    {
        if (next == current) return;
        if (next == 0)
        {
            if (current <= height) throw new ConsensusFailure("vote extensions cannot be switched off again");
            return;
        }
        if (next <= height) throw new ConsensusFailure("vote extensions can only be enabled at a later height");
        if (current > 0 && current <= height) throw new ConsensusFailure("vote extensions are enabled already");
    }

    private static void Require(bool condition, string name)
    {
        if (!condition) throw new ConsensusFailure($"consensus parameter {name} is out of range");
    }
}
