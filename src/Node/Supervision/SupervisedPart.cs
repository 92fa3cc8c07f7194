using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;

namespace AppChain.Node;

/// <summary>Whether a part may stay where it is.</summary>
public enum PartPace
{
    /// <summary>It waits for others, or has nothing to do.</summary>
    MayStay,

    /// <summary>Something is wrong if it stays for minutes.</summary>
    MustMove,

    /// <summary>It can never leave the place by itself if it is still there when it is looked at again.</summary>
    Stuck,
}

/// <summary>How far a part is.</summary>
/// <param name="Number">Grows while it works, such as a height.</param>
/// <param name="Pace">Whether it may stay the same.</param>
public readonly record struct PartProgress(long Number, PartPace Pace);

/// <summary>One process that a supervisor keeps running.</summary>
/// <param name="Command">What it runs.</param>
public sealed record SupervisedPart(ChildCommand Command)
{
    /// <summary>Name of an earlier part without which this one cannot run: it ends and starts again with it.</summary>
    public string Needs { get; init; } = "";

    /// <summary>Called before each start.</summary>
    public Action Prepare { get; init; } = static () => { };

    /// <summary>Whether it serves; the next part starts after that.</summary>
    public Func<bool> IsReady { get; init; } = static () => true;

    /// <summary>How far it is; null when that cannot be told. One that stays where it must not is ended and started
    /// again.</summary>
    public Func<CancellationToken, Task<PartProgress?>>? Progress { get; init; }

    /// <summary>
    /// How it is started after a <see cref="PartPace.Stuck"/> until it has passed the place: the first time, and so on;
    /// none: as ever.
    /// </summary>
    public IReadOnlyList<ChildCommand> WaysOut { get; init; } = [];

    /// <summary>Exit code after which a restart would only repeat the damage; 0: none.</summary>
    public int FinalCode { get; init; }
}
