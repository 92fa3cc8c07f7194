using System;
using System.Linq;
using AppChain.Abci.Wire;
using AppChain.Abci.Wire.Types;
using Google.Protobuf;

namespace AppChain.Node;

/// <summary>What a node says about itself.</summary>
/// <param name="ChainId">The chain.</param>
/// <param name="NodeId">Id of the node in the network.</param>
/// <param name="Moniker">Name of the node.</param>
/// <param name="Height">Last block.</param>
/// <param name="AppHash">App hash in the header of that block: of the state before it.</param>
/// <param name="Time">Time of that block.</param>
/// <param name="IsCatchingUp">The node is behind the others.</param>
/// <param name="EngineVersion">Version of the consensus engine; empty where it does not say.</param>
/// <param name="ValidatorAddress">Consensus address of the node, upper-case hex; empty where it does not say.</param>
/// <param name="VotingPower">Its power; 0 when it is no validator.</param>
public sealed record NodeStatus(
    string ChainId, string NodeId, string Moniker, long Height, ByteString AppHash, DateTimeOffset Time,
    bool IsCatchingUp, string EngineVersion, string ValidatorAddress, long VotingPower);

/// <summary>What the mempool said to a transaction.</summary>
/// <param name="Code">0 when it was accepted, otherwise a result code.</param>
/// <param name="Log">Text for people.</param>
/// <param name="Hash">SHA-256 of the transaction.</param>
public sealed record BroadcastResult(uint Code, string Log, ByteString Hash);

/// <summary>A transaction in a block.</summary>
/// <param name="Hash">SHA-256 of the transaction.</param>
/// <param name="Height">Height of the block.</param>
/// <param name="Index">Position in the block.</param>
/// <param name="Bytes">The transaction; empty where the node does not return it.</param>
/// <param name="Result">What became of it.</param>
public sealed record CommittedTransaction(
    ByteString Hash, long Height, long Index, ByteString Bytes, ExecTxResult Result);

/// <summary>A block with its id.</summary>
public sealed record BlockAnswer(BlockID Id, Block Block);

/// <summary>A header with the signatures that make it final.</summary>
/// <param name="SignedHeader">Header and commit.</param>
/// <param name="IsCanonical">The commit is the one in the next block; false for the newest height.</param>
public sealed record CommitAnswer(SignedHeader SignedHeader, bool IsCanonical)
{
    /// <summary>Whether it has the precommit of a validator for the block.</summary>
    public bool IsSignedBy(ByteString validator) => SignedHeader.Commit.Signatures.Any(
        entry => entry.BlockIdFlag == BlockIDFlag.Commit && entry.ValidatorAddress == validator);
}

/// <summary>What the application says about itself.</summary>
/// <param name="Height">Last committed height.</param>
/// <param name="AppHash">App hash after it.</param>
/// <param name="Version">Version of the software.</param>
/// <param name="Data">Free text.</param>
public sealed record ApplicationInfo(long Height, ByteString AppHash, string Version, string Data);

/// <summary>An answer of the application's query handler.</summary>
/// <param name="Code">0 when it answered.</param>
/// <param name="Codespace">Whose code it is.</param>
/// <param name="Log">What is wrong.</param>
/// <param name="Value">The encoded response.</param>
/// <param name="Height">Height of the state it describes.</param>
public sealed record QueryAnswer(uint Code, string Codespace, string Log, ByteString Value, long Height);

/// <summary>No answer from the node: it is not there, or it does not speak JSON-RPC.</summary>
public sealed class NodeUnreachableException(string message, Exception? cause = null) : Exception(message, cause);

/// <summary>The node answered with an error.</summary>
public sealed class RpcException(long code, string message, string data)
    : Exception(data.Length == 0 ? message : $"{message}: {data}")
{
    /// <summary>JSON-RPC error code, such as -32603.</summary>
    public long Code { get; } = code;

    /// <summary>Details, where the node gives any.</summary>
    public string Details { get; } = data;
}

/// <summary>The application refused a query.</summary>
public sealed class QueryRefusedException(string path, QueryAnswer answer)
    : Exception(answer.Log.Length == 0 ? $"the node refused {path} with code {answer.Code}" : answer.Log)
{
    /// <summary>1 bad request, 2 no such path, 3 no such thing, 4 height not kept.</summary>
    public uint Code { get; } = answer.Code;
}
