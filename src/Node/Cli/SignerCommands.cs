using System;
using System.Collections.Generic;
using System.CommandLine;
using System.Globalization;
using System.IO;
using System.Runtime.InteropServices;
using System.Threading;
using AppChain.Hsm;

namespace AppChain.Node;

/// <summary><c>signer</c>: signs for validators until it is stopped; <c>signer …</c>: its files.</summary>
internal static class SignerCommands
{
    public static Command Build(Shell shell)
    {
        var file = new Option<string?>("--config")
        {
            Description = "configuration file (docs/configuration.md)",
            HelpName = "FILE",
        };
        var chain = new Option<string?>("--chain")
        {
            Description = "without --config: the chain to sign for",
            HelpName = "ID",
        };
        var key = new Option<string?>("--key")
        {
            Description = "its key: a file, or pkcs11:token=LABEL;key=LABEL;pin-file=FILE",
            HelpName = "PLACE",
        };
        var state = new Option<string?>("--state") { Description = "its sign state", HelpName = "FILE" };
        var audit = new Option<string?>("--audit") { Description = "its audit log", HelpName = "FILE" };
        var engine = new Option<string[]>("--engine")
        {
            Description = "priv_validator_laddr of its engine; may be given several times",
            HelpName = "ADDRESS",
            DefaultValueFactory = _ => [],
        };
        var create = new Option<bool>("--create-state")
        {
            Description = "a missing sign state belongs to a key that has never signed: begin one",
        };
        var trust = new Option<bool>("--trust-own-state")
        {
            Description = "one of three signers: this machine's state is its newest; do not wait for both others",
        };
        var older = new Option<bool>("--accept-older-state")
        {
            Description = "the sign state is older than the audit log: go on after the audit log",
        };
        var untilEof = new Option<bool>("--until-eof") { Description = "stop when standard input ends", Hidden = true };
        var command = new Command("signer", "Signs for validators with keys that stay here, and never twice.")
        {
            file, chain, key, state, audit, engine, create, trust, older, untilEof,
        };
        command.SetAction(parsed =>
        {
            SignerConfig config = parsed.GetValue(file) is { } path
                ? SignerConfig.Read(path)
                : FromOptions(
                    parsed.GetValue(chain), parsed.GetValue(key), parsed.GetValue(state), parsed.GetValue(audit),
                    parsed.GetValue(engine)!);
            var start = new SignerStart(parsed.GetValue(create), parsed.GetValue(trust), parsed.GetValue(older));
            return Run(config, start, parsed.GetValue(untilEof), shell);
        });
        command.Add(Audit(shell));
        command.Add(State(shell));
        command.Add(Identity(shell));
        return command;
    }

    private static SignerConfig FromOptions(string? chain, string? key, string? state, string? audit, string[] engines)
    {
        if (chain is null || key is null || state is null || engines.Length == 0)
        {
            throw new CommandException("give --config FILE, or all of --chain, --key, --state and --engine");
        }

        return new SignerConfig
        {
            Chains =
            [
                new SignerChain { ChainId = chain, Key = key, State = state, Audit = audit ?? "", Engines = engines },
            ],
        };
    }

    private static int Run(SignerConfig config, SignerStart start, bool untilEof, Shell shell)
    {
        var error = TextWriter.Synchronized(shell.Error);
        using var stop = new CancellationTokenSource();
        using var process = new SignerProcess(
            config, start, place => KeyPlace.Open(place, shell.AskSecret), error.WriteLine);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        if (untilEof)
        {
            StandardInput.WhenEnded(stop.Cancel);
        }

        error.WriteLine($"signing for {string.Join(", ", ChainsOf(config))}");
        process.Run(stop.Token);
        return ExitCode.Ok;

        void Stop(PosixSignalContext signal)
        {
            signal.Cancel = true;
            stop.Cancel();
        }
    }

    private static IEnumerable<string> ChainsOf(SignerConfig config)
    {
        foreach (SignerChain chain in config.Chains)
        {
            yield return chain.ChainId;
        }
    }

