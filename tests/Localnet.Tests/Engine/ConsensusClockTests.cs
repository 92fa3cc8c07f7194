using AppChain.Abci;
using NUnit.Framework;

namespace AppChain.Localnet.Tests;

/// <summary>The chain's clock, which may run faster than the wall's.</summary>
[TestFixture]
public sealed class ConsensusClockTests
{
    private const long Second = 1_000_000_000;

    // However late the clock is made: price feeds count from the same epoch.
    [TestCase(0)]
    [TestCase(7)]
    [TestCase(-3)]
    public void It_has_run_since_its_epoch(int secondsAgo)
    {
        long before = WireTime.Now;
        long epoch = before - (secondsAgo * Second);
        ConsensusClock clock = new(1_000_000 * Second, epoch, speed: 60, earliest: 0);
        long shown = clock.Now;
        long after = WireTime.Now;
        // A millisecond of wall time for two clocks of the machine that do not tick together.
        const long tolerance = 60 * Second / 1_000;
        Assert.That(shown, Is.GreaterThanOrEqualTo(1_000_000 * Second + ((before - epoch) * 60) - tolerance));
        Assert.That(shown, Is.LessThanOrEqualTo(1_000_000 * Second + ((after - epoch) * 60) + tolerance));
    }

    [Test]
    public void It_begins_no_earlier_than_it_must()
    {
        long now = WireTime.Now;
        ConsensusClock clock = new(start: 5 * Second, now, speed: 1, earliest: 900 * Second);
        Assert.That(clock.Now, Is.GreaterThanOrEqualTo(900 * Second).And.LessThan(960 * Second));
    }
}
