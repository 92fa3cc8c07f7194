using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using AppChain.Margin;
using NUnit.Framework;

namespace AppChain.StateMachine.Tests;

/// <summary>
/// Whatever bytes arrive as transactions, vote extensions and price updates, blocks of them end in codes: nothing is
/// thrown, no invariant breaks, and what is accepted has no second encoding. Every row is checked after every block.
/// </summary>
[TestFixture]
public sealed class HostileBytesTests
{
    private const int Keys = 6;

    private static readonly ImmutableArray<bool> s_allCommitted = [true, true, true, true];

    private readonly SortedDictionary<ResultCode, int> _codes = [];
    private readonly SortedDictionary<PriceUpdateVerdict, int> _verdicts = [];
    private readonly ulong[] _nonces = new ulong[Keys];
    private Random _random = new(0);
    private WireDamage _damage = new(new Random(0));
    private Exchange _exchange = null!;

    [Test]
    public void TX_2_ORACLE_2_Blocks_of_damaged_bytes_end_in_codes([Range(1, 4)] int seed)
    {
        _random = new Random(seed);
        _damage = new WireDamage(_random);
        _exchange = Exchange.FromGenesis(NewGenesis());
        _exchange.Commit();
        _codes.Clear();
        _verdicts.Clear();
        Array.Clear(_nonces);
        int fills = 0;
        for (int block = 0; block < 150; block++)
        {
            fills += OneBlock().Count(happened => happened.Kind == EventKind.Fill);
        }

        // Otherwise the damage was such that it showed nothing.
        Assert.That(fills, Is.GreaterThan(10));
        Assert.That(_codes.Keys, Is.SupersetOf(new[]
        {
            ResultCode.Ok, ResultCode.Malformed, ResultCode.NonceUsed, ResultCode.UnknownAccount,
            ResultCode.UnknownMarket,
            ResultCode.InvalidPrice, ResultCode.InvalidFlags, ResultCode.RolledBack, ResultCode.AgentMayNot,
        }));
        Assert.That(_verdicts.Keys, Is.SupersetOf(new[]
        {
            PriceUpdateVerdict.Valid, PriceUpdateVerdict.Malformed, PriceUpdateVerdict.WrongRound,
            PriceUpdateVerdict.BadExtension,
        }));
    }

    [Test]
    public void ORACLE_1_Damaged_extensions_decode_from_their_own_encoding_only()
    {
        var random = new Random(11);
        var damage = new WireDamage(random);
        int decoded = 0;
        for (int i = 0; i < 30_000; i++)
        {
            byte[] bytes = damage.Bytes(PriceVote.Encode(Reports(random, TestMarkets.GenesisTime)));
            if (PriceVote.TryDecode(bytes, out ImmutableArray<PriceReport> reports))
            {
                decoded++;
                Assert.That(PriceVote.Encode(reports.AsSpan()), Is.EqualTo(bytes));
            }
        }

        Assert.That(decoded, Is.InRange(500, 20_000));
    }

    private IReadOnlyList<ExchangeEvent> OneBlock()
    {
        long height = _exchange.Height + 1;
        long time = _exchange.Time + TestMarkets.Second;
        var transactions = ImmutableArray.CreateBuilder<Transaction?>();
        var codes = ImmutableArray.CreateBuilder<ResultCode>();
        for (int i = 0; i < 60; i++)
        {
            byte[] bytes = AnyTransaction();
            ResultCode code = TransactionCodec.Decode(
                bytes, out SignedTransactionParts parts, out Transaction? transaction);
            Assert.That(transaction is null, Is.EqualTo(code != ResultCode.Ok));
            if (transaction is not null)
            {
                byte[] again = TransactionCodec.Join(
                    TransactionCodec.EncodeBody(transaction), parts.PublicKey, parts.Signature);
                Assert.That(again, Is.EqualTo(bytes), "a second encoding");
                Assert.That(
                    Enum.IsDefined(Exchange.Check(transaction, _exchange.Committed, _exchange.Height)), Is.True);
            }

            transactions.Add(transaction);
            codes.Add(code);
        }

        BlockResult result = _exchange.Execute(new Block
        {
            Height = height,
            Time = time,
            PriceUpdate = height == _exchange.InitialHeight ? [] : Update(height, time),
            Transactions = transactions.ToImmutable(),
            UndecodedCodes = codes.ToImmutable(),
        });
        _exchange.Commit();
        for (int i = 0; i < codes.Count; i++)
        {
            Count(result.Transactions[i], codes[i]);
        }

        return result.Events;
    }

