using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using AppChain.Margin;
using AppChain.StateMachine;
using AppChain.StateMachine.Tests;
using AppChain.StateMachine.Tests.Transactions;
using Block = AppChain.StateMachine.Block;
using NodeGenesis = AppChain.StateMachine.Genesis;

namespace AppChain.Localnet.Tests.Fuzz;

/// <summary>
/// Transactions through whole blocks: whatever the bytes are, they end in codes, and every row is right after every
/// block. Signers are traders, guardians and members of the treasury, so that every kind of operation gets far.
/// </summary>
internal sealed class PoisonPill(Random random, WireDamage damage)
{
    private const int BlockTransactions = 64;
    private const int ChainBlocks = 400;

    private static readonly string[] s_traders = ["alice", "bob", "carol", "dave", "erin", "frank"];
    private static readonly string[] s_names = [.. s_traders, "gina", "greta", "gus", "tara", "tess", "tom"];

    private readonly RandomTransactions _any = new(random.Next());
    private readonly List<(ResultCode Code, Transaction? Transaction)> _waiting = [];
    private readonly Dictionary<Address, ulong> _nonces = [];
    private Exchange _chain = NewChain();
    private int _blocks;
    private long _price = 1_000;

    public static NodeGenesis NewGenesis() => TestMarkets.Genesis(
        [.. s_traders.Select(name => (name, 20_000L))],
        [TestMarkets.Simple(1, -100, 500), TestMarkets.Simple(2, 0, 300, 50_000, 25_000)],
        insuranceUsd: 500);

    public static PriceReport[] Reports(Random random, long time, long price = 1_000)
    {
        price += random.Next(-3, 4);
        PriceReport first = new(1, price, random.Next(3), time - (random.Next(3) * TestMarkets.Second));
        PriceReport second = new(2, random.Next(200) == 0 ? Limits.PriceMax : price, 1, time);
        return random.Next(3) == 0 ? [first] : [first, second];
    }

    /// <summary>What a proposer puts first in a block, with one extension damaged now and then.</summary>
    public static byte[] Update(Random random, WireDamage damage, int validators, long time, long price = 1_000)
    {
        var entries = ImmutableArray.CreateBuilder<PriceUpdateEntry>();
        int hostile = random.Next(12);
        for (int i = 0; i < validators; i++)
        {
            byte[] extension = PriceVote.Encode(Reports(random, time, price));
            entries.Add(new PriceUpdateEntry(
                true, i == hostile ? damage.Bytes(extension) : extension, new byte[SigningKey.SignatureSize]));
        }

        return new PriceUpdate { Round = random.Next(8) == 0 ? 1 : 0, Entries = entries.ToImmutable() }.Encode();
    }

    public byte[] Next()
    {
        string name = s_names[random.Next(s_names.Length)];
        byte[] key = [.. TestMarkets.KeyOf(name)];
        Transaction sound = NewTransaction(name);
        byte[] body = TransactionCodec.EncodeBody(sound);
        while (true)
        {
            // A nonce or an expiry far ahead shuts its signer out: few of those are let through.
            byte[] bytes = AnyDamage(body, key);
            bool isFarAhead = TransactionCodec.Decode(bytes, out _, out Transaction? transaction) == ResultCode.Ok
                && transaction!.Nonce > _nonces.GetValueOrDefault(transaction.Signer);
            if (!isFarAhead || random.Next(500) == 0)
            {
                return bytes;
            }
        }
    }

    private byte[] AnyDamage(byte[] body, byte[] key)
    {
        byte[] signature = new byte[SigningKey.SignatureSize];
        return random.Next(12) switch
        {
            < 5 => TransactionCodec.Join(body, key, signature),
            < 9 => TransactionCodec.Join(damage.Message(body), key, signature),
            9 => damage.Message(TransactionCodec.Join(body, key, signature)),
            10 => damage.Bytes(TransactionCodec.Join(body, key, signature)),
            _ => damage.Noise(200),
        };
    }

    public string Run(byte[] bytes)
    {
        ResultCode code = TransactionCodec.Decode(
            bytes, out SignedTransactionParts parts, out Transaction? transaction);
        FuzzEntrances.Require(transaction is null == (code != ResultCode.Ok), "a code and a transaction");
        if (transaction is not null)
        {
            byte[] again = TransactionCodec.Join(
                TransactionCodec.EncodeBody(transaction), parts.PublicKey, parts.Signature);
            FuzzEntrances.Require(again.AsSpan().SequenceEqual(bytes), "a second encoding");
            code = Exchange.Check(transaction, _chain.Committed, _chain.Height);
        }

        _waiting.Add((transaction is null ? code : ResultCode.Ok, transaction));
        if (_waiting.Count == BlockTransactions)
        {
            Execute();
        }

        return code.ToString();
    }

