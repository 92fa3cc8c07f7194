namespace AppChain.StateMachine;

/// <summary>The constants of the consensus price, each with its reason (docs/spec/oracle.md).</summary>
public static class OracleRules
{
    private const long Second = 1_000_000_000;

    /// <summary>
    /// A report may claim to be this much younger than the block: clocks of validators differ, and the block's time is
    /// the median of them. Claiming more would keep a lie fresh.
    /// </summary>
    public const long SkewMax = 5 * Second;

    /// <summary>A report older than this no longer counts: an absentee's last word fades out within a minute.</summary>
    public const long ReportAgeMax = 60 * Second;

    /// <summary>
    /// Weight falls linearly from 1 to 4/5 at the maximum age, a ratio of 1.25: a liar who always claims to be fresh
    /// still needs 1 / (1 + 1.25) = 4/9 of the reporting power to own the median.
    /// </summary>
    public const long WeightRatioNumerator = 5;

    /// <summary>
    /// Source older than this: stale. Reports of the maximum age and half a minute of silence after them.
    /// </summary>
    public const long StaleAfter = 90 * Second;

    /// <summary>Source older than this: frozen. After a quarter of an hour a price is history.</summary>
    public const long FrozenAfter = 900 * Second;

    /// <summary>Ages beyond this widen no further: the market is frozen long before.</summary>
    public const long WideningAgeMax = 3_600 * Second;

    /// <summary>Squared number of standard deviations by which age widens an interval: 2² covers 95 %.</summary>
    public const long WideningSquared = 4;

    /// <summary>The same for a stale price, the conservative one: 4² covers fat tails.</summary>
    public const long StaleWideningSquared = 16;

    /// <summary>
    /// Squared number of standard deviations that a price may move without a two-thirds agreement: 4².
    /// </summary>
    public const long MoveSquared = 16;

    /// <summary>Move that is always allowed, ppm of the price: 0.1 %, about the spread between venues.</summary>
    public const long MoveFloorPpm = 1_000;

    /// <summary>An interval wider than this, relative to the price, makes the market uncertain: 1 %.</summary>
    public const long UncertainPpm = 10_000;

    /// <summary>Variance (ppm² per second) before anything is known: about 100 % a year.</summary>
    public const long VarianceInitial = 30_000;

    /// <summary>Lowest variance: about 18 % a year; a quiet hour must not make the next move look impossible.</summary>
    public const long VarianceMin = 1_000;

    /// <summary>Highest variance, 1 % per √second: keeps products within 127 bits.</summary>
    public const long VarianceMax = 100_000_000;

    /// <summary>
    /// Squared returns are cut at this many times the expected square, (6 σ)²: one print is no regime.
    /// </summary>
    public const long WinsorSquared = 36;

    /// <summary>Time constant of the variance average: one hour.</summary>
    public const long VarianceTau = 3_600 * Second;
}
