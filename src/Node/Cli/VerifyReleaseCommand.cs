using System;
using System.CommandLine;
using System.IO;
using AppChain.Abci;

namespace AppChain.Node;

/// <summary><c>verify-release</c>: checks a release against guardians one trusts. Asks no node.</summary>
internal static class VerifyReleaseCommand
{
    public static Command Build(Shell shell)
    {
        var file = new Argument<string>("file")
        {
            Description = "the answer of `appchain query release ID --output json`; - for what is piped in",
        };
        var guardians = new Option<string>("--guardians")
        {
            Description = "the guardians you trust: an answer of `appchain query council guardians --output json`",
            HelpName = "FILE",
            Required = true,
        };
        var chainId = new Option<string?>("--chain-id") { Description = "the chain it must be of" };
        var at = new Option<string?>("--at")
        {
            Description = "the time at which it must hold, such as 2025-10-10T21:00:00Z (default: now)",
            HelpName = "TIME",
        };
        var command = new Command("verify-release", "Check a release signed by guardians, without a node.")
        {
            file, guardians, chainId, at,
        };
        var output = new OutputOption(command);
        command.SetAction(parsed =>
        {
            V1.ReleaseResponse release = Read<V1.ReleaseResponse>(shell, parsed.GetValue(file)!, "release");
            V1.CouncilResponse council = Read<V1.CouncilResponse>(
                shell, parsed.GetRequiredValue(guardians), "list of guardians");
            long now = parsed.GetValue(at) is string time
                ? OperationReader.ParseTime("at", time)
                : WireTime.Now;
            string? fault = parsed.GetValue(chainId) is string wanted && release.ChainId != wanted
                ? $"it is of the chain '{release.ChainId}', not '{wanted}'"
                : ReleaseFile.Fault(release, council, now);
            Print(output.Printer(parsed, shell), release, council, fault);
            return fault is null ? ExitCode.Ok : ExitCode.Refused;
        });
        return command;
    }

    private static T Read<T>(Shell shell, string path, string what)
        where T : Google.Protobuf.IMessage, new()
    {
        try
        {
            return ReleaseFile.Parse<T>(path == "-" ? shell.In.ReadToEnd() : File.ReadAllText(path));
        }
        catch (FormatException cause)
        {
            throw new FormatException($"{path} is no {what}: {cause.Message}", cause);
        }
    }

    private static void Print(Printer printer, V1.ReleaseResponse release, V1.CouncilResponse council, string? fault)
    {
        if (printer.IsJson)
        {
            printer.Json(json =>
            {
                json.WriteStartObject();
                json.WriteBoolean("valid", fault is null);
                json.WriteString("fault", fault);
                json.WriteString("chain_id", release.ChainId);
                json.WriteString("withdrawal_id", QueryText.Number(release.WithdrawalId));
                json.WriteString("amount", release.Amount);
                json.WriteString("destination", release.Destination);
                json.WriteEndObject();
            });
            return;
        }

        printer.Line(fault is null
            ? $"valid: {release.Signatures.Count} guardians have signed, of whom it takes {council.Threshold}"
            : $"NOT VALID: {fault}");
        printer.Pairs(ReleaseFile.Words(release));
        if (fault is null)
        {
            printer.Line("pay this withdrawal once, whatever else carries its number");
        }
    }
}
