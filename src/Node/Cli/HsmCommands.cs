using System;
using System.Collections.Generic;
using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Security.Cryptography;
using AppChain.Abci;
using AppChain.Hsm;

namespace AppChain.Node;

/// <summary><c>hsm init|keygen|list|show|sign-test|bench</c>: keys in PKCS#11 devices.</summary>
internal static class HsmCommands
{
    public static Command Build(Shell shell)
    {
        var hsm = new Command("hsm", "Make and examine keys in a PKCS#11 device.");
        var device = new DeviceOptions(hsm);
        var output = new OutputOption(hsm);
        hsm.Add(Init(shell, device, output));
        hsm.Add(KeyGen(shell, device, output));
        hsm.Add(List(shell, device, output));
        hsm.Add(Show(shell, device, output));
        hsm.Add(SignTest(shell, device, output));
        hsm.Add(Bench(shell, device, output));
        return hsm;
    }

    private static Command Init(Shell shell, DeviceOptions device, OutputOption output)
    {
        var officer = new Option<string?>("--so-pin-file")
        {
            Description = "file with the PIN of the security officer (else APPCHAIN_HSM_SO_PIN, else asked)",
        };
        var command = new Command(
            "init", "Initialise a free token: label, security officer's PIN, user PIN.") { officer };
        command.SetAction(parsed =>
        {
            string officerPin = PinSource.Read(shell, parsed.GetValue(officer), "APPCHAIN_HSM_SO_PIN", "--so-pin-file",
                "PIN of the security officer: ");
            Pkcs11Token token = device.Module(parsed).InitializeToken(
                device.Label(parsed), officerPin, device.Pin(parsed, shell)());
            Printer printer = output.Printer(parsed, shell);
            if (printer.IsJson)
            {
                printer.Json(json =>
                {
                    json.WriteStartObject();
                    json.WriteString("token", token.Label);
                    json.WriteString("serial", token.Serial);
                    json.WriteEndObject();
                });
                return;
            }

            printer.Line($"token '{token.Label}', serial number {token.Serial}, is ready");
            printer.Line($"next: ./appchain hsm keygen --token {token.Label} --type ed25519 --label consensus");
        });
        return command;
    }

    private static Command KeyGen(Shell shell, DeviceOptions device, OutputOption output)
    {
        var type = new Option<string>("--type")
        {
            Description = "ed25519 (consensus) or secp256k1 (accounts, vault)",
            Required = true,
        };
        type.AcceptOnlyFromAmong("ed25519", "secp256k1");
        Option<string> label = KeyLabel();
        var command = new Command("keygen", "Make a key inside the device; it never leaves it.") { type, label };
        command.SetAction(parsed =>
        {
            using Pkcs11Session session = device.Open(parsed, shell);
            Pkcs11KeyType kind = parsed.GetValue(type) == "ed25519" ? Pkcs11KeyType.Ed25519 : Pkcs11KeyType.Secp256k1;
            PrintKeys(output.Printer(parsed, shell), [session.Generate(kind, parsed.GetRequiredValue(label))]);
        });
        return command;
    }

    private static Command List(Shell shell, DeviceOptions device, OutputOption output)
    {
        var command = new Command("list", "The tokens of the module, and with --token the keys of one.");
        command.SetAction(parsed =>
        {
            Printer printer = output.Printer(parsed, shell);
            if (device.HasLabel(parsed))
            {
                using Pkcs11Session session = device.Open(parsed, shell);
                PrintKeys(printer, session.Keys());
                return;
            }

            PrintTokens(printer, device.Module(parsed).Tokens());
        });
        return command;
    }

    private static Command Show(Shell shell, DeviceOptions device, OutputOption output)
    {
        Option<string> label = KeyLabel();
        var command = new Command(
            "show", "What the device attests of a key: where it was made, and that it cannot leave.")
        {
            label,
        };
        command.SetAction(parsed =>
        {
            Pkcs11Module module = device.Module(parsed);
            Pkcs11Token token = module.Find(device.Label(parsed));
            using Pkcs11Session session = device.Open(parsed, shell);
            string name = parsed.GetRequiredValue(label);
            Pkcs11KeyInfo key = session.Keys().FirstOrDefault(one => one.Label == name)
                ?? throw new CommandException(
                    $"token '{token.Label}' has no key '{name}'; look with hsm list --token {token.Label}");
            PrintAttestation(output.Printer(parsed, shell), module, token, key);
        });
        return command;
    }

