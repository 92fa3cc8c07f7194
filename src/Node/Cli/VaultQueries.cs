using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.CommandLine;
using System.Globalization;
using System.Linq;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Threading.Tasks;
using AppChain.StateMachine;
using Google.Protobuf;
using static AppChain.Node.QueryText;

namespace AppChain.Node;

/// <summary>
/// <c>query vault</c>, <c>withdrawals</c>, <c>release</c>, <c>deposits</c>, <c>council</c>, <c>proposals</c>,
/// <c>treasury</c>, <c>consensus</c>, <c>validators</c>.
/// </summary>
internal static class VaultQueries
{
    private static readonly JsonSerializerOptions s_indented = new() { WriteIndented = true };

    public static IEnumerable<Command> Build(
        Action<Command, QueryCommands.Ask> setAction, Func<ParseResult, string, string> account) =>
    [
        Vault(setAction, account),
        Withdrawals(setAction, account),
        Release(setAction),
        Deposits(setAction),
        Council(setAction),
        Proposals(setAction),
        Treasury(setAction),
        Consensus(setAction),
        Validators(setAction),
    ];

    private static Command Vault(
        Action<Command, QueryCommands.Ask> setAction, Func<ParseResult, string, string> account)
    {
        var owner = new Option<string?>("--owner") { Description = "sums of this owner: app1…, or the name of a key" };
        Option<bool> policy = PolicyOption();
        var command = new Command(
            "vault", "Caps and timelocks of withdrawals, and what is on its way.") { owner, policy };
        setAction(command, async context =>
        {
            string name = context.Parsed.GetValue(owner) is string text ? account(context.Parsed, text) : "";
            V1.VaultResponse vault = await context.Node.VaultAsync(name, context.Cancel).ConfigureAwait(false);
            if (context.Parsed.GetValue(policy))
            {
                V1.CouncilResponse guardians = await context.Node
                    .CouncilAsync(V1.Council.Guardians, context.Cancel).ConfigureAwait(false);
                context.Printer.Line(GenesisCouncils.Write(new GenesisVault(
                    Terms(guardians), Terms(vault))).ToJsonString(s_indented));
                return ExitCode.Ok;
            }

            return Print(context, vault, () => context.Printer.Pairs(
                ("timelock", string.Join(
                    ", ", vault.Tiers.Select(tier => $"{tier.Seconds} s from {Amount(tier.AmountFrom)}"))),
                ("an owner takes out", $"at most {Amount(vault.OwnerCap)} in 24 h, net of deposits"),
                ("all take out", $"at most {Amount(vault.TotalCap)} in 24 h"),
                ("time to sign", $"{vault.ReleaseExpirySeconds} s"),
                (name.Length > 0 ? $"of {name}" : "of all", $"{vault.Open} open"),
                ("waiting", Amount(vault.Waiting)),
                ("admitted", Amount(vault.Admitted)),
                ("left in 24 h", Amount(vault.Net))));
        });
        return command;
    }

    private static Command Withdrawals(
        Action<Command, QueryCommands.Ask> setAction, Func<ParseResult, string, string> account)
    {
        var owner = new Option<string?>("--owner") { Description = "only of this owner: app1…, or the name of a key" };
        var id = new Option<ulong>("--id") { Description = "only this one" };
        var command = new Command(
            "withdrawals", "Collateral on its way out, and released in the last 30 days.") { owner, id };
        setAction(command, async context =>
        {
            string name = context.Parsed.GetValue(owner) is string text ? account(context.Parsed, text) : "";
            V1.WithdrawalsResponse answer = await context.Node
                .WithdrawalsAsync(name, context.Parsed.GetValue(id), context.Cancel).ConfigureAwait(false);
            return Print(context, answer, () => context.Printer.Table(
                [">id", "account", ">amount", "to", "state", "until", ">sequence", ">signed", ">vetoes"],
                answer.Withdrawals.Select(row => (string[])
                [
                    Number(row.WithdrawalId), row.Account, Amount(row.Amount),
                    VaultWords.Destination([.. Convert.FromHexString(row.Destination)]), Word(row.State),
                    row.State == V1.WithdrawalState.Released ? "" : Time(row.DueTime), Number(row.Sequence),
                    Number((ulong)row.Signers.Count), Number((ulong)row.Vetoes.Count),
                ]),
                "no withdrawals"));
        });
        return command;
    }

