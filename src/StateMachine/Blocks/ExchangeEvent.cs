using System;

namespace AppChain.StateMachine;

/// <summary>
/// What an event reports. The comment of each kind says which fields of <see cref="ExchangeEvent"/> it uses.
/// </summary>
public enum EventKind : byte
{
    /// <summary>Never emitted.</summary>
    None = 0,

    /// <summary>
    /// An order entered the book: Account, Market, OrderId, ClientId, Side, Price, Quantity (resting lots), Reason 1
    /// when it only reduces, Amount its good-til height, Amount2 its good-til time (0: none).
    /// </summary>
    OrderOpened = 1,

    /// <summary>
    /// A fill: Account is the taker, Counterparty the maker, Market, OrderId the maker's order, TakerOrderId, Side of
    /// the taker, Price, Quantity, Amount the taker's fee, Amount2 the maker's fee (negative: rebate).
    /// </summary>
    Fill = 2,

    /// <summary>
    /// A resting order changed its open lots without a fill: Account, Market, OrderId, Quantity (lots left), Reason.
    /// </summary>
    OrderReduced = 3,

    /// <summary>
    /// An order left the book or was never put in it: Account, Market, OrderId, ClientId, Quantity (lots not filled),
    /// Reason.
    /// </summary>
    OrderClosed = 4,

    /// <summary>Collateral moved: Account the sender, Counterparty the recipient, Amount.</summary>
    Transfer = 5,

    /// <summary>
    /// Collateral left an account and waits to be released: Account, OrderId the withdrawal's number, Amount, Amount2
    /// block time (ns) at which its timelock ends, Data the destination.
    /// </summary>
    WithdrawalRequested = 6,

    /// <summary>
    /// The oracle accepted a price: Market, Price, Quantity the agreed price (ticks; how far two thirds of all power
    /// stand behind the move), Amount the confidence (ticks), Reason the new OracleState, Amount2 the power behind it,
    /// Amount3 its source time (ns). The enforcement delay of the block's reports is the number of blocks until Price
    /// has reached the agreed price, 0 when it does so here (docs/spec/oracle.md, ORACLE-9).
    /// </summary>
    OracleUpdated = 7,

    /// <summary>
    /// The oracle changed state without a price: Market, Price the old price, Reason the new OracleState.
    /// </summary>
    OracleStateChanged = 8,

    /// <summary>
    /// Funding was applied: Market, Price the index price, Amount the rate (ppm per hour), Amount2 the new funding
    /// index.
    /// </summary>
    FundingApplied = 9,

    /// <summary>
    /// A position settled funding: Account, Market, Quantity (signed size), Amount paid (negative: received).
    /// </summary>
    FundingSettled = 10,

    /// <summary>
    /// An account was found below maintenance margin: Account, Amount equity at the favourable price, Amount2
    /// maintenance margin, Amount3 equity at mark.
    /// </summary>
    LiquidationOpened = 11,

    /// <summary>
    /// A slice was offered to the book: Account, Market, Side, Price the fillable price, Quantity offered, Amount the
    /// bankruptcy price (ticks), Amount2 lots filled, Amount3 the account's equity and Amount4 its maintenance margin
    /// before the slice (micro-USD).
    /// </summary>
    LiquidationSlice = 12,

    /// <summary>
    /// The insurance fund received (Amount &gt; 0) or paid (Amount &lt; 0) for Account in Market: Quantity lots,
    /// Amount2 the fund after.
    /// </summary>
    InsuranceFundChanged = 13,

    /// <summary>
    /// A position was closed against a winner: Account the bankrupt, Counterparty the winner, Market, Side the
    /// bankrupt's closing side, Price the bankruptcy price, Quantity lots, Amount leverage of the winner before (ppm).
    /// </summary>
    Deleveraging = 14,

    /// <summary>
    /// The account is above maintenance margin again, or has nothing left: Account, Amount equity, Amount2 maintenance
    /// margin.
    /// </summary>
    LiquidationClosed = 15,

    /// <summary>
    /// A liquidation could not be finished in this block: Account, Market, Quantity lots left, Reason the stage.
    /// </summary>
    LiquidationDeferred = 16,

    /// <summary>A validator was removed for misbehaviour: Amount its power, Reason the kind.</summary>
    ValidatorRemoved = 17,

    /// <summary>
    /// An owner let a key trade for it: Account that signed, Data the agent's address, Amount micro-USD a day, Amount2
    /// block time (ns) until which, Amount3 micro-USD that the account paid for one more agent.
    /// </summary>
    AgentAuthorised = 18,

    /// <summary>An owner forbade a key to trade for it: Account that signed, Data the agent's address.</summary>
    AgentRevoked = 19,

    /// <summary>
    /// A member proposed: OrderId the proposal's number, Reason the CouncilKind, Data the member's address.
    /// </summary>
    ProposalOpened = 20,

    /// <summary>
    /// A member approved: OrderId, Reason the CouncilKind, Data the member's address, Quantity approvals so far, Amount
    /// block time (ns) from which it may be executed, 0 while it needs more.
    /// </summary>
    ProposalApproved = 21,

    /// <summary>
    /// A member vetoed: OrderId, Reason the CouncilKind, Data the member's address, Quantity vetoes so far.
    /// </summary>
    ProposalVetoed = 22,

