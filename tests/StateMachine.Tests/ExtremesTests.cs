using System;
using System.Collections.Generic;
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
                chain.Add(s_names[random.Next(s_names.Length)], random.Next(2) == 0, (uint)random.Next(0, 2), Any(random));
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
        TransactionResult taken = chain.Run("bob", Ops.Buy(Limits.QuantityMax, Limits.PriceMax / 2, tif: TimeInForce.ImmediateOrCancel));
        Assert.That(taken.Code, Is.AnyOf(ResultCode.Ok, ResultCode.MarginTooLow));
        chain.Price(1, Limits.PriceMax);
        chain.Step();
        chain.Price(1, 1);
        chain.Step();
        chain.Price(1, Limits.PriceMax);
        Assert.DoesNotThrow(() => chain.Step());
    }

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
            TestMarkets.Simple(2) with { TickLotValue = 1, PositionLimit = Limits.QuantityMax, OpenInterestCap = Limits.QuantityMax },
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
        Kind = (OperationKind)random.Next(0, 7),
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
