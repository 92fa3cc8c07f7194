using System;
using System.Collections.Generic;
using System.Globalization;
using AppChain.Abci.Wire;
using AppChain.Abci.Wire.Crypto;
using AppChain.Margin;
using AppChain.StateMachine;
using AppChain.V1;
using Cosmos.Ics23.V1;
using Google.Protobuf;
using MarginTier = AppChain.Margin.MarginTier;
using Market = AppChain.V1.Market;
using Side = AppChain.StateMachine.Side;

namespace AppChain.Node;

public sealed partial class Application
{
    private const string QueryCodespace = "query";
    private const int Malformed = 1;
    private const int NoSuchPath = 2;
    private const int NotFound = 3;
    private const int HeightGone = 4;

    /// <summary>The question cannot be answered: becomes a code and a log line.</summary>
    private sealed class QueryRefused(int code, string log) : Exception(log)
    {
        public int Code { get; } = code;
    }

    /// <inheritdoc/>
    /// <remarks>Paths, requests and answers: proto/appchain/v1/query.proto. Reads committed data only.</remarks>
    public ResponseQuery Query(RequestQuery request)
    {
        try
        {
            if (_committed is not { } committed)
            {
                throw new QueryRefused(NotFound, "there is no block yet: ask again in a moment");
            }

            if (request.Path == "/proof")
            {
                return Prove(request, committed);
            }

            lock (_model.Gate)
            {
                return new ResponseQuery { Value = Answer(request).ToByteString(), Height = _model.Height };
            }
        }
        catch (QueryRefused refused)
        {
            return new ResponseQuery { Code = (uint)refused.Code, Codespace = QueryCodespace, Log = refused.Message };
        }
        catch (InvalidProtocolBufferException)
        {
            return new ResponseQuery { Code = Malformed, Codespace = QueryCodespace, Log = "the data is not the request of this path" };
        }
    }

    private IMessage Answer(RequestQuery request) => request.Path switch
    {
        "/chain" => AnswerChain(),
        "/markets" => AnswerMarkets(),
        "/market" => AnswerMarket(MarketRequest.Parser.ParseFrom(request.Data)),
        "/book" => AnswerBook(BookRequest.Parser.ParseFrom(request.Data)),
        "/account" => AnswerAccount(AccountRequest.Parser.ParseFrom(request.Data)),
        "/nonce" => AnswerNonce(NonceRequest.Parser.ParseFrom(request.Data)),
        "/orders" => AnswerOrders(OrdersRequest.Parser.ParseFrom(request.Data)),
        "/fills" => AnswerFills(FillsRequest.Parser.ParseFrom(request.Data)),
        "/oracle" => AnswerOracle(OracleRequest.Parser.ParseFrom(request.Data)),
        "/liquidations" => AnswerLiquidations(LiquidationsRequest.Parser.ParseFrom(request.Data)),
        "/accounts-at-risk" => AnswerAtRisk(AccountsAtRiskRequest.Parser.ParseFrom(request.Data)),
        "/agents" => AnswerAgents(AgentsRequest.Parser.ParseFrom(request.Data)),
        _ => throw new QueryRefused(NoSuchPath, $"there is no path '{request.Path}': see proto/appchain/v1/query.proto"),
    };

    private ResponseQuery Prove(RequestQuery request, Committed committed)
    {
        byte[] key = ProofRequest.Parser.ParseFrom(request.Data).Key.ToByteArray();
        long height = request.Height == 0 ? committed.Height : request.Height;
        if (key.Length == 0)
        {
            throw new QueryRefused(Malformed, "the key is empty");
        }

        lock (_consensus)
        {
            if (height > committed.Height || !committed.Tree.TryProve(height, key, out StateProof? proof))
            {
                throw new QueryRefused(
                    HeightGone, $"the state of height {height} is not kept: ask for {committed.Tree.OldestVersion} to {committed.Height}");
            }

            bool exists = committed.Tree.TryGet(height, key, out byte[]? value);
            var answer = new ProofResponse
            {
                Height = (ulong)height,
                Key = ByteString.CopyFrom(key),
                Exists = exists,
                Value = ByteString.CopyFrom(value ?? []),
                Proof = ByteString.CopyFrom(proof.Encode()),
            };
            if (Ics23Export.TryProve(committed.Tree, height, key, out CommitmentProof? ics23))
            {
                answer.Ics23Proof = ics23.ToByteString();
            }

            return new ResponseQuery { Key = answer.Key, Value = answer.ToByteString(), Height = height };
        }
    }

