namespace AppChain.StateMachine.Tests;

/// <summary>Short forms of operations for tests.</summary>
internal static class Ops
{
    public static Operation Buy(
        long quantity, long price, uint market = 1, TimeInForce tif = TimeInForce.GoodTilCancelled, ulong clientId = 0,
        bool reduceOnly = false, SelfTrade selfTrade = SelfTrade.CancelMaker) =>
        Order(Side.Buy, quantity, price, market, tif, clientId, reduceOnly, selfTrade);

    public static Operation Sell(
        long quantity, long price, uint market = 1, TimeInForce tif = TimeInForce.GoodTilCancelled, ulong clientId = 0,
        bool reduceOnly = false, SelfTrade selfTrade = SelfTrade.CancelMaker) =>
        Order(Side.Sell, quantity, price, market, tif, clientId, reduceOnly, selfTrade);

    public static Operation Order(
        Side side, long quantity, long price, uint market, TimeInForce tif, ulong clientId, bool reduceOnly,
        SelfTrade selfTrade) => new()
    {
        Kind = OperationKind.PlaceOrder,
        Side = side,
        Quantity = quantity,
        Price = price,
        Market = market,
        TimeInForce = tif,
        ClientId = clientId,
        ReduceOnly = reduceOnly,
        SelfTrade = selfTrade,
    };

    public static Operation Cancel(ulong orderId) =>
        new() { Kind = OperationKind.CancelOrder, TargetOrderId = orderId };

    public static Operation CancelClient(ulong clientId) =>
        new() { Kind = OperationKind.CancelOrder, TargetClientId = clientId };

    public static Operation CancelAll(uint market = 1) => new() { Kind = OperationKind.CancelAll, Market = market };

    public static Operation Transfer(string to, long usd) => new()
    {
        Kind = OperationKind.Transfer,
        Recipient = new AccountId(TestMarkets.AddressOf(to), 0),
        Amount = usd * 1_000_000,
    };

    public static Operation Attest(byte deposit, string to, long usd) => new()
    {
        Kind = OperationKind.AttestDeposit,
        Content = new DepositAttestation(
            new Sha256Digest([deposit, .. new byte[Sha256Digest.Size - 1]]),
            new AccountId(TestMarkets.AddressOf(to), 0),
            usd * 1_000_000),
    };

    /// <summary>Signs a withdrawal as its row has it; one that is not there, as it might have been.</summary>
    public static Operation Sign(TestChain chain, ulong withdrawal)
    {
        Release release = chain.TryFind(withdrawal, out WithdrawalRow row)
            ? row.Release
            : new Release(withdrawal, 1, 1, 1, 1, [1]);
        return new Operation
        {
            Kind = OperationKind.SignRelease,
            Content = new ReleaseSignature(release, [.. new byte[SigningKey.SignatureSize]]),
        };
    }

    public static Operation Target(OperationKind kind, ulong id) =>
        new() { Kind = kind, Content = new NumberedTarget(id) };

    public static Operation Propose(IOperationContent content) =>
        new() { Kind = OperationKind.Propose, Content = content };

    public static Operation Withdraw(long usd) => new()
    {
        Kind = OperationKind.Withdraw,
        Amount = usd * 1_000_000,
        Content = new WithdrawalDestination([.. "bank"u8]),
    };
}
