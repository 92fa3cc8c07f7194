using System;
using System.Collections.Generic;
using AppChain.Margin;
using NUnit.Framework;

namespace AppChain.StateMachine.Tests.Liquidations;

/// <summary>
/// LIQ-1: whoever the schedule does not name is not below maintenance margin, whatever prices, confidence and funding
/// did, whoever was touched, and whatever was rolled back. The full scan is the naive twin.
/// </summary>
[TestFixture]
public sealed class RiskScheduleTests
{
    private const int Accounts = 120;

    private sealed class World
    {
        public readonly State State = new();
        public readonly BlockContext Context = new();
        public readonly RiskSchedule Schedule;
        public readonly Random Random;
        public HashSet<int> Open = [];
        public int Looks;

        public World(int seed)
        {
            Random = new Random(seed);
            Schedule = new RiskSchedule(State);
            for (uint market = 1; market <= 3; market++)
            {
                int slot = State.AddMarket(new MarketRow
                {
                    Parameters = TestMarkets.Simple(market, maintenance: 20_000 * (int)market),
                });
                Context.Valuations[slot] = new Valuation(10_000, 10_000, 10_000);
            }

            for (int i = 0; i < Accounts; i++)
            {
                int number = State.FindOrOpenAccount(new AccountId(TestMarkets.AddressOf("account" + i), 0));
                Trade(number);
            }

            Schedule.Rebuild();
        }

        // A new position in some market, and collateral between just enough and ten times as much.
        public void Trade(int account)
        {
            int slot = Random.Next(3);
            int position = State.FindOrOpenPosition(account, slot);
            ref PositionRow row = ref State.Positions.Write(position);
            row.Size = (Random.Next(2) * 2 - 1) * Random.Next(1, 1_000);
            row.FundingIndex = State.Markets.Read(slot).FundingIndex;
            row.EntryNotional = State.Markets.Read(slot).Parameters.Notional(Context.Valuations[slot].Mark, row.Size);
            Risk risk = AccountRisk.Of(State, Context, account);
            Int128 enough = risk.Maintenance - (risk.EquityHigh - State.Accounts.Read(account).Collateral);
            State.Accounts.Write(account).Collateral = enough + Arithmetic.PpmCeil(
                risk.Maintenance, Random.Next(0, 9_000_000));
        }

        public void MovePrices(double scale)
        {
            for (int slot = 0; slot < 3; slot++)
            {
                Valuation now = Context.Valuations[slot];
                long mark = Math.Max(100, now.Mark + (long)(now.Mark * ((Random.NextDouble() - 0.5) * scale)));
                long width = Random.Next(4) == 0 ? Random.Next(0, 200) : now.High - now.Mark;
                Context.Valuations[slot] = new Valuation(Math.Max(1, mark - width), mark, mark + width);
                if (Random.Next(8) == 0)
                {
                    Int128 perLot = (Int128)mark * Random.Next(-3_000, 3_000) << MarketRow.FundingScaleBits;
                    State.Markets.Write(slot).FundingIndex += perLot + Random.Next(-1_000, 1_000);
                }
            }
        }

        /// <summary>One step 8: the schedule's accounts are looked at, then everybody is, and must agree.</summary>
        public void Look(string when)
        {
            var due = new List<int>();
            Schedule.Observe(Context);
            Schedule.TakeDue(due);
            var named = new HashSet<int>(due);
            named.UnionWith(Open);
            for (int account = 0; account < Accounts; account++)
            {
                bool liquidatable = AccountRisk.Of(State, Context, account).IsLiquidatable;
                Assert.That(!liquidatable || named.Contains(account), Is.True, $"account {account} was missed {when}");
            }

            foreach (int account in named)
            {
                Examine(account);
            }
        }

        public void Examine(int account)
        {
            Looks++;
            Risk risk = AccountRisk.Of(State, Context, account);
            if (risk.IsLiquidatable)
            {
                Open.Add(account);
                return;
            }

            Open.Remove(account);
            Schedule.Schedule(account, risk);
        }
    }

    [Test]
    public void The_schedule_never_misses_an_account([Range(1, 12)] int seed, [Values(0.002, 0.02, 0.3)] double scale)
    {
        var world = new World(seed);
        for (int step = 0; step < 150; step++)
        {
            world.MovePrices(scale);
            world.Look($"at step {step}");
            for (int i = 0; i < 3; i++)
            {
                int account = world.Random.Next(Accounts);
                world.Trade(account);
                world.Examine(account);
            }
        }
    }

