using System;
using System.IO;
using NUnit.Framework;

namespace AppChain.Node.Tests;

/// <summary>What a guardian refuses to sign although the chain admitted it: rows that its own rules forbid.</summary>
[TestFixture]
public sealed class GuardianPolicyTests
{
    private const ulong Second = 1_000_000_000;
    private const ulong Now = 1_800_000_000 * Second;
    private const string Key = "02aa";

    private string _file = "";

    [SetUp]
    public void Start() => _file = Path.Combine(Directory.CreateTempSubdirectory("guardian-").FullName, "journal");

    [TearDown]
    public void End() => Directory.Delete(Path.GetDirectoryName(_file)!, recursive: true);

    private GuardianJournal Journal => new(_file, "c-1");

    private static GuardianView View()
    {
        var sums = new V1.VaultResponse
        {
            Tiers = { new V1.TimelockStep { AmountFrom = "0", Seconds = 10 }, new V1.TimelockStep { AmountFrom = "1000", Seconds = 600 } },
            OwnerCap = "5000",
            TotalCap = "9000",
            ReleaseExpirySeconds = 600,
            Waiting = "0",
            Admitted = "500",
            Net = "100",
        };
        return new GuardianView(
            new V1.Withdrawal
            {
                WithdrawalId = 7,
                Account = "app1x/0",
                Amount = "500",
                Destination = "6162",
                State = V1.WithdrawalState.Releasable,
                RequestedTime = Now - (100 * Second),
                ReadyTime = Now - (90 * Second),
                Sequence = 3,
                Expiry = Now + (500 * Second),
                CouncilVersion = 2,
            },
            sums,
            sums.Clone(),
            new V1.CouncilResponse
            {
                Version = 2,
                Threshold = 1,
                Members = { new V1.CouncilMember { PublicKey = "02bb" }, new V1.CouncilMember { PublicKey = Key } },
            },
            new V1.MarketsResponse { Markets = { new V1.Market { Ticker = "BTC-PERP", OpenInterest = 1, OracleState = V1.OracleState.Live } } },
            new V1.ChainResponse { ChainId = "c-1", Time = Now, Difference = "0" });
    }

    private string? Objection(Action<GuardianView> change, long? amountMax = null, long? dayMax = null)
    {
        GuardianView view = View();
        change(view);
        return new GuardianPolicy(Key, amountMax, dayMax).Objection(view, Journal, (long)Now);
    }

    [Test]
    public void Nothing_speaks_against_what_keeps_the_policy() => Assert.That(Objection(_ => { }, 500, 500), Is.Null);

    [Test]
    public void Each_rule_is_checked_again()
    {
        Assert.That(Objection(view => view.Row.CouncilVersion = 1), Does.Contain("version 1"));
        Assert.That(Objection(view => view.Row.Expiry = Now), Does.Contain("time to sign has passed"));
        Assert.That(Objection(view => view.Row.Expiry = Now + (86_400 * Second)), Does.Contain("longer than the policy"));
        Assert.That(Objection(view => view.Row.ReadyTime = Now + 1), Does.Contain("timelock"));
        Assert.That(Objection(view => view.Row.Amount = "1000"), Does.Contain("timelock"), "of its size");
        Assert.That(Objection(view => view.Owner.Admitted = "4901"), Does.Contain("cap"));
        Assert.That(Objection(view => view.Owner.Admitted = "4900"), Is.Null, "the last dollar");
        Assert.That(Objection(view => view.All.Net = "8501"), Does.Contain("cap"));
        Assert.That(Objection(view => view.Chain.Difference = "-1"), Does.Contain("differ by -1"));
        Assert.That(
            Objection(view => view.Markets.Markets[0].OracleState = V1.OracleState.Stale), Does.Contain("BTC-PERP is stale"));
        Assert.That(
            Objection(view =>
            {
                view.Markets.Markets[0].OracleState = V1.OracleState.Stale;
                view.Markets.Markets[0].OpenInterest = 0;
            }),
            Is.Null,
            "nobody holds anything there");
    }

    [Test]
    public void Its_own_limits_hold_whatever_the_chain_says()
    {
        Assert.That(Objection(_ => { }, amountMax: 499), Does.Contain("the most that this guardian signs at once"));
        Journal.Add(6, 1, 600, "6162", (long)(Now - (86_399 * Second)));
        Assert.That(Objection(_ => { }, dayMax: 1_099), Does.Contain("within 24 h"));
        Assert.That(Objection(_ => { }, dayMax: 1_100), Is.Null);
        Journal.Add(7, 2, 500, "6162", (long)(Now - (700 * Second)));
        Assert.That(Objection(_ => { }, dayMax: 1_100), Is.Null, "the same withdrawal counts once");
        Assert.That(Objection(view => view.Row.Destination = "6163"), Does.Contain("another amount or destination"));
    }

    [Test]
    public void What_was_signed_a_day_ago_or_on_another_chain_does_not_count()
    {
        Journal.Add(6, 1, 600, "6162", (long)(Now - (86_400 * Second)));
        new GuardianJournal(_file, "c-2").Add(5, 1, 900, "6162", (long)Now);
        Assert.That(Objection(_ => { }, dayMax: 500), Is.Null);
    }

    [Test]
    public void A_damaged_journal_is_named()
    {
        File.WriteAllText(_file, "{\n");
        Assert.That(() => Journal, Throws.TypeOf<FormatException>().With.Message.Contains("line 1"));
    }

    [Test]
    public void It_is_asked_for_what_is_admitted_and_not_signed_by_it()
    {
        GuardianView view = View();
        var policy = new GuardianPolicy(Key, null, null);
        Assert.That(policy.IsAsked(view.Row, view.Guardians), Is.True);
        view.Row.Signers.Add(1);
        Assert.That(policy.IsAsked(view.Row, view.Guardians), Is.False);
        view.Row.Signers.Clear();
        view.Row.State = V1.WithdrawalState.Waiting;
        Assert.That(policy.IsAsked(view.Row, view.Guardians), Is.False);
        Assert.That(new GuardianPolicy("02cc", null, null).NumberIn(view.Guardians), Is.EqualTo(-1));
    }
}
