namespace AppChain.Margin;

/// <summary>
/// Every maximum of the exchange in one place, with proofs by the compiler that products of them fit in 127 bits.
/// </summary>
public static class Limits
{
    /// <summary>Highest price, in ticks: 2^40 − 1.</summary>
    public const long PriceMax = (1L << 40) - 1;

    /// <summary>Largest quantity of one order and largest position, in lots: 2^40 − 1.</summary>
    public const long QuantityMax = (1L << 40) - 1;

    /// <summary>Largest value of one lot moved by one tick, in micro-USD: 2^20.</summary>
    public const long TickLotValueMax = 1L << 20;

    /// <summary>
    /// Largest amount of collateral an operation may name, in micro-USD: 2^62 (about 4.6 trillion USD).
    /// </summary>
    public const long AmountMax = 1L << 62;

    /// <summary>
    /// Smallest withdrawal, in micro-USD: 1 USD. Admissions are few a block and each asks guardians for signatures, so
    /// a place in their queue must cost something.
    /// </summary>
    public const long WithdrawalMin = 1_000_000;

    /// <summary>
    /// What a transfer that opens an account pays for it, in micro-USD: 1 USD. An account takes memory of every
    /// validator for ever, about a kilobyte with its nonces, so it must not be free.
    /// </summary>
    public const long AccountOpeningFee = 1_000_000;

    /// <summary>
    /// What an owner pays for one more agent, in micro-USD: 1 USD. The nonces of a key that has signed are kept for
    /// ever, also when it is no agent any more, because without them its transactions could be sent again.
    /// </summary>
    public const long AgentFee = 1_000_000;

    /// <summary>Largest leverage-free rate: 1,000,000 ppm is 100 %.</summary>
    public const long RatePpmMax = 1_000_000;

    /// <summary>Markets of the chain.</summary>
    public const int MarketsMax = 64;

    /// <summary>Margin tiers of one market.</summary>
    public const int MarginTiersMax = 8;

    /// <summary>Open orders of one account in one market.</summary>
    public const int OrdersPerPositionMax = 256;

    /// <summary>Operations under one signature.</summary>
    public const int OperationsPerTransactionMax = 100;

    /// <summary>Bytes of one signed transaction.</summary>
    public const int TransactionBytesMax = 16 * 1024;

    /// <summary>Bytes of one vote extension.</summary>
    public const int VoteExtensionBytesMax = 1024;

    /// <summary>Validators of the set.</summary>
    public const int ValidatorsMax = 256;

    /// <summary>Nonces remembered below the highest one seen.</summary>
    public const int NonceWindow = 256;

    /// <summary>Blocks ahead that a transaction may set as its expiry.</summary>
    public const long ExpiryHeightsAheadMax = 10_000;

    /// <summary>Price levels of one side of a book.</summary>
    public const int LevelsPerSideMax = 8192;

    /// <summary>
    /// Lots of all orders at one price of a book. Margin and position limits keep it far below, except for orders that
    /// only reduce: they need no margin to rest, and 2^23 of the largest would fill 63 bits.
    /// </summary>
    public const long LevelQuantityMax = 1L << 62;

    /// <summary>
    /// Resting orders that the orders of one transaction may meet, whether they trade with them, cancel them or are
    /// undone afterwards. The rest of an order that would meet more is closed.
    /// </summary>
    public const int MatchesPerTransactionMax = 1_000;

    /// <summary>Resting orders that the transactions of one block may meet in all.</summary>
    public const int MatchesPerBlockMax = 50_000;

    /// <summary>
    /// Resting orders that the liquidations of one block may meet in all, besides those of transactions.
    /// </summary>
    public const int LiquidationMatchesPerBlockMax = 50_000;

    /// <summary>
    /// Most orders of a level that gives way to a better price when a side of a book has no level left.
    /// </summary>
    public const int OrdersEvictedMax = 64;

    // Bit widths: price 40 + quantity 40 + tick-lot value 21 + rate 20 = 121, and 64 markets sum to 6 bits more.
    private const int NotionalRateBits = 40 + 40 + 21 + 20 + 6;
    private const byte NotionalTimesRateFits = NotionalRateBits <= 127 ? 1 : -1;
}
