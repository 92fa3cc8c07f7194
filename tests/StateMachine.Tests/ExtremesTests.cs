using System;
using System.Collections.Generic;
using System.Linq;
using AppChain.Margin;
using NUnit.Framework;

namespace AppChain.StateMachine.Tests;

/// <summary>
/// Whatever numbers a transaction or a price report holds, a block ends with codes: nothing overflows, no invariant
/// breaks. The markets have the largest and the smallest units there are, the accounts the most collateral.
/// </summary>
[TestFixture]
public sealed class ExtremesTests
{
    private static readonly string[] s_names = ["alice", "bob", "carol", "dave"];

    private static readonly long[] s_numbers =
    [
        long.MinValue, -1, 0, 1, 2, 1_000, 1_000_000, Limits.PriceMax - 1, Limits.PriceMax, Limits.PriceMax + 1,
        Limits.AmountMax - 1, Limits.AmountMax, Limits.AmountMax + 1, long.MaxValue,
    ];

    [Test]
    public void Any_numbers_in_operations_and_reports_end_in_codes([Range(1, 6)] int seed)
    {
        var random = new Random(seed);
        TestChain chain = NewChain();
        var codes = new SortedSet<ResultCode>();
        for (int block = 0; block < 120; block++)
        {
            chain.Price(1, Price(random), random.Next(3) == 0 ? Price(random) : 0);
            chain.Price(2, Price(random));
            for (int i = 0; i < 16; i++)
            {
                chain.Add(
                    s_names[random.Next(s_names.Length)], random.Next(2) == 0, (uint)random.Next(0, 2), Any(random));
            }

            foreach (TransactionResult result in chain.Step().Transactions)
            {
                codes.Add(result.Code);
            }
        }

        Assert.That(codes, Has.Count.GreaterThan(8));
        Assert.That(codes, Does.Contain(ResultCode.Ok));
    }

    [Test]
    public void The_largest_position_at_the_highest_price_is_valued_liquidated_and_closed()
    {
        TestChain chain = NewChain();
        chain.Step();
        chain.Price(1, Limits.PriceMax / 2);
        chain.Step();
        chain.Run("alice", Ops.Sell(Limits.QuantityMax, Limits.PriceMax / 2));
        TransactionResult taken = chain.Run(
            "bob", Ops.Buy(Limits.QuantityMax, Limits.PriceMax / 2, tif: TimeInForce.ImmediateOrCancel));
        Assert.That(taken.Code, Is.AnyOf(ResultCode.Ok, ResultCode.MarginTooLow));
        chain.Price(1, Limits.PriceMax);
        chain.Step();
        chain.Price(1, 1);
        chain.Step();
        chain.Price(1, Limits.PriceMax);
        Assert.DoesNotThrow(() => chain.Step());
    }

    [Test]
    public void The_largest_positions_in_sixty_four_markets_survive_every_price_and_years_of_funding()
    {
        TestChain chain = new(
            TestMarkets.Genesis(
                [("alice", Limits.AmountMax / 1_000_000), ("bob", Limits.AmountMax / 1_000_000), ("carol", 1_000_000)],
                [.. Enumerable.Range(1, Limits.MarketsMax).Select(id => Widest((uint)id))],
                insuranceUsd: Limits.AmountMax / 1_000_000),
            blockSeconds: 3_600);
        chain.Step();
        SetPrices(chain, 1);
        chain.Step();
        for (uint market = 1; market <= Limits.MarketsMax; market++)
        {
            chain.Add("bob", Ops.Sell(Limits.QuantityMax, 1, market));
            chain.Add("alice", Ops.Buy(Limits.QuantityMax, 1, market));
            chain.Add("carol", Ops.Buy(1_000, 2, market));
        }

        Assert.That(chain.Step().Events.Count(e => e.Kind == EventKind.Fill), Is.EqualTo(Limits.MarketsMax));

        // Funding is paid in every block; nobody touches the positions until prices move.
        Assert.That(
            Enumerable.Range(0, 200).Sum(_ => Count(chain.Step(), EventKind.FundingApplied)), Is.GreaterThan(10_000));
        SetPrices(chain, Limits.PriceMax);
        Assert.That(Count(chain.Step(), EventKind.LiquidationOpened), Is.EqualTo(1));
        foreach (long price in new[] { 1, Limits.PriceMax, Limits.PriceMax / 2, 1, 1_000_000, 3 })
        {
            SetPrices(chain, price);
            chain.Add("alice", Ops.Sell(Limits.QuantityMax, price, 1), Ops.Buy(Limits.QuantityMax, price, 2));
            Assert.DoesNotThrow(() => chain.Step());
        }
    }

