using System;
using System.Security.Cryptography;
using AppChain.Hsm;
using AppChain.StateMachine;

namespace AppChain.Node;

/// <summary>
/// A key that signs the bodies of transactions of one chain: in memory, or in a device that signs only digests and
/// never shows the key. Dispose it to forget the key or to close the device.
/// </summary>
public sealed class TransactionSigner : IDisposable
{
    private readonly byte[] _secretKey = [];
    private readonly Pkcs11Key? _device;
    private readonly byte[] _publicKey;

    /// <summary>Signs with a secret key for a chain.</summary>
    /// <exception cref="CryptographicException">The 32 bytes are not a secret key of secp256k1.</exception>
    public TransactionSigner(ReadOnlySpan<byte> secretKey, string chainId)
    {
        _publicKey = Secp256k1.PublicKeyOf(secretKey);
        _secretKey = secretKey.ToArray();
        ChainId = chainId;
        Owner = TransactionCodec.AddressOf(_publicKey);
    }

    /// <summary>Signs with a secp256k1 key in a device, which is disposed of with this.</summary>
    public TransactionSigner(Pkcs11Key device, string chainId)
    {
        ArgumentNullException.ThrowIfNull(device);
        _device = device;
        _publicKey = device.PublicKey.ToByteArray();
        ChainId = chainId;
        Owner = TransactionCodec.AddressOf(_publicKey);
    }

    /// <summary>The chain that the signatures are for.</summary>
    public string ChainId { get; }

    /// <summary>The owner that the key stands for.</summary>
    public Address Owner { get; }

    /// <summary>Compressed public key, 33 bytes.</summary>
    public ReadOnlySpan<byte> PublicKey => _publicKey;

    /// <summary>The bytes of a signed transaction with this body (TX-4).</summary>
    /// <exception cref="System.IO.IOException">The device is lost or gave a signature that does not verify.</exception>
    public byte[] Sign(ReadOnlySpan<byte> body)
    {
        Span<byte> digest = stackalloc byte[TransactionCodec.DigestSize];
        TransactionCodec.ComputeDigest(ChainId, body, digest);
        return TransactionCodec.Join(body, _publicKey, SignDigest(digest));
    }

    /// <summary>A release with a guardian's signature (VAULT-9).</summary>
    /// <exception cref="System.IO.IOException">The device is lost or gave a signature that does not verify.</exception>
    public ReleaseSignature Sign(Release release)
    {
        Span<byte> digest = stackalloc byte[TransactionCodec.DigestSize];
        ReleaseMessage.ComputeDigest(ChainId, release, digest);
        return new ReleaseSignature(release, [.. SignDigest(digest)]);
    }

    private byte[] SignDigest(ReadOnlySpan<byte> digest)
    {
        byte[] signature = new byte[SigningKey.SignatureSize];
        if (_device is not null)
        {
            _device.Sign(digest).CopyTo(signature);
        }
        else
        {
            Secp256k1.Sign(_secretKey, digest, signature);
        }

        return signature;
    }

    /// <summary>Overwrites the secret key, or closes the device.</summary>
    public void Dispose()
    {
        CryptographicOperations.ZeroMemory(_secretKey);
        _device?.Dispose();
    }
}
