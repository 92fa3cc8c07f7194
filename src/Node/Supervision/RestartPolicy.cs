using System;

namespace AppChain.Node;

/// <summary>How often and after what pauses a child that has ended is started again.</summary>
public sealed record RestartPolicy
{
    /// <summary>Pause after the first end in a row; it doubles with each further one.</summary>
    public TimeSpan FirstPause { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Longest pause.</summary>
    public TimeSpan LongestPause { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>A child that ran for this long begins a new row.</summary>
    public TimeSpan Healthy { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Ends in a row after which the supervisor gives up.</summary>
    public int EndsMax { get; init; } = 6;

    /// <summary>How long a child may take to become ready.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// How long it may take to end when asked, before it is killed. CometBFT hangs now and then in the shutdown that
    /// follows the death of its application.
    /// </summary>
    public TimeSpan StopPatience { get; init; } = TimeSpan.FromSeconds(8);

    /// <summary>How often the progress of a child is looked at.</summary>
    public TimeSpan WatchPeriod { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long it may stand still before it is ended.</summary>
    public TimeSpan StuckAfter { get; init; } = TimeSpan.FromMinutes(3);

    /// <summary>The same at a place that it cannot leave by itself.</summary>
    public TimeSpan SurelyStuckAfter { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>How long it may stand still at its pace.</summary>
    public TimeSpan PatienceWith(PartPace pace) => pace == PartPace.Stuck ? SurelyStuckAfter : StuckAfter;

    /// <summary>Pause after a number of ends in a row, 1 or more.</summary>
    public TimeSpan PauseAfter(int ends) =>
        TimeSpan.FromTicks(Math.Min(LongestPause.Ticks, FirstPause.Ticks << Math.Min(ends - 1, 20)));
}
