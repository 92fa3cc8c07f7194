using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Security.Cryptography;
using AppChain.Abci;
using AppChain.Margin;
using AppChain.Node;
using AppChain.StateMachine;

namespace AppChain.Bench;

/// <summary>
/// The order path: whole blocks of 2,000 transactions of 5 limit orders each by 200 accounts around the index, one in
/// five crossing: decode, nonce, margin, match, settle, journal, events, rows and app hash; signatures are not verified
/// here. The app hash is measured on a twin of the tree, and given apart.
/// </summary>
internal static class OrderFigures
{
    private const long Second = 1_000_000_000;
    private const int Accounts = 200;
    private const int Transactions = 2_000;
    private const int PerTransaction = 5;
    private const int Orders = Transactions * PerTransaction;

    // The compiler at run time has done its work after about this many blocks.
    private const int WarmUp = 60;
    private const int Blocks = 40;

    /// <summary>Measures and prints.</summary>
    public static void Print()
    {
        var chain = new OrderPathChain(Accounts);
        var twin = new StateTree();
        var whole = new List<Cost>();
        var hash = new List<Cost>();
        long rows = 0;
        int collections = 0;
        TimeSpan paused = default;
        for (int round = 0; round < WarmUp + Blocks; round++)
        {
            if (round == WarmUp)
            {
                collections = GC.CollectionCount(0);
                paused = GC.GetTotalPauseDuration();
            }

            byte[][] encoded = chain.Encode(Transactions, PerTransaction, round);
            IReadOnlyList<RowChange> changes = [];
            Cost block = Cost.Of(() => changes = chain.Execute(encoded));
            Cost tree = Cost.Of(() => twin.Apply(round, changes));
            twin.Commit();
            if (round >= WarmUp)
            {
                whole.Add(block);
                hash.Add(tree);
                rows += changes.Count;
            }
        }

        Cost all = Cost.Median(whole);
        Cost rest = all - Cost.Median(hash);
        double sum = 0;
        foreach (Cost block in whole)
        {
            sum += block.Wall;
        }

        collections = GC.CollectionCount(0) - collections;
        paused = GC.GetTotalPauseDuration() - paused;
        double fills = (double)chain.Fills / (WarmUp + Blocks) / Orders;
        Console.WriteLine(
            $"order path: {Rate(rest.Wall)} orders/s, {Rate(rest.Processor)} by processor time, without the app hash; "
            + $"{Rate(all.Wall)} and {Rate(all.Processor)} with it (median of {Blocks} blocks of {Orders} orders; "
            + $"mean with it {Rate(sum / Blocks)}, least {Rate(Cost.Quantile(whole, 1).Wall)})");
        Console.WriteLine(
            $"order path: {all.Bytes / Orders:0} bytes allocated per order; {(double)rows / Blocks / Orders:0.00} rows "
            + $"changed and {fills:0.00} fills per order; app hash {Cost.Median(hash).Wall * 1e3:0.0} ms a block; "
            + $"{collections} garbage collections paused {paused.TotalMilliseconds:0} ms in these {Blocks} blocks, "
            + "their encoding and the twin tree");
    }

    private static string Rate(double secondsPerBlock) => $"{Orders / secondsPerBlock / 1e3:0} k";

    /// <summary>
    /// The operations of one transaction: limit orders around a price of 500,000 ticks that rest until a height, but
    /// for the first, which crosses.
    /// </summary>
    public static Operation[] Operations(Random random, int count, long restUntil)
    {
        var operations = new Operation[count];
        for (int i = 0; i < count; i++)
        {
            bool crosses = i == 0;
            bool buys = random.Next(2) == 0;
            long offset = crosses ? -random.Next(1, 30) : random.Next(1, 200);
            operations[i] = new Operation
            {
                Kind = OperationKind.PlaceOrder,
                Market = 1,
                Side = buys ? Side.Buy : Side.Sell,
                Price = buys ? 500_000 - offset : 500_000 + offset,
                Quantity = random.Next(1, 100),
                TimeInForce = crosses ? TimeInForce.ImmediateOrCancel : TimeInForce.GoodTilCancelled,
                GoodTilHeight = crosses ? 0 : restUntil,
            };
        }

        return operations;
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
            _validators = [new Validator(new Address(BlockHashes.Address(key.AsSpan()).Span), [.. key], 10)];
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
                encoded[i] = TransactionCodec.EncodeBody(new Transaction
                {
                    Signer = _owners[account],
                    Subaccount = 0,
                    Nonce = ++_nonces[account],
                    ExpiryHeight = _exchange.Height + 10,
                    AllOrNothing = false,
                    Operations = Operations(random, perTransaction, _exchange.Height + 2),
                });
            }

            return encoded;
        }

        public IReadOnlyList<RowChange> Execute(byte[][] encoded)
        {
            long height = _exchange.Height + 1;
            long time = _exchange.Time + Second;
            var transactions = new Transaction?[encoded.Length];
            for (int i = 0; i < encoded.Length; i++)
            {
                Address owner = _owners[i % _owners.Length];
                ResultCode code = TransactionCodec.DecodeBody(encoded[i], owner, out transactions[i]);
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

            return _exchange.Commit();
        }
    }
}
