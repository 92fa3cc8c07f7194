using System;
using System.Buffers.Binary;
using System.IO;
using System.Security.Cryptography;
using AppChain.Abci;
using AppChain.Abci.Wire.Crypto;
using AppChain.Abci.Wire.P2p;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace AppChain.Hsm;

/// <summary>
/// CometBFT's encrypted connection, as nodes and signers speak it over TCP: ephemeral X25519, a Merlin transcript,
/// HKDF-SHA256, frames sealed with ChaCha20-Poly1305, and an Ed25519 identity key on each side that signs the
/// transcript. Both sides do the same. One thread may read while another writes. Rules SIGN-21 to SIGN-24.
/// </summary>
public sealed class SecretConnection : Stream
{
    /// <summary>Most data bytes in one frame.</summary>
    public const int DataBytesMax = 1024;

    private const int LengthSize = sizeof(uint);
    private const int FrameSize = LengthSize + DataBytesMax;
    private const int SealedFrameSize = FrameSize + Sodium.SealTagSize;
    private const int HelloSize = 2 + Sodium.ExchangeSize;
    // BOUND: an identity message has 103 bytes with its length; one of another key type would have a few more.
    private const int IdentityBytesMax = 1024;

    private readonly Stream _inner;
    private readonly FrameCipher _sender;
    private readonly FrameCipher _receiver;
    private readonly byte[] _sealedIn = new byte[SealedFrameSize];
    private readonly byte[] _plainIn = new byte[FrameSize];
    private readonly byte[] _plainOut = new byte[FrameSize];
    private int _start;
    private int _end;

    private SecretConnection(Stream inner, Secrets secrets)
    {
        _inner = inner;
        _sender = new FrameCipher(secrets.SendKey);
        _receiver = new FrameCipher(secrets.ReceiveKey);
    }

    /// <summary>The identity key the other side has proven to hold.</summary>
    public ByteString RemoteIdentity { get; private set; } = ByteString.Empty;

    /// <summary>Shakes hands over a connected stream, which the connection then owns.</summary>
    /// <param name="stream">A connected byte stream. Its time-outs apply to the handshake too.</param>
    /// <param name="identity">This side's identity: never a consensus key, because the other side influences the bytes
    /// it signs here.</param>
    /// <param name="expected">The identity the other side must have; null to take any, which proves nothing about who
    /// it is.</param>
    /// <exception cref="IOException">The other side does not keep to the protocol, or is not the expected
    /// one.</exception>
    public static SecretConnection Handshake(Stream stream, ISigningKey identity, ByteString? expected = null)
    {
        byte[] ephemeral = new byte[Sodium.ExchangeSize];
        Sodium.FillRandom(ephemeral);
        try
        {
            return Handshake(stream, identity, expected, ephemeral);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(ephemeral);
        }
    }

    /// <summary>With a given ephemeral secret, for recorded handshakes.</summary>
    internal static SecretConnection Handshake(
        Stream stream, ISigningKey identity, ByteString? expected, ReadOnlySpan<byte> ephemeral)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(identity);
        Span<byte> ours = stackalloc byte[Sodium.ExchangeSize];
        Sodium.ExchangePoint(ephemeral, ours);
        stream.Write([HelloSize, 0x0A, Sodium.ExchangeSize, .. ours]);
        stream.Flush();
        ReadOnlySpan<byte> theirs = ReadHello(stream);

