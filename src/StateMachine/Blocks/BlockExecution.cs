using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Runtime.InteropServices;
using AppChain.Margin;

namespace AppChain.StateMachine;

/// <summary>
/// The fixed order of a block. The numbers are those of docs/spec/block.md; each step is one call, in this order, in
/// one method, and nothing else calls them.
/// </summary>
internal sealed class BlockExecution
{
    private readonly State _state;
    private readonly RestingOrders _resting;
    private readonly TransactionExecution _transactions;
    private readonly LiquidationSweep _sweep;
    private readonly RiskSchedule _schedule;
    private readonly Vault _vault;

    // By slot of the market. Nothing changes the books between steps 3 and 4, which look at them.
    private readonly BookQuote[] _quotes = new BookQuote[Limits.MarketsMax];

    /// <summary>Executes blocks on a state.</summary>
    public BlockExecution(State state)
    {
        _state = state;
        _resting = new RestingOrders(state);
        var matching = new Matching(state, _resting);
        _vault = new Vault(state);
        _transactions = new TransactionExecution(
            state, _resting, new OrderPlacement(state, _resting, matching), _vault);
        _schedule = new RiskSchedule(state);
        _sweep = new LiquidationSweep(state, _resting, matching, _schedule);
    }

    /// <summary>What the steps share; also the valuations that a full scan needs.</summary>
    public BlockContext Context { get; } = new();

    /// <summary>Visit every row after every block.</summary>
    public bool CheckEveryRow { get; set; } = true;

    /// <summary>Rebuilds what is derived from the rows and belongs to the steps: the risk schedule.</summary>
    public void Rebuild() => _schedule.Rebuild();

    /// <summary>
    /// Executes steps 1 to 12; the app hash of step 13 is <see cref="Exchange"/>'s, which owns the tree.
    /// </summary>
    public ImmutableArray<TransactionResult> Execute(Block block)
    {
        Context.Begin(block.Height, block.Time);
        var results = new TransactionResult[block.Transactions.Length];

        ValidatorChanges.Execute(_state, block, Context);             // 1
        OracleUpdate.Execute(_state, block, Context.Events);          // 2
        UpdateMarks(block.Time);                                      // 3
        UpdateFunding(block.Time);                                    // 4
        _resting.Expire(Context);                                     // 5
        _vault.Trigger(Context);                                      // 6
        ExecuteClass(block, TransactionClass.RiskReducing, results);  // 7
        _sweep.Execute(Context, LiquidationPass.Scheduled);           // 8
        DecideWithdrawals();
        ExecuteClass(block, TransactionClass.PostOnly, results);      // 9
        ExecuteClass(block, TransactionClass.Other, results);         // 10
        _sweep.Execute(Context, LiquidationPass.Touched);             // 11
        _vault.Admit(Context);
        Advance(block);
        Conservation.Check(_state);                                   // 12
        VaultInvariants.Check(_state, Context);
        if (CheckEveryRow)
        {
            Conservation.CheckEveryRow(_state, Context);
        }

        return ImmutableCollectionsMarshal.AsImmutableArray(results);
    }

    // No later step of the block makes a debt or a bankrupt: prices stand, and no action may end below zero.
    private void DecideWithdrawals()
    {
        Context.WithdrawalsOpen = WithdrawalGate.IsOpen(_state, Context);
        if (CheckEveryRow)
        {
            Conservation.CheckWithdrawalGate(_state, Context);
        }
    }

    private void UpdateMarks(long time)
    {
        for (int slot = 0; slot < _state.Books.Count; slot++)
        {
            _quotes[slot] = QuoteOf(slot);
            MarkPrice.Update(_state, slot, _quotes[slot], time);
            ref readonly MarketRow market = ref _state.Markets.Read(slot);
            if (_state.Oracles.TryFind(market.Parameters.MarketId, out int oracle) && market.MarkPrice > 0)
            {
                Context.Valuations[slot] = OracleUpdate.ValuationOf(market, _state.Oracles.Read(oracle), time);
            }
        }
    }

    private void UpdateFunding(long time)
    {
        for (int slot = 0; slot < _state.Books.Count; slot++)
        {
            FundingSchedule.Update(_state, slot, _quotes[slot], time, Context.Events);
        }
    }

    private BookQuote QuoteOf(int marketSlot)
    {
        Book book = _state.Books[marketSlot];
        MarketParameters parameters = _state.Markets.Read(marketSlot).Parameters;

        // Selling into the bids gives the impact bid; buying from the asks the impact ask.
        return new BookQuote(
            book.Bids.BestPrice,
            book.Asks.BestPrice,
            book.ImpactPrice(Side.Sell, parameters.ImpactNotional, parameters.TickLotValue),
            book.ImpactPrice(Side.Buy, parameters.ImpactNotional, parameters.TickLotValue));
    }

    // ORDER: by class, and within a class as the proposer ordered them. A block whose order differs was refused by
    // ProcessProposal; executing by class gives every node the same answer even so.
    private void ExecuteClass(Block block, TransactionClass wanted, TransactionResult[] results)
    {
        for (int i = 0; i < results.Length; i++)
        {
            Transaction? transaction = block.Transactions[i];
            if (transaction is null)
            {
                results[i] = new TransactionResult(block.UndecodedCodes[i], []);
                continue;
            }

            if (transaction.Class == wanted)
            {
                Context.Transaction = i;
                results[i] = _transactions.Execute(transaction, Context);
            }
        }

        Context.Transaction = -1;
    }

    private void Advance(Block block)
    {
        ref ChainRow chain = ref _state.Chain.Write(0);
        Invariant.Assert(block.Height == chain.Height + 1);
        chain.Height = block.Height;
        chain.Time = block.Time;
    }
}
