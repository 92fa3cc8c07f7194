using System;
using NUnit.Framework;

namespace AppChain.Localnet.Tests;

/// <summary>Ports that the system lends to others are named before a network starts on them.</summary>
[TestFixture]
public sealed class LentPortsTests
{
    [TestCase(26_657, 26_920, false)]
    [TestCase(32_500, 32_767, false)]
    [TestCase(32_500, 32_768, true)]
    [TestCase(36_400, 36_664, true)]
    [TestCase(60_999, 61_300, true)]
    [TestCase(61_000, 61_300, false)]
    public void A_run_is_warned_when_its_ports_are_lent(int first, int last, bool expected)
    {
        string? warning = LentPorts.Parse("32768\t60999\n").Warning(first, last);
        Assert.That(warning is not null, Is.EqualTo(expected));
    }

    [Test]
    public void The_port_that_the_warning_names_is_not_warned_of()
    {
        LentPorts lent = LentPorts.Parse("32768 60999");
        Assert.That(lent.Warning(36_400, 36_664), Does.EndWith("choose a --port of at most 32503"));
        Assert.That(lent.Warning(32_503, 32_503 + 264), Is.Null);
        Assert.That(lent.Warning(32_504, 32_504 + 264), Is.Not.Null);
    }

    [TestCase("")]
    [TestCase("1")]
    [TestCase("1 two")]
    public void What_is_no_range_is_refused(string text) =>
        Assert.That(() => LentPorts.Parse(text), Throws.InstanceOf<FormatException>());
}
