using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using AppChain.Margin;
using NUnit.Framework;

namespace AppChain.StateMachine.Tests.Transactions;

/// <summary>Keys that trade for an owner and can do nothing else.</summary>
[TestFixture]
public sealed class AgentTests
{
    private const long Day = 86_400 * TestMarkets.Second;

    [Test]
    public void AGENT_1_Authorised_key_trades_for_the_account_of_the_owner()
    {
        TestChain chain = NewChain();
        Assert.That(chain.RunFor("alice", "bot", Ops.Buy(1, 100)).Code, Is.EqualTo(ResultCode.AgentNotAuthorised));
        Assert.That(chain.Run("alice", Authorise("bot")).Code, Is.EqualTo(ResultCode.Ok));
        TransactionResult placed = chain.RunFor("alice", "bot", Ops.Buy(1, 100, clientId: 7));
        Assert.That(placed.Code, Is.EqualTo(ResultCode.Ok));
        Assert.That(chain.Run("alice", Ops.CancelClient(7)).Code, Is.EqualTo(ResultCode.Ok));
    }

    [TestCase("self", ResultCode.InvalidAgent)]
    [TestCase("no notional", ResultCode.InvalidAgent)]
    [TestCase("past", ResultCode.InvalidAgent)]
    [TestCase("last day", ResultCode.Ok)]
    [TestCase("too far", ResultCode.InvalidAgent)]
    [TestCase("unknown market", ResultCode.UnknownMarket)]
    public void AGENT_1_Limits_of_an_authorisation(string what, ResultCode expected)
    {
        TestChain chain = NewChain();
        long next = chain.Exchange.Time + TestMarkets.Second;
        Operation operation = what switch
        {
            "self" => Authorise("alice"),
            "no notional" => Authorise("bot", usdPerDay: 0),
            "past" => Authorise("bot", expires: next),
            "last day" => Authorise("bot", expires: next + (366 * Day)),
            "too far" => Authorise("bot", expires: next + (366 * Day) + 1),
            _ => Authorise("bot", markets: [1, 9]),
        };
        Assert.That(chain.Run("alice", operation).Code, Is.EqualTo(expected));
    }

    [Test]
    public void AGENT_1_Seventeenth_agent_needs_one_that_has_expired()
    {
        TestChain chain = NewChain();
        long soon = chain.Exchange.Time + (20 * TestMarkets.Second);
        for (int i = 0; i < 16; i++)
        {
            Operation one = Authorise("bot" + i, expires: i == 5 ? soon : chain.Exchange.Time + Day);
            Assert.That(chain.Run("alice", one).Code, Is.EqualTo(ResultCode.Ok));
        }

        Assert.That(chain.Run("alice", Authorise("more")).Code, Is.EqualTo(ResultCode.TooManyAgents));
        Assert.That(chain.Run("alice", Authorise("bot3")).Code, Is.EqualTo(ResultCode.Ok), "one that is there already");
        Assert.That(chain.Run("bob", Authorise("bot3")).Code, Is.EqualTo(ResultCode.Ok), "of another owner");
        chain.BlockSeconds = 30;
        Assert.That(chain.Run("alice", Authorise("more")).Code, Is.EqualTo(ResultCode.Ok));
        Assert.That(chain.RunFor("alice", "bot5", Ops.CancelAll()).Code, Is.EqualTo(ResultCode.AgentNotAuthorised));
    }

    [Test]
    public void AGENT_2_Last_moment_is_the_block_time_of_its_end()
    {
        TestChain chain = NewChain();
        long end = chain.Exchange.Time + (3 * TestMarkets.Second);
        chain.Run("alice", Authorise("bot", expires: end));
        chain.Run("bob", Ops.CancelAll());
        TransactionResult last = chain.RunFor("alice", "bot", Ops.CancelAll());
        Assert.That(chain.Exchange.Time, Is.EqualTo(end));
        Assert.That(last.Code, Is.EqualTo(ResultCode.Ok));
        Assert.That(chain.RunFor("alice", "bot", Ops.CancelAll()).Code, Is.EqualTo(ResultCode.AgentExpired));
    }