    private static Command Release(Action<Command, QueryCommands.Ask> setAction)
    {
        var id = new Argument<ulong>("id") { Description = "number of the withdrawal" };
        var command = new Command(
            "release",
            "A released withdrawal as the guardians signed it; --output json gives the file for "
            + "verify-release.") { id };
        setAction(command, async context =>
        {
            V1.ReleaseResponse answer = await context.Node
                .ReleaseAsync(context.Parsed.GetValue(id), context.Cancel).ConfigureAwait(false);
            return Print(context, answer, () =>
            {
                context.Printer.Pairs(ReleaseFile.Words(answer));
                context.Printer.Table(
                    ["guardian", "signature"],
                    answer.Signatures.Select(one => (string[])[one.PublicKey, one.Signature]),
                    "no signatures");
            });
        });
        return command;
    }

    private static Command Deposits(Action<Command, QueryCommands.Ask> setAction)
    {
        var id = new Option<string?>("--id") { Description = "only this one: 64 digits of hex" };
        var limit = new Option<uint>("--limit") { Description = "most credited ones" };
        var command = new Command(
            "deposits", "Deposits that wait for attestations, and the newest credited.") { id, limit };
        setAction(command, async context =>
        {
            V1.DepositsResponse answer = await context.Node.DepositsAsync(
                context.Parsed.GetValue(id) ?? "",
                context.Parsed.GetValue(limit),
                context.Cancel).ConfigureAwait(false);
            return Print(context, answer, () => context.Printer.Table(
                ["deposit", "account", ">amount", ">attested", "state"],
                answer.Deposits.Select(row => (string[])
                [
                    row.DepositId, row.Account, Amount(row.Amount), Number((ulong)row.Attestations.Count),
                    row.IsCredited ? $"credited at height {row.Height}" : $"pending until {Time(row.Expires)}",
                ]),
                "no deposits"));
        });
        return command;
    }

    private static Command Council(Action<Command, QueryCommands.Ask> setAction)
    {
        var name = new Argument<string>("council") { Description = "guardians or treasurers" };
        name.AcceptOnlyFromAmong("guardians", "treasurers");
        var command = new Command("council", "Members, thresholds and timelock of a council.") { name };
        setAction(command, async context =>
        {
            V1.CouncilResponse answer = await context.Node
                .CouncilAsync(CouncilOf(context.Parsed.GetValue(name)!), context.Cancel).ConfigureAwait(false);
            return Print(context, answer, () =>
            {
                context.Printer.Line(
                    $"{answer.Threshold} of {answer.Members.Count} agree, {answer.VetoThreshold} veto, "
                    + $"timelock {answer.TimelockSeconds} s; version {answer.Version}");
                context.Printer.Table(
                    [">number", "member", "public key"],
                    answer.Members.Select(
                        (member, i) => (string[])[Number((ulong)i), member.Address, member.PublicKey]),
                    "no members");
            });
        });
        return command;
    }

    private static Command Proposals(Action<Command, QueryCommands.Ask> setAction)
    {
        var name = new Option<string?>("--council") { Description = "only of guardians or treasurers" };
        name.AcceptOnlyFromAmong("guardians", "treasurers");
        var command = new Command(
            "proposals", "Open and approved proposals, and those executed in the last 30 days.") { name };
        setAction(command, async context =>
        {
            V1.Council council = context.Parsed.GetValue(name) is string text
                ? CouncilOf(text)
                : V1.Council.Unspecified;
            V1.ProposalsResponse answer =
                await context.Node.ProposalsAsync(council, context.Cancel).ConfigureAwait(false);
            return Print(context, answer, () => context.Printer.Table(
                [">id", "council", "state", "until", ">approved", ">vetoes", "what"],
                answer.Proposals.Select(row => (string[])
                [
                    Number(row.ProposalId), Word(row.Council), Word(row.State),
                    row.State == V1.ProposalState.Executed ? "" : Time(row.DueTime),
                    Number((ulong)row.Approvals.Count), Number((ulong)row.Vetoes.Count), What(row.Content),
                ]),
                "no proposals"));
        });
        return command;
    }

    private static Command Treasury(Action<Command, QueryCommands.Ask> setAction)
    {
        Option<bool> policy = PolicyOption();
        var command = new Command("treasury", "Balance and spending limit of the treasury.") { policy };
        setAction(command, async context =>
        {
            V1.TreasuryResponse treasury = await context.Node.TreasuryAsync(context.Cancel).ConfigureAwait(false);
            if (context.Parsed.GetValue(policy))
            {
                V1.CouncilResponse treasurers = await context.Node
                    .CouncilAsync(V1.Council.Treasurers, context.Cancel).ConfigureAwait(false);
                JsonObject written = GenesisCouncils.Write(new GenesisTreasury(
                    Terms(treasurers), Micro(treasury.EpochLimit)));
                context.Printer.Line(written.ToJsonString(s_indented));
                return ExitCode.Ok;
            }

            return Print(context, treasury, () => context.Printer.Pairs(
                ("balance", Amount(treasury.Balance)),
                ("limit", $"{Amount(treasury.EpochLimit)} in 24 h, from midnight UTC"),
                ("spent", Amount(treasury.Spent))));
        });
        return command;
    }

