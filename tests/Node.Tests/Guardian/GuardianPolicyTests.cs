using System;
using System.IO;
using AppChain.StateMachine;
using NUnit.Framework;

namespace AppChain.Node.Tests;

/// <summary>What a guardian refuses to sign although the chain admitted it: rows that its own rules forbid.</summary>
[TestFixture]
public sealed class GuardianPolicyTests
{
    private const long Second = 1_000_000_000;
    private const long Now = 1_800_000_000 * Second;
    private const string Key = "02aa";

    private string _file = "";

    [SetUp]
    public void Start() =>
        _file = Path.Combine(Directory.CreateTempSubdirectory("appchain-guardian-").FullName, "journal");

    [TearDown]
    public void End() => Directory.Delete(Path.GetDirectoryName(_file)!, recursive: true);

    private GuardianJournal Open(string chainId = "c-1") => new(_file, chainId, static line => Assert.Fail(line));

    private void Signed(ulong withdrawal, ulong sequence, long amount, long time, string chainId = "c-1")
    {
        using GuardianJournal journal = Open(chainId);
        journal.Add(withdrawal, sequence, amount, "6162", time);
    }

    private static readonly WithdrawalRow s_row = new()
    {
        Id = 7,
        Account = 3,
        Amount = 500,
        Destination = [0x61, 0x62],
        State = WithdrawalState.Releasable,
        RequestedTime = Now - (100 * Second),
        ReadyTime = Now - (90 * Second),
        Sequence = 3,
        Expiry = Now + (500 * Second),
        CouncilVersion = 2,
        Signatures = [],
    };

    private static FlowRow Sums(Int128 admitted, Int128 left)
    {
        var sums = new FlowRow { Admitted = admitted };
        sums.Add(Now, left, 0);
        return sums;
    }

    private static (MarketRow, OracleRow?) Market(long openInterest, OracleState? state) => (
        new MarketRow { Parameters = GenesisFile.DefaultMarkets[0], OpenInterest = openInterest },
        state is { } its ? new OracleRow { Market = 1, State = its } : null);

    private static GuardianView View() => new(
        s_row,
        default,
        new VaultTerms([new TimelockTier(0, 10), new TimelockTier(1_000, 600)], 5_000, 9_000, 600),
        Sums(500, 100),
        Sums(500, 100),
        new CouncilRow
        {
            Council = CouncilKind.Guardians,
            Version = 2,
            Terms = new CouncilTerms([[2, 0xbb], [2, 0xaa]], 1, 1, 30),
        },
        [Market(1, OracleState.Live)],
        new PoolRow { Held = 1_500, Claims = 700, InsuranceFund = 200, Fees = 100, Leaving = 500 },
        Now);

    private string? Objection(Func<GuardianView, GuardianView> change, long? amountMax = null, long? dayMax = null)
    {
        using GuardianJournal journal = Open();
        return new GuardianPolicy(Key, amountMax, dayMax).Objection(change(View()), journal, Now);
    }

    private string? OfRow(Func<WithdrawalRow, WithdrawalRow> change) =>
        Objection(view => view with { Row = change(view.Row) });

    [Test]
    public void Nothing_speaks_against_what_keeps_the_policy() =>
        Assert.That(Objection(view => view, 500, 500), Is.Null);

    [Test]
    public void Each_rule_is_checked_again()
    {
        Assert.That(OfRow(row => row with { CouncilVersion = 1 }), Does.Contain("version 1"));
        Assert.That(OfRow(row => row with { Expiry = Now }), Does.Contain("time to sign has passed"));
        Assert.That(
            OfRow(row => row with { Expiry = Now + (86_400 * Second) }), Does.Contain("longer than the policy"));
        Assert.That(OfRow(row => row with { ReadyTime = Now + 1 }), Does.Contain("timelock"));
        Assert.That(OfRow(row => row with { Amount = 1_000 }), Does.Contain("timelock"), "of its size");
        Assert.That(Objection(view => view with { Owner = Sums(4_901, 100) }), Does.Contain("cap"));
        Assert.That(Objection(view => view with { Owner = Sums(4_900, 100) }), Is.Null, "the last dollar");
        Assert.That(Objection(view => view with { All = Sums(500, 8_501) }), Does.Contain("cap"));
        Assert.That(
            Objection(view => view with { Pool = view.Pool with { Claims = 701 } }), Does.Contain("differ by -1"));
        Assert.That(
            Objection(view => view with { Markets = [Market(1, OracleState.Stale)] }),
            Does.Contain("BTC-PERP is stale"));
        Assert.That(Objection(view => view with { Markets = [Market(1, null)] }), Does.Contain("BTC-PERP is none"));
        Assert.That(
            Objection(view => view with { Markets = [Market(0, OracleState.Stale)] }),
            Is.Null,
            "nobody holds anything there");
    }

    [Test]
    public void Its_own_limits_hold_whatever_the_chain_says()
    {
        Assert.That(Objection(view => view, amountMax: 499), Does.Contain("the most that this guardian signs at once"));
        Signed(6, 1, 600, Now - (86_399 * Second));
        Assert.That(Objection(view => view, dayMax: 1_099), Does.Contain("within 24 h"));
        Assert.That(Objection(view => view, dayMax: 1_100), Is.Null);
        Signed(7, 2, 500, Now - (700 * Second));
        Assert.That(Objection(view => view, dayMax: 1_100), Is.Null, "the same withdrawal counts once");
        Assert.That(
            OfRow(row => row with { Destination = [0x61, 0x63] }), Does.Contain("another amount or destination"));
    }

    [Test]
    public void What_was_signed_a_day_ago_or_on_another_chain_does_not_count()
    {
        Signed(6, 1, 600, Now - (86_400 * Second));
        Signed(5, 1, 900, Now, "c-2");
        Assert.That(Objection(view => view, dayMax: 500), Is.Null);
    }

    [Test]
    public void It_is_asked_for_what_is_admitted_and_not_signed_by_it()
    {
        CouncilRow guardians = View().Guardians;
        var policy = new GuardianPolicy(Key, null, null);
        Assert.That(policy.IsAsked(s_row, guardians), Is.True);
        Assert.That(policy.IsAsked(s_row with { Signers = 1 }, guardians), Is.True, "another has signed");
        Assert.That(policy.IsAsked(s_row with { Signers = 2 }, guardians), Is.False);
        Assert.That(policy.IsAsked(s_row with { State = WithdrawalState.Waiting }, guardians), Is.False);
        Assert.That(new GuardianPolicy("02cc", null, null).NumberIn(guardians), Is.EqualTo(-1));
    }
}
