using System;
using System.IO;
using System.Threading;

namespace AppChain.Node;

/// <summary>Tells a child process that its parent is gone: the pipe to its standard input has closed.</summary>
public static class StandardInput
{
    /// <summary>Calls once when standard input ends; what comes before is thrown away.</summary>
    public static void WhenEnded(Action ended)
    {
        var thread = new Thread(() =>
        {
            using Stream input = Console.OpenStandardInput();
            Span<byte> ignored = stackalloc byte[64];
            while (input.Read(ignored) > 0)
            {
            }

            ended();
        })
        {
            IsBackground = true,
            Name = "standard input",
        };
        thread.Start();
    }
}
