using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Runtime.InteropServices;

namespace AppChain.Bench;

/// <summary>
/// What something cost the thread that did it: wall time, time on a processor, bytes allocated. On a machine that
/// others use too, wall time says what happened and processor time what it would take alone.
/// </summary>
/// <param name="Wall">Seconds.</param>
/// <param name="Processor">Seconds of this thread on a processor.</param>
/// <param name="Bytes">Bytes allocated by this thread.</param>
internal readonly partial record struct Cost(double Wall, double Processor, double Bytes)
{
    /// <summary>Measures an action.</summary>
    public static Cost Of(Action action)
    {
        long bytes = GC.GetAllocatedBytesForCurrentThread();
        double processor = ThreadSeconds();
        long started = Stopwatch.GetTimestamp();
        action();
        double wall = Stopwatch.GetElapsedTime(started).TotalSeconds;
        return new Cost(wall, ThreadSeconds() - processor, GC.GetAllocatedBytesForCurrentThread() - bytes);
    }

    /// <summary>The middle of each figure on its own.</summary>
    public static Cost Median(IReadOnlyList<Cost> costs) => Quantile(costs, 0.5);

    /// <summary>A quantile of each figure on its own: 0.99 is the 99th percentile.</summary>
    public static Cost Quantile(IReadOnlyList<Cost> costs, double share)
    {
        return new Cost(At(cost => cost.Wall), At(cost => cost.Processor), At(cost => cost.Bytes));

        double At(Func<Cost, double> figure)
        {
            var sorted = new List<double>();
            foreach (Cost cost in costs)
            {
                sorted.Add(figure(cost));
            }

            sorted.Sort();
            return sorted[Math.Min(sorted.Count - 1, (int)(sorted.Count * share))];
        }
    }

    /// <summary>The difference of each figure.</summary>
    public static Cost operator -(Cost left, Cost right) =>
        new(left.Wall - right.Wall, left.Processor - right.Processor, left.Bytes - right.Bytes);

    private static double ThreadSeconds()
    {
        const int threadProcessorTime = 3;
        int result = ClockGetTime(threadProcessorTime, out TimeSpec time);
        Debug.Assert(result == 0);
        return time.Seconds + (time.Nanoseconds * 1e-9);
    }

    [LibraryImport("libc", EntryPoint = "clock_gettime")]
    private static partial int ClockGetTime(int clock, out TimeSpec time);

    [StructLayout(LayoutKind.Sequential)]
    private struct TimeSpec
    {
        public long Seconds;
        public long Nanoseconds;
    }
}
