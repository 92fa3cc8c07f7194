using System;
using System.Collections.Generic;
using System.Linq;
using NUnit.Framework;

namespace AppChain.StateMachine.Tests;

/// <summary>What somebody could try who knows the rules of the vault well, and what must come of it.</summary>
[TestFixture]
public sealed class VaultAttackTests
{
    private const long Usd = 1_000_000;

    // VAULT-8: the sums of all owners are kept under the zero address, to which anybody can deposit.
    [Test]
    public void A_deposit_to_the_address_that_no_key_has_lifts_the_cap_of_all_once()
    {
        TestChain chain = Chain(TestMarkets.Council("gina", "greta", "gus"), cap: 100);
        var lost = new Operation
        {
            Kind = OperationKind.AttestDeposit,
            Content = new DepositAttestation(new Sha256Digest([9, .. new byte[31]]), default, 60 * Usd),
        };
        chain.Add("gina", lost);
        chain.Add("gus", lost);
        chain.Step();
        chain.Add("alice", Ops.Withdraw(100));
        chain.Add("bob", Ops.Withdraw(61));
        chain.Add("bob", Ops.Withdraw(60));
        chain.Step();
        Assert.That(StateOf(chain, 1), Is.EqualTo(WithdrawalState.Releasable));
        Assert.That(
            StateOf(chain, 2),
            Is.EqualTo(WithdrawalState.Waiting),
            "60 came in and 161 would go out under a cap of 100");
        Assert.That(StateOf(chain, 3), Is.EqualTo(WithdrawalState.Releasable));
    }

    // VAULT-3: fewer members than the threshold may not keep the others from proposing.
    [Test]
    public void Members_who_propose_without_end_leave_room_for_every_other_member()
    {
        string[] names = [.. Enumerable.Range(0, 16).Select(number => $"member{number}")];
        CouncilTerms council = TestMarkets.Council(names) with { Threshold = 16 };
        TestChain chain = Chain(council, cap: 100);
        var policy = new VaultPolicy(council, Terms(100));
        foreach (string hostile in names.Take(15))
        {
            chain.Add(hostile, [.. Enumerable.Repeat(Ops.Propose(policy), 8)]);
        }

        chain.Step();
        Assert.That(chain.Run(names[15], Ops.Propose(policy)).Code, Is.EqualTo(ResultCode.Ok));
    }

    // G5: a signature names the chain id, so those of the chain before complete nothing.
    [Test]
    public void A_chain_with_another_id_that_goes_on_from_rows_begins_the_signatures_of_a_release_anew(
        [Values] bool sameId)
    {
        TestChain chain = Chain(TestMarkets.Council("gina", "greta", "gus"), cap: 100);
        chain.Run("alice", Ops.Withdraw(60));
        chain.Run("gina", Ops.Sign(chain, 1));
        var genesis = new Genesis
        {
            ChainId = sameId ? "test-1" : "test-2",
            InitialHeight = chain.Exchange.Height + 1,
            Time = chain.Exchange.Time,
            Validators = [TestMarkets.ValidatorOf(0)],
            Markets = [],
            Accounts = [],
            InsuranceFund = 0,
        };
        var rows = new List<KeyValuePair<byte[], byte[]>>();
        foreach ((string key, byte[] value) in chain.Rows)
        {
            rows.Add(new KeyValuePair<byte[], byte[]>(Convert.FromHexString(key), value));
        }

        IReadOnlyList<RowChange> first = Exchange.FromRows(rows, genesis).Commit();
        byte[] wanted = RowChange.KeyOf<ulong, WithdrawalRow>(1);
        RowChange found = first.Single(row => row.Key.AsSpan().SequenceEqual(wanted));
        var keyReader = new ByteReader(wanted.AsSpan(1));
        var valueReader = new ByteReader(found.Value);
        WithdrawalRow withdrawal = WithdrawalRow.Decode(ref keyReader, ref valueReader);
        Assert.That(withdrawal.State, Is.EqualTo(WithdrawalState.Releasable));
        Assert.That(CouncilRow.Count(withdrawal.Signers), Is.EqualTo(sameId ? 1 : 0));
        Assert.That(withdrawal.Signatures, Has.Length.EqualTo(sameId ? WithdrawalRow.SignedSize : 0));
    }

    private static TestChain Chain(CouncilTerms guardians, long cap) => new(TestMarkets.Genesis(
        [("alice", 1_000), ("bob", 1_000)], [TestMarkets.Simple()], vault: new GenesisVault(guardians, Terms(cap))));

    private static VaultTerms Terms(long cap) => new([new TimelockTier(0, 0)], cap * Usd, cap * Usd, 3_600);

    private static WithdrawalState StateOf(TestChain chain, ulong id)
    {
        Assert.That(chain.TryFind(id, out WithdrawalRow row), Is.True);
        return row.State;
    }
}
