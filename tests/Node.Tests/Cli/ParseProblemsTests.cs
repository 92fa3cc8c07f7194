using System;
using System.Threading.Tasks;
using NUnit.Framework;

namespace AppChain.Node.Tests.Cli;

/// <summary>A command line that is wrong is answered in single lines that say what was meant.</summary>
[TestFixture]
public sealed class ParseProblemsTests
{
    [TestCase(
        "tx order place BTC-PERP buy --quantity 1 --pirce 60000 --from bob",
        "error: no option '--pirce'; did you mean '--price'?")]
    [TestCase("query markets --nod http://127.0.0.1:1", "error: no option '--nod'; did you mean '--node'?")]
    [TestCase("query markets BTC-PERP", "error: 'BTC-PERP' is one argument too many")]
    [TestCase(
        "tx order place BTC-PERP hold --quantity 1 --from bob",
        "error: Argument 'hold' not recognized. Must be one of: 'buy' 'sell'")]
    [TestCase("validator", "error: Option '--home' is required.")]
    [TestCase("query", "error: `appchain query` needs a verb; it has ", true)]
    [TestCase("querry", "error: `appchain` has no verb 'querry'; it has ", true)]
    public async Task A_problem_is_one_line_and_the_next_names_the_help(
        string line, string expected, bool begins = false)
    {
        using var run = new CommandRun();
        Assert.That(await run.Run(line.Split(' ')), Is.EqualTo(ExitCode.Usage));
        string[] said = run.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.That(said, Has.Length.EqualTo(2), run.Error);
        Assert.That(said[0], begins ? Does.StartWith(expected) : Is.EqualTo(expected));
        Assert.That(said[1], Does.StartWith("see `appchain").And.EndsWith("--help`"));
    }
}
