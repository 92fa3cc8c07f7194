using System.IO;
using System.Threading.Tasks;
using AppChain.Node;
using NUnit.Framework;

namespace AppChain.Localnet.Tests;

/// <summary>
/// VAULT-7 to VAULT-9 and VAULT-13 as people do them, on four validators: a withdrawal through timelock, guardians and
/// release to a verifier without a node; a payment of the treasury.
/// </summary>
[TestFixture]
[NonParallelizable]
public sealed class VaultEndToEndTests
{
    [Test]
    public async Task A_withdrawal_is_released_by_two_guardians_and_verifies_without_a_node()
    {
        await using var run = new LocalnetByHand("--engine", "embedded");
        await run.Until("query chain", "height", 60);
        await run.Run("tx treasury spend 0.01 --to alice --note snacks --from treasurer1 --wait");
        Assert.That(run.Out, Does.Contain("proposal 1"));
        await run.Run("tx proposal approve 1 --from treasurer3 --wait");
        await run.Run("tx withdraw 250 --to iban-1 --from alice --wait");
        Assert.That(run.Out, Does.Contain("withdrawal 1"));
        await run.Run("tx withdraw 251 --to iban-2 --from alice --wait --output json");
        Assert.That(run.Out, Does.Contain("\"withdrawal_id\": \"2\""));
        await run.Run("tx vault cancel 2 --from alice --wait");
        await run.Until("query withdrawals --owner alice", "releasable", 40);
        await run.Run("guardian --from alice --once --yes", ExitCode.Usage);
        await run.Run("guardian --from guardian2 --once --yes --max-amount 249");
        Assert.That(run.Out, Does.Contain("NOT SIGNED: it is above 249.00"));
        await run.Run("guardian --from guardian2 --once --yes");
        Assert.That(run.Out, Does.Contain("pay 250.00 USD to iban-1").And.Contain("1 signed"));
        await run.Run("guardian --from guardian2 --once --yes");
        Assert.That(run.Out, Does.Contain("nothing was signed"));
        await run.Run("query release 1", ExitCode.Refused);
        await run.Run("guardian --from guardian3 --once --yes");
        await run.Until("query withdrawals", "released", 20);
        await run.Run("query release 1 --output json");
        string release = run.Write("release.json");
        await run.Run("query council guardians --output json");
        string guardians = run.Write("guardians.json");
        await run.Until("query proposals", "executed", 60);
        await run.Run("query chain --output json");
        Assert.That(run.Out, Does.Contain("\"difference\": \"0\"").And.Contain("\"leaving\": \"0\""));
        await run.EndNetwork();

        await run.Run($"verify-release {release} --guardians {guardians} --chain-id appchain-localnet");
        Assert.That(
            run.Out, Does.Contain("valid: 2 guardians have signed").And.Contain("250.00").And.Contain("iban-1"));
    }
}
