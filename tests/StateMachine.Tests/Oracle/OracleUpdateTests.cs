using System;
using System.Linq;
using AppChain.Margin;
using NUnit.Framework;
using Say = AppChain.StateMachine.Tests.Oracle.OracleStage.Say;

namespace AppChain.StateMachine.Tests.Oracle;

/// <summary>ORACLE-3 to ORACLE-11 on small sets of validators.</summary>
public sealed class OracleUpdateTests
{
    private const long Price = 1_000_000;

    private static OracleStage Four(long price = Price)
    {
        var stage = new OracleStage(10, 10, 10, 10);
        stage.All(1, price);
        return stage;
    }

    [Test]
    [Property("Spec", "ORACLE-3")]
    public void The_first_agreed_report_becomes_the_price()
    {
        OracleStage stage = Four();
        Assert.That(stage.Oracle.Price, Is.EqualTo(Price));
        Assert.That(stage.Oracle.State, Is.EqualTo(OracleState.Live));
        Assert.That(stage.Oracle.Power, Is.EqualTo(40));
        Assert.That(stage.Oracle.PreviousPrice, Is.Zero);
        Assert.That(stage.Events.Single().Kind, Is.EqualTo(EventKind.OracleUpdated));
        Assert.That(stage.Block(1).PreviousPrice, Is.EqualTo(Price));
        Assert.That(stage.Events, Is.Empty);
    }

    [TestCase(-5, true)]
    [TestCase(-6, false)]
    [TestCase(60, true)]
    [TestCase(61, false)]
    [Property("Spec", "ORACLE-3")]
    public void Reports_too_young_or_too_old_are_refused(long age, bool taken)
    {
        var stage = new OracleStage(10, 10, 10, 10);
        stage.All(1, Price, 0, age);
        Assert.That(stage.Oracle.Price, Is.EqualTo(taken ? Price : 0));
        Assert.That(stage.State.Reports.Count, Is.EqualTo(taken ? 4 : 0));
    }

    [Test]
    [Property("Spec", "ORACLE-3")]
    public void Strangers_and_unknown_markets_leave_no_row()
    {
        OracleStage stage = Four();
        stage.Block(1, new Say(7, Price), new Say(0, Price, Market: 9));
        Assert.That(stage.State.Reports.Count, Is.EqualTo(4));
        Assert.That(stage.Oracle.Updates, Is.EqualTo(1));
    }

    [Test]
    [Property("Spec", "ORACLE-3")]
    public void An_older_word_never_replaces_a_newer_one_and_the_same_word_is_no_news()
    {
        OracleStage stage = Four();
        stage.All(10, Price + 5, 0, 20);
        Assert.That(stage.Oracle.Price, Is.EqualTo(Price));
        stage.All(1, Price, 0, 11);
        Assert.That(stage.Oracle.Updates, Is.EqualTo(1));
        stage.All(1, Price + 5);
        Assert.That(stage.Oracle.Price, Is.EqualTo(Price + 5));
    }

    [Test]
    [Property("Spec", "ORACLE-4")]
    public void Reports_beyond_the_maximum_age_and_of_departed_validators_are_forgotten()
    {
        OracleStage stage = Four();
        stage.State.ValidatorSets.Add(new ValidatorSetRow { FromHeight = 3, Validators = stage.Validators[..3] });
        stage.Block(1);
        Assert.That(stage.State.Reports.Count, Is.EqualTo(4), "the set of height 2 spoke");
        stage.Block(1);
        Assert.That(stage.State.Reports.Count, Is.EqualTo(3));
        stage.Block(58);
        Assert.That(stage.State.Reports.Count, Is.EqualTo(3));
        stage.Block(1);
        Assert.That(stage.State.Reports.Count, Is.Zero);
    }

    [Test]
    [Property("Spec", "ORACLE-4")]
    public void Silencing_the_others_does_not_hand_the_price_to_one()
    {
        OracleStage stage = Four();
        for (int i = 1; i <= 59; i++)
        {
            Int128 variance = stage.Oracle.Variance;
            OracleRow oracle = stage.Block(1, new Say(0, Price * 2));
            long honest = Volatility.Width(Price, 0, i * OracleStage.Second, variance, OracleRules.WideningSquared);
            Assert.That(oracle.Price, Is.InRange(Price - honest, Price + honest), $"after {i} s");
        }

        stage.Block(5, new Say(0, Price * 2));
        Assert.That(stage.Block(60, new Say(0, Price * 2)).Price, Is.LessThan(Price * 102 / 100));
        Assert.That(stage.Oracle.State, Is.EqualTo(OracleState.Stale));
    }

