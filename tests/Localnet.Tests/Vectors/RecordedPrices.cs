using System;
using AppChain.Node;

namespace AppChain.Localnet.Tests.Vectors;

/// <summary>
/// Local prices of a validator as a function of the height that is voted for, so that its extensions come out the same
/// when its calls are replayed. From height 8 on they fall by a hundredth at each, which
/// liquidates some.
/// </summary>
internal sealed class RecordedPrices(int validator)
{
    private const long FallsFrom = 7;
    private const double Fall = 0.01;

    /// <summary>Height of the vote.</summary>
    public long Height { get; set; }

    /// <summary>The feed of the application.</summary>
    public PriceFeed Feed()
    {
        var feed = new PriceFeed();
        Add(feed, "BTC-PERP", 50_000);
        Add(feed, "ETH-PERP", 2_500);
        return feed;
    }

    /// <summary>What the markets cost at a height.</summary>
    public static double At(double price, long height) =>
        price * (1 - (Fall * Math.Max(0, height - FallsFrom))) * (1 + (0.0002 * (height * 7 % 5)));

    private void Add(PriceFeed feed, string ticker, double price) =>
        feed.Add(ticker, (out double now, out long age) =>
        {
            now = Math.Round(At(price, Height) * (1 + (0.00002 * validator)), 1);
            age = 0;
            return true;
        });
}