    /// <summary>A proposal ended: OrderId, Reason the ProposalState, Quantity the CouncilKind.</summary>
    ProposalClosed = 23,

    /// <summary>A council has other members or thresholds: Reason the CouncilKind, OrderId its new version.</summary>
    CouncilChanged = 24,

    /// <summary>A guardian attested a deposit: Data its id, Amount, Quantity attestations so far.</summary>
    DepositAttested = 25,

    /// <summary>A deposit was credited: Account, Amount, Data its id.</summary>
    DepositCredited = 26,

    /// <summary>
    /// Guardians may sign a withdrawal: Account, OrderId, ClientId the sequence of the admission, Amount, Amount2 block
    /// time (ns) at which it expires, Data the destination.
    /// </summary>
    WithdrawalAdmitted = 27,

    /// <summary>
    /// A guardian signed: Account, OrderId, ClientId the sequence, Amount, Amount2 signatures so far.
    /// </summary>
    WithdrawalSigned = 28,

    /// <summary>
    /// Enough guardians have signed, and the collateral has left: Account, OrderId, ClientId the sequence, Amount,
    /// Amount2 signatures, Data the destination.
    /// </summary>
    WithdrawalReleased = 29,

    /// <summary>
    /// An admission expired, and the withdrawal waits again: Account, OrderId, ClientId the sequence, Amount.
    /// </summary>
    WithdrawalExpired = 30,

    /// <summary>A guardian vetoed a withdrawal: Account, OrderId, Amount, Amount2 vetoes so far.</summary>
    WithdrawalVetoed = 31,

    /// <summary>
    /// The collateral of a withdrawal went back to its account: Account, OrderId, Amount, Reason the WithdrawalState.
    /// </summary>
    WithdrawalClosed = 32,

    /// <summary>
    /// The treasury paid: Account that received it, -1 for the insurance fund, OrderId the proposal, Amount, Amount2
    /// what is left, Data the note.
    /// </summary>
    TreasurySpent = 33,

    /// <summary>
    /// The parameters of consensus are others: OrderId the proposal, Quantity the first height, Amount bytes of a
    /// block, Amount2 blocks and Amount3 seconds for which evidence counts, Amount4 bytes of evidence.
    /// </summary>
    ConsensusParametersChanged = 34,

    /// <summary>
    /// Guardians gave a validator another power: OrderId the proposal, Quantity the first height it votes with it,
    /// Amount the power (0: it leaves), Amount2 the one before (0: it joins), Data its Ed25519 key.
    /// </summary>
    ValidatorPowerChanged = 35,
}

/// <summary>Why an order closed or shrank.</summary>
public enum CloseReason : byte
{
    /// <summary>Not said.</summary>
    None = 0,

    /// <summary>Filled whole.</summary>
    Filled = 1,

    /// <summary>Cancelled by its owner.</summary>
    Cancelled = 2,

    /// <summary>Replaced by its owner.</summary>
    Replaced = 3,

    /// <summary>Good-til height or time passed.</summary>
    Expired = 4,

    /// <summary>Immediate-or-cancel: the rest found nothing to trade with.</summary>
    NotFilled = 5,

    /// <summary>Self-trade prevention.</summary>
    SelfTrade = 6,

    /// <summary>The account could not carry it.</summary>
    Margin = 7,

    /// <summary>The account is being liquidated.</summary>
    Liquidation = 8,

    /// <summary>Reduce-only and there is nothing left to reduce.</summary>
    ReduceOnly = 9,

    /// <summary>Position limit, open-interest cap, or as many orders met as one transaction may.</summary>
    Limit = 10,

    /// <summary>Its price level gave way to a better one on a side that had no level left.</summary>
    Evicted = 11,
}

/// <summary>
/// One thing that happened in a block. A plain record of numbers; <see cref="EventKind"/> says what each field means.
/// </summary>
public struct ExchangeEvent
{
    /// <summary>What happened.</summary>
    public EventKind Kind;

    /// <summary>Buy or sell.</summary>
    public Side Side;

    /// <summary>A <see cref="CloseReason"/>, <see cref="OracleState"/> or stage number, by kind.</summary>
    public byte Reason;

    /// <summary>Position in the block of the transaction that caused it; -1 when the block itself did.</summary>
    public int Transaction;

    /// <summary>The market; 0 when none.</summary>
    public uint Market;

    /// <summary>The account, by number; -1 when none.</summary>
    public int Account;

    /// <summary>The other account, by number; -1 when none.</summary>
    public int Counterparty;

    /// <summary>The order, or the number of a proposal or withdrawal; 0 when none.</summary>
    public ulong OrderId;

    /// <summary>The taker's order.</summary>
    public ulong TakerOrderId;

    /// <summary>The owner's own number of the order, or the sequence of an admission.</summary>
    public ulong ClientId;

    /// <summary>Ticks.</summary>
    public long Price;

    /// <summary>Lots.</summary>
    public long Quantity;

    /// <summary>First amount.</summary>
    public Int128 Amount;

    /// <summary>Second amount.</summary>
    public Int128 Amount2;

    /// <summary>Third amount.</summary>
    public Int128 Amount3;

    /// <summary>Fourth amount.</summary>
    public Int128 Amount4;

    /// <summary>Bytes that are no number; null when none.</summary>
    public byte[]? Data;
}