    private void Count(TransactionResult result, ResultCode decoded)
    {
        if (decoded != ResultCode.Ok)
        {
            Assert.That((result.Code, result.Operations.Length), Is.EqualTo((decoded, 0)));
        }

        Assert.That(Enum.IsDefined(result.Code), Is.True);
        _codes[result.Code] = _codes.GetValueOrDefault(result.Code) + 1;
        foreach (OperationResult operation in result.Operations)
        {
            Assert.That(Enum.IsDefined(operation.Code), Is.True);
            _codes[operation.Code] = _codes.GetValueOrDefault(operation.Code) + 1;
        }
    }

    // What the proposer puts first in the block, and what a node makes of it: judged as in ProcessProposal, and
    // executed as far as it decodes, as a block that others accepted is.
    private ImmutableArray<ValidatorReports> Update(long height, long time)
    {
        ImmutableArray<Validator> validators = _exchange.ValidatorsAt(height - 1);
        var entries = ImmutableArray.CreateBuilder<PriceUpdateEntry>();
        int hostile = _random.Next(12);
        for (int i = 0; i < validators.Length; i++)
        {
            byte[] extension = PriceVote.Encode(Reports(_random, time));
            entries.Add(new PriceUpdateEntry(
                true, i == hostile ? _damage.Bytes(extension) : extension, new byte[SigningKey.SignatureSize]));
        }

        byte[] bytes = new PriceUpdate
        {
            Round = _random.Next(8) == 0 ? 1 : 0,
            Entries = entries.ToImmutable(),
        }.Encode();
        bytes = _random.Next(8) switch
        {
            0 => _damage.Bytes(bytes),
            1 => [0, 1, .. _damage.Noise(60)],
            _ => bytes,
        };
        if (PriceUpdate.Decode(bytes) is not { } update)
        {
            Count(PriceUpdateVerdict.Malformed);
            return [];
        }

        Assert.That(update.Encode(), Is.EqualTo(bytes), "a second encoding");
        Count(update.Check(validators, s_allCommitted, round: 0));
        return update.Reports(validators);
    }

    private void Count(PriceUpdateVerdict verdict) => _verdicts[verdict] = _verdicts.GetValueOrDefault(verdict) + 1;

    private static PriceReport[] Reports(Random random, long time)
    {
        long price = 1_000 + random.Next(-3, 4);
        PriceReport first = new(1, price, random.Next(3), time - (random.Next(3) * TestMarkets.Second));
        PriceReport second = new(2, random.Next(9) == 0 ? Limits.PriceMax : price, 1, time);
        return random.Next(3) == 0 ? [first] : [first, second];
    }

    // A third is sound, half is damaged in its structure, the others anywhere. A nonce far ahead shuts its owner out,
    // so few of those are let through.
    private byte[] AnyTransaction()
    {
        int key = _random.Next(Keys);
        byte[] body = TransactionCodec.EncodeBody(NewTransaction(key));
        while (true)
        {
            byte[] bytes = AnyDamage(body, KeyOf(key));
            bool isFarAhead = TransactionCodec.Decode(bytes, out _, out Transaction? transaction) == ResultCode.Ok
                && transaction!.Nonce > _nonces[key];
            if (!isFarAhead || _random.Next(200) == 0)
            {
                return bytes;
            }
        }
    }

