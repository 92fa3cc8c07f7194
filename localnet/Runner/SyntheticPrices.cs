using System;
using System.Globalization;
using System.IO;
using System.Text;

namespace AppChain.Localnet;

/// <summary>
/// A made-up price: geometric Brownian motion with jumps, and one crash at about two fifths of the run. Written as
/// ticks in a CSV file, so that the nodes read it as they read market data. A function of the seed.
/// </summary>
internal static class SyntheticPrices
{
    private const double VolatilityPerSecond = 0.00025;
    private const double JumpsPerSecond = 1.0 / 600;
    private const double JumpSize = 0.004;
    private const double CrashDepth = 0.12;

    /// <summary>Writes a tick a second for so many market seconds from a start (ns).</summary>
    public static void Write(string file, double price, long start, int seconds, int seed)
    {
        var random = new Random(seed);
        var text = new StringBuilder("time_us,trade_id,side,price,amount\n");
        int crashAt = Math.Max(30, seconds * 2 / 5);
        int crashLength = Math.Clamp(seconds / 20, 10, 600);
        for (int i = 0; i < seconds; i++)
        {
            double move = VolatilityPerSecond * Normal(random);
            if (random.NextDouble() < JumpsPerSecond)
            {
                move += JumpSize * Normal(random);
            }

            if (i >= crashAt && i < crashAt + crashLength)
            {
                move += Math.Log(1 - CrashDepth) / crashLength;
            }

            price *= Math.Exp(move);
            text.Append(CultureInfo.InvariantCulture, $"{(start / 1_000) + (i * 1_000_000L)},{i},buy,{price:0.00},1\n");
        }

        File.WriteAllText(file, text.ToString());
    }

    private static double Normal(Random random) =>
        Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
