using System;
using System.Collections.Generic;
using NUnit.Framework;

namespace AppChain.StateMachine.Tests;

/// <summary>The heap of expiries against a sorted set.</summary>
[TestFixture]
public sealed class ExpiryQueueTests
{
    [Test]
    public void Takes_by_expiry_then_id_whatever_is_added_taken_and_undone([Range(1, 5)] int seed)
    {
        var random = new Random(seed);
        var journal = new Journal();
        var queue = new ExpiryQueue(journal);
        var twin = new SortedSet<(long Expiry, ulong Id)>();
        for (ulong id = 1; id < 3_000; id++)
        {
            long expiry = random.Next(1, 60);
            queue.Add(expiry, id);
            twin.Add((expiry, id));
            if (random.Next(10) > 0)
            {
                continue;
            }

            Savepoint savepoint = journal.Mark();
            List<(long, ulong)> taken = Take(queue, random.Next(1, 60), random.Next(40));
            Assert.That(taken, Is.EqualTo(Take(twin, taken.Count)));
            if (random.Next(2) == 0)
            {
                journal.Rollback(savepoint);
                twin.UnionWith(taken);
            }
            else
            {
                journal.Release(savepoint);
            }

            journal.Forget();
            queue.Forget();
        }

        Assert.That(queue.Count, Is.EqualTo(twin.Count));
        Assert.That(Take(queue, long.MaxValue, int.MaxValue), Is.EqualTo(Take(twin, twin.Count)));
        Assert.That(queue.TryTake(long.MaxValue, out _, out _), Is.False);
    }

    [Test]
    public void What_is_not_yet_due_stays()
    {
        var queue = new ExpiryQueue(new Journal());
        queue.Add(5, 1);
        Assert.That(queue.TryTake(5, out _, out _), Is.False);
        Assert.That(queue.TryTake(6, out long expiry, out ulong id), Is.True);
        Assert.That((expiry, id), Is.EqualTo((5L, 1UL)));
    }

    [Test]
    public void Entries_of_closed_orders_do_not_gather_without_bound()
    {
        const int orders = 100_000;
        var state = new State();
        for (ulong id = 1; id <= orders; id++)
        {
            state.HeightExpiries.Add(1_000_000 - (long)id, id);
            if (id % 100 == 0)
            {
                state.Orders.Add(new OrderRow { OrderId = id });
            }
        }

        state.HeightExpiries.DropStale(state.Orders);
        Assert.That(state.HeightExpiries.Count, Is.EqualTo(orders / 100));
        for (ulong id = orders; id > 0; id -= 100)
        {
            Assert.That(state.HeightExpiries.TryTake(long.MaxValue, out _, out ulong taken), Is.True);
            Assert.That(taken, Is.EqualTo(id));
        }
    }

    private static List<(long Expiry, ulong Id)> Take(ExpiryQueue queue, long now, int most)
    {
        var taken = new List<(long, ulong)>();
        while (taken.Count < most && queue.TryTake(now, out long expiry, out ulong id))
        {
            taken.Add((expiry, id));
        }

        return taken;
    }

    private static List<(long Expiry, ulong Id)> Take(SortedSet<(long Expiry, ulong Id)> twin, int count)
    {
        var taken = new List<(long, ulong)>();
        while (taken.Count < count)
        {
            taken.Add(twin.Min);
            twin.Remove(twin.Min);
        }

        return taken;
    }
}
