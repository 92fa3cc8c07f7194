using System;
using System.Collections.Generic;
using System.IO;
using AppChain.Abci;
using AppChain.Abci.Wire;
using Google.Protobuf;
using NUnit.Framework;

namespace AppChain.Tests;

/// <summary>
/// Messages from bytes of others: either they are one, or there is one exception that says they are not.
/// </summary>
[TestFixture]
internal sealed class MessageReadingTests
{
    // The parser cuts a length to 32 bits and adds it to its position.
    private static readonly ulong[] s_lengths =
    [
        5, 0x7FFF_FFF0, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFF0, 0xFFFF_FFFF, 0x7FFF_FFFF_FFFF_FFFF,
        0x7FFF_FFFF_7FFF_FFFF, 0xFFFF_FFFF_7FFF_FFFF, 0xFFFF_FFFF_FFFF_FFF0, ulong.MaxValue,
    ];

    [Test]
    public void A_sound_message_is_read()
    {
        var request = new Request { Echo = new RequestEcho { Message = "hello" } };
        Assert.That(Request.Parser.Read(request.ToByteArray()), Is.EqualTo(request));
        Assert.That(Request.Parser.Read([]), Is.EqualTo(new Request()));
    }

    [TestCaseSource(nameof(Overruns))]
    public void A_length_beyond_the_end_is_malformed(string hex)
    {
        Assert.That(
            () => Request.Parser.Read(Convert.FromHexString(hex)),
            Throws.TypeOf<MalformedMessageException>().And.InstanceOf<IOException>());
    }

    [TestCase("0A", TestName = "A tag without its value is malformed")]
    [TestCase("FFFFFFFFFFFFFFFFFFFFFF", TestName = "A number without end is malformed")]
    [TestCase("07", TestName = "An unknown wire type is malformed")]
    [TestCase("0B0B0B", TestName = "Groups without end are malformed")]
    public void Other_damage_is_malformed(string hex)
    {
        Assert.That(() => Request.Parser.Read(Convert.FromHexString(hex)), Throws.TypeOf<MalformedMessageException>());
    }

    // The length of a known field (an Echo with its text, a CheckTx with its bytes) and of an unknown one, at the
    // start, within the nested message and after sound fields.
    private static IEnumerable<string> Overruns()
    {
        byte[] sound = new Request { Echo = new RequestEcho { Message = "hello" } }.ToByteArray();
        foreach (ulong length in s_lengths)
        {
            // What follows is an unknown field and whole: otherwise the parser stops before it has left the buffer.
            string field = Convert.ToHexString(Varint(length)) + "3A00";
            foreach (string tag in new[] { "0A", "42", "FA7F" })
            {
                yield return tag + field;
                yield return Convert.ToHexString(sound) + tag + field;
                yield return $"0A{(tag.Length + field.Length) / 2:X2}{tag}{field}";
                yield return $"42{(tag.Length + field.Length) / 2:X2}{tag}{field}";
            }
        }
    }

    private static byte[] Varint(ulong value)
    {
        using var stream = new MemoryStream();
        using (var coded = new CodedOutputStream(stream, leaveOpen: true)) coded.WriteUInt64(value);
        return stream.ToArray();
    }
}
