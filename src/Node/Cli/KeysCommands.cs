using System;
using System.Collections.Generic;
using System.CommandLine;
using System.IO;
using System.Security.Cryptography;
using AppChain.Hsm;

namespace AppChain.Node;

/// <summary><c>keys add|list|show|import|export</c>: the traders' keys of this machine.</summary>
internal static class KeysCommands
{
    public static Command Build(Shell shell)
    {
        var keys = new Command("keys", "Make, show and move the keys that sign transactions.");
        var options = new KeyOptions(keys);
        var output = new OutputOption(keys);
        keys.Add(Add(shell, options, output));
        keys.Add(List(shell, options, output));
        keys.Add(Show(shell, options, output));
        keys.Add(Import(shell, options, output));
        keys.Add(Export(shell, options));
        return keys;
    }

    private static Command Add(Shell shell, KeyOptions options, OutputOption output)
    {
        Argument<string> name = Name();
        Option<bool> unencrypted = Unencrypted();
        var hsm = new Option<string?>("--hsm")
        {
            Description = "name a key that is in a device already: pkcs11:token=LABEL;key=LABEL;pin-file=FILE",
            HelpName = "PLACE",
        };
        var command = new Command("add", "Make a new random key, or give a name to one in a device.")
        {
            name, unencrypted, hsm,
        };
        command.SetAction(parsed =>
        {
            if (parsed.GetValue(hsm) is string written)
            {
                string place = KeyPlace.Absolute(written, Directory.GetCurrentDirectory());
                using Pkcs11Key device = KeyPlace.OpenAccount(place, shell.AskSecret);
                KeyFile key = KeyFile.InDevice(device.PublicKey.Span, place);
                options.Store(parsed, shell).Add(parsed.GetValue(name)!, key);
                Print(output.Printer(parsed, shell), parsed.GetValue(name)!, key);
                return;
            }

            byte[] secretKey = KeyFile.NewSecretKey();
            Save(parsed, shell, options, output, parsed.GetValue(name)!, secretKey, parsed.GetValue(unencrypted));
        });
        return command;
    }

    private static Command List(Shell shell, KeyOptions options, OutputOption output)
    {
        var command = new Command("list", "List the keys.");
        command.SetAction(parsed =>
        {
            Printer printer = output.Printer(parsed, shell);
            KeyStore store = options.Store(parsed, shell);
            var rows = new List<string[]>();
            foreach (string name in store.Names())
            {
                KeyFile key = options.Load(store, name);
                rows.Add([name, AccountText.Of(key.Owner), Kept(key)]);
            }

            if (!printer.IsJson)
            {
                printer.Table(["name", "address", "encrypted"], rows, $"no keys in {store.Directory}");
                return;
            }

            printer.Json(json =>
            {
                json.WriteStartArray();
                foreach (string name in store.Names())
                {
                    WriteKey(json, name, options.Load(store, name));
                }

                json.WriteEndArray();
            });
        });
        return command;
    }

    private static Command Show(Shell shell, KeyOptions options, OutputOption output)
    {
        Argument<string> name = Name();
        var command = new Command("show", "Show address and public key.") { name };
        command.SetAction(parsed =>
        {
            string wanted = parsed.GetValue(name)!;
            Print(output.Printer(parsed, shell), wanted, options.Load(options.Store(parsed, shell), wanted));
        });
        return command;
    }

    private static Command Import(Shell shell, KeyOptions options, OutputOption output)
    {
        Argument<string> name = Name();
        Option<bool> unencrypted = Unencrypted();
        var file = new Argument<string>("file")
        {
            Description = "a key file of `keys export`, or 32 bytes in hex; - reads what is piped in",
        };
        var command = new Command("import", "Take in a key.") { name, file, unencrypted };
        command.SetAction(parsed =>
        {
            string path = parsed.GetValue(file)!;
            string text = (path == "-" ? shell.In.ReadToEnd() : File.ReadAllText(path)).Trim();
            string wanted = parsed.GetValue(name)!;
            if (text.StartsWith('{'))
            {
                KeyFile key = KeyFile.Parse(text);
                options.Store(parsed, shell).Add(wanted, key);
                Print(output.Printer(parsed, shell), wanted, key);
                return;
            }

            byte[] secretKey = SecretKey(text);
            Save(parsed, shell, options, output, wanted, secretKey, parsed.GetValue(unencrypted));
        });
        return command;
    }

