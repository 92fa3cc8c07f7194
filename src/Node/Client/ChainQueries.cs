using System.Threading;
using System.Threading.Tasks;
using AppChain.Abci;
using Google.Protobuf;

namespace AppChain.Node;

/// <summary>The queries of query.proto, with typed requests and responses.</summary>
public static class ChainQueries
{
    /// <summary>The chain as a whole.</summary>
    public static Task<V1.ChainResponse> ChainAsync(this RpcClient node, CancellationToken cancel = default) =>
        node.AskAsync("/chain", new V1.ChainRequest(), V1.ChainResponse.Parser, 0, cancel);

    /// <summary>All markets, ascending by number.</summary>
    public static Task<V1.MarketsResponse> MarketsAsync(this RpcClient node, CancellationToken cancel = default) =>
        node.AskAsync("/markets", new V1.MarketsRequest(), V1.MarketsResponse.Parser, 0, cancel);

    /// <summary>One market by number or ticker.</summary>
    public static Task<V1.Market> MarketAsync(this RpcClient node, string market, CancellationToken cancel = default)
    {
        var request = uint.TryParse(market, out uint number)
            ? new V1.MarketRequest { Market = number }
            : new V1.MarketRequest { Ticker = market };
        return node.AskAsync("/market", request, V1.Market.Parser, 0, cancel);
    }

    /// <summary>The best price levels of a market.</summary>
    public static Task<V1.BookResponse> BookAsync(
        this RpcClient node, uint market, uint depth = 0, CancellationToken cancel = default) =>
        node.AskAsync(
            "/book", new V1.BookRequest { Market = market, Depth = depth }, V1.BookResponse.Parser, 0, cancel);

    /// <summary>Collateral, margin and positions of an account.</summary>
    public static Task<V1.AccountResponse> AccountAsync(
        this RpcClient node, string account, CancellationToken cancel = default) =>
        node.AskAsync(
            "/account", new V1.AccountRequest { Account = account }, V1.AccountResponse.Parser, 0, cancel);

    /// <summary>The highest nonce an owner has used.</summary>
    public static Task<V1.NonceResponse> NonceAsync(
        this RpcClient node, string owner, CancellationToken cancel = default) =>
        node.AskAsync("/nonce", new V1.NonceRequest { Owner = owner }, V1.NonceResponse.Parser, 0, cancel);

    /// <summary>The keys that may trade for an owner.</summary>
    public static Task<V1.AgentsResponse> AgentsAsync(
        this RpcClient node, string owner, CancellationToken cancel = default) =>
        node.AskAsync("/agents", new V1.AgentsRequest { Owner = owner }, V1.AgentsResponse.Parser, 0, cancel);

    /// <summary>Open orders of an account.</summary>
    public static Task<V1.OrdersResponse> OrdersAsync(
        this RpcClient node, string account, uint market = 0, CancellationToken cancel = default) =>
        node.AskAsync(
            "/orders", new V1.OrdersRequest { Account = account, Market = market },
            V1.OrdersResponse.Parser, 0, cancel);

    /// <summary>Recent fills.</summary>
    public static Task<V1.FillsResponse> FillsAsync(
        this RpcClient node, V1.FillsRequest request, CancellationToken cancel = default) =>
        node.AskAsync("/fills", request, V1.FillsResponse.Parser, 0, cancel);

    /// <summary>Consensus prices and the reports behind them; market 0 is all.</summary>
    public static Task<V1.OracleResponse> OracleAsync(
        this RpcClient node, uint market = 0, CancellationToken cancel = default) =>
        node.AskAsync("/oracle", new V1.OracleRequest { Market = market }, V1.OracleResponse.Parser, 0, cancel);

    /// <summary>Recent steps of liquidations.</summary>
    public static Task<V1.LiquidationsResponse> LiquidationsAsync(
        this RpcClient node, V1.LiquidationsRequest request, CancellationToken cancel = default) =>
        node.AskAsync("/liquidations", request, V1.LiquidationsResponse.Parser, 0, cancel);

    /// <summary>The accounts nearest to liquidation.</summary>
    public static Task<V1.AccountsAtRiskResponse> AccountsAtRiskAsync(
        this RpcClient node, uint limit = 0, CancellationToken cancel = default) =>
        node.AskAsync(
            "/accounts-at-risk",
            new V1.AccountsAtRiskRequest { Limit = limit },
            V1.AccountsAtRiskResponse.Parser,
            0,
            cancel);

