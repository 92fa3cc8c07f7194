using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Diagnostics;
using System.Security.Cryptography;
using AppChain.Margin;
using AppChain.Node;
using AppChain.StateMachine;

namespace AppChain.Bench;

/// <summary>
/// Figures of the block path on one core: the raw book, and whole blocks of orders with signatures verified beforehand.
/// Each prints its conditions; medians over several rounds.
/// </summary>
internal static class ExchangeFigures
{
    private const long Second = 1_000_000_000;

    /// <summary>
    /// 1,000,000 operations on one book, 60 % limit, 35 % cancel, 5 % crossing, within 50 ticks of the middle; the undo
    /// journal is on, as in a block, and forgotten every 10,000 operations.
    /// </summary>
    public static void RawBook()
    {
        const int operations = 1_000_000;
        var figures = new List<double>();
        long allocated = 0;
        for (int round = 0; round < 6; round++)
        {
            (double perSecond, long bytes) = RawBookRound(operations);
            if (round > 0)
            {
                figures.Add(perSecond);
                allocated = bytes;
            }
        }

        figures.Sort();
        Console.WriteLine(
            $"raw book: {figures[figures.Count / 2] / 1e6:0.00} M operations/s (median of {figures.Count}, least {figures[0] / 1e6:0.00}), "
            + $"{(double)allocated / operations:0.00} bytes allocated per operation");
    }

    /// <summary>
    /// Whole blocks of 2,000 transactions of 5 limit orders each by 200 accounts around the index, one in five crossing:
    /// decode, nonce, margin, match, settle, journal, events, rows and app hash; signatures are not verified here.
    /// </summary>
    public static void OrderPath()
    {
        const int accounts = 200;
        const int transactions = 2_000;
        const int perTransaction = 5;
        var path = new OrderPathChain(accounts);
        var withHash = new List<double>();
        for (int round = 0; round < 12; round++)
        {
            byte[][] encoded = path.Encode(transactions, perTransaction, round);
            long started = Stopwatch.GetTimestamp();
            path.Execute(encoded);
            double seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
            if (round >= 4)
            {
                withHash.Add(transactions * perTransaction / seconds);
            }
        }

        withHash.Sort();
        Console.WriteLine(
            $"order path: {withHash[withHash.Count / 2] / 1e3:0} k orders/s including rows and app hash (median of {withHash.Count} blocks "
            + $"of {transactions * perTransaction} orders, least {withHash[0] / 1e3:0} k), {path.Fills} fills");
    }

