using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading.Tasks;
using AppChain.Node.Tests.Cli;
using NUnit.Framework;

namespace AppChain.Node.Tests.Supervision;

/// <summary>What the verb validator refuses before it starts anything.</summary>
[TestFixture]
public sealed class ValidatorHomeTests
{
    private CommandRun _run = null!;

    [SetUp]
    public void MakeHome()
    {
        _run = new CommandRun();
        string socket = Path.Combine(_run.Home, "abci.sock");
        Directory.CreateDirectory(Path.Combine(_run.Home, "config"));
        Directory.CreateDirectory(Path.Combine(_run.Home, "cometbft", "config"));
        _run.WriteFile("config/appchain.conf", $"abci.address = unix://{socket}\n");
        _run.WriteFile("cometbft/config/config.toml", $"proxy_app = \"unix://{socket}\"\n");
    }

    [TearDown]
    public void RemoveHome() => _run.Dispose();

    [Test]
    public async Task A_second_supervisor_of_one_home_is_refused_and_starts_nothing()
    {
        using (File.Open(Path.Combine(_run.Home, "validator.lock"), FileMode.Create, FileAccess.Write, FileShare.None))
        {
            Assert.That(await Validator("/bin/false"), Is.EqualTo(1));
            Assert.That(
                _run.Error,
                Is.EqualTo($"appchain: another validator runs in {_run.Home}; stop it, or give another --home\n"));
        }
    }

    [Test]
    public async Task A_binary_that_is_not_there_is_named_at_once()
    {
        Assert.That(await Validator("/nowhere/cometbft"), Is.EqualTo(ExitCode.Usage));
        Assert.That(_run.Error, Does.StartWith("error: there is no file /nowhere/cometbft; "));
        Assert.That(_run.Error.Count(static letter => letter == '\n'), Is.EqualTo(1));
    }

    [Test]
    public void A_refused_PIN_ends_the_validator_because_each_further_try_may_lock_the_device()
    {
        _run.WriteFile("config/signer.conf", """
            chain.c.key = pkcs11:token=t;key=k
            chain.c.state = state.json
            chain.c.engine = tcp://127.0.0.1:26902
            """);
        string config = Path.Combine(_run.Home, "cometbft", "config", "config.toml");
        File.AppendAllText(config, "priv_validator_laddr = \"tcp://127.0.0.1:26902\"\n");
        IReadOnlyList<SupervisedPart> parts = ValidatorParts.Of(_run.Home, "/bin/false", ["/bin/false"]);
        Assert.That(
            parts.Single(static part => part.Command.Name == ValidatorParts.Signer).FinalCode,
            Is.EqualTo(ExitCode.PinRefused));
    }

    private Task<int> Validator(string binary) => _run.Run("validator", "--home", _run.Home, "--cometbft", binary);
}
