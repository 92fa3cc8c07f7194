namespace AppChain.StateMachine;

/// <summary>
/// Outcome of a transaction or of one of its operations. 0 is success. The order of the values is the order of the
/// checks; numbers are grouped by hundreds and never reused (docs/spec/result-codes.md).
/// </summary>
public enum ResultCode : uint
{
    /// <summary>Done.</summary>
    Ok = 0,

    /// <summary>Larger than a transaction may be.</summary>
    TooLarge = 101,

    /// <summary>Not the canonical encoding of a SignedTransaction.</summary>
    Malformed = 102,

    /// <summary>No operation, or more than 100.</summary>
    OperationCount = 103,

    /// <summary>The public key is not a point of the curve.</summary>
    InvalidPublicKey = 104,

    /// <summary>The signature does not verify for this chain id, body and key, or is not in low-S form.</summary>
    InvalidSignature = 105,

    /// <summary>Price updates are made by proposers, not submitted.</summary>
    NotSubmittable = 106,

    /// <summary>The signature on a release does not verify for this chain id, release and key.</summary>
    InvalidReleaseSignature = 107,

    /// <summary>The expiry height has passed.</summary>
    Expired = 201,

    /// <summary>The expiry height is too far ahead.</summary>
    ExpiryTooFar = 202,

    /// <summary>The nonce was used before, or lies below the window.</summary>
    NonceUsed = 203,

    /// <summary>The account has never held collateral.</summary>
    UnknownAccount = 204,

    /// <summary>The amount is zero, above the limit, or less than a withdrawal may be.</summary>
    InvalidAmount = 205,

    /// <summary>Sender and recipient are the same account.</summary>
    SameAccount = 206,

    /// <summary>The sub-account number is above the limit.</summary>
    InvalidSubaccount = 207,

    /// <summary>No collateral may leave while a loss is not borne or a market in use has no live price.</summary>
    WithdrawalsClosed = 208,

    /// <summary>There is no such market.</summary>
    UnknownMarket = 301,

    /// <summary>The oracle has no usable price: no trading.</summary>
    MarketFrozen = 302,

    /// <summary>The oracle is stale: only risk-reducing trades.</summary>
    MarketReduceOnly = 303,

    /// <summary>The oracle is uncertain: no market orders.</summary>
    MarketUncertain = 304,

    /// <summary>The side is not buy or sell.</summary>
    InvalidSide = 401,

    /// <summary>The price is zero or above the limit.</summary>
    InvalidPrice = 402,

    /// <summary>The quantity is zero or above the limit.</summary>
    InvalidQuantity = 403,

    /// <summary>Flags that contradict each other, e.g. a market order that is post-only.</summary>
    InvalidFlags = 404,

    /// <summary>The good-til height or time has passed.</summary>
    OrderExpired = 405,

    /// <summary>An open order of this account has the same client id.</summary>
    DuplicateClientId = 406,

    /// <summary>There is no such open order of this account.</summary>
    UnknownOrder = 407,

    /// <summary>The price is outside the band around the index price.</summary>
    PriceOutsideBand = 408,

    /// <summary>A post-only order would have traded.</summary>
    WouldTrade = 409,

    /// <summary>A fill-or-kill order could not be filled whole.</summary>
    NotFillable = 410,

    /// <summary>A reduce-only order would not reduce the position.</summary>
    WouldNotReduce = 411,

    /// <summary>Too many open orders of the account in this market.</summary>
    TooManyOrders = 412,

    /// <summary>The book has no room for another price level, or the level none for the lots.</summary>
    BookFull = 413,

    /// <summary>The position would exceed the limit of the market.</summary>
    PositionLimit = 414,

    /// <summary>The open interest would exceed the cap of the market.</summary>
    OpenInterestCap = 415,

    /// <summary>The order met an order of the same owner, and its self-trade rule cancels it.</summary>
    SelfTrade = 416,

    /// <summary>The transaction or the block has met as many resting orders as it may.</summary>
    MatchingLimit = 417,

    /// <summary>Equity would be below initial margin.</summary>
    MarginTooLow = 501,

    /// <summary>The collateral does not cover the amount.</summary>
    CollateralTooLow = 502,

    /// <summary>The account is being liquidated: only risk-reducing operations.</summary>
    InLiquidation = 503,

    /// <summary>Another operation of the same all-or-nothing transaction failed.</summary>
    RolledBack = 601,

    /// <summary>The signer is no agent of the owner that the transaction names.</summary>
    AgentNotAuthorised = 701,

    /// <summary>The agent's time has passed.</summary>
    AgentExpired = 702,

    /// <summary>Agents only place, cancel and replace orders.</summary>
    AgentMayNot = 703,

    /// <summary>The agent may not trade in this market.</summary>
    AgentMarket = 704,

    /// <summary>The agent's orders of the day would add up to more than the owner allows.</summary>
    AgentNotional = 705,

    /// <summary>
    /// The agent is the owner, its notional is zero or too large, or its end is past or too far ahead.
    /// </summary>
    InvalidAgent = 706,

    /// <summary>The owner has as many agents as there can be.</summary>
    TooManyAgents = 707,

    /// <summary>The owner has no such agent.</summary>
    UnknownAgent = 708,

    /// <summary>The signer is no member of the council that decides on this.</summary>
    NotCouncilMember = 801,

    /// <summary>There is no such proposal.</summary>
    UnknownProposal = 802,

    /// <summary>The proposal is approved, executed or of a former council.</summary>
    ProposalNotOpen = 803,

    /// <summary>The member has voted, attested or signed already.</summary>
    AlreadyVoted = 804,

    /// <summary>Too many open proposals of the member.</summary>
    TooManyProposals = 805,

    /// <summary>A policy with members, thresholds, caps or timelocks that cannot be.</summary>
    InvalidPolicy = 806,

    /// <summary>A limit would more than double, or a timelock more than halve.</summary>
    PolicyTooFast = 807,

    /// <summary>A note is too long.</summary>
    InvalidNote = 808,

    /// <summary>The amount is above what the treasury may spend in one epoch.</summary>
    TreasuryLimit = 809,

    /// <summary>Only the proposer takes a proposal back.</summary>
    NotProposer = 810,

    /// <summary>The chain has no guardians: nothing is withdrawn.</summary>
    VaultClosed = 901,

    /// <summary>A destination has 1 to 64 bytes.</summary>
    InvalidDestination = 902,

    /// <summary>The amount is above what one owner may ever take out in 24 hours.</summary>
    WithdrawalAboveCap = 903,

    /// <summary>Too many open withdrawals of the owner.</summary>
    TooManyWithdrawals = 904,

    /// <summary>There is no such withdrawal of this account, or it is over.</summary>
    UnknownWithdrawal = 905,

    /// <summary>The withdrawal was admitted or released: it can no longer be stopped like this.</summary>
    WithdrawalNotWaiting = 906,

    /// <summary>The withdrawal is not admitted: there is nothing to sign.</summary>
    WithdrawalNotReleasable = 907,

    /// <summary>What was signed is not what the chain wants signed.</summary>
    ReleaseMismatch = 908,

    /// <summary>The time to sign has passed.</summary>
    ReleaseExpired = 909,

    /// <summary>The deposit was credited before.</summary>
    DepositAlreadyCredited = 910,

    /// <summary>Too many deposits that only this guardian opened.</summary>
    TooManyDeposits = 911,
}
