using System;
using System.Collections.Generic;
using System.Globalization;
using AppChain.Abci;
using AppChain.Abci.Wire;
using AppChain.StateMachine;
using AppChain.V1;
using Google.Protobuf;

namespace AppChain.Node;

/// <summary>
/// Answers the queries about the last committed block from the read model, whose gate the caller holds. Paths, requests
/// and responses: proto/appchain/v1/query.proto; rules: docs/spec/queries.md.
/// </summary>
internal sealed partial class QueryAnswers(ReadModel model)
{
    private const uint RowsMax = 1_000;
    private const uint EventsOtherwise = 50;

    /// <summary>The response of a path.</summary>
    /// <exception cref="QueryRefused">There is no answer.</exception>
    /// <exception cref="MalformedMessageException">The data is not the request of the path.</exception>
    public IMessage Answer(RequestQuery request) => request.Path switch
    {
        "/chain" => AnswerChain(ChainRequest.Parser.Read(request.Data.Span)),
        "/markets" => AnswerMarkets(MarketsRequest.Parser.Read(request.Data.Span)),
        "/market" => AnswerMarket(MarketRequest.Parser.Read(request.Data.Span)),
        "/book" => AnswerBook(BookRequest.Parser.Read(request.Data.Span)),
        "/account" => AnswerAccount(AccountRequest.Parser.Read(request.Data.Span)),
        "/nonce" => AnswerNonce(NonceRequest.Parser.Read(request.Data.Span)),
        "/orders" => AnswerOrders(OrdersRequest.Parser.Read(request.Data.Span)),
        "/fills" => AnswerFills(FillsRequest.Parser.Read(request.Data.Span)),
        "/oracle" => AnswerOracle(OracleRequest.Parser.Read(request.Data.Span)),
        "/liquidations" => AnswerLiquidations(LiquidationsRequest.Parser.Read(request.Data.Span)),
        "/accounts-at-risk" => AnswerAtRisk(AccountsAtRiskRequest.Parser.Read(request.Data.Span)),
        "/agents" => AnswerAgents(AgentsRequest.Parser.Read(request.Data.Span)),
        "/vault" => AnswerVault(VaultRequest.Parser.Read(request.Data.Span)),
        "/council" => AnswerCouncil(CouncilRequest.Parser.Read(request.Data.Span)),
        "/proposals" => AnswerProposals(ProposalsRequest.Parser.Read(request.Data.Span)),
        "/treasury" => AnswerTreasury(TreasuryRequest.Parser.Read(request.Data.Span)),
        "/consensus" => AnswerConsensus(ConsensusRequest.Parser.Read(request.Data.Span)),
        "/withdrawals" => AnswerWithdrawals(WithdrawalsRequest.Parser.Read(request.Data.Span)),
        "/deposits" => AnswerDeposits(DepositsRequest.Parser.Read(request.Data.Span)),
        "/release" => AnswerRelease(ReleaseRequest.Parser.Read(request.Data.Span)),
        _ => throw new QueryRefused(
            QueryCode.NoSuchPath, $"there is no path '{request.Path}': see docs/spec/queries.md"),
    };

    private ChainResponse AnswerChain(ChainRequest _)
    {
        PoolRow pool = model.Pool;
        var answer = new ChainResponse
        {
            ChainId = model.Chain.ChainId,
            Height = (ulong)model.Height,
            Time = (ulong)model.Time,
            AppHash = Convert.ToHexString(model.AppHash),
            Held = Text(pool.Held),
            Claims = Text(pool.Claims),
            InsuranceFund = Text(pool.InsuranceFund),
            Fees = Text(pool.Fees),
            Leaving = Text(pool.Leaving),
            Difference = Text(pool.Held - pool.Claims - pool.InsuranceFund - pool.Fees - pool.Leaving),
            Accounts = (ulong)model.Accounts.Count,
            OpenOrders = (ulong)model.Orders.Count,
            Fills = (ulong)model.History.FillCount,
            Liquidations = (ulong)model.History.LiquidationCount,
            Deleveragings = (ulong)model.History.DeleveragingCount,
            BlocksChecked = (ulong)model.History.CheckedCount,
        };
        foreach (KeyValuePair<uint, ulong> refused in model.History.Refused)
        {
            answer.Refused.Add(refused.Key, refused.Value);
        }

        return answer;
    }

    private AccountRow Find(string text)
    {
        AccountId id = AccountOf(text);
        return model.Accounts.TryGetValue(id, out AccountRow account)
            ? account
            : throw new QueryRefused(QueryCode.NotFound, $"{text} has never held collateral");
    }

    private static AccountId AccountOf(string text) =>
        AccountText.TryParse(text, out AccountId account, out string? reason)
            ? account
            : throw new QueryRefused(QueryCode.Malformed, $"'{text}' is no account: {reason}");

    private string Name(int number) => AccountText.Of(model.AccountOf(number));

    // How many rows to give: as many as asked for, within bounds.
    private static int Limit(uint wanted, uint otherwise, uint max = RowsMax) =>
        (int)(wanted == 0 ? otherwise : Math.Min(max, wanted));

    private static IEnumerable<RecordedEvent> Newest(IReadOnlyCollection<RecordedEvent> oldestFirst)
    {
        var events = new List<RecordedEvent>(oldestFirst);
        events.Reverse();
        return events;
    }

    private static string Text(Int128 value) => value.ToString(CultureInfo.InvariantCulture);
}
