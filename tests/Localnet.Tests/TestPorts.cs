using System;
using System.Linq;
using System.Net.NetworkInformation;
using System.Threading;
using NUnit.Framework;

namespace AppChain.Localnet.Tests;

/// <summary>
/// Ports for tests that start processes: each test gets a block of its own in which nobody listens.
/// </summary>
internal static class TestPorts
{
    /// <summary>Ports of a block: enough for a network of four validators with relays between them.</summary>
    public const int PerBlock = 300;

    // BOUND: below the ports that Linux lends to outgoing connections (from 32,768), or a process that is killed might
    // find its port taken when it starts again; and below 26,656, where a network without --port begins.
    private const int First = 10_000;
    private const int Blocks = 55;

    // Two runs of the tests on one machine seldom begin at the same block.
    private static int _next = Environment.ProcessId % Blocks;

    /// <summary>First port of a block that no test of this process had before, until all have had one.</summary>
    public static int Next()
    {
        for (int tries = 0; tries < Blocks; tries++)
        {
            int first = First + (PerBlock * (Interlocked.Increment(ref _next) % Blocks));
            bool isFree = IPGlobalProperties.GetIPGlobalProperties().GetActiveTcpListeners()
                .All(listener => listener.Port < first || listener.Port >= first + PerBlock);
            if (isFree) return first;
        }

        throw new InvalidOperationException("every block of test ports has a listener: stop what runs on loopback");
    }
}

/// <summary>The blocks of ports that tests get.</summary>
[TestFixture]
public sealed class TestPortsTests
{
    [Test]
    public void No_block_is_given_twice_in_a_row_and_none_reaches_the_ports_that_are_lent()
    {
        int[] blocks = [.. Enumerable.Range(0, 40).Select(static _ => TestPorts.Next())];
        Assert.That(blocks, Is.Unique);
        Assert.That(blocks.Max() + TestPorts.PerBlock, Is.LessThan(26_656).And.LessThan(LentPorts.Read().First));
    }
}
