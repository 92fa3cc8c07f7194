using AppChain.Abci.Wire.Types;
using NUnit.Framework;

namespace AppChain.Localnet.Tests;

public sealed class ParameterRulesTests
{
    /// <summary>The rules for the height at which vote extensions begin: current value, new value, height.</summary>
    [TestCase(0, 0, 10, true)]
    [TestCase(5, 5, 10, true)]
    [TestCase(5, 0, 10, false)]
    [TestCase(15, 0, 10, true)]
    [TestCase(0, 10, 10, false)]
    [TestCase(0, 11, 10, true)]
    [TestCase(5, 11, 10, false)]
    [TestCase(15, 20, 10, true)]
    [TestCase(0, -1, 10, false)]
    public void Vote_extensions_begin_later_and_never_end(long current, long next, long height, bool permitted)
    {
        ConsensusParams parameters = ParameterRules.Default;
        parameters.Abci.VoteExtensionsEnableHeight = current;
        ConsensusParams update = new() { Abci = new ABCIParams { VoteExtensionsEnableHeight = next } };
        if (permitted)
        {
            Assert.That(ParameterRules.Update(parameters, update, height).Abci.VoteExtensionsEnableHeight,
                Is.EqualTo(next));
        }
        else
        {
            Assert.That(() => ParameterRules.Update(parameters, update, height), Throws.TypeOf<ConsensusFailure>());
        }
    }

    [Test]
    public void A_given_part_replaces_the_old_one_whole()
    {
        ConsensusParams update = new() { Block = new BlockParams { MaxGas = 5 } };
        Assert.That(() => ParameterRules.Update(ParameterRules.Default, update, 1), Throws.TypeOf<ConsensusFailure>()
            .With.Message.Contains("block.max_bytes"));
        update.Block.MaxBytes = 2_000_000;
        ConsensusParams next = ParameterRules.Update(ParameterRules.Default, update, 1);
        Assert.That((next.Block.MaxBytes, next.Block.MaxGas), Is.EqualTo((2_000_000L, 5L)));
        Assert.That(next.Evidence, Is.EqualTo(ParameterRules.Default.Evidence));
        Assert.That(ParameterRules.Update(next, null, 1), Is.SameAs(next));
    }

    [Test]
    public void Room_for_transactions_is_what_header_commit_and_evidence_leave()
    {
        ConsensusParams parameters = ParameterRules.Default;
        Assert.That(ParameterRules.MaximumTransactionBytes(parameters, 4, 100),
            Is.EqualTo(22_020_096 - 11 - 626 - (94 + 4 * 111) - 100));
        parameters.Block.MaxBytes = 500;
        Assert.That(() => ParameterRules.MaximumTransactionBytes(parameters, 4, 0), Throws.TypeOf<ConsensusFailure>());
    }
}