    private static Command SignTest(Shell shell, DeviceOptions device, OutputOption output)
    {
        Option<string> label = KeyLabel();
        var command = new Command("sign-test", "Sign a random message and verify the signature here.") { label };
        command.SetAction(parsed =>
        {
            using Pkcs11Key key = device.Key(parsed, shell, parsed.GetRequiredValue(label));
            byte[] message = RandomNumberGenerator.GetBytes(32);
            byte[] signature = key.Sign(message);
            Printer printer = output.Printer(parsed, shell);
            if (printer.IsJson)
            {
                printer.Json(json =>
                {
                    json.WriteStartObject();
                    json.WriteString("public_key", Convert.ToHexString(key.PublicKey.Span));
                    json.WriteString("message", Convert.ToHexString(message));
                    json.WriteString("signature", Convert.ToHexString(signature));
                    json.WriteBoolean("verified", true);
                    json.WriteEndObject();
                });
                return;
            }

            printer.Pairs(
                ("public key", Convert.ToHexString(key.PublicKey.Span)),
                ("message", Convert.ToHexString(message)),
                ("signature", Convert.ToHexString(signature)),
                ("verified", "yes"));
        });
        return command;
    }

    private static Command Bench(Shell shell, DeviceOptions device, OutputOption output)
    {
        Option<string> label = KeyLabel();
        var count = new Option<int>("--count") { Description = "signatures to make", DefaultValueFactory = _ => 500 };
        var command = new Command("bench", "Signatures a second and latencies of a key, each signature verified.")
        {
            label, count,
        };
        command.SetAction(parsed =>
        {
            using Pkcs11Key key = device.Key(parsed, shell, parsed.GetRequiredValue(label));
            int wanted = Math.Clamp(parsed.GetValue(count), 1, 1_000_000);
            byte[] message = new byte[32];
            var micros = new double[wanted];
            _ = key.Sign(message);
            long started = Stopwatch.GetTimestamp();
            for (int i = 0; i < wanted; i++)
            {
                BitConverter.TryWriteBytes(message, i);
                long before = Stopwatch.GetTimestamp();
                _ = key.Sign(message);
                micros[i] = Stopwatch.GetElapsedTime(before).TotalMicroseconds;
            }

            double perSecond = wanted / Stopwatch.GetElapsedTime(started).TotalSeconds;
            Array.Sort(micros);
            double At(double share) => Math.Round(micros[Math.Min(wanted - 1, (int)(wanted * share))], 1);
            Printer printer = output.Printer(parsed, shell);
            if (printer.IsJson)
            {
                printer.Json(json =>
                {
                    json.WriteStartObject();
                    json.WriteNumber("signatures", wanted);
                    json.WriteNumber("per_second", Math.Round(perSecond));
                    json.WriteNumber("p50_us", At(0.5));
                    json.WriteNumber("p99_us", At(0.99));
                    json.WriteNumber("max_us", At(1));
                    json.WriteEndObject();
                });
                return;
            }

            printer.Line(string.Create(
                CultureInfo.InvariantCulture,
                $"{wanted:N0} signatures, {perSecond:N0} a second; latency p50 {At(0.5)} µs, p99 {At(0.99)} µs, most "
                + $"{At(1)} µs"));
        });
        return command;
    }

    private static void PrintTokens(Printer printer, IReadOnlyList<Pkcs11Token> tokens)
    {
        if (printer.IsJson)
        {
            printer.Json(json =>
            {
                json.WriteStartArray();
                foreach (Pkcs11Token token in tokens)
                {
                    json.WriteStartObject();
                    json.WriteNumber("slot", token.Slot);
                    json.WriteString("label", token.Label);
                    json.WriteString("manufacturer", token.Manufacturer);
                    json.WriteString("model", token.Model);
                    json.WriteString("serial", token.Serial);
                    json.WriteBoolean("initialized", token.IsInitialized);
                    json.WriteString("pin", token.PinState);
                    json.WriteEndObject();
                }

                json.WriteEndArray();
            });
            return;
        }

        printer.Table(
            ["token", ">slot", "model", "serial", "state"],
            tokens.Select(token => new[]
            {
                token.Label.Length > 0 ? token.Label : "-",
                token.Slot.ToString(CultureInfo.InvariantCulture), token.Model, token.Serial,
                !token.IsInitialized ? "free" : token.PinState.Length > 0 ? $"PIN: {token.PinState}" : "ready",
            }),
            "no tokens");
    }

