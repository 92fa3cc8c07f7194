using System;
using System.Collections.Generic;
using System.IO;
using AppChain.Abci;
using AppChain.Abci.Wire;
using FsCheck;
using FsCheck.Fluent;
using Google.Protobuf;
using NUnit.Framework;

namespace AppChain.Tests;

internal sealed class FrameTests
{
    /// <summary>Complete frames, derived from the protocol's description.</summary>
    private static IEnumerable<TestCaseData> GoldenFrames()
    {
        yield return Case(new Request { Echo = new RequestEcho { Message = "hello" } }, "090a070a0568656c6c6f");
        yield return Case(new Response { Echo = new ResponseEcho { Message = "hello" } }, "0912070a0568656c6c6f");
        yield return Case(new Request { Flush = new RequestFlush() }, "021200");
        yield return Case(new Response { Flush = new ResponseFlush() }, "021a00");
        yield return Case(new Request
        {
            Info = new RequestInfo { Version = "0.38.25", BlockVersion = 11, P2PVersion = 8, AbciVersion = "2.0.0" },
        }, "161a140a07302e33382e3235100b18082205322e302e30");
        yield return Case(new Request { Commit = new RequestCommit() }, "025a00");
        yield return Case(new Response { Commit = new ResponseCommit() }, "026200");
        yield return Case(new Response { Commit = new ResponseCommit { RetainHeight = 5 } }, "0462021805");
        yield return Case(new Request { CheckTx = new RequestCheckTx { Tx = Utf8("a=1") } }, "0742050a03613d31");
        yield return Case(new Request
        {
            CheckTx = new RequestCheckTx { Tx = Utf8("a=1"), Type = CheckTxType.Recheck },
        }, "0942070a03613d311001");
        yield return Case(new Response { CheckTx = new ResponseCheckTx { GasWanted = 1 } }, "044a022801");
        yield return Case(new Response
        {
            ProcessProposal = new ResponseProcessProposal { Status = ProposalStatus.Accept },
        }, "059201020801");
        yield return Case(new Response
        {
            ProcessProposal = new ResponseProcessProposal { Status = ProposalStatus.Reject },
        }, "059201020802");
        yield return Case(new Response
        {
            ExtendVote = new ResponseExtendVote { VoteExtension = Utf8("abc") },
        }, "089a01050a03616263");
        yield return Case(new Response
        {
            VerifyVoteExtension = new ResponseVerifyVoteExtension { Status = VerifyStatus.Accept },
        }, "05a201020801");
        yield return Case(new Response { Exception = new ResponseException { Error = "boom" } }, "080a060a04626f6f6d");
    }

    [TestCaseSource(nameof(GoldenFrames))]
    public void Frame_has_its_golden_bytes(IMessage message, string expected)
    {
        using MemoryStream stream = new();
        FrameWriter writer = new(stream);
        writer.Write(message);
        writer.Flush();
        Assert.That(Convert.ToHexStringLower(stream.ToArray()), Is.EqualTo(expected));
        stream.Position = 0;
        FrameReader reader = new(stream, 100);
        Assert.That(reader.TryRead(out ReadOnlySpan<byte> body), Is.True);
        Assert.That(message.Descriptor.Parser.ParseFrom(body.ToArray()), Is.EqualTo(message));
        Assert.That(reader.TryRead(out _), Is.False);
    }

    [Test]
    public void Lengths_survive_a_round_trip()
    {
        Prop.ForAll(ArbMap.Default.ArbFor<int>(), number =>
        {
            uint value = (uint)(number & int.MaxValue);
            Span<byte> bytes = stackalloc byte[Frame.PrefixBytesMax];
            int size = Frame.WritePrefix(bytes, value);
            return size == Frame.PrefixSize(value)
                && Frame.TryReadPrefix(bytes[..size], int.MaxValue, out int read, out int used)
                && (uint)read == value && used == size
                && !Frame.TryReadPrefix(bytes[..(size - 1)], int.MaxValue, out _, out _);
        }).QuickCheckThrowOnFailure();
    }

    [TestCase("ffffffffffffffffff02", "frame length is not a number")]
    [TestCase("ffffffffffffffffffffff", "frame length is not a number")]
    [TestCase("ffffffffffffffffff01", "frame of 18446744073709551615 bytes exceeds the limit of 1000")]
    [TestCase("e907", "frame of 1001 bytes exceeds the limit of 1000")]
    public void Impossible_lengths_are_malformed(string hex, string message)
    {
        byte[] bytes = Convert.FromHexString(hex);
        Assert.That(() => Frame.TryReadPrefix(bytes, 1000, out _, out _),
            Throws.TypeOf<MalformedFrameException>().With.Message.EqualTo(message));
    }

    [Test]
    public void Frames_of_all_sizes_arrive_whole_however_the_stream_is_cut()
    {
        Random random = new(5);
        List<byte[]> bodies = [];
        using MemoryStream whole = new();
        byte[] prefix = new byte[Frame.PrefixBytesMax];
        foreach (int size in (int[])[0, 1, 127, 128, 70_000, 3, 5_000_000, 0, 65_536, 12, 9_000_000, 1])
        {
            byte[] body = new byte[size];
            random.NextBytes(body);
            bodies.Add(body);
            whole.Write(prefix, 0, Frame.WritePrefix(prefix, (uint)size));
            whole.Write(body);
        }
        FrameReader reader = new(new DrippingStream(whole.ToArray(), random), Frame.DefaultBytesMax);
        foreach (byte[] body in bodies)
        {
            Assert.That(reader.TryRead(out ReadOnlySpan<byte> frame), Is.True);
            Assert.That(frame.SequenceEqual(body), Is.True, $"frame of {body.Length} bytes");
        }
        Assert.That(reader.TryRead(out _), Is.False);
    }

    [Test]
    public void A_stream_that_ends_inside_a_frame_is_malformed()
    {
        FrameReader reader = new(new MemoryStream([5, 1, 2]), 100);
        Assert.That(() => reader.TryRead(out _),
            Throws.TypeOf<MalformedFrameException>().With.Message.EqualTo("connection ended inside a frame"));
    }

    [Test]
    public void An_announced_length_alone_takes_no_memory()
    {
        byte[] prefix = new byte[Frame.PrefixBytesMax];
        int size = Frame.WritePrefix(prefix, 120_000_000);
        FrameReader reader = new(new MemoryStream(prefix, 0, size), Frame.DefaultBytesMax);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.That(() => reader.TryRead(out _), Throws.TypeOf<MalformedFrameException>());
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.LessThan(1_000_000));
    }

    private static TestCaseData Case(IMessage message, string hex) =>
        new TestCaseData(message, hex).SetArgDisplayNames(hex);

    private static ByteString Utf8(string text) => ByteString.CopyFromUtf8(text);

    /// <summary>Gives out its bytes in pieces of random size.</summary>
    private sealed class DrippingStream(byte[] bytes, Random random) : Stream
    {
        private int _at;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => bytes.Length;

        public override long Position { get => _at; set => throw new NotSupportedException(); }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override int Read(Span<byte> buffer)
        {
            int count = Math.Min(Math.Min(buffer.Length, bytes.Length - _at), random.Next(1, 40_000));
            bytes.AsSpan(_at, count).CopyTo(buffer);
            _at += count;
            return count;
        }

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
