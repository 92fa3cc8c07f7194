using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using NUnit.Framework;

namespace AppChain.StateMachine.Tests;

/// <summary>
/// VAULT-17: guardians decide who votes. An engine of four lines hears what the blocks tell it and must have, at every
/// height, the set that the rows name.
/// </summary>
[TestFixture]
public sealed class ValidatorPowersTests
{
    private readonly Dictionary<string, long> _engine = [];
    private ulong _proposals;

    [Test]
    public void VAULT_17_A_validator_joins_and_votes_two_blocks_later()
    {
        TestChain chain = Chain();
        BlockResult executed = Decide(chain, Change(9, 0, 15));
        Assert.That(executed.ValidatorUpdates.Single().Power, Is.EqualTo(15));
        ExchangeEvent said = executed.Events.Single(e => e.Kind == EventKind.ValidatorPowerChanged);
        Assert.That((said.OrderId, (long)said.Amount, (long)said.Amount2), Is.EqualTo((1UL, 15L, 0L)));
        Assert.That(said.Quantity, Is.EqualTo(executed.Height + 2));
        Assert.That(said.Data, Is.EqualTo(TestMarkets.ValidatorOf(9).PublicKey.ToArray()));
        Assert.That(chain.Exchange.ValidatorsAt(executed.Height + 1), Has.Length.EqualTo(4));
        ImmutableArray<Validator> after = chain.Exchange.ValidatorsAt(executed.Height + 2);
        Assert.That(after[0], Is.EqualTo(TestMarkets.ValidatorOf(9, 15)).Using<Validator>(Same), "the greatest first");
        Assert.That(Step(chain).ValidatorUpdates, Is.Empty);
    }

    [Test]
    public void VAULT_17_A_validator_leaves_and_its_word_on_prices_is_forgotten()
    {
        TestChain chain = Chain();
        BlockResult executed = Decide(chain, Change(0, 10, 0));
        Assert.That(executed.ValidatorUpdates.Single().Power, Is.Zero);
        var word = new ReportKey(1, TestMarkets.ValidatorOf(0).Address);
        Assert.That(chain.TryFind(word, out ReportRow _), Is.True);
        // V(H − 1) speaks in block H: the last word is taken in two blocks after the last vote.
        for (int block = 0; block < 3; block++) Step(chain);
        Assert.That(chain.TryFind(word, out ReportRow _), Is.False);
        Assert.That(chain.TryFind(word with { Validator = TestMarkets.ValidatorOf(1).Address }, out ReportRow _));
    }

    [Test]
    public void VAULT_17_What_was_decided_does_not_bring_back_whom_evidence_removed()
    {
        TestChain chain = Chain();
        Propose(chain, Change(0, 10, 12));
        BlockResult punished = Punish(chain, TestMarkets.ValidatorOf(0));
        Assert.That(punished.ValidatorUpdates.Single().Power, Is.Zero);
        // For seven days it waits for a validator with that power.
        chain.BlockSeconds = 3_600;
        BlockResult last;
        do
        {
            last = Step(chain);
            Assert.That(last.ValidatorUpdates, Is.Empty);
        }
        while (chain.TryFind(1UL, out ProposalRow _));

        Assert.That(
            last.Events.Select(e => (e.Kind, (ProposalState)e.Reason)),
            Does.Contain((EventKind.ProposalClosed, ProposalState.Expired)));
        Assert.That(Decide(chain, Change(0, 0, 10)).ValidatorUpdates.Single().Power, Is.EqualTo(10), "by name it can");
    }

    // The set that votes on the block of the evidence is not the newest one for two blocks.
    [Test]
    public void VAULT_17_Evidence_leaves_a_change_alone_that_is_on_its_way()
    {
        TestChain chain = Chain();
        BlockResult decided = Decide(chain, Change(1, 10, 12));
        BlockResult punished = Punish(chain, TestMarkets.ValidatorOf(0));
        Assert.That(punished.ValidatorUpdates.Single().Power, Is.Zero, "of the guilty, and of nobody else");
        Validator changed = TestMarkets.ValidatorOf(1, 12);
        Assert.That(PowerIn(chain.Exchange.ValidatorsAt(decided.Height + 2), changed), Is.EqualTo(12));
        ImmutableArray<Validator> after = chain.Exchange.ValidatorsAt(punished.Height + 2);
        Assert.That(after, Has.Length.EqualTo(3));
        Assert.That(PowerIn(after, changed), Is.EqualTo(12));
        for (int block = 0; block < 3; block++) Assert.That(Step(chain).ValidatorUpdates, Is.Empty);
    }

