using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Runtime.InteropServices;
using System.Threading;

namespace AppChain.Localnet;

/// <summary>
/// The processes of a run: started with their output in a log file each, watched, and ended together. Our own children
/// also end when their standard input does, so they do not outlive this process even when it is killed; CometBFT ends
/// when its application does.
/// </summary>
internal sealed partial class ChildProcesses(string logDirectory) : IDisposable
{
    // A session of its own keeps Ctrl-C of the terminal from a child: the run ends its children itself, in order.
    private const string SetSession = "/usr/bin/setsid";

    private readonly List<(string Name, Process Process, string Log)> _children = [];
    private readonly Lock _lock = new();
    private bool _stopping;

    /// <summary>Called with a text when a child ends that should not have.</summary>
    public event Action<string>? Died;

    /// <summary>Called with a text when a child ends that the run can do without.</summary>
    public event Action<string>? Lost;

    /// <summary>Starts a child; without a spare one the run goes on.</summary>
    public void Start(
        string name, string file, IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment = null,
        bool isSpare = false)
    {
        Directory.CreateDirectory(logDirectory);
        string log = Path.Combine(logDirectory, name + ".log");
        bool hasSession = File.Exists(SetSession);
        var start = new ProcessStartInfo(hasSession ? SetSession : file)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (string argument in hasSession ? [file, .. arguments] : arguments)
        {
            start.ArgumentList.Add(argument);
        }

        foreach (KeyValuePair<string, string> variable in environment ?? new Dictionary<string, string>())
        {
            start.Environment[variable.Key] = variable.Value;
        }

        var writer = TextWriter.Synchronized(new StreamWriter(log) { AutoFlush = true });
        var process = new Process { StartInfo = start, EnableRaisingEvents = true };
        process.OutputDataReceived += (_, line) => Write(writer, line.Data);
        process.ErrorDataReceived += (_, line) => Write(writer, line.Data);
        process.Exited += (_, _) => OnExit(name, process, log, isSpare);
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        lock (_lock)
        {
            _children.Add((name, process, log));
        }
    }

    /// <summary>Ends every child: asks, waits a little, then ends it by force.</summary>
    public void Dispose()
    {
        List<(string Name, Process Process, string Log)> children;
        lock (_lock)
        {
            _stopping = true;
            children = [.. _children];
            _children.Clear();
        }

        foreach ((_, Process process, _) in children)
        {
            Signal(process);
        }

        long started = Stopwatch.GetTimestamp();
        foreach ((_, Process process, _) in children)
        {
            TimeSpan left = TimeSpan.FromSeconds(5) - Stopwatch.GetElapsedTime(started);
            if (!process.WaitForExit(left > TimeSpan.Zero ? left : TimeSpan.Zero))
            {
                process.Kill(entireProcessTree: true);
                process.WaitForExit();
            }

            process.Dispose();
        }
    }

    private static void Write(TextWriter writer, string? line)
    {
        if (line is not null)
        {
            writer.WriteLine(line);
        }
    }

    private static void Signal(Process process)
    {
        const int terminate = 15;
        if (!process.HasExited)
        {
            // A child that ends at this very moment makes the call fail, which is what was wanted.
            _ = kill(process.Id, terminate);
        }
    }

    [LibraryImport("libc")]
    private static partial int kill(int process, int signal);

    private void OnExit(string name, Process process, string log, bool isSpare)
    {
        if (_stopping)
        {
            return;
        }

        process.WaitForExit(1_000);
        string[] last = File.Exists(log) ? File.ReadLines(log).TakeLast(8).ToArray() : [];
        string text = $"{name} ended with code {process.ExitCode}; the end of {log}:\n  {string.Join("\n  ", last)}";
        (isSpare ? Lost : Died)?.Invoke(text);
    }
}