    private ChainResponse AnswerChain()
    {
        PoolRow pool = _model.Pool;
        var answer = new ChainResponse
        {
            ChainId = _model.Chain.ChainId,
            Height = (ulong)_model.Height,
            Time = (ulong)_model.Time,
            AppHash = Convert.ToHexString(_committed?.AppHash ?? []),
            Held = Text(pool.Held),
            Claims = Text(pool.Claims),
            InsuranceFund = Text(pool.InsuranceFund),
            Fees = Text(pool.Fees),
            Difference = Text(pool.Held - pool.Claims - pool.InsuranceFund - pool.Fees),
            Accounts = (ulong)_model.Accounts.Count,
            OpenOrders = (ulong)_model.Orders.Count,
            Fills = (ulong)_model.FillCount,
            Liquidations = (ulong)_model.LiquidationCount,
            Deleveragings = (ulong)_model.DeleveragingCount,
        };
        foreach (KeyValuePair<uint, ulong> refused in _model.Refused)
        {
            answer.Refused.Add(refused.Key, refused.Value);
        }

        return answer;
    }

    private MarketsResponse AnswerMarkets()
    {
        var answer = new MarketsResponse();
        foreach (MarketRow market in _model.Markets.Values)
        {
            answer.Markets.Add(MarketOf(market));
        }

        return answer;
    }

    private Market AnswerMarket(MarketRequest request)
    {
        foreach (MarketRow market in _model.Markets.Values)
        {
            if (request.Market != 0 ? market.Parameters.MarketId == request.Market : market.Parameters.Ticker == request.Ticker)
            {
                return MarketOf(market);
            }
        }

        throw new QueryRefused(NotFound, $"there is no market {(request.Market != 0 ? request.Market.ToString(CultureInfo.InvariantCulture) : request.Ticker)}");
    }

    private Market MarketOf(in MarketRow row)
    {
        MarketParameters p = row.Parameters;
        _model.Oracles.TryGetValue(p.MarketId, out OracleRow oracle);
        _model.TryValuation(p.MarketId, out Valuation valuation);
        (BookResponse book, _) = BookOf(p.MarketId, 1);
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
            BestBid = book.Bids.Count > 0 ? book.Bids[0].Price : 0,
            BestAsk = book.Asks.Count > 0 ? book.Asks[0].Price : 0,
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
        if (!_model.Markets.ContainsKey(request.Market))
        {
            throw new QueryRefused(NotFound, $"there is no market {request.Market}");
        }

        return BookOf(request.Market, request.Depth == 0 ? 20 : Math.Min(1_000, (int)request.Depth)).Book;
    }

    private (BookResponse Book, int Orders) BookOf(uint market, int depth)
    {
        var bids = new SortedDictionary<long, (long Quantity, uint Orders)>(Comparer<long>.Create(static (a, b) => b.CompareTo(a)));
        var asks = new SortedDictionary<long, (long Quantity, uint Orders)>();
        int count = 0;
        foreach (OrderRow order in _model.Orders.Values)
        {
            if (order.Market != market)
            {
                continue;
            }

            count++;
            SortedDictionary<long, (long Quantity, uint Orders)> side = order.Side == Side.Buy ? bids : asks;
            (long quantity, uint orders) = side.GetValueOrDefault(order.Price);
            side[order.Price] = (quantity + order.Quantity, orders + 1);
        }

        var book = new BookResponse { Market = market };
        Add(book.Bids, bids, depth);
        Add(book.Asks, asks, depth);
        return (book, count);
    }

    private static void Add(
        Google.Protobuf.Collections.RepeatedField<BookLevel> levels,
        SortedDictionary<long, (long Quantity, uint Orders)> side,
        int depth)
    {
        foreach (KeyValuePair<long, (long Quantity, uint Orders)> level in side)
        {
            if (levels.Count == depth)
            {
                return;
            }

            levels.Add(new BookLevel
            {
                Price = (ulong)level.Key,
                Quantity = (ulong)level.Value.Quantity,
                Orders = level.Value.Orders,
            });
        }
    }

