using System;
using AppChain.Abci;

namespace AppChain.Localnet;

/// <summary>
/// Where in the price files a run is. Replay and chain begin at one moment; from there market time passes
/// <paramref name="Speed"/> times as fast as the wall's.
/// </summary>
/// <param name="Start">Market time of the beginning, ns.</param>
/// <param name="Epoch">Wall time of the beginning, ns.</param>
/// <param name="Speed">Market seconds per wall second.</param>
internal readonly record struct MarketClock(long Start, long Epoch, double Speed)
{
    /// <summary>Market time now, ns.</summary>
    public long Now => Start + (long)(Math.Max(0, WireTime.Now - Epoch) * Speed);
}
