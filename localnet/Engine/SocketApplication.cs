using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using AppChain.Abci;
using AppChain.Abci.Wire;

namespace AppChain.Localnet;

/// <summary>
/// An application behind four ABCI connections, opened in the order of CometBFT: query, snapshot, mempool, consensus.
/// The snapshot connection stays silent.
/// </summary>
public sealed class SocketApplication : IApplication, IDisposable
{
    private readonly List<AbciClient> _connections = [];
    private readonly AbciClient _query;
    private readonly AbciClient _mempool;
    private readonly AbciClient _consensus;

    /// <summary>Connects to an application, which may still be starting.</summary>
    /// <param name="address">Address in the syntax of CometBFT's proxy_app.</param>
    /// <param name="patience">How long to wait for it.</param>
    /// <param name="stop">Ends the waiting.</param>
    /// <exception cref="System.IO.IOException">Nobody listens there.</exception>
    public SocketApplication(string address, TimeSpan patience, CancellationToken stop = default)
    {
        try
        {
            for (int i = 0; i < 4; i++) _connections.Add(AbciClient.Connect(address, patience, stop: stop));
        }
        catch
        {
            Dispose();
            throw;
        }
        _query = _connections[0];
        _mempool = _connections[2];
        _consensus = _connections[3];
    }

    /// <inheritdoc/>
    public ResponseInfo Info(RequestInfo request) => _query.Info(request);

    /// <inheritdoc/>
    public ResponseQuery Query(RequestQuery request) => _query.Query(request);

    /// <inheritdoc/>
    public ResponseInitChain InitChain(RequestInitChain request) => _consensus.InitChain(request);

    /// <inheritdoc/>
    public ResponsePrepareProposal PrepareProposal(RequestPrepareProposal request) =>
        _consensus.PrepareProposal(request);

    /// <inheritdoc/>
    public ResponseProcessProposal ProcessProposal(RequestProcessProposal request) =>
        _consensus.ProcessProposal(request);

    /// <inheritdoc/>
    public ResponseExtendVote ExtendVote(RequestExtendVote request) => _consensus.ExtendVote(request);

    /// <inheritdoc/>
    public ResponseVerifyVoteExtension VerifyVoteExtension(RequestVerifyVoteExtension request) =>
        _consensus.VerifyVoteExtension(request);

    /// <inheritdoc/>
    public ResponseFinalizeBlock FinalizeBlock(RequestFinalizeBlock request) => _consensus.FinalizeBlock(request);

    /// <inheritdoc/>
    public ResponseCommit Commit() => _consensus.Commit(new RequestCommit());

    /// <summary>
    /// Queues the request. One for a new transaction leaves at once; a recheck waits for <see cref="PushMempool"/>.
    /// </summary>
    public Task<ResponseCheckTx> CheckTx(RequestCheckTx request)
    {
        Task<ResponseCheckTx> answer = _mempool.CheckTxQueued(request);
        if (request.Type == CheckTxType.New) PushMempool();
        return answer;
    }

    /// <inheritdoc/>
    public void PushMempool() => _mempool.FlushQueued();

    /// <inheritdoc/>
    public void FlushMempool() => _mempool.Flush();

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (AbciClient connection in _connections) connection.Dispose();
    }
}
