using System;
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
    private readonly Dictionary<uint, (long Price, long Confidence)> _prices = [];
    private readonly Dictionary<Address, ulong> _nonces = [];

    public TestChain(Genesis genesis, long blockSeconds = 1)
    {
        _genesis = genesis;
        Exchange = Exchange.FromGenesis(genesis);
        Apply(Exchange.Commit());
        BlockSeconds = blockSeconds;
    }

    public Exchange Exchange { get; private set; }

    public long BlockSeconds { get; set; }

    public List<Block> Blocks { get; } = [];

    public List<byte[]> AppHashes { get; } = [];

    /// <summary>The committed rows, by key in hex: what a node has on disk.</summary>
    public SortedDictionary<string, byte[]> Rows { get; } = new(StringComparer.Ordinal);

    /// <summary>Finds a committed row.</summary>
    public bool TryFind<TKey, TRow>(in TKey key, out TRow row)
        where TKey : struct
        where TRow : struct, IRow<TKey, TRow>
    {
        byte[] encoded = RowChange.KeyOf<TKey, TRow>(key);
        row = default;
        if (!Rows.TryGetValue(Convert.ToHexString(encoded), out byte[]? value))
        {
            return false;
        }

        var keyReader = new ByteReader(encoded.AsSpan(1));
        var valueReader = new ByteReader(value);
        row = TRow.Decode(ref keyReader, ref valueReader);
        return true;
    }

    /// <summary>
    /// Price and confidence (ticks) that every validator reports from the next block on; price 0 stops the reports.
    /// </summary>
    public void Price(uint market, long ticks, long confidence = 0) => _prices[market] = (ticks, confidence);

    public void Add(string owner, params Operation[] operations) => Add(owner, false, 0, operations);

    public void Add(string owner, bool allOrNothing, uint subaccount, params Operation[] operations)
    {
        Address signer = TestMarkets.AddressOf(owner);
        Submit(new Transaction
        {
            Signer = signer,
            Subaccount = subaccount,
            Nonce = NextNonce(signer),
            ExpiryHeight = Exchange.Height + 100,
            AllOrNothing = allOrNothing,
            Operations = operations,
        });
    }

    /// <summary>A transaction that an agent signs for an owner.</summary>
    public void AddFor(string owner, string agent, params Operation[] operations)
    {
        Address signer = TestMarkets.AddressOf(agent);
        Submit(new Transaction
        {
            Signer = signer,
            Principal = TestMarkets.AddressOf(owner),
            Subaccount = 0,
            Nonce = NextNonce(signer),
            ExpiryHeight = Exchange.Height + 100,
            AllOrNothing = false,
            Operations = operations,
        });
    }

    /// <summary>Executes one transaction of an agent in a block of its own and returns its result.</summary>
    public TransactionResult RunFor(string owner, string agent, params Operation[] operations)
    {
        AddFor(owner, agent, operations);
        return Step().Transactions[0];
    }

    /// <summary>The nonce after the last one that this gave.</summary>
    public ulong NextNonce(Address signer) => _nonces[signer] = _nonces.GetValueOrDefault(signer) + 1;

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
        Apply(Exchange.Commit());
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

    /// <summary>Throws the exchange away and goes on with one loaded from the committed rows.</summary>
    public void Restart() => Exchange = Reloaded();

    /// <summary>Another exchange, loaded from the committed rows, as a node does when it starts.</summary>
    public Exchange Reloaded()
    {
        var rows = new List<KeyValuePair<byte[], byte[]>>();
        var changes = new List<RowChange>();
        foreach ((string key, byte[] value) in Rows)
        {
            byte[] bytes = Convert.FromHexString(key);
            rows.Add(new KeyValuePair<byte[], byte[]>(bytes, value));
            changes.Add(new RowChange(bytes, value, false));
        }

        var tree = new StateTree();
        tree.Apply(Exchange.Height, changes);
        tree.Commit();
        return Exchange.Load(rows, tree);
    }

    private void Apply(IReadOnlyList<RowChange> changes)
    {
        foreach (RowChange change in changes)
        {
            string key = Convert.ToHexString(change.Key);
            if (change.Value is null)
            {
                Rows.Remove(key);
            }
            else
            {
                Rows[key] = change.Value;
            }
        }
    }

    private ImmutableArray<ValidatorReports> Reports(long time)
    {
        var reports = ImmutableArray.CreateBuilder<PriceReport>();
        var markets = new List<uint>(_prices.Keys);
        markets.Sort();
        foreach (uint market in markets)
        {
            (long price, long confidence) = _prices[market];
            if (price > 0)
            {
                reports.Add(new PriceReport(market, price, confidence, time));
            }
        }

        ImmutableArray<PriceReport> all = reports.ToImmutable();
        var update = ImmutableArray.CreateBuilder<ValidatorReports>();
        foreach (Validator validator in Exchange.ValidatorsAt(Exchange.Height))
        {
            update.Add(new ValidatorReports(validator.Address, all));
        }

        return update.ToImmutable();
    }
}
