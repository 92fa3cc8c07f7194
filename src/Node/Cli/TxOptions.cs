using System;
using System.CommandLine;
using AppChain.Hsm;
using AppChain.StateMachine;

namespace AppChain.Node;

/// <summary>Options of every verb that sends a transaction.</summary>
internal sealed class TxOptions
{
    public TxOptions(Command family)
    {
        Keys = new KeyOptions(family);
        Node = new NodeOption(family);
        Output = new OutputOption(family);
        foreach (Option option in new Option[]
        {
            From, Hsm, Owner, Subaccount, Nonce, ExpiryHeight, ExpiresIn, ChainId, DryRun, Wait, WaitSeconds,
        })
        {
            option.Recursive = true;
            family.Add(option);
        }
    }

    public KeyOptions Keys { get; }

    public NodeOption Node { get; }

    public OutputOption Output { get; }

    public Option<string?> From { get; } = new("--from") { Description = "name of the key that signs", HelpName = "NAME" };

    public Option<string?> Hsm { get; } = new("--hsm")
    {
        Description = "in place of --from: key in a device, pkcs11:token=LABEL;key=LABEL;pin-file=FILE",
        HelpName = "PLACE",
    };

    /// <summary>
    /// Finds the key that signs, by its name or by its place in a device; what is returned opens it for a chain.
    /// </summary>
    public Func<string, TransactionSigner> Signing(ParseResult parsed, Shell shell)
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

    public Option<string?> Owner { get; } = new("--owner")
    {
        Description = "owner to trade for, when the key is an agent's: app1…, or the name of a key",
        HelpName = "OWNER",
    };

    public Option<uint> Subaccount { get; } = new("--subaccount")
    {
        Description = $"number of the account to act for, 0 to {AccountId.SubaccountMax}",
    };

    public Option<ulong?> Nonce { get; } = new("--nonce") { Description = "default: a little above the highest used" };

    public Option<long?> ExpiryHeight { get; } = new("--expiry-height")
    {
        Description = "last height at which it may execute",
    };

    public Option<long> ExpiresIn { get; } = new("--expires-in")
    {
        Description = "the same as blocks from now",
        HelpName = "BLOCKS",
        DefaultValueFactory = _ => 100,
    };

    public Option<string?> ChainId { get; } = new("--chain-id") { Description = "default: what the node says" };

    public Option<bool> DryRun { get; } = new("--dry-run")
    {
        Description = "sign, check and show the transaction, but do not send it",
    };

    public Option<bool> Wait { get; } = new("--wait") { Description = "wait until it is in a block, and show the outcome" };

    public Option<int> WaitSeconds { get; } = new("--wait-seconds")
    {
        Description = "longest wait",
        DefaultValueFactory = _ => 30,
    };
}
