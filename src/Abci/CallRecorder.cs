using System;
using System.Threading;
using AppChain.Abci.Wire;

namespace AppChain.Abci;

/// <summary>
/// Stands in front of an application and tells of each call that <see cref="CallGrammar"/> knows, before the
/// application sees it; of Info when it is answered.
/// </summary>
/// <param name="application">The application.</param>
/// <param name="record">Called with one call at a time.</param>
public sealed class CallRecorder(IAbciApplication application, Action<AbciCall> record) : IAbciApplication
{
    private readonly Lock _lock = new();

    /// <inheritdoc/>
    public ResponseInfo Info(RequestInfo request)
    {
        // ORDER: held during the call, or the answer could be noted behind a Commit that it does not know of.
        lock (_lock)
        {
            ResponseInfo response = application.Info(request);
            record(new AbciCall(CallKind.Info, response.LastBlockHeight));
            return response;
        }
    }

    /// <inheritdoc/>
    public ResponseInitChain InitChain(RequestInitChain request)
    {
        Note(CallKind.InitChain, Math.Max(1, request.InitialHeight));
        return application.InitChain(request);
    }

    /// <inheritdoc/>
    public ResponseQuery Query(RequestQuery request) => application.Query(request);

    /// <inheritdoc/>
    public ResponseCheckTx CheckTx(RequestCheckTx request) => application.CheckTx(request);

    /// <inheritdoc/>
    public void AnnounceCheckTx(System.Collections.Generic.IReadOnlyList<RequestCheckTx> waiting) =>
        application.AnnounceCheckTx(waiting);

    /// <inheritdoc/>
    public ResponsePrepareProposal PrepareProposal(RequestPrepareProposal request)
    {
        Note(CallKind.PrepareProposal, request.Height);
        return application.PrepareProposal(request);
    }

    /// <inheritdoc/>
    public ResponseProcessProposal ProcessProposal(RequestProcessProposal request)
    {
        Note(CallKind.ProcessProposal, request.Height);
        return application.ProcessProposal(request);
    }

    /// <inheritdoc/>
    public ResponseExtendVote ExtendVote(RequestExtendVote request)
    {
        Note(CallKind.ExtendVote, request.Height);
        return application.ExtendVote(request);
    }

    /// <inheritdoc/>
    public ResponseVerifyVoteExtension VerifyVoteExtension(RequestVerifyVoteExtension request)
    {
        Note(CallKind.VerifyVoteExtension, request.Height);
        return application.VerifyVoteExtension(request);
    }

    /// <inheritdoc/>
    public ResponseFinalizeBlock FinalizeBlock(RequestFinalizeBlock request)
    {
        Note(CallKind.FinalizeBlock, request.Height);
        return application.FinalizeBlock(request);
    }

    /// <inheritdoc/>
    public ResponseCommit Commit(RequestCommit request)
    {
        Note(CallKind.Commit, 0);
        return application.Commit(request);
    }

    /// <inheritdoc/>
    public ResponseListSnapshots ListSnapshots(RequestListSnapshots request) => application.ListSnapshots(request);

    /// <inheritdoc/>
    public ResponseOfferSnapshot OfferSnapshot(RequestOfferSnapshot request)
    {
        Note(CallKind.OfferSnapshot, 0);
        return application.OfferSnapshot(request);
    }

    /// <inheritdoc/>
    public ResponseLoadSnapshotChunk LoadSnapshotChunk(RequestLoadSnapshotChunk request) =>
        application.LoadSnapshotChunk(request);

    /// <inheritdoc/>
    public ResponseApplySnapshotChunk ApplySnapshotChunk(RequestApplySnapshotChunk request)
    {
        Note(CallKind.ApplySnapshotChunk, 0);
        return application.ApplySnapshotChunk(request);
    }

    private void Note(CallKind kind, long height)
    {
        lock (_lock)
        {
            record(new AbciCall(kind, height));
        }
    }
}