    private static Exchange NewChain()
    {
        Exchange chain = Exchange.FromGenesis(NewGenesis());
        chain.Commit();
        return chain;
    }

    private void Execute()
    {
        long height = _chain.Height + 1;
        long time = _chain.Time + TestMarkets.Second;
        _price = Math.Clamp(_price + random.Next(-12, 13), 600, 1_600);
        ImmutableArray<AppChain.StateMachine.Validator> validators = _chain.ValidatorsAt(height - 1);
        ImmutableArray<ValidatorReports> reports = height == _chain.InitialHeight
            ? []
            : PriceUpdate.Decode(Update(random, damage, validators.Length, time, _price))?.Reports(validators) ?? [];
        _chain.CheckEveryRow = _blocks % 8 == 0;
        BlockResult result = _chain.Execute(new Block
        {
            Height = height,
            Time = time,
            PriceUpdate = reports,
            Transactions = [.. _waiting.Select(waiting => waiting.Transaction)],
            UndecodedCodes = [.. _waiting.Select(waiting => waiting.Code)],
        });
        foreach (TransactionResult outcome in result.Transactions)
        {
            FuzzEntrances.Require(Enum.IsDefined(outcome.Code), $"code {outcome.Code}");
        }

        _chain.Commit();
        _waiting.Clear();
        if (++_blocks % ChainBlocks == 0)
        {
            _chain = NewChain();
            _nonces.Clear();
        }
    }

    private Transaction NewTransaction(string name)
    {
        Address signer = TestMarkets.AddressOf(name);
        ulong nonce = _nonces[signer] = _nonces.GetValueOrDefault(signer) + 1;
        Transaction any = _any.Next();
        bool plain = random.Next(3) != 0;
        var operations = new Operation[random.Next(30) == 0 ? 100 : random.Next(1, 5)];
        for (int i = 0; i < operations.Length; i++)
        {
            operations[i] = NewOperation();
        }

        return new Transaction
        {
            Signer = signer,
            Principal = random.Next(12) == 0 ? AnyOwner() : null,
            Subaccount = (uint)(random.Next(10) == 0 ? 1 : 0),
            Nonce = nonce,
            ExpiryHeight = _chain.Height + 1 + random.Next(0, 50),
            AllOrNothing = random.Next(3) == 0,
            Operations = plain ? operations : any.Operations,
        };
    }

    private Operation NewOperation()
    {
        long price = _price + random.Next(-20, 21);
        long quantity = random.Next(1, 60);
        uint market = (uint)random.Next(1, 3);
        ulong clientId = (ulong)random.Next(0, 5);
        var tif = (TimeInForce)random.Next(0, 4);
        Side side = random.Next(2) == 0 ? Side.Buy : Side.Sell;
        return random.Next(14) switch
        {
            0 => Ops.CancelClient(clientId),
            1 => Ops.Cancel((ulong)random.Next(0, 5_000)),
            2 => Ops.CancelAll(market),
            3 => Ops.Withdraw(random.Next(1, 200)),
            4 => Ops.Transfer(s_names[random.Next(s_names.Length)], random.Next(1, 500)),
            5 => new Operation
            {
                Kind = OperationKind.AuthoriseAgent,
                Content = new AgentAuthorisation(
                    AnyOwner(),
                    [market],
                    random.NextInt64(1, Limits.AmountMax),
                    _chain.Time + (random.Next(100) * TestMarkets.Second)),
            },
            6 => new Operation { Kind = OperationKind.RevokeAgent, Content = new AgentRevocation(AnyOwner()) },
            7 => Ops.Buy(quantity, price, market, tif) with
            {
                Kind = OperationKind.ReplaceOrder,
                TargetOrderId = (ulong)random.Next(0, 5_000),
            },
            8 => Ops.Attest((byte)random.Next(4), s_names[random.Next(s_names.Length)], random.Next(1, 900)),
            _ => Ops.Order(
                side, quantity, price, market, tif, clientId, random.Next(8) == 0, (SelfTrade)random.Next(4)) with
            {
                IsMarket = random.Next(10) == 0,
            },
        };
    }

    private Address AnyOwner() => TestMarkets.AddressOf(s_names[random.Next(s_names.Length)]);
}
