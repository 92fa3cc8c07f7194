using System;
using System.CommandLine;
using System.IO;
using NUnit.Framework;

namespace AppChain.Localnet.Tests;

/// <summary>Flags that cannot be are refused before anything is started.</summary>
[TestFixture]
public sealed class LocalnetCommandTests
{
    private static RunOptions Options(string line)
    {
        var command = new LocalnetCommand();
        ParseResult parsed = command.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        Assert.That(parsed.Errors, Is.Empty);
        return command.OptionsOf(parsed);
    }

    [TestCase("--port 70000", "--port takes 1 to ")]
    [TestCase("--port 65535", "--port takes 1 to ")]
    [TestCase("--port 0", "--port takes 1 to ")]
    [TestCase("--speed 0", "--speed takes a number above 0 and up to 1,000,000, not 0")]
    [TestCase("--speed -1", "--speed takes a number above 0 and up to 1,000,000, not -1")]
    [TestCase("--speed NaN", "--speed takes a number above 0 and up to 1,000,000, not NaN")]
    [TestCase("--until-end", "--until-end needs --prices")]
    [TestCase("--report /nowhere/report.json", "--report /nowhere/report.json: its folder does not exist; create it")]
    [TestCase("--validators 17", "--validators takes 1 to 16, not 17")]
    public void What_cannot_be_is_refused_and_the_message_says_what_can(string line, string message) =>
        Assert.That(
            () => Options($"--engine embedded {line}"),
            Throws.ArgumentException.With.Message.StartsWith(message));

    [Test]
    public void The_highest_port_that_the_message_names_is_taken()
    {
        string message = Assert.Throws<ArgumentException>(() => Options("--engine embedded --port 70000"))!.Message;
        int highest = int.Parse(message.Split(' ')[4].TrimEnd(','));
        RunOptions options = Options($"--engine embedded --port {highest}");
        Assert.That(options.Ports.Last(options.Validators), Is.EqualTo(65_535));
        Assert.That(() => Options($"--engine embedded --port {highest + 1}"), Throws.ArgumentException);
    }

    [Test]
    public void A_report_may_be_written_beside_the_run() =>
        Assert.That(
            Options("--engine embedded --report report.json").Report,
            Is.EqualTo("report.json").And.Not.EqualTo(Path.GetFullPath("report.json")));
}