    [TestCase(2, false)]
    [TestCase(3, true)]
    [Property("Spec", "ORACLE-6")]
    public void More_than_two_thirds_of_the_power_make_a_price(int reporters, bool updated)
    {
        var stage = new OracleStage(10, 10, 10, 10);
        stage.Block(1, [.. Enumerable.Range(0, reporters).Select(i => new Say(i, Price))]);
        Assert.That(stage.Oracle.Price > 0, Is.EqualTo(updated));
    }

    [Test]
    [Property("Spec", "ORACLE-6")]
    public void Exactly_two_thirds_are_not_enough()
    {
        var stage = new OracleStage(10, 10, 10);
        stage.Block(1, new Say(0, Price), new Say(1, Price));
        Assert.That(stage.Oracle.Price, Is.Zero);
    }

    [Test]
    [Property("Spec", "ORACLE-7")]
    public void Confidence_is_the_distance_to_the_quartiles_within_twice_the_middle_reach()
    {
        var stage = new OracleStage(10, 10, 10, 10);
        Assert.That(stage.All(1, Price, 700).Confidence, Is.EqualTo(700));
        stage = new OracleStage(10, 10, 10, 10);
        OracleRow oracle = stage.Block(1, new Say(0, 100), new Say(1, 102), new Say(2, 104), new Say(3, 110));
        Assert.That(oracle.Price, Is.EqualTo(103));
        Assert.That(oracle.Confidence, Is.EqualTo(6), "reaches 1, 1, 3, 7: twice 3 is nearer than the quartile at 110");
        Assert.That(oracle.State, Is.EqualTo(OracleState.Uncertain));
        stage = new OracleStage(10, 10, 10, 10);
        oracle = stage.Block(1, new Say(0, 100), new Say(1, 102), new Say(2, 104), new Say(3, 107));
        Assert.That(oracle.Confidence, Is.EqualTo(4), "the quartile at 107 is nearer than twice the reach");
    }

    [Test]
    [Property("Spec", "ORACLE-9")]
    public void Two_thirds_pass_at_once_whatever_the_move()
    {
        OracleStage stage = Four();
        OracleRow oracle = stage.Block(1, new Say(0, Price / 2), new Say(1, Price / 2), new Say(2, Price / 2));
        Assert.That(oracle.Price, Is.EqualTo(Price / 2));
        Assert.That(stage.Events.Single().Quantity, Is.EqualTo(Price / 2));
    }

    // In a crash validators see different prices. What two thirds agree on, which is the least of their moves, passes.
    [Test]
    [Property("Spec", "ORACLE-9")]
    public void A_dispersed_crash_passes_at_once_as_far_as_two_thirds_agree()
    {
        OracleStage stage = Four();
        OracleRow oracle = stage.Block(
            1, new Say(0, 880_000), new Say(1, 890_000), new Say(2, 900_000), new Say(3, 910_000));
        Assert.That(oracle.Price, Is.EqualTo(900_000));
        Assert.That(stage.Events.Single().Quantity, Is.EqualTo(900_000));
        Assert.That(
            oracle.Price - oracle.Confidence, Is.LessThanOrEqualTo(890_000), "the median stays in the interval");
        oracle = stage.Block(1, new Say(0, 880_000), new Say(1, 890_000), new Say(2, 900_000), new Say(3, 910_000));
        Assert.That(oracle.Price, Is.InRange(898_000, 899_000), "the rest follows within the bound");
        for (int i = 0; i < 3; i++)
        {
            oracle = stage.Block(1, new Say(0, 880_000), new Say(1, 890_000), new Say(2, 900_000), new Say(3, 910_000));
        }

        Assert.That(oracle.Price, Is.EqualTo(895_000), "the median");
    }

    [Test]
    [Property("Spec", "ORACLE-9")]
    public void A_majority_short_of_two_thirds_moves_only_by_the_bound()
    {
        var stage = new OracleStage(13, 7, 10);
        stage.All(1, Price);
        long bound = Volatility.MoveBound(Price, OracleStage.Second, stage.Oracle.Variance);
        OracleRow oracle = stage.Block(1, new Say(0, Price * 2), new Say(1, Price), new Say(2, Price));
        Assert.That(oracle.Price, Is.EqualTo(Price), "13 of 30 are no majority");
        stage = new OracleStage(16, 4, 10);
        stage.All(1, Price);
        oracle = stage.Block(1, new Say(0, Price * 2), new Say(1, Price), new Say(2, Price));
        Assert.That(oracle.Price, Is.EqualTo(Price + bound));
        Assert.That(stage.Events.Single().Quantity, Is.EqualTo(Price));
        Assert.That(oracle.State, Is.EqualTo(OracleState.Uncertain), "the disputed median is inside the interval");
    }

