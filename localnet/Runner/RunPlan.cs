using System;
using System.Collections.Generic;
using System.IO;
using AppChain.Abci;
using AppChain.Margin;

namespace AppChain.Localnet;

/// <summary>What is settled before anything starts: keys and files are written, prices chosen, genesis made.</summary>
/// <param name="Prices">Price files and markets.</param>
/// <param name="Clock">Where in the price files the run is.</param>
/// <param name="Epoch">Wall time at which price replay and chain clock begin together.</param>
/// <param name="Genesis">The genesis document.</param>
internal sealed record RunPlan(PriceFiles Prices, MarketClock Clock, DateTimeOffset Epoch, string Genesis)
{
    /// <summary>The markets of the run.</summary>
    public IReadOnlyList<MarketParameters> Markets => Prices.Markets;

    /// <summary>Writes keys, prices and genesis, and settles the moment of the start, a little ahead.</summary>
    /// <exception cref="InvalidOperationException">The home directory or the price files cannot be used.</exception>
    public static RunPlan Prepare(RunOptions options, NetworkFiles files)
    {
        files.WriteKeys();
        PriceFiles prices = PriceFiles.Prepare(options);
        prices.Notes.ForEach(Console.WriteLine);
        int ahead = options.Engine == EngineKind.Embedded ? 3 + options.Signers : 1;
        DateTimeOffset epoch = DateTimeOffset.UtcNow + TimeSpan.FromSeconds(ahead);
        var clock = new MarketClock(prices.Start, WireTime.ToNanoseconds(epoch), options.Speed);
        string genesis = files.Genesis(epoch, prices.Markets);
        File.WriteAllText(Path.Combine(options.Home, "genesis.json"), genesis);
        return new RunPlan(prices, clock, epoch, genesis);
    }
}
