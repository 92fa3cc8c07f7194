using System;
using System.Collections.Generic;
using System.Linq;
using AppChain.Margin;
using NUnit.Framework;

namespace AppChain.StateMachine.Tests;

/// <summary>Rules of blocks and of transaction envelopes that no single order shows.</summary>
[TestFixture]
public sealed class BlockRulesTests
{
    private static TestChain Chain()
    {
        var chain = new TestChain(TestMarkets.Genesis(
            [("alice", 100_000), ("bob", 10_000)], [TestMarkets.Simple(1), TestMarkets.Simple(2)]));
        chain.Step();
        chain.Price(1, 1_000);
        chain.Step();
        return chain;
    }

    private static Transaction Envelope(
        TestChain chain, ulong nonce, long expiresIn = 10, string owner = "alice", uint subaccount = 0) => new()
    {
        Signer = TestMarkets.AddressOf(owner),
        Subaccount = subaccount,
        Nonce = nonce,
        ExpiryHeight = chain.Exchange.Height + 1 + expiresIn,
        AllOrNothing = false,
        Operations = [Ops.Withdraw(1)],
    };

    private static ResultCode Run(TestChain chain, Transaction transaction)
    {
        chain.Submit(transaction);
        return chain.Step().Transactions[0].Code;
    }

    [Test]
    public void BLOCK_1_A_validator_with_evidence_leaves_two_blocks_later_and_the_last_one_stays()
    {
        TestChain chain = Chain();
        Address guilty = chain.Exchange.ValidatorsAt(chain.Exchange.Height)[0].Address;
        Block plain = chain.Next();
        var block = new Block
        {
            Height = plain.Height,
            Time = plain.Time,
            PriceUpdate = plain.PriceUpdate,
            Transactions = plain.Transactions,
            UndecodedCodes = plain.UndecodedCodes,
            Misbehavior = [new Misbehavior(MisbehaviorKind.DuplicateVote, guilty, plain.Height - 1)],
        };
        BlockResult result = chain.Exchange.Execute(block);
        chain.Exchange.Commit();
        Assert.That(result.ValidatorUpdates.Select(update => update.Power), Is.EqualTo(new long[] { 0 }));
        bool VotesAt(long height) => chain.Exchange.ValidatorsAt(height).Any(validator => validator.Address == guilty);
        Assert.That((VotesAt(block.Height + 1), VotesAt(block.Height + 2)), Is.EqualTo((true, false)));
    }

    [Test]
    public void BLOCK_3_One_valuation_serves_the_whole_block()
    {
        TestChain chain = Chain();
        chain.Run("bob", Ops.Sell(1, 1_040));
        chain.Add("alice", Ops.Buy(1, 1_040, tif: TimeInForce.ImmediateOrCancel));
        BlockResult block = chain.Step();
        Assert.That(block.Events.Any(e => e.Kind == EventKind.Fill), Is.True);
        Assert.That(chain.TryFind(1u, out MarketRow market), Is.True);
        Assert.That((market.MarkPrice, market.LastPrice), Is.EqualTo((1_000L, 1_040L)));
    }

    [Test]
    public void BLOCK_4_Orders_expire_before_the_transactions_of_the_block()
    {
        TestChain chain = Chain();
        Operation order = Ops.Sell(1, 1_000);
        order.GoodTilHeight = chain.Exchange.Height + 1;
        chain.Run("bob", order);
        Assert.That(chain.Run("alice", Ops.Buy(1, 1_000)).Operations[0].Filled, Is.Zero);
    }

    [Test]
    public void BLOCK_6_A_transaction_is_of_the_highest_class_that_it_needs()
    {
        TestChain chain = Chain();
        TransactionClass Of(params Operation[] operations) => new Transaction
        {
            Signer = TestMarkets.AddressOf("alice"),
            Subaccount = 0,
            Nonce = 1,
            ExpiryHeight = 1,
            AllOrNothing = false,
            Operations = operations,
        }.Class;
        Operation post = Ops.Buy(1, 900, tif: TimeInForce.PostOnly);
        Assert.That(Of(Ops.Cancel(1), Ops.Transfer("bob", 1)), Is.EqualTo(TransactionClass.RiskReducing));
        Assert.That(Of(Ops.Cancel(1), post), Is.EqualTo(TransactionClass.PostOnly));
        Assert.That(Of(post, Ops.Withdraw(1)), Is.EqualTo(TransactionClass.Other));
        Assert.That(Of(post, Ops.Buy(1, 900)), Is.EqualTo(TransactionClass.Other));
    }

