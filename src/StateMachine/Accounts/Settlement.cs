using System;
using AppChain.Margin;

namespace AppChain.StateMachine;

/// <summary>One side of a fill, worked out before anything is written.</summary>
internal struct FillOutcome
{
    /// <summary>The account, by number.</summary>
    public int Account;

    /// <summary>Position after the fill, funding settled.</summary>
    public PositionRow Position;

    /// <summary>Collateral after the fill.</summary>
    public Int128 Collateral;

    /// <summary>Fee paid; negative is a rebate.</summary>
    public Int128 Fee;

    /// <summary>Funding paid on the way; negative when received.</summary>
    public Int128 Funding;

    /// <summary>Rounding gain of the funding payment, 2^-32 micro-USD.</summary>
    public long FundingDust;

    /// <summary>Change of the account's part of the open interest (its long lots).</summary>
    public long LongLotsDelta;
}

/// <summary>
/// Moves money. Every change of collateral or entry notional goes through here and keeps the running sum of claims, so
/// that conservation can be checked in every block without visiting the accounts.
/// </summary>
internal static class Settlement
{
    /// <summary>
    /// What a fill of <paramref name="signedQuantity"/> lots (positive: bought) at <paramref name="price"/> would make
    /// of an account. Writes nothing.
    /// </summary>
    public static FillOutcome Prepare(
        State state, int account, in PositionRow position, in MarketRow market, long signedQuantity, long price,
        int feePpm)
    {
        FillOutcome outcome = default;
        outcome.Account = account;
        outcome.Position = position;
        Int128 collateral = state.Accounts.Read(account).Collateral;
        if (position.FundingIndex != market.FundingIndex)
        {
            outcome.Funding = FundingPayment.Owed(
                position.Size, market.FundingIndex, position.FundingIndex, out outcome.FundingDust);
            outcome.Position.FundingIndex = market.FundingIndex;
        }

        Int128 realised = PositionChange.Apply(
            ref outcome.Position.Size,
            ref outcome.Position.EntryNotional,
            signedQuantity,
            price,
            market.Parameters.TickLotValue);
        outcome.Fee = Fees.Of(market.Parameters.Notional(price, Math.Abs(signedQuantity)), feePpm);
        outcome.Collateral = collateral + realised - outcome.Funding - outcome.Fee;
        outcome.LongLotsDelta = Math.Max(outcome.Position.Size, 0) - Math.Max(position.Size, 0);
        return outcome;
    }

    /// <summary>
    /// Writes one side of a fill. The open interest and the fees are the caller's, once for both sides.
    /// </summary>
    public static void Apply(
        State state, BlockContext context, int positionSlot, int marketSlot, in FillOutcome outcome)
    {
        ref PositionRow position = ref state.Positions.Write(positionSlot);
        Int128 entryBefore = position.EntryNotional;
        position.Size = outcome.Position.Size;
        position.EntryNotional = outcome.Position.EntryNotional;
        position.FundingIndex = outcome.Position.FundingIndex;

        ref AccountRow account = ref state.Accounts.Write(outcome.Account);
        Int128 collateralBefore = account.Collateral;
        account.Collateral = outcome.Collateral;

        state.Pool.Write(0).Claims +=
            outcome.Collateral - collateralBefore - (outcome.Position.EntryNotional - entryBefore);
        if (outcome.Funding != 0 || outcome.FundingDust != 0)
        {
            Clear(state, context, marketSlot, outcome.Account, position.Size, outcome.Funding, outcome.FundingDust);
        }

        context.Touch(outcome.Account);
    }

    /// <summary>Settles the funding that a position owes now.</summary>
    public static void SettleFunding(State state, BlockContext context, int positionSlot, int marketSlot)
    {
        ref readonly MarketRow market = ref state.Markets.Read(marketSlot);
        ref readonly PositionRow position = ref state.Positions.Read(positionSlot);
        if (position.FundingIndex == market.FundingIndex)
        {
            return;
        }

        Int128 owed = FundingPayment.Owed(position.Size, market.FundingIndex, position.FundingIndex, out long dust);
        state.Positions.Write(positionSlot).FundingIndex = market.FundingIndex;
        if (owed != 0 || dust != 0)
        {
            AddCollateral(state, context, position.Account, -owed);
            Clear(state, context, marketSlot, position.Account, position.Size, owed, dust);
        }
    }

    /// <summary>
    /// Adds to an account's collateral (negative: takes) and to the sum of claims. The caller moves the other side.
    /// </summary>
    public static void AddCollateral(State state, BlockContext context, int account, Int128 amount)
    {
        state.Accounts.Write(account).Collateral += amount;
        state.Pool.Write(0).Claims += amount;
        context.Touch(account);
    }

    /// <summary>Moves an amount between an account and the insurance fund: positive into the fund.</summary>
    public static void PayInsuranceFund(State state, BlockContext context, int account, Int128 amount)
    {
        AddCollateral(state, context, account, -amount);
        ref PoolRow pool = ref state.Pool.Write(0);
        pool.InsuranceFund += amount;
        Invariant.Assert(pool.InsuranceFund >= 0);
    }

    // The payer's money waits in the clearing account of the market until the receivers have settled too. Rounding
    // gains gather in the dust; each whole micro-USD of it belongs to the insurance fund.
    private static void Clear(
        State state, BlockContext context, int marketSlot, int account, long size, Int128 paid, long dust)
    {
        ref MarketRow market = ref state.Markets.Write(marketSlot);
        market.FundingClearing += paid;
        state.Pool.Write(0).Claims += paid;
        market.FundingDust += dust;
        const long whole = 1L << MarketRow.FundingScaleBits;
        if (market.FundingDust >= whole)
        {
            market.FundingDust -= whole;
            market.FundingClearing -= 1;
            ref PoolRow pool = ref state.Pool.Write(0);
            pool.Claims -= 1;
            pool.InsuranceFund += 1;
        }

        if (paid != 0)
        {
            context.Emit(new ExchangeEvent
            {
                Kind = EventKind.FundingSettled,
                Account = account,
                Counterparty = -1,
                Market = market.Parameters.MarketId,
                Quantity = size,
                Amount = paid,
            });
        }
    }
}