    [Test]
    public void VAULT_17_Of_two_in_one_block_the_later_one_waits_for_the_next_hour()
    {
        TestChain chain = Chain();
        chain.Add("gina", Ops.Propose(Powers(Change(0, 10, 11))), Ops.Propose(Powers(Change(1, 10, 11))));
        chain.Add("greta", Approve(1), Approve(2));
        Step(chain);
        Assert.That(Step(chain).ValidatorUpdates, Has.Length.EqualTo(1));
        Assert.That(Step(chain).ValidatorUpdates, Is.Empty);
        chain.BlockSeconds = 3_600;
        Assert.That(Step(chain).ValidatorUpdates.Single().Power, Is.EqualTo(11));
    }

    // Power before and after of validators 0 to 4, of which four have 10 each.
    [TestCase(true, 0, 10, 0)]
    [TestCase(true, 0, 10, 11, 1, 10, 9)]
    [TestCase(true, 4, 0, 19)]
    [TestCase(false, 4, 0, 20)]
    [TestCase(true, 0, 10, 0, 1, 10, 7)]
    [TestCase(false, 0, 10, 0, 1, 10, 6)]
    [TestCase(true, 0, 10, 0, 4, 0, 10)]
    [TestCase(false, 0, 10, 0, 1, 10, 0)]
    [TestCase(false, 4, 10, 0)]
    [TestCase(false, 0, 9, 0)]
    [TestCase(false, 0, 0, 10)]
    public void VAULT_17_Less_than_a_third_of_the_power_leaves_and_joins(bool isAllowed, params int[] changes)
    {
        TestChain chain = Chain();
        BlockResult executed = Decide(
            chain, [.. changes.Chunk(3).Select(one => Change(one[0], one[1], one[2]))]);
        Assert.That(executed.ValidatorUpdates.Length > 0, Is.EqualTo(isAllowed));
        Assert.That(chain.TryFind(1UL, out ProposalRow proposal));
        Assert.That(proposal.State, Is.EqualTo(isAllowed ? ProposalState.Executed : ProposalState.Approved));
    }

    [Test]
    public void VAULT_17_A_proposal_has_one_form()
    {
        PowerChange[] sorted =
        [
            .. Enumerable.Range(0, ValidatorPowers.ChangesMax + 1).Select(i => Change(i, 0, 1))
                .OrderBy(change => Convert.ToHexString(change.PublicKey.AsSpan())),
        ];
        Assert.That(Code(), Is.EqualTo(ResultCode.InvalidPolicy));
        Assert.That(Code(sorted[..^1]), Is.EqualTo(ResultCode.Ok));
        Assert.That(Code(sorted), Is.EqualTo(ResultCode.Malformed));
        Assert.That(Code(sorted[1], sorted[0]), Is.EqualTo(ResultCode.InvalidPolicy));
        Assert.That(Code(sorted[0], sorted[0]), Is.EqualTo(ResultCode.InvalidPolicy));
        Assert.That(Code(Change(0, 10, 10)), Is.EqualTo(ResultCode.InvalidPolicy));
        Assert.That(Code(Change(0, 0, ValidatorPowers.TotalMax)), Is.EqualTo(ResultCode.Ok));
        Assert.That(Code(Change(0, 0, ValidatorPowers.TotalMax + 1)), Is.EqualTo(ResultCode.InvalidPolicy));
        Assert.That(Code(new PowerChange([1, 2, 3], 1, 0)), Is.EqualTo(ResultCode.InvalidPolicy));
        Assert.That(
            Chain().Run("tara", Ops.Propose(Powers(Change(0, 0, 1)))).Code, Is.EqualTo(ResultCode.NotCouncilMember));

        ResultCode Code(params PowerChange[] changes)
        {
            byte[] encoded = [.. VaultEncoder.EncodeProposal(new ValidatorPowers([.. changes]))];
            return ProposalDecoder.Decode(encoded) is { } content
                ? Chain().Run("gina", Ops.Propose(content)).Code
                : ResultCode.Malformed;
        }
    }

    [Test]
    public void The_engine_has_the_set_of_the_rows_whatever_is_decided([Range(1, 8)] int seed)
    {
        var random = new Random(seed);
        TestChain chain = Chain();
        int changed = 0;
        for (int block = 0; block < 300; block++)
        {
            chain.BlockSeconds = random.Next(4) == 0 ? 3_600 : 1;
            if (random.Next(3) > 0)
            {
                changed += Step(chain).ValidatorUpdates.Length;
                continue;
            }

            ImmutableArray<Validator> before = chain.Exchange.ValidatorsAt(long.MaxValue);
            BlockResult executed = Decide(chain, [.. Draw(random, before)]);
            changed += executed.ValidatorUpdates.Length;
            ImmutableArray<Validator> after = chain.Exchange.ValidatorsAt(long.MaxValue);
            long kept = before.Sum(one => Math.Min(one.Power, PowerIn(after, one)));
            Assert.That(3 * kept, Is.GreaterThan(2 * before.Sum(one => one.Power)), "who decided before decides still");
            Assert.That(3 * kept, Is.GreaterThan(2 * after.Sum(one => one.Power)));
            if (chain.TryFind(_proposals, out ProposalRow proposal) && proposal.State == ProposalState.Approved)
            {
                chain.Add("gina", Veto(_proposals));
                chain.Add("gus", Veto(_proposals));
                Step(chain);
            }

            if (random.Next(10) == 0) chain.Restart();
        }

        Assert.That(changed, Is.GreaterThan(20));
    }

