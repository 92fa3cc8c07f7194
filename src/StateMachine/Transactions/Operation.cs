using System;

namespace AppChain.StateMachine;

/// <summary>What an operation does. Numbers are the field numbers of <c>Operation</c> in transaction.proto.</summary>
public enum OperationKind : byte
{
    /// <summary>Never decoded.</summary>
    None = 0,

    /// <summary>Places a limit or market order.</summary>
    PlaceOrder = 1,

    /// <summary>Cancels one order by id or client id.</summary>
    CancelOrder = 2,

    /// <summary>Cancels every order of the account in one market.</summary>
    CancelAll = 3,

    /// <summary>Cancels one order and places another in its stead, or neither.</summary>
    ReplaceOrder = 4,

    /// <summary>Moves collateral to another account.</summary>
    Transfer = 5,

    /// <summary>Takes collateral off the chain.</summary>
    Withdraw = 6,

    /// <summary>Lets another key trade for the owner.</summary>
    AuthoriseAgent = 7,

    /// <summary>Takes that back.</summary>
    RevokeAgent = 8,

    /// <summary>Takes back a withdrawal that is still waiting.</summary>
    CancelWithdrawal = 9,

    /// <summary>A guardian says that a deposit was made. From here on, members of councils sign.</summary>
    AttestDeposit = 10,

    /// <summary>A guardian signs the release of a withdrawal.</summary>
    SignRelease = 11,

    /// <summary>A guardian stops a withdrawal that is still waiting.</summary>
    VetoWithdrawal = 12,

    /// <summary>A member proposes something to its council.</summary>
    Propose = 13,

    /// <summary>A member approves a proposal.</summary>
    ApproveProposal = 14,

    /// <summary>A member stops a proposal.</summary>
    VetoProposal = 15,

    /// <summary>A member takes back what it proposed.</summary>
    CancelProposal = 16,
}

/// <summary>How long an order may wait. Numbers as on the wire.</summary>
public enum TimeInForce : byte
{
    /// <summary>Rests until cancelled, or until its good-til height or time.</summary>
    GoodTilCancelled = 0,

    /// <summary>Trades what it can at once; the rest is cancelled.</summary>
    ImmediateOrCancel = 1,

    /// <summary>Trades whole at once, or not at all.</summary>
    FillOrKill = 2,

    /// <summary>Rests without trading, or is refused.</summary>
    PostOnly = 3,
}

/// <summary>
/// What happens when an order would trade with another order of the same owner. Numbers as on the wire.
/// </summary>
public enum SelfTrade : byte
{
    /// <summary>The resting order is cancelled and the arriving one goes on.</summary>
    CancelMaker = 0,

    /// <summary>The rest of the arriving order is cancelled.</summary>
    CancelTaker = 1,

    /// <summary>Both are cancelled.</summary>
    CancelBoth = 2,

    /// <summary>Both are reduced by the smaller quantity without a fill.</summary>
    Decrement = 3,
}

/// <summary>One operation of a transaction, decoded. Fields that the kind does not use are zero.</summary>
public struct Operation
{
    /// <summary>Which operation.</summary>
    public OperationKind Kind;

    /// <summary>Buy or sell (PlaceOrder, ReplaceOrder).</summary>
    public Side Side;

    /// <summary>How long the order may wait.</summary>
    public TimeInForce TimeInForce;

    /// <summary>Self-trade rule of the order when it takes.</summary>
    public SelfTrade SelfTrade;

    /// <summary>The order may only bring the position nearer to zero.</summary>
    public bool ReduceOnly;

    /// <summary>
    /// A market order: immediate-or-cancel whose price is only a limit; refused while the oracle is uncertain.
    /// </summary>
    public bool IsMarket;

    /// <summary>The market.</summary>
    public uint Market;

    /// <summary>Limit price, ticks.</summary>
    public long Price;

    /// <summary>Lots.</summary>
    public long Quantity;

    /// <summary>Client id of the order placed; 0 when none.</summary>
    public ulong ClientId;

    /// <summary>Order to cancel or replace, by id; 0 when named by client id.</summary>
    public ulong TargetOrderId;

    /// <summary>Order to cancel or replace, by client id; 0 when named by id.</summary>
    public ulong TargetClientId;

    /// <summary>Last height the order may rest; 0 for no limit.</summary>
    public long GoodTilHeight;

    /// <summary>Block time (ns) until which the order may rest; 0 for no limit.</summary>
    public long GoodTilTime;

    /// <summary>Receiving account (Transfer).</summary>
    public AccountId Recipient;

    /// <summary>Micro-USD (Transfer, Withdraw).</summary>
    public long Amount;

    /// <summary>What the rarer kinds say; null for those that the other fields describe.</summary>
    public IOperationContent? Content;
}
