using System;
using System.Globalization;
using System.Linq;
using AppChain.Margin;
using AppChain.StateMachine;

namespace AppChain.Node;

/// <summary>What a guardian asked a node about a withdrawal, all of it at about the same height.</summary>
/// <param name="Row">The withdrawal.</param>
/// <param name="Owner">Policy and sums of its owner.</param>
/// <param name="All">Policy and sums of all owners.</param>
/// <param name="Guardians">The council.</param>
/// <param name="Markets">Every market.</param>
/// <param name="Chain">Sums of the chain, and its time.</param>
internal sealed record GuardianView(
    V1.Withdrawal Row,
    V1.VaultResponse Owner,
    V1.VaultResponse All,
    V1.CouncilResponse Guardians,
    V1.MarketsResponse Markets,
    V1.ChainResponse Chain);

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
    public bool IsAsked(V1.Withdrawal row, V1.CouncilResponse guardians) =>
        row.State == V1.WithdrawalState.Releasable && NumberIn(guardians) is int number && number >= 0
        && !row.Signers.Contains((uint)number);

    /// <summary>The number of this guardian; -1 when it is none.</summary>
    public int NumberIn(V1.CouncilResponse guardians)
    {
        int number = 0;
        foreach (V1.CouncilMember member in guardians.Members)
        {
            if (member.PublicKey == Key)
            {
                return number;
            }

            number++;
        }

        return -1;
    }

    /// <summary>Why not to sign; null: nothing speaks against it.</summary>
    /// <param name="view">What the rows say.</param>
    /// <param name="journal">What this guardian signed before.</param>
    /// <param name="now">Nanoseconds since 1970 by this machine's clock.</param>
    public string? Objection(GuardianView view, GuardianJournal journal, long now)
    {
        V1.Withdrawal row = view.Row;
        long amount = long.Parse(row.Amount, CultureInfo.InvariantCulture);
        VaultTerms terms = VaultQueries.Terms(view.All);
        long waited = (long)view.Chain.Time - (long)row.RequestedTime;
        if (row.CouncilVersion != view.Guardians.Version)
        {
            return $"it was admitted for guardians of version {row.CouncilVersion}, and these are version {view.Guardians.Version}";
        }

        if (now >= (long)row.Expiry)
        {
            return "its time to sign has passed by this machine's clock";
        }

        if ((long)row.Expiry - now > 2 * terms.ReleaseExpirySeconds * Second)
        {
            return "it could be signed for longer than the policy says: is this machine's clock right?";
        }

        if (row.ReadyTime > view.Chain.Time || waited < VaultTerms.SecondsOf(terms.Tiers, amount) * Second)
        {
            return "its timelock is not over";
        }

        if (Taken(view.Owner) > terms.OwnerCap || Taken(view.All) > terms.TotalCap)
        {
            return "a cap of 24 h would be exceeded";
        }

        if (view.Chain.Difference != "0")
        {
            return $"the chain's sums differ by {view.Chain.Difference}";
        }

        V1.Market? market = view.Markets.Markets
            .FirstOrDefault(one => one.OpenInterest > 0 && one.OracleState != V1.OracleState.Live);
        return market is not null
            ? $"the price of {market.Ticker} is {QueryText.Word(market.OracleState)}"
            : OwnLimit(row, amount, journal, now);
    }

    private string? OwnLimit(V1.Withdrawal row, long amount, GuardianJournal journal, long now)
    {
        if (amount > AmountMax)
        {
            return $"it is above {DecimalText.FormatAmount(AmountMax.Value)}, the most that this guardian signs at once";
        }

        if (journal.Find(row.WithdrawalId) is { } before
            && (before.Amount != amount || before.Destination != row.Destination))
        {
            return "this guardian has signed this number with another amount or destination";
        }

        Int128 day = journal.SignedSince(now - (24 * 3_600 * Second), except: row.WithdrawalId) + amount;
        return day > DayMax
            ? $"with it this guardian would have signed {DecimalText.FormatAmount(day)} within 24 h, above {DecimalText.FormatAmount(DayMax.Value)}"
            : null;
    }

    // What is admitted contains the withdrawal itself.
    private static Int128 Taken(V1.VaultResponse sums) =>
        DecimalText.ParseAmount(sums.Admitted) + DecimalText.ParseAmount(sums.Net);
}