    [Test]
    public void AGENT_2_Nonces_are_those_of_the_signer()
    {
        TestChain chain = NewChain();
        chain.Run("alice", Authorise("bot"));
        chain.Run("bob", Authorise("bot"));
        Assert.That(Send(chain, "alice", "bot", 1).Code, Is.EqualTo(ResultCode.Ok));
        Assert.That(Send(chain, "alice", "bot", 1).Code, Is.EqualTo(ResultCode.NonceUsed));
        Assert.That(Send(chain, "bob", "bot", 1).Code, Is.EqualTo(ResultCode.NonceUsed));
        Assert.That(Send(chain, "carol", "bot", 2).Code, Is.EqualTo(ResultCode.AgentNotAuthorised));
        Assert.That(Send(chain, "bob", "bot", 2).Code, Is.EqualTo(ResultCode.Ok), "a refusal so early uses no nonce");
    }

    [Test]
    public void AGENT_2_Filter_of_the_mempool_says_the_same()
    {
        TestChain chain = NewChain();
        Transaction transaction = Of(chain, "alice", "bot", 1);
        Assert.That(Check(chain, transaction), Is.EqualTo(ResultCode.AgentNotAuthorised));
        chain.Run("alice", Authorise("bot", expires: chain.Exchange.Time + (3 * TestMarkets.Second)));
        Assert.That(Check(chain, transaction), Is.EqualTo(ResultCode.Ok));
        chain.BlockSeconds = 10;
        chain.Step();
        Assert.That(Check(chain, transaction), Is.EqualTo(ResultCode.AgentExpired));
    }

    [Test]
    public void AGENT_3_Agent_does_nothing_but_trade()
    {
        TestChain chain = NewChain();
        chain.Run("alice", Authorise("bot"));
        foreach (OperationKind kind in Enum.GetValues<OperationKind>())
        {
            var operation = new Operation
            {
                Kind = kind,
                Market = 1,
                Side = Side.Buy,
                Price = 100,
                Quantity = 1,
                ClientId = 3,
                Amount = 1_000_000,
                Recipient = new AccountId(TestMarkets.AddressOf("bot"), 0),
                Content = Authorise("other").Content,
            };
            ResultCode code = chain.RunFor("alice", "bot", operation).Code;
            bool trades = kind is OperationKind.PlaceOrder or OperationKind.CancelOrder or OperationKind.CancelAll
                or OperationKind.ReplaceOrder;
            Assert.That(
                code, trades ? Is.Not.EqualTo(ResultCode.AgentMayNot) : Is.EqualTo(ResultCode.AgentMayNot), $"{kind}");
        }
    }

    [Test]
    public void AGENT_4_Agent_stays_in_its_markets()
    {
        TestChain chain = NewChain();
        chain.Run("alice", Authorise("bot", markets: [1]));
        chain.Run("alice", Ops.Buy(1, 100, market: 2, clientId: 5));
        Assert.That(chain.RunFor("alice", "bot", Ops.Buy(1, 100)).Code, Is.EqualTo(ResultCode.Ok));
        Assert.That(chain.RunFor("alice", "bot", Ops.Buy(1, 100, market: 2)).Code, Is.EqualTo(ResultCode.AgentMarket));
        Assert.That(chain.RunFor("alice", "bot", Ops.CancelAll(2)).Code, Is.EqualTo(ResultCode.AgentMarket));
        Assert.That(chain.RunFor("alice", "bot", Ops.CancelClient(5)).Code, Is.EqualTo(ResultCode.AgentMarket));
        Operation replace = Ops.Buy(1, 100) with { Kind = OperationKind.ReplaceOrder, TargetClientId = 5 };
        Assert.That(chain.RunFor("alice", "bot", replace).Code, Is.EqualTo(ResultCode.AgentMarket));
        Assert.That(chain.RunFor("alice", "bot", Ops.CancelClient(6)).Code, Is.EqualTo(ResultCode.UnknownOrder));
    }