    [Test]
    public void BLOCK_7_One_micro_USD_too_much_stops_the_block()
    {
        var state = new State();
        state.Pool.Add(new PoolRow { Held = 1_000_001, Claims = 600_000, InsuranceFund = 300_000, Fees = 100_000 });
        Assert.Throws<InvariantException>(() => Conservation.Check(state));
        state.Pool.Write(0).Held = 1_000_000;
        Assert.DoesNotThrow(() => Conservation.Check(state));
    }

    [Test]
    public void TX_5_Each_owner_acts_for_its_own_accounts_only()
    {
        TestChain chain = Chain();
        Assert.That(Run(chain, Envelope(chain, 1, owner: "stranger")), Is.EqualTo(ResultCode.UnknownAccount));
        Assert.That(Run(chain, Envelope(chain, 1, subaccount: 9)), Is.EqualTo(ResultCode.UnknownAccount));
        Assert.That(Run(chain, Envelope(chain, 1)), Is.EqualTo(ResultCode.Ok));
    }

    [TestCase(0L, ResultCode.Ok)]
    [TestCase(-1L, ResultCode.Expired)]
    [TestCase(10_000L, ResultCode.Ok)]
    [TestCase(10_001L, ResultCode.ExpiryTooFar)]
    public void TX_6_A_transaction_lives_from_ten_thousand_heights_before_its_expiry(long expiresIn, object expected)
    {
        TestChain chain = Chain();
        Assert.That(Run(chain, Envelope(chain, 1, expiresIn)), Is.EqualTo(expected));
    }

    [Test]
    public void TX_7_Nonces_may_come_in_any_order_within_the_window_once_each()
    {
        TestChain chain = Chain();
        ResultCode Use(ulong nonce) => Run(chain, Envelope(chain, nonce));
        Assert.That(Use(1_000), Is.EqualTo(ResultCode.Ok));
        Assert.That(Use(1_000), Is.EqualTo(ResultCode.NonceUsed));
        Assert.That(Use(1_000 - 256), Is.EqualTo(ResultCode.NonceUsed));
        Assert.That(Use(1_100), Is.EqualTo(ResultCode.Ok));
        Assert.That(Use(1_001), Is.EqualTo(ResultCode.Ok));
        Assert.That(Use(1_001), Is.EqualTo(ResultCode.NonceUsed));
    }

    [Test]
    public void TX_10_A_refused_transaction_changes_nothing_but_its_nonce()
    {
        TestChain chain = Chain();
        var before = new SortedDictionary<string, byte[]>(chain.Rows, StringComparer.Ordinal);
        Assert.That(chain.Run("alice", Ops.Withdraw(200_000)).Code, Is.EqualTo(ResultCode.CollateralTooLow));
        RowKind[] changed = [.. chain.Rows
            .Where(row => !before.TryGetValue(row.Key, out byte[]? value) || !value.AsSpan().SequenceEqual(row.Value))
            .Select(row => (RowKind)Convert.FromHexString(row.Key)[0])
            .Distinct()
            .Where(kind => kind is not (RowKind.Chain or RowKind.Oracle or RowKind.Report or RowKind.Market))];
        Assert.That(changed, Is.EqualTo(new[] { RowKind.Nonce }));
    }

    [Test]
    public void ORD_7_An_account_has_at_most_256_open_orders_in_a_market()
    {
        TestChain chain = Chain();
        for (int batch = 0; batch < 4; batch++)
        {
            chain.Add("alice", [.. Enumerable.Range(0, 64).Select(i =>
                Ops.Buy(1, 1 + (batch * 64) + i, tif: TimeInForce.PostOnly))]);
            Assert.That(chain.Step().Transactions[0].Operations.All(done => done.Code == ResultCode.Ok), Is.True);
        }

        Assert.That(chain.Run("alice", Ops.Buy(1, 500)).Code, Is.EqualTo(ResultCode.TooManyOrders));
        Assert.That(
            chain.Run("alice", Ops.Buy(1, 500, tif: TimeInForce.ImmediateOrCancel)).Code, Is.EqualTo(ResultCode.Ok));
    }
}
