using System;
using System.Collections.Generic;
using System.Linq;
using System.Security.Cryptography;
using System.Text;
using AppChain.Localnet;
using AppChain.Margin;
using AppChain.Node;
using AppChain.StateMachine;
using Google.Protobuf;

namespace AppChain.Simulation;

/// <summary>Traders who send signed transactions to validators: orders near the price, cancels, transfers, withdrawals,
/// and now and then bytes that are no good.</summary>
internal sealed class Traders
{
    /// <summary>Blocks after which a transaction that nobody has taken is no longer good.</summary>
    public const int LongestValidity = 60;

    private const int Count = 8;
    private readonly World _world;
    private readonly Random _random;
    private readonly TransactionSigner[] _signers;
    private readonly ulong[] _nonces = new ulong[Count];
    private readonly List<byte[]> _sent = [];
    private readonly Guardians _guardians;

    public Traders(World world, int seed)
    {
        _world = world;
        _random = new Random(unchecked(seed * 17 + 5));
        _signers = [.. Enumerable.Range(0, Count).Select(
            i => new TransactionSigner(SHA256.HashData(Encoding.UTF8.GetBytes($"trader {i}")), World.ChainId))];
        _guardians = new Guardians(world, _random, _signers);
    }

    /// <summary>A vault with traders as its guardians.</summary>
    public GenesisVault Vault => _guardians.Vault;

    /// <summary>Owners of the accounts, which start with 10,000 USD each.</summary>
    public IEnumerable<GenesisAccount> Accounts =>
        _signers.Select(signer => new GenesisAccount(new AccountId(signer.Owner, 0), 10_000_000_000));

    /// <summary>Transactions sent so far.</summary>
    public int Sent { get; private set; }

    /// <summary>Begins to trade, and goes on for ever.</summary>
    public void Start() => _world.Network.At(Pause(), Trade);

    private void Trade()
    {
        byte[] transaction = _random.NextDouble() < _world.Swarm.BadTransactions ? Bad() : Good();
        int[] live = [.. Enumerable.Range(0, _world.Swarm.Validators).Where(i => _world.Network.Node(i)?.Failure is null
            && _world.Network.Node(i) is not null)];
        if (live.Length > 0)
        {
            int to = live[_random.Next(live.Length)];
            _world.Trace.Add(transaction);
            // A refusal is the trader's own affair.
            _ = _world.Network.Node(to)!.Submit(ByteString.CopyFrom(transaction)).Exception;
            Sent++;
        }
        _world.Network.At(Pause(), Trade);
    }

    private TimeSpan Pause() => TimeSpan.FromSeconds(2 * _random.NextDouble() / _world.Swarm.Transactions);

    private byte[] Good()
    {
        int trader = _random.Next(Count);
        var builder = new TransactionBuilder { AllOrNothing = _random.Next(2) == 0 };
        List<Operation> asGuardian = [];
        if (trader < Guardians.Count && _random.Next(2) == 0) asGuardian.AddRange(_guardians.Act(trader));
        foreach (Operation operation in asGuardian) builder.Add(operation);
        int operations = _random.Next(4) == 0 ? _random.Next(1, 5) : 1;
        for (int i = 0; asGuardian.Count == 0 && i < operations; i++) builder.Add(Draw(trader));
        long until = _world.Auditor.Height + _random.Next(2, LongestValidity);
        byte[] bytes = builder.Sign(_signers[trader], ++_nonces[trader], until);
        if (asGuardian.Count > 0) _world.Auditor.Engines.OnSigned(bytes, trader, asGuardian);
        if (_sent.Count < 256) _sent.Add(bytes);
        else _sent[_random.Next(256)] = bytes;
        return bytes;
    }

    private byte[] Bad()
    {
        byte[] bytes = _sent.Count == 0 ? Good() : [.. _sent[_random.Next(_sent.Count)]];
        switch (_random.Next(4))
        {
            case 0:
                bytes[_random.Next(bytes.Length)] ^= (byte)(1 << _random.Next(8));
                return bytes;
            case 1:
                return bytes[.._random.Next(1, bytes.Length)];
            case 2:
                _random.NextBytes(bytes);
                return bytes;
            default:
                return bytes;
        }
    }

    private Operation Draw(int trader)
    {
        uint market = (uint)_random.Next(1, 3);
        long price = (long)_world.Prices.Price(market);
        ulong clientId = (ulong)_random.Next(0, 6);
        switch (_random.Next(12))
        {
            case 0:
                return new Operation { Kind = OperationKind.CancelOrder, TargetClientId = clientId };
            case 1:
                return new Operation { Kind = OperationKind.CancelAll, Market = market };
            case 2:
                return new Operation
                {
                    Kind = OperationKind.Transfer,
                    Recipient = new AccountId(_signers[_random.Next(Count)].Owner, (uint)_random.Next(4) / 3),
                    Amount = _random.Next(1, 500) * 1_000_000L,
                };
            case 3:
                return new Operation
                {
                    Kind = OperationKind.Withdraw,
                    Amount = _random.Next(1, 80) * 1_000_000L,
                    Content = new WithdrawalDestination([.. "bank"u8]),
                };
            default:
                var order = new Operation
                {
                    Kind = _random.Next(8) == 0 ? OperationKind.ReplaceOrder : OperationKind.PlaceOrder,
                    Market = market,
                    Side = (Side)_random.Next(1, 3),
                    Price = Math.Max(1, price + _random.Next(-12, 13)),
                    Quantity = _random.Next(1, 60_000),
                    ClientId = clientId,
                    TargetClientId = 0,
                    TimeInForce = (TimeInForce)_random.Next(0, 4),
                    SelfTrade = (SelfTrade)_random.Next(0, 4),
                    ReduceOnly = _random.Next(6) == 0,
                };
                if (_random.NextDouble() < _world.Swarm.Conviction) order.Side = trader % 2 == 0 ? Side.Buy : Side.Sell;
                if (order.Kind == OperationKind.ReplaceOrder) order.TargetClientId = clientId;
                if (order.TimeInForce == TimeInForce.GoodTilCancelled && _random.Next(3) == 0)
                    order.GoodTilHeight = _world.Auditor.Height + _random.Next(1, 20);
                return order;
        }
    }
}
