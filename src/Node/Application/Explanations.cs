using System;
using AppChain.StateMachine;

namespace AppChain.Node;

/// <summary>What each result code means, and what to do about it, in one line for the log of a result.</summary>
public static class Explanations
{
    /// <summary>The line for a code.</summary>
    public static string Of(ResultCode code) => code switch
    {
        ResultCode.Ok => "",
        ResultCode.TooLarge => "the transaction is larger than 16,384 bytes; split the batch",
        ResultCode.Malformed => "the transaction is not in its canonical encoding; see docs/spec/transactions.md",
        ResultCode.OperationCount => "a transaction holds 1 to 100 operations; split the batch",
        ResultCode.InvalidPublicKey => "the public key is not a point of secp256k1; sign with another key",
        ResultCode.InvalidSignature => "the signature does not fit; was it signed for another chain id?",
        ResultCode.NotSubmittable => "price updates are made by proposers and cannot be sent",
        ResultCode.Expired => "its expiry height has passed; send it again with a later --expiry-height",
        ResultCode.ExpiryTooFar => "its expiry height is more than 10,000 blocks ahead; choose an earlier one",
        ResultCode.NonceUsed => "the nonce was used before; send it again without --nonce",
        ResultCode.UnknownAccount => "the account has never held collateral; have some transferred to it first",
        ResultCode.InvalidAmount =>
            "the amount is zero or too large, or too small: a withdrawal takes 1 USD, opening an account more than 1 "
            + "USD; correct it",
        ResultCode.SameAccount => "sender and recipient are the same account; name another recipient",
        ResultCode.InvalidSubaccount => "a sub-account is a number from 0 to 65,535",
        ResultCode.UnknownMarket => "there is no such market; see `appchain query markets`",
        ResultCode.MarketFrozen => "the oracle has no usable price, so nothing trades; see `appchain query oracle`",
        ResultCode.MarketReduceOnly => "the oracle is stale: only --reduce-only orders; see `appchain query oracle`",
        ResultCode.MarketUncertain => "the oracle is uncertain: no market orders; send a limit order",
        ResultCode.InvalidSide => "the side is neither buy nor sell",
        ResultCode.InvalidPrice => "the price is zero or too high; correct it",
        ResultCode.InvalidQuantity => "the quantity is zero or too large; correct it",
        ResultCode.InvalidFlags =>
            "the flags contradict each other: a market order is immediate-or-cancel, and only resting orders have "
            + "an end",
        ResultCode.OrderExpired => "the order's good-til height or time has passed; choose a later one",
        ResultCode.DuplicateClientId =>
            "an open order has this client id; choose another, or use `appchain tx order replace`",
        ResultCode.UnknownOrder =>
            "no such open order: it was filled, cancelled or never accepted; see `appchain query orders`",
        ResultCode.PriceOutsideBand => "the price is too far beyond the index price; see `appchain query market`",
        ResultCode.WouldTrade => "a post-only order would have traded at once; move its price away from the market",
        ResultCode.NotFillable => "it could not be filled whole; lower the quantity or use --time-in-force ioc",
        ResultCode.WouldNotReduce => "there is no position that it would reduce; see `appchain query account`",
        ResultCode.TooManyOrders => "256 orders are open in this market already; cancel some",
        ResultCode.BookFull =>
            "no room for another price, or for so many lots at this one; use a price that has orders, and a lower "
            + "quantity",
        ResultCode.PositionLimit => "the position would exceed the market's limit; lower the quantity",
        ResultCode.OpenInterestCap => "the market's open interest would exceed its cap; lower the quantity or wait",
        ResultCode.SelfTrade => "it met an order of the same account and was cancelled by its self-trade rule",
        ResultCode.MatchingLimit =>
            "the transaction or the block has met as many resting orders as it may; send the rest again",
        ResultCode.WithdrawalsClosed =>
            "withdrawals wait until every loss is borne and prices are live; see `query liquidations` and `query "
            + "oracle`",
        ResultCode.MarginTooLow => "margin too low; reduce the size or deposit collateral",
        ResultCode.CollateralTooLow => "the collateral does not cover the amount; lower it",
        ResultCode.InLiquidation => "the account is being liquidated: only --reduce-only orders, or deposit collateral",
        ResultCode.AgentNotAuthorised => "the owner has not authorised this key; see `appchain query agents`",
        ResultCode.AgentExpired => "the agent's time has passed; have the owner authorise it again",
        ResultCode.AgentMayNot => "an agent only places, cancels and replaces orders; sign with the owner's key",
        ResultCode.AgentMarket => "the agent may not trade in this market; see `appchain query agents`",
        ResultCode.AgentNotional => "the agent's orders of today would exceed what the owner allows; wait or raise it",
        ResultCode.InvalidAgent =>
            "the agent must be another key, its notional above zero, its end at most 366 days ahead",
        ResultCode.TooManyAgents => "the owner has 16 agents already; revoke one",
        ResultCode.UnknownAgent => "the owner has no such agent; see `appchain query agents`",
        ResultCode.InvalidReleaseSignature => "the signature on the release does not fit; was it for another chain id?",
        ResultCode.NotCouncilMember =>
            "the key is no member of the council that decides on this; see `appchain query vault`",
        ResultCode.UnknownProposal => "there is no such proposal; see `appchain query proposals`",
        ResultCode.ProposalNotOpen => "the proposal is approved, executed or of a former council",
        ResultCode.AlreadyVoted => "this member has voted, attested or signed already",
        ResultCode.TooManyProposals => "too many open proposals of this member; wait or cancel one",
        ResultCode.InvalidPolicy => "the policy has members, thresholds, caps, timelocks or parameters that cannot be",
        ResultCode.PolicyTooFast => "a limit may at most double, and a timelock at most halve, in one epoch of 24 h",
        ResultCode.InvalidNote => "a note has at most 64 bytes; shorten it",
        ResultCode.TreasuryLimit => "the amount is above what the treasury may spend in an epoch; split it",
        ResultCode.NotProposer => "only the member that proposed it takes a proposal back; use veto",
        ResultCode.VaultClosed => "this chain has no guardians, so nothing can be withdrawn from it",
        ResultCode.InvalidDestination => "a withdrawal needs a destination of 1 to 64 bytes; give --to",
        ResultCode.WithdrawalAboveCap => "the amount is above what one owner may take out in 24 h; split it over days",
        ResultCode.TooManyWithdrawals => "16 withdrawals of this owner are open already; wait or cancel one",
        ResultCode.UnknownWithdrawal => "there is no such withdrawal of this account, or it is over",
        ResultCode.WithdrawalNotWaiting =>
            "the withdrawal was admitted already, and can no longer be stopped like this",
        ResultCode.WithdrawalNotReleasable => "the withdrawal is not admitted; see `appchain query withdrawals`",
        ResultCode.ReleaseMismatch => "what was signed is not what the chain wants signed; ask again and sign that",
        ResultCode.ReleaseExpired => "the time to sign has passed; the withdrawal will be admitted again",
        ResultCode.DepositAlreadyCredited => "the deposit was credited before; nothing is left to do",
        ResultCode.TooManyDeposits => "32 deposits that this guardian opened wait for others already",
        ResultCode.RolledBack => "taken back, because another operation of the transaction was refused",
    };

    /// <summary>The line for a code from a node, which may be of another version.</summary>
    public static string Of(uint code) => Enum.IsDefined((ResultCode)code)
        ? Of((ResultCode)code)
        : $"refused with code {code}, which this version does not know";
}
