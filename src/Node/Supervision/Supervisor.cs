using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;

namespace AppChain.Node;

/// <summary>
/// Starts parts one after the other, starts again what ends by itself, gives up when that does not help, and ends all
/// in the opposite order.
/// </summary>
/// <param name="parts">In the order of their start.</param>
/// <param name="policy">Of restarts.</param>
/// <param name="log">Called with lines of the parts, their name in front, and with what the supervisor does.</param>
public sealed class Supervisor(IReadOnlyList<SupervisedPart> parts, RestartPolicy policy, Action<string> log)
{
    private const int Quit = 3;
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(50);

    // The end of a part and of what needs it are seen at slightly different moments.
    private static readonly TimeSpan Settling = TimeSpan.FromMilliseconds(300);

    private readonly Slot[] _slots = [.. parts.Select(static part => new Slot(part))];

    private sealed class Slot(SupervisedPart part)
    {
        public SupervisedPart Part { get; } = part;
        public ChildProcess? Child { get; set; }
        public long StartedAt { get; set; }
        public int EndsInRow { get; set; }
        public PartProgress? Progress { get; set; }
        public long MovedAt { get; set; }

        // Written by the threads that hear the child, read when it has ended.
        public volatile string LastLine = "";

        // Where it was stuck and how often, until it has passed that.
        public long? StuckAt { get; set; }
        public int TimesStuck { get; set; }

        public ChildCommand Command => StuckAt is null || Part.WaysOut.Count == 0
            ? Part.Command
            : Part.WaysOut[Math.Min(TimesStuck, Part.WaysOut.Count) - 1];

        public string Name => Part.Command.Name;
    }

    /// <summary>Process of a part; 0 while it is not running.</summary>
    public int ProcessOf(string name) =>
        _slots.First(slot => slot.Name == name).Child is { Ended.IsCompleted: false } child
        ? child.Id
        : 0;

