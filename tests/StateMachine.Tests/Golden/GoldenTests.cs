using System;
using System.Diagnostics;
using System.IO;
using NUnit.Framework;

namespace AppChain.StateMachine.Tests;

/// <summary>
/// I8: the same blocks give the same app hashes, whatever the machine's settings. The golden hashes are made with
/// <c>dotnet artifacts/bin/StateMachine.Tests/release/AppChain.StateMachine.Tests.dll</c>.
/// </summary>
[TestFixture]
public sealed class GoldenTests
{
    private static string[] Golden()
    {
        using var reader = new StreamReader(
            typeof(GoldenTests).Assembly.GetManifestResourceStream("golden_hashes.txt")!);
        return reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    [Test]
    public void The_golden_blocks_give_the_golden_hashes() => Assert.That(GoldenChain.Run(0), Is.EqualTo(Golden()));

    [Test]
    public void A_restart_in_the_middle_changes_nothing([Values(1, 77, 150, 239)] int after) =>
        Assert.That(GoldenChain.Run(after), Is.EqualTo(Golden()));

    [TestCase("0 odd", "")]
    [TestCase("0", "LC_ALL=tr_TR.UTF-8 LANG=ar_SA.UTF-8 TZ=Pacific/Kiritimati")]
    [TestCase("0", "DOTNET_gcServer=1")]
    [TestCase("0", "DOTNET_gcConcurrent=0 DOTNET_GCgen0size=80000")]
    [TestCase("0", "DOTNET_TieredCompilation=0")]
    [TestCase("0", "DOTNET_TieredPGO=0 DOTNET_TC_QuickJitForLoops=0")]
    [TestCase("0", "DOTNET_JITMinOpts=1")]
    [TestCase("0", "DOTNET_EnableAVX512=0 DOTNET_EnableAVX512F=0")]
    [TestCase("0", "DOTNET_EnableHWIntrinsic=0")]
    [TestCase("120 odd", "DOTNET_gcServer=1 DOTNET_TieredCompilation=0 TZ=America/Caracas")]
    public void Other_settings_of_the_process_change_nothing(string arguments, string environment)
    {
        var start = new ProcessStartInfo("dotnet")
        {
            Arguments = $"\"{typeof(GoldenTests).Assembly.Location}\" {arguments}",
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (string pair in environment.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            string[] parts = pair.Split('=');
            start.Environment[parts[0]] = parts[1];
        }

        using Process process = Process.Start(start)!;
        string output = process.StandardOutput.ReadToEnd();
        string error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.That(process.ExitCode, Is.Zero, error);
        Assert.That(output.Split('\n', StringSplitOptions.RemoveEmptyEntries), Is.EqualTo(Golden()));
    }
}
