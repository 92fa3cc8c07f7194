using System.Collections.Generic;
using System.Collections.Immutable;
using NUnit.Framework;

namespace AppChain.StateMachine.Tests;

/// <summary>
/// Drives an exchange block by block without a node: transactions and prices gather until the block is made. All
/// validators report the same price with the block's own time, so a price is live in the block that carries it.
/// </summary>
internal sealed class TestChain
{
    private readonly Genesis _genesis;
    private readonly List<Transaction> _pending = [];
    private readonly Dictionary<uint, long> _prices = [];
    private readonly Dictionary<Address, ulong> _nonces = [];

    public TestChain(Genesis genesis, long blockSeconds = 1)
    {
        _genesis = genesis;
        Exchange = Exchange.FromGenesis(genesis);
        Exchange.Commit();
        BlockSeconds = blockSeconds;
    }

    public Exchange Exchange { get; }

    public long BlockSeconds { get; set; }

    public List<Block> Blocks { get; } = [];

    public List<byte[]> AppHashes { get; } = [];

    /// <summary>Price (ticks) that every validator reports from the next block on; 0 stops the reports.</summary>
    public void Price(uint market, long ticks) => _prices[market] = ticks;

    public void Add(string owner, params Operation[] operations) => Add(owner, false, 0, operations);

    public void Add(string owner, bool allOrNothing, uint subaccount, params Operation[] operations)
    {
        Address signer = TestMarkets.AddressOf(owner);
        ulong nonce = _nonces.GetValueOrDefault(signer) + 1;
        _nonces[signer] = nonce;
        Submit(new Transaction
        {
            Signer = signer,
            Subaccount = subaccount,
            Nonce = nonce,
            ExpiryHeight = Exchange.Height + 100,
            AllOrNothing = allOrNothing,
            Operations = operations,
        });
    }

    public void Submit(Transaction transaction) => _pending.Add(transaction);

    /// <summary>Makes the next block from what is pending, without executing it.</summary>
    public Block Next()
    {
        long height = Exchange.Height + 1;
        long time = Exchange.Time + (BlockSeconds * TestMarkets.Second);
        var codes = new ResultCode[_pending.Count];
        var block = new Block
        {
            Height = height,
            Time = time,
            PriceUpdate = height == _genesis.InitialHeight ? [] : Reports(time),
            Transactions = [.. _pending],
            UndecodedCodes = [.. codes],
        };
        _pending.Clear();
        return block;
    }

    /// <summary>Makes, executes and commits the next block.</summary>
    public BlockResult Step()
    {
        Block block = Next();
        BlockResult result = Exchange.Execute(block);
        Exchange.Commit();
        Blocks.Add(block);
        AppHashes.Add(result.AppHash);
        return result;
    }

    /// <summary>Executes one transaction in a block of its own and returns its result.</summary>
    public TransactionResult Run(string owner, params Operation[] operations)
    {
        Add(owner, operations);
        BlockResult result = Step();
        Assert.That(result.Transactions, Has.Length.EqualTo(1));
        return result.Transactions[0];
    }

    private ImmutableArray<ValidatorReports> Reports(long time)
    {
        var reports = ImmutableArray.CreateBuilder<PriceReport>();
        var markets = new List<uint>(_prices.Keys);
        markets.Sort();
        foreach (uint market in markets)
        {
            if (_prices[market] > 0)
            {
                reports.Add(new PriceReport(market, _prices[market], 0, time));
            }
        }

        ImmutableArray<PriceReport> all = reports.ToImmutable();
        var update = ImmutableArray.CreateBuilder<ValidatorReports>();
        foreach (Validator validator in _genesis.Validators)
        {
            update.Add(new ValidatorReports(validator.Address, all));
        }

        return update.ToImmutable();
    }
}
