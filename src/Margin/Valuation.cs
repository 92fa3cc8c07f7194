namespace AppChain.Margin;

/// <summary>
/// The price interval of a market at which positions are valued, in ticks: the mark price and how far the truth may
/// lie on either side of it. Equity is taken at the mark for display, on the adverse side for initial margin and on
/// the account's side for maintenance margin, so that noise inside the interval never liquidates anybody.
/// </summary>
/// <param name="Low">Mark price minus the oracle's confidence, at least 1.</param>
/// <param name="Mark">Mark price.</param>
/// <param name="High">Mark price plus the oracle's confidence.</param>
public readonly record struct Valuation(long Low, long Mark, long High)
{
    /// <summary>The price that values a position of this sign lowest.</summary>
    public long Adverse(long size) => size >= 0 ? Low : High;

    /// <summary>The price that values a position of this sign highest.</summary>
    public long Favourable(long size) => size >= 0 ? High : Low;
}