    private static (double PerSecond, long Bytes) RawBookRound(int operations)
    {
        var state = new State();
        int market = state.AddMarket(new MarketRow { Parameters = GenesisFile.DefaultMarkets[0] });
        Book book = state.Books[market];
        var live = new int[operations];
        int count = 0;
        ulong id = 1;
        uint random = 12_345;
        uint Next()
        {
            random ^= random << 13;
            random ^= random >> 17;
            random ^= random << 5;
            return random;
        }

        Savepoint savepoint = state.Journal.Mark();
        long before = GC.GetAllocatedBytesForCurrentThread();
        long started = Stopwatch.GetTimestamp();
        for (int i = 0; i < operations; i++)
        {
            uint kind = Next() % 100;
            if (kind < 60 || count == 0)
            {
                Side side = (Next() & 1) == 0 ? Side.Buy : Side.Sell;
                long offset = 1 + (Next() % 50);
                int slot = state.Orders.Add(new OrderRow
                {
                    OrderId = id++,
                    Market = 1,
                    Side = side,
                    Price = side == Side.Buy ? 10_000 - offset : 10_000 + offset,
                    Quantity = 1 + (Next() % 100),
                });
                book.Insert(slot);
                live[count++] = slot;
            }
            else if (kind < 95)
            {
                int at = (int)(Next() % (uint)count);
                int slot = live[at];
                live[at] = live[--count];
                if (state.Orders.Read(slot).Quantity > 0)
                {
                    book.Remove(slot);
                    state.Orders.Remove(slot);
                }
            }
            else
            {
                Cross(state, book, (Next() & 1) == 0 ? Side.Buy : Side.Sell, 1 + (Next() % 200));
            }

            if (i % 10_000 == 9_999)
            {
                state.Journal.Release(savepoint);
                state.Forget();
                savepoint = state.Journal.Mark();
            }
        }

        double seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        return (operations / seconds, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    // Takes lots from the best makers; one that is used up goes, and its slot reads as an order without quantity.
    private static void Cross(State state, Book book, Side side, long lots)
    {
        while (lots > 0)
        {
            int maker = book.BestMaker(side, side == Side.Buy ? long.MaxValue : 1);
            if (maker < 0)
            {
                return;
            }

            long quantity = state.Orders.Read(maker).Quantity;
            if (quantity <= lots)
            {
                book.Remove(maker);
                state.Orders.Remove(maker);
                lots -= quantity;
            }
            else
            {
                book.Reduce(maker, lots);
                lots = 0;
            }
        }
    }

    private sealed class OrderPathChain
    {
        private readonly Exchange _exchange;
        private readonly Address[] _owners;
        private readonly ulong[] _nonces;
        private readonly ImmutableArray<Validator> _validators;

        public OrderPathChain(int accounts)
        {
            _owners = new Address[accounts];
            _nonces = new ulong[accounts];
            var funded = new List<GenesisAccount>();
            for (int i = 0; i < accounts; i++)
            {
                _owners[i] = TransactionCodec.AddressOf(SHA256.HashData(BitConverter.GetBytes(i)));
                funded.Add(new GenesisAccount(new AccountId(_owners[i], 0), 100_000_000_000_000));
            }

            funded.Sort(static (left, right) => left.Account.CompareTo(right.Account));
            byte[] key = SHA256.HashData([1]);
            _validators = [new Validator(new Address(SHA256.HashData(key).AsSpan(0, 20)), [.. key], 10)];
            _exchange = Exchange.FromGenesis(new Genesis
            {
                ChainId = "bench",
                InitialHeight = 1,
                Time = 1_790_000_000 * Second,
                Validators = _validators,
                Markets = GenesisFile.DefaultMarkets,
                Accounts = [.. funded],
                InsuranceFund = 0,
            });
            _exchange.CheckEveryRow = false;
            _exchange.Commit();
            Execute([]);
            Execute([]);
        }

        public long Fills { get; private set; }

        // Bodies of transactions, as they are on the wire below the signature.
        public byte[][] Encode(int transactions, int perTransaction, int round)
        {
            var random = new Random(round);
            var encoded = new byte[transactions][];
            for (int i = 0; i < transactions; i++)
            {
                int account = i % _owners.Length;
                var operations = new Operation[perTransaction];
                for (int j = 0; j < perTransaction; j++)
                {
                    bool crosses = j == 0;
                    bool buys = random.Next(2) == 0;
                    long offset = crosses ? -random.Next(1, 30) : random.Next(1, 200);
                    operations[j] = new Operation
                    {
                        Kind = OperationKind.PlaceOrder,
                        Market = 1,
                        Side = buys ? Side.Buy : Side.Sell,
                        Price = buys ? 500_000 - offset : 500_000 + offset,
                        Quantity = random.Next(1, 100),
                        TimeInForce = crosses ? TimeInForce.ImmediateOrCancel : TimeInForce.GoodTilCancelled,
                        GoodTilHeight = crosses ? 0 : _exchange.Height + 2,
                    };
                }

                encoded[i] = TransactionCodec.EncodeBody(new Transaction
                {
                    Signer = _owners[account],
                    Subaccount = 0,
                    Nonce = ++_nonces[account],
                    ExpiryHeight = _exchange.Height + 10,
                    AllOrNothing = false,
                    Operations = operations,
                });
            }

            return encoded;
        }

        public void Execute(byte[][] encoded)
        {
            long height = _exchange.Height + 1;
            long time = _exchange.Time + Second;
            var transactions = new Transaction?[encoded.Length];
            for (int i = 0; i < encoded.Length; i++)
            {
                ResultCode code = TransactionCodec.DecodeBody(encoded[i], _owners[i % _owners.Length], out transactions[i]);
                Invariant.Assert(code == ResultCode.Ok);
            }

            BlockResult result = _exchange.Execute(new Block
            {
                Height = height,
                Time = time,
                PriceUpdate = height == 1
                    ? []
                    : [new ValidatorReports(_validators[0].Address, [new PriceReport(1, 500_000, 10, time)])],
                Transactions = [.. transactions],
                UndecodedCodes = [.. new ResultCode[encoded.Length]],
            });
            foreach (ExchangeEvent happened in result.Events)
            {
                Fills += happened.Kind == EventKind.Fill ? 1 : 0;
            }

            _exchange.Commit();
        }
    }
}
