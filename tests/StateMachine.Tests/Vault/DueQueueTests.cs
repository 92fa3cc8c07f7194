using System;
using System.Collections.Generic;
using System.Linq;
using NUnit.Framework;

namespace AppChain.StateMachine.Tests;

/// <summary>The queue of what is due against a sorted list, with changes taken back.</summary>
[TestFixture]
public sealed class DueQueueTests
{
    [Test]
    public void Gives_by_time_then_key_whatever_is_added_removed_and_undone([Range(1, 5)] int seed)
    {
        var random = new Random(seed);
        var journal = new Journal();
        var queue = new DueQueue<ulong>(journal);
        var twin = new SortedSet<(long Time, ulong Key)>();
        ulong next = 1;
        for (int round = 0; round < 300; round++)
        {
            Savepoint savepoint = journal.Mark();
            (long, ulong)[] before = [.. twin];
            for (int i = random.Next(1, 10); i > 0; i--)
            {
                if (twin.Count > 0 && random.Next(2) == 0)
                {
                    (long time, ulong key) = twin.ElementAt(random.Next(twin.Count));
                    queue.Remove(time, key);
                    twin.Remove((time, key));
                }
                else
                {
                    long time = random.Next(50);
                    queue.Add(time, next);
                    twin.Add((time, next++));
                }
            }

            if (random.Next(2) == 0)
            {
                journal.Rollback(savepoint);
                twin = [.. before];
            }
            else
            {
                journal.Release(savepoint);
            }

            journal.Forget();
            queue.Forget();
            Assert.That(queue.Keys(), Is.EqualTo(twin.Select(one => one.Key)));
            long now = random.Next(60);
            bool isDue = twin.Count > 0 && twin.Min.Time <= now;
            Assert.That(queue.TryPeek(now, out ulong first), Is.EqualTo(isDue));
            Assert.That(!isDue || first == twin.Min.Key, Is.True);
        }
    }
}
