using System;
using System.IO;
using System.Text;

namespace AppChain.Node;

/// <summary>What a command sees of the shell that started it. Tests give it other streams and variables.</summary>
public sealed class Shell
{
    /// <summary>Answers go here.</summary>
    public required TextWriter Out { get; init; }

    /// <summary>Errors and questions go here.</summary>
    public required TextWriter Error { get; init; }

    /// <summary>What is piped in.</summary>
    public required TextReader In { get; init; }

    /// <summary>Value of an environment variable; null when it is not set or empty.</summary>
    public required Func<string, string?> Variable { get; init; }

    /// <summary>Asks for a secret on the terminal without showing it; null when there is no terminal.</summary>
    public required Func<string, string>? AskSecret { get; init; }

    /// <summary>The shell of this process.</summary>
    public static Shell OfProcess() => new()
    {
        Out = Console.Out,
        Error = Console.Error,
        In = Console.In,
        Variable = name => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null,
        AskSecret = Console.IsInputRedirected ? null : ReadSecret,
    };

    private static string ReadSecret(string question)
    {
        Console.Error.Write(question);
        var secret = new StringBuilder();
        // BOUND: ends at the return key.
        while (true)
        {
            ConsoleKeyInfo key = Console.ReadKey(intercept: true);
            if (key.Key == ConsoleKey.Enter)
            {
                Console.Error.WriteLine();
                return secret.ToString();
            }

            if (key.Key == ConsoleKey.Backspace)
            {
                secret.Length = Math.Max(0, secret.Length - 1);
            }
            else if (key.KeyChar >= ' ')
            {
                secret.Append(key.KeyChar);
            }
        }
    }
}

/// <summary>What the process ends with.</summary>
public static class ExitCode
{
    /// <summary>Done.</summary>
    public const int Ok = 0;

    /// <summary>The chain refused, or a check failed.</summary>
    public const int Refused = 1;

    /// <summary>The command line, a file or the machine is not as it must be.</summary>
    public const int Usage = 2;

    /// <summary>No node answers.</summary>
    public const int Unreachable = 3;

    /// <summary>A device refused the PIN. Whoever tries the same again may lock the device.</summary>
    public const int PinRefused = 4;
}

/// <summary>Ends a command with a message that says what to do.</summary>
public sealed class CommandException(string message, int exitCode = ExitCode.Usage) : Exception(message)
{
    /// <summary>One of <see cref="ExitCode"/>.</summary>
    public int ExitCode { get; } = exitCode;
}
