using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using AppChain.Abci;
using AppChain.Abci.Wire.Types;
using AppChain.Hsm;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using NUnit.Framework;

namespace AppChain.Localnet.Tests;

public sealed class ValidatorSetTests
{
    /// <summary>Keys named A, B, C, … whose addresses ascend in that order.</summary>
    private static readonly ByteString[] Keys =
        [.. Enumerable.Range(1, 5).Select(seed => ByteString.CopyFrom(Enumerable.Repeat((byte)seed, 32).ToArray()))
            .OrderBy(key => BlockHashes.Address(key.Span), ByteOrder.Instance)];

    private static ValidatorChange Change(char name, long power) => new(Keys[name - 'A'], power);

    private static char NameOf(Validator member) => (char)('A' + Array.IndexOf(Keys, member.PublicKey));

    private static string Priorities(ValidatorSet set) =>
        string.Join(' ', set.Members.OrderBy(NameOf).Select(member => $"{NameOf(member)}{member.Priority}"));

    private static ValidatorSet FourByPower() =>
        ValidatorSet.Create([Change('A', 10), Change('B', 20), Change('C', 30), Change('D', 40)]);

    // C1
    [Test]
    public void Proposers_and_priorities_of_unequal_powers_follow_the_reference_table()
    {
        string[] priorities =
        [
            "A10 B20 C30 D-60", "A20 B40 C-40 D-20", "A30 B-40 C-10 D20", "A40 B-20 C20 D-40", "A-50 B0 C50 D0",
            "A-40 B20 C-20 D40", "A-30 B40 C10 D-20", "A-20 B-40 C40 D20", "A-10 B-20 C-30 D60", "A0 B0 C0 D0",
            "A10 B20 C30 D-60",
        ];
        ValidatorSet set = FourByPower();
        string proposers = "";
        foreach (string expected in priorities)
        {
            Assert.That(Priorities(set), Is.EqualTo(expected));
            proposers += NameOf(set.Proposer);
            set = set.Increment(1);
        }
        Assert.That(proposers, Is.EqualTo("DCBDACDBCDD"));
    }

    // C2
    [Test]
    public void Update_changes_adds_and_removes_as_in_the_reference()
    {
        ValidatorSet updated = FourByPower().Increment(3).Update([Change('B', 60), Change('E', 25), Change('A', 0)]);
        Assert.That(Priorities(updated), Is.EqualTo("B37 C77 D17 E-128"));
        Assert.That(new string([.. updated.Members.Select(NameOf)]), Is.EqualTo("BDCE"));
        ValidatorSet next = updated.Increment(1);
        Assert.That(NameOf(next.Proposer), Is.EqualTo('C'));
        Assert.That(Priorities(next), Is.EqualTo("B97 C-48 D57 E-103"));
    }

    [Test]
    public void Equal_powers_propose_in_turn_by_address()
    {
        ValidatorSet set = ValidatorSet.Create("DBCA".Select(name => Change(name, 1)));
        string proposers = "";
        for (int i = 0; i < 8; i++, set = set.Increment(1)) proposers += NameOf(set.Proposer);
        Assert.That(proposers, Is.EqualTo("ABCDABCD"));
    }

    [Test]
    public void The_hash_follows_members_and_powers_and_not_priorities()
    {
        ValidatorSet set = FourByPower();
        ByteString hash = set.Hash();
        Assert.That(set.Increment(1).Hash(), Is.EqualTo(hash));
        ValidatorSet changed = set.Increment(1).Update([Change('A', 999)]);
        Assert.That(changed.Hash(), Is.Not.EqualTo(hash));
        Assert.That(changed.Increment(1).Hash(), Is.EqualTo(new ValidatorSet([.. changed.Members], null).Hash()));
    }

    [Test]
    public void Increments_add_up()
    {
        ValidatorSet set = FourByPower();
        Assert.That(Priorities(set.Increment(3).Increment(4)), Is.EqualTo(Priorities(set.Increment(7))));
    }

    [Test]
    public void Each_member_proposes_in_proportion_to_its_power()
    {
        ValidatorSet set = ValidatorSet.Create([Change('A', 1000), Change('B', 300), Change('C', 330)]);
        Dictionary<char, int> turns = [];
        for (int i = 0; i < 1630; i++, set = set.Increment(1))
        {
            turns[NameOf(set.Proposer)] = turns.GetValueOrDefault(NameOf(set.Proposer)) + 1;
        }
        Assert.That(turns, Is.EquivalentTo(new Dictionary<char, int> { ['A'] = 1000, ['B'] = 300, ['C'] = 330 }));
    }