    private static Command Consensus(Action<Command, QueryCommands.Ask> setAction)
    {
        Option<bool> policy = PolicyOption();
        var command = new Command("consensus", "The parameters of consensus that the guardians may change.") { policy };
        setAction(command, async context =>
        {
            V1.ConsensusResponse answer = await context.Node.ConsensusAsync(context.Cancel).ConfigureAwait(false);
            if (context.Parsed.GetValue(policy))
            {
                JsonObject written = GenesisCouncils.Write(new ConsensusParameters(
                    (long)answer.BlockBytes,
                    (long)answer.EvidenceAgeBlocks,
                    (long)answer.EvidenceAgeSeconds,
                    (long)answer.EvidenceBytes));
                context.Printer.Line(written.ToJsonString(s_indented));
                return ExitCode.Ok;
            }

            return Print(context, answer, () => context.Printer.Pairs(
                ("a block", $"at most {answer.BlockBytes} bytes"),
                ("evidence in it", $"at most {answer.EvidenceBytes} bytes"),
                ("evidence counts for", $"{answer.EvidenceAgeBlocks} blocks and {answer.EvidenceAgeSeconds} s"),
                ("since height", Number(answer.FromHeight))));
        });
        return command;
    }

    private static Command Validators(Action<Command, QueryCommands.Ask> setAction)
    {
        Option<bool> policy = PolicyOption();
        var command = new Command("validators", "Who votes, with which power, and from which height on.") { policy };
        setAction(command, async context =>
        {
            V1.ValidatorsResponse answer = await context.Node.ValidatorSetsAsync(context.Cancel).ConfigureAwait(false);
            if (context.Parsed.GetValue(policy))
            {
                context.Printer.Line(PowersFile.Write(answer.Sets[^1]).ToJsonString(s_indented));
                return ExitCode.Ok;
            }

            return Print(context, answer, () => context.Printer.Table(
                [">from height", "address", ">power", "Ed25519 key"],
                answer.Sets.SelectMany(set => set.Validators.Select(validator => new[]
                {
                    Number(set.FromHeight), validator.Address, Number(validator.Power), validator.PublicKey,
                })),
                "no validators"));
        });
        return command;
    }

    private static int Print(QueryCommands.Context context, IMessage answer, Action text)
    {
        if (context.Printer.IsJson)
        {
            context.Printer.Json(answer);
        }
        else
        {
            text();
        }

        return ExitCode.Ok;
    }

    // What the state machine would execute, in its own words.
    private static string What(V1.Proposal content)
    {
        var operation = new V1.TransactionBody { Operations = { new V1.Operation { Propose = content } } };
        ResultCode code = TransactionCodec.DecodeBody(operation.ToByteArray(), default, out Transaction? transaction);
        return code == ResultCode.Ok && transaction!.Operations[0].Content is { } proposal
            ? VaultWords.Proposal(proposal)
            : "not understood by this version";
    }

    private static CouncilTerms Terms(V1.CouncilResponse council) => new(
        [.. council.Members.Select(member => (ImmutableArray<byte>)[.. Convert.FromHexString(member.PublicKey)])],
        (int)council.Threshold,
        (int)council.VetoThreshold,
        (long)council.TimelockSeconds);

    /// <summary>The terms that an answer describes.</summary>
    public static VaultTerms Terms(V1.VaultResponse vault) => new(
        [.. vault.Tiers.Select(tier => new TimelockTier(Micro(tier.AmountFrom), (long)tier.Seconds))],
        Micro(vault.OwnerCap),
        Micro(vault.TotalCap),
        (long)vault.ReleaseExpirySeconds);

    private static long Micro(string amount) => long.Parse(amount, CultureInfo.InvariantCulture);

    private static V1.Council CouncilOf(string name) =>
        name == "guardians" ? V1.Council.Guardians : V1.Council.Treasurers;

    private static Option<bool> PolicyOption() => new("--policy")
    {
        Description = "print the policy as the JSON that `tx … propose` takes, to edit it",
    };
}
