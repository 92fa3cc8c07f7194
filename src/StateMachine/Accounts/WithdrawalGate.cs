using System.Collections.Generic;

namespace AppChain.StateMachine;

/// <summary>
/// Whether collateral may leave the chain (MARGIN-11). While somebody's loss is not yet borne, or positions cannot be
/// valued with certainty, whoever leaves first would leave it to those who stay.
/// </summary>
internal static class WithdrawalGate
{
    /// <summary>
    /// True when every market with open interest has a Live oracle and no account has a debt or is bankrupt. Such
    /// accounts all have a liquidation record once step 8 of the block is done (I5), so no other account is visited.
    /// </summary>
    public static bool IsOpen(State state, BlockContext context)
    {
        // BOUND: at most Limits.MarketsMax markets.
        for (int slot = 0; slot < state.Books.Count; slot++)
        {
            ref readonly MarketRow market = ref state.Markets.Read(slot);
            if (market.OpenInterest > 0
                && (!state.Oracles.TryFind(market.Parameters.MarketId, out int oracle)
                    || state.Oracles.Read(oracle).State != OracleState.Live))
            {
                return false;
            }
        }

        // BOUND: the open records, which step 8 has just visited for the same reason.
        foreach (int slot in state.Liquidations.SlotsInKeyOrder(Comparer<int>.Default))
        {
            int account = state.Liquidations.Read(slot).Account;
            if (AccountRisk.IsDebtor(state, account) || AccountRisk.Of(state, context, account).EquityHigh < 0)
            {
                return false;
            }
        }

        return true;
    }
}
