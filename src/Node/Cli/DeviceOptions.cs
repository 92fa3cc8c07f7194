using System;
using System.CommandLine;
using System.IO;
using AppChain.Hsm;

namespace AppChain.Node;

/// <summary>Which device: <c>--module</c>, <c>--token</c>, <c>--pin-file</c>.</summary>
internal sealed class DeviceOptions
{
    private readonly Option<string> _module = new("--module")
    {
        Description = $"PKCS#11 module, default {Pkcs11Module.SoftHsm}",
        DefaultValueFactory = _ => Pkcs11Module.SoftHsm,
        Recursive = true,
    };

    private readonly Option<string?> _token = new("--token") { Description = "label of the token", Recursive = true };

    private readonly Option<string?> _pinFile = new("--pin-file")
    {
        Description = "file with the user PIN (else APPCHAIN_HSM_PIN, else asked)",
        Recursive = true,
    };

    public DeviceOptions(Command family)
    {
        family.Add(_module);
        family.Add(_token);
        family.Add(_pinFile);
    }

    public Pkcs11Module Module(ParseResult parsed) => Pkcs11Module.Load(parsed.GetValue(_module)!);

    public bool HasLabel(ParseResult parsed) => parsed.GetValue(_token) is not null;

    public string Label(ParseResult parsed) => parsed.GetValue(_token)
        ?? throw new CommandException("say which token with --token LABEL; hsm list shows them");

    /// <summary>Reads the PIN once, when it is first needed.</summary>
    public Func<string> Pin(ParseResult parsed, Shell shell)
    {
        string? pin = null;
        return () => pin ??= PinSource.Read(
            shell, parsed.GetValue(_pinFile), "APPCHAIN_HSM_PIN", "--pin-file", $"PIN of token '{Label(parsed)}': ");
    }

    public Pkcs11Session Open(ParseResult parsed, Shell shell)
    {
        Pkcs11Module module = Module(parsed);
        return Pkcs11Session.Open(module, module.Find(Label(parsed)), Pin(parsed, shell)());
    }

    public Pkcs11Key Key(ParseResult parsed, Shell shell, string label) =>
        Pkcs11Key.Open(parsed.GetValue(_module)!, Label(parsed), label, Pin(parsed, shell));
}

/// <summary>Where a PIN comes from: a file, the environment or the terminal, never the command line.</summary>
internal static class PinSource
{
    public static string Read(Shell shell, string? file, string variable, string option, string question)
    {
        try
        {
            return file is not null ? KeyPlace.ReadPin(file)
                : shell.Variable(variable) ?? NotEmpty((shell.AskSecret ?? throw new CommandException(
                    $"a PIN is needed: give {option} FILE or set {variable}"))(question));
        }
        catch (IOException problem)
        {
            throw new CommandException(problem.Message);
        }
    }

    private static string NotEmpty(string pin) => pin.Length > 0 ? pin : throw new CommandException("the PIN is empty");
}