    [Test]
    public void AGENT_5_Orders_of_a_day_add_up_and_refused_ones_do_not()
    {
        TestChain chain = NewChain();
        chain.Run("alice", Authorise("bot", usdPerDay: 1_000));
        Assert.That(chain.RunFor("alice", "bot", Ops.Buy(9, 100)).Code, Is.EqualTo(ResultCode.Ok));
        Assert.That(chain.RunFor("alice", "bot", Ops.Buy(2, 100)).Code, Is.EqualTo(ResultCode.AgentNotional));
        Assert.That(
            chain.RunFor("alice", "bot", Ops.Buy(1, 100, tif: TimeInForce.FillOrKill)).Code,
            Is.EqualTo(ResultCode.NotFillable));
        Assert.That(
            chain.RunFor("alice", "bot", Ops.CancelAll()).Code, Is.EqualTo(ResultCode.Ok), "and gives nothing back");
        Assert.That(
            chain.RunFor("alice", "bot", Ops.Buy(1, 100)).Code, Is.EqualTo(ResultCode.Ok), "the last of the day");
        Assert.That(chain.RunFor("alice", "bot", Ops.Buy(1, 1)).Code, Is.EqualTo(ResultCode.AgentNotional));
        chain.BlockSeconds = Seconds(Day);
        chain.Step();
        chain.BlockSeconds = 1;
        chain.Step();
        Assert.That(chain.RunFor("alice", "bot", Ops.Buy(10, 100)).Code, Is.EqualTo(ResultCode.Ok), "a new day");
    }

    [Test]
    public void AGENT_5_Sell_counts_at_the_index_price_when_its_limit_is_lower()
    {
        TestChain chain = NewChain();
        chain.Run("alice", Authorise("bot", usdPerDay: 1_000));
        Assert.That(chain.RunFor("alice", "bot", Ops.Sell(11, 60)).Code, Is.EqualTo(ResultCode.AgentNotional));
        Assert.That(chain.RunFor("alice", "bot", Ops.Sell(10, 60)).Code, Is.EqualTo(ResultCode.Ok));
    }

    [Test]
    public void AGENT_6_Revocation_precedes_the_orders_of_its_block()
    {
        TestChain chain = NewChain();
        chain.Run("alice", Authorise("bot"));
        chain.AddFor("alice", "bot", Ops.Buy(1, 100));
        chain.Add("alice", Revoke("bot"));
        BlockResult result = chain.Step();
        Assert.That(result.Transactions[0].Code, Is.EqualTo(ResultCode.AgentNotAuthorised));
        Assert.That(result.Transactions[1].Code, Is.EqualTo(ResultCode.Ok));
        Assert.That(chain.Run("alice", Revoke("bot")).Code, Is.EqualTo(ResultCode.UnknownAgent));
    }

    [Test]
    public void AGENT_7_One_more_agent_costs_its_owner_a_dollar_and_a_change_of_one_nothing()
    {
        TestChain chain = NewChain();
        Assert.That(Pays(chain, Authorise("bot")), Is.EqualTo((ResultCode.Ok, 1_000_000)));
        Assert.That(Pays(chain, Authorise("bot", usdPerDay: 7)), Is.EqualTo((ResultCode.Ok, 0)));
        Assert.That(Pays(chain, Authorise("other")), Is.EqualTo((ResultCode.Ok, 1_000_000)));
        Assert.That(Pays(chain, Revoke("bot")), Is.EqualTo((ResultCode.Ok, 0)));
        Assert.That(Pays(chain, Authorise("bot")), Is.EqualTo((ResultCode.Ok, 1_000_000)), "revoked before");
        Assert.That(Pays(chain, Authorise("alice")), Is.EqualTo((ResultCode.InvalidAgent, 0)));
        Assert.That(Pays(chain, Authorise("third", markets: [9])), Is.EqualTo((ResultCode.UnknownMarket, 0)));
    }

    [Test]
    public void AGENT_7_Who_cannot_spare_the_dollar_gets_no_agent()
    {
        TestChain chain = NewChain();
        chain.Run("alice", MicroUsd("dora", 1_999_999));
        Assert.That(chain.Run("dora", Authorise("bot")).Code, Is.EqualTo(ResultCode.CollateralTooLow), "has 0.999999");
        Assert.That(chain.RunFor("dora", "bot", Ops.CancelAll()).Code, Is.EqualTo(ResultCode.AgentNotAuthorised));
        chain.Run("alice", MicroUsd("dora", 1));
        Assert.That(chain.Run("dora", Authorise("bot")).Code, Is.EqualTo(ResultCode.Ok));
        Assert.That(chain.RunFor("dora", "bot", Ops.CancelAll()).Code, Is.EqualTo(ResultCode.Ok));
        Assert.That(
            chain.Run("dora", Authorise("bot", usdPerDay: 9)).Code,
            Is.EqualTo(ResultCode.Ok),
            "a change with nothing left");

        // A resting order that takes all the initial margin there is leaves nothing to spare either.
        TransactionResult most = chain.Run("bob", Ops.Buy(1_000, 100));
        Assert.That(most.Code, Is.EqualTo(ResultCode.Ok));
        Assert.That(chain.Run("bob", Authorise("bot")).Code, Is.EqualTo(ResultCode.MarginTooLow));
    }