    private static IEnumerable<PowerChange> Draw(Random random, ImmutableArray<Validator> set)
    {
        foreach (int number in Enumerable.Range(0, 8).OrderBy(_ => random.Next()).Take(random.Next(1, 3)))
        {
            long before = PowerIn(set, TestMarkets.ValidatorOf(number));
            long said = before + (random.Next(12) == 0 ? 1 : 0);
            long wanted = random.Next(3) == 0 && before > 0 ? 0 : random.Next(8, 14);
            if (wanted == said) wanted++;
            yield return Change(number, said, wanted);
        }
    }

    private static long PowerIn(ImmutableArray<Validator> set, Validator wanted) =>
        set.FirstOrDefault(one => one.Address == wanted.Address).Power;

    private static bool Same(Validator left, Validator right) =>
        left.Address == right.Address && left.Power == right.Power
        && left.PublicKey.AsSpan().SequenceEqual(right.PublicKey.AsSpan());

    private TestChain Chain(int power = 10)
    {
        var chain = new TestChain(TestMarkets.Genesis([("alice", 1_000)], [TestMarkets.Simple()]));
        _engine.Clear();
        _proposals = 0;
        foreach (Validator validator in chain.Exchange.ValidatorsAt(1))
        {
            _engine[Convert.ToHexString(validator.PublicKey.AsSpan())] = power;
        }

        chain.Price(1, 1_000);
        Step(chain);
        Step(chain);
        return chain;
    }

    private static PowerChange Change(int number, long before, long after) =>
        new(TestMarkets.ValidatorOf(number).PublicKey, after, before);

    private static ValidatorPowers Powers(params PowerChange[] changes) => new(
        [.. changes.OrderBy(change => Convert.ToHexString(change.PublicKey.AsSpan()), StringComparer.Ordinal)]);

    private static Operation Approve(ulong id) =>
        new() { Kind = OperationKind.ApproveProposal, Content = new NumberedTarget(id) };

    private static Operation Veto(ulong id) =>
        new() { Kind = OperationKind.VetoProposal, Content = new NumberedTarget(id) };

    private void Propose(TestChain chain, params PowerChange[] changes)
    {
        chain.Add("gina", Ops.Propose(Powers(changes)));
        chain.Add("greta", Approve(++_proposals));
        Assert.That(Step(chain).Transactions.Select(result => result.Code), Is.All.EqualTo(ResultCode.Ok));
    }

    // The block that executes the proposal comes after the one that approves it.
    private BlockResult Decide(TestChain chain, params PowerChange[] changes)
    {
        Propose(chain, changes);
        return Step(chain);
    }

    // The next block, with evidence against a validator.
    private BlockResult Punish(TestChain chain, Validator guilty)
    {
        Block plain = chain.Next();
        BlockResult punished = chain.Exchange.Execute(new Block
        {
            Height = plain.Height,
            Time = plain.Time,
            PriceUpdate = plain.PriceUpdate,
            Transactions = plain.Transactions,
            UndecodedCodes = plain.UndecodedCodes,
            Misbehavior = [new Misbehavior(MisbehaviorKind.DuplicateVote, guilty.Address, plain.Height - 1)],
        });
        chain.Exchange.Commit();
        Hear(punished);
        return punished;
    }

    private BlockResult Step(TestChain chain)
    {
        BlockResult result = chain.Step();
        Hear(result);
        Validator[] expected =
        [
            .. chain.Exchange.ValidatorsAt(result.Height + 2)
                .Select(validator => validator with
                {
                    Power = _engine.GetValueOrDefault(Convert.ToHexString(validator.PublicKey.AsSpan())),
                })
                .OrderByDescending(validator => validator.Power)
                .ThenBy(validator => Convert.ToHexString(validator.Address.ToArray()), StringComparer.Ordinal),
        ];
        Assert.That(chain.Exchange.ValidatorsAt(result.Height + 2), Is.EqualTo(expected).Using<Validator>(Same));
        Assert.That(expected, Has.Length.EqualTo(_engine.Count));
        return result;
    }

    private void Hear(BlockResult result)
    {
        foreach (ValidatorUpdate update in result.ValidatorUpdates)
        {
            string key = Convert.ToHexString(update.PublicKey.AsSpan());
            Assert.That(update.Power != 0 || _engine.ContainsKey(key), "an engine refuses who was never there");
            if (update.Power == 0) _engine.Remove(key);
            else _engine[key] = update.Power;
        }
    }
}
