using System;
using System.CommandLine;
using AppChain.Hsm;

namespace AppChain.Node;

/// <summary>Which key signs: <c>--from NAME</c>, or <c>--hsm PLACE</c> for one in a device.</summary>
internal sealed class SigningOptions
{
    public SigningOptions(Command family)
    {
        Keys = new KeyOptions(family);
        foreach (Option option in new Option[] { From, Hsm })
        {
            option.Recursive = true;
            family.Add(option);
        }
    }

    public KeyOptions Keys { get; }

    public Option<string?> From { get; } = new("--from")
    {
        Description = "name of the key that signs",
        HelpName = "NAME",
    };

    public Option<string?> Hsm { get; } = new("--hsm")
    {
        Description = "in place of --from: key in a device, pkcs11:token=LABEL;key=LABEL;pin-file=FILE",
        HelpName = "PLACE",
    };

    /// <summary>
    /// Finds the key that signs, by its name or by its place in a device; what is returned opens it for a chain.
    /// </summary>
    public Func<string, TransactionSigner> Open(ParseResult parsed, Shell shell)
    {
        string? name = parsed.GetValue(From);
        string? place = parsed.GetValue(Hsm);
        if (name is null == place is null)
        {
            throw new CommandException("say which key signs: either --from NAME, or --hsm PLACE for one in a device");
        }

        if (place is not null)
        {
            return chainId => new TransactionSigner(KeyPlace.OpenAccount(place, shell.AskSecret), chainId);
        }

        KeyFile key = Keys.Load(Keys.Store(parsed, shell), name!);
        return chainId => Keys.Signer(parsed, shell, name!, key, chainId);
    }
}
