using System;
using System.Collections.Generic;
using System.Globalization;
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
    /// <exception cref="InvalidProtocolBufferException">The data is not the request of the path.</exception>
    public IMessage Answer(RequestQuery request) => request.Path switch
    {
        "/chain" => AnswerChain(ChainRequest.Parser.ParseFrom(request.Data)),
        "/markets" => AnswerMarkets(MarketsRequest.Parser.ParseFrom(request.Data)),
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
        "/vault" => AnswerVault(VaultRequest.Parser.ParseFrom(request.Data)),
        "/council" => AnswerCouncil(CouncilRequest.Parser.ParseFrom(request.Data)),
        "/proposals" => AnswerProposals(ProposalsRequest.Parser.ParseFrom(request.Data)),
        "/treasury" => AnswerTreasury(TreasuryRequest.Parser.ParseFrom(request.Data)),
        "/withdrawals" => AnswerWithdrawals(WithdrawalsRequest.Parser.ParseFrom(request.Data)),
        "/deposits" => AnswerDeposits(DepositsRequest.Parser.ParseFrom(request.Data)),
        "/release" => AnswerRelease(ReleaseRequest.Parser.ParseFrom(request.Data)),
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
            Fills = (ulong)model.FillCount,
            Liquidations = (ulong)model.LiquidationCount,
            Deleveragings = (ulong)model.DeleveragingCount,
            BlocksChecked = (ulong)model.CheckedCount,
        };
        foreach (KeyValuePair<uint, ulong> refused in model.Refused)
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
