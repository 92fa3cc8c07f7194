using System;
using System.Collections.Immutable;

namespace AppChain.Node;

/// <summary>How much a node says on standard error. Each level includes those before it.</summary>
public enum LogLevel
{
    /// <summary>Only the start, and what ends the node or a connection.</summary>
    Error,

    /// <summary>Genesis, a line a block, refused proposals.</summary>
    Info,

    /// <summary>Also the prices of each vote and the transactions that CheckTx refuses.</summary>
    Debug,
}

/// <summary>Lines about what a node does, for its operator. Nothing reads them back.</summary>
public sealed class NodeLog(LogLevel level, Action<string> write)
{
    /// <summary>The words for the levels, in their order.</summary>
    public static ImmutableArray<string> Levels { get; } = ["error", "info", "debug"];

    /// <summary>Says nothing.</summary>
    public static NodeLog Silent { get; } = new(LogLevel.Error, static _ => { });

    /// <summary>Lines of <see cref="Debug"/> are written, so that it is worth making them.</summary>
    public bool IsDebug { get; } = level >= LogLevel.Debug;

    /// <summary>Lines of <see cref="Info"/> are written, so that it is worth making them.</summary>
    public bool IsInfo { get; } = level >= LogLevel.Info;

    /// <summary>What ends the node or a connection.</summary>
    public void Error(string line) => write(line);

    /// <summary>What an operator watches.</summary>
    public void Info(string line)
    {
        if (IsInfo)
        {
            write(line);
        }
    }

    /// <summary>What helps to find out why.</summary>
    public void Debug(string line)
    {
        if (IsDebug)
        {
            write(line);
        }
    }
}