    private static int Count(BlockResult block, EventKind kind) => block.Events.Count(e => e.Kind == kind);

    private static void SetPrices(TestChain chain, long ticks)
    {
        for (uint market = 1; market <= Limits.MarketsMax; market++)
        {
            chain.Price(market, ticks);
        }
    }

    // The least margin there may be, on the most there may be.
    private static MarketParameters Widest(uint id) => TestMarkets.Simple(id) with
    {
        TickLotValue = Limits.TickLotValueMax,
        Tiers = [new MarginTier(0, 1, 1)],
        PositionLimit = Limits.QuantityMax,
        OpenInterestCap = Limits.QuantityMax,
        PriceBandPpm = 1_000_000,
        ImpactNotional = 1,
        FundingCapPpm = 1_000_000,
        LiquidationWholeNotional = Limits.AmountMax,
    };

    private static TestChain NewChain() => new(TestMarkets.Genesis(
        Array.ConvertAll(s_names, name => (name, Limits.AmountMax / 1_000_000)),
        [
            TestMarkets.Simple(1) with
            {
                TickLotValue = Limits.TickLotValueMax,
                Tiers = [new MarginTier(0, 20_000, 10_000), new MarginTier(Limits.AmountMax / 2, 1_000_000, 1_000_000)],
                PositionLimit = Limits.QuantityMax,
                OpenInterestCap = Limits.QuantityMax,
                PriceBandPpm = 1_000_000,
                MakerFeePpm = -500,
                TakerFeePpm = 1_000,
            },
            TestMarkets.Simple(2) with
            {
                TickLotValue = 1,
                PositionLimit = Limits.QuantityMax,
                OpenInterestCap = Limits.QuantityMax,
            },
        ],
        insuranceUsd: 1_000_000));

    // Most prices are near enough to each other to trade at.
    private static long Price(Random random) => random.Next(5) switch
    {
        0 => 1,
        1 => Limits.PriceMax,
        _ => 1_000_000 + random.Next(-200_000, 200_000),
    };

    private static Operation Any(Random random) => new()
    {
        Kind = (OperationKind)random.Next(0, 9),
        Content = random.Next(3) switch
        {
            0 => null,
            1 => new AgentRevocation(TestMarkets.AddressOf(s_names[random.Next(s_names.Length)])),
            _ => new AgentAuthorisation(
                TestMarkets.AddressOf(s_names[random.Next(s_names.Length)]), [1], Number(random), Number(random)),
        },
        Side = (Side)random.Next(0, 3),
        TimeInForce = (TimeInForce)random.Next(0, 4),
        SelfTrade = (SelfTrade)random.Next(0, 4),
        ReduceOnly = random.Next(4) == 0,
        IsMarket = random.Next(6) == 0,
        Market = (uint)random.Next(0, 4),
        Price = random.Next(2) == 0 ? Price(random) : Number(random),
        Quantity = random.Next(2) == 0 ? random.NextInt64(1, 1_000_000) : Number(random),
        ClientId = (ulong)random.Next(0, 4),
        TargetOrderId = (ulong)random.Next(0, 200),
        TargetClientId = (ulong)random.Next(0, 4),
        GoodTilHeight = random.Next(4) == 0 ? Number(random) : 0,
        GoodTilTime = random.Next(6) == 0 ? Number(random) : 0,
        Recipient = new AccountId(TestMarkets.AddressOf(s_names[random.Next(s_names.Length)]), (uint)random.Next(0, 3)),
        Amount = Number(random),
    };

    private static long Number(Random random) => s_numbers[random.Next(s_numbers.Length)];
}
