using System;
using System.Collections.Generic;
using System.CommandLine;
using System.IO;
using System.Runtime.InteropServices;
using System.Threading;

namespace AppChain.Node;

/// <summary><c>validator</c>: keeps application, signer and CometBFT of one validator running.</summary>
internal static class ValidatorCommand
{
    private const string BinaryVariable = "COMETBFT_BIN";

    public static Command Build(Shell shell)
    {
        var home = new Option<DirectoryInfo>("--home")
        {
            Description = "home directory of the validator",
            Required = true,
        };
        var binary = new Option<string?>("--cometbft")
        {
            Description = "binary of CometBFT; default: COMETBFT_BIN, or found on PATH",
            HelpName = "FILE",
        };
        var command = new Command(
            "validator",
            "Runs application, signer and CometBFT of one validator and restarts what ends "
            + "(docs/operating/supervision.md).")
        {
            home, binary,
        };
        command.SetAction(
            parsed => Run(parsed.GetRequiredValue(home).FullName, Checked(parsed.GetValue(binary) ?? Find()), shell));
        return command;
    }

    private static int Run(string home, string binary, Shell shell)
    {
        var error = TextWriter.Synchronized(shell.Error);
        try
        {
            using var stop = new CancellationTokenSource();
            using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
            using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
            IReadOnlyList<SupervisedPart> parts = ValidatorParts.Of(home, binary, Program());
            using FileStream mine = Lock(home);
            return new Supervisor(parts, new RestartPolicy(), error.WriteLine).RunAsync(stop.Token).GetAwaiter()
                .GetResult();

            void Stop(PosixSignalContext signal)
            {
                signal.Cancel = true;
                error.WriteLine("stopping: CometBFT, application, signer");
                stop.Cancel();
            }
        }
        catch (Exception problem) when (problem is ConfigException or FormatException or IOException)
        {
            error.WriteLine($"appchain: {problem.Message}");
            return 1;
        }
    }

    // Two supervisors of one home would take the sockets and ports from each other's parts.
    private static FileStream Lock(string home)
    {
        string file = Path.Combine(home, "validator.lock");
        try
        {
            return new FileStream(file, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException held) when (File.Exists(file))
        {
            throw new IOException($"another validator runs in {home}; stop it, or give another --home", held);
        }
    }

    private static string Checked(string binary) => !binary.Contains('/') || File.Exists(binary)
        ? binary
        : throw new CommandException(
            $"there is no file {binary}; name the binary of CometBFT with --cometbft FILE or in {BinaryVariable}");

    private static string Find()
    {
        if (Environment.GetEnvironmentVariable(BinaryVariable) is { Length: > 0 } named)
        {
            return named;
        }

        foreach (string folder in (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator))
        {
            string candidate = Path.Combine(folder, "cometbft");
            if (File.Exists(candidate))
            {
                return candidate;
            }
        }

        throw new CommandException($"no cometbft on PATH; name the binary with --cometbft FILE or in {BinaryVariable}");
    }

    // This program again: through the host when it was started so.
    private static string[] Program()
    {
        string program = Environment.ProcessPath ?? "dotnet";
        return Path.GetFileName(program) == "dotnet"
            ? [program, typeof(ValidatorCommand).Assembly.Location]
            : [program];
    }
}
