using System;
using System.Collections.Immutable;
using System.Linq;
using NUnit.Framework;

namespace AppChain.StateMachine.Tests.Oracle;

/// <summary>One liar among four validators, through whole blocks (ORACLE-7, ORACLE-8).</summary>
public sealed class LiarTests
{
    private const long Second = 1_000_000_000;

    [TestCase(1L)]
    [TestCase(40_000L)]
    public void A_fresh_liar_does_not_stretch_the_interval(long lie)
    {
        TestChain chain = Chain(10_000);
        for (int i = 0; i < 3; i++)
        {
            ExchangeEvent update = Step(chain, honest: 10_000, lie).Events.Single(
                e => e.Kind == EventKind.OracleUpdated);
            Assert.That(update.Price, Is.InRange(9_990, 10_010));
            Assert.That((OracleState)update.Reason, Is.EqualTo(OracleState.Live));
            Assert.That((long)update.Amount, Is.LessThan(100));
        }
    }

    [TestCase(1L)]
    [TestCase(40_000L)]
    public void A_fresh_liar_puts_off_no_liquidation(long lie) =>
        Assert.That(PriceOfLiquidation(lie), Is.EqualTo(PriceOfLiquidation(lie: null)));

    private static long PriceOfLiquidation(long? lie)
    {
        TestChain chain = Chain(10_000);
        chain.Run("bob", Ops.Sell(900, 10_000));
        chain.Run("alice", Ops.Buy(900, 10_000));
        for (long price = 10_000; price > 4_000; price -= 100)
        {
            if (Step(chain, price, lie ?? price).Events.Any(e => e.Kind == EventKind.LiquidationOpened))
            {
                return price;
            }
        }

        return 0;
    }

    private static TestChain Chain(long price)
    {
        var chain = new TestChain(TestMarkets.Genesis(
            [("alice", 1_000_000), ("bob", 100_000_000)], [TestMarkets.Simple()], 0));
        chain.Step();
        chain.Price(1, price);
        chain.Step();
        return chain;
    }

    // Three honest reports half a second old, and one of now that lies.
    private static BlockResult Step(TestChain chain, long honest, long lie)
    {
        Block next = chain.Next();
        var validators = Enumerable.Range(0, 4).Select(number => TestMarkets.ValidatorOf(number))
            .OrderBy(v => v.Address).ToList();
        var reports = ImmutableArray.CreateBuilder<ValidatorReports>();
        for (int i = 0; i < validators.Count; i++)
        {
            reports.Add(new ValidatorReports(
                validators[i].Address,
                [i == 2
                    ? new PriceReport(1, lie, 0, next.Time)
                    : new PriceReport(1, honest, 0, next.Time - (Second / 2))]));
        }

        var block = new Block
        {
            Height = next.Height,
            Time = next.Time,
            PriceUpdate = reports.ToImmutable(),
            Transactions = [],
            UndecodedCodes = [],
        };
        BlockResult result = chain.Exchange.Execute(block);
        chain.Exchange.Commit();
        return result;
    }
}
