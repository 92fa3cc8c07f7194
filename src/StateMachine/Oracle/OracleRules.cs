namespace AppChain.StateMachine;

/// <summary>The constants of the consensus price, each with its reason (docs/spec/oracle.md).</summary>
internal static class OracleRules
{
    private const long Second = 1_000_000_000;

    /// <summary>A report may claim to be this much younger than the block: clocks differ.</summary>
    public const long SkewMax = 2 * Second;

    /// <summary>A report older than this no longer counts: an absentee's last word fades out within a minute.</summary>
    public const long ReportAgeMax = 60 * Second;

    /// <summary>
    /// Weight lost by a report at the maximum age: 20 %, so weights differ by at most 1.25 and a liar who always claims
    /// to be fresh still needs 1 / (1 + 1.25) = 44 % of the reporting power.
    /// </summary>
    public const long WeightLossPpm = 200_000;

    /// <summary>Squared number of standard deviations by which age widens an interval: 2².</summary>
    public const long WideningSquared = 4;

    /// <summary>Squared number of standard deviations that a price may move without a two-thirds agreement: 4².</summary>
    public const long MoveSquared = 16;

    /// <summary>Move that is always allowed, ppm of the price: 0.1 %.</summary>
    public const long MoveFloorPpm = 1_000;

    /// <summary>Reports within this distance of the median agree with it even if they claim less, ppm: 0.1 %.</summary>
    public const long AgreementPpm = 1_000;

    /// <summary>Wider than this, relative to the price, and the market is uncertain: 1 %.</summary>
    public const long UncertainPpm = 10_000;

    /// <summary>Source older than this: stale.</summary>
    public const long StaleAfter = 90 * Second;

    /// <summary>Source older than this: frozen.</summary>
    public const long FrozenAfter = 900 * Second;

    /// <summary>Variance (ppm² per second) before anything is known: about 100 % a year.</summary>
    public const long VarianceInitial = 30_000;

    /// <summary>Lowest variance: about 18 % a year; a quiet hour must not make the next move look impossible.</summary>
    public const long VarianceMin = 1_000;

    /// <summary>Highest variance: keeps products within 127 bits.</summary>
    public const long VarianceMax = 100_000_000;

    /// <summary>Squared returns are cut at this many times the expected square: (6 σ)².</summary>
    public const long WinsorSquared = 36;

    /// <summary>Time constant of the variance average, milliseconds: one hour.</summary>
    public const long VarianceTau = 3_600_000;
}
