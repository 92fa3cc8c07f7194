using System;
using System.Threading;
using Google.Protobuf;

namespace AppChain.Hsm;

/// <summary>
/// A key in a device. It is looked up by the labels of token and key; when the device is lost, the next signature opens
/// it again, and insists that it holds the same key. Every signature is verified before it is released (HSM-3).
/// </summary>
public sealed class Pkcs11Key : ISigningKey
{
    private readonly Pkcs11Module _module;
    private readonly string _token;
    private readonly string _label;
    private readonly Func<string> _pin;
    private readonly Lock _lock = new();
    private readonly Pkcs11KeyInfo _key;
    private Pkcs11Session? _session;
    private nuint _handle;
    private long _generation;

    // A PIN that the device refused is not tried again, however often a signature is asked for.
    private string? _refusedPin;

    private Pkcs11Key(Pkcs11Module module, string token, string label, Func<string> pin)
    {
        _module = module;
        _token = token;
        _label = label;
        _pin = pin;
        using Pkcs11Module.Use use = module.InUse();
        _key = Connect();
        PublicKey = ByteString.CopyFrom(_key.PublicKey);
    }

    /// <summary>Kind of the key.</summary>
    public Pkcs11KeyType Type => _key.Type;

    /// <inheritdoc/>
    public ByteString PublicKey { get; }

    /// <summary>Opens a key.</summary>
    /// <param name="module">File of the module.</param>
    /// <param name="token">Label of the token.</param>
    /// <param name="label">Label of the key.</param>
    /// <param name="pin">Gives the PIN, now and whenever the device must be opened again.</param>
    /// <exception cref="Pkcs11Exception">Module, token or key is missing, or the PIN is wrong.</exception>
    public static Pkcs11Key Open(string module, string token, string label, Func<string> pin) =>
        new(Pkcs11Module.Load(module), token, label, pin);

    /// <summary>
    /// Signs: an Ed25519 key the message, a secp256k1 key the 32-byte digest, with s in the lower half of the order.
    /// </summary>
    /// <exception cref="Pkcs11Exception">
    /// The device is lost or in trouble, or gave a signature that does not verify.
    /// </exception>
    public byte[] Sign(ReadOnlySpan<byte> message)
    {
        lock (_lock)
        {
            byte[] raw;
            try
            {
                raw = SignOnce(message);
            }
            catch (Pkcs11Exception lost) when (lost.IsLoss)
            {
                Reconnect();
                raw = SignOnce(message);
            }

            return Verified(_key, message, raw);
        }
    }

    /// <inheritdoc/>
    public void Probe()
    {
        lock (_lock)
        {
            try
            {
                EnsureOpen();
            }
            catch (Pkcs11Exception lost) when (lost.IsLoss)
            {
                Reconnect();
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_lock)
        {
            _session?.Dispose();
            _session = null;
        }
    }

    private byte[] SignOnce(ReadOnlySpan<byte> message)
    {
        using Pkcs11Module.Use use = _module.InUse();
        EnsureOpenInUse();
        return _session!.Sign(_handle, Type, message);
    }

    private void EnsureOpen()
    {
        using Pkcs11Module.Use use = _module.InUse();
        EnsureOpenInUse();
    }

    private void EnsureOpenInUse()
    {
        if (_session is null || _generation != _module.Generation)
        {
            Check(Connect());
        }
    }

    // A module caches what it saw of its slots: after a loss it is started again. Others that use it notice by the
    // generation and connect again too.
    private void Reconnect()
    {
        _session?.Dispose();
        _session = null;
        _module.Restart(_generation);
        EnsureOpen();
    }

    private Pkcs11KeyInfo Connect()
    {
        _session?.Dispose();
        _session = null;
        _generation = _module.Generation;
        Pkcs11Session session = Login();
        try
        {
            (nuint handle, Pkcs11KeyInfo key) = session.FindKey(_label);
            _handle = handle;
            _session = session;
            return key;
        }
        finally
        {
            if (_session is null)
            {
                session.Dispose();
            }
        }
    }

    private Pkcs11Session Login()
    {
        string pin = _pin();
        if (pin == _refusedPin)
        {
            throw new Pkcs11Exception($"token '{_token}' has refused this PIN; it is not tried again");
        }

        try
        {
            return Pkcs11Session.Open(_module, _module.Find(_token), pin);
        }
        catch (Pkcs11Exception refused) when (refused.IsPinRefusal)
        {
            _refusedPin = pin;
            throw;
        }
    }

    private void Check(Pkcs11KeyInfo key)
    {
        if (!key.PublicKey.AsSpan().SequenceEqual(PublicKey.Span))
        {
            throw new Pkcs11Exception(
                $"token '{_token}' now holds another key '{_label}'; the signer must be started anew");
        }
    }

    /// <summary>
    /// The signature as it is released; a device that gave a bad one is an error, and the bytes stay inside.
    /// </summary>
    internal static byte[] Verified(Pkcs11KeyInfo key, ReadOnlySpan<byte> message, byte[] raw)
    {
        byte[] signature = raw;
        bool isGood;
        if (key.Type == Pkcs11KeyType.Ed25519)
        {
            isGood = Ed25519.Verify(key.PublicKey, message, raw);
        }
        else
        {
            signature = new byte[64];
            isGood = Secp256k1.TryNormalize(raw, signature) && Secp256k1.Verify(key.PublicKey, message, signature);
        }

        return isGood
            ? signature
            : throw new Pkcs11Exception(
                $"the device gave a signature of key '{key.Label}' that does not verify; it was not released");
    }
}
