using System;
using NUnit.Framework;

namespace AppChain.StateMachine.Tests.Oracle;

/// <summary>MARK-1 to MARK-6.</summary>
public sealed class MarkPriceTests
{
    private const long Index = 1_000_000;

    private static OracleStage Stage(long index = Index)
    {
        var stage = new OracleStage(10, 10, 10, 10);
        stage.All(1, index);
        return stage;
    }

    private static BookQuote Book(long bid, long ask) => new(bid, ask, 0, 0);

    private static void Fill(OracleStage stage, long price, long ageSeconds = 0)
    {
        stage.Market.LastPrice = price;
        stage.Market.LastFillTime = stage.Time - (ageSeconds * OracleStage.Second);
    }

    [Test]
    [Property("Spec", "MARK-1")]
    public void There_is_no_mark_before_the_first_index_price()
    {
        var stage = new OracleStage(10, 10, 10, 10);
        stage.Block(1);
        stage.UpdateMark(Book(99, 101));
        Assert.That(stage.Market.MarkPrice, Is.Zero);
    }

    [Test]
    [Property("Spec", "MARK-2")]
    public void Without_book_and_fill_the_mark_is_the_index()
    {
        OracleStage stage = Stage();
        stage.UpdateMark(default);
        Assert.That(stage.Market.MarkPrice, Is.EqualTo(Index));
        stage.UpdateMark(Book(Index * 2, 0));
        Assert.That(stage.Market.MarkPrice, Is.EqualTo(Index));
    }

    [Test]
    [Property("Spec", "MARK-2")]
    public void One_distorted_estimate_moves_nothing()
    {
        OracleStage stage = Stage();
        stage.UpdateMark(Book(Index * 2, Index * 3));
        Assert.That(stage.Market.MarkPrice, Is.EqualTo(Index), "the book alone");
        Fill(stage, Index * 2);
        stage.UpdateMark(default);
        Assert.That(stage.Market.MarkPrice, Is.EqualTo(Index), "the last fill alone");
    }

    [Test]
    [Property("Spec", "MARK-5")]
    public void In_the_block_of_a_jump_an_old_book_holds_the_mark_back_by_half_a_percent_at_most()
    {
        OracleStage stage = Stage();
        Fill(stage, Index);
        for (int i = 0; i < 100; i++)
        {
            stage.All(1, Index);
            stage.UpdateMark(Book(Index - 10, Index + 10));
        }

        stage.All(1, Index * 9 / 10);
        stage.UpdateMark(Book(Index - 10, Index + 10));
        Assert.That(stage.Market.MarkPrice, Is.EqualTo(904_500));
        Assert.That(MarkPrice.Basis(stage.Market), Is.Zero, "the old book is measured against the old index");
    }

    [Test]
    [Property("Spec", "MARK-5")]
    public void A_fill_older_than_the_average_says_nothing()
    {
        OracleStage stage = Stage();
        Fill(stage, Index * 2, 151);
        stage.UpdateMark(Book(Index + 100, Index + 200));
        Assert.That(stage.Market.MarkPrice, Is.EqualTo(Index));
        Fill(stage, Index * 2, 150);
        stage.UpdateMark(Book(Index + 100, Index + 200));
        Assert.That(stage.Market.MarkPrice, Is.EqualTo(Index + 200));
    }

    [Test]
    [Property("Spec", "MARK-3")]
    public void The_basis_follows_a_floating_point_twin()
    {
        var random = new Random(31);
        OracleStage stage = Stage();
        double sum = 0;
        double weights = 0;
        for (int i = 0; i < 3_000; i++)
        {
            bool isFirst = i == 0;
            long before = stage.Oracle.Price;
            int seconds = random.Next(1, 4);
            stage.All(seconds, before + random.Next(-300, 301));
            long bid = before + random.Next(-2_000, 4_000);
            long ask = bid + random.Next(1, 50);
            bool isTwoSided = random.Next(10) > 0;
            stage.UpdateMark(isTwoSided ? Book(bid, ask) : Book(bid, 0));
            if (!isFirst)
            {
                double kept = Math.Exp(-seconds / 150.0);
                sum = (sum * kept) + (isTwoSided ? (((bid + ask) / 2.0) - before) * seconds : 0);
                weights = (weights * kept) + seconds;
                Assert.That(MarkPrice.Basis(stage.Market), Is.EqualTo(sum / weights).Within(1.01));
            }
        }
    }

    [Test]
    [Property("Spec", "MARK-3")]
    public void A_basis_sample_is_cut_at_five_percent_and_a_lost_book_forgets_it()
    {
        OracleStage stage = Stage();
        for (int i = 0; i < 1_000; i++)
        {
            stage.All(1, Index);
            stage.UpdateMark(Book(Index * 4, Index * 4));
        }

        Assert.That(MarkPrice.Basis(stage.Market), Is.EqualTo(50_000).Within(1));
        for (int i = 0; i < 150; i++)
        {
            stage.All(1, Index);
            stage.UpdateMark(default);
        }

        Assert.That(MarkPrice.Basis(stage.Market), Is.EqualTo(50_000 / Math.E).Within(100));
    }

    [Test]
    [Property("Spec", "MARK-4")]
    public void A_premium_that_book_and_fills_share_reaches_the_mark()
    {
        OracleStage stage = Stage();
        for (int i = 0; i < 1_500; i++)
        {
            stage.All(1, Index);
            Fill(stage, Index + 3_000);
            stage.UpdateMark(Book(Index + 2_990, Index + 3_010));
        }

        Assert.That(stage.Market.MarkPrice, Is.EqualTo(Index + 3_000).Within(2));
    }

    [Test]
    [Property("Spec", "MARK-6")]
    public void A_frozen_oracle_freezes_the_mark()
    {
        OracleStage stage = Stage();
        stage.UpdateMark(default);
        Assert.That(stage.Block(1_000).State, Is.EqualTo(OracleState.Frozen));
        Fill(stage, Index * 2);
        stage.UpdateMark(Book(Index * 2, Index * 2));
        Assert.That(stage.Market.MarkPrice, Is.EqualTo(Index));
    }

    [Test]
    [Property("Spec", "MARK-2")]
    public void Extreme_prices_do_not_overflow()
    {
        foreach (long index in new[] { 1L, Margin.Limits.PriceMax })
        {
            OracleStage stage = Stage(index);
            for (int i = 0; i < 500; i++)
            {
                stage.All(60, index);
                Fill(stage, i % 2 == 0 ? 1 : Margin.Limits.PriceMax);
                stage.UpdateMark(Book(Margin.Limits.PriceMax, Margin.Limits.PriceMax));
                Assert.That(stage.Market.MarkPrice, Is.InRange(1, Margin.Limits.PriceMax));
            }
        }
    }
}
