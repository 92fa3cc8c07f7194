using System;
using System.Globalization;
using System.Linq;
using AppChain.Margin;
using AppChain.StateMachine;
using AppChain.V1;
using Google.Protobuf.Collections;
using MarginTier = AppChain.Margin.MarginTier;
using Market = AppChain.V1.Market;
using Side = AppChain.StateMachine.Side;

namespace AppChain.Node;

// Markets, their books and their oracle prices.
internal sealed partial class QueryAnswers
{
    private const uint DepthOtherwise = 20;

    private MarketsResponse AnswerMarkets(MarketsRequest _)
    {
        var answer = new MarketsResponse();
        foreach (MarketRow market in model.Markets.Values)
        {
            answer.Markets.Add(MarketOf(market));
        }

        return answer;
    }

    private Market AnswerMarket(MarketRequest request)
    {
        if (request.Market == 0 == (request.Ticker.Length == 0))
        {
            throw new QueryRefused(QueryCode.Malformed, "name the market either by number or by ticker");
        }

        foreach (MarketRow market in model.Markets.Values)
        {
            MarketParameters p = market.Parameters;
            if (request.Market != 0 ? p.MarketId == request.Market : p.Ticker == request.Ticker)
            {
                return MarketOf(market);
            }
        }

        throw request.Market != 0
            ? NoSuchMarket(request.Market)
            : new QueryRefused(QueryCode.NotFound, $"there is no market {request.Ticker}");
    }

    private Market MarketOf(in MarketRow row)
    {
        MarketParameters p = row.Parameters;
        model.Oracles.TryGetValue(p.MarketId, out OracleRow oracle);
        model.TryValuation(p.MarketId, out Valuation valuation);
        var market = new Market
        {
            Market_ = p.MarketId,
            Ticker = p.Ticker,
            PriceDecimals = (uint)p.PriceDecimals,
            QuantityDecimals = (uint)p.QuantityDecimals,
            TickLotValue = (ulong)p.TickLotValue,
            OpenInterestScaleLower = (ulong)p.OpenInterestScaleLower,
            OpenInterestScaleUpper = (ulong)p.OpenInterestScaleUpper,
            MakerFeePpm = p.MakerFeePpm,
            TakerFeePpm = (uint)p.TakerFeePpm,
            PositionLimit = (ulong)p.PositionLimit,
            OpenInterestCap = (ulong)p.OpenInterestCap,
            PriceBandPpm = (uint)p.PriceBandPpm,
            FundingCapPpm = (uint)p.FundingCapPpm,
            LiquidationFeePpm = (uint)p.LiquidationFeePpm,
            ImpactNotional = (ulong)p.ImpactNotional,
            LiquidationWholeNotional = (ulong)p.LiquidationWholeNotional,
            LiquidationSlicePpm = (uint)p.LiquidationSlicePpm,
            OpenInterest = (ulong)row.OpenInterest,
            LastPrice = (ulong)row.LastPrice,
            LastFillTime = (ulong)row.LastFillTime,
            MarkPrice = (ulong)row.MarkPrice,
            MarkLow = (ulong)valuation.Low,
            MarkHigh = (ulong)valuation.High,
            IndexPrice = (ulong)oracle.Price,
            Confidence = (ulong)oracle.Confidence,
            OracleState = (V1.OracleState)(int)oracle.State,
            FundingRatePpm = row.LastFundingRatePpm,
            FundingAppliedAt = (ulong)row.FundingAppliedAt,
            FundingIndex = Text(row.FundingIndex),
            BestBid = Best(p.MarketId, Side.Buy),
            BestAsk = Best(p.MarketId, Side.Sell),
        };
        foreach (MarginTier tier in p.Tiers)
        {
            market.Tiers.Add(new V1.MarginTier
            {
                NotionalFrom = (ulong)tier.NotionalFrom,
                InitialPpm = (uint)tier.InitialPpm,
                MaintenancePpm = (uint)tier.MaintenancePpm,
            });
        }

        return market;
    }

    private BookResponse AnswerBook(BookRequest request)
    {
        if (request.Market == 0)
        {
            throw new QueryRefused(QueryCode.Malformed, "the number of the market is missing");
        }

        return model.Markets.ContainsKey(request.Market)
            ? BookOf(request.Market, Limit(request.Depth, DepthOtherwise))
            : throw NoSuchMarket(request.Market);
    }

    private BookResponse BookOf(uint market, int depth)
    {
        var book = new BookResponse { Market = market };
        Add(book.Bids, market, Side.Buy, depth);
        Add(book.Asks, market, Side.Sell, depth);
        return book;
    }

    private void Add(RepeatedField<BookLevel> levels, uint market, Side side, int depth)
    {
        foreach (PriceLevel level in model.Orders.Levels(market, side).Take(depth))
        {
            levels.Add(new BookLevel
            {
                Price = (ulong)level.Price,
                Quantity = (ulong)level.Quantity,
                Orders = (uint)level.Orders,
            });
        }
    }

    private ulong Best(uint market, Side side) =>
        (ulong)(model.Orders.Levels(market, side).FirstOrDefault()?.Price ?? 0);

    private OracleResponse AnswerOracle(OracleRequest request)
    {
        var answer = new OracleResponse();
        foreach (OracleRow row in model.Oracles.Values)
        {
            if (request.Market != 0 && row.Market != request.Market)
            {
                continue;
            }

            var market = new OracleMarket
            {
                Market = row.Market,
                State = (V1.OracleState)(int)row.State,
                Price = (ulong)row.Price,
                Confidence = (ulong)row.Confidence,
                SourceTime = (ulong)row.SourceTime,
                UpdatedAt = (ulong)row.UpdatedAt,
                Power = (ulong)row.Power,
                Updates = (ulong)row.Updates,
                Variance = Text(row.Variance),
            };
            foreach (ReportRow report in model.Reports.Values)
            {
                if (report.Id.Market == row.Market)
                {
                    market.Reports.Add(new OracleReport
                    {
                        Validator = Convert.ToHexString(report.Id.Validator.ToArray()),
                        Price = (ulong)report.Price,
                        Confidence = (ulong)report.Confidence,
                        SourceTime = (ulong)report.SourceTime,
                    });
                }
            }

            answer.Markets.Add(market);
        }

        return answer;
    }

    private static QueryRefused NoSuchMarket(uint market) => new(
        QueryCode.NotFound, string.Create(CultureInfo.InvariantCulture, $"there is no market {market}"));
}
