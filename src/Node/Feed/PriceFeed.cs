using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using AppChain.Margin;
using AppChain.StateMachine;

namespace AppChain.Node;

/// <summary>A price of one venue: USD, and how long ago (ns) it was made. False when the venue has none.</summary>
public delegate bool VenuePrice(out double price, out long age);

/// <summary>
/// What this validator reports: per market the median over its venues, with the spread of the venues as confidence.
/// The only place of the node whose reading of a clock can reach a block. Venues are delegates: a replayed file is one,
/// a live connection another.
/// </summary>
public sealed class PriceFeed
{
    /// <summary>A venue silent for longer than this no longer counts.</summary>
    private const long AgeMax = 30_000_000_000;

    /// <summary>Least confidence claimed, as a share of the price: one basis point.</summary>
    private const double ConfidenceFloor = 0.0001;

    private readonly SortedDictionary<string, List<VenuePrice>> _venues = new(StringComparer.Ordinal);

    // The markets of the chain that have venues, ascending by id; replaced as a whole.
    private volatile IReadOnlyList<(MarketParameters Market, List<VenuePrice> Venues)> _markets = [];

    /// <summary>
    /// Adds a venue of a market; several are combined by their median. All are added before <see cref="Bind"/>.
    /// </summary>
    /// <param name="ticker">Ticker of the market.</param>
    /// <param name="venue">The venue.</param>
    public void Add(string ticker, VenuePrice venue)
    {
        if (!_venues.TryGetValue(ticker, out List<VenuePrice>? venues))
        {
            _venues[ticker] = venues = [];
        }

        venues.Add(venue);
    }

    /// <summary>
    /// Learns the numbers and units of the chain's markets, which the chain knows from its genesis or its store.
    /// Before, the feed has no reports.
    /// </summary>
    /// <param name="markets">All markets of the chain, ascending by id.</param>
    /// <exception cref="FeedException">There are venues for a market that the chain does not have.</exception>
    public void Bind(ImmutableArray<MarketParameters> markets)
    {
        var bound = new List<(MarketParameters, List<VenuePrice>)>();
        foreach (MarketParameters market in markets)
        {
            if (_venues.TryGetValue(market.Ticker, out List<VenuePrice>? venues))
            {
                bound.Add((market, venues));
            }
        }

        foreach (string ticker in _venues.Keys)
        {
            if (!markets.Any(market => market.Ticker == ticker))
            {
                throw new FeedException(
                    $"feed.file: the chain has no market {ticker}; it has "
                    + $"{string.Join(", ", markets.Select(m => m.Ticker))}");
            }
        }

        _markets = bound;
    }

    /// <summary>
    /// The reports at a chain time (ns), ascending by market; a market all of whose venues are silent is left out. Ages
    /// are those of the venues, so the source time is in the chain's own time.
    /// </summary>
    public ImmutableArray<PriceReport> Reports(long chainTime)
    {
        IReadOnlyList<(MarketParameters Market, List<VenuePrice> Venues)> markets = _markets;
        var reports = ImmutableArray.CreateBuilder<PriceReport>(markets.Count);
        var prices = new List<double>();
        foreach ((MarketParameters market, List<VenuePrice> venues) in markets)
        {
            prices.Clear();
            long youngest = long.MaxValue;
            foreach (VenuePrice venue in venues)
            {
                if (venue(out double price, out long age) && age <= AgeMax)
                {
                    prices.Add(price);
                    youngest = Math.Min(youngest, age);
                }
            }

            if (prices.Count == 0)
            {
                continue;
            }

            prices.Sort();
            double median = (prices[(prices.Count - 1) / 2] + prices[prices.Count / 2]) / 2;
            double confidence = Math.Max((prices[^1] - prices[0]) / 2, median * ConfidenceFloor);
            double ticks = Math.Pow(10, market.PriceDecimals);
            long inTicks = (long)Math.Round(median * ticks);
            if (inTicks is > 0 and <= Limits.PriceMax)
            {
                long half = Math.Min(inTicks, (long)Math.Ceiling(confidence * ticks));
                reports.Add(new PriceReport(
                    market.MarketId, inTicks, half, Math.Max(0, chainTime - Math.Max(0, youngest))));
            }
        }

        return reports.DrainToImmutable();
    }

    /// <summary>
    /// A venue that replays a path: at wall time t the market time is <paramref name="start"/> + (t − epoch) × speed.
    /// Ages are in wall time, or in market time when the chain's clock runs at the same speed.
    /// </summary>
    /// <param name="path">Prices over market time.</param>
    /// <param name="start">Market time (ns) replayed at the epoch.</param>
    /// <param name="epoch">Wall time (ns since 1970) at which the replay starts.</param>
    /// <param name="speed">Market seconds per wall second.</param>
    /// <param name="chainFollowsMarket">The chain's clock runs at the same speed.</param>
    /// <param name="wallClock">Reads the wall time, ns since 1970.</param>
    public static VenuePrice Replay(
        PricePath path, long start, long epoch, double speed, bool chainFollowsMarket, Func<long> wallClock) =>
        (out double price, out long age) =>
        {
            long now = start + (long)(Math.Max(0, wallClock() - epoch) * speed);
            bool found = path.TryPrice(now, out price, out long madeAt);
            age = chainFollowsMarket ? now - madeAt : (long)((now - madeAt) / speed);
            return found;
        };
}
