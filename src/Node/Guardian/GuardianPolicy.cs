using System;
using System.Collections.Generic;
using AppChain.StateMachine;

namespace AppChain.Node;

/// <summary>The rows of one height that a guardian decides on, each proven (VAULT-15).</summary>
/// <param name="Row">The withdrawal.</param>
/// <param name="Account">The account that it left.</param>
/// <param name="Terms">The vault's policy.</param>
/// <param name="Owner">Sums of the owner of that account.</param>
/// <param name="All">Sums of all owners.</param>
/// <param name="Guardians">The council.</param>
/// <param name="Markets">Every market with its oracle; null where it has none yet.</param>
/// <param name="Pool">Sums of the chain.</param>
/// <param name="Time">Header time (ns) of that height.</param>
internal sealed record GuardianView(
    WithdrawalRow Row,
    AccountId Account,
    VaultTerms Terms,
    FlowRow Owner,
    FlowRow All,
    CouncilRow Guardians,
    IReadOnlyList<(MarketRow Market, OracleRow? Oracle)> Markets,
    PoolRow Pool,
    long Time);

/// <summary>
/// Whether a guardian should sign, worked out again from what the chain's rows say: a chain whose validators were taken
/// over could admit what its own rules forbid. Limits of its own bound even rows that agree with each other.
/// </summary>
/// <param name="Key">Compressed key of the guardian, lower-case hex.</param>
/// <param name="AmountMax">Micro-USD of one release; null: no limit of its own.</param>
/// <param name="DayMax">Micro-USD that this guardian signs in 24 h; null: no limit of its own.</param>
internal sealed record GuardianPolicy(string Key, long? AmountMax, long? DayMax)
{
    private const long Second = 1_000_000_000;

    /// <summary>True when the withdrawal waits for a signature of this guardian.</summary>
    public bool IsAsked(in WithdrawalRow row, in CouncilRow guardians) =>
        row.State == WithdrawalState.Releasable && NumberIn(guardians) is int number && number >= 0
        && (row.Signers >> number & 1) == 0;

    /// <summary>The number of this guardian; -1 when it is none.</summary>
    public int NumberIn(in CouncilRow guardians)
    {
        for (int number = 0; number < guardians.Terms.Members.Length; number++)
        {
            if (Convert.ToHexStringLower(guardians.Terms.Members[number].AsSpan()) == Key)
            {
                return number;
            }
        }

        return -1;
    }

    /// <summary>Why not to sign; null: nothing speaks against it.</summary>
    /// <param name="view">What the rows say.</param>
    /// <param name="journal">What this guardian signed before.</param>
    /// <param name="now">Nanoseconds since 1970 by this machine's clock.</param>
    public string? Objection(GuardianView view, GuardianJournal journal, long now)
    {
        WithdrawalRow row = view.Row;
        VaultTerms terms = view.Terms;
        if (row.CouncilVersion != view.Guardians.Version)
        {
            return $"it was admitted for guardians of version {row.CouncilVersion}, and these are version "
                + $"{view.Guardians.Version}";
        }

        if (now >= row.Expiry)
        {
            return "its time to sign has passed by this machine's clock";
        }

        if (row.Expiry - now > 2 * terms.ReleaseExpirySeconds * Second)
        {
            return "it could be signed for longer than the policy says: is this machine's clock right?";
        }

        long waited = view.Time - row.RequestedTime;
        if (row.ReadyTime > view.Time || waited < VaultTerms.SecondsOf(terms.Tiers, row.Amount) * Second)
        {
            return "its timelock is not over";
        }

        // What is admitted contains the withdrawal itself.
        if (view.Owner.Admitted + view.Owner.NetAt(view.Time) > terms.OwnerCap
            || view.All.Admitted + view.All.NetAt(view.Time) > terms.TotalCap)
        {
            return "a cap of 24 h would be exceeded";
        }

        PoolRow pool = view.Pool;
        Int128 difference = pool.Held - pool.Claims - pool.InsuranceFund - pool.Fees - pool.Leaving;
        if (difference != 0)
        {
            return $"the chain's sums differ by {difference}";
        }

        foreach ((MarketRow market, OracleRow? oracle) in view.Markets)
        {
            if (market.OpenInterest > 0 && oracle?.State != OracleState.Live)
            {
                return $"the price of {market.Parameters.Ticker} is "
                    + $"{QueryText.Word(oracle?.State ?? OracleState.None)}";
            }
        }

        return OwnLimit(row, journal, now);
    }

    private string? OwnLimit(in WithdrawalRow row, GuardianJournal journal, long now)
    {
        if (row.Amount > AmountMax)
        {
            return $"it is above {DecimalText.FormatAmount(AmountMax.Value)}, the most that this guardian signs "
                + "at once";
        }

        bool isOther = journal.Find(row.Id) is { } before
            && (before.Amount != row.Amount
                || before.Destination != Convert.ToHexStringLower(row.Destination.AsSpan()));
        if (isOther)
        {
            return "this guardian has signed this number with another amount or destination";
        }

        Int128 day = journal.SignedSince(now - (24 * 3_600 * Second), except: row.Id) + row.Amount;
        return day > DayMax
            ? $"with it this guardian would have signed {DecimalText.FormatAmount(day)} within 24 h, above "
                + $"{DecimalText.FormatAmount(DayMax.Value)}"
            : null;
    }
}