    [Test]
    [Property("Spec", "ORACLE-10")]
    public void The_ladder_is_climbed_by_age_and_left_by_a_fresh_price()
    {
        OracleStage stage = Four();
        Assert.That(stage.Block(90).State, Is.EqualTo(OracleState.Live));
        Assert.That(stage.Block(1).State, Is.EqualTo(OracleState.Stale));
        Assert.That(stage.Events.Single().Kind, Is.EqualTo(EventKind.OracleStateChanged));
        Assert.That(stage.Block(1).State, Is.EqualTo(OracleState.Stale));
        Assert.That(stage.Events, Is.Empty);
        Assert.That(stage.Block(808).State, Is.EqualTo(OracleState.Stale));
        Assert.That(stage.Block(1).State, Is.EqualTo(OracleState.Frozen));
        Assert.That(stage.All(1, Price, 20_000).State, Is.EqualTo(OracleState.Uncertain));
        Assert.That(stage.All(1, Price, 100).State, Is.EqualTo(OracleState.Live));
        Assert.That(stage.Oracle.Price, Is.EqualTo(Price));
    }

    [Test]
    [Property("Spec", "ORACLE-11")]
    public void Valuation_is_exact_when_fresh_and_certain_and_widens_with_every_second()
    {
        OracleStage stage = Four();
        stage.Market.MarkPrice = Price;
        Assert.That(
            OracleUpdate.ValuationOf(stage.Market, stage.Oracle, stage.Time),
            Is.EqualTo(new Valuation(Price, Price, Price)));
        Valuation last = default;
        for (int i = 0; i < 1_000; i++)
        {
            Valuation now = OracleUpdate.ValuationOf(stage.Market, stage.Oracle, stage.Time);
            Assert.That(now.Low, Is.GreaterThanOrEqualTo(1));
            Assert.That(i == 0 || (now.Low <= last.Low && now.High >= last.High), Is.True);
            Assert.That(now.High - now.Mark, Is.EqualTo(now.Mark - now.Low));
            last = now;
            stage.Block(1);
        }

        Assert.That(stage.Oracle.State, Is.EqualTo(OracleState.Frozen));
    }

    // The votes were widened up to the update; widening again from their source time would count their age twice.
    [Test]
    [Property("Spec", "ORACLE-11")]
    public void In_the_block_of_an_update_the_interval_is_the_confidence_whatever_the_age_of_the_reports()
    {
        var stage = new OracleStage(10, 10, 10, 10);
        OracleRow oracle = stage.All(1, Price, 100, 30);
        stage.Market.MarkPrice = Price;
        long width = Volatility.Width(Price, 100, 30 * OracleStage.Second, OracleRules.VarianceInitial, 4);
        Assert.That(oracle.Confidence, Is.EqualTo(width).And.GreaterThan(1_000));
        Assert.That(OracleUpdate.ValuationOf(stage.Market, oracle, stage.Time).High, Is.EqualTo(Price + width));
    }

    [Test]
    [Property("Spec", "ORACLE-11")]
    public void A_stale_price_has_twice_the_drift()
    {
        var market = new MarketRow { Parameters = TestMarkets.Simple(), MarkPrice = Price };
        var live = new OracleRow { Price = Price, Variance = 30_000, State = OracleState.Live };
        OracleRow stale = live with { State = OracleState.Stale };
        long narrow = OracleUpdate.ValuationOf(market, live, 100 * OracleStage.Second).High - Price;
        long wide = OracleUpdate.ValuationOf(market, stale, 100 * OracleStage.Second).High - Price;
        Assert.That(wide, Is.InRange((2 * narrow) - 1, (2 * narrow) + 1));
    }

    [Test]
    [Property("Spec", "ORACLE-3")]
    public void Everything_is_taken_back_by_the_journal()
    {
        OracleStage stage = Four();
        OracleRow before = stage.Oracle;
        Savepoint savepoint = stage.State.Journal.Mark();
        stage.All(200, Price * 2);
        stage.Block(200);
        Assert.That(stage.State.Reports.Count, Is.Zero);
        stage.State.Journal.Rollback(savepoint);
        Assert.That(stage.State.Reports.Count, Is.EqualTo(4));
        Assert.That(stage.Oracle, Is.EqualTo(before));
    }
}
