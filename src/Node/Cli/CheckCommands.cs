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
    /// <summary>What a run of any kind gave.</summary>
    private sealed record Outcome(
        int Cases, int Agreed, IReadOnlyList<string> Disagreements, IReadOnlyDictionary<string, int> SkipReasons);

    public static Command Build(Shell shell)
    {
        var check = new Command("check", "Run public test data against this build.");
        var output = new OutputOption(check);
        check.Add(Vectors(shell, output));
        return check;
    }

    private static Command Vectors(Shell shell, OutputOption output)
    {
        var kind = new Option<string>("--kind") { Description = "what the vectors are of", Required = true };
        kind.AcceptOnlyFromAmong("ecdsa-secp256k1", "ed25519", "ics23");
        var file = new Argument<string>("file") { Description = "Wycheproof or ICS-23 JSON, plain or .gz" };
        var command = new Command("vectors", "Test vectors of signatures and proofs.") { kind, file };
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
                    _ => Of(Ics23Vectors.Run(path)),
                };
            }
            catch (InvalidDataException cause)
            {
                throw new FormatException(cause.Message, cause);
            }

            Print(output.Printer(parsed, shell), outcome);
            return outcome.Disagreements.Count == 0 && outcome.Cases > 0 ? ExitCode.Ok : ExitCode.Refused;
        });
        return command;
    }

    private static Outcome Of(VectorReport report) =>
        new(report.Cases, report.Agreed, report.Disagreements, report.SkipReasons);

    private static Outcome Of(Ics23VectorResult result)
    {
        var reasons = new SortedDictionary<string, int>(StringComparer.Ordinal);
        foreach ((_, string why) in result.Skipped)
        {
            reasons[why] = reasons.GetValueOrDefault(why) + 1;
        }

        return new Outcome(result.Cases, result.Agreed, result.Disagreed, reasons);
    }

    private static void Print(Printer printer, Outcome outcome)
    {
        int skipped = outcome.Cases - outcome.Agreed - outcome.Disagreements.Count;
        if (printer.IsJson)
        {
            printer.Json(json =>
            {
                json.WriteStartObject();
                json.WriteNumber("cases", outcome.Cases);
                json.WriteNumber("agreed", outcome.Agreed);
                json.WriteNumber("disagreed", outcome.Disagreements.Count);
                json.WriteNumber("skipped", skipped);
                json.WriteStartObject("skip_reasons");
                foreach ((string reason, int count) in outcome.SkipReasons)
                {
                    json.WriteNumber(reason, count);
                }

                json.WriteEndObject();
                json.WriteStartArray("disagreements");
                foreach (string one in outcome.Disagreements)
                {
                    json.WriteStringValue(one);
                }

                json.WriteEndArray();
                json.WriteEndObject();
            });
            return;
        }

        printer.Line(string.Create(
            CultureInfo.InvariantCulture,
            $"{outcome.Cases} cases: {outcome.Agreed} agreed, {outcome.Disagreements.Count} disagreed, {skipped} skipped"));
        foreach ((string reason, int count) in outcome.SkipReasons)
        {
            printer.Line(string.Create(CultureInfo.InvariantCulture, $"  skipped {count}: {reason}"));
        }

        foreach (string one in outcome.Disagreements)
        {
            printer.Line($"  disagreed: {one}");
        }

        if (outcome.Cases == 0)
        {
            printer.Line("the file has no case that this kind knows");
        }
    }
}
