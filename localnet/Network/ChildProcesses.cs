using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Threading;
using AppChain.Node;

namespace AppChain.Localnet;

/// <summary>
/// The processes of a run: started with their output in a log file each, watched, and ended together. Our own children
/// also end when their standard input does, so they do not outlive this process even when it is killed; CometBFT ends
/// when its application does.
/// </summary>
internal sealed class ChildProcesses(string logDirectory) : IDisposable
{
    private readonly Dictionary<string, ChildProcess> _children = [];
    private readonly HashSet<ChildProcess> _expected = [];
    private readonly HashSet<string> _spare = [];
    private readonly Lock _lock = new();
    private bool _stopping;

    /// <summary>Called with a text when a child ends that should not have.</summary>
    public event Action<string>? Died;

    /// <summary>Called with a text when a child ends that the run can do without.</summary>
    public event Action<string>? Lost;

    /// <summary>Starts a child; without a spare one the run goes on.</summary>
    public void Start(
        string name, string file, IEnumerable<string> arguments,
        IReadOnlyDictionary<string, string>? environment = null, bool isSpare = false)
    {
        if (isSpare)
        {
            _spare.Add(name);
        }

        Start(new ChildCommand(name, file, [.. arguments]) { Environment = environment });
    }

    /// <summary>The running process of a child.</summary>
    public ChildProcess Child(string name)
    {
        lock (_lock)
        {
            return _children[name];
        }
    }

    /// <summary>The end of these children, as they run now, is no problem.</summary>
    public void Expect(params string[] names)
    {
        lock (_lock)
        {
            _expected.UnionWith(names.Select(name => _children[name]));
        }
    }

    /// <summary>The end of these children is a problem again.</summary>
    public void Forget(params string[] names)
    {
        lock (_lock)
        {
            _expected.ExceptWith(names.Select(name => _children[name]));
        }
    }

    /// <summary>Starts a child that has ended, as it was started before.</summary>
    public void Restart(string name)
    {
        ChildCommand command;
        lock (_lock)
        {
            _children.Remove(name, out ChildProcess? old);
            command = old!.Command;
        }

        Start(command);
    }

    /// <summary>Ends every child: asks, waits a little, then ends it by force.</summary>
    public void Dispose()
    {
        List<ChildProcess> children;
        lock (_lock)
        {
            _stopping = true;
            children = [.. _children.Values];
            _children.Clear();
        }

        children.ForEach(static child => child.Ask());
        long started = Stopwatch.GetTimestamp();
        foreach (ChildProcess child in children)
        {
            child.WaitOrKill(TimeSpan.FromSeconds(5) - Stopwatch.GetElapsedTime(started));
            child.Dispose();
        }
    }

    private void Start(ChildCommand command)
    {
        Directory.CreateDirectory(logDirectory);
        string log = Path.Combine(logDirectory, command.Name + ".log");
        LogFile file;
        ChildProcess child;
        lock (_lock)
        {
            if (_stopping)
            {
                // Nobody would end it.
                throw new OperationCanceledException("the run ends");
            }

            file = new LogFile(log);
            child = new ChildProcess(command, file.Write);
            _children.Add(command.Name, child);
        }

        _ = child.Ended.ContinueWith(
            ended =>
            {
                file.Dispose();
                OnExit(child, ended.Result, log);
            },
            System.Threading.Tasks.TaskScheduler.Default);
    }

    private void OnExit(ChildProcess child, int code, string log)
    {
        lock (_lock)
        {
            if (_stopping || _expected.Contains(child))
            {
                return;
            }
        }

        string[] last = File.Exists(log) ? File.ReadLines(log).TakeLast(8).ToArray() : [];
        string name = child.Command.Name;
        (_spare.Contains(name) ? Lost : Died)?.Invoke(
            $"{name} ended with code {code}; the end of {log}:\n  {string.Join("\n  ", last)}");
    }

    /// <summary>Output of a child; lines that come after its end are lost.</summary>
    private sealed class LogFile(string path) : IDisposable
    {
        private readonly StreamWriter _writer = new(path, append: true) { AutoFlush = true };
        private readonly Lock _lock = new();
        private bool _isClosed;

        public void Write(string line)
        {
            lock (_lock)
            {
                if (!_isClosed)
                {
                    _writer.WriteLine(line);
                }
            }
        }

        public void Dispose()
        {
            lock (_lock)
            {
                _isClosed = true;
                _writer.Dispose();
            }
        }
    }
}
