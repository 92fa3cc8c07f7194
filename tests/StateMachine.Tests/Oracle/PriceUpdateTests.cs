using System;
using System.Collections.Immutable;
using System.Linq;
using NUnit.Framework;

namespace AppChain.StateMachine.Tests.Oracle;

/// <summary>ORACLE-2: the price update of a proposer who may lie. One test per rule.</summary>
[Property("Spec", "ORACLE-2")]
public sealed class PriceUpdateTests
{
    private const int Round = 3;
    private const long Time = 1_760_000_000_000_000_000;

    private static readonly ImmutableArray<Validator> Validators =
        [
            TestMarkets.ValidatorOf(0, 40), TestMarkets.ValidatorOf(1, 30), TestMarkets.ValidatorOf(2, 20),
            TestMarkets.ValidatorOf(3, 10),
        ];

    private static readonly ImmutableArray<bool> AllCommitted = [true, true, true, true];

    private static PriceUpdateEntry Entry(long price) =>
        new(true, PriceVote.Encode([new PriceReport(1, price, 2, Time)]), [.. Enumerable.Repeat((byte)price, 64)]);

    private static PriceUpdate Update(params PriceUpdateEntry[] entries) =>
        new() { Round = Round, Entries = [.. entries] };

    private static PriceUpdate Good() => Update(Entry(100), Entry(101), Entry(102), Entry(103));

    [Test]
    public void A_complete_update_is_valid_and_names_each_validator_by_our_own_set()
    {
        PriceUpdate update = Good();
        Assert.That(update.Check(Validators, AllCommitted, Round), Is.EqualTo(PriceUpdateVerdict.Valid));
        ImmutableArray<ValidatorReports> reports = update.Reports(Validators);
        Assert.That(reports.Select(said => said.Validator), Is.EqualTo(Validators.Select(v => v.Address)));
        Assert.That(reports.Select(said => said.Reports.Single().Price), Is.EqualTo(new long[] { 100, 101, 102, 103 }));
    }

    [Test]
    public void A_wrong_round_is_refused() =>
        Assert.That(Good().Check(Validators, AllCommitted, Round + 1), Is.EqualTo(PriceUpdateVerdict.WrongRound));

    [TestCase(3)]
    [TestCase(5)]
    public void A_wrong_count_is_refused(int count)
    {
        PriceUpdate update = Update([.. Enumerable.Repeat(Entry(100), count)]);
        Assert.That(update.Check(Validators, AllCommitted, Round), Is.EqualTo(PriceUpdateVerdict.WrongCount));
        ImmutableArray<bool> flags = [.. Enumerable.Repeat(true, count)];
        Assert.That(Good().Check(Validators, flags, Round), Is.EqualTo(PriceUpdateVerdict.WrongCount));
    }

    [Test]
    public void An_extension_of_a_validator_that_did_not_commit_is_refused() =>
        Assert.That(
            Good().Check(Validators, [true, true, true, false], Round), Is.EqualTo(PriceUpdateVerdict.NotCommitted));

    [Test]
    public void An_extension_that_does_not_decode_is_refused()
    {
        PriceUpdate update = Update(Entry(100), Entry(101), Entry(102), Entry(103) with { Extension = [9] });
        Assert.That(update.Check(Validators, AllCommitted, Round), Is.EqualTo(PriceUpdateVerdict.BadExtension));
        Assert.That(update.Reports(Validators), Has.Length.EqualTo(3));
    }

    [Test]
    public void An_empty_extension_counts_as_valid()
    {
        PriceUpdateEntry empty = Entry(1) with { Extension = [] };
        PriceUpdate update = Update(empty, empty, empty, empty);
        Assert.That(update.Check(Validators, AllCommitted, Round), Is.EqualTo(PriceUpdateVerdict.Valid));
    }

    // 40 + 20 of 100 are less than two thirds, 40 + 30 are more: only so much may be left out.
    [Test]
    public void An_update_without_two_thirds_of_the_power_is_refused()
    {
        PriceUpdate omits = Update(Entry(100), PriceUpdateEntry.Absent, Entry(102), PriceUpdateEntry.Absent);
        Assert.That(omits.Check(Validators, AllCommitted, Round), Is.EqualTo(PriceUpdateVerdict.TooLittlePower));
        PriceUpdate prunes = Update(Entry(100), Entry(101), PriceUpdateEntry.Absent, PriceUpdateEntry.Absent);
        Assert.That(prunes.Check(Validators, AllCommitted, Round), Is.EqualTo(PriceUpdateVerdict.Valid));
        ImmutableArray<Validator> three = [.. Enumerable.Range(0, 3).Select(i => TestMarkets.ValidatorOf(i, 10))];
        PriceUpdate exact = Update(Entry(100), Entry(101), PriceUpdateEntry.Absent);
        Assert.That(exact.Check(three, [true, true, true], Round), Is.EqualTo(PriceUpdateVerdict.TooLittlePower));
    }