    /// <summary>Runs until it is told to stop (0) or gives up (1, or the final code of a part).</summary>
    public async Task<int> RunAsync(CancellationToken stop)
    {
        try
        {
            while (true)
            {
                await StartMissingAsync(stop).ConfigureAwait(false);
                await AnyEndAsync(stop).ConfigureAwait(false);
                if (await HandleEndsAsync(stop).ConfigureAwait(false) is { } code)
                {
                    return code;
                }
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return 0;
        }
        finally
        {
            for (int i = _slots.Length - 1; i >= 0; i--)
            {
                End(_slots[i]);
            }

            log("all parts have ended");
        }
    }

    private async Task StartMissingAsync(CancellationToken stop)
    {
        foreach (Slot slot in _slots)
        {
            if (slot.Child is not null)
            {
                continue;
            }

            slot.Part.Prepare();
            string name = slot.Name;
            slot.Child = new ChildProcess(slot.Command, line => Hear(slot, line));
            slot.StartedAt = Stopwatch.GetTimestamp();
            slot.Progress = null;
            log(string.Create(CultureInfo.InvariantCulture, $"{name} is started, process {slot.Child.Id}"));
            while (!slot.Child.Ended.IsCompleted && !slot.Part.IsReady())
            {
                if (Stopwatch.GetElapsedTime(slot.StartedAt) > policy.Patience)
                {
                    log($"{name} does not serve after {policy.Patience.TotalSeconds:0} s; it is ended");
                    slot.Child.Ask();
                    slot.Child.WaitOrKill(policy.StopPatience);
                    break;
                }

                await Task.Delay(Poll, stop).ConfigureAwait(false);
            }

            if (slot.Child.Ended.IsCompleted)
            {
                return;
            }
        }
    }

    // A line that begins with the name already is not given it twice.
    private void Hear(Slot slot, string line)
    {
        slot.LastLine = line;
        string prefix = $"{slot.Name}: ";
        log(line.StartsWith(prefix, StringComparison.Ordinal) ? line : prefix + line);
    }

    private async Task AnyEndAsync(CancellationToken stop)
    {
        Task end = Task.WhenAny(
            _slots.Where(static slot => slot.Child is not null).Select(static slot => slot.Child!.Ended));
        while (!end.IsCompleted)
        {
            await Task.WhenAny(end, Task.Delay(policy.WatchPeriod, stop)).ConfigureAwait(false);
            stop.ThrowIfCancellationRequested();
            foreach (Slot slot in _slots)
            {
                await EndIfStuckAsync(slot, stop).ConfigureAwait(false);
            }
        }

        await Task.Delay(Settling, stop).ConfigureAwait(false);
    }

    // SIGQUIT makes a Go program write the stacks of all its threads before it ends.
    private async Task EndIfStuckAsync(Slot slot, CancellationToken stop)
    {
        if (slot.Part.Progress is not { } ask || slot.Child is not { Ended.IsCompleted: false } child)
        {
            return;
        }

        PartProgress? now = await ask(stop).ConfigureAwait(false);
        if (now is { } passed && passed.Number > slot.StuckAt)
        {
            (slot.StuckAt, slot.TimesStuck) = (null, 0);
            log($"{slot.Name} has passed it and is at {passed.Number}; it is ended, to run as before");
            child.Ask();
            child.WaitOrKill(policy.StopPatience);
        }
        else if (now is null or { Pace: PartPace.MayStay } || now != slot.Progress)
        {
            (slot.Progress, slot.MovedAt) = (now, Stopwatch.GetTimestamp());
        }
        else if (Stopwatch.GetElapsedTime(slot.MovedAt) is { } still && still > policy.PatienceWith(now.Value.Pace))
        {
            if (now.Value.Pace == PartPace.Stuck)
            {
                slot.StuckAt = now.Value.Number;
                slot.TimesStuck++;
            }

            log($"{slot.Name} stands still at {now.Value.Number} for "
                + $"{policy.PatienceWith(now.Value.Pace).TotalSeconds:0} s; it is ended");
            child.Signal(Quit);
            child.WaitOrKill(policy.StopPatience);
        }
    }

    // The exit code when it gives up.
    private async Task<int?> HandleEndsAsync(CancellationToken stop)
    {
        TimeSpan pause = TimeSpan.Zero;
        foreach (Slot slot in _slots)
        {
            if (slot.Child is not { Ended.IsCompleted: true } child)
            {
                continue;
            }

            int code = await child.Ended.ConfigureAwait(false);
            bool wasHealthy = Stopwatch.GetElapsedTime(slot.StartedAt) > policy.Healthy;
            slot.EndsInRow = wasHealthy ? 1 : slot.EndsInRow + 1;
            slot.Child = null;
            child.Dispose();
            if (code != 0 && code == slot.Part.FinalCode)
            {
                log(
                    $"{slot.Name} ended with code {code}: it must not be started again before its last message is "
                    + $"understood: {slot.LastLine}");
                return code;
            }

            if (slot.EndsInRow >= policy.EndsMax)
            {
                log($"gives up: {slot.Name} ended {slot.EndsInRow} times in a row, the last time with code {code}; "
                    + $"mend what its last lines say and start the validator again: {slot.LastLine}");
                return 1;
            }

            TimeSpan wait = policy.PauseAfter(slot.EndsInRow);
            pause = wait > pause ? wait : pause;
            log($"{slot.Name} ended with code {code}; it is started again after {wait.TotalSeconds:0.###} s");
            foreach (Slot other in _slots.Where(other => other.Part.Needs == slot.Name))
            {
                End(other);
            }
        }

        await Task.Delay(pause, stop).ConfigureAwait(false);
        return null;
    }

    private void End(Slot slot)
    {
        if (slot.Child is { } child)
        {
            child.Ask();
            child.WaitOrKill(policy.StopPatience);
            child.Dispose();
            slot.Child = null;
        }
    }
}
