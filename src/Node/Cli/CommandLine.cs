using System;
using System.Collections.Generic;
using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Parsing;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Security.Cryptography;
using System.Threading;
using System.Threading.Tasks;
using AppChain.Hsm;

namespace AppChain.Node;

/// <summary>The command line: every verb, and what becomes of errors.</summary>
public static class CommandLine
{
    private const string Name = "appchain";

    /// <summary>Runs one command; the result is the exit code of the process.</summary>
    public static async Task<int> RunAsync(string[] arguments, Shell shell, CancellationToken cancel = default)
    {
        ParseResult parsed = Build(shell).Parse(arguments);
        if (parsed.Errors.Count > 0)
        {
            foreach (string line in ParseProblems.Of(parsed))
            {
                await shell.Error.WriteLineAsync(line).ConfigureAwait(false);
            }

            return ExitCode.Usage;
        }

        var invocation = new InvocationConfiguration
        {
            Output = shell.Out,
            Error = shell.Error,
            EnableDefaultExceptionHandler = false,
        };
        try
        {
            return await parsed.InvokeAsync(invocation, cancel).ConfigureAwait(false);
        }
        catch (Exception error) when (ExitCodeOf(error) is int code)
        {
            await shell.Error.WriteLineAsync($"error: {error.Message}").ConfigureAwait(false);
            return code;
        }
    }

    private static Command Build(Shell shell)
    {
        var root = new Command(
            Name, "AppChain: a derivatives chain. Run ./appchain localnet for four validators on this machine.")
        {
            new HelpOption(), new VersionOption(),
        };
        foreach (Command command in NodeCommands.Create())
        {
            root.Add(command);
        }

        foreach (Command command in StateCommands.Create(shell))
        {
            root.Add(command);
        }

        root.Add(ValidatorCommand.Build(shell));
        root.Add(StatusCommand.Build(shell));
        root.Add(SignerCommands.Build(shell));
        root.Add(KeysCommands.Build(shell));
        root.Add(TxCommands.Build(shell));
        root.Add(QueryCommands.Build(shell));
        root.Add(VerifyProofCommand.Build(shell));
        root.Add(GuardianCommand.Build(shell));
        root.Add(VerifyReleaseCommand.Build(shell));
        root.Add(CheckCommands.Build(shell));
        root.Add(HsmCommands.Build(shell));
        return root;
    }

    // Errors that the user can do something about; any other is a defect and shows where it happened.
    private static int? ExitCodeOf(Exception error) => error switch
    {
        CommandException command => command.ExitCode,
        Pkcs11Exception { IsPinRefusal: true } => ExitCode.PinRefused,
        NodeUnreachableException => ExitCode.Unreachable,
        RpcException or QueryRefusedException or NotProvenException => ExitCode.Refused,
        FormatException or IOException or UnauthorizedAccessException => ExitCode.Usage,
        CryptographicException or DllNotFoundException => ExitCode.Usage,
        TypeInitializationException { InnerException: { } inner } => ExitCodeOf(inner),
        OperationCanceledException => ExitCode.Refused,
        _ => null,
    };
}
