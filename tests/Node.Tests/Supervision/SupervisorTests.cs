using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using NUnit.Framework;

namespace AppChain.Node.Tests.Supervision;

/// <summary>The supervisor with shell scripts in place of the parts of a validator.</summary>
[TestFixture]
public sealed class SupervisorTests
{
    private const int KillSignal = 9;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);
    private readonly List<string> _log = [];
    private string _folder = "";

    [SetUp]
    public void MakeFolder()
    {
        _folder = Directory.CreateTempSubdirectory("appchain-supervisor-").FullName;
        _log.Clear();
    }

    [TearDown]
    public void RemoveFolder() => Directory.Delete(_folder, recursive: true);

    private static RestartPolicy Fast => new()
    {
        FirstPause = TimeSpan.FromMilliseconds(40),
        LongestPause = TimeSpan.FromMilliseconds(100),
        EndsMax = 4,
        Patience = TimeSpan.FromSeconds(2),
        StopPatience = TimeSpan.FromSeconds(2),
        WatchPeriod = TimeSpan.FromMilliseconds(10),
        StuckAfter = TimeSpan.FromMilliseconds(200),
        SurelyStuckAfter = TimeSpan.FromMilliseconds(100),
    };

    // A part that says when it begins, and when it is asked to end.
    private static SupervisedPart Script(string name, string body = "while :; do sleep 0.05; done") => new(
        new ChildCommand(name, "/bin/sh", ["-c", $"trap 'echo ends; exit 0' TERM; echo begins; {body}"]));

    private Supervisor Of(params SupervisedPart[] parts) => new(parts, Fast, line =>
    {
        lock (_log) _log.Add(line);
    });

    private string[] Said()
    {
        lock (_log) return [.. _log];
    }

    private async Task Until(Func<bool> condition)
    {
        long start = Stopwatch.GetTimestamp();
        while (!condition())
        {
            Assert.That(Stopwatch.GetElapsedTime(start), Is.LessThan(Limit), string.Join('\n', Said()));
            await Task.Delay(10);
        }
    }

    private static void Kill(int process)
    {
        using Process killer = Process.Start("/bin/kill", [$"-{KillSignal}", $"{process}"]);
        killer.WaitForExit();
    }

    [Test]
    public async Task A_part_that_stands_still_is_started_again()
    {
        using var stop = new CancellationTokenSource();
        long height = 0;
        PartProgress? still = new(7, PartPace.MayStay);
        SupervisedPart moving = Script("moving") with
        {
            Progress = _ => Task.FromResult<PartProgress?>(
                new PartProgress(Interlocked.Increment(ref height), PartPace.MustMove)),
        };
        SupervisedPart stuck = Script("stuck") with { Progress = _ => Task.FromResult(still) };
        Supervisor supervisor = Of(moving, stuck);
        Task<int> run = supervisor.RunAsync(stop.Token);
        await Until(() => height > 30);
        Assert.That(Said(), Has.None.Contains("stands still"), "it may stay");
        still = null;
        await Until(() => height > 60);
        Assert.That(Said(), Has.None.Contains("stands still"), "it did not answer");
        still = new(7, PartPace.MustMove);
        await Until(() => Said().Count(line => line.StartsWith("stuck is started", StringComparison.Ordinal)) == 2);
        Assert.That(Said(), Has.Some.EqualTo("stuck stands still at 7 for 0 s; it is ended"));
        Assert.That(
            Said().Count(line => line.StartsWith("moving is started", StringComparison.Ordinal)), Is.EqualTo(1));
        await stop.CancelAsync();
        Assert.That(await run, Is.Zero);
    }

    [Test]
    public async Task A_part_that_is_stuck_takes_its_way_out_until_it_has_passed_the_place()
    {
        using var stop = new CancellationTokenSource();
        PartProgress where = new(7, PartPace.Stuck);
        SupervisedPart part = Script("part") with { Progress = _ => Task.FromResult<PartProgress?>(where) };
        part = part with
        {
            WaysOut =
            [
                .. new[] { "first", "second" }.Select(static way =>
                    new ChildCommand("part", "/bin/sh", ["-c", $"echo by the {way} way; sleep 60"])),
            ],
        };
        Task<int> run = Of(part).RunAsync(stop.Token);
        await Until(() => Said().Contains("part: by the second way"));
        Assert.That(Said(), Has.Some.EqualTo("part stands still at 7 for 0 s; it is ended"));
        where = new(7, PartPace.MayStay);
        await Task.Delay(200);
        int starts = Starts();
        Assert.That(starts, Is.AtLeast(3), "it has not passed it");
        where = new(8, PartPace.MayStay);
        await Until(() => Starts() == starts + 1);
        Assert.That(Said(), Has.Some.EqualTo("part has passed it and is at 8; it is ended, to run as before"));
        await Task.Delay(200);
        Assert.That(Starts(), Is.EqualTo(starts + 1));
        Assert.That(Said().Count(line => line == "part: by the first way"), Is.EqualTo(1));
        Assert.That(Said().Last(line => line.StartsWith("part: b", StringComparison.Ordinal)),
            Is.EqualTo("part: begins"));
        await stop.CancelAsync();
        Assert.That(await run, Is.Zero);

        int Starts() => Said().Count(line => line.StartsWith("part is started", StringComparison.Ordinal));
    }

    [Test]
    public async Task Parts_start_in_order_each_after_the_one_before_serves_and_end_in_the_opposite_order()
    {
        using var stop = new CancellationTokenSource();
        string ready = Path.Combine(_folder, "ready");
        Supervisor supervisor = Of(
            Script(
                "first",
                $"sleep 0.3; touch {ready}; while :; do sleep 0.05; done") with { IsReady = () => File.Exists(ready) },
            Script("second"),
            Script("third"));
        Task<int> run = supervisor.RunAsync(stop.Token);
        await Until(() => Said().Contains("third: begins"));
        stop.Cancel();
        Assert.That(await run, Is.Zero);
        string[] said = Said();
        Assert.That(
            Order(
                "first: begins", "second is started", "third is started", "third: ends", "second: ends", "first: ends",
                "all parts"),
            Is.Ordered,
            string.Join('\n', said));

        int[] Order(params string[] texts) =>
            [.. texts.Select(text => Array.FindIndex(said, line => line.StartsWith(text, StringComparison.Ordinal)))];
    }

    [TestCase("signer", new[] { "signer" })]
    [TestCase("application", new[] { "application", "engine" })]
    [TestCase("engine", new[] { "engine" })]
    public async Task A_killed_part_comes_back_with_what_needs_it_and_the_others_stay(string victim, string[] restarted)
    {
        using var stop = new CancellationTokenSource();
        Supervisor supervisor = Of(
            Script("signer"), Script("application"), Script("engine") with { Needs = "application" });
        Task<int> run = supervisor.RunAsync(stop.Token);
        string[] names = ["signer", "application", "engine"];
        await Until(() => names.All(name => supervisor.ProcessOf(name) != 0));
        int[] before = [.. names.Select(supervisor.ProcessOf)];
        Kill(supervisor.ProcessOf(victim));
        await Until(
            () => restarted.All(
                name => supervisor.ProcessOf(name) != 0 && !before.Contains(supervisor.ProcessOf(name))));
        for (int i = 0; i < names.Length; i++)
        {
            Assert.That(
                supervisor.ProcessOf(names[i]) == before[i], Is.EqualTo(!restarted.Contains(names[i])), names[i]);
        }

        Assert.That(Said(), Has.Some.Contains($"{victim} ended with code 137; it is started again after 0.04 s"));
        stop.Cancel();
        Assert.That(await run, Is.Zero);
    }

    [Test]
    public async Task A_part_that_ends_with_its_need_is_not_counted()
    {
        using var stop = new CancellationTokenSource();
        string mark = Path.Combine(_folder, "application");
        Supervisor supervisor = Of(
            Script("application", $"touch {mark}; while [ -e {mark} ]; do sleep 0.02; done; exit 5"),
            Script(
                "engine",
                $"while [ -e {mark} ]; do sleep 0.02; done; for i in 1 2 3 4 5 6 7 8 9; do sleep 0.2; done; exit 0")
                with { Needs = "application" });
        Task<int> run = supervisor.RunAsync(stop.Token);
        await Until(() => supervisor.ProcessOf("engine") != 0 && File.Exists(mark));
        int engine = supervisor.ProcessOf("engine");
        File.Delete(mark);
        await Until(() => supervisor.ProcessOf("engine") is var now && now != 0 && now != engine);
        Assert.That(Said(), Has.Some.StartsWith("application ended with code 5"));
        Assert.That(Said(), Has.None.StartsWith("engine ended"));
        stop.Cancel();
        Assert.That(await run, Is.Zero);
    }

    [Test]
    public async Task A_part_that_keeps_ending_is_given_up_and_everything_ends()
    {
        Supervisor supervisor = Of(Script("signer"), Script("application", "echo no disk; exit 1"));
        Assert.That(await supervisor.RunAsync(CancellationToken.None), Is.EqualTo(1));
        string[] said = Said();
        Assert.That(said.Count(line => line == "application: no disk"), Is.EqualTo(4));
        Assert.That(
            said,
            Has.Some.EqualTo(
                "gives up: application ended 4 times in a row, the last time with code 1; "
                + "mend what its last lines say and start the validator again: no disk"));
        Assert.That(said.Where(line => line.Contains("started again")).Select(line => line.Split("after ")[1]),
            Is.EqualTo(new[] { "0.04 s", "0.08 s", "0.1 s" }), string.Join('\n', said));
        Assert.That(said, Has.Some.EqualTo("signer: ends"));
    }

    [Test]
    public async Task A_final_exit_code_is_not_followed_by_a_restart()
    {
        Supervisor supervisor = Of(
            Script("application", "echo broken; exit 3") with { FinalCode = 3 }, Script("engine"));
        Assert.That(await supervisor.RunAsync(CancellationToken.None), Is.EqualTo(3));
        Assert.That(
            Said().Count(line => line.StartsWith("application is started", StringComparison.Ordinal)), Is.EqualTo(1));
        Assert.That(Said(), Has.Some.Contains("must not be started again").And.Some.EndsWith(": broken"));
    }

    [Test]
    public async Task A_line_in_which_a_part_names_itself_is_not_given_the_name_again()
    {
        using var stop = new CancellationTokenSource();
        Supervisor supervisor = Of(Script("signer", "echo signer: connected; while :; do sleep 0.05; done"));
        Task<int> run = supervisor.RunAsync(stop.Token);
        await Until(() => Said().Any(line => line.Contains("connected")));
        Assert.That(Said(), Has.Some.EqualTo("signer: connected").And.Some.EqualTo("signer: begins"));
        await stop.CancelAsync();
        Assert.That(await run, Is.Zero);
    }

    [Test]
    public async Task A_part_that_does_not_serve_is_ended_and_a_part_that_does_not_listen_is_killed()
    {
        SupervisedPart deaf = new(new ChildCommand(
            "deaf", "/bin/sh", ["-c", "trap '' TERM; while :; do sleep 0.05; done"]));
        var supervisor = new Supervisor(
            [deaf with { IsReady = () => false }],
            Fast with
            {
                Patience = TimeSpan.FromMilliseconds(200),
                StopPatience = TimeSpan.FromMilliseconds(200),
                EndsMax = 2,
            },
            line =>
            {
                lock (_log) _log.Add(line);
            });
        Assert.That(await supervisor.RunAsync(CancellationToken.None), Is.EqualTo(1));
        Assert.That(Said(), Has.Some.Contains("deaf does not serve after"));
        Assert.That(Said(), Has.Some.Contains("deaf ended with code 137"));
    }

    [Test]
    public async Task A_program_that_does_not_exist_is_named()
    {
        Supervisor supervisor = Of(new SupervisedPart(new ChildCommand("engine", "/nowhere/cometbft", [])));
        Assert.That(await supervisor.RunAsync(CancellationToken.None), Is.EqualTo(1));
        Assert.That(Said(), Has.Some.Contains("/nowhere/cometbft"));
    }

    [Test]
    public void Pauses_double_up_to_a_bound()
    {
        var policy = new RestartPolicy();
        Assert.That(Enumerable.Range(1, 8).Select(ends => policy.PauseAfter(ends).TotalSeconds),
            Is.EqualTo(new[] { 1, 2, 4, 8, 16, 30, 30, 30 }));
        Assert.That(policy.PauseAfter(int.MaxValue), Is.EqualTo(policy.LongestPause));
    }
}
