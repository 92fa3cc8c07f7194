using System;
using System.Collections.Generic;
using System.CommandLine;
using System.IO;

namespace AppChain.Node;

/// <summary>
/// <c>tx vault …</c>, <c>tx treasury …</c>, <c>tx consensus …</c>, <c>tx validators …</c>, <c>tx proposal …</c>: what
/// owners and members of councils sign.
/// </summary>
internal static class VaultCommands
{
    public delegate void Action(Command command, Func<ParseResult, Dictionary<string, string>> read);

    public static IEnumerable<Command> Build(Shell shell, Action setAction)
    {
        var vault = new Command("vault", "Deposits and withdrawals: what guardians and owners say about them.")
        {
            Attest(setAction),
            Target(
                setAction, "cancel", "Take back a withdrawal that was never admitted.", "cancel-withdrawal",
                "withdrawal"),
            Target(setAction, "veto", "As a guardian, stop a withdrawal that waits.", "veto-withdrawal", "withdrawal"),
            Policy(shell, setAction, "As a guardian, propose a policy of the vault.", "query vault --policy"),
        };
        var treasury = new Command("treasury", "What treasurers propose.")
        {
            Spend(setAction),
            Policy(shell, setAction, "As a treasurer, propose a policy of the treasury.", "query treasury --policy"),
        };
        var consensus = new Command("consensus", "What guardians propose on the parameters of consensus.")
        {
            Policy(
                shell,
                setAction,
                "As a guardian, propose bytes of a block and the life of evidence.",
                "query consensus --policy"),
        };
        var validators = new Command("validators", "What guardians propose on who votes, and with which power.")
        {
            Policy(
                shell,
                setAction,
                "As a guardian, propose validators that join, leave or get another power.",
                "query validators --policy"),
        };
        var proposal = new Command("proposal", "Votes of guardians and treasurers on proposals.")
        {
            Target(setAction, "approve", "Approve a proposal.", "approve-proposal", "proposal"),
            Target(setAction, "veto", "Stop a proposal that is not executed.", "veto-proposal", "proposal"),
            Target(setAction, "cancel", "Take back a proposal of one's own.", "cancel-proposal", "proposal"),
        };
        return [vault, treasury, consensus, validators, proposal];
    }

    private static Command Attest(Action setAction)
    {
        var deposit = new Argument<string>("deposit")
        {
            Description = "32 bytes in hex that name it on the other side, such as a transaction hash",
        };
        var amount = new Argument<string>("amount") { Description = "USD, such as 1250.50" };
        var to = new Option<string>("--to")
        {
            Description = "account to credit: app1…/N, or the name of a key",
            HelpName = "ACCOUNT",
            Required = true,
        };
        var command = new Command("attest", "As a guardian, say that a deposit was made.") { deposit, amount, to };
        setAction(command, parsed => new Dictionary<string, string>
        {
            ["op"] = "attest-deposit",
            ["deposit"] = parsed.GetValue(deposit)!,
            ["amount"] = parsed.GetValue(amount)!,
            ["to"] = parsed.GetRequiredValue(to),
        });
        return command;
    }

    private static Command Spend(Action setAction)
    {
        var amount = new Argument<string>("amount") { Description = "USD, such as 1250.50" };
        var to = new Option<string>("--to")
        {
            Description = "app1…/N, the name of a key, or insurance-fund",
            HelpName = "ACCOUNT",
            Required = true,
        };
        var note = new Option<string?>("--note") { Description = "what for, at most 64 bytes" };
        var command = new Command("spend", "As a treasurer, propose a payment.") { amount, to, note };
        setAction(command, parsed =>
        {
            var fields = new Dictionary<string, string>
            {
                ["op"] = "propose-spend",
                ["amount"] = parsed.GetValue(amount)!,
                ["to"] = parsed.GetRequiredValue(to),
            };
            if (parsed.GetValue(note) is string text)
            {
                fields["note"] = text;
            }

            return fields;
        });
        return command;
    }

    private static Command Policy(Shell shell, Action setAction, string description, string template)
    {
        var file = new Argument<string>("file")
        {
            Description =
                $"the whole policy as it is to be, in JSON, beginning with `{template}`; - for what is piped in",
        };
        var command = new Command("propose", description) { file };
        setAction(command, parsed =>
        {
            string path = parsed.GetValue(file)!;
            return new Dictionary<string, string>
            {
                ["op"] = "propose",
                ["policy"] = path == "-" ? shell.In.ReadToEnd() : File.ReadAllText(path),
            };
        });
        return command;
    }

    private static Command Target(Action setAction, string verb, string description, string operation, string field)
    {
        var id = new Argument<string>(field) { Description = $"number of the {field}" };
        var command = new Command(verb, description) { id };
        setAction(
            command, parsed => new Dictionary<string, string> { ["op"] = operation, [field] = parsed.GetValue(id)! });
        return command;
    }
}
