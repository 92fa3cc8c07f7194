using System;
using System.CommandLine;
using System.IO;
using System.Linq;
using System.Security.Cryptography;
using AppChain.Hsm;
using AppChain.StateMachine;

namespace AppChain.Node;

/// <summary>How to print: <c>--output text|json</c>.</summary>
internal sealed class OutputOption
{
    private readonly Option<string> _output = new("--output", "-o")
    {
        Description = "text for people, json for programs",
        DefaultValueFactory = _ => "text",
        Recursive = true,
    };

    public OutputOption(Command family)
    {
        _output.AcceptOnlyFromAmong("text", "json");
        family.Add(_output);
    }

    public Printer Printer(ParseResult parsed, Shell shell) => new(shell, parsed.GetValue(_output) == "json");
}

/// <summary>Which node to ask: <c>--node URL</c>, or APPCHAIN_NODE.</summary>
internal sealed class NodeOption
{
    private readonly Option<string?> _node = new("--node")
    {
        Description = $"RPC address of a node (default APPCHAIN_NODE, then {RpcClient.DefaultUrl})",
        HelpName = "URL",
        Recursive = true,
    };

    public NodeOption(Command family) => family.Add(_node);

    public RpcClient Connect(ParseResult parsed, Shell shell) =>
        new(parsed.GetValue(_node) ?? shell.Variable("APPCHAIN_NODE") ?? RpcClient.DefaultUrl);
}

/// <summary>Where the keys are: <c>--home DIR</c>, APPCHAIN_HOME, or ~/.appchain; and how to open them.</summary>
internal sealed class KeyOptions
{
    private readonly Option<string?> _home = new("--home")
    {
        Description = "directory with keys/ in it (default APPCHAIN_HOME, then ~/.appchain)",
        HelpName = "DIR",
        Recursive = true,
    };

    private readonly Option<string?> _passphraseFile = new("--passphrase-file")
    {
        Description =
            "file whose first line is the passphrase of the key (default APPCHAIN_PASSPHRASE, then a question)",
        HelpName = "FILE",
        Recursive = true,
    };

    /// <summary>
    /// Adds the options to a family of verbs, of which those that open no key need only the directory.
    /// </summary>
    public KeyOptions(Command family, bool opensKeys = true)
    {
        family.Add(_home);
        if (opensKeys)
        {
            family.Add(_passphraseFile);
        }
    }

    public KeyStore Store(ParseResult parsed, Shell shell) => new(Path.Combine(Home(parsed, shell), "keys"));

    /// <summary>The home directory.</summary>
    public string Home(ParseResult parsed, Shell shell) => parsed.GetValue(_home)
        ?? shell.Variable("APPCHAIN_HOME")
        ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".appchain");

    /// <summary>The key of a name.</summary>
    /// <exception cref="CommandException">There is none; the message lists those there are.</exception>
    public KeyFile Load(KeyStore store, string name)
    {
        if (store.TryLoad(name, out KeyFile? key))
        {
            return key;
        }

        throw new CommandException(
            $"no key '{name}' in {store.Directory}: {There(store)}; add one with `appchain keys add {name}`, "
            + "or name the directory of a localnet with --home DIR or APPCHAIN_HOME");
    }

    private static string There(KeyStore store) =>
        store.Names() is { Count: > 0 } names ? $"it has {string.Join(", ", names)}" : "it has none";

    /// <summary>What signs with a key: its secret, or the device that it is in.</summary>
    public TransactionSigner Signer(ParseResult parsed, Shell shell, string name, KeyFile key, string chainId)
    {
        if (key.Device is not null)
        {
            Pkcs11Key device = KeyPlace.OpenAccount(key.Device, shell.AskSecret);
            if (device.PublicKey.Span.SequenceEqual(key.PublicKey))
            {
                return new TransactionSigner(device, chainId);
            }

            device.Dispose();
            throw new CommandException(
                $"the device now holds another key at {key.Device} than when '{name}' was added");
        }

        byte[] secretKey = Open(parsed, shell, name, key);
        var signer = new TransactionSigner(secretKey, chainId);
        CryptographicOperations.ZeroMemory(secretKey);
        return signer;
    }

    /// <summary>The secret of a key, asking for the passphrase where one is needed.</summary>
    public byte[] Open(ParseResult parsed, Shell shell, string name, KeyFile key)
    {
        if (key.Device is not null)
        {
            throw new CommandException($"key '{name}' is in a device, which never shows it");
        }

        string passphrase = key.IsEncrypted ? Passphrase(parsed, shell, $"passphrase of '{name}': ", name) : "";
        return key.TryOpen(passphrase, out byte[]? secretKey)
            ? secretKey
            : throw new CommandException($"wrong passphrase for key '{name}' (or its file was altered)");
    }

    /// <summary>A passphrase for a new key, asked for twice on a terminal.</summary>
    public string NewPassphrase(ParseResult parsed, Shell shell, string name)
    {
        bool isAsked = parsed.GetValue(_passphraseFile) is null && shell.Variable("APPCHAIN_PASSPHRASE") is null;
        string passphrase = Passphrase(parsed, shell, $"passphrase for '{name}': ", name);
        if (passphrase.Length == 0)
        {
            throw new CommandException("the passphrase is empty; for a key of a test network use --unencrypted");
        }

        if (isAsked && shell.AskSecret!("the same again: ") != passphrase)
        {
            throw new CommandException("the two passphrases differ; nothing was written");
        }

        return passphrase;
    }

    /// <summary>An account named by address, or by the name of a key, with or without a sub-account number.</summary>
    public AccountId FindAccount(ParseResult parsed, Shell shell, string text)
    {
        int slash = text.IndexOf('/', StringComparison.Ordinal);
        string name = slash < 0 ? text : text[..slash];
        KeyStore store = Store(parsed, shell);
        if (KeyStore.IsName(name) && store.TryLoad(name, out KeyFile? key))
        {
            text = AccountText.Of(key.Owner) + text[name.Length..];
        }
        else if (KeyStore.IsName(name) && !name.StartsWith("app1", StringComparison.Ordinal))
        {
            throw new CommandException(
                $"no key '{name}' in {store.Directory}: {There(store)}; an account is the name of a key or an address "
                + "app1…");
        }

        return AccountText.TryParse(text, out AccountId account, out string? reason)
            ? account
            : throw new CommandException(
                $"'{text}' is no account: {reason}; give an address app1… or the name of a key in {store.Directory}");
    }

    private string Passphrase(ParseResult parsed, Shell shell, string question, string name)
    {
        if (parsed.GetValue(_passphraseFile) is string path)
        {
            return File.ReadLines(path).FirstOrDefault() ?? "";
        }

        return shell.Variable("APPCHAIN_PASSPHRASE")
            ?? (shell.AskSecret ?? throw new CommandException(
                $"key '{name}' needs a passphrase: give --passphrase-file FILE or set APPCHAIN_PASSPHRASE"))(question);
    }
}
