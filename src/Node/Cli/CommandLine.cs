using System;
using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.IO;
using System.Security.Cryptography;
using System.Threading;
using System.Threading.Tasks;

namespace AppChain.Node;

/// <summary>The command line: every verb, and what becomes of errors.</summary>
public static class CommandLine
{
    /// <summary>Runs one command; the result is the exit code of the process.</summary>
    public static async Task<int> RunAsync(string[] arguments, Shell shell, CancellationToken cancel = default)
    {
        ParseResult parsed = Build(shell).Parse(arguments);
        if (parsed.Errors.Count > 0)
        {
            foreach (ParseError error in parsed.Errors)
            {
                await shell.Error.WriteLineAsync($"error: {error.Message}").ConfigureAwait(false);
            }

            await shell.Error.WriteLineAsync($"see `{PathOf(parsed.CommandResult)} --help`").ConfigureAwait(false);
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

    private static RootCommand Build(Shell shell)
    {
        var root = new RootCommand(
            "AppChain: a derivatives chain. Run ./appchain localnet for four validators on this machine.");
        foreach (Command command in NodeCommands.Create())
        {
            root.Add(command);
        }

        root.Add(StatusCommand.Build(shell));
        root.Add(SignerCommands.Build(shell));
        root.Add(KeysCommands.Build(shell));
        root.Add(TxCommands.Build(shell));
        root.Add(QueryCommands.Build(shell));
        root.Add(VerifyProofCommand.Build(shell));
        root.Add(CheckCommands.Build(shell));
        root.Add(HsmCommands.Build(shell));
        return root;
    }

    // Errors that the user can do something about; any other is a defect and shows where it happened.
    private static int? ExitCodeOf(Exception error) => error switch
    {
        CommandException command => command.ExitCode,
        NodeUnreachableException => ExitCode.Unreachable,
        RpcException or QueryRefusedException => ExitCode.Refused,
        FormatException or IOException or UnauthorizedAccessException => ExitCode.Usage,
        CryptographicException or DllNotFoundException => ExitCode.Usage,
        TypeInitializationException { InnerException: { } inner } => ExitCodeOf(inner),
        OperationCanceledException => ExitCode.Refused,
        _ => null,
    };

    private static string PathOf(SymbolResult command)
    {
        string name = command is CommandResult result && result.Parent is not null ? result.Command.Name : "appchain";
        return command.Parent is null
            ? name
            : string.Create(CultureInfo.InvariantCulture, $"{PathOf(command.Parent)} {name}");
    }
}
