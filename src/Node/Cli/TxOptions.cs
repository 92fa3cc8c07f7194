using System;
using System.CommandLine;
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
            From, Subaccount, Nonce, ExpiryHeight, ExpiresIn, ChainId, DryRun, Wait, WaitSeconds,
        })
        {
            option.Recursive = true;
            family.Add(option);
        }
    }

    public KeyOptions Keys { get; }

    public NodeOption Node { get; }

    public OutputOption Output { get; }

    public Option<string> From { get; } = new("--from")
    {
        Description = "name of the key that signs",
        HelpName = "NAME",
        Required = true,
    };

    public Option<uint> Subaccount { get; } = new("--subaccount")
    {
        Description = $"number of the account to act for, 0 to {AccountId.SubaccountMax}",
    };

    public Option<ulong?> Nonce { get; } = new("--nonce") { Description = "default: the highest used + 1" };

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

    /// <summary>An account named by address, or by the name of a key, with or without a sub-account number.</summary>
    public AccountId FindAccount(ParseResult parsed, Shell shell, string text)
    {
        int slash = text.IndexOf('/', StringComparison.Ordinal);
        string name = slash < 0 ? text : text[..slash];
        KeyStore store = Keys.Store(parsed, shell);
        if (KeyStore.IsName(name) && store.TryLoad(name, out KeyFile? key))
        {
            text = AccountText.Of(key.Owner) + text[name.Length..];
        }

        return AccountText.TryParse(text, out AccountId account, out string? reason)
            ? account
            : throw new CommandException($"{reason}; give an address app1… or the name of a key in {store.Directory}");
    }
}
