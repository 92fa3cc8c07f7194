using System;
using System.Buffers.Binary;
using System.IO;
using System.Security.Cryptography;
using System.Text;

namespace AppChain.Hsm;

/// <summary>What both sides of a secret connection derive from their ephemeral keys. Rule SIGN-22.</summary>
internal sealed class Secrets : IDisposable
{
    private static readonly byte[] KeyInfo =
        Encoding.ASCII.GetBytes("TENDERMINT_SECRET_CONNECTION_KEY_AND_CHALLENGE_GEN");

    private Secrets(byte[] receiveKey, byte[] sendKey, byte[] challenge)
    {
        ReceiveKey = receiveKey;
        SendKey = sendKey;
        Challenge = challenge;
    }

    /// <summary>Opens what the other side sealed.</summary>
    public byte[] ReceiveKey { get; }

    /// <summary>Seals what this side sends.</summary>
    public byte[] SendKey { get; }

    /// <summary>The end of the transcript, signed by both identities.</summary>
    public byte[] Challenge { get; }

    /// <exception cref="IOException">The other point is of small order.</exception>
    public static Secrets Derive(ReadOnlySpan<byte> secret, ReadOnlySpan<byte> ours, ReadOnlySpan<byte> theirs)
    {
        Span<byte> shared = stackalloc byte[Sodium.ExchangeSize];
        if (!Sodium.TryExchange(secret, theirs, shared))
        {
            throw new IOException("the other side sent a point of small order: the secret would be known to everyone");
        }
        bool isLower = ours.SequenceCompareTo(theirs) < 0;
        MerlinTranscript transcript = new("TENDERMINT_SECRET_CONNECTION_TRANSCRIPT_HASH");
        transcript.Append("EPHEMERAL_LOWER_PUBLIC_KEY", isLower ? ours : theirs);
        transcript.Append("EPHEMERAL_UPPER_PUBLIC_KEY", isLower ? theirs : ours);
        transcript.Append("DH_SECRET", shared);
        (byte[] receiveKey, byte[] sendKey) = DeriveKeys(shared, isLower);
        CryptographicOperations.ZeroMemory(shared);
        return new Secrets(receiveKey, sendKey, transcript.Challenge("SECRET_CONNECTION_MAC", 32));
    }

    /// <summary>
    /// The two keys of a shared secret. The side whose ephemeral key is lower receives with the first.
    /// </summary>
    public static (byte[] ReceiveKey, byte[] SendKey) DeriveKeys(ReadOnlySpan<byte> shared, bool isLower)
    {
        const int size = Sodium.SealKeySize;
        // A third of the output is for a challenge that the protocol no longer uses.
        Span<byte> material = stackalloc byte[3 * size];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, shared, material, [], KeyInfo);
        byte[] first = material[..size].ToArray();
        byte[] second = material[size..(2 * size)].ToArray();
        CryptographicOperations.ZeroMemory(material);
        return isLower ? (first, second) : (second, first);
    }

    /// <summary>Wipes the keys; the ciphers have copies.</summary>
    public void Dispose()
    {
        CryptographicOperations.ZeroMemory(ReceiveKey);
        CryptographicOperations.ZeroMemory(SendKey);
    }
}

/// <summary>One direction of a secret connection: a key, and a nonce that counts frames from 0.</summary>
internal sealed class FrameCipher : IDisposable
{
    private readonly byte[] _key;
    private readonly byte[] _nonce = new byte[Sodium.FrameNonceSize];
    private ulong _count;

    public FrameCipher(ReadOnlySpan<byte> key) => _key = key.ToArray();

    public void Seal(ReadOnlySpan<byte> plain, Span<byte> sealedBytes) =>
        Sodium.SealFrame(_key, NextNonce(), plain, [], sealedBytes);

    public bool TryOpen(ReadOnlySpan<byte> sealedBytes, Span<byte> plain) =>
        Sodium.TryOpenFrame(_key, NextNonce(), sealedBytes, [], plain);

    public void Dispose() => CryptographicOperations.ZeroMemory(_key);

    private byte[] NextNonce()
    {
        BinaryPrimitives.WriteUInt64LittleEndian(_nonce.AsSpan(sizeof(uint)), _count);
        // BOUND: a nonce is never used twice; checked arithmetic ends the connection after 2^64 frames.
        _count++;
        return _nonce;
    }
}