    private AccountResponse AnswerAccount(AccountRequest request)
    {
        AccountRow account = Find(request.Account);
        Risk risk = _model.RiskOf(account);
        _model.TryNonces(account.Id.Owner, out NonceRow nonces);
        _model.Liquidations.TryGetValue(account.Number, out LiquidationRow liquidation);
        var answer = new AccountResponse
        {
            Account = AccountText.Of(account.Id),
            Collateral = Text(account.Collateral),
            Equity = Text(risk.Equity),
            EquityLow = Text(risk.EquityLow),
            EquityHigh = Text(risk.EquityHigh),
            InitialMargin = Text(risk.Initial),
            InitialMarginWithOrders = Text(risk.InitialWithOrders),
            MaintenanceMargin = Text(risk.Maintenance),
            Withdrawable = Text(Int128.Max(0, Int128.Min(account.Collateral, risk.EquityLow - risk.InitialWithOrders))),
            NonceHighest = nonces.Highest,
            InLiquidationSince = (ulong)liquidation.SinceHeight,
        };
        foreach (OrderRow unused in _model.OrdersOf(account.Number))
        {
            answer.OpenOrders++;
        }

        foreach (PositionRow position in _model.PositionsOf(account.Number))
        {
            (long buys, long sells) = _model.OpenLots(account.Number, position.Market);
            if (position.Size != 0 || buys != 0 || sells != 0)
            {
                answer.Positions.Add(PositionOf(account.Number, position, risk));
            }
        }

        return answer;
    }

    private Position PositionOf(int account, in PositionRow row, in Risk risk)
    {
        MarketRow market = _model.Markets[row.Market];
        MarketParameters p = market.Parameters;
        (long buys, long sells) = _model.OpenLots(account, row.Market);
        Int128 perTick = (Int128)Math.Abs(row.Size) * p.TickLotValue;
        Int128 maintenance = Requirement.Maintenance(p, p.Notional(market.MarkPrice, Math.Abs(row.Size)));

        // Estimate: equity falls by a lot's value a tick, and maintenance with the notional at its average rate.
        Int128 slack = risk.EquityHigh - risk.Maintenance;
        Int128 ratePpm = maintenance * 1_000_000 / Int128.Max(1, p.Notional(market.MarkPrice, Math.Abs(row.Size)));
        Int128 lossPerTick = perTick * (1_000_000 - (row.Size > 0 ? ratePpm : -ratePpm)) / 1_000_000;
        Int128 distance = lossPerTick > 0 ? slack / lossPerTick : 0;
        Int128 liquidation = row.Size > 0 ? market.MarkPrice - distance : market.MarkPrice + distance;
        return new Position
        {
            Market = row.Market,
            Size = row.Size,
            EntryNotional = Text(row.EntryNotional),
            EntryPrice = perTick == 0
                ? 0
                : (ulong)Int128.Max(0, (Int128.Abs(row.EntryNotional) + (perTick / 2)) / perTick),
            UnrealizedProfit = Text(p.Notional(market.MarkPrice, row.Size) - row.EntryNotional),
            FundingOwed = Text(FundingPayment.Owed(row.Size, market.FundingIndex, row.FundingIndex, out _)),
            MaintenanceMargin = Text(maintenance),
            LiquidationPrice = row.Size != 0 && liquidation > 0 && liquidation <= Limits.PriceMax ? (ulong)liquidation : 0,
            OpenBuys = (ulong)buys,
            OpenSells = (ulong)sells,
        };
    }

    private NonceResponse AnswerNonce(NonceRequest request)
    {
        Address owner = AccountOf(request.Owner).Owner;
        return _model.TryNonces(owner, out NonceRow row)
            ? new NonceResponse { Used = true, Highest = row.Highest }
            : new NonceResponse();
    }