    private static void PrintKeys(Printer printer, IReadOnlyList<Pkcs11KeyInfo> keys)
    {
        if (printer.IsJson)
        {
            printer.Json(json =>
            {
                json.WriteStartArray();
                foreach (Pkcs11KeyInfo key in keys)
                {
                    json.WriteStartObject();
                    json.WriteString("label", key.Label);
                    json.WriteString("type", TypeWord(key.Type));
                    json.WriteString("public_key", Convert.ToHexString(key.PublicKey));
                    json.WriteString("address", AddressOf(key));
                    json.WriteBoolean("confined", key.IsConfined);
                    json.WriteEndObject();
                }

                json.WriteEndArray();
            });
            return;
        }

        printer.Table(
            ["label", "type", "address", "confined to the device"],
            keys.Select(key => new[]
            {
                key.Label, TypeWord(key.Type), AddressOf(key), key.IsConfined ? "yes" : "NO, see hsm show",
            }),
            "no keys");
    }

    private static void PrintAttestation(Printer printer, Pkcs11Module module, Pkcs11Token token, Pkcs11KeyInfo key)
    {
        IReadOnlyList<uint> mechanisms = Pkcs11Session.Mechanisms(module, token);
        string list = string.Join(' ', mechanisms.Select(mechanism => $"0x{mechanism:X}"));
        if (printer.IsJson)
        {
            printer.Json(json =>
            {
                json.WriteStartObject();
                json.WriteString("module", module.Describe());
                json.WriteString("token", token.Label);
                json.WriteString("serial", token.Serial);
                json.WriteString("label", key.Label);
                json.WriteString("type", TypeWord(key.Type));
                json.WriteString("public_key", Convert.ToHexString(key.PublicKey));
                json.WriteString("public_key_base64", Convert.ToBase64String(key.PublicKey));
                json.WriteString("address", AddressOf(key));
                json.WriteStartObject("attributes");
                foreach ((string name, bool? value) in key.Attributes)
                {
                    if (value is bool known) json.WriteBoolean(name, known);
                    else json.WriteNull(name);
                }

                json.WriteEndObject();
                json.WriteBoolean("confined", key.IsConfined);
                json.WriteString("mechanisms", list);
                json.WriteEndObject();
            });
            return;
        }

        printer.Pairs(
            ("module            ", module.Describe()),
            ("token", $"{token.Label}, {token.Model}, serial number {token.Serial}"),
            ("key", $"{key.Label}, {TypeWord(key.Type)}"),
            ("public key", Convert.ToHexString(key.PublicKey)),
            ("in base64", Convert.ToBase64String(key.PublicKey)),
            ("address", AddressOf(key)));
        foreach ((string name, bool? value) in key.Attributes)
        {
            printer.Pairs((name.PadRight("made in the device".Length), value switch
            {
                true => "yes",
                false => "NO",
                null => "the device does not say",
            }));
        }

        printer.Line(key.IsConfined ? "the key cannot leave the device" : "WARNING: the key may leave the device");
        printer.Line($"mechanisms: {list}");
    }

    private static Option<string> KeyLabel() => new("--label") { Description = "name of the key", Required = true };

    private static string TypeWord(Pkcs11KeyType type) => type == Pkcs11KeyType.Ed25519 ? "ed25519" : "secp256k1";

    // As CometBFT writes validators, and as the chain writes owners.
    private static string AddressOf(Pkcs11KeyInfo key) => key.Type == Pkcs11KeyType.Ed25519
        ? RpcJsonWriter.Hex(BlockHashes.Address(key.PublicKey))
        : AccountAddress.ToText(AccountAddress.AddressOf(key.PublicKey));
}