        using Secrets secrets = Secrets.Derive(ephemeral, ours, theirs);
        SecretConnection connection = new(stream, secrets);
        connection.ProveIdentities(identity, expected, secrets.Challenge);
        return connection;
    }

    /// <inheritdoc/>
    public override bool CanRead => true;

    /// <inheritdoc/>
    public override bool CanWrite => true;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    /// <summary>
    /// Waits for at least one byte. 0 when the other side ended the connection between two frames; which of the two
    /// machines, or somebody in between, did so is not protected.
    /// </summary>
    public override int Read(Span<byte> buffer)
    {
        if (buffer.IsEmpty) return 0;
        // A frame may carry no data; it says nothing.
        while (_start == _end)
        {
            if (!TryReadFrame()) return 0;
        }
        int count = Math.Min(buffer.Length, _end - _start);
        _plainIn.AsSpan(_start, count).CopyTo(buffer);
        _start += count;
        return count;
    }

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        int frames = (buffer.Length + DataBytesMax - 1) / DataBytesMax;
        byte[] sealedFrames = new byte[frames * SealedFrameSize];
        for (int i = 0; i < frames; i++)
        {
            ReadOnlySpan<byte> rest = buffer[(i * DataBytesMax)..];
            ReadOnlySpan<byte> data = rest[..Math.Min(DataBytesMax, rest.Length)];
            Array.Clear(_plainOut);
            BinaryPrimitives.WriteUInt32LittleEndian(_plainOut, (uint)data.Length);
            data.CopyTo(_plainOut.AsSpan(LengthSize));
            _sender.Seal(_plainOut, sealedFrames.AsSpan(i * SealedFrameSize, SealedFrameSize));
        }
        _inner.Write(sealedFrames);
    }

    /// <inheritdoc/>
    public override void Flush() => _inner.Flush();

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _inner.Dispose();
            _sender.Dispose();
            _receiver.Dispose();
        }
        base.Dispose(disposing);
    }

    private static byte[] ReadHello(Stream stream)
    {
        byte[] hello = new byte[1 + HelloSize];
        stream.ReadExactly(hello);
        try
        {
            if (hello[0] != HelloSize) throw new MalformedFrameException("the other side did not send a key");
            ByteString point = BytesValue.Parser.Read(hello.AsSpan(1, HelloSize)).Value;
            return point.Length == Sodium.ExchangeSize
                ? point.ToByteArray()
                : throw new MalformedFrameException("the other side's key does not have 32 bytes");
        }
        catch (MalformedMessageException error)
        {
            throw new MalformedFrameException("the other side did not send a key", error);
        }
    }

    private void ProveIdentities(ISigningKey identity, ByteString? expected, ReadOnlySpan<byte> challenge)
    {
        AuthSigMessage ours = new()
        {
            PubKey = new PublicKey { Ed25519 = identity.PublicKey },
            Sig = ByteString.CopyFrom(identity.Sign(challenge)),
        };
        FrameWriter writer = new(this);
        writer.Write(ours);
        writer.Flush();

        AuthSigMessage theirs = ReadIdentity();
        ByteString key = theirs.PubKey?.SumCase == PublicKey.SumOneofCase.Ed25519
            ? theirs.PubKey.Ed25519
            : throw new MalformedFrameException("the other side's identity is not an Ed25519 key");
        if (!Sodium.VerifyStrict(key.Span, challenge, theirs.Sig.Span))
        {
            throw new IOException("the other side could not prove its identity: somebody may sit in between");
        }
        if (expected is not null && key != expected)
        {
            throw new IOException($"the other side is {Convert.ToHexStringLower(key.Span)}, "
                + $"not {Convert.ToHexStringLower(expected.Span)} as configured");
        }
        RemoteIdentity = key;
    }

    /// <summary>Reads byte by byte, because what follows belongs to the user of the connection.</summary>
    private AuthSigMessage ReadIdentity()
    {
        byte[] bytes = new byte[IdentityBytesMax + Frame.PrefixBytesMax];
        int count = 0;
        while (true)
        {
            this.ReadExactly(bytes, count++, 1);
            if (Frame.TryReadPrefix(bytes.AsSpan(0, count), IdentityBytesMax, out int length, out int prefix))
            {
                this.ReadExactly(bytes, prefix, length);
                return Parse(bytes.AsSpan(prefix, length));
            }
        }
    }

    private static AuthSigMessage Parse(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return AuthSigMessage.Parser.Read(bytes);
        }
        catch (MalformedMessageException error)
        {
            throw new MalformedFrameException("the other side sent no identity", error);
        }
    }

    private bool TryReadFrame()
    {
        int count = _inner.ReadAtLeast(_sealedIn, SealedFrameSize, throwOnEndOfStream: false);
        if (count == 0) return false;
        if (count < SealedFrameSize) throw new MalformedFrameException("the connection ended inside a frame");
        if (!_receiver.TryOpen(_sealedIn, _plainIn))
        {
            throw new MalformedFrameException("a frame was changed on its way, lost or repeated");
        }
        uint length = BinaryPrimitives.ReadUInt32LittleEndian(_plainIn);
        if (length > DataBytesMax) throw new MalformedFrameException($"a frame claims to hold {length} bytes");
        _start = LengthSize;
        _end = LengthSize + (int)length;
        return true;
    }
}