    [Test]
    public void AGENT_7_Nonces_outlive_their_agent_so_that_nothing_is_sent_twice_and_each_was_paid_for()
    {
        TestChain chain = NewChain();
        Int128 before = Fees(chain);
        int rows = NonceRows(chain);
        for (int i = 0; i < 40; i++)
        {
            chain.Run("alice", Authorise("bot" + i));
            Transaction first = Of(chain, "alice", "bot" + i, 1);
            chain.Submit(first);
            Assert.That(chain.Step().Transactions[0].Code, Is.EqualTo(ResultCode.Ok));
            chain.Run("alice", Revoke("bot" + i));
            chain.Run("alice", Authorise("bot" + i));
            chain.Submit(first);
            Assert.That(chain.Step().Transactions[0].Code, Is.EqualTo(ResultCode.NonceUsed));
            chain.Run("alice", Revoke("bot" + i));
        }

        // Alice's own row is there from her first transaction on.
        Assert.That(NonceRows(chain) - rows, Is.EqualTo(41));
        Assert.That(
            Fees(chain) - before,
            Is.EqualTo((Int128)80 * Limits.AgentFee),
            "twice for each, as it was revoked in between");
    }

    [Test]
    public void AGENT_3_No_operation_of_an_agent_moves_collateral_out_of_the_account([Range(1, 4)] int seed)
    {
        var random = new Random(seed);
        TestChain chain = NewChain();
        chain.Run("alice", Authorise("bot", usdPerDay: 1_000_000));
        for (int block = 0; block < 60; block++)
        {
            for (int i = 0; i < 8; i++)
            {
                chain.AddFor("alice", "bot", AnyOperation.Next(random));
            }

            BlockResult result = chain.Step();
            foreach (ExchangeEvent happened in result.Events)
            {
                Assert.That(
                    happened.Kind,
                    Is.AnyOf(EventKind.OrderOpened, EventKind.OrderClosed, EventKind.OrderReduced,
                        EventKind.OracleUpdated, EventKind.OracleStateChanged, EventKind.FundingApplied));
            }

            // Nobody trades against it, so that its collateral cannot change at all.
            chain.TryFind(new AccountId(TestMarkets.AddressOf("alice"), 0), out AccountRow alice);
            Assert.That(alice.Collateral, Is.EqualTo((Int128)10_000_000_000 - Limits.AgentFee));
        }
    }

    [Test]
    public void Agents_survive_rollback_and_restart()
    {
        TestChain chain = NewChain();
        chain.Run("alice", Authorise("bot", usdPerDay: 1_000, markets: [1]));
        chain.RunFor("alice", "bot", Ops.Buy(9, 100));
        chain.Add("alice", Revoke("bot"));
        byte[] before = chain.Exchange.AppHash;
        chain.Exchange.Execute(chain.Next());
        chain.Exchange.Rollback();
        Assert.That(chain.Exchange.AppHash, Is.EqualTo(before));
        chain.Restart();
        Assert.That(chain.RunFor("alice", "bot", Ops.Buy(2, 100)).Code, Is.EqualTo(ResultCode.AgentNotional));
        Assert.That(chain.RunFor("alice", "bot", Ops.Buy(1, 100)).Code, Is.EqualTo(ResultCode.Ok));
    }

    private static TestChain NewChain()
    {
        var chain = new TestChain(TestMarkets.Genesis(
            [("alice", 10_000), ("bob", 10_000), ("carol", 10_000)], [TestMarkets.Simple(1), TestMarkets.Simple(2)]));
        chain.Step();
        chain.Price(1, 100);
        chain.Price(2, 100);
        chain.Step();
        return chain;
    }

