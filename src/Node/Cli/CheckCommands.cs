using System;
using System.Collections.Generic;
using System.CommandLine;
using System.Globalization;
using System.IO;
using AppChain.Hsm;

namespace AppChain.Node;

/// <summary><c>check …</c>: runs files of public test data against this build. Ends with 1 on a disagreement.</summary>
internal static class CheckCommands
{
    private const int DisagreementsPrintedMax = 20;

    private static readonly IReadOnlyDictionary<string, int> NoNotes = new Dictionary<string, int>();

    /// <summary>What a run of any kind gave.</summary>
    private sealed record Outcome(
        int Cases,
        int Agreed,
        IReadOnlyList<string> Disagreements,
        IReadOnlyDictionary<string, int> SkipReasons,
        IReadOnlyDictionary<string, int> Notes);

    public static Command Build(Shell shell)
    {
        var check = new Command("check", "Run public test data against this build.");
        var output = new OutputOption(check);
        check.Add(Vectors(shell, output));
        check.Add(OrderFlow(shell, output));
        return check;
    }

    private static Command Vectors(Shell shell, OutputOption output)
    {
        var kind = new Option<string>("--kind") { Description = "what the vectors are of", Required = true };
        kind.AcceptOnlyFromAmong("ecdsa-secp256k1", "ed25519", "x25519", "chacha20-poly1305", "ics23");
        var file = new Argument<string>("file") { Description = "Wycheproof or ICS-23 JSON, plain or .gz" };
        var command = new Command(
            "vectors", "Test vectors of signatures, key exchange, encryption and proofs.") { kind, file };
        command.SetAction(parsed =>
        {
            string path = parsed.GetValue(file)!;
            Outcome outcome;
            try
            {
                outcome = parsed.GetRequiredValue(kind) switch
                {
                    "ecdsa-secp256k1" => Of(WycheproofVectors.RunEcdsaSecp256k1(path)),
                    "ed25519" => Of(WycheproofVectors.RunEd25519(path)),
                    "x25519" => Of(WycheproofVectors.RunX25519(path)),
                    "chacha20-poly1305" => Of(WycheproofVectors.RunChaCha20Poly1305(path)),
                    _ => Of(Ics23Vectors.Run(path)),
                };
            }
            catch (InvalidDataException cause)
            {
                throw new FormatException(cause.Message, cause);
            }

            return Print(output.Printer(parsed, shell), outcome);
        });
        return command;
    }

    private static Command OrderFlow(Shell shell, OutputOption output)
    {
        var format = new Option<string>("--format") { Description = "lobster or bitstamp", Required = true };
        format.AcceptOnlyFromAmong("lobster", "bitstamp");
        var messages = new Option<string>("--messages")
        {
            Description = "LOBSTER message file, or Bitstamp level-3 orders; plain or .gz",
            Required = true,
        };
        var book = new Option<string?>("--book")
        {
            Description = "LOBSTER book file, or Bitstamp top of book; compared with ours after each message",
        };
        var command = new Command("orderflow", "Recorded order flow, replayed through the chain's book.")
        {
            format, messages, book,
        };
        command.SetAction(parsed =>
        {
            string path = parsed.GetRequiredValue(messages);
            FlowReport report = parsed.GetRequiredValue(format) == "lobster"
                ? LobsterReplay.Run(path, parsed.GetValue(book))
                : BitstampReplay.Run(path, parsed.GetValue(book));
            return Print(
                output.Printer(parsed, shell),
                new Outcome(report.Cases, report.Agreed, report.Disagreements, report.SkipReasons, report.Notes));
        });
        return command;
    }

    private static Outcome Of(VectorReport report) =>
        new(report.Cases, report.Agreed, report.Disagreements, report.SkipReasons, NoNotes);

    private static Outcome Of(Ics23VectorResult result)
    {
        var reasons = new SortedDictionary<string, int>(StringComparer.Ordinal);
        foreach ((_, string why) in result.Skipped)
        {
            reasons[why] = reasons.GetValueOrDefault(why) + 1;
        }

        return new Outcome(result.Cases, result.Agreed, result.Disagreed, reasons, NoNotes);
    }

    // A file without a single case that could be judged shows nothing, so it is no success either.
    private static int Print(Printer printer, Outcome outcome)
    {
        int exitCode = outcome.Disagreements.Count == 0 && outcome.Agreed > 0 ? ExitCode.Ok : ExitCode.Refused;
        int skipped = outcome.Cases - outcome.Agreed - outcome.Disagreements.Count;
        if (printer.IsJson)
        {
            PrintJson(printer, outcome, skipped);
            return exitCode;
        }

        printer.Line(string.Create(
            CultureInfo.InvariantCulture,
            $"{outcome.Cases:N0} cases: {outcome.Agreed:N0} agreed, {outcome.Disagreements.Count:N0} disagreed, "
            + $"{skipped:N0} skipped"));
        foreach ((string reason, int count) in outcome.SkipReasons)
        {
            printer.Line(string.Create(CultureInfo.InvariantCulture, $"{count,9:N0}  skipped: {reason}"));
        }

        foreach ((string what, int count) in outcome.Notes)
        {
            printer.Line(string.Create(CultureInfo.InvariantCulture, $"{count,9:N0}  {what}"));
        }

        for (int i = 0; i < outcome.Disagreements.Count && i < DisagreementsPrintedMax; i++)
        {
            printer.Line($"  disagreed: {outcome.Disagreements[i]}");
        }

        if (outcome.Disagreements.Count > DisagreementsPrintedMax)
        {
            printer.Line("  and more; --output json lists them all");
        }

        if (outcome.Agreed + outcome.Disagreements.Count == 0)
        {
            printer.Line("the file has no case that this check can judge: is it of another kind?");
        }

        return exitCode;
    }

    private static void PrintJson(Printer printer, Outcome outcome, int skipped) => printer.Json(json =>
    {
        json.WriteStartObject();
        json.WriteNumber("cases", outcome.Cases);
        json.WriteNumber("agreed", outcome.Agreed);
        json.WriteNumber("disagreed", outcome.Disagreements.Count);
        json.WriteNumber("skipped", skipped);
        WriteCounts("skip_reasons", outcome.SkipReasons);
        WriteCounts("notes", outcome.Notes);
        json.WriteStartArray("disagreements");
        foreach (string one in outcome.Disagreements)
        {
            json.WriteStringValue(one);
        }

        json.WriteEndArray();
        json.WriteEndObject();

        void WriteCounts(string name, IReadOnlyDictionary<string, int> counts)
        {
            json.WriteStartObject(name);
            foreach ((string reason, int count) in counts)
            {
                json.WriteNumber(reason, count);
            }

            json.WriteEndObject();
        }
    });
}
