using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using AppChain.Margin;
using NUnit.Framework;

namespace AppChain.StateMachine.Tests.Oracle;

/// <summary>ORACLE-1: the bytes of a vote extension.</summary>
public sealed class PriceVoteTests
{
    private const long Millisecond = 1_000_000;
    private const long Time = 1_760_000_000_000 * Millisecond;

    private static readonly PriceReport[] Sample =
    [
        new(1, 12_345_678, 150, Time),
        new(2, 400_000, 0, Time - (250 * Millisecond)),
        new(300, 1, 1, Time - (2_097_151 * Millisecond)),
    ];

    [Test]
    public void Reports_survive_the_round_trip()
    {
        Assert.That(PriceVote.TryDecode(PriceVote.Encode(Sample), out ImmutableArray<PriceReport> decoded), Is.True);
        Assert.That(decoded, Is.EqualTo(Sample));
    }

    [Test]
    public void No_reports_are_no_bytes()
    {
        Assert.That(PriceVote.Encode([]), Is.Empty);
        Assert.That(PriceVote.TryDecode([], out ImmutableArray<PriceReport> decoded), Is.True);
        Assert.That(decoded, Is.Empty);
    }

    [Test]
    public void Random_reports_survive_and_take_at_most_twenty_bytes_each()
    {
        var random = new Random(1);
        for (int i = 0; i < 5_000; i++)
        {
            PriceReport[] reports = RandomReports(random);
            byte[] bytes = PriceVote.Encode(reports);
            Assert.That(PriceVote.TryDecode(bytes, out ImmutableArray<PriceReport> decoded), Is.True);
            Assert.That(
                bytes, Has.Length.LessThanOrEqualTo(8 + (20 * decoded.Length)).And.Length.LessThanOrEqualTo(1024));
            Assert.That(decoded, Is.EqualTo(reports.Take(decoded.Length)));
            Assert.That(8 + (18 * (decoded.Length + 1)) > 1024 || decoded.Length == reports.Length, Is.True);
        }
    }

    [Test]
    public void Any_change_of_one_byte_gives_nothing_or_other_reports()
    {
        byte[] good = PriceVote.Encode(Sample);
        for (int i = 0; i < good.Length; i++)
        {
            for (int value = 0; value < 256; value++)
            {
                byte[] bad = (byte[])good.Clone();
                bad[i] = (byte)value;
                if (PriceVote.TryDecode(bad, out ImmutableArray<PriceReport> decoded))
                {
                    Assert.That(PriceVote.Encode(decoded.AsSpan()), Is.EqualTo(bad), $"byte {i} = {value}");
                    Assert.That(decoded.SequenceEqual(Sample), Is.EqualTo(value == good[i]));
                }
            }

            Assert.That(PriceVote.TryDecode(good.AsSpan(0, i), out _), Is.EqualTo(i == 0), $"cut at {i}");
        }

        Assert.That(PriceVote.TryDecode([.. good, 0], out _), Is.False);
    }

    [Test]
    public void Random_bytes_never_throw_and_decode_only_from_their_own_encoding()
    {
        var random = new Random(2);
        int decodedCount = 0;
        for (int i = 0; i < 200_000; i++)
        {
            byte[] bytes = RandomBytes(random);
            if (PriceVote.TryDecode(bytes, out ImmutableArray<PriceReport> decoded))
            {
                decodedCount++;
                Assert.That(PriceVote.Encode(decoded.AsSpan()), Is.EqualTo(bytes));
            }
        }

        Assert.That(decodedCount, Is.GreaterThan(1_000));
    }

    // One validator with such an extension would otherwise stop every node that executes the block.
    [TestCase("0180808080808008010101000000", TestName = "A_time_beyond_63_bits_of_nanoseconds_is_refused")]
    [TestCase("01ffffffffff7f0101ffffffffffffffffff010000", TestName = "A_price_of_64_bits_is_refused")]
    [TestCase("01c0843d0101010201", TestName = "A_confidence_above_the_price_is_refused")]
    [TestCase("01c0843d0101010100", TestName = "The_same_with_a_fitting_confidence_is_accepted")]
    [TestCase("01c0843d0101010101", TestName = "A_base_time_that_no_report_has_is_refused")]
    [TestCase("01c0843d010101818000" + "00", TestName = "A_long_form_varint_is_refused")]
    [TestCase("01c0843d00", TestName = "A_list_of_nothing_is_refused")]
    [TestCase("01c0843d020201000001010000", TestName = "Descending_markets_are_refused")]
    [TestCase("01c0843d020101000001010000", TestName = "A_market_twice_is_refused")]
    [TestCase("01c0843d0100010000", TestName = "Market_zero_is_refused")]
    [TestCase("02c0843d0101010100", TestName = "Another_version_is_refused")]
    public void Rules_of_the_encoding(string hex)
    {
        bool accepted = TestContext.CurrentContext.Test.Name.EndsWith("accepted", StringComparison.Ordinal);
        Assert.That(PriceVote.TryDecode(Convert.FromHexString(hex), out _), Is.EqualTo(accepted));
    }

    [Test]
    public void Reports_out_of_range_are_left_out_and_the_others_stay()
    {
        PriceReport good = new(5, 100, 1, Time);
        PriceReport[] reports =
        [
            new(1, 0, 0, Time), new(2, 100, 101, Time), new(3, 100, -1, Time), new(4, Limits.PriceMax + 1, 0, Time),
            good, new(6, 100, 1, -5), new(7, 100, 1, Time - (3_000_000 * Millisecond)), new(70_000, 1, 0, Time),
        ];
        Assert.That(PriceVote.TryDecode(PriceVote.Encode(reports), out ImmutableArray<PriceReport> decoded), Is.True);
        Assert.That(decoded, Is.EqualTo(new[] { good }));
    }

    [Test]
    public void All_64_markets_fit_at_plausible_prices()
    {
        PriceReport[] reports = Enumerable.Range(1, 64)
            .Select(
                i => new PriceReport((uint)i * 1_000, (1L << 35) - 1, (1L << 35) - 1, Time - (i * 20L * Millisecond)))
            .ToArray();
        Assert.That(PriceVote.TryDecode(PriceVote.Encode(reports), out ImmutableArray<PriceReport> decoded), Is.True);
        Assert.That(decoded, Has.Length.EqualTo(64));
    }

    private static PriceReport[] RandomReports(Random random)
    {
        var markets = new SortedSet<uint>();
        int count = random.Next(65);
        while (markets.Count < count)
        {
            markets.Add((uint)random.Next(1, random.Next(2) == 0 ? 200 : 65_536));
        }

        return markets.Select(market =>
        {
            long price = random.NextInt64(1, 1L << random.Next(1, 41));
            long age = random.Next(random.Next(2) == 0 ? 500 : 1_000_000);
            return new PriceReport(market, price, random.NextInt64(price + 1), Time - (age * Millisecond));
        }).ToArray();
    }

    private static byte[] RandomBytes(Random random)
    {
        byte[] bytes = random.Next(3) == 0 ? new byte[random.Next(60)] : PriceVote.Encode(RandomReports(random));
        if (bytes.Length < 60 && random.Next(4) == 0)
        {
            random.NextBytes(bytes);
        }

        for (int i = random.Next(3); i > 0 && bytes.Length > 0; i--)
        {
            bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
        }

        return bytes;
    }
}