    // C2
    [Test]
    public void Illegal_updates_are_refused()
    {
        ValidatorSet set = FourByPower();
        Assert.Multiple(() =>
        {
            Assert.That(() => set.Update([Change('A', -1)]), Throws.TypeOf<ConsensusFailure>());
            Assert.That(() => set.Update([Change('E', 0)]), Throws.TypeOf<ConsensusFailure>());
            Assert.That(() => set.Update([Change('A', 1), Change('A', 2)]), Throws.TypeOf<ConsensusFailure>());
            Assert.That(() => set.Update([.. "ABCD".Select(name => Change(name, 0))]),
                Throws.TypeOf<ConsensusFailure>());
            Assert.That(() => set.Update([Change('E', ValidatorSet.MaximumTotalPower)]),
                Throws.TypeOf<ConsensusFailure>());
            Assert.That(() => ValidatorSet.Create([Change('A', 0)]), Throws.TypeOf<ConsensusFailure>());
            Assert.That(() => ValidatorSet.Create([]), Throws.TypeOf<ConsensusFailure>());
        });
    }

    [Test]
    public void Highest_total_power_does_not_overflow()
    {
        ValidatorSet set = ValidatorSet.Create([Change('A', ValidatorSet.MaximumTotalPower - 1), Change('B', 1)]);
        for (int i = 0; i < 100; i++) set = set.Increment(1);
        set = set.Update([Change('A', 0), Change('C', ValidatorSet.MaximumTotalPower - 1)]).Increment(1);
        Assert.That(set.TotalPower, Is.EqualTo(ValidatorSet.MaximumTotalPower));
        Assert.That(set.Members.Sum(member => (decimal)member.Priority), Is.EqualTo(0m).Within(2m));
    }

    // A vote names the place of its validator in the set. Addresses are looked up for own votes, once per proposal and
    // once per step of the priorities.
    [Explicit("figures: what looking up an address costs beside adding a vote")]
    [TestCase(4)]
    [TestCase(150)]
    public void Measure(int validators)
    {
        SoftwareKey[] keys = [.. Enumerable.Range(1, validators).Select(i => SoftwareKey.FromSeed(
            [.. Enumerable.Repeat((byte)i, 32)]))];
        ValidatorSet set = ValidatorSet.Create(keys.Select(key => new ValidatorChange(key.PublicKey, 10)));
        Vote[] votes = [.. set.Members.Select((member, i) => Signed(keys, member, i))];
        double lookUp = double.MaxValue, add = double.MaxValue, step = double.MaxValue;
        int found = 0;
        for (int run = 0; run < 50; run++)
        {
            VoteSet counted = new(
                TestNetwork.ChainId, 1, 0, SignedMsgType.Prevote, set, false, new VerifiedSignatures());
            add = Math.Min(add, Nanoseconds(validators, i => counted.Add(votes[i], out _)));
            Assert.That(counted.HasAll);
            lookUp = Math.Min(lookUp, Nanoseconds(1000, _ => found += set.IndexOf(set.Members[^1].Address)));
            step = Math.Min(step, Nanoseconds(100, _ => set.Increment(1)));
        }

        Assert.That(found, Is.EqualTo(50_000 * (validators - 1)));
        double height = 2 * validators * add;
        TestContext.Progress.WriteLine(
            $"{validators} validators: a vote added {add:0} ns, the last address looked up {lookUp:0} ns, a step of "
            + $"priorities {step:0} ns; four look-ups are {4 * lookUp / height:0.000000} of the votes of a height");
    }

    private static double Nanoseconds(int times, Action<int> action)
    {
        long started = Stopwatch.GetTimestamp();
        for (int i = 0; i < times; i++) action(i);
        return Stopwatch.GetElapsedTime(started).TotalNanoseconds / times;
    }

    private static Vote Signed(SoftwareKey[] keys, Validator member, int index)
    {
        var vote = new Vote
        {
            Type = SignedMsgType.Prevote,
            Height = 1,
            ValidatorIndex = index,
            ValidatorAddress = member.Address,
            BlockId = new BlockID { PartSetHeader = new PartSetHeader() },
            Timestamp = new Timestamp { Seconds = 1_800_000_000 },
        };
        SoftwareKey key = keys.Single(one => one.PublicKey == member.PublicKey);
        vote.Signature = ByteString.CopyFrom(key.Sign(SignBytes.Vote(TestNetwork.ChainId, vote)));
        return vote;
    }
}