    private AgentsResponse AnswerAgents(AgentsRequest request)
    {
        var answer = new AgentsResponse();
        foreach (AgentRow row in _model.AgentsOf(AccountOf(request.Owner).Owner))
        {
            var agent = new Agent
            {
                Agent_ = AccountText.Of(row.Id.Agent),
                NotionalPerDay = Text(row.NotionalPerDay),
                Used = Text(row.UsedOn(_model.Time)),
                Expires = (ulong)row.Expires,
                IsActive = row.IsActive(_model.Time),
            };
            agent.Markets.AddRange(row.Markets);
            answer.Agents.Add(agent);
        }

        return answer;
    }

    private OrdersResponse AnswerOrders(OrdersRequest request)
    {
        var answer = new OrdersResponse();
        foreach (OrderRow order in _model.OrdersOf(Find(request.Account).Number))
        {
            if (request.Market != 0 && order.Market != request.Market)
            {
                continue;
            }

            answer.Orders.Add(new Order
            {
                OrderId = order.OrderId,
                ClientId = order.ClientId,
                Market = order.Market,
                Side = (V1.Side)(int)order.Side,
                Price = (ulong)order.Price,
                Quantity = (ulong)order.Quantity,
                OriginalQuantity = (ulong)order.OriginalQuantity,
                ReduceOnly = order.ReduceOnly,
                GoodTilHeight = (ulong)order.GoodTilHeight,
                GoodTilTime = (ulong)order.GoodTilTime,
            });
        }

        return answer;
    }

    private FillsResponse AnswerFills(FillsRequest request)
    {
        int account = request.Account.Length == 0 ? -1 : Find(request.Account).Number;
        var answer = new FillsResponse();
        foreach (RecordedEvent recorded in Newest(_model.Fills))
        {
            ExchangeEvent e = recorded.Event;
            bool wanted = (account < 0 || e.Account == account || e.Counterparty == account)
                && (request.Market == 0 || e.Market == request.Market);
            if (!wanted)
            {
                continue;
            }

            answer.Fills.Add(new RecordedFill
            {
                Height = (ulong)recorded.Height,
                Time = (ulong)recorded.Time,
                Fill = new Fill
                {
                    Market = e.Market,
                    Taker = Name(e.Account),
                    Maker = Name(e.Counterparty),
                    TakerOrderId = e.TakerOrderId,
                    MakerOrderId = e.OrderId,
                    Side = (V1.Side)(int)e.Side,
                    Price = (ulong)e.Price,
                    Quantity = (ulong)e.Quantity,
                    TakerFee = Text(e.Amount),
                    MakerFee = Text(e.Amount2),
                },
            });
            if (answer.Fills.Count == Limit(request.Limit, 50))
            {
                break;
            }
        }

        return answer;
    }

