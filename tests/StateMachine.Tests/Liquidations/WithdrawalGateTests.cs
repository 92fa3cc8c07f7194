using NUnit.Framework;

namespace AppChain.StateMachine.Tests;

/// <summary>The withdrawal gate in the block in which a bankrupt account is left open; more in the scenarios.</summary>
[TestFixture]
public sealed class WithdrawalGateTests
{
    // MARGIN-11, LIQ-9. bob, the only winner, has lost so much elsewhere that he can bear but a part of alice's loss
    // in the block of the crash; the next block closes the rest, and the gate opens.
    [Test]
    public void No_collateral_leaves_in_a_block_that_leaves_a_bankrupt_account_open()
    {
        var chain = new TestChain(TestMarkets.Genesis(
            [("alice", 10_000), ("bob", 35_500), ("carol", 100), ("dave", 1_000_000)],
            [TestMarkets.Simple(), TestMarkets.Simple(2)]));
        chain.Step();
        chain.Price(1, 1_000);
        chain.Price(2, 100);
        chain.Step();
        chain.Run("bob", Ops.Sell(90, 1_000));
        chain.Run("alice", Ops.Buy(90, 1_000));
        chain.Run("dave", Ops.Sell(1_000, 100) with { Market = 2 });
        chain.Run("bob", Ops.Buy(1_000, 100) with { Market = 2 });
        chain.Price(1, 920);
        chain.Step();
        chain.Price(2, 60);
        chain.Step();
        Assert.That(chain.Run("carol", Ops.Withdraw(1)).Code, Is.EqualTo(ResultCode.Ok), "nobody is bankrupt yet");

        chain.Price(1, 700);
        Assert.That(chain.Run("carol", Ops.Withdraw(1)).Code, Is.EqualTo(ResultCode.WithdrawalsClosed));
        Assert.That(chain.Run("carol", Ops.Withdraw(1)).Code, Is.EqualTo(ResultCode.Ok));
    }
}
