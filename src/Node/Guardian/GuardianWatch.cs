using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using AppChain.Abci;
using AppChain.StateMachine;

namespace AppChain.Node;

/// <summary>
/// A guardian at work: asks a node which withdrawals there are, has every row that it decides on proven, checks each
/// against the policy, shows what it would sign, asks whether to sign, signs and posts.
/// </summary>
internal sealed class GuardianWatch(
    RpcClient node, TrustedValidators trusted, IReadOnlyList<uint> markets, TransactionSigner signer,
    GuardianPolicy policy, GuardianJournal journal, Shell shell, Func<bool> confirm)
{
    private readonly HashSet<(ulong Withdrawal, ulong Sequence, string Why)> _told = [];

    /// <summary>One look at the chain; the result is how many releases were signed.</summary>
    /// <exception cref="NotProvenException">
    /// The node does not prove what it says; nothing was signed on its word.
    /// </exception>
    public async Task<int> LookAsync(CancellationToken cancel)
    {
        // The list only says where to look: it may leave something out, and whatever it says of a withdrawal is not
        // used.
        V1.WithdrawalsResponse named = await node.WithdrawalsAsync(cancel: cancel).ConfigureAwait(false);
        long listed = (long)(await node.ChainAsync(cancel).ConfigureAwait(false)).Height;
        ProvenRows rows = await ProvenRows.NewestAsync(
            node, trusted, listed, () => WireTime.Now, cancel).ConfigureAwait(false);
        CouncilRow guardians = await rows
            .GetAsync<uint, CouncilRow>((uint)CouncilKind.Guardians).ConfigureAwait(false);
        if (policy.NumberIn(guardians) < 0)
        {
            throw new CommandException(
                $"the key {policy.Key} is no guardian of {signer.ChainId}; see `appchain query council guardians`");
        }

        int signed = 0;
        foreach (V1.Withdrawal one in named.Withdrawals)
        {
            WithdrawalRow? row = one.State == V1.WithdrawalState.Releasable
                ? await rows.FindAsync<ulong, WithdrawalRow>(one.WithdrawalId).ConfigureAwait(false)
                : null;
            bool isAsked = row is { } found && policy.IsAsked(found, guardians);
            if (isAsked && await DecideAsync(row!.Value, one.Account, guardians, rows, cancel).ConfigureAwait(false))
            {
                signed++;
            }
        }

        return signed;
    }

    private async Task<bool> DecideAsync(
        WithdrawalRow row, string account, CouncilRow guardians, ProvenRows rows, CancellationToken cancel)
    {
        GuardianView view = await ViewAsync(row, account, guardians, rows).ConfigureAwait(false);
        string intent = $"withdrawal {row.Id}: pay {DecimalText.FormatAmount(row.Amount)} USD to "
            + $"{VaultWords.Destination(row.Destination)}, for {AccountText.Of(view.Account)}, requested "
            + $"{QueryText.Time((ulong)row.RequestedTime)}; sequence {row.Sequence}, valid until "
            + $"{QueryText.Time((ulong)row.Expiry)}, {CouncilRow.Count(row.Signers)} of {guardians.Terms.Threshold} "
            + "have signed";
        if (policy.Objection(view, journal, WireTime.Now) is string objection)
        {
            Tell(row, intent, $"NOT SIGNED: {objection}");
            return false;
        }

        if (_told.Contains((row.Id, row.Sequence, "")))
        {
            return false;
        }

        shell.Out.WriteLine(intent);
        if (!confirm())
        {
            _told.Add((row.Id, row.Sequence, ""));
            shell.Out.WriteLine("  not signed; it is not asked for again before its next admission");
            return false;
        }

        return await SignAsync(row, cancel).ConfigureAwait(false);
    }

    private async Task<GuardianView> ViewAsync(WithdrawalRow row, string account, CouncilRow guardians, ProvenRows rows)
    {
        // The withdrawal names the account by its number, which the row of the account proves.
        bool isAccount = AccountText.TryParse(account, out AccountId id, out _);
        AccountRow? its = isAccount ? await rows.FindAsync<AccountId, AccountRow>(id).ConfigureAwait(false) : null;
        if (its?.Number != row.Account)
        {
            throw new NotProvenException($"the account of withdrawal {row.Id} is not '{account}'");
        }

        var states = new List<(MarketRow, OracleRow?)>();
        foreach (uint market in markets)
        {
            states.Add((
                await rows.GetAsync<uint, MarketRow>(market).ConfigureAwait(false),
                await rows.FindAsync<uint, OracleRow>(market).ConfigureAwait(false)));
        }

        return new GuardianView(
            row,
            id,
            (await rows.GetAsync<SingleKey, VaultRow>(default).ConfigureAwait(false)).Terms,
            await rows.GetAsync<Address, FlowRow>(id.Owner).ConfigureAwait(false),
            await rows.GetAsync<Address, FlowRow>(default).ConfigureAwait(false),
            guardians,
            states,
            await rows.GetAsync<SingleKey, PoolRow>(default).ConfigureAwait(false),
            (await rows.GetAsync<SingleKey, ChainRow>(default).ConfigureAwait(false)).Time);
    }

    private async Task<bool> SignAsync(WithdrawalRow row, CancellationToken cancel)
    {
        journal.Add(row.Id, row.Sequence, row.Amount, Convert.ToHexStringLower(row.Destination.AsSpan()), WireTime.Now);
        ReleaseSignature content = signer.Sign(row.Release);
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
    private void Tell(in WithdrawalRow row, string intent, string what)
    {
        if (_told.Add((row.Id, row.Sequence, what)))
        {
            if (intent.Length > 0)
            {
                shell.Out.WriteLine(intent);
            }

            shell.Out.WriteLine($"  {what}");
        }
    }
}
