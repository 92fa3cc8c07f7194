using System;
using System.Collections.Generic;
using System.IO;
using System.IO.Pipelines;
using System.Linq;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Threading.Tasks;
using AppChain.Hsm;
using Google.Protobuf;
using NUnit.Framework;

namespace AppChain.Tests;

/// <summary>
/// The encrypted connection against published and recorded vectors, against itself, and against somebody in between.
/// </summary>
internal sealed class SecretConnectionTests
{
    private static readonly byte[] SecretA = [.. Enumerable.Range(1, 32).Select(i => (byte)i)];
    private static readonly byte[] SecretB = [.. Enumerable.Range(0x21, 32).Select(i => (byte)i)];

    [Test]
    public void Keccak_of_nothing_is_the_published_state()
    {
        ulong[] state = new ulong[KeccakF1600.Lanes];
        KeccakF1600.Permute(state);
        // First and last lane of Keccak-f[1600] of the zero state (Keccak team, KeccakF-1600-IntermediateValues).
        Assert.That(state[0], Is.EqualTo(0xF1258F7940E1DDE7));
        Assert.That(state[24], Is.EqualTo(0xEAF1FF7B5CECA249));
    }

    [Test]
    public void Merlin_gives_the_published_challenge()
    {
        MerlinTranscript transcript = new("test protocol");
        transcript.Append("some label", "some data"u8);
        Assert.That(Convert.ToHexStringLower(transcript.Challenge("challenge", 32)),
            Is.EqualTo("d5a21972d0d5fe320c0d263fac7fffb8145aa640af6e9bca177c03c7efcf0615"));
    }

    [Test]
    [Property("Spec", "SIGN-22")]
    public void Keys_of_the_reference_implementations_golden_file()
    {
        string[] rows = SharedData.Text("5_vectors", "cometbft_secret_connection_derive_secrets.golden.csv")
            .Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        foreach (string row in rows)
        {
            string[] values = row.Split(',');
            (byte[] receiveKey, byte[] sendKey) =
                Secrets.DeriveKeys(Convert.FromHexString(values[0]), bool.Parse(values[1]));
            Assert.That(Convert.ToHexStringLower(receiveKey), Is.EqualTo(values[2]));
            Assert.That(Convert.ToHexStringLower(sendKey), Is.EqualTo(values[3]));
        }
        Assert.That(rows, Has.Length.EqualTo(32));
    }

    [Test]
    [Property("Spec", "SIGN-21")]
    [Property("Spec", "SIGN-23")]
    public async Task Handshake_is_that_of_the_reference_byte_for_byte()
    {
        (Wire left, Wire right) = Wire.Pair();
        using SoftwareKey a = SoftwareKey.FromSeed([.. Enumerable.Repeat((byte)0x11, 32)]);
        using SoftwareKey b = SoftwareKey.FromSeed([.. Enumerable.Repeat((byte)0x22, 32)]);
        Task<SecretConnection> other = Task.Run(() => SecretConnection.Handshake(right, b, null, SecretB));
        using SecretConnection connection = SecretConnection.Handshake(left, a, null, SecretA);
        connection.Write([0x02, 0x3A, 0x00]);

        byte[] sent = left.Sent;
        Assert.That(Convert.ToHexStringLower(sent[..35]),
            Is.EqualTo("220a2007a37cbc142093c8b755dc1b10e86cb426374ad16aa853ed0bdfc0b2b86d1c7c"));
        byte[] frame0 = sent[35..1079];
        Assert.That(Convert.ToHexStringLower(frame0[..32]),
            Is.EqualTo("4d72b57b6c1a592cfb8694ae896675ffb3050026f0c601c1efd3f07e2a5bd73f"));
        Assert.That(Convert.ToHexStringLower(SHA256.HashData(frame0)),
            Is.EqualTo("d397e8a0cd554dc1be70a32b45b1cb1e2a0e2e43d1dd170d699acb41f5d3825f"));
        byte[] frame1 = sent[1079..];
        Assert.That(Convert.ToHexStringLower(SHA256.HashData(frame1)),
            Is.EqualTo("19b4afade639a44c69f2ae07564bcfdce988ea618c684403089fee2cc3292fee"));

        using SecretConnection theirs = await other;
        Assert.That(theirs.RemoteIdentity, Is.EqualTo(a.PublicKey));
        Assert.That(connection.RemoteIdentity, Is.EqualTo(b.PublicKey));
        byte[] received = new byte[3];
        theirs.ReadExactly(received);
        Assert.That(received, Is.EqualTo((byte[])[0x02, 0x3A, 0x00]));
    }