    /// <summary>What bounds withdrawals, and sums of an owner; empty: of all.</summary>
    public static Task<V1.VaultResponse> VaultAsync(
        this RpcClient node, string owner = "", CancellationToken cancel = default) =>
        node.AskAsync("/vault", new V1.VaultRequest { Owner = owner }, V1.VaultResponse.Parser, 0, cancel);

    /// <summary>A council.</summary>
    public static Task<V1.CouncilResponse> CouncilAsync(
        this RpcClient node, V1.Council council, CancellationToken cancel = default) =>
        node.AskAsync("/council", new V1.CouncilRequest { Council = council }, V1.CouncilResponse.Parser, 0, cancel);

    /// <summary>Proposals of a council; unspecified: of both.</summary>
    public static Task<V1.ProposalsResponse> ProposalsAsync(
        this RpcClient node, V1.Council council = V1.Council.Unspecified, CancellationToken cancel = default) =>
        node.AskAsync(
            "/proposals", new V1.ProposalsRequest { Council = council }, V1.ProposalsResponse.Parser, 0, cancel);

    /// <summary>Balance and limit of the treasury.</summary>
    public static Task<V1.TreasuryResponse> TreasuryAsync(this RpcClient node, CancellationToken cancel = default) =>
        node.AskAsync("/treasury", new V1.TreasuryRequest(), V1.TreasuryResponse.Parser, 0, cancel);

    /// <summary>The parameters of consensus that the chain may change.</summary>
    public static Task<V1.ConsensusResponse> ConsensusAsync(this RpcClient node, CancellationToken cancel = default) =>
        node.AskAsync("/consensus", new V1.ConsensusRequest(), V1.ConsensusResponse.Parser, 0, cancel);

    /// <summary>Who votes on the next block, and who from a later one on.</summary>
    public static Task<V1.ValidatorsResponse> ValidatorSetsAsync(
        this RpcClient node, CancellationToken cancel = default) =>
        node.AskAsync("/validators", new V1.ValidatorsRequest(), V1.ValidatorsResponse.Parser, 0, cancel);

    /// <summary>Withdrawals, all or of an owner or one by number.</summary>
    public static Task<V1.WithdrawalsResponse> WithdrawalsAsync(
        this RpcClient node, string owner = "", ulong id = 0, CancellationToken cancel = default) =>
        node.AskAsync(
            "/withdrawals",
            new V1.WithdrawalsRequest { Owner = owner, WithdrawalId = id },
            V1.WithdrawalsResponse.Parser,
            0,
            cancel);

    /// <summary>Deposits, all or one by its id in hex.</summary>
    public static Task<V1.DepositsResponse> DepositsAsync(
        this RpcClient node, string id = "", uint limit = 0, CancellationToken cancel = default) =>
        node.AskAsync(
            "/deposits", new V1.DepositsRequest { DepositId = id, Limit = limit },
            V1.DepositsResponse.Parser, 0, cancel);

    /// <summary>A released withdrawal as the guardians signed it.</summary>
    public static Task<V1.ReleaseResponse> ReleaseAsync(
        this RpcClient node, ulong id, CancellationToken cancel = default) =>
        node.AskAsync("/release", new V1.ReleaseRequest { WithdrawalId = id }, V1.ReleaseResponse.Parser, 0, cancel);

    /// <summary>A row of the state after a height with its proof; height 0 is the newest.</summary>
    public static Task<V1.ProofResponse> ProofAsync(
        this RpcClient node, byte[] key, long height = 0, CancellationToken cancel = default) =>
        node.AskAsync(
            "/proof",
            new V1.ProofRequest { Key = ByteString.CopyFrom(key) },
            V1.ProofResponse.Parser,
            height,
            cancel);

    // An answer that does not parse comes from a node of another version.
    private static async Task<TResponse> AskAsync<TResponse>(
        this RpcClient node,
        string path,
        IMessage request,
        MessageParser<TResponse> parser,
        long height,
        CancellationToken cancel)
        where TResponse : IMessage<TResponse>
    {
        QueryAnswer answer = await node.QueryAsync(path, request.ToByteArray(), height, cancel).ConfigureAwait(false);
        if (answer.Code != 0)
        {
            throw new QueryRefusedException(path, answer);
        }

        try
        {
            return parser.Read(answer.Value.Span);
        }
        catch (MalformedMessageException cause)
        {
            throw new NodeUnreachableException(
                $"the node at {node.Url} answers {path} in a form this version does not know", cause);
        }
    }
}
