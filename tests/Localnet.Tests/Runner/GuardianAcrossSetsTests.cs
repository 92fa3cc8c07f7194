using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;
using AppChain.Node;
using NUnit.Framework;

namespace AppChain.Localnet.Tests;

/// <summary>
/// VAULT-15 and VAULT-17 together: guardians whose watches began under four validators sign when three are left, the
/// one that looked all along as well as the one that saw nothing of the change.
/// </summary>
[TestFixture]
[NonParallelizable]
public sealed class GuardianAcrossSetsTests
{
    private const int Stop = 19;
    private const int Continue = 18;
    private const string Believes = "believes 4 validators";

    [Test]
    public async Task Watches_that_began_before_a_validator_left_go_on_believing_headers_and_sign()
    {
        await using var run = new LocalnetByHand("--engine", "embedded");
        await run.Until("query chain", "height", 60);
        using var looks = new Watch(run, "guardian2");
        using var sleeps = new Watch(run, "guardian3");
        await run.Run("query validators --policy");
        string set = run.Out;
        const string ten = "\"power\": \"10\"";
        int first = set.IndexOf(ten, StringComparison.Ordinal);
        string without = run.Write("set.json", set[..first] + "\"power\": \"0\"" + set[(first + ten.Length)..]);
        await looks.Says(Believes, 20);
        await sleeps.Says(Believes, 20);
        await run.Run($"tx validators propose {without} --from guardian1 --wait");
        await run.Run("tx proposal approve 1 --from guardian2 --wait");
        sleeps.Process.Signal(Stop);

        // The timelocks of both, of thirty and ten seconds, end at about the same time.
        await Task.Delay(TimeSpan.FromSeconds(20));
        await run.Run("tx withdraw 250 --to iban-1 --from alice --wait");
        await run.Until("query proposals", "executed", 40);
        await looks.Says("signed at height", 40);
        for (int i = 0; i < 40 && await Named(run) != 3; i++) await Task.Delay(250);
        Assert.That(await Named(run), Is.EqualTo(3), run.Out);
        Assert.That(sleeps.Said, Does.Not.Contain("signed"));
        sleeps.Process.Signal(Continue);
        await sleeps.Says("signed at height", 20);
        await run.Until("query withdrawals", "released", 20);
        Assert.That(looks.Said + sleeps.Said, Does.Not.Contain("does not prove").And.Not.Contain("NOT SIGNED"));
    }

    // The sets of today and of the next blocks, while they differ.
    private static async Task<int> Named(LocalnetByHand run)
    {
        await run.Run("query validators --output json");
        return run.Out.Split("public_key").Length - 1;
    }

    /// <summary>A watch in a process of its own.</summary>
    private sealed class Watch : IDisposable
    {
        private readonly ConcurrentQueue<string> _said = [];

        public Watch(LocalnetByHand run, string guardian) => Process = new ChildProcess(
            new ChildCommand(
                guardian, "dotnet",
                [typeof(Node.Application).Assembly.Location, "guardian", "--from", guardian, "--yes"])
            {
                Environment = new Dictionary<string, string>
                {
                    ["APPCHAIN_HOME"] = run.Home, ["APPCHAIN_NODE"] = run.Node,
                },
            },
            _said.Enqueue);

        public ChildProcess Process { get; }

        public string Said => string.Join('\n', _said);

        public async Task Says(string word, int seconds)
        {
            for (int i = 0; i < 4 * seconds && !Said.Contains(word, StringComparison.Ordinal); i++)
                await Task.Delay(250);
            Assert.That(Said, Does.Contain(word), $"within {seconds} s");
        }

        public void Dispose()
        {
            Process.WaitOrKill(TimeSpan.Zero);
            Process.Dispose();
        }
    }
}