    private static Command Export(Shell shell, KeyOptions options)
    {
        Argument<string> name = Name();
        var secret = new Option<bool>("--secret")
        {
            Description = "print the secret key itself, in hex, not encrypted",
        };
        var command = new Command("export", "Print the key file, encrypted as it is, to import it elsewhere.")
        {
            name,
            secret,
        };
        command.SetAction(parsed =>
        {
            string wanted = parsed.GetValue(name)!;
            KeyFile key = options.Load(options.Store(parsed, shell), wanted);
            if (!parsed.GetValue(secret))
            {
                shell.Out.Write(key.ToJson());
                return;
            }

            byte[] secretKey = options.Open(parsed, shell, wanted, key);
            shell.Out.WriteLine(Convert.ToHexStringLower(secretKey));
            CryptographicOperations.ZeroMemory(secretKey);
        });
        return command;
    }

    private static void Save(
        ParseResult parsed,
        Shell shell,
        KeyOptions options,
        OutputOption output,
        string name,
        byte[] secretKey,
        bool unencrypted)
    {
        KeyStore store = options.Store(parsed, shell);
        if (KeyStore.IsName(name) && File.Exists(store.PathOf(name)))
        {
            throw new CommandException($"there is a key '{name}' already in {store.Directory}");
        }

        KeyFile key = unencrypted
            ? KeyFile.InClear(secretKey)
            : KeyFile.Seal(secretKey, options.NewPassphrase(parsed, shell, name));
        CryptographicOperations.ZeroMemory(secretKey);
        store.Add(name, key);
        Print(output.Printer(parsed, shell), name, key);
    }

    private static void Print(Printer printer, string name, KeyFile key)
    {
        if (printer.IsJson)
        {
            printer.Json(json => WriteKey(json, name, key));
            return;
        }

        printer.Pairs(
            ("name", name),
            ("address", AccountText.Of(key.Owner)),
            ("public key", Convert.ToHexStringLower(key.PublicKey)),
            ("encrypted", Kept(key)));
    }

    private static string Kept(KeyFile key) => key.Device is not null ? $"in a device: {key.Device}"
        : key.IsEncrypted ? "yes" : "no (test networks only)";

    private static void WriteKey(System.Text.Json.Utf8JsonWriter json, string name, KeyFile key)
    {
        json.WriteStartObject();
        json.WriteString("name", name);
        json.WriteString("address", AccountText.Of(key.Owner));
        json.WriteString("public_key", Convert.ToHexStringLower(key.PublicKey));
        json.WriteBoolean("encrypted", key.IsEncrypted);
        if (key.Device is not null)
        {
            json.WriteString("device", key.Device);
        }

        json.WriteEndObject();
    }

    private static byte[] SecretKey(string text)
    {
        bool isHex = text.Length == 2 * Secp256k1.SecretKeySize && !text.AsSpan().ContainsAnyExcept(
            "0123456789abcdefABCDEF");
        byte[] secretKey = isHex ? Convert.FromHexString(text) : [];
        return isHex && Secp256k1.IsSecretKey(secretKey)
            ? secretKey
            : throw new CommandException("that is neither a key file nor a secret key of 32 bytes in hex");
    }

    private static Argument<string> Name() =>
        new("name") { Description = "1 to 32 characters of a-z, 0-9, '-' and '_'" };

    private static Option<bool> Unencrypted() =>
        new("--unencrypted") { Description = "write the secret key in clear: for test networks only" };
}
