using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;

namespace AppChain.StateMachine.Tests;

/// <summary>
/// A fixed sequence of blocks: trading by eight accounts in two markets, funding, and a crash that liquidates and
/// deleverages. Built from integers alone, so that every machine makes the same blocks; its app hashes are in
/// <c>golden_hashes.txt</c>. They change when consensus changes, and only then: a change of that file is a fork.
/// </summary>
internal static class GoldenChain
{
    /// <summary>Blocks of the sequence.</summary>
    public const int Blocks = 240;

    private const int CrashAt = 150;

    private static readonly string[] s_names = ["alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi"];

    /// <summary>
    /// Runs the sequence; a line for every tenth block, and one that counts what happened. After the block
    /// <paramref name="restartAfter"/> the exchange is thrown away and loaded from its rows; 0: never.
    /// </summary>
    public static IReadOnlyList<string> Run(int restartAfter)
    {
        Genesis genesis = TestMarkets.Genesis(
            Array.ConvertAll(s_names, name => (name, 20_000L)),
            [TestMarkets.Simple(1, -100, 500), TestMarkets.Simple(2, 0, 300, 50_000, 25_000)],
            insuranceUsd: 300);
        var chain = new TestChain(genesis, blockSeconds: 30);
        var counts = new SortedDictionary<EventKind, int>();
        var lines = new List<string>();
        ulong random = 88_172_645_463_325_252;
        long price = 1_000;
        for (int i = 1; i <= Blocks; i++)
        {
            Fill(chain, ref random, ref price, i);
            BlockResult result = chain.Step();
            foreach (ExchangeEvent happened in result.Events)
            {
                counts[happened.Kind] = counts.GetValueOrDefault(happened.Kind) + 1;
            }

            if (i % 10 == 0)
            {
                lines.Add(string.Create(
                    CultureInfo.InvariantCulture, $"{i} {Convert.ToHexString(result.AppHash)}"));
            }

            if (i == restartAfter)
            {
                chain.Restart();
            }
        }

        lines.Add(string.Join(' ', counts.Select(count => string.Create(
            CultureInfo.InvariantCulture, $"{count.Key}={count.Value}"))));
        return lines;
    }

    private static void Fill(TestChain chain, ref ulong random, ref long price, int block)
    {
        price = block == CrashAt
            ? price * 6 / 10
            : Math.Max(200, price + (price * (Below(ref random, 41) - 20) / 1_000));
        chain.Price(1, price, price / 2_000);
        chain.Price(2, Math.Max(200, 2_400 - price));
        for (int i = 0; i < 14; i++)
        {
            uint market = (uint)(1 + Below(ref random, 2));
            long middle = market == 1 ? price : Math.Max(200, 2_400 - price);
            long at = middle + Below(ref random, 31) - 15;
            long quantity = 1 + Below(ref random, 60);
            var tif = (TimeInForce)Below(ref random, 4);
            ulong clientId = (ulong)Below(ref random, 5);
            bool reduceOnly = Below(ref random, 7) == 0;
            var rule = (SelfTrade)Below(ref random, 4);
            string name = s_names[Below(ref random, s_names.Length)];
            Operation operation = Below(ref random, 12) switch
            {
                0 => Ops.CancelClient(clientId),
                1 => Ops.CancelAll(market),
                2 => Ops.Transfer(s_names[Below(ref random, s_names.Length)], 1 + Below(ref random, 300)),
                < 8 => Ops.Buy(quantity, at, market, tif, clientId, reduceOnly, rule),
                _ => Ops.Sell(quantity, at, market, tif, clientId, reduceOnly, rule),
            };
            if (operation.Kind == OperationKind.PlaceOrder
                && tif == TimeInForce.GoodTilCancelled
                && Below(ref random, 3) == 0)
            {
                operation.GoodTilHeight = chain.Exchange.Height + 1 + Below(ref random, 5);
            }

            chain.Add(name, Below(ref random, 2) == 0, 0, operation);
        }

        AddVault(chain, block);
    }

    // In turn a deposit, a withdrawal, its release, and something that a council decides.
    private static void AddVault(TestChain chain, int block)
    {
        string owner = s_names[block % s_names.Length];
        Operation? operation = (block % 8) switch
        {
            0 => Ops.Attest((byte)(block / 8), owner, 50),
            3 => Ops.Sign(chain, (ulong)(1 + (block / 8))),
            5 => Ops.Propose(new VaultPolicy(
                TestMarkets.Council("gina", "greta", "gus"),
                new VaultTerms([new TimelockTier(0, block)], 1_000_000_000, 2_000_000_000, 600))),
            _ => null,
        };
        if (operation is { } both)
        {
            chain.Add("gina", both);
            chain.Add("greta", both);
        }
        else if (block % 8 == 1)
        {
            chain.Add(owner, Ops.Withdraw(20));
        }
    }

    private static int Below(ref ulong random, int bound)
    {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        return (int)((random >> 33) % (ulong)bound);
    }
}
