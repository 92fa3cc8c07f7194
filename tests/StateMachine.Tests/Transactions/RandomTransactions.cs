using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;

namespace AppChain.StateMachine.Tests.Transactions;

/// <summary>Transactions with every field drawn at random, extremes and zeros included.</summary>
internal sealed class RandomTransactions(int seed)
{
    private readonly Random _random = new(seed);

    public Transaction Next() => new()
    {
        Signer = NextAddress(),
        Principal = _random.Next(3) == 0 ? NextAddress() : null,
        Subaccount = (uint)_random.Next(3) * 32_767,
        Nonce = NextUInt64(),
        ExpiryHeight = NextInt64(),
        AllOrNothing = _random.Next(2) == 0,
        Operations = NextOperations(),
    };

    private Operation[] NextOperations()
    {
        var operations = new Operation[_random.Next(10) == 0 ? 100 : _random.Next(1, 6)];
        for (int i = 0; i < operations.Length; i++)
        {
            operations[i] = NextOperation();
        }

        return operations;
    }

    private Operation NextOperation()
    {
        var kind = (OperationKind)_random.Next(1, (int)OperationKind.CancelProposal + 1);
        var operation = new Operation { Kind = kind };
        if (kind is OperationKind.CancelOrder or OperationKind.ReplaceOrder)
        {
            operation.TargetOrderId = NextUInt64();
            operation.TargetClientId = NextUInt64();
        }

        if (kind is OperationKind.PlaceOrder or OperationKind.ReplaceOrder)
        {
            operation.Side = (Side)_random.Next(3);
            operation.Price = NextInt64();
            operation.Quantity = NextInt64();
            operation.ClientId = NextUInt64();
            operation.TimeInForce = (TimeInForce)_random.Next(4);
            operation.SelfTrade = (SelfTrade)_random.Next(4);
            operation.ReduceOnly = _random.Next(2) == 0;
            operation.IsMarket = _random.Next(2) == 0;
            operation.GoodTilHeight = NextInt64();
            operation.GoodTilTime = NextInt64();
        }

        if (kind is OperationKind.PlaceOrder or OperationKind.ReplaceOrder or OperationKind.CancelAll)
        {
            operation.Market = (uint)NextUInt64(32);
        }

        if (kind is OperationKind.Transfer or OperationKind.Withdraw)
        {
            operation.Amount = NextInt64();
        }

        if (kind is OperationKind.Transfer)
        {
            operation.Recipient = NextAccount();
        }

        operation.Content = kind switch
        {
            OperationKind.AuthoriseAgent =>
                new AgentAuthorisation(NextAddress(), NextAscending(AgentRow.MarketsMax), NextInt64(), NextInt64()),
            OperationKind.RevokeAgent => new AgentRevocation(NextAddress()),
            OperationKind.Withdraw => _random.Next(3) == 0 ? null : new WithdrawalDestination(NextBytes(1, 80)),
            OperationKind.AttestDeposit =>
                new DepositAttestation(new Sha256Digest(NextBytes(32, 32).AsSpan()), NextAccount(), NextInt64()),
            OperationKind.SignRelease => new ReleaseSignature(
                new Release(NextUInt64(), NextUInt64(), NextInt64(), NextUInt64(), NextInt64(), NextBytes(0, 64)),
                NextBytes(SigningKey.SignatureSize, SigningKey.SignatureSize)),
            OperationKind.Propose => NextProposal(),
            >= OperationKind.CancelWithdrawal => new NumberedTarget(NextUInt64()),
            _ => null,
        };
        return operation;
    }

    private IOperationContent NextProposal() => _random.Next(6) switch
    {
        0 => new VaultPolicy(NextCouncil(), new VaultTerms(
            [.. NextTiers()], NextInt64(), NextInt64(), (long)NextUInt64(32))),
        1 => new TreasuryPolicy(NextCouncil(), NextInt64()),
        2 => new ConsensusParameters(NextInt64(), NextInt64(), (long)NextUInt64(32), NextInt64()),
        3 => new ValidatorPowers(
        [
            .. Enumerable.Range(0, _random.Next(3))
                .Select(_ => new PowerChange(NextBytes(1, 40), NextInt64(), NextInt64())),
        ]),
        4 => new TreasurySpend(NextAccount(), NextInt64(), NextBytes(0, 80)),
        _ => new TreasurySpend(null, NextInt64(), NextBytes(0, 80)),
    };

    private CouncilTerms NextCouncil()
    {
        var members = ImmutableArray.CreateBuilder<ImmutableArray<byte>>();
        for (int i = _random.Next(CouncilTerms.MembersMax + 1); i > 0; i--)
        {
            members.Add(NextBytes(SigningKey.PublicKeySize, SigningKey.PublicKeySize));
        }

        return new CouncilTerms(members.ToImmutable(), _random.Next(17), _random.Next(17), (long)NextUInt64(32));
    }

    private IEnumerable<TimelockTier> NextTiers()
    {
        for (int i = _random.Next(VaultTerms.TiersMax + 1); i > 0; i--)
        {
            yield return new TimelockTier(NextInt64(), (long)NextUInt64(32));
        }
    }

    private AccountId NextAccount() => new(NextAddress(), (uint)NextUInt64(32));

    private ImmutableArray<byte> NextBytes(int least, int most)
    {
        byte[] bytes = new byte[_random.Next(least, most + 1)];
        _random.NextBytes(bytes);
        return [.. bytes];
    }

    private ImmutableArray<uint> NextAscending(int most)
    {
        var numbers = new SortedSet<uint>();
        int count = _random.Next(most + 1);
        while (numbers.Count < count)
        {
            numbers.Add((uint)NextUInt64(32) | 1);
        }

        return [.. numbers];
    }

    private Address NextAddress()
    {
        Span<byte> bytes = stackalloc byte[Address.Size];
        _random.NextBytes(bytes);
        return new Address(bytes);
    }

    private long NextInt64() => (long)NextUInt64(63);

    // Every length of varint is about as frequent as every other, zero included.
    private ulong NextUInt64(int bits = 64)
    {
        int wanted = _random.Next(bits + 1);
        return wanted == 0 ? 0 : unchecked((ulong)_random.NextInt64(long.MinValue, long.MaxValue)) >> (64 - wanted);
    }
}
