using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Globalization;
using System.Threading;
using AppChain.Abci.Wire;
using AppChain.Node;
using AppChain.StateMachine;
using AppChain.V1;
using Google.Protobuf;
using Side = AppChain.StateMachine.Side;

namespace AppChain.Bench;

/// <summary>
/// Queries with 100,000 orders at rest in two markets and 100,000 accounts with positions, and what Commit takes to
/// publish a block of 2,000 changed orders when nobody asks and when one client asks without a pause.
/// </summary>
internal static class QueryFigures
{
    private const int Orders = 100_000;
    private const int Markets = 2;
    private const int Levels = 2_000;
    private const int Accounts = 500;
    private const int Holders = 100_000;
    private const int Changed = 2_000;
    private const int Rounds = 100;
    private const long Middle = 500_000;

    /// <summary>Measures and prints.</summary>
    public static void Print()
    {
        var model = new ReadModel();
        model.Apply(Genesis(), [], 1, 1, []);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"queries: {Orders:N0} orders at rest in {Markets} markets, {Levels:N0} levels a side, {Holders:N0} "
            + $"accounts with positions"));
        Ask(model, "/book, 20 levels", "/book", new BookRequest { Market = 1, Depth = 20 });
        Ask(model, "/book, 1,000 levels", "/book", new BookRequest { Market = 1, Depth = 1_000 });
        Ask(model, "/markets", "/markets", new MarketsRequest());
        Ask(
            model, "/accounts-at-risk, first after a commit", "/accounts-at-risk", new AccountsAtRiskRequest(),
            isAfterCommit: true);
        Ask(model, "/accounts-at-risk, again", "/accounts-at-risk", new AccountsAtRiskRequest());
        // The first time warms up.
        Commit(model, null);
        Commit(model, "nobody asks");
        CommitWhileAsked(model, "/markets", new MarketsRequest());
        CommitWhileAsked(model, "/accounts-at-risk", new AccountsAtRiskRequest());
    }

    private static void CommitWhileAsked(ReadModel model, string path, IMessage request)
    {
        bool stop = false;
        var client = new Thread(() =>
        {
            while (!Volatile.Read(ref stop))
            {
                Answer(model, path, request);
            }
        });
        client.Start();
        Commit(model, $"one client asks for {path} without a pause");
        Volatile.Write(ref stop, true);
        client.Join();
    }

    private static void Ask(ReadModel model, string what, string path, IMessage request, bool isAfterCommit = false)
    {
        var costs = new List<Cost>();
        for (int i = 0; i < Rounds; i++)
        {
            if (isAfterCommit)
            {
                model.Apply([], [], 2, 2, []);
            }

            costs.Add(Cost.Of(() => Answer(model, path, request)));
        }

        Cost median = Cost.Median(costs);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"  {what}: {median.Wall * 1e6:N0} us, {median.Processor * 1e6:N0} us by processor time (median of "
            + $"{Rounds})"));
    }

    private static void Commit(ReadModel model, string? when)
    {
        var costs = new List<Cost>();
        for (int i = 0; i < Rounds; i++)
        {
            var changes = new RowChange[Changed];
            for (int j = 0; j < changes.Length; j++)
            {
                changes[j] = Order((ulong)((((i * Changed) + j) % Orders) + 1), quantity: 50 + i);
            }

            costs.Add(Cost.Of(() => model.Apply(changes, [], 2 + i, 2 + i, [])));
            Thread.Sleep(1);
        }

        if (when is null)
        {
            return;
        }

        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"  publishing {Changed:N0} changed orders, {when}: {Cost.Median(costs).Wall * 1e3:0.0} ms, 90 % "
            + $"{Cost.Quantile(costs, 0.9).Wall * 1e3:0.0} ms ({Cost.Median(costs).Processor * 1e3:0.0} ms by "
            + $"processor time)"));
    }

    private static void Answer(ReadModel model, string path, IMessage request)
    {
        var answers = new QueryAnswers(model);
        var query = new RequestQuery { Path = path, Data = request.ToByteString() };
        answers.Prepare(query);
        using (model.EnterToRead())
        {
            answers.Answer(query);
        }
    }

    private static List<RowChange> Genesis()
    {
        var rows = new List<RowChange>();
        foreach (Margin.MarketParameters market in GenesisFile.DefaultMarkets)
        {
            rows.Add(RowChange.Added<uint, MarketRow>(new MarketRow
            {
                Parameters = market,
                MarkPrice = Middle,
                OpenInterest = Holders,
            }));
            rows.Add(RowChange.Added<uint, OracleRow>(new OracleRow { Market = market.MarketId, Price = Middle }));
        }

        for (int account = 0; account < Holders; account++)
        {
            rows.Add(RowChange.Added<AccountId, AccountRow>(Holder(account)));
            for (uint market = 1; market <= Markets; market++)
            {
                rows.Add(RowChange.Added<PositionKey, PositionRow>(Position(account, market)));
            }
        }

        for (ulong id = 1; id <= Orders; id++)
        {
            rows.Add(Order(id, quantity: 10));
        }

        return rows;
    }

    // Each with another share of its equity in use, in no order.
    private static AccountRow Holder(int number)
    {
        byte[] address = new byte[Address.Size];
        BinaryPrimitives.WriteInt32BigEndian(address, number);
        return new AccountRow
        {
            Id = new AccountId(new Address(address), 0),
            Number = number,
            Collateral = 1_000_000_000 + ((long)number * 7_919 % Holders * 1_000_000),
        };
    }

    private static PositionRow Position(int account, uint market) => new()
    {
        Account = account,
        Market = market,
        Size = account % 2 == 0 ? 100 : -100,
        EntryNotional = (account % 2 == 0 ? 100 : -100) * (Int128)Middle * 10,
    };

    private static RowChange Order(ulong id, long quantity)
    {
        Side side = id % 2 == 0 ? Side.Buy : Side.Sell;
        long away = 1 + (long)(id / 4 % Levels);
        return RowChange.Added<ulong, OrderRow>(new OrderRow
        {
            OrderId = id,
            Account = (int)(id % Accounts),
            Market = 1 + (uint)(id / 2 % Markets),
            Side = side,
            Price = side == Side.Buy ? Middle - away : Middle + away,
            Quantity = quantity,
            OriginalQuantity = quantity,
        });
    }
}
