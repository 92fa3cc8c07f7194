using System;
using System.Collections.Generic;
using System.Globalization;
using System.Threading;
using System.Threading.Tasks;
using AppChain.StateMachine;

namespace AppChain.Node;

/// <summary>
/// A guardian at work: asks a node which withdrawals are admitted, checks each, shows what it would sign, asks whether to
/// sign, signs and posts.
/// </summary>
internal sealed class GuardianWatch(
    RpcClient node, TransactionSigner signer, GuardianPolicy policy, GuardianJournal journal, Shell shell, Func<bool> confirm)
{
    private readonly HashSet<(ulong Withdrawal, ulong Sequence, string Why)> _told = [];

    /// <summary>One look at the chain; the result is how many releases were signed.</summary>
    public async Task<int> LookAsync(CancellationToken cancel)
    {
        V1.WithdrawalsResponse open = await node.WithdrawalsAsync(cancel: cancel).ConfigureAwait(false);
        V1.CouncilResponse guardians = await node.CouncilAsync(V1.Council.Guardians, cancel).ConfigureAwait(false);
        if (policy.NumberIn(guardians) < 0)
        {
            throw new CommandException(
                $"the key {policy.Key} is no guardian of {signer.ChainId}; see `appchain query council guardians`");
        }

        int signed = 0;
        foreach (V1.Withdrawal row in open.Withdrawals)
        {
            if (policy.IsAsked(row, guardians) && await DecideAsync(row, guardians, cancel).ConfigureAwait(false))
            {
                signed++;
            }
        }

        return signed;
    }

    private async Task<bool> DecideAsync(V1.Withdrawal row, V1.CouncilResponse guardians, CancellationToken cancel)
    {
        string owner = row.Account.Split('/')[0];
        var view = new GuardianView(
            row,
            await node.VaultAsync(owner, cancel).ConfigureAwait(false),
            await node.VaultAsync("", cancel).ConfigureAwait(false),
            guardians,
            await node.MarketsAsync(cancel).ConfigureAwait(false),
            await node.ChainAsync(cancel).ConfigureAwait(false));
        string? objection = view.Chain.ChainId == signer.ChainId
            ? policy.Objection(view, journal, Now())
            : $"the node is of the chain '{view.Chain.ChainId}', not '{signer.ChainId}'";
        string destination = VaultWords.Destination([.. Convert.FromHexString(row.Destination)]);
        string intent = $"withdrawal {row.WithdrawalId}: pay {QueryText.Amount(row.Amount)} USD to {destination}, for {row.Account}, "
            + $"requested {QueryText.Time(row.RequestedTime)}; sequence {row.Sequence}, valid until {QueryText.Time(row.Expiry)}, "
            + $"{row.Signers.Count} of {guardians.Threshold} have signed";
        if (objection is not null)
        {
            Tell(row, intent, $"NOT SIGNED: {objection}");
            return false;
        }

        if (_told.Contains((row.WithdrawalId, row.Sequence, "")))
        {
            return false;
        }

        shell.Out.WriteLine(intent);
        if (!confirm())
        {
            _told.Add((row.WithdrawalId, row.Sequence, ""));
            shell.Out.WriteLine("  not signed; it is not asked for again before its next admission");
            return false;
        }

        return await SignAsync(row, cancel).ConfigureAwait(false);
    }

    private async Task<bool> SignAsync(V1.Withdrawal row, CancellationToken cancel)
    {
        long amount = long.Parse(row.Amount, CultureInfo.InvariantCulture);
        var release = new Release(
            row.WithdrawalId,
            row.Sequence,
            (long)row.Expiry,
            row.CouncilVersion,
            amount,
            [.. Convert.FromHexString(row.Destination)]);
        journal.Add(row.WithdrawalId, row.Sequence, amount, row.Destination, Now());
        ReleaseSignature content = signer.Sign(release);
        NodeStatus status = await node.StatusAsync(cancel).ConfigureAwait(false);
        V1.NonceResponse nonce = await node.NonceAsync(AccountText.Of(signer.Owner), cancel).ConfigureAwait(false);
        byte[] bytes = new TransactionBuilder()
            .Add(new Operation { Kind = OperationKind.SignRelease, Content = content })
            .Sign(signer, nonce.Used ? nonce.Highest + 1 : 1, status.Height + 50);
        BroadcastResult sent = await node.BroadcastSyncAsync(bytes, cancel).ConfigureAwait(false);
        if (sent.Code != 0)
        {
            Tell(row, "", $"signed, but refused: {Explanations.Of(sent.Code)}");
            return false;
        }

        CommittedTransaction? committed = await node
            .WaitForTransactionAsync(sent.Hash.Memory, TimeSpan.FromSeconds(30), cancel).ConfigureAwait(false);
        shell.Out.WriteLine(committed switch
        {
            null => "  signed and sent; it is not in a block yet",
            { Result.Code: 0 } => $"  signed at height {committed.Height}",
            _ => $"  signed, but refused: {Explanations.Of(committed.Result.Code)}",
        });
        return committed is { Result.Code: 0 };
    }

    // The same refusal is told once.
    private void Tell(V1.Withdrawal row, string intent, string what)
    {
        if (_told.Add((row.WithdrawalId, row.Sequence, what)))
        {
            if (intent.Length > 0)
            {
                shell.Out.WriteLine(intent);
            }

            shell.Out.WriteLine($"  {what}");
        }
    }

    private static long Now() => (DateTimeOffset.UtcNow - DateTimeOffset.UnixEpoch).Ticks * TimeSpan.NanosecondsPerTick;
}
