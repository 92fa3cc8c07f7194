using System;
using System.Text.Json;
using AppChain.Abci;
using AppChain.Abci.Wire.Types;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using NUnit.Framework;

namespace AppChain.Tests;

internal sealed class WireTimeTests
{
    [Test]
    public void Unset_time_takes_eleven_bytes()
    {
        Assert.That(Convert.ToHexStringLower(WireTime.Zero.ToByteArray()), Is.EqualTo("088092b8c398feffffff01"));
        Assert.That(WireTime.ToText(WireTime.Zero), Is.EqualTo("0001-01-01T00:00:00Z"));
        Assert.That(WireTime.Parse("0001-01-01T00:00:00Z"), Is.EqualTo(WireTime.Zero));
    }

    [TestCase("2023-05-17T14:12:53.088875124Z")]
    [TestCase("2026-01-01T00:00:00Z")]
    [TestCase("1969-12-31T23:59:59.5Z")]
    [TestCase("9999-12-31T23:59:59.999999999Z")]
    public void Text_survives_a_round_trip(string text)
    {
        Assert.That(WireTime.ToText(WireTime.Parse(text)), Is.EqualTo(text));
    }

    [TestCase("")]
    [TestCase("Z")]
    [TestCase("2026-01-01T00:00:00")]
    [TestCase("2026-01-01T00:00:00+01:00")]
    [TestCase("2026-01-01T00:00:00.Z")]
    [TestCase("2026-01-01T00:00:00.1234567890Z")]
    [TestCase("2026-01-01T00:00:00.-5Z")]
    [TestCase("2026-13-01T00:00:00Z")]
    [TestCase("2026-01-01 00:00:00Z")]
    public void Other_text_is_refused(string text)
    {
        Assert.That(() => WireTime.Parse(text), Throws.TypeOf<FormatException>());
    }

    [TestCase(0L, 0L, 0)]
    [TestCase(1L, 0L, 1)]
    [TestCase(-1L, -1L, 999_999_999)]
    [TestCase(long.MaxValue, 9223372036L, 854775807)]
    [TestCase(long.MinValue, -9223372037L, 145224192)]
    public void Nanoseconds_convert_both_ways(long nanoseconds, long seconds, int nanos)
    {
        Timestamp time = WireTime.FromNanoseconds(nanoseconds);
        Assert.That(time, Is.EqualTo(new Timestamp { Seconds = seconds, Nanos = nanos }));
        if (nanoseconds != long.MinValue) Assert.That(WireTime.ToNanoseconds(time), Is.EqualTo(nanoseconds));
    }

    [Test]
    public void Median_walks_by_weight_and_counts_nil_votes()
    {
        Validator[] validators = MiniChain.Validators();
        validators[3].VotingPower = 31;
        Commit commit = new()
        {
            Signatures =
            {
                MiniChain.Signed(validators[0], "2026-01-01T00:00:01Z"),
                MiniChain.Signed(validators[1], "2026-01-01T00:00:02Z"),
                MiniChain.Signed(validators[2], "2026-01-01T00:00:03Z"),
                MiniChain.Signed(validators[3], "2026-01-01T00:00:09Z"),
            },
        };
        commit.Signatures[3].BlockIdFlag = BlockIDFlag.Nil;
        Assert.That(WireTime.ToText(MedianTime.Of(commit, validators)), Is.EqualTo("2026-01-01T00:00:03Z"),
            "61 / 2 = 30 falls on the third");
        commit.Signatures[3].BlockIdFlag = BlockIDFlag.Absent;
        Assert.That(WireTime.ToText(MedianTime.Of(commit, validators)), Is.EqualTo("2026-01-01T00:00:02Z"));
        Assert.That(() => MedianTime.Of(new Commit(), validators), Throws.ArgumentException);
    }

    [TestCase("{}", "'version' is missing")]
    [TestCase("{\"version\":{\"block\":\"x\"}}", "'block' is not a natural number: 'x'")]
    [TestCase("[]", "'version' is missing")]
    [TestCase("{\"version\":{},\"height\":\"1\",\"time\":\"soon\"}", "not a time in RFC 3339 with zone Z: 'soon'")]
    [TestCase("{\"version\":{},\"height\":{}}", "'height' is neither text nor a number")]
    [TestCase("{\"version\":{},\"height\":1.5}", "'height' is not an integer: '1.5'")]
    [TestCase("{\"version\":{},\"last_block_id\":{\"parts\":{\"total\":1},\"hash\":\"xyz\"}}",
        "'hash' is not hex: 'xyz'")]
    [TestCase("{\"version\":{},\"chain_id\":\"\\ud800\"}", "'chain_id' is not valid text")]
    public void Bad_json_is_named(string text, string message)
    {
        JsonElement json = JsonDocument.Parse(text).RootElement;
        Assert.That(() => RpcJsonReader.Header(json), Throws.TypeOf<FormatException>().With.Message.EqualTo(message));
    }
}
