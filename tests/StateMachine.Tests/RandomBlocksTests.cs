using System;
using System.Collections.Generic;
using NUnit.Framework;

namespace AppChain.StateMachine.Tests;

/// <summary>Random trading under random prices: invariants, rollback, and restart from rows.</summary>
[TestFixture]
public sealed class RandomBlocksTests
{
    private static readonly string[] s_names = ["alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi"];
    private static readonly string[] s_guardians = ["gina", "greta", "gus"];
    private static readonly string[] s_treasurers = ["tara", "tess", "tom"];

    private static TestChain NewChain() => new(
        TestMarkets.Genesis(
            Array.ConvertAll(s_names, name => (name, 20_000L)),
            [TestMarkets.Simple(1, -100, 500), TestMarkets.Simple(2, 0, 300, 50_000, 25_000)],
            insuranceUsd: 500),
        blockSeconds: 30);

    private static void Fill(TestChain chain, Random random, ref long price)
    {
        price = Math.Max(50, price + (long)(price * ((random.NextDouble() - 0.5) * 0.06)));
        chain.Price(1, price);
        chain.Price(2, Math.Max(50, 2_000 - price));
        var added = new List<(string Name, Operation Operation)>();
        for (int i = 0; i < 12; i++)
        {
            uint market = (uint)random.Next(1, 3);
            long mid = market == 1 ? price : Math.Max(50, 2_000 - price);
            long at = Math.Max(1, mid + random.Next(-20, 21));
            long quantity = random.Next(1, 80);
            var tif = (TimeInForce)random.Next(0, 4);
            ulong clientId = (ulong)random.Next(0, 6);
            bool reduceOnly = random.Next(6) == 0;
            var rule = (SelfTrade)random.Next(0, 4);
            Operation operation = random.Next(10) switch
            {
                0 => Ops.CancelClient(clientId),
                1 => Ops.CancelAll(market),
                2 => Ops.Transfer(s_names[random.Next(s_names.Length)], random.Next(1, 500)),
                3 => Ops.Withdraw(random.Next(1, 50)),
                < 7 => Ops.Buy(quantity, at, market, tif, clientId, reduceOnly, rule),
                _ => Ops.Sell(quantity, at, market, tif, clientId, reduceOnly, rule),
            };
            if (operation.Kind == OperationKind.PlaceOrder && tif <= TimeInForce.GoodTilCancelled
                && random.Next(3) == 0)
            {
                operation.GoodTilHeight = chain.Exchange.Height + random.Next(1, 5);
            }

            added.Add((s_names[random.Next(s_names.Length)], operation));
        }

        for (int i = 0; i < 5; i++)
        {
            added.Add(Vault(chain, random));
        }

        foreach ((string name, Operation operation) in added)
        {
            chain.Add(name, random.Next(2) == 0, 0, operation);
        }
    }

    // What members of councils do, most of it to what is there.
    private static (string Name, Operation Operation) Vault(TestChain chain, Random random)
    {
        chain.TryFind(default(SingleKey), out CounterRow counters);
        ulong withdrawal = (ulong)Math.Max(1, (long)counters.NextWithdrawal - random.Next(1, 5));
        ulong proposal = (ulong)Math.Max(1, (long)counters.NextProposal - random.Next(1, 3));
        string guardian = s_guardians[random.Next(3)];
        string treasurer = s_treasurers[random.Next(3)];
        var account = new AccountId(TestMarkets.AddressOf(s_names[random.Next(s_names.Length)]), 0);
        return random.Next(16) switch
        {
            < 6 => (guardian, Ops.Sign(chain, withdrawal)),
            6 or 7 => (guardian, Ops.Attest((byte)random.Next(12), s_names[0], 100)),
            8 or 9 => (treasurer, Ops.Propose(new TreasurySpend(account, random.Next(1, 10) * 100_000L, []))),
            10 => (guardian, Ops.Propose(new VaultPolicy(
                TestMarkets.Council(s_guardians),
                new VaultTerms([new TimelockTier(0, random.Next(100))], 1_000_000_000, 2_000_000_000, 60)))),
            11 => (guardian, Ops.Target(OperationKind.VetoWithdrawal, withdrawal)),
            12 => (guardian, Ops.Target(OperationKind.ApproveProposal, proposal)),
            13 or 14 => (treasurer, Ops.Target(OperationKind.ApproveProposal, proposal)),
            _ => (treasurer, Ops.Target(
                random.Next(2) == 0 ? OperationKind.VetoProposal : OperationKind.CancelProposal, proposal)),
        };
    }

    [Test]
    public void Every_invariant_holds_over_random_blocks([Range(1, 12)] int seed)
    {
        var random = new Random(seed);
        TestChain chain = NewChain();
        long price = 1_000;
        int liquidations = 0;
        int fills = 0;
        var vault = new HashSet<EventKind>();
        for (int i = 0; i < 150; i++)
        {
            Fill(chain, random, ref price);
            foreach (ExchangeEvent happened in chain.Step().Events)
            {
                liquidations += happened.Kind == EventKind.LiquidationOpened ? 1 : 0;
                fills += happened.Kind == EventKind.Fill ? 1 : 0;
                vault.Add(happened.Kind);
            }
        }

        Assert.That(fills, Is.GreaterThan(50));
        Assert.That(liquidations, Is.GreaterThan(0));
        Assert.That(
            vault,
            Is.SupersetOf(new[] { EventKind.DepositCredited, EventKind.WithdrawalReleased, EventKind.TreasurySpent }));
    }

    [Test]
    public void A_rolled_back_block_leaves_the_identical_state_and_hash([Range(1, 4)] int seed)
    {
        var random = new Random(seed * 7919);
        TestChain chain = NewChain();
        TestChain twin = NewChain();
        long price = 1_000;
        for (int i = 0; i < 60; i++)
        {
            // The candidate is another block of the same height: executed, rolled back, forgotten.
            long other = price;
            Fill(chain, new Random((seed * 1_000) + i), ref other);
            Block candidate = chain.Next();
            byte[] before = chain.Exchange.AppHash;
            chain.Exchange.Execute(candidate);
            chain.Exchange.Rollback();
            Assert.That(chain.Exchange.AppHash, Is.EqualTo(before));

            Fill(twin, random, ref price);
            Block block = twin.Next();
            byte[] hash = twin.Exchange.Execute(block).AppHash;
            twin.Exchange.Commit();
            Assert.That(chain.Exchange.Execute(block).AppHash, Is.EqualTo(hash), $"block {i}");
            chain.Exchange.Commit();
        }
    }

    [Test]
    public void A_chain_loaded_from_its_rows_goes_on_with_the_same_hashes([Range(1, 3)] int seed)
    {
        var random = new Random(seed * 104_729);
        TestChain chain = NewChain();
        long price = 1_000;
        for (int i = 0; i < 40; i++)
        {
            Fill(chain, random, ref price);
            chain.Step();
        }

        Exchange loaded = chain.Reloaded();
        for (int i = 0; i < 40; i++)
        {
            Fill(chain, random, ref price);
            Block block = chain.Next();
            byte[] hash = chain.Exchange.Execute(block).AppHash;
            chain.Exchange.Commit();
            Assert.That(loaded.Execute(block).AppHash, Is.EqualTo(hash), $"block {i}");
            loaded.Commit();
        }
    }
}
