using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Globalization;
using System.Linq;
using System.Security.Cryptography;
using System.Text;

namespace AppChain.StateMachine.Tests;

/// <summary>Reads operations on vault, treasury and councils in the words of <see cref="Scenario"/>.</summary>
internal static class VaultWords
{
    /// <summary>The operation of a verb; null when it is no verb of these.</summary>
    public static Operation? Read(string verb, Queue<string> words, TestChain chain) => verb switch
    {
        "withdraw" => Withdraw(words),
        "cancel-withdrawal" => Target(OperationKind.CancelWithdrawal, words),
        "veto-withdrawal" => Target(OperationKind.VetoWithdrawal, words),
        "approve" => Target(OperationKind.ApproveProposal, words),
        "veto" => Target(OperationKind.VetoProposal, words),
        "retract" => Target(OperationKind.CancelProposal, words),
        "attest" => Attest(words),
        "sign" => Sign(words, chain),
        "propose" => new Operation { Kind = OperationKind.Propose, Content = Proposal(words, chain) },
        _ => null,
    };

    /// <summary>A council as described, what is not said as it was.</summary>
    public static CouncilTerms Council(IEnumerable<string> text, CouncilTerms was)
    {
        var words = new Queue<string>(text);
        var members = new List<ImmutableArray<byte>>();
        while (words.Count > 0 && words.Peek() is not ("agree" or "veto" or "lock"))
        {
            members.Add(TestMarkets.KeyOf(words.Dequeue()));
        }

        CouncilTerms council = members.Count > 0 ? was with { Members = [.. members] } : was;
        while (words.TryDequeue(out string? word))
        {
            string value = words.Dequeue();
            council = word switch
            {
                "agree" => council with { Threshold = (int)Whole(value) },
                "veto" => council with { VetoThreshold = (int)Whole(value) },
                "lock" => council with { TimelockSeconds = Seconds(value) },
                _ => throw new FormatException($"a council has no '{word}'"),
            };
        }

        return council;
    }

    /// <summary>Terms as described, what is not said as it was.</summary>
    public static VaultTerms Terms(IEnumerable<string> text, VaultTerms was)
    {
        var words = new Queue<string>(text);
        VaultTerms terms = was;
        while (words.TryDequeue(out string? word))
        {
            string value = words.Dequeue();
            terms = word switch
            {
                "wait" => terms with { Tiers = [.. value.Split(',').Select(Tier)] },
                "cap" => terms with
                {
                    OwnerCap = OperationWords.Usd(value.Split('/')[0]),
                    TotalCap = OperationWords.Usd(value.Split('/')[1]),
                },
                "sign" => terms with { ReleaseExpirySeconds = Seconds(value) },
                _ => throw new FormatException($"a vault has no '{word}'"),
            };
        }

        return terms;
    }

    /// <summary>The row of a council by name.</summary>
    public static CouncilRow CouncilOf(string name, TestChain chain)
    {
        CouncilKind kind = name == "guardians" ? CouncilKind.Guardians : CouncilKind.Treasurers;
        return chain.TryFind((uint)kind, out CouncilRow row) ? row : throw new FormatException($"there are no {name}");
    }

    private static Operation Withdraw(Queue<string> words) => new()
    {
        Kind = OperationKind.Withdraw,
        Amount = OperationWords.Usd(words.Dequeue()),
        Content = new WithdrawalDestination([.. Encoding.UTF8.GetBytes(After(words, "to") ?? "bank")]),
    };

    private static Operation Target(OperationKind kind, Queue<string> words) =>
        new() { Kind = kind, Content = new NumberedTarget((ulong)Whole(words.Dequeue())) };

    private static Operation Attest(Queue<string> words)
    {
        var id = new Sha256Digest(SHA256.HashData(Encoding.UTF8.GetBytes(words.Dequeue())));
        long amount = OperationWords.Usd(words.Dequeue());
        AccountId recipient = OperationWords.Account(
            After(words, "to") ?? throw new FormatException("attest ... to NAME"));
        return new Operation
        {
            Kind = OperationKind.AttestDeposit,
            Content = new DepositAttestation(id, recipient, amount),
        };
    }

