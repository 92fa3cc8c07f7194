using System;
using System.Collections.Generic;
using NUnit.Framework;

namespace AppChain.StateMachine.Tests;

/// <summary>The index of keys against a dictionary.</summary>
[TestFixture]
public sealed class KeyIndexTests
{
    // A hash that hardly tells keys apart, so that runs of full cells are long and wrap around.
    private readonly record struct Crowded(int Number)
    {
        public override int GetHashCode() => Number % 3;
    }

    [Test]
    public void Agrees_with_a_dictionary_over_random_changes([Range(1, 5)] int seed)
    {
        var random = new Random(seed);
        Compare(random, 20_000, number => (ulong)number * 8);
        Compare(random, 2_000, number => new Crowded(number));
        Compare(random, 2_000, number => new PositionKey(number / 4, (uint)(number % 4)));
    }

    [Test]
    public void A_key_that_is_held_cannot_be_added_nor_one_that_is_not_removed()
    {
        var index = new KeyIndex<ulong>(4);
        index.Add(7, 1);
        Assert.That(() => index.Add(7, 2), Throws.TypeOf<Margin.InvariantException>());
        Assert.That(() => index.Remove(8), Throws.TypeOf<Margin.InvariantException>());
    }

    private static void Compare<TKey>(Random random, int changes, Func<int, TKey> keyOf)
        where TKey : struct, IEquatable<TKey>
    {
        var index = new KeyIndex<TKey>(4);
        var twin = new Dictionary<TKey, int>();
        for (int i = 0; i < changes; i++)
        {
            TKey key = keyOf(random.Next(changes / 20));
            bool held = twin.TryGetValue(key, out int expected);
            Assert.That(index.TryFind(key, out int slot), Is.EqualTo(held));
            Assert.That(slot, Is.EqualTo(held ? expected : -1));
            if (held)
            {
                index.Remove(key);
                twin.Remove(key);
            }
            else
            {
                index.Add(key, i);
                twin.Add(key, i);
            }

            Assert.That(index.Count, Is.EqualTo(twin.Count));
        }

        var keys = new TKey[index.Count];
        var slots = new int[index.Count];
        index.CopyTo(keys, slots);
        for (int i = 0; i < keys.Length; i++)
        {
            Assert.That(slots[i], Is.EqualTo(twin[keys[i]]));
            Assert.That(twin.Remove(keys[i]), Is.True);
        }

        Assert.That(twin, Is.Empty);
    }
}
