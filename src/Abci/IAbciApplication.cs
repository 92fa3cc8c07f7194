using System.Collections.Generic;
using AppChain.Abci.Wire;

namespace AppChain.Abci;

/// <summary>
/// ABCI 2.0 as methods. The consensus engine calls, the application answers. Echo and Flush, the other two messages of
/// the protocol, belong to the connection and never reach the application.
/// </summary>
/// <remarks>
/// Calls of one connection come in order, one at a time. Calls of different connections overlap: the engine keeps one
/// for consensus, one for the mempool, one for queries and one for snapshots, so CheckTx or Query may run during
/// FinalizeBlock. The application does its own locking. An exception means that the application cannot go on: it is
/// reported to the engine, which stops; a bad transaction, proposal or extension is answered, never thrown.
/// </remarks>
public interface IAbciApplication
{
    /// <summary>Height and app hash of the last durable block, at start-up and on request.</summary>
    ResponseInfo Info(RequestInfo request);

    /// <summary>Genesis. Called again after a crash before the first Commit.</summary>
    ResponseInitChain InitChain(RequestInitChain request);

    /// <summary>A client's question about committed state.</summary>
    ResponseQuery Query(RequestQuery request);

    /// <summary>Whether a transaction may enter, or after a block may stay in, the mempool.</summary>
    ResponseCheckTx CheckTx(RequestCheckTx request);

    /// <summary>
    /// Tells which CheckTx requests already wait on a connection, before the first of them is answered, so that their
    /// signatures can be verified in parallel. Changes nothing in the answers.
    /// </summary>
    void AnnounceCheckTx(IReadOnlyList<RequestCheckTx> waiting)
    {
    }

    /// <summary>The transactions of the block this node proposes.</summary>
    ResponsePrepareProposal PrepareProposal(RequestPrepareProposal request);

    /// <summary>Whether to prevote for a proposed block. Must be the same on every node.</summary>
    ResponseProcessProposal ProcessProposal(RequestProcessProposal request);

    /// <summary>What this validator adds to its precommit.</summary>
    ResponseExtendVote ExtendVote(RequestExtendVote request);

    /// <summary>
    /// Whether another validator's extension, and so its precommit, counts. Must be the same everywhere.
    /// </summary>
    ResponseVerifyVoteExtension VerifyVoteExtension(RequestVerifyVoteExtension request);

    /// <summary>Executes the decided block without persisting it.</summary>
    ResponseFinalizeBlock FinalizeBlock(RequestFinalizeBlock request);

    /// <summary>Persists the block executed last.</summary>
    ResponseCommit Commit(RequestCommit request);

    /// <summary>Snapshots this node offers to others.</summary>
    ResponseListSnapshots ListSnapshots(RequestListSnapshots request);

    /// <summary>A snapshot another node offers.</summary>
    ResponseOfferSnapshot OfferSnapshot(RequestOfferSnapshot request);

    /// <summary>A piece of a snapshot of this node.</summary>
    ResponseLoadSnapshotChunk LoadSnapshotChunk(RequestLoadSnapshotChunk request);

    /// <summary>A piece of the snapshot accepted last. Its bytes come from a peer.</summary>
    ResponseApplySnapshotChunk ApplySnapshotChunk(RequestApplySnapshotChunk request);
}
