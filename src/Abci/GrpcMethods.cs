using System;
using System.Collections.Generic;
using AppChain.Abci.Wire;
using Google.Protobuf;

namespace AppChain.Abci;

/// <summary>One method of the gRPC service: how its request is read and what answers it.</summary>
/// <param name="Parse">Decodes a request. Throws <see cref="MalformedMessageException"/>.</param>
/// <param name="Answer">Calls the application.</param>
internal sealed record GrpcMethod(Func<byte[], IMessage> Parse, Func<IAbciApplication, IMessage, IMessage> Answer);

/// <summary>The methods of the service <c>tendermint.abci.ABCI</c> of CometBFT 0.38.</summary>
internal static class GrpcMethods
{
    /// <summary>By name.</summary>
    public static IReadOnlyDictionary<string, GrpcMethod> All { get; } = new Dictionary<string, GrpcMethod>
    {
        ["Echo"] = Of(RequestEcho.Parser, (_, request) => new ResponseEcho { Message = request.Message }),
        ["Flush"] = Of(RequestFlush.Parser, (_, _) => new ResponseFlush()),
        ["Info"] = Of(RequestInfo.Parser, (application, request) => application.Info(request)),
        ["CheckTx"] = Of(RequestCheckTx.Parser, (application, request) => application.CheckTx(request)),
        ["Query"] = Of(RequestQuery.Parser, (application, request) => application.Query(request)),
        ["Commit"] = Of(RequestCommit.Parser, (application, request) => application.Commit(request)),
        ["InitChain"] = Of(RequestInitChain.Parser, (application, request) => application.InitChain(request)),
        ["ListSnapshots"] = Of(
            RequestListSnapshots.Parser, (application, request) => application.ListSnapshots(request)),
        ["OfferSnapshot"] = Of(
            RequestOfferSnapshot.Parser, (application, request) => application.OfferSnapshot(request)),
        ["LoadSnapshotChunk"] =
            Of(RequestLoadSnapshotChunk.Parser, (application, request) => application.LoadSnapshotChunk(request)),
        ["ApplySnapshotChunk"] =
            Of(RequestApplySnapshotChunk.Parser, (application, request) => application.ApplySnapshotChunk(request)),
        ["PrepareProposal"] =
            Of(RequestPrepareProposal.Parser, (application, request) => application.PrepareProposal(request)),
        ["ProcessProposal"] =
            Of(RequestProcessProposal.Parser, (application, request) => application.ProcessProposal(request)),
        ["ExtendVote"] = Of(RequestExtendVote.Parser, (application, request) => application.ExtendVote(request)),
        ["VerifyVoteExtension"] =
            Of(RequestVerifyVoteExtension.Parser, (application, request) => application.VerifyVoteExtension(request)),
        ["FinalizeBlock"] = Of(
            RequestFinalizeBlock.Parser, (application, request) => application.FinalizeBlock(request)),
    };

    private static GrpcMethod Of<TRequest>(
        MessageParser<TRequest> parser, Func<IAbciApplication, TRequest, IMessage> answer)
        where TRequest : IMessage<TRequest> =>
        new(bytes => parser.Read(bytes), (application, request) => answer(application, (TRequest)request));
}
