using System;
using System.Collections.Generic;
using System.Threading;
using AppChain.Abci;
using AppChain.Abci.Wire;

namespace AppChain.Tests;

/// <summary>
/// Shows how calls overlap: FinalizeBlock waits until it is released, everything else answers at once.
/// </summary>
internal sealed class TestApplication : IAbciApplication
{
    public ManualResetEventSlim Entered { get; } = new();

    public ManualResetEventSlim Release { get; } = new();

    public int AnnouncedMost { get; private set; }

    public void AnnounceCheckTx(IReadOnlyList<RequestCheckTx> waiting) =>
        AnnouncedMost = Math.Max(AnnouncedMost, waiting.Count);

    public ResponseCheckTx CheckTx(RequestCheckTx request) => new() { GasWanted = request.Tx.Length };

    public ResponseQuery Query(RequestQuery request) =>
        new() { Log = Entered.IsSet && !Release.IsSet ? "during" : "outside" };

    public ResponseFinalizeBlock FinalizeBlock(RequestFinalizeBlock request)
    {
        Entered.Set();
        Release.Wait();
        return new ResponseFinalizeBlock();
    }

    public ResponseInfo Info(RequestInfo request) => throw new NotSupportedException();

    public ResponseInitChain InitChain(RequestInitChain request) => throw new NotSupportedException();

    public ResponsePrepareProposal PrepareProposal(RequestPrepareProposal request) => throw new NotSupportedException();

    public ResponseProcessProposal ProcessProposal(RequestProcessProposal request) => throw new NotSupportedException();

    public ResponseExtendVote ExtendVote(RequestExtendVote request) => throw new NotSupportedException();

    public ResponseVerifyVoteExtension VerifyVoteExtension(RequestVerifyVoteExtension request) =>
        throw new NotSupportedException();

    public ResponseCommit Commit(RequestCommit request) => throw new NotSupportedException();

    public ResponseListSnapshots ListSnapshots(RequestListSnapshots request) => throw new NotSupportedException();

    public ResponseOfferSnapshot OfferSnapshot(RequestOfferSnapshot request) => throw new NotSupportedException();

    public ResponseLoadSnapshotChunk LoadSnapshotChunk(RequestLoadSnapshotChunk request) =>
        throw new NotSupportedException();

    public ResponseApplySnapshotChunk ApplySnapshotChunk(RequestApplySnapshotChunk request) =>
        throw new NotSupportedException();
}