    /// <summary>
    /// The recorded handshakes of a real node, run again with the recorded ephemeral keys: the node's bytes are
    /// accepted, ours are the recorded ones up to the padding, which the recorder did not have to choose as we do.
    /// </summary>
    [Test]
    [Property("Spec", "SIGN-22")]
    public void Recorded_connections_of_a_real_node_open()
    {
        List<(byte[] Private, List<byte> In, List<byte> Out, string Identity)> connections = [];
        foreach (JsonElement line in SharedData.Lines(
            "7_cometbft_recordings", "f_signer_tcp", "privval_node0.jsonl.gz"))
        {
            if (!line.TryGetProperty("ev", out JsonElement kind)) continue;
            switch (kind.GetString())
            {
                case "ephemeral":
                    connections.Add((Convert.FromHexString(line.GetProperty("private").GetString()!), [], [], ""));
                    break;
                case "auth_ok":
                    connections[^1] = connections[^1] with
                    {
                        Identity = line.GetProperty("remote_identity").GetString()!,
                    };
                    break;
                case "wire":
                    bool isIn = line.GetProperty("dir").GetString() == "in";
                    (isIn ? connections[^1].In : connections[^1].Out)
                        .AddRange(line.GetProperty("frame").GetBytesFromBase64());
                    break;
            }
        }
        Assert.That(connections, Has.Count.EqualTo(2));
        using SoftwareKey identity = SoftwareKey.FromSeed([.. Enumerable.Repeat((byte)0x41, 32)]);
        foreach ((byte[] secret, List<byte> incoming, List<byte> outgoing, string remote) in connections)
        {
            using Replay replay = new([.. incoming]);
            using SecretConnection connection = SecretConnection.Handshake(replay, identity, null, secret);
            Assert.That(Convert.ToHexStringLower(connection.RemoteIdentity.Span), Is.EqualTo(remote));
            Assert.That(
                replay.Written.AsSpan(0, 35 + 32).SequenceEqual(outgoing.ToArray().AsSpan(0, 35 + 32)), Is.True);
            byte[] data = new byte[incoming.Count];
            int total = 0;
            while (connection.Read(data.AsSpan(total)) is int count and > 0) total += count;
            Assert.That(total, Is.GreaterThan(1000), "every frame opens");
        }
    }

    [TestCase(0)]
    [TestCase(1)]
    [TestCase(1023)]
    [TestCase(1024)]
    [TestCase(1025)]
    [TestCase(100_000)]
    public async Task Data_of_any_size_arrives(int size)
    {
        (SecretConnection a, SecretConnection b) = await Connect();
        byte[] data = new byte[size];
        new Random(size).NextBytes(data);
        a.Write(data);
        a.Write([42]);
        byte[] received = new byte[size + 1];
        b.ReadExactly(received);
        Assert.That(received, Is.EqualTo((byte[])[.. data, 42]));
        a.Dispose();
        Assert.That(b.Read(received), Is.Zero);
        b.Dispose();
    }

    /// <summary>Every way in which somebody in between can touch a frame ends the connection.</summary>
    [TestCase("change the length")]
    [TestCase("change the data")]
    [TestCase("change the tag")]
    [TestCase("repeat")]
    [TestCase("drop")]
    [TestCase("swap")]
    [TestCase("cut")]
    [Property("Spec", "SIGN-23")]
    public async Task Whatever_is_done_to_frames_is_noticed(string what)
    {
        const int frame = 1044;
        (Wire left, Wire right) = Wire.Pair();
        Task<SecretConnection> other = Task.Run(() => SecretConnection.Handshake(left, Key(1)));
        SecretConnection b = SecretConnection.Handshake(right, Key(2));
        SecretConnection a = await other;
        left.Held = [];
        a.Write(new byte[2048]);
        byte[] sent = [.. left.Held];
        Assert.That(sent, Has.Length.EqualTo(2 * frame));
        switch (what)
        {
            case "change the length":
                sent[0] ^= 1;
                break;
            case "change the data":
                sent[500] ^= 0x80;
                break;
            case "change the tag":
                sent[frame - 1] ^= 1;
                break;
            case "repeat":
                sent = [.. sent[..frame], .. sent[..frame]];
                break;
            case "drop":
                sent = sent[frame..];
                break;
            case "swap":
                sent = [.. sent[frame..], .. sent[..frame]];
                break;
            default:
                sent = sent[..(frame + 100)];
                break;
        }
        left.Held = null;
        left.Write(sent);
        left.Dispose();
        byte[] received = new byte[2048];
        Assert.That(() => b.ReadExactly(received), Throws.InstanceOf<IOException>());
    }

    [TestCase("0000000000000000000000000000000000000000000000000000000000000000")]
    [TestCase("0100000000000000000000000000000000000000000000000000000000000000")]
    [TestCase("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800")]
    [TestCase("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157")]
    [TestCase("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")]
    [TestCase("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")]
    [TestCase("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")]
    [Property("Spec", "SIGN-21")]
    public void Points_of_small_order_are_refused(string point)
    {
        using Replay replay = new([0x22, 0x0A, 0x20, .. Convert.FromHexString(point)]);
        Assert.That(() => SecretConnection.Handshake(replay, Key(1)),
            Throws.TypeOf<IOException>().With.Message.Contains("small order"));
    }

