using System;
using System.Diagnostics;
using System.IO;
using System.Threading.Tasks;
using AppChain.Node;
using NUnit.Framework;

namespace AppChain.Localnet.Tests;

/// <summary>
/// VAULT-7 to VAULT-9 and VAULT-13 as people do them, on four validators: a withdrawal through timelock, guardians and release to a
/// verifier without a node; a payment of the treasury.
/// </summary>
[TestFixture]
[NonParallelizable]
public sealed class VaultEndToEndTests
{
    private const string Node = "http://127.0.0.1:31800";

    private string _home = "";
    private string _out = "";

    [SetUp]
    public void MakeHome() => _home = Directory.CreateTempSubdirectory("localnet-").FullName;

    [TearDown]
    public void DeleteHome() => Directory.Delete(_home, recursive: true);

    [Test]
    public async Task A_withdrawal_is_released_by_two_guardians_and_verifies_without_a_node()
    {
        using Process network = Start();
        try
        {
            await Until("query chain", "height", 60);
            await Run("tx treasury spend 0.01 --to alice --note snacks --from treasurer1 --wait", ExitCode.Ok);
            await Run("tx proposal approve 1 --from treasurer3 --wait", ExitCode.Ok);
            await Run("tx withdraw 250 --to iban-1 --from alice --wait", ExitCode.Ok);
            await Run("tx withdraw 251 --to iban-2 --from alice --wait", ExitCode.Ok);
            await Run("tx vault cancel 2 --from alice --wait", ExitCode.Ok);
            await Until("query withdrawals --owner alice", "releasable", 40);
            await Run("guardian --from alice --once --yes", ExitCode.Usage);
            await Run("guardian --from guardian2 --once --yes --max-amount 249", ExitCode.Ok);
            Assert.That(_out, Does.Contain("NOT SIGNED: it is above 249.00"));
            await Run("guardian --from guardian2 --once --yes", ExitCode.Ok);
            Assert.That(_out, Does.Contain("pay 250.00 USD to iban-1").And.Contain("1 signed"));
            await Run("guardian --from guardian2 --once --yes", ExitCode.Ok);
            Assert.That(_out, Does.Contain("nothing was signed"));
            await Run("query release 1", ExitCode.Refused);
            await Run("guardian --from guardian3 --once --yes", ExitCode.Ok);
            await Until("query withdrawals", "released", 20);
            await Run("query release 1 --output json", ExitCode.Ok);
            string release = Write("release.json");
            await Run("query council guardians --output json", ExitCode.Ok);
            string guardians = Write("guardians.json");
            await Until("query proposals", "executed", 60);
            await Run("query chain --output json", ExitCode.Ok);
            Assert.That(_out, Does.Contain("\"difference\": \"0\"").And.Contain("\"leaving\": \"0\""));
            network.Kill(entireProcessTree: true);
            await network.WaitForExitAsync();

            await Run($"verify-release {release} --guardians {guardians} --chain-id appchain-localnet", ExitCode.Ok);
            Assert.That(_out, Does.Contain("valid: 2 guardians have signed").And.Contain("250.00").And.Contain("iban-1"));
        }
        finally
        {
            network.Kill(entireProcessTree: true);
            await network.WaitForExitAsync();
        }
    }

    private Process Start()
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string argument in new[]
        {
            typeof(RunReport).Assembly.Location, "--engine", "embedded", "--traders", "5", "--seed", "1",
            "--home", Path.Combine(_home, "net"), "--port", "31800",
        })
        {
            start.ArgumentList.Add(argument);
        }

        Process process = Process.Start(start)!;
        // Nobody reads what it says, and a full pipe would stop it.
        process.OutputDataReceived += (_, _) => { };
        process.ErrorDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    private async Task Run(string line, int expected)
    {
        (int code, string error) = await Try(line);
        Assert.That(code, Is.EqualTo(expected), $"{line}\n{_out}{error}");
    }

    private async Task Until(string line, string word, int seconds)
    {
        string error = "";
        for (int i = 0; i < 2 * seconds; i++)
        {
            (int code, error) = await Try(line);
            if (code == ExitCode.Ok && _out.Contains(word, StringComparison.Ordinal))
            {
                return;
            }

            await Task.Delay(500);
        }

        Assert.Fail($"{line} did not say '{word}' within {seconds} s; last: {_out}{error}");
    }

    private async Task<(int Code, string Error)> Try(string line)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var shell = new Shell
        {
            Out = output,
            Error = error,
            In = TextReader.Null,
            Variable = name => name == "APPCHAIN_HOME" ? Path.Combine(_home, "net") : name == "APPCHAIN_NODE" ? Node : null,
            AskSecret = null,
        };
        int code = await CommandLine.RunAsync(line.Split(' '), shell);
        _out = output.ToString();
        return (code, error.ToString());
    }

    private string Write(string name)
    {
        string path = Path.Combine(_home, name);
        File.WriteAllText(path, _out);
        return path;
    }
}