    private byte[] AnyDamage(byte[] body, byte[] key)
    {
        byte[] signature = new byte[SigningKey.SignatureSize];
        return _random.Next(12) switch
        {
            < 4 => TransactionCodec.Join(body, key, signature),
            < 8 => TransactionCodec.Join(_damage.Message(body), key, signature),
            8 => _damage.Message(TransactionCodec.Join(body, key, signature)),
            9 => _damage.Bytes(TransactionCodec.Join(body, key, signature)),
            10 => TransactionCodec.Join(_damage.Noise(120), key, signature),
            _ => _damage.Noise(200),
        };
    }

    private Transaction NewTransaction(int key)
    {
        var operations = new Operation[_random.Next(30) == 0 ? 100 : _random.Next(1, 5)];
        for (int i = 0; i < operations.Length; i++)
        {
            operations[i] = NewOperation();
        }

        return new Transaction
        {
            Signer = TransactionCodec.AddressOf(KeyOf(key)),
            Principal = _random.Next(6) == 0 ? AnyOwner() : null,
            Subaccount = (uint)(_random.Next(8) == 0 ? 1 : 0),
            Nonce = ++_nonces[key],
            ExpiryHeight = _exchange.Height + 1 + _random.Next(0, 50),
            AllOrNothing = _random.Next(3) == 0,
            Operations = operations,
        };
    }

    private Operation NewOperation()
    {
        bool buys = _random.Next(2) == 0;
        long price = 1_000 + _random.Next(-20, 21);
        long quantity = _random.Next(1, 30);
        uint market = (uint)_random.Next(1, 3);
        ulong clientId = (ulong)_random.Next(0, 5);
        var tif = (TimeInForce)_random.Next(0, 4);
        return _random.Next(12) switch
        {
            0 => Ops.CancelClient(clientId),
            1 => Ops.Cancel((ulong)_random.Next(0, 500)),
            2 => Ops.CancelAll(market),
            3 => Ops.Withdraw(_random.Next(1, 20)),
            4 => new Operation
            {
                Kind = OperationKind.Transfer,
                Recipient = new AccountId(AnyOwner(), (uint)_random.Next(0, 3)),
                Amount = _random.NextInt64(0, 100_000_000),
            },
            5 => new Operation
            {
                Kind = OperationKind.AuthoriseAgent,
                Content = new AgentAuthorisation(
                    AnyOwner(),
                    [market],
                    _random.NextInt64(1, Limits.AmountMax),
                    _exchange.Time + (_random.Next(100) * TestMarkets.Second)),
            },
            6 => new Operation { Kind = OperationKind.RevokeAgent, Content = new AgentRevocation(AnyOwner()) },
            7 => Ops.Buy(quantity, price, market, tif) with
            {
                Kind = OperationKind.ReplaceOrder,
                TargetOrderId = (ulong)_random.Next(0, 500),
            },
            _ => Ops.Order(
                buys ? Side.Buy : Side.Sell, quantity, price, market, tif, clientId, _random.Next(8) == 0,
                SelfTrade.CancelMaker) with
            {
                IsMarket = _random.Next(8) == 0,
            },
        };
    }

    private Address AnyOwner() => TransactionCodec.AddressOf(KeyOf(_random.Next(Keys)));

    private static byte[] KeyOf(int number)
    {
        byte[] key = new byte[SigningKey.PublicKeySize];
        key[0] = 2;
        key[1] = (byte)number;
        return key;
    }

    private static Genesis NewGenesis()
    {
        Genesis named = TestMarkets.Genesis([("nobody", 1)], [TestMarkets.Simple(1, -100, 500), TestMarkets.Simple(2)]);
        return new Genesis
        {
            ChainId = named.ChainId,
            InitialHeight = named.InitialHeight,
            Time = named.Time,
            Validators = named.Validators,
            Markets = named.Markets,
            Accounts =
            [
                .. Enumerable.Range(0, Keys)
                    .Select(key => new AccountId(TransactionCodec.AddressOf(KeyOf(key)), 0))
                    .Order()
                    .Select(account => new GenesisAccount(account, 20_000_000_000)),
            ],
            InsuranceFund = named.InsuranceFund,
        };
    }
}