    [TestCase("", TestName = "Handshake: end at once")]
    [TestCase("220a2000", TestName = "Handshake: half a key")]
    [TestCase("230a21", TestName = "Handshake: another length")]
    [TestCase("22121f", TestName = "Handshake: another field")]
    [TestCase("220a1f", TestName = "Handshake: a short key")]
    [TestCase("474554202f20485454502f312e310d0a", TestName = "Handshake: a browser")]
    [Property("Spec", "SIGN-21")]
    public void Bytes_that_are_no_handshake_end_it(string hex)
    {
        byte[] padding = hex.Length > 8 || hex.Length == 6 ? new byte[40] : [];
        using Replay replay = new([.. Convert.FromHexString(hex), .. padding]);
        Assert.That(() => SecretConnection.Handshake(replay, Key(1)), Throws.InstanceOf<IOException>());
    }

    [Test]
    [Property("Spec", "SIGN-24")]
    public async Task An_identity_other_than_expected_is_refused()
    {
        (Wire left, Wire right) = Wire.Pair();
        Task<SecretConnection> other = Task.Run(() => SecretConnection.Handshake(left, Key(1)));
        Assert.That(() => SecretConnection.Handshake(right, Key(2), Key(3).PublicKey),
            Throws.TypeOf<IOException>().With.Message.Contains("as configured"));
        (await other).Dispose();
    }

    /// <summary>Somebody in between with two honest handshakes cannot pass an identity on.</summary>
    [Test]
    [Property("Spec", "SIGN-24")]
    public async Task A_borrowed_proof_of_identity_is_refused()
    {
        (Wire left, Wire right) = Wire.Pair();
        using SoftwareKey victim = Key(9);
        Task<SecretConnection> other = Task.Run(() => SecretConnection.Handshake(left, new Borrowed(victim)));
        Assert.That(() => SecretConnection.Handshake(right, Key(2), victim.PublicKey),
            Throws.TypeOf<IOException>().With.Message.Contains("could not prove its identity"));
        (await other).Dispose();
    }

    private static SoftwareKey Key(byte seed) => SoftwareKey.FromSeed([.. Enumerable.Repeat(seed, 32)]);

    private static async Task<(SecretConnection A, SecretConnection B)> Connect()
    {
        (Wire left, Wire right) = Wire.Pair();
        Task<SecretConnection> other = Task.Run(() => SecretConnection.Handshake(left, Key(1)));
        SecretConnection b = SecretConnection.Handshake(right, Key(2));
        return (await other, b);
    }

    /// <summary>Presents a signature that its owner made over other bytes.</summary>
    private sealed class Borrowed(SoftwareKey owner) : ISigningKey
    {
        public ByteString PublicKey => owner.PublicKey;

        public byte[] Sign(ReadOnlySpan<byte> message) => owner.Sign(Encoding.ASCII.GetBytes("another challenge"));

        public void Probe()
        {
        }

        public void Dispose()
        {
        }
    }

    /// <summary>Bytes to read, recorded earlier; what is written is kept.</summary>
    private sealed class Replay(byte[] incoming) : MemoryStream(incoming)
    {
        private readonly MemoryStream _written = new();

        public byte[] Written => _written.ToArray();

        public override void Write(byte[] buffer, int offset, int count) => _written.Write(buffer, offset, count);

        public override void Write(ReadOnlySpan<byte> buffer) => _written.Write(buffer);
    }

    /// <summary>One end of a two-way pipe that remembers, or holds back, what is sent.</summary>
    private sealed class Wire(PipeReader incoming, PipeWriter outgoing) : Stream
    {
        private readonly Stream _in = incoming.AsStream();
        private readonly Stream _out = outgoing.AsStream();
        private readonly MemoryStream _sent = new();

        public List<byte>? Held { get; set; }

        public byte[] Sent => _sent.ToArray();

        public override bool CanRead => true;

        public override bool CanWrite => true;

        public override bool CanSeek => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get; set; }

        public static (Wire Left, Wire Right) Pair()
        {
            PipeOptions options = new(pauseWriterThreshold: 0, useSynchronizationContext: false);
            Pipe forth = new(options);
            Pipe back = new(options);
            return (new Wire(back.Reader, forth.Writer), new Wire(forth.Reader, back.Writer));
        }

        public override int Read(byte[] buffer, int offset, int count) => _in.Read(buffer, offset, count);

        public override void Write(byte[] buffer, int offset, int count)
        {
            _sent.Write(buffer, offset, count);
            if (Held is not null) Held.AddRange(buffer.AsSpan(offset, count).ToArray());
            else _out.Write(buffer, offset, count);
        }

        public override void Flush() => _out.Flush();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing) _out.Dispose();
            base.Dispose(disposing);
        }
    }
}