    private static Command Audit(Shell shell)
    {
        var file = new Argument<string>("file") { Description = "an audit log" };
        var after = new Option<string?>("--after")
        {
            Description = "hash of the last line that was taken away with earlier files",
            HelpName = "HASH",
        };
        var verify = new Command(
            "verify", "Checks every line of an audit log, full files first; ends with 1 when one is not right.")
        {
            file, after,
        };
        var audit = new Command("audit", "The log of everything signed or refused.") { verify };
        var output = new OutputOption(audit);
        verify.SetAction(parsed =>
        {
            string path = parsed.GetValue(file)!;
            AuditCheck check = AuditLog.Verify(path, parsed.GetValue(after));
            int files = AuditLog.FullFiles(path).Count + 1;
            Printer printer = output.Printer(parsed, shell);
            if (printer.IsJson)
            {
                printer.Json(json =>
                {
                    json.WriteStartObject();
                    json.WriteBoolean("is_right", check.Fault is null);
                    json.WriteNumber("files", files);
                    json.WriteNumber("first_line", check.First);
                    json.WriteNumber("lines", check.Lines);
                    json.WriteString("last_hash", check.Hash);
                    json.WriteString("fault", check.Fault ?? "");
                    json.WriteString("file", check.File);
                    json.WriteEndObject();
                });
            }
            else
            {
                printer.Line(string.Create(
                    CultureInfo.InvariantCulture,
                    $"{check.Lines} lines from {check.First} on, in {files} file{(files == 1 ? "" : "s")}, are right; "
                    + $"the last has hash {check.Hash}"));
                printer.Line(check.Fault is null
                    ? "compare number and hash with a copy kept elsewhere: lines cut off at the end leave no trace in "
                        + "the file"
                    : $"{check.File}: {check.Fault}");
            }

            return check.Fault is null ? ExitCode.Ok : ExitCode.Refused;
        });
        return audit;
    }

    private static Command State(Shell shell)
    {
        var file = new Argument<string>("file") { Description = "a sign state" };
        var show = new Command("show", "Prints what was signed last.") { file };
        var output = new OutputOption(show);
        show.SetAction(parsed => Show(parsed.GetValue(file)!, output.Printer(parsed, shell)));
        var height = new Option<long>("--height")
        {
            Description = "first height that may be signed: above everything the key may have signed",
            Required = true,
        };
        var raise = new Command(
            "raise",
            "Replaces a state that is damaged, lost or too old; nothing below the height will be "
            + "signed.") { file, height };
        raise.SetAction(parsed =>
        {
            if (parsed.GetRequiredValue(height) < 1)
            {
                throw new CommandException("--height is at least 1");
            }

            SignStateFile.Raise(parsed.GetValue(file)!, parsed.GetRequiredValue(height)).Dispose();
            shell.Out.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"signs from height {parsed.GetRequiredValue(height)}"));
            return ExitCode.Ok;
        });
        return new Command("state", "The state that keeps a key from signing twice.") { show, raise };
    }

    private static int Show(string file, Printer printer)
    {
        using SignStateFile opened = SignStateFile.Open(file);
        SignState state = opened.State;
        if (printer.IsJson)
        {
            printer.Json(json =>
            {
                json.WriteStartObject();
                json.WriteNumber("height", state.Height);
                json.WriteNumber("round", state.Round);
                json.WriteString("step", state.Step.ToString());
                json.WriteEndObject();
            });
        }
        else
        {
            printer.Line(string.Create(
                CultureInfo.InvariantCulture, $"height {state.Height}, round {state.Round}, {state.Step}"));
        }

        return ExitCode.Ok;
    }

    private static Command Identity(Shell shell)
    {
        var file = new Argument<string>("file")
        {
            Description = "file of the identity key; made when it does not exist",
        };
        var command = new Command("identity", "Prints the identity that the other signers are told of.") { file };
        command.SetAction(parsed =>
        {
            string path = parsed.GetValue(file)!;
            using SoftwareKey key = File.Exists(path) ? SoftwareKey.Load(path) : SoftwareKey.Create(path);
            shell.Out.WriteLine(Convert.ToHexStringLower(key.PublicKey.Span));
            return ExitCode.Ok;
        });
        return command;
    }
}