    [Test]
    public void Blocks_that_are_rolled_back_leave_no_gap([Range(1, 12)] int seed)
    {
        var world = new World(seed * 7_919);
        for (int step = 0; step < 100; step++)
        {
            var open = new HashSet<int>(world.Open);
            var valuations = (Valuation[])world.Context.Valuations.Clone();
            Savepoint start = world.State.Journal.Mark();
            for (int i = 0; i < 3; i++)
            {
                int account = world.Random.Next(Accounts);
                world.Trade(account);
                world.Examine(account);
            }

            world.MovePrices(0.1);
            world.Look($"in the candidate of step {step}");
            world.State.Journal.Rollback(start);
            world.State.Forget();
            world.Open = open;
            valuations.CopyTo(world.Context.Valuations, 0);

            start = world.State.Journal.Mark();
            world.MovePrices(0.02);
            world.Look($"after the rollback of step {step}");
            world.State.Journal.Release(start);
            world.State.Forget();
        }
    }

    [Test]
    public void A_unit_of_slack_at_the_smallest_lot_value_is_enough_to_be_named()
    {
        // One lot of one micro-USD per tick: rounding of margin and funding is as large as the moves themselves.
        var random = new Random(5);
        for (int run = 0; run < 300; run++)
        {
            var state = new State();
            var context = new BlockContext();
            var schedule = new RiskSchedule(state);
            int slot = state.AddMarket(new MarketRow { Parameters = Tiny() });
            long mark = random.Next(20, 200);
            context.Valuations[slot] = new Valuation(mark, mark, mark);
            int account = state.FindOrOpenAccount(new AccountId(TestMarkets.AddressOf("a"), 0));
            int position = state.FindOrOpenPosition(account, slot);
            ref PositionRow row = ref state.Positions.Write(position);
            row.Size = random.Next(2) == 0 ? 1 : -1;
            row.EntryNotional = row.Size * mark;
            state.Accounts.Write(account).Collateral = random.Next(1, 60);
            schedule.Rebuild();
            for (int step = 0; step < 40; step++)
            {
                schedule.Observe(context);
                var due = new List<int>();
                schedule.TakeDue(due);
                Risk risk = AccountRisk.Of(state, context, account);
                if (risk.IsLiquidatable)
                {
                    Assert.That(due, Does.Contain(account), $"run {run} step {step}");
                    break;
                }

                if (due.Count > 0)
                {
                    schedule.Schedule(account, risk);
                }

                long next = Math.Max(1, context.Valuations[slot].Mark + random.Next(-1, 2));
                context.Valuations[slot] = new Valuation(next, next, next);
                state.Markets.Write(slot).FundingIndex += random.NextInt64(-(1L << 31), 1L << 31);
            }
        }
    }

    [Test]
    public void Calm_markets_leave_most_accounts_alone()
    {
        var world = new World(99);
        for (int step = 0; step < 200; step++)
        {
            world.MovePrices(0.0005);
            world.Look($"at step {step}");
        }

        TestContext.Out.WriteLine($"{world.Looks} looks where a full scan takes {200 * Accounts}");
        Assert.That(world.Looks, Is.LessThan(200 * Accounts / 3));
    }

    private static MarketParameters Tiny()
    {
        MarketParameters simple = TestMarkets.Simple();
        return new MarketParameters
        {
            MarketId = simple.MarketId,
            Ticker = simple.Ticker,
            PriceDecimals = 3,
            QuantityDecimals = 3,
            TickLotValue = 1,
            Tiers = [new MarginTier(0, 100_000, 50_000)],
            OpenInterestScaleLower = 0,
            OpenInterestScaleUpper = 0,
            MakerFeePpm = 0,
            TakerFeePpm = 0,
            PositionLimit = simple.PositionLimit,
            OpenInterestCap = simple.OpenInterestCap,
            PriceBandPpm = simple.PriceBandPpm,
            ImpactNotional = simple.ImpactNotional,
            FundingCapPpm = simple.FundingCapPpm,
            LiquidationFeePpm = simple.LiquidationFeePpm,
            LiquidationWholeNotional = simple.LiquidationWholeNotional,
            LiquidationSlicePpm = simple.LiquidationSlicePpm,
        };
    }
}
