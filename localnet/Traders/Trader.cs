using System;
using System.Collections.Generic;
using AppChain.Margin;
using AppChain.Node;
using AppChain.StateMachine;

namespace AppChain.Localnet;

/// <summary>What an agent sees of a market.</summary>
/// <param name="Parameters">Its units.</param>
/// <param name="Index">Index price, ticks.</param>
internal readonly record struct MarketView(MarketParameters Parameters, long Index);

/// <summary>
/// One trading agent: a function of its seed and of the prices it sees. It signs real transactions and keeps its own
/// nonce. Makers quote a ladder around the index in every block, holders open a position near the highest leverage and
/// keep it, noise traders buy and sell a little now and then.
/// </summary>
internal sealed class Trader : IDisposable
{
    private const int LadderLevels = 4;
    private const long ExpiryBlocks = 30;

    private readonly TransactionSigner _signer;
    private readonly TransactionBuilder _builder = new();
    private readonly Random _random;
    private readonly AgentKind _kind;
    private readonly long _collateral;
    private ulong _nonce;
    private int _openings;

    /// <summary>An agent with a funded key.</summary>
    public Trader(int number, FundedKey key, string chainId, int seed)
    {
        Number = number;
        _signer = new TransactionSigner(key.SecretKey, chainId);
        _random = new Random(unchecked((seed * 7_919) + number));
        _kind = AgentKinds.Of(number);
        _collateral = key.Collateral;
    }

    /// <summary>Which agent.</summary>
    public int Number { get; }

    /// <summary>The transaction that it sends after a block; null when it does nothing.</summary>
    public byte[]? Act(long height, IReadOnlyList<MarketView> markets)
    {
        foreach (MarketView market in markets)
        {
            if (market.Index <= 0)
            {
                continue;
            }

            switch (_kind)
            {
                case AgentKind.Maker:
                    Quote(market);
                    break;
                case AgentKind.Holder:
                    Hold(market, markets.Count);
                    break;
                default:
                    Noise(market);
                    break;
            }
        }

        return _builder.Count == 0 ? null : _builder.Sign(_signer, ++_nonce, height + ExpiryBlocks);
    }

    /// <inheritdoc/>
    public void Dispose() => _signer.Dispose();

    private void Quote(in MarketView market)
    {
        MarketParameters p = market.Parameters;
        _builder.CancelAll(p.MarketId);
        long lots = Lots(p, market.Index, 40_000_000_000);
        for (int level = 1; level <= LadderLevels; level++)
        {
            double distance = (0.0003 * level) + (0.0001 * _random.NextDouble());
            _builder.Place(p.MarketId, Side.Buy, At(market.Index, -distance), lots * level, 0, TimeInForce.PostOnly);
            _builder.Place(p.MarketId, Side.Sell, At(market.Index, distance), lots * level, 0, TimeInForce.PostOnly);
        }
    }

    // Opens near the highest leverage, both ways; tries a few times, because the book may be thin.
    private void Hold(in MarketView market, int markets)
    {
        if (_openings >= 4 * markets || _random.Next(3) != 0)
        {
            return;
        }

        _openings++;
        double leverage = 30 + (15 * _random.NextDouble());
        long lots = Lots(market.Parameters, market.Index, (long)(_collateral * leverage / (2 * markets)));
        bool buys = (Number + (int)market.Parameters.MarketId) % 3 != 0;
        Take(market, buys, lots, 0.004);
    }

    private void Noise(in MarketView market)
    {
        if (_random.Next(3) == 0)
        {
            Take(market, _random.Next(2) == 0,
                Lots(market.Parameters, market.Index, _random.Next(200, 4_000) * 1_000_000L), 0.003);
        }
    }

    private void Take(in MarketView market, bool buys, long lots, double slippage) => _builder.Place(
        market.Parameters.MarketId,
        buys ? Side.Buy : Side.Sell,
        At(market.Index, buys ? slippage : -slippage),
        lots,
        0,
        TimeInForce.ImmediateOrCancel);

    private static long At(long index, double offset) => Math.Max(1, (long)(index * (1 + offset)));

    private static long Lots(MarketParameters p, long index, long notional) =>
        Math.Max(1, (long)(notional / ((double)index * p.TickLotValue)));
}
