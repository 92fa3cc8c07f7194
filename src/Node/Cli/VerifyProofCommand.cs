using System;
using System.CommandLine;
using System.Globalization;
using System.IO;
using AppChain.Abci;

namespace AppChain.Node;

/// <summary>
/// <c>verify-proof</c>: checks a file of <c>query proof</c> against validators one trusts. Asks no node.
/// </summary>
internal static class VerifyProofCommand
{
    private const int HashSize = 32;

    public static Command Build(Shell shell)
    {
        var file = new Argument<string>("file")
        {
            Description = "a proof of `appchain query proof --out`; - for what is piped in",
        };
        var hash = new Option<string?>("--validators-hash")
        {
            Description = "hash of the validators you trust, in hex",
            HelpName = "HASH",
        };
        var validators = new Option<string?>("--validators")
        {
            Description = "the validators you trust: a genesis file, or the answer of the RPC method validators",
            HelpName = "FILE",
        };
        var chainId = new Option<string?>("--chain-id") { Description = "the chain it must be of" };
        var command = new Command("verify-proof", "Check a state proof against signed headers, without a node.")
        {
            file,
            hash,
            validators,
            chainId,
        };
        var output = new OutputOption(command);
        command.SetAction(parsed =>
        {
            byte[] trusted = TrustedHash(parsed.GetValue(hash), parsed.GetValue(validators));
            string path = parsed.GetValue(file)!;
            StateProofBundle bundle = Read(path == "-" ? shell.In.ReadToEnd() : File.ReadAllText(path), path);
            string? fault = parsed.GetValue(chainId) is string wanted && bundle.Header.ChainId != wanted
                ? $"it is of the chain '{bundle.Header.ChainId}', not '{wanted}'"
                : bundle.Fault(trusted);
            Print(output.Printer(parsed, shell), bundle, fault);
            return fault is null ? ExitCode.Ok : ExitCode.Refused;
        });
        return command;
    }

    private static StateProofBundle Read(string text, string path)
    {
        try
        {
            return StateProofBundle.Parse(text);
        }
        catch (FormatException cause)
        {
            throw new FormatException($"{path} is no proof: {cause.Message}", cause);
        }
    }

    private static byte[] TrustedHash(string? hash, string? path)
    {
        if ((hash is null) == (path is null))
        {
            throw new CommandException(
                "say whose signatures you trust: either --validators-hash HASH or --validators FILE (a genesis file)");
        }

        if (hash is not null)
        {
            return hash.Length == 2 * HashSize && System.Linq.Enumerable.All(hash, char.IsAsciiHexDigit)
                ? Convert.FromHexString(hash)
                : throw new CommandException($"'{hash}' is not {HashSize} bytes in hex");
        }

        return BlockHashes.Validators(TrustedValidators.ReadFile(path!)).ToByteArray();
    }

    private static void Print(Printer printer, StateProofBundle bundle, string? fault)
    {
        (Int128 signed, Int128 total) = bundle.Power();
        string height = bundle.Height.ToString(CultureInfo.InvariantCulture);
        if (printer.IsJson)
        {
            printer.Json(json =>
            {
                json.WriteStartObject();
                json.WriteBoolean("valid", fault is null);
                json.WriteString("fault", fault);
                json.WriteString("chain_id", bundle.Header.ChainId);
                json.WriteString("height", height);
                json.WriteString("key", Convert.ToHexStringLower(bundle.Key));
                json.WriteBoolean("exists", bundle.Value is not null);
                json.WriteString("value", Convert.ToHexStringLower(bundle.Value ?? []));
                json.WriteEndObject();
            });
            return;
        }

        if (fault is not null)
        {
            printer.Line($"NOT PROVEN: {fault}");
            return;
        }

        string what = bundle.Value is null ? "no such row was" : "this row was";
        printer.Line($"proven: {what} in the state of {bundle.Header.ChainId} after height {height}");
        printer.Pairs(
        [
            ("row", $"{RowText.Kind(bundle.Key)} {Convert.ToHexStringLower(bundle.Key)}"),
            .. bundle.Value is null ? [] : RowText.Of(bundle.Key, bundle.Value),
            ("app hash", $"{Convert.ToHexString(bundle.Header.AppHash.Span)}, in the header of the next height"),
            ("signed by", string.Create(CultureInfo.InvariantCulture, $"{signed:N0} of {total:N0} voting power")),
        ]);
    }
}
