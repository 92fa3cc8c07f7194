using System;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using AppChain.Node;
using NUnit.Framework;

namespace AppChain.Localnet.Tests;

/// <summary>
/// A localnet in a process of its own, and the command line beside it, as a person at a terminal has them.
/// </summary>
internal sealed class LocalnetByHand : IAsyncDisposable
{
    private readonly string _home = Directory.CreateTempSubdirectory("appchain-localnet-").FullName;
    private readonly Process _network;

    /// <summary>Starts a network of four validators.</summary>
    public LocalnetByHand(params string[] options)
    {
        int port = TestPorts.Next();
        Node = string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}");
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string argument in (string[])
        [
            typeof(RunReport).Assembly.Location, "--traders", "5", "--seed", "1", "--home", Home, "--port",
            port.ToString(CultureInfo.InvariantCulture), .. options,
        ])
        {
            start.ArgumentList.Add(argument);
        }

        _network = Process.Start(start)!;
        // Nobody reads what it says, and a full pipe would stop it.
        _network.OutputDataReceived += (_, _) => { };
        _network.ErrorDataReceived += (_, _) => { };
        _network.BeginOutputReadLine();
        _network.BeginErrorReadLine();
    }

    /// <summary>RPC address that verbs ask.</summary>
    public string Node { get; set; }

    /// <summary>Home directory of the network, with its keys.</summary>
    public string Home => Path.Combine(_home, "net");

    /// <summary>What the last verb answered.</summary>
    public string Out { get; private set; } = "";

    /// <summary>What the last verb complained about.</summary>
    public string Error { get; private set; } = "";

    /// <summary>Runs a verb, which must end with a code.</summary>
    public async Task Run(string line, int expected = ExitCode.Ok)
    {
        int code = await Try(line, "", CancellationToken.None);
        Assert.That(code, Is.EqualTo(expected), $"{line}\n{Out}{Error}");
    }

    /// <summary>Runs a verb that goes on until it is cancelled, which it is when it has said a word.</summary>
    public async Task Watch(string line, string typed, string word, int seconds)
    {
        using var end = new CancellationTokenSource();
        using var output = new StringWriter();
        var shared = TextWriter.Synchronized(output);
        Task<int> watch = Task.Run(
            () => CommandLine.RunAsync(line.Split(' '), Shell(shared, shared, typed), end.Token));
        for (int i = 0; i < 4 * seconds && !Said().Contains(word, StringComparison.Ordinal) && !watch.IsCompleted; i++)
        {
            await Task.Delay(250);
        }

        await end.CancelAsync();
        int code = await watch;
        Out = Said();
        Assert.That(code, Is.EqualTo(ExitCode.Ok), Out);

        string Said()
        {
            // The writer locks itself.
            lock (shared) return output.ToString();
        }
    }

    /// <summary>Runs a query until its answer has a word.</summary>
    public async Task Until(string line, string word, int seconds)
    {
        for (int i = 0; i < 2 * seconds; i++)
        {
            if (await Try(line, "", CancellationToken.None) == ExitCode.Ok
                && Out.Contains(word, StringComparison.Ordinal))
            {
                return;
            }

            await Task.Delay(500);
        }

        Assert.Fail($"{line} did not say '{word}' within {seconds} s; last: {Out}{Error}");
    }

    /// <summary>Writes the last answer, or a text, to a file; returns its path.</summary>
    public string Write(string name, string? text = null)
    {
        string path = Path.Combine(_home, name);
        File.WriteAllText(path, text ?? Out);
        return path;
    }

    /// <summary>Kills every process of the network.</summary>
    public async Task EndNetwork()
    {
        _network.Kill(entireProcessTree: true);
        await _network.WaitForExitAsync();
        // Killed, it could not remove the sockets.
        string sockets = Path.Combine(Path.GetTempPath(), $"appchain-{_network.Id}");
        if (Directory.Exists(sockets)) Directory.Delete(sockets, recursive: true);
    }

    public async ValueTask DisposeAsync()
    {
        await EndNetwork();
        _network.Dispose();
        Directory.Delete(_home, recursive: true);
    }

    private async Task<int> Try(string line, string typed, CancellationToken cancel)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        int code = await CommandLine.RunAsync(line.Split(' '), Shell(output, error, typed), cancel);
        (Out, Error) = (output.ToString(), error.ToString());
        return code;
    }

    private Shell Shell(TextWriter output, TextWriter error, string typed) => new()
    {
        Out = output,
        Error = error,
        In = new StringReader(typed),
        Variable = name => name == "APPCHAIN_HOME" ? Home : name == "APPCHAIN_NODE" ? Node : null,
        AskSecret = null,
    };
}