    private OracleResponse AnswerOracle(OracleRequest request)
    {
        var answer = new OracleResponse();
        foreach (OracleRow row in _model.Oracles.Values)
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
            foreach (ReportRow report in _model.Reports.Values)
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

    private LiquidationsResponse AnswerLiquidations(LiquidationsRequest request)
    {
        int account = request.Account.Length == 0 ? -1 : Find(request.Account).Number;
        var answer = new LiquidationsResponse { Open = (uint)_model.Liquidations.Count };
        foreach (RecordedEvent recorded in Newest(_model.Steps))
        {
            if (account >= 0 && recorded.Event.Account != account && recorded.Event.Counterparty != account)
            {
                continue;
            }

            answer.Steps.Add(StepOf(recorded));
            if (answer.Steps.Count == Limit(request.Limit, 50))
            {
                break;
            }
        }

        return answer;
    }

    private RecordedLiquidation StepOf(in RecordedEvent recorded)
    {
        ExchangeEvent e = recorded.Event;
        var step = new RecordedLiquidation { Height = (ulong)recorded.Height, Time = (ulong)recorded.Time };
        switch (e.Kind)
        {
            case EventKind.LiquidationOpened:
                step.Opened = new LiquidationOpened
                {
                    Account = Name(e.Account),
                    EquityHigh = Text(e.Amount),
                    MaintenanceMargin = Text(e.Amount2),
                    Equity = Text(e.Amount3),
                };
                break;
            case EventKind.LiquidationSlice:
                step.Slice = new LiquidationSlice
                {
                    Account = Name(e.Account),
                    Market = e.Market,
                    Side = (V1.Side)(int)e.Side,
                    Price = (ulong)e.Price,
                    Quantity = (ulong)e.Quantity,
                    BankruptcyPrice = Text(e.Amount),
                    Filled = (ulong)e.Amount2,
                };
                break;
            case EventKind.InsuranceFundChanged:
                step.InsuranceFund = new InsuranceFundChanged
                {
                    Account = Name(e.Account),
                    Market = e.Market,
                    Quantity = (ulong)e.Quantity,
                    Amount = Text(e.Amount),
                    InsuranceFund = Text(e.Amount2),
                };
                break;
            case EventKind.Deleveraging:
                step.Deleveraging = new Deleveraging
                {
                    Account = Name(e.Account),
                    Counterparty = Name(e.Counterparty),
                    Market = e.Market,
                    Side = (V1.Side)(int)e.Side,
                    Price = (ulong)e.Price,
                    Quantity = (ulong)e.Quantity,
                    LeveragePpm = Text(e.Amount),
                };
                break;
            case EventKind.LiquidationClosed:
                step.Closed = new LiquidationClosed
                {
                    Account = Name(e.Account),
                    Equity = Text(e.Amount),
                    MaintenanceMargin = Text(e.Amount2),
                };
                break;
            default:
                step.Deferred = new LiquidationDeferred
                {
                    Account = Name(e.Account),
                    Market = e.Market,
                    Quantity = (ulong)e.Quantity,
                    Stage = e.Reason,
                };
                break;
        }

        return step;
    }

    private AccountsAtRiskResponse AnswerAtRisk(AccountsAtRiskRequest request)
    {
        var found = new List<AccountAtRisk>();
        foreach (AccountRow account in _model.Accounts.Values)
        {
            Risk risk = _model.RiskOf(account);
            if (risk.Maintenance == 0)
            {
                continue;
            }

            Int128 notional = 0;
            foreach (PositionRow position in _model.PositionsOf(account.Number))
            {
                MarketRow market = _model.Markets[position.Market];
                notional += market.Parameters.Notional(market.MarkPrice, Math.Abs(position.Size));
            }

            _model.Liquidations.TryGetValue(account.Number, out LiquidationRow liquidation);
            found.Add(new AccountAtRisk
            {
                Account = AccountText.Of(account.Id),
                EquityHigh = Text(risk.EquityHigh),
                MaintenanceMargin = Text(risk.Maintenance),
                UsedPpm = risk.EquityHigh <= 0
                    ? 1_000_000_000
                    : (ulong)Int128.Min(1_000_000_000, risk.Maintenance * 1_000_000 / risk.EquityHigh),
                Notional = Text(notional),
                InLiquidationSince = (ulong)liquidation.SinceHeight,
            });
        }

        found.Sort(static (left, right) => right.UsedPpm.CompareTo(left.UsedPpm));
        var answer = new AccountsAtRiskResponse();
        int limit = request.Limit == 0 ? 10 : Math.Min(100, (int)request.Limit);
        answer.Accounts.AddRange(found.GetRange(0, Math.Min(limit, found.Count)));
        return answer;
    }

    private AccountRow Find(string text)
    {
        AccountId id = AccountOf(text);
        return _model.Accounts.TryGetValue(id, out AccountRow account)
            ? account
            : throw new QueryRefused(NotFound, $"{text} has never held collateral");
    }

    private static AccountId AccountOf(string text) => AccountText.TryParse(text, out AccountId account, out string? reason)
        ? account
        : throw new QueryRefused(Malformed, $"'{text}' is no account: {reason}");

    private string Name(int number) => AccountText.Of(_model.AccountOf(number));

    private static int Limit(uint wanted, int otherwise) => wanted == 0 ? otherwise : Math.Min(1_000, (int)wanted);

    private static IEnumerable<RecordedEvent> Newest(IReadOnlyCollection<RecordedEvent> oldestFirst)
    {
        var events = new List<RecordedEvent>(oldestFirst);
        events.Reverse();
        return events;
    }

    private static string Text(Int128 value) => value.ToString(CultureInfo.InvariantCulture);
}
