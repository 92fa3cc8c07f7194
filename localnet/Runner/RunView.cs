using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using AppChain.Margin;
using AppChain.Node;

namespace AppChain.Localnet;

/// <summary>Shows a run while it goes on.</summary>
internal interface IRunView : IDisposable
{
    /// <summary>Shows the chain after a block.</summary>
    Task ShowAsync(long height, CancellationToken cancel);
}

/// <summary>One line for each block.</summary>
internal sealed class PlainView(Monitor monitor, IReadOnlyList<MarketParameters> markets) : IRunView
{
    /// <inheritdoc/>
    public Task ShowAsync(long height, CancellationToken cancel)
    {
        IEnumerable<string> prices = markets.Select(PriceOf);
        Console.WriteLine(
            $"height {height,5}  {string.Join("  ", prices)}  committed {monitor.Committed}  fills {monitor.Fills}"
            + $"  liquidations {monitor.Liquidations}  deleveragings {monitor.Deleveragings}"
            + $"  app hashes {(monitor.Mismatches == 0 ? "agree" : "DIFFER")}");
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    private string PriceOf(MarketParameters market)
    {
        OracleRecord? oracle = monitor.Oracles.GetValueOrDefault(market.MarketId);
        return oracle is null
            ? $"{market.Ticker} -"
            : $"{market.Ticker} {oracle.LastPrice / Math.Pow(10, market.PriceDecimals):0.00} {oracle.State}";
    }
}
