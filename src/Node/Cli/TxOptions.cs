using System;
using System.CommandLine;
using AppChain.StateMachine;

namespace AppChain.Node;

/// <summary>Options of every verb that sends a transaction.</summary>
internal sealed class TxOptions
{
    public TxOptions(Command family)
    {
        Signing = new SigningOptions(family);
        Node = new NodeOption(family);
        Output = new OutputOption(family);
        foreach (Option option in new Option[]
        {
            Owner, Subaccount, Nonce, ExpiryHeight, ExpiresIn, ChainId, DryRun, Wait, WaitSeconds,
        })
        {
            option.Recursive = true;
            family.Add(option);
        }
    }

    public SigningOptions Signing { get; }

    public KeyOptions Keys => Signing.Keys;

    public NodeOption Node { get; }

    public OutputOption Output { get; }

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

    public Option<bool> Wait { get; } = new("--wait")
    {
        Description = "wait until it is in a block, and show the outcome",
    };

    public Option<int> WaitSeconds { get; } = new("--wait-seconds")
    {
        Description = "longest wait",
        DefaultValueFactory = _ => 30,
    };
}