    private static Operation Authorise(
        string agent,
        long usdPerDay = 100_000,
        uint[]? markets = null,
        long expires = TestMarkets.GenesisTime + (30 * Day)) => new()
    {
        Kind = OperationKind.AuthoriseAgent,
        Content = new AgentAuthorisation(
            TestMarkets.AddressOf(agent), ImmutableArray.Create(markets ?? []), usdPerDay * 1_000_000, expires),
    };

    // What an operation of alice takes from her account; the fees get it, and the event says so.
    private static (ResultCode Code, long Paid) Pays(TestChain chain, Operation operation)
    {
        Int128 fees = Fees(chain);
        Int128 before = CollateralOf(chain, "alice");
        chain.Add("alice", operation);
        BlockResult result = chain.Step();
        Int128 paid = before - CollateralOf(chain, "alice");
        Assert.That(Fees(chain) - fees, Is.EqualTo(paid));
        foreach (ExchangeEvent happened in result.Events)
        {
            Assert.That(
                happened.Amount3, Is.EqualTo(happened.Kind == EventKind.AgentAuthorised ? paid : happened.Amount3));
        }

        return (result.Transactions[0].Code, (long)paid);
    }

    private static Int128 Fees(TestChain chain)
    {
        chain.TryFind(default(SingleKey), out PoolRow pool);
        return pool.Fees;
    }

    private static int NonceRows(TestChain chain)
    {
        int count = 0;
        foreach (string key in chain.Rows.Keys)
        {
            count += key.StartsWith($"{(byte)RowKind.Nonce:X2}", StringComparison.OrdinalIgnoreCase) ? 1 : 0;
        }

        return count;
    }

    private static Int128 CollateralOf(TestChain chain, string owner)
    {
        chain.TryFind(new AccountId(TestMarkets.AddressOf(owner), 0), out AccountRow row);
        return row.Collateral;
    }

    private static Operation MicroUsd(string to, long amount) => Ops.Transfer(to, 0) with { Amount = amount };

    private static Operation Revoke(string agent) =>
        new() { Kind = OperationKind.RevokeAgent, Content = new AgentRevocation(TestMarkets.AddressOf(agent)) };

    private static Transaction Of(TestChain chain, string owner, string agent, ulong nonce) => new()
    {
        Signer = TestMarkets.AddressOf(agent),
        Principal = TestMarkets.AddressOf(owner),
        Subaccount = 0,
        Nonce = nonce,
        ExpiryHeight = chain.Exchange.Height + 50,
        AllOrNothing = false,
        Operations = [Ops.CancelAll()],
    };

    private static TransactionResult Send(TestChain chain, string owner, string agent, ulong nonce)
    {
        chain.Submit(Of(chain, owner, agent, nonce));
        return chain.Step().Transactions[0];
    }

    private static ResultCode Check(TestChain chain, Transaction transaction) =>
        Exchange.Check(transaction, chain.Exchange.Committed, chain.Exchange.Height);

    private static long Seconds(long nanoseconds) => nanoseconds / TestMarkets.Second;
}

/// <summary>Operations of every kind, half of them likely to be accepted when the owner itself sends them.</summary>
internal static class AnyOperation
{
    public static Operation Next(Random random)
    {
        long quantity = random.Next(1, 5);
        var operation = new Operation
        {
            Kind = (OperationKind)random.Next(0, Enum.GetValues<OperationKind>().Length),
            Market = (uint)random.Next(0, 3),
            Side = (Side)random.Next(0, 3),
            Price = random.Next(60, 140),
            Quantity = quantity,
            ClientId = (ulong)random.Next(0, 4),
            TargetClientId = (ulong)random.Next(0, 4),
            TargetOrderId = (ulong)random.Next(0, 40),
            ReduceOnly = random.Next(4) == 0,
            TimeInForce = (TimeInForce)random.Next(0, 4),
            Amount = random.Next(1, 1_000_000),
            Recipient = new AccountId(TestMarkets.AddressOf("bot"), 0),
        };
        operation.Content = operation.Kind switch
        {
            OperationKind.AuthoriseAgent => new AgentAuthorisation(
                TestMarkets.AddressOf("bot2"), [], 1_000_000, TestMarkets.GenesisTime + (86_400 * TestMarkets.Second)),
            OperationKind.RevokeAgent => new AgentRevocation(TestMarkets.AddressOf("bot")),
            _ => null,
        };
        return operation;
    }
}
