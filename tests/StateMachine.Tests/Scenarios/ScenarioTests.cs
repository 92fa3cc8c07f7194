using System.Collections.Generic;
using NUnit.Framework;

namespace AppChain.StateMachine.Tests;

/// <summary>The rules of the exchange as stories in a small language (see <see cref="Scenario"/>).</summary>
[TestFixture]
public sealed class ScenarioTests
{
    private static IEnumerable<TestCaseData> Scenarios()
    {
        foreach (Scenario scenario in Scenario.All())
        {
            yield return new TestCaseData(scenario).SetName(scenario.Title);
        }
    }

    [TestCaseSource(nameof(Scenarios))]
    public void Holds(object scenario) => new ScenarioRun((Scenario)scenario).Run();

    [Test]
    public void A_wrong_outcome_fails_and_names_the_line()
    {
        Scenario wrong = Scenario.Read(
            "wrong", "scenario w\n alice has 10\n price 1 1000\n alice withdraw 11 -> Ok")[0];
        AssertionException? error = null;
        using (new NUnit.Framework.Internal.TestExecutionContext.IsolatedContext())
        {
            error = Assert.Throws<AssertionException>(() => new ScenarioRun(wrong).Run());
        }

        Assert.That(error!.Message, Does.Contain("wrong, line 4").And.Contain("CollateralTooLow"));
    }
}