    private static Operation Sign(Queue<string> words, TestChain chain)
    {
        ulong id = (ulong)Whole(words.Dequeue());
        Release release = chain.TryFind(id, out WithdrawalRow row) ? row.Release : new Release(id, 1, 1, 1, 1, [1]);
        while (words.TryDequeue(out string? word))
        {
            string value = words.Dequeue();
            release = word switch
            {
                "sequence" => release with { Sequence = (ulong)Whole(value) },
                "expiry" => release with { Expiry = release.Expiry + (Seconds(value) * TestMarkets.Second) },
                "version" => release with { CouncilVersion = (ulong)Whole(value) },
                "amount" => release with { Amount = OperationWords.Usd(value) },
                "to" => release with { Destination = [.. Encoding.UTF8.GetBytes(value)] },
                _ => throw new FormatException($"a release has no '{word}'"),
            };
        }

        return new Operation
        {
            Kind = OperationKind.SignRelease,
            Content = new ReleaseSignature(release, [.. new byte[SigningKey.SignatureSize]]),
        };
    }

    private static IOperationContent Proposal(Queue<string> words, TestChain chain)
    {
        string kind = words.Dequeue();
        IOperationContent content;
        switch (kind)
        {
            case "vault" or "guardians":
                CouncilTerms guardians = CouncilOf("guardians", chain).Terms;
                chain.TryFind(default(SingleKey), out VaultRow vault);
                content = kind == "vault"
                    ? new VaultPolicy(guardians, Terms(words, vault.Terms))
                    : new VaultPolicy(Council(words, guardians), vault.Terms);
                break;
            case "treasurers":
                string[] council = [.. words.TakeWhile(word => word != "spend")];
                content = new TreasuryPolicy(
                    Council(council, CouncilOf("treasurers", chain).Terms), OperationWords.Usd(words.Last()));
                break;
            case "consensus":
                content = Parameters(words);
                break;
            case "spend":
                long amount = OperationWords.Usd(words.Dequeue());
                string to = After(words, "to") ?? throw new FormatException("propose spend USD to NAME|fund");
                string note = After(words, "for") ?? "";
                content = new TreasurySpend(
                    to == "fund" ? null : OperationWords.Account(to), amount, [.. Encoding.UTF8.GetBytes(note)]);
                break;
            default:
                throw new FormatException($"nobody proposes '{kind}'");
        }

        words.Clear();
        return content;
    }

    /// <summary>BYTES age BLOCKS/TIME evidence BYTES.</summary>
    private static ConsensusParameters Parameters(Queue<string> words)
    {
        long block = Whole(words.Dequeue());
        string[] age = (After(words, "age") ?? throw new FormatException("propose consensus BYTES age BLOCKS/TIME"))
            .Split('/');
        long evidence = Whole(
            After(words, "evidence") ?? throw new FormatException("propose consensus ... evidence BYTES"));
        return new ConsensusParameters(block, Whole(age[0]), Seconds(age[1]), evidence);
    }

    private static string? After(Queue<string> words, string word)
    {
        if (!words.TryPeek(out string? next) || next != word)
        {
            return null;
        }

        words.Dequeue();
        return words.Dequeue();
    }

    private static TimelockTier Tier(string text) =>
        new(OperationWords.Usd(text.Split(':')[0]), Seconds(text.Split(':')[1]));

    private static long Seconds(string text) => Whole(text[..^1]) * (text[^1] switch
    {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => throw new FormatException($"a time is like 90s, 5m, 2h or 1d, not '{text}'"),
    });

    private static long Whole(string text) =>
        long.Parse(
            text.Replace("_", "", StringComparison.Ordinal),
            NumberStyles.AllowLeadingSign,
            CultureInfo.InvariantCulture);
}
