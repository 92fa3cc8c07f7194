using System;
using System.Collections.Generic;
using System.IO;
using System.Threading.Tasks;
using AppChain.Abci;
using AppChain.Abci.Wire;
using AppChain.Node;

namespace AppChain.Localnet.Tests;

/// <summary>
/// The application of the product on a store of its own, as both engines see it, with what it was asked. A hook in
/// front of a call lets it die there.
/// </summary>
public sealed class RealApplication : IDisposable
{
    private readonly Node.Application _application;

    public RealApplication(string directory)
    {
        Directory.CreateDirectory(directory);
        _application = new Node.Application(new ChainStore(directory), null, checkEveryRow: true, NodeLog.Silent);
        Served = new CallRecorder(new Hooked(this), call =>
        {
            lock (Calls) Calls.Add(call);
        });
    }

    /// <summary>Recorded and hooked.</summary>
    public IAbciApplication Served { get; }

    public List<AbciCall> Calls { get; } = [];

    /// <summary>Called before FinalizeBlock and Commit and PrepareProposal; throws to die there.</summary>
    public Action<CallKind, long> Before { get; set; } = (_, _) => { };

    /// <summary>Called with each proposal, which it may change.</summary>
    public Action<ResponsePrepareProposal> Proposing { get; set; } = _ => { };

    /// <summary>Whether it takes a proposal of a height that it finds right.</summary>
    public Func<long, bool> Judging { get; set; } = _ => true;

    /// <summary>Blocks below this height are given up at Commit; 0: none.</summary>
    public long Retain { get; set; }

    /// <summary>The genesis and the decided blocks that were seen, by height.</summary>
    public RequestInitChain? Genesis { get; private set; }

    public SortedDictionary<long, RequestFinalizeBlock> Blocks { get; } = [];

    public ResponseInfo Info() => _application.Info(new RequestInfo());

    public void Dispose() => _application.Dispose();

    /// <summary>
    /// An application at a height, opened again from its store after executing the given blocks; above the last of them
    /// it invents empty ones.
    /// </summary>
    public static RealApplication At(
        long height, string directory, RequestInitChain genesis, IReadOnlyDictionary<long, RequestFinalizeBlock> blocks)
    {
        if (height > 0)
        {
            using var first = new RealApplication(directory);
            first._application.InitChain(genesis);
            for (long h = 1; h <= height; h++)
            {
                first._application.FinalizeBlock(blocks.TryGetValue(h, out RequestFinalizeBlock? block)
                    ? block
                    : new RequestFinalizeBlock { Height = h, Time = blocks[h - 1].Time, Hash = blocks[h - 1].Hash });
                first._application.Commit(new RequestCommit());
            }
        }

        return new RealApplication(directory);
    }

    /// <summary>Passes calls to the application behind its hook.</summary>
    private sealed class Hooked(RealApplication owner) : IAbciApplication
    {
        private Node.Application Application => owner._application;

        public ResponseInfo Info(RequestInfo request) => Application.Info(request);

        public ResponseInitChain InitChain(RequestInitChain request)
        {
            owner.Genesis = request;
            return Application.InitChain(request);
        }

        public ResponseQuery Query(RequestQuery request) => Application.Query(request);

        public ResponseCheckTx CheckTx(RequestCheckTx request) => Application.CheckTx(request);

        public ResponsePrepareProposal PrepareProposal(RequestPrepareProposal request)
        {
            owner.Before(CallKind.PrepareProposal, request.Height);
            ResponsePrepareProposal response = Application.PrepareProposal(request);
            owner.Proposing(response);
            return response;
        }

        public ResponseProcessProposal ProcessProposal(RequestProcessProposal request)
        {
            ResponseProcessProposal response = Application.ProcessProposal(request);
            if (!owner.Judging(request.Height)) response.Status = ProposalStatus.Reject;
            return response;
        }

        public ResponseExtendVote ExtendVote(RequestExtendVote request) => Application.ExtendVote(request);

        public ResponseVerifyVoteExtension VerifyVoteExtension(RequestVerifyVoteExtension request) =>
            Application.VerifyVoteExtension(request);

        public ResponseFinalizeBlock FinalizeBlock(RequestFinalizeBlock request)
        {
            owner.Before(CallKind.FinalizeBlock, request.Height);
            owner.Blocks[request.Height] = request;
            return Application.FinalizeBlock(request);
        }

        public ResponseCommit Commit(RequestCommit request)
        {
            owner.Before(CallKind.Commit, Application.Height + 1);
            ResponseCommit response = Application.Commit(request);
            response.RetainHeight = owner.Retain;
            return response;
        }

        public ResponseListSnapshots ListSnapshots(RequestListSnapshots request) => Application.ListSnapshots(request);

        public ResponseOfferSnapshot OfferSnapshot(RequestOfferSnapshot request) => Application.OfferSnapshot(request);

        public ResponseLoadSnapshotChunk LoadSnapshotChunk(RequestLoadSnapshotChunk request) =>
            Application.LoadSnapshotChunk(request);

        public ResponseApplySnapshotChunk ApplySnapshotChunk(RequestApplySnapshotChunk request) =>
            Application.ApplySnapshotChunk(request);
    }
}

/// <summary>An application in this process, called directly as if through an engine's connections.</summary>
public sealed class DirectApplication(IAbciApplication application) : IApplication
{
    public ResponseInfo Info(RequestInfo request) => application.Info(request);

    public ResponseQuery Query(RequestQuery request) => application.Query(request);

    public ResponseInitChain InitChain(RequestInitChain request) => application.InitChain(request);

    public ResponsePrepareProposal PrepareProposal(RequestPrepareProposal request) =>
        application.PrepareProposal(request);

    public ResponseProcessProposal ProcessProposal(RequestProcessProposal request) =>
        application.ProcessProposal(request);

    public ResponseExtendVote ExtendVote(RequestExtendVote request) => application.ExtendVote(request);

    public ResponseVerifyVoteExtension VerifyVoteExtension(RequestVerifyVoteExtension request) =>
        application.VerifyVoteExtension(request);

    public ResponseFinalizeBlock FinalizeBlock(RequestFinalizeBlock request) => application.FinalizeBlock(request);

    public ResponseCommit Commit() => application.Commit(new RequestCommit());

    public Task<ResponseCheckTx> CheckTx(RequestCheckTx request) => Task.FromResult(application.CheckTx(request));

    public void PushMempool()
    {
    }

    public void FlushMempool()
    {
    }
}
