using System.IO;
using System.Text.Json;
using System.Threading.Tasks;
using NUnit.Framework;

namespace AppChain.Node.Tests.Cli;

/// <summary><c>signer state</c>: begun, shown to people and programs, never lowered.</summary>
[TestFixture]
public sealed class SignerStateTests
{
    [Test]
    public async Task A_state_is_shown_in_words_and_in_JSON_and_a_missing_one_says_how_to_begin()
    {
        using var run = new CommandRun();
        string file = Path.Combine(run.Home, "sign-state.json");
        Assert.That(await run.Run("signer", "state", "show", file), Is.EqualTo(ExitCode.Usage));
        Assert.That(run.Error, Does.Contain("is missing").And.Contain("--create-state"));
        Assert.That(await run.Run("signer", "state", "raise", file, "--height", "12"), Is.Zero, run.Error);
        Assert.That(await run.Run("signer", "state", "show", file), Is.Zero, run.Error);
        Assert.That(run.Out, Does.StartWith("height 11, round "));
        Assert.That(await run.Run("signer", "state", "show", file, "--output", "json"), Is.Zero, run.Error);
        using JsonDocument json = JsonDocument.Parse(run.Out);
        Assert.That(json.RootElement.GetProperty("height").GetInt64(), Is.EqualTo(11));
        Assert.That(json.RootElement.GetProperty("step").GetString(), Is.Not.Empty);
        Assert.That(await run.Run("signer", "state", "raise", file, "--height", "5"), Is.EqualTo(ExitCode.Usage));
        Assert.That(run.Error, Does.Contain("never lowered"));
    }
}
