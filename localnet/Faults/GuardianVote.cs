using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using AppChain.Node;
using AppChain.StateMachine;

namespace AppChain.Localnet;

/// <summary>
/// Two guardians decide as people would: one proposes, the other approves, both wait for the timelock.
/// </summary>
internal sealed class GuardianVote(NetworkFiles files, RpcClient node)
{
    private const long ExpiryBlocks = 100;
    private const int Poll = 100;

    /// <summary>Returns when the proposal is executed.</summary>
    /// <exception cref="InvalidOperationException">A transaction was refused.</exception>
    public async Task DecideAsync(IOperationContent content, CancellationToken cancel)
    {
        ulong last = (await ProposalsAsync(cancel).ConfigureAwait(false)).Select(one => one.ProposalId)
            .DefaultIfEmpty().Max();
        await SendAsync(0, new Operation { Kind = OperationKind.Propose, Content = content }, cancel)
            .ConfigureAwait(false);
        ulong id = 0;
        while (id == 0)
        {
            await Task.Delay(Poll, cancel).ConfigureAwait(false);
            id = (await ProposalsAsync(cancel).ConfigureAwait(false))
                .FirstOrDefault(one => one.ProposalId > last)?.ProposalId ?? 0;
        }

        var approval = new Operation { Kind = OperationKind.ApproveProposal, Content = new NumberedTarget(id) };
        await SendAsync(1, approval, cancel).ConfigureAwait(false);
        while (!(await ProposalsAsync(cancel).ConfigureAwait(false))
            .Any(one => one.ProposalId == id && one.State == V1.ProposalState.Executed))
        {
            await Task.Delay(Poll, cancel).ConfigureAwait(false);
        }
    }

    private async Task<IReadOnlyList<V1.CouncilProposal>> ProposalsAsync(CancellationToken cancel) =>
        (await node.ProposalsAsync(V1.Council.Guardians, cancel).ConfigureAwait(false)).Proposals;

    private async Task SendAsync(int guardian, Operation operation, CancellationToken cancel)
    {
        using var signer = new TransactionSigner(files.Guardians[guardian].SecretKey, NetworkFiles.ChainId);
        V1.NonceResponse nonce = await node.NonceAsync(AccountText.Of(signer.Owner), cancel).ConfigureAwait(false);
        long height = (await node.StatusAsync(cancel).ConfigureAwait(false)).Height;
        byte[] transaction =
            new TransactionBuilder().Add(operation).Sign(signer, nonce.Highest + 1, height + ExpiryBlocks);
        BroadcastResult result = await node.BroadcastSyncAsync(transaction, cancel).ConfigureAwait(false);
        if (result.Code != 0)
        {
            throw new InvalidOperationException($"a guardian's transaction is refused: {result.Log}");
        }
    }
}
