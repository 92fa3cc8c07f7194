using AppChain.StateMachine;

namespace AppChain.Node;

/// <summary>What each result code means, and what to do about it, in one line for the log of a result.</summary>
public static class Explanations
{
    /// <summary>The line for a code.</summary>
    public static string Of(ResultCode code) => code switch
    {
        ResultCode.Ok => "",
        ResultCode.TooLarge => "larger than a transaction may be: split the batch",
        ResultCode.Malformed => "not the canonical encoding of a signed transaction",
        ResultCode.OperationCount => "a transaction has 1 to 100 operations",
        ResultCode.InvalidPublicKey => "the public key is not a point of the curve",
        ResultCode.InvalidSignature => "the signature does not verify: check the key and the chain id, and sign in low-S form",
        ResultCode.NotSubmittable => "price updates are made by proposers",
        ResultCode.Expired => "the expiry height has passed: sign again with a later one",
        ResultCode.ExpiryTooFar => "the expiry height is too far ahead: at most 10,000 blocks",
        ResultCode.NonceUsed => "the nonce was used before or lies below the window: use one above the highest",
        ResultCode.UnknownAccount => "the account has never held collateral: transfer some to it first",
        ResultCode.InvalidAmount => "the amount must be above zero and below the limit",
        ResultCode.SameAccount => "sender and recipient are the same account",
        ResultCode.InvalidSubaccount => "sub-account numbers go up to 65,535",
        ResultCode.UnknownMarket => "there is no such market: see query markets",
        ResultCode.MarketFrozen => "the oracle has no usable price: wait until validators report again",
        ResultCode.MarketReduceOnly => "the oracle is stale: only reduce-only orders until it is live again",
        ResultCode.MarketUncertain => "the oracle is uncertain: use a limit order",
        ResultCode.InvalidSide => "the side must be buy or sell",
        ResultCode.InvalidPrice => "the price must be above zero and below the limit",
        ResultCode.InvalidQuantity => "the quantity must be above zero and below the limit",
        ResultCode.InvalidFlags => "the flags of the order contradict each other",
        ResultCode.OrderExpired => "the good-til height or time has passed",
        ResultCode.DuplicateClientId => "an open order has the same client id: cancel it or use another",
        ResultCode.UnknownOrder => "there is no such open order of this account",
        ResultCode.PriceOutsideBand => "the price is outside the band around the index price",
        ResultCode.WouldTrade => "a post-only order would have traded: move the price away from the other side",
        ResultCode.NotFillable => "the book cannot fill the order now",
        ResultCode.WouldNotReduce => "a reduce-only order must be against the position",
        ResultCode.TooManyOrders => "too many open orders in this market: cancel some",
        ResultCode.BookFull => "the book has no room for another price level: use a price that is already there",
        ResultCode.PositionLimit => "the position would exceed the limit of the market",
        ResultCode.OpenInterestCap => "the open interest would exceed the cap of the market",
        ResultCode.SelfTrade => "the order met an order of the same owner",
        ResultCode.MarginTooLow => "margin too low",
        ResultCode.CollateralTooLow => "the collateral does not cover the amount; unrealised profit cannot be withdrawn",
        ResultCode.InLiquidation => "the account is being liquidated: only reduce-only orders",
        ResultCode.RolledBack => "another operation of the same all-or-nothing transaction failed",
    };
}
