using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Runtime.InteropServices;
using System.Threading.Tasks;

namespace AppChain.Node;

/// <summary>What a child process runs.</summary>
/// <param name="Name">How messages call it.</param>
/// <param name="File">Program.</param>
/// <param name="Arguments">Its arguments.</param>
public sealed record ChildCommand(string Name, string File, IReadOnlyList<string> Arguments)
{
    /// <summary>Variables beside those of this process.</summary>
    public IReadOnlyDictionary<string, string>? Environment { get; init; }
}

/// <summary>
/// A running child. Its standard input is a pipe that closes when this process ends, however it ends: a child that
/// watches it does not outlive its parent.
/// </summary>
public sealed partial class ChildProcess : IDisposable
{
    // A session of its own keeps Ctrl-C of the terminal from a child: the parent ends its children itself, in order.
    private const string SetSession = "/usr/bin/setsid";
    private const int Terminate = 15;
    private static readonly TimeSpan LastWordPatience = TimeSpan.FromSeconds(1);

    private readonly Process _process;
    private readonly TaskCompletionSource<int> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Starts it.</summary>
    /// <param name="command">What to run.</param>
    /// <param name="said">Called with each line of its output, from any thread.</param>
    /// <exception cref="IOException">The program cannot be run.</exception>
    public ChildProcess(ChildCommand command, Action<string> said)
    {
        Command = command;
        bool hasSession = File.Exists(SetSession);
        var start = new ProcessStartInfo(hasSession ? SetSession : command.File)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (string argument in hasSession ? [command.File, .. command.Arguments] : command.Arguments)
        {
            start.ArgumentList.Add(argument);
        }

        foreach ((string name, string value) in command.Environment ?? new Dictionary<string, string>())
        {
            start.Environment[name] = value;
        }

        _process = new Process { StartInfo = start, EnableRaisingEvents = true };
        _process.OutputDataReceived += (_, line) => Hear(said, line.Data);
        _process.ErrorDataReceived += (_, line) => Hear(said, line.Data);
        _process.Exited += (_, _) => _ = TellAsync();
        try
        {
            _process.Start();
        }
        catch (System.ComponentModel.Win32Exception error)
        {
            throw new IOException($"cannot run {command.File}: {error.Message}", error);
        }

        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>What it runs.</summary>
    public ChildCommand Command { get; }

    /// <summary>Number of the process.</summary>
    public int Id => _process.Id;

    /// <summary>Completes with the exit code when the process has ended.</summary>
    public Task<int> Ended => _ended.Task;

    /// <summary>Sends a signal; nothing when it has ended already.</summary>
    public void Signal(int signal)
    {
        if (!_process.HasExited)
        {
            // A child that ends at this very moment makes the call fail, which is what was wanted.
            _ = kill(_process.Id, signal);
        }
    }

    /// <summary>Asks it to end.</summary>
    public void Ask() => Signal(Terminate);

    /// <summary>Waits for its end; after that long ends it by force.</summary>
    public void WaitOrKill(TimeSpan patience)
    {
        if (!_process.WaitForExit(patience > TimeSpan.Zero ? patience : TimeSpan.Zero))
        {
            _process.Kill(entireProcessTree: true);
            _process.WaitForExit();
        }

        _ended.Task.Wait();
    }

    /// <inheritdoc/>
    public void Dispose() => _process.Dispose();

    // What it said last is read before anybody hears that it has ended; a process that it left behind may keep the
    // pipe.
    private async Task TellAsync()
    {
        await Task.WhenAny(_process.WaitForExitAsync(), Task.Delay(LastWordPatience)).ConfigureAwait(false);
        _ended.TrySetResult(_process.ExitCode);
    }

    private static void Hear(Action<string> said, string? line)
    {
        if (line is not null)
        {
            said(line);
        }
    }

    [LibraryImport("libc")]
    private static partial int kill(int process, int signal);
}
