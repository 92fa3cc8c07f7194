using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using AppChain.Abci.Wire;
using AppChain.Margin;
using AppChain.StateMachine;
using AppChain.V1;
using Google.Protobuf;
using NUnit.Framework;

namespace AppChain.Node.Tests.Queries;

/// <summary>The accounts nearest to liquidation, found a slice at a time, against a sort of all.</summary>
[TestFixture]
public sealed class RiskRankingTests
{
    private const long Price = 500_000;

    // QUERY-5
    [TestCase(1)]
    [TestCase(2)]
    public void The_nearest_are_the_first_of_all_accounts_sorted(int seed)
    {
        var random = new Random(seed);
        var model = new ReadModel();
        var accounts = new Dictionary<int, AccountRow>();
        model.Apply([.. Markets(Price)], [], 1, 1, []);
        for (int block = 2; block < 40; block++)
        {
            var changes = new List<RowChange>(Markets(Price + random.Next(-50_000, 50_000)));
            for (int i = random.Next(100); i >= 0; i--)
            {
                int number = random.Next(3) == 0 ? random.Next(accounts.Count + 1) : accounts.Count;
                AccountRow account = Account(number, random.Next(1, 1_000) * 10_000_000L);
                accounts[number] = account;
                changes.Add(RowChange.Added<AccountId, AccountRow>(account));
                RowChange position = Position(number, 1 + (uint)random.Next(2), random.Next(-100, 100));
                changes.Add(random.Next(5) == 0 ? position with { Value = null } : position);
            }

            model.Apply(changes, [], block, block, []);
            (string, ulong)[] expected =
            [
                .. accounts.Values
                    .Select(account => (account, risk: model.RiskOf(account)))
                    .Where(one => one.risk.Maintenance > 0)
                    .Select(one => (one.account, Used: Used(one.risk)))
                    .OrderByDescending(one => one.Used).ThenBy(one => one.account.Number)
                    .Take(100)
                    .Select(one => (AccountText.Of(one.account.Id), one.Used)),
            ];
            Assert.That(Ask(model).Accounts.Select(one => (one.Account, one.UsedPpm)), Is.EqualTo(expected));
        }

        Assert.That(accounts, Has.Count.GreaterThan(500));
    }

    [Test]
    public void Accounts_that_are_gone_since_the_search_are_left_out()
    {
        ReadModel model = ModelOf(300);
        Assert.That(Ask(model).Accounts, Has.Count.EqualTo(100));
        model.Clear();
        model.Apply([.. Markets(Price)], [], 1, 1, []);
        Assert.That(Answer(model).Accounts, Is.Empty, "without a new search");
        Assert.That(Ask(model).Accounts, Is.Empty);
    }

    /// <summary>QUERY-8: the search gives way to Commit, and the answer is of one block all the same.</summary>
    [Test]
    public void QUERY_8_blocks_are_committed_while_the_accounts_are_searched()
    {
        ReadModel model = ModelOf(30_000);
        bool isOver = false;
        long during = 0;
        var client = new Thread(() =>
        {
            // BOUND: until enough was committed during searches.
            while (!Volatile.Read(ref isOver))
            {
                long before = model.Version;
                model.Ranking.Refresh();
                Interlocked.Add(ref during, Math.Max(0, model.Version - before));
                using (model.EnterToRead())
                {
                    foreach (AccountAtRisk one in Answer(model).Accounts.Take(5))
                    {
                        Assert.That(one.EquityHigh, Is.EqualTo($"{CollateralAt(model.Height)}"));
                    }
                }
            }
        });
        client.Start();
        for (int height = 2; Interlocked.Read(ref during) < 20 && height < 5_000; height++)
        {
            // The nearest change in every block; were a search to hold the gate, one block would be committed in each.
            model.Apply(
                [.. Enumerable.Range(0, 30).Select(
                    number => RowChange.Added<AccountId, AccountRow>(Account(number, CollateralAt(height))))],
                [], height, height, []);
            Thread.Yield();
        }

        Volatile.Write(ref isOver, true);
        client.Join();
        Assert.That(during, Is.GreaterThanOrEqualTo(20));
    }

    private static long CollateralAt(long height) => 3_000_000 + height;

    // The first thirty accounts are the nearest.
    private static ReadModel ModelOf(int accounts)
    {
        var model = new ReadModel();
        var rows = new List<RowChange>(Markets(Price));
        for (int number = 0; number < accounts; number++)
        {
            rows.Add(RowChange.Added<AccountId, AccountRow>(Account(
                number, number < 30 ? CollateralAt(1) : 1_000_000_000)));
            rows.Add(Position(number, 1, 1));
        }

        model.Apply(rows, [], 1, 1, []);
        return model;
    }

    private static ulong Used(in Risk risk) => risk.EquityHigh <= 0
        ? 1_000_000_000
        : (ulong)Int128.Min(1_000_000_000, risk.Maintenance * 1_000_000 / risk.EquityHigh);

    private static AccountsAtRiskResponse Ask(ReadModel model)
    {
        new QueryAnswers(model).Prepare(Request);
        return Answer(model);
    }

    private static AccountsAtRiskResponse Answer(ReadModel model) =>
        (AccountsAtRiskResponse)new QueryAnswers(model).Answer(Request);

    private static RequestQuery Request => new()
    {
        Path = "/accounts-at-risk",
        Data = new AccountsAtRiskRequest { Limit = 100 }.ToByteString(),
    };

    private static IEnumerable<RowChange> Markets(long price)
    {
        foreach (MarketParameters market in GenesisFile.DefaultMarkets)
        {
            yield return RowChange.Added<uint, MarketRow>(new MarketRow { Parameters = market, MarkPrice = price });
            yield return RowChange.Added<uint, OracleRow>(new OracleRow { Market = market.MarketId, Price = price });
        }
    }

    private static AccountRow Account(int number, long collateral)
    {
        byte[] address = new byte[Address.Size];
        BinaryPrimitives.WriteInt32BigEndian(address, number);
        return new AccountRow { Id = new AccountId(new Address(address), 0), Number = number, Collateral = collateral };
    }

    private static RowChange Position(int account, uint market, long size) =>
        RowChange.Added<PositionKey, PositionRow>(new PositionRow
        {
            Account = account,
            Market = market,
            Size = size,
            EntryNotional = GenesisFile.DefaultMarkets.First(one => one.MarketId == market).Notional(Price, size),
        });
}