    [Test]
    public void Powers_near_the_limit_of_consensus_do_not_overflow()
    {
        ImmutableArray<Validator> heavy =
        [
            .. Enumerable.Range(0, 4).Select(i => TestMarkets.ValidatorOf(i, long.MaxValue / 8)),
        ];
        Assert.That(Good().Check(heavy, AllCommitted, Round), Is.EqualTo(PriceUpdateVerdict.Valid));
    }

    [Test]
    public void It_survives_the_round_trip_and_no_other_bytes_mean_the_same()
    {
        byte[] good = Update(Entry(100), PriceUpdateEntry.Absent, Entry(102) with { Extension = [] }).Encode();
        PriceUpdate? decoded = PriceUpdate.Decode(good);
        Assert.That(decoded, Is.Not.Null);
        Assert.That(decoded!.Encode(), Is.EqualTo(good));
        Assert.That(PriceUpdate.IsClaimedBy(good), Is.True);
        for (int i = 0; i < good.Length; i++)
        {
            Assert.That(PriceUpdate.Decode(good.AsSpan(0, i)), Is.Null, $"cut at {i}");
            for (int value = 0; value < 256; value++)
            {
                byte[] bad = (byte[])good.Clone();
                bad[i] = (byte)value;
                if (PriceUpdate.Decode(bad) is { } other)
                {
                    Assert.That(other.Encode(), Is.EqualTo(bad), $"byte {i} = {value}");
                }
            }
        }

        Assert.That(PriceUpdate.Decode([.. good, 0]), Is.Null);
    }

    [TestCase("", TestName = "Nothing_is_no_update")]
    [TestCase("00", TestName = "A_marker_alone_is_no_update")]
    [TestCase("00020000", TestName = "Another_version_is_refused_here")]
    [TestCase("0001808080800800", TestName = "A_round_beyond_31_bits_is_refused")]
    [TestCase("0001800000", TestName = "A_long_form_round_is_refused")]
    [TestCase("00010081" + "02", TestName = "More_entries_than_validators_may_be_are_refused")]
    [TestCase("0001000102", TestName = "A_flag_beyond_one_is_refused")]
    [TestCase("000100010181ffffffffffffffff01", TestName = "A_length_beyond_the_bytes_is_refused")]
    public void Malformed(string hex) => Assert.That(PriceUpdate.Decode(Convert.FromHexString(hex)), Is.Null);

    [Test]
    public void An_extension_above_1024_bytes_is_refused()
    {
        byte[] bytes = Update(Entry(1) with { Extension = new byte[1_025] }).Encode();
        Assert.That(PriceUpdate.Decode(bytes), Is.Null);
        Assert.That(PriceUpdate.Decode(Update(Entry(1) with { Extension = new byte[1_024] }).Encode()), Is.Not.Null);
    }

    [Test]
    public void Random_bytes_never_throw()
    {
        var random = new Random(3);
        byte[] good = Good().Encode();
        for (int i = 0; i < 100_000; i++)
        {
            byte[] bytes = (byte[])good.Clone();
            for (int changes = random.Next(1, 5); changes > 0; changes--)
            {
                bytes[random.Next(random.Next(2) == 0 ? 8 : bytes.Length)] = (byte)random.Next(256);
            }

            PriceUpdate? update = PriceUpdate.Decode(bytes.AsSpan(0, random.Next(bytes.Length + 1)));
            update?.Check(Validators, AllCommitted, Round);
            update?.Reports(Validators);
        }
    }

    [Test]
    public void The_reports_of_an_update_too_long_or_too_short_are_those_of_our_own_validators()
    {
        Assert.That(Update(Entry(1)).Reports(Validators), Has.Length.EqualTo(1));
        Assert.That(Update([.. Enumerable.Repeat(Entry(1), 9)]).Reports(Validators), Has.Length.EqualTo(4));
    }
}
