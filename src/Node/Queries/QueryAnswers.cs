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
    private const string AtRiskPath = "/accounts-at-risk";

    private static readonly Dictionary<string, Func<QueryAnswers, ByteString, IMessage>> Answers = new(
        StringComparer.Ordinal)
    {
        ["/chain"] = Of(ChainRequest.Parser, static (answers, request) => answers.AnswerChain(request)),
        ["/markets"] = Of(MarketsRequest.Parser, static (answers, request) => answers.AnswerMarkets(request)),
        ["/market"] = Of(MarketRequest.Parser, static (answers, request) => answers.AnswerMarket(request)),
        ["/book"] = Of(BookRequest.Parser, static (answers, request) => answers.AnswerBook(request)),
        ["/account"] = Of(AccountRequest.Parser, static (answers, request) => answers.AnswerAccount(request)),
        ["/nonce"] = Of(NonceRequest.Parser, static (answers, request) => answers.AnswerNonce(request)),
        ["/orders"] = Of(OrdersRequest.Parser, static (answers, request) => answers.AnswerOrders(request)),
        ["/fills"] = Of(FillsRequest.Parser, static (answers, request) => answers.AnswerFills(request)),
        ["/oracle"] = Of(OracleRequest.Parser, static (answers, request) => answers.AnswerOracle(request)),
        ["/liquidations"] = Of(
            LiquidationsRequest.Parser, static (answers, request) => answers.AnswerLiquidations(request)),
        [AtRiskPath] = Of(AccountsAtRiskRequest.Parser, static (answers, request) => answers.AnswerAtRisk(request)),
        ["/agents"] = Of(AgentsRequest.Parser, static (answers, request) => answers.AnswerAgents(request)),
        ["/vault"] = Of(VaultRequest.Parser, static (answers, request) => answers.AnswerVault(request)),
        ["/council"] = Of(CouncilRequest.Parser, static (answers, request) => answers.AnswerCouncil(request)),
        ["/proposals"] = Of(ProposalsRequest.Parser, static (answers, request) => answers.AnswerProposals(request)),
        ["/treasury"] = Of(TreasuryRequest.Parser, static (answers, request) => answers.AnswerTreasury(request)),
        ["/consensus"] = Of(ConsensusRequest.Parser, static (answers, request) => answers.AnswerConsensus(request)),
        ["/validators"] = Of(ValidatorsRequest.Parser, static (answers, request) => answers.AnswerValidators(request)),
        ["/withdrawals"] = Of(
            WithdrawalsRequest.Parser, static (answers, request) => answers.AnswerWithdrawals(request)),
        ["/deposits"] = Of(DepositsRequest.Parser, static (answers, request) => answers.AnswerDeposits(request)),
        ["/release"] = Of(ReleaseRequest.Parser, static (answers, request) => answers.AnswerRelease(request)),
    };

    /// <summary>Every path there is an answer for.</summary>
    public static IReadOnlyCollection<string> Paths => Answers.Keys;

    /// <summary>Does what would take too long under the gate; called before the gate is taken.</summary>
    public void Prepare(RequestQuery request)
    {
        if (request.Path == AtRiskPath)
        {
            model.Ranking.Refresh();
        }
    }

    /// <summary>The response of a path.</summary>
    /// <exception cref="QueryRefused">There is no answer.</exception>
    /// <exception cref="MalformedMessageException">The data is not the request of the path.</exception>
    public IMessage Answer(RequestQuery request) =>
        Answers.TryGetValue(request.Path, out Func<QueryAnswers, ByteString, IMessage>? answer)
            ? answer(this, request.Data)
            : throw new QueryRefused(
                QueryCode.NoSuchPath, $"there is no path '{request.Path}': see docs/spec/queries.md");

    private static Func<QueryAnswers, ByteString, IMessage> Of<TRequest>(
        MessageParser<TRequest> parser, Func<QueryAnswers, TRequest, IMessage> answer)
        where TRequest : IMessage<TRequest> =>
        (answers, data) => answer(answers, parser.Read(data.Span));

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
