using System.Collections.Generic;
using System.Threading.Tasks;
using AppChain.Abci.Wire;
using AppChain.StateMachine;

namespace AppChain.Node;

public sealed partial class Application
{
    private const string Codespace = "appchain";

    /// <inheritdoc/>
    /// <remarks>Outside any lock: the signature, then a weak filter on the committed rows.</remarks>
    public ResponseCheckTx CheckTx(RequestCheckTx request)
    {
        if (PriceUpdate.IsClaimedBy(request.Tx.Span))
        {
            return Refuse(ResultCode.NotSubmittable);
        }

        if (_verified is not { } verified || _exchange is not { } exchange)
        {
            return Refuse(ResultCode.UnknownAccount);
        }

        VerifiedTransaction verdict = verified.Verify(request.Tx.Span);
        if (verdict.Transaction is null)
        {
            return RefuseAndLog(verdict.Code);
        }

        Committed? committed = _committed;
        ResultCode code = committed is null
            ? Exchange.Check(verdict.Transaction, exchange.Committed, exchange.Committed.OldestVersion)
            : Exchange.Check(verdict.Transaction, committed.Tree, committed.Height);
        return code == ResultCode.Ok ? new ResponseCheckTx() : RefuseAndLog(code);
    }

    /// <inheritdoc/>
    public void AnnounceCheckTx(IReadOnlyList<RequestCheckTx> waiting)
    {
        if (_verified is { } verified && waiting.Count > 1)
        {
            Parallel.ForEach(waiting, request =>
            {
                if (!PriceUpdate.IsClaimedBy(request.Tx.Span))
                {
                    verified.Verify(request.Tx.Span);
                }
            });
        }
    }

    private ResponseCheckTx RefuseAndLog(ResultCode code)
    {
        if (_log.IsDebug)
        {
            _log.Debug($"refused a transaction: {code}");
        }

        return Refuse(code);
    }

    private static ResponseCheckTx Refuse(ResultCode code) =>
        new() { Code = (uint)code, Codespace = Codespace, Log = Explanations.Of(code) };
}
