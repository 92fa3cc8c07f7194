using System;
using System.Collections.Generic;
using System.Linq;
using NUnit.Framework;

namespace AppChain.StateMachine.Tests;

/// <summary>
/// VAULT-7, VAULT-8: timelock and rolling caps against a twin that keeps the whole history and adds it up anew each
/// time, and against the exact window of 24 h, which the hours may only overstate.
/// </summary>
[TestFixture]
public sealed class VaultTwinTests
{
    private const long Hour = 3_600 * TestMarkets.Second;
    private const long Usd = 1_000_000;
    private static readonly string[] s_owners = ["alice", "bob", "carol"];

    private static readonly VaultTerms s_terms = new(
        [new TimelockTier(0, 0), new TimelockTier(300 * Usd, 1_800), new TimelockTier(700 * Usd, 7_200)],
        1_000 * Usd,
        1_800 * Usd,
        5_400);

    private sealed record Waiting(ulong Id, string Owner, long Amount, long Ready)
    {
        public long Due { get; set; } = Ready;

        public bool IsAdmitted { get; set; }

        public long Expiry { get; set; }
    }

    private readonly List<Waiting> _open = [];
    private readonly List<(long Time, string Owner, long Amount)> _released = [];
    private readonly List<(long Time, string Owner, long Amount)> _credited = [];
    private int _admissions;
    private int _held;

    [Test]
    public void Timelocks_and_caps_are_those_of_the_whole_history([Range(1, 6)] int seed)
    {
        var random = new Random(seed);
        var chain = new TestChain(TestMarkets.Genesis(
            Array.ConvertAll(s_owners, name => (name, 10_000_000L)),
            [TestMarkets.Simple()],
            vault: new GenesisVault(TestMarkets.Council("gina", "greta", "gus"), s_terms)));
        _open.Clear();
        _released.Clear();
        _credited.Clear();
        ulong next = 1;
        byte deposit = 0;
        for (int block = 0; block < 400; block++)
        {
            chain.BlockSeconds = random.Next(3) == 0 ? random.Next(1, 10_000) : random.Next(1, 900);
            long time = chain.Exchange.Time + (chain.BlockSeconds * TestMarkets.Second);
            if (random.Next(8) == 0 && deposit < byte.MaxValue)
            {
                string owner = Any(random);
                long usd = random.Next(1, 400);
                chain.Add("gina", Ops.Attest(++deposit, owner, usd));
                chain.Add("gus", Ops.Attest(deposit, owner, usd));
                _credited.Add((time, owner, usd * Usd));
            }

            if (random.Next(2) == 0 && _open.Count < 12)
            {
                string owner = Any(random);
                long usd = random.Next(1, random.Next(2) == 0 ? 900 : 60);
                chain.Add(owner, Ops.Withdraw(usd));
                _open.Add(new Waiting(next++, owner, usd * Usd, time + Timelock(owner, usd * Usd, time)));
            }

            Waiting? signed = _open.Find(one => one.IsAdmitted && one.Expiry > time);
            if (signed is not null && random.Next(3) > 0)
            {
                chain.Add("gina", Ops.Sign(chain, signed.Id));
                chain.Add("greta", Ops.Sign(chain, signed.Id));
                _open.Remove(signed);
                _released.Add((time, signed.Owner, signed.Amount));
            }

            Assert.That(chain.Step().Transactions.Select(result => result.Code), Is.All.EqualTo(ResultCode.Ok));
            Admit(time);
            Compare(chain, block);
        }

        Assert.That(_admissions, Is.GreaterThan(50));
        Assert.That(_held, Is.GreaterThan(20), "the caps held something back");
    }

    private void Admit(long time)
    {
        foreach (Waiting expired in _open.Where(one => one.IsAdmitted && one.Expiry <= time))
        {
            expired.IsAdmitted = false;
            expired.Due = time;
        }

        foreach (Waiting due in _open.Where(one => !one.IsAdmitted && one.Due <= time)
            .OrderBy(one => (one.Due, one.Id)).ToList())
        {
            bool fits = Taken(due.Owner, time) + due.Amount <= s_terms.OwnerCap
                && Taken(null, time) + due.Amount <= s_terms.TotalCap;
            if (!fits)
            {
                due.Due = ((time / Hour) + 1) * Hour;
                _held++;
                continue;
            }

            due.IsAdmitted = true;
            due.Expiry = time + (s_terms.ReleaseExpirySeconds * TestMarkets.Second);
            _admissions++;
            Assert.That(Exact(due.Owner, time), Is.LessThanOrEqualTo(s_terms.OwnerCap));
            Assert.That(Exact(null, time), Is.LessThanOrEqualTo(s_terms.TotalCap));
        }
    }

    private void Compare(TestChain chain, int block)
    {
        foreach (Waiting one in _open)
        {
            Assert.That(chain.TryFind(one.Id, out WithdrawalRow row), Is.True);
            Assert.That(row.ReadyTime, Is.EqualTo(one.Ready), $"timelock of {one.Id} in block {block}");
            Assert.That(
                row.State,
                Is.EqualTo(one.IsAdmitted ? WithdrawalState.Releasable : WithdrawalState.Waiting),
                $"withdrawal {one.Id} in block {block}");
        }
    }

    private long Timelock(string owner, long amount, long time)
    {
        long size = amount
            + _open.Where(one => one.Owner == owner).Sum(one => one.Amount)
            + Math.Max(0, Net(owner, time));
        return s_terms.Tiers.Last(tier => tier.AmountFrom <= size).Seconds * TestMarkets.Second;
    }

    // By hours: what left in the current one and the 24 before, less what came in in the current one and the 23 before.
    private long Net(string? owner, long time) =>
        _released.Where(one => IsOf(one.Owner, owner) && one.Time / Hour >= (time / Hour) - 24).Sum(one => one.Amount)
        - _credited.Where(one => IsOf(one.Owner, owner) && one.Time / Hour >= (time / Hour) - 23)
            .Sum(one => one.Amount);

    private long Taken(string? owner, long time) => Admitted(owner) + Net(owner, time);

    private long Exact(string? owner, long time) =>
        Admitted(owner)
        + _released.Where(one => IsOf(one.Owner, owner) && one.Time > time - (24 * Hour)).Sum(one => one.Amount)
        - _credited.Where(one => IsOf(one.Owner, owner) && one.Time > time - (24 * Hour)).Sum(one => one.Amount);

    private long Admitted(string? owner) =>
        _open.Where(one => one.IsAdmitted && IsOf(one.Owner, owner)).Sum(one => one.Amount);

    private static bool IsOf(string owner, string? wanted) => wanted is null || owner == wanted;

    private static string Any(Random random) => s_owners[random.Next(s_owners.Length)];
}
