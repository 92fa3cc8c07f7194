using System;
using System.Collections.Generic;
using System.Threading.Tasks;
using AppChain.Abci.Wire;
using AppChain.Abci.Wire.Types;
using Google.Protobuf;

namespace AppChain.Localnet;

/// <summary>
/// The application of one validator, seen through its connections. Over sockets in the localnet, in process in the
/// simulator. A lost connection is an <see cref="Abci.AbciException"/>; the validator stops then.
/// </summary>
public interface IApplication
{
    /// <summary>Where the application stands (query connection).</summary>
    ResponseInfo Info(RequestInfo request);

    /// <summary>Reads committed state (query connection; called from any thread).</summary>
    ResponseQuery Query(RequestQuery request);

    /// <summary>Genesis (consensus connection, like all that follow up to <see cref="Commit"/>).</summary>
    ResponseInitChain InitChain(RequestInitChain request);

    /// <summary>Builds the transactions of a proposal.</summary>
    ResponsePrepareProposal PrepareProposal(RequestPrepareProposal request);

    /// <summary>Judges a proposal.</summary>
    ResponseProcessProposal ProcessProposal(RequestProcessProposal request);

    /// <summary>Makes the extension of the validator's own precommit.</summary>
    ResponseExtendVote ExtendVote(RequestExtendVote request);

    /// <summary>Judges the extension of another validator's precommit.</summary>
    ResponseVerifyVoteExtension VerifyVoteExtension(RequestVerifyVoteExtension request);

    /// <summary>Executes the decided block.</summary>
    ResponseFinalizeBlock FinalizeBlock(RequestFinalizeBlock request);

    /// <summary>Makes the executed block durable.</summary>
    ResponseCommit Commit();

    /// <summary>
    /// Starts checking a transaction (mempool connection; called from any thread). Answers complete in the order of the
    /// requests.
    /// </summary>
    Task<ResponseCheckTx> CheckTx(RequestCheckTx request);

    /// <summary>Sends what is queued on the mempool connection, without waiting for answers.</summary>
    void PushMempool();

    /// <summary>Sends a Flush on the mempool connection and waits for its answer.</summary>
    void FlushMempool();
}

/// <summary>
/// Time and network of one validator: threads and the machine's clock in the localnet, a queue of events in the
/// simulator. A message is a <see cref="Proposal"/>, a <see cref="SealedBlock"/>, a <see cref="Vote"/>, a
/// <see cref="MajorityClaim"/>, a <see cref="PeerStatus"/> or a <see cref="DuplicateVoteEvidence"/>.
/// </summary>
public interface IConsensusHost
{
    /// <summary>Chain time in nanoseconds since 1970: what votes are stamped with.</summary>
    long ChainTime { get; }

    /// <summary>Wall time since some origin, for time-outs.</summary>
    TimeSpan WallTime { get; }

    /// <summary>Sends a message to every other validator.</summary>
    void Broadcast(object message);

    /// <summary>Sends a message to one validator.</summary>
    void Send(int peer, object message);

    /// <summary>Sets the only pending time-out, in place of an earlier one.</summary>
    void Schedule(ConsensusTimeout timeout, TimeSpan delay);
}
