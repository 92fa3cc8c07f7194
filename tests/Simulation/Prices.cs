using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using AppChain.Margin;
using AppChain.Node;

namespace AppChain.Simulation;

/// <summary>
/// True prices over virtual time, and the feeds through which the validators see them: a random walk with jumps, a
/// little noise per validator, silence now and then. The feeds are the product's own, with two venues each.
/// </summary>
internal sealed class Prices
{
    private const int Points = 4096;
    private static readonly TimeSpan Spacing = TimeSpan.FromMilliseconds(500);

    private readonly World _world;
    private readonly List<double>[] _paths = [[], []];
    private readonly Random _random;

    public Prices(World world, int seed)
    {
        _world = world;
        _random = new Random(unchecked(seed * 131 + 3));
    }

    /// <summary>The two markets: a tick is a USD, a lot a thousandth of a coin.</summary>
    public static ImmutableArray<MarketParameters> Markets { get; } =
        [Market(1, "BTC-PERP", -100, 500, 100_000, 50_000), Market(2, "ETH-PERP", 0, 300, 50_000, 25_000)];

    /// <summary>True price of a market now, ticks.</summary>
    public double Price(uint market)
    {
        List<double> path = _paths[(int)market - 1];
        int index = (int)(_world.Now / Spacing);
        while (path.Count <= index) Extend();
        return path[index];
    }

    /// <summary>
    /// Lowest and highest true price of a market from a time to another, which is now or was before, ticks.
    /// </summary>
    public (double Low, double High) Range(uint market, TimeSpan from, TimeSpan to)
    {
        _ = Price(market);
        int last = (int)(to / Spacing);
        double low = _paths[(int)market - 1][last];
        double high = low;
        for (int i = Math.Max(0, (int)(from / Spacing)); i < last; i++)
        {
            low = Math.Min(low, _paths[(int)market - 1][i]);
            high = Math.Max(high, _paths[(int)market - 1][i]);
        }

        return (low, high);
    }

    /// <summary>A new feed for a validator; called again when it restarts.</summary>
    public PriceFeed FeedOf(int validator)
    {
        var feed = new PriceFeed();
        foreach (MarketParameters market in Markets)
        {
            for (int venue = 0; venue < 2; venue++)
            {
                int number = venue;
                feed.Add(market.Ticker, (out double price, out long age) =>
                    TryPrice(validator, number, market.MarketId, out price, out age));
            }
        }
        return feed;
    }

    private bool TryPrice(int validator, int venue, uint market, out double price, out long age)
    {
        // A price is a function of the time and the place alone, so that asking twice changes nothing.
        ulong noise = Mixed(validator, venue, (int)market, (int)(_world.Now / Spacing));
        price = Math.Round(Price(market) * (1 + ((Share(noise) - 0.5) * 0.002)));
        age = (long)(Share(noise << 21) * 400_000_000);
        return !_world.Faulty || Share(noise << 42) >= _world.Swarm.SilentFeeds;
    }

    // System.HashCode is seeded per process. The finish is that of SplitMix64.
    private ulong Mixed(int validator, int venue, int market, int time)
    {
        unchecked
        {
            ulong mixed = (ulong)(((((_world.Seed * 397L) ^ validator) * 397) ^ venue) * 397 ^ market)
                * 0x9E3779B97F4A7C15 + (ulong)time;
            mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9;
            mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
            return mixed ^ (mixed >> 31);
        }
    }

    // The highest 21 bits as a number below 1.
    private static double Share(ulong bits) => (bits >> 43) / (double)(1 << 21);

    private void Extend()
    {
        foreach (List<double> path in _paths)
        {
            double last = path.Count == 0 ? 1000 : path[^1];
            double move = (_random.NextDouble() - 0.5) * 0.004 * _world.Swarm.Volatility;
            // A crash or a rally now and then.
            if (_random.Next(150) == 0) move = (_random.NextDouble() - 0.5) * 0.25 * _world.Swarm.Volatility;
            // So far within a block that who is liquidated may owe more than the position was worth.
            bool plunges = _world.Swarm.Plunges > 0
                && _random.NextDouble() < _world.Swarm.Plunges * Spacing.TotalMinutes;
            if (plunges) move = Math.Pow(2 + (4 * _random.NextDouble()), _random.Next(2) == 0 ? 1 : -1) - 1;
            path.Add(Math.Clamp(last * (1 + move), 100, 10_000));
        }
    }

    private static MarketParameters Market(
        uint id, string ticker, int maker, int taker, int initial, int maintenance) =>
        new()
        {
            MarketId = id,
            Ticker = ticker,
            PriceDecimals = 0,
            QuantityDecimals = 3,
            TickLotValue = 1_000,
            Tiers =
            [
                new MarginTier(0, initial, maintenance),
                new MarginTier(50_000_000_000, initial * 2, maintenance * 2),
            ],
            OpenInterestScaleLower = 0,
            OpenInterestScaleUpper = 0,
            MakerFeePpm = maker,
            TakerFeePpm = taker,
            PositionLimit = 10_000_000,
            OpenInterestCap = 100_000_000,
            PriceBandPpm = 500_000,
            ImpactNotional = 10_000_000_000,
            FundingCapPpm = 5_000,
            LiquidationFeePpm = 10_000,
            LiquidationWholeNotional = 20_000_000_000,
            LiquidationSlicePpm = 250_000,
        };
}
