using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;

namespace AppChain.Hsm;

/// <summary>Kinds of keys that devices hold for us.</summary>
public enum Pkcs11KeyType
{
    /// <summary>Consensus keys: CKM_EDDSA.</summary>
    Ed25519,

    /// <summary>Account and vault keys: CKM_ECDSA over a digest.</summary>
    Secp256k1,
}

/// <summary>A key pair in a token, as the token describes it.</summary>
/// <param name="Label">Name of the key.</param>
/// <param name="Type">Kind.</param>
/// <param name="PublicKey">32 bytes of an Ed25519 key, 33 of a compressed secp256k1 key.</param>
/// <param name="Attributes">What the token says of the private key; null where it says nothing.</param>
public sealed record Pkcs11KeyInfo(
    string Label, Pkcs11KeyType Type, byte[] PublicKey, IReadOnlyList<(string Name, bool? Value)> Attributes)
{
    /// <summary>The device made the key, and neither shows it nor ever could.</summary>
    public bool IsConfined => Attributes.All(attribute => attribute.Value is null or true);
}

/// <summary>
/// A session with a token, logged in. Not for use by two threads at a time: signing is two calls. Every operation fails
/// with a <see cref="Pkcs11Exception"/>.
/// </summary>
public sealed unsafe class Pkcs11Session : IDisposable
{
    private const int AttributeMax = 512;
    private const int ObjectsMax = 1_024;

    private static readonly byte[] s_edwardsCurve = [0x06, 0x03, 0x2B, 0x65, 0x70];
    private static readonly byte[] s_secpCurve = [0x06, 0x05, 0x2B, 0x81, 0x04, 0x00, 0x0A];

    private readonly Pkcs11Module _module;
    private readonly nuint _session;
    private readonly long _generation;

    private Pkcs11Session(Pkcs11Module module, nuint session)
    {
        _module = module;
        _session = session;
        _generation = module.Generation;
    }

    /// <summary>Opens a session with a token and logs in.</summary>
    public static Pkcs11Session Open(Pkcs11Module module, Pkcs11Token token, string pin, bool isOfficer = false)
    {
        nuint handle = 0;
        var open =
            (delegate* unmanaged<nuint, nuint, void*, void*, nuint*, nuint>)module.Function(Cryptoki.COpenSession);
        Pkcs11Module.Require(
            open((nuint)token.Slot, Cryptoki.SessionSerial | Cryptoki.SessionReadWrite, null, null, &handle),
            $"opening token '{token.Label}'");
        var session = new Pkcs11Session(module, handle);
        byte[] bytes = Encoding.UTF8.GetBytes(pin);
        fixed (byte* first = bytes)
        {
            var login = (delegate* unmanaged<nuint, nuint, byte*, nuint, nuint>)module.Function(Cryptoki.CLogin);
            nuint code = login(
                handle, isOfficer ? Cryptoki.UserSecurityOfficer : Cryptoki.User, first, (nuint)bytes.Length);
            Array.Clear(bytes);
            if (code != Cryptoki.Ok && code != Cryptoki.UserAlreadyLoggedIn)
            {
                session.Dispose();
                throw new Pkcs11Exception($"logging in to token '{token.Label}'", code);
            }
        }

        return session;
    }

    /// <summary>Makes a key pair in the device: sensitive, not extractable, kept in the token.</summary>
    public Pkcs11KeyInfo Generate(Pkcs11KeyType type, string label)
    {
        if (Keys().Any(key => key.Label == label))
        {
            throw new Pkcs11Exception($"a key '{label}' exists already in this token; choose another label");
        }

        bool isEdwards = type == Pkcs11KeyType.Ed25519;
        byte[] curve = isEdwards ? s_edwardsCurve : s_secpCurve;
        byte[] name = Encoding.UTF8.GetBytes(label);
        byte[] id = new byte[16];
        Sodium.FillRandom(id);
        byte yes = 1;
        byte no = 0;
        fixed (byte* curveBytes = curve, nameBytes = name, idBytes = id)
        {
            Cryptoki.Attribute* forPublic = stackalloc Cryptoki.Attribute[]
            {
                Of(Cryptoki.EcParameters, curveBytes, curve.Length), Of(Cryptoki.Label, nameBytes, name.Length),
                Of(Cryptoki.Id, idBytes, id.Length), Of(Cryptoki.Token, &yes, 1), Of(Cryptoki.Private, &no, 1),
                Of(Cryptoki.Verify, &yes, 1),
            };
            Cryptoki.Attribute* forPrivate = stackalloc Cryptoki.Attribute[]
            {
                Of(Cryptoki.Label, nameBytes, name.Length), Of(Cryptoki.Id, idBytes, id.Length),
                Of(Cryptoki.Token, &yes, 1), Of(Cryptoki.Private, &yes, 1), Of(Cryptoki.Sensitive, &yes, 1),
                Of(Cryptoki.Extractable, &no, 1), Of(Cryptoki.Sign, &yes, 1),
            };
            var mechanism = new Cryptoki.Mechanism
            {
                Type = isEdwards ? Cryptoki.EdwardsKeyPairGeneration : Cryptoki.EcKeyPairGeneration,
            };
            nuint publicKey = 0;
            nuint privateKey = 0;
            var generate = (delegate* unmanaged<nuint, Cryptoki.Mechanism*, Cryptoki.Attribute*, nuint,
                Cryptoki.Attribute*, nuint, nuint*, nuint*, nuint>)_module.Function(Cryptoki.CGenerateKeyPair);
            Pkcs11Module.Require(
                generate(_session, &mechanism, forPublic, 6, forPrivate, 7, &publicKey, &privateKey),
                $"making a key of type {type}");
        }

        return Keys().First(key => key.Label == label);
    }

    /// <summary>The key pairs of the token that we can use, by label.</summary>
    public IReadOnlyList<Pkcs11KeyInfo> Keys()
    {
        var keys = new List<Pkcs11KeyInfo>();
        foreach (nuint handle in Find(Cryptoki.PrivateKeyClass, label: null))
        {
            if (Describe(handle) is { } key)
            {
                keys.Add(key);
            }
        }

        return [.. keys.OrderBy(key => key.Label, StringComparer.Ordinal)];
    }

    /// <summary>Handle and description of the private key with a label.</summary>
    internal (nuint Handle, Pkcs11KeyInfo Key) FindKey(string label)
    {
        List<nuint> handles = Find(Cryptoki.PrivateKeyClass, label);
        return handles.Count switch
        {
            1 when Describe(handles[0]) is { } key => (handles[0], key),
            1 => throw new Pkcs11Exception($"the key '{label}' is neither Ed25519 nor secp256k1"),
            0 => throw new Pkcs11Exception(
                $"the token has no key '{label}'; look with hsm list, or make it with hsm keygen"),
            _ => throw new Pkcs11Exception($"{handles.Count} keys are called '{label}'; give them different labels"),
        };
    }

    /// <summary>The raw 64-byte signature: EdDSA of the message, or ECDSA r ‖ s of the 32-byte digest.</summary>
    internal byte[] Sign(nuint key, Pkcs11KeyType type, ReadOnlySpan<byte> message)
    {
        var mechanism = new Cryptoki.Mechanism
        {
            Type = type == Pkcs11KeyType.Ed25519 ? Cryptoki.EdDsa : Cryptoki.Ecdsa,
        };
        var begin = (delegate* unmanaged<nuint, Cryptoki.Mechanism*, nuint, nuint>)_module.Function(Cryptoki.CSignInit);
        Pkcs11Module.Require(begin(_session, &mechanism, key), "signing");
        byte[] signature = new byte[128];
        nuint length = (nuint)signature.Length;

        // An empty message still needs an address: modules refuse a null pointer.
        ReadOnlySpan<byte> addressed = message.IsEmpty ? stackalloc byte[1] : message;
        fixed (byte* input = addressed, output = signature)
        {
            var sign = (delegate* unmanaged<nuint, byte*, nuint, byte*, nuint*, nuint>)_module.Function(Cryptoki.CSign);
            Pkcs11Module.Require(sign(_session, input, (nuint)message.Length, output, &length), "signing");
        }

        return length == 64
            ? signature[..64]
            : throw new Pkcs11Exception($"the device gave a signature of {length} bytes, 64 were expected");
    }

    /// <summary>The mechanisms of the session's token, as numbers.</summary>
    public static IReadOnlyList<uint> Mechanisms(Pkcs11Module module, Pkcs11Token token)
    {
        nuint count = 0;
        var list = (delegate* unmanaged<nuint, nuint*, nuint*, nuint>)module.Function(Cryptoki.CGetMechanismList);
        Pkcs11Module.Require(list((nuint)token.Slot, null, &count), "C_GetMechanismList");
        var mechanisms = new nuint[(int)count];
        fixed (nuint* first = mechanisms)
        {
            Pkcs11Module.Require(list((nuint)token.Slot, first, &count), "C_GetMechanismList");
        }

        return [.. mechanisms.Take((int)count).Select(mechanism => (uint)mechanism).Order()];
    }

    /// <summary>Sets the user's PIN; the session is the security officer's.</summary>
    internal void SetUserPin(string pin)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(pin);
        fixed (byte* first = bytes)
        {
            var set = (delegate* unmanaged<nuint, byte*, nuint, nuint>)_module.Function(Cryptoki.CInitPin);
            nuint code = set(_session, first, (nuint)bytes.Length);
            Array.Clear(bytes);
            Pkcs11Module.Require(code, "setting the user PIN");
        }
    }

    /// <summary>An attribute of an object; the code says why there is none.</summary>
    internal nuint TryRead(nuint handle, nuint attribute, out byte[] value)
    {
        byte[] buffer = new byte[AttributeMax];
        fixed (byte* first = buffer)
        {
            Cryptoki.Attribute wanted = Of(attribute, first, buffer.Length);
            var get = (delegate* unmanaged<nuint, nuint, Cryptoki.Attribute*, nuint, nuint>)
                _module.Function(Cryptoki.CGetAttributeValue);
            nuint code = get(_session, handle, &wanted, 1);
            value = code == Cryptoki.Ok ? buffer[..(int)wanted.Length] : [];
            return code;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_generation == _module.Generation)
        {
            // A session that the device has closed already cannot be closed again, which is fine.
            _ = ((delegate* unmanaged<nuint, nuint>)_module.Function(Cryptoki.CCloseSession))(_session);
        }
    }

    private Pkcs11KeyInfo? Describe(nuint privateKey)
    {
        _ = TryRead(privateKey, Cryptoki.KeyType, out byte[] kind);
        _ = TryRead(privateKey, Cryptoki.Label, out byte[] label);
        nuint number = kind.Length == sizeof(ulong) ? (nuint)BitConverter.ToUInt64(kind) : 0;
        if (number is not (Cryptoki.EdwardsKeyType or Cryptoki.EcKeyType))
        {
            return null;
        }

        string name = Encoding.UTF8.GetString(label);
        Pkcs11KeyType type = number == Cryptoki.EdwardsKeyType ? Pkcs11KeyType.Ed25519 : Pkcs11KeyType.Secp256k1;
        return PublicHalf(privateKey, name, type) is { } publicKey
            ? new Pkcs11KeyInfo(name, type, publicKey, AttributesOf(privateKey))
            : null;
    }

    // The point is in the public key object with the same id; devices wrap it in an OCTET STRING or do not.
    private byte[]? PublicHalf(nuint privateKey, string label, Pkcs11KeyType type)
    {
        _ = TryRead(privateKey, Cryptoki.Id, out byte[] id);
        foreach (nuint handle in Find(Cryptoki.PublicKeyClass, label))
        {
            _ = TryRead(handle, Cryptoki.Id, out byte[] other);
            if (!id.AsSpan().SequenceEqual(other) || TryRead(handle, Cryptoki.EcPoint, out byte[] point) != Cryptoki.Ok)
            {
                continue;
            }

            byte[] raw =
                point.Length is 34 or 67 && point[0] == 0x04 && point[1] == point.Length - 2 ? point[2..] : point;
            if (type == Pkcs11KeyType.Ed25519 && raw.Length == 32)
            {
                return raw;
            }

            if (type == Pkcs11KeyType.Secp256k1
                && raw.Length == 65
                && Secp256k1.TryParseUncompressed(raw, out Secp256k1.PublicKey key))
            {
                return Secp256k1.Serialize(key);
            }
        }

        return null;
    }

    private List<(string Name, bool? Value)> AttributesOf(nuint privateKey)
    {
        bool? Flag(nuint attribute) =>
            TryRead(privateKey, attribute, out byte[] value) == Cryptoki.Ok && value.Length == 1 ? value[0] != 0 : null;
        return
        [
            ("sensitive", Flag(Cryptoki.Sensitive)),
            ("always sensitive", Flag(Cryptoki.AlwaysSensitive)),
            ("not extractable", !Flag(Cryptoki.Extractable)),
            ("never extractable", Flag(Cryptoki.NeverExtractable)),
            ("made in the device", Flag(Cryptoki.Local)),
            ("kept in the token", Flag(Cryptoki.Token)),
            ("private", Flag(Cryptoki.Private)),
            ("value hidden", TryRead(privateKey, Cryptoki.Value, out _) != Cryptoki.Ok),
        ];
    }

    private List<nuint> Find(nuint objectClass, string? label)
    {
        byte[] name = Encoding.UTF8.GetBytes(label ?? "");
        var found = new List<nuint>();
        fixed (byte* nameBytes = name)
        {
            Cryptoki.Attribute* template = stackalloc Cryptoki.Attribute[]
            {
                Of(Cryptoki.Class, &objectClass, sizeof(nuint)), Of(Cryptoki.Label, nameBytes, name.Length),
            };
            var begin = (delegate* unmanaged<nuint, Cryptoki.Attribute*, nuint, nuint>)
                _module.Function(Cryptoki.CFindObjectsInit);
            Pkcs11Module.Require(begin(_session, template, label is null ? 1u : 2u), "looking for keys");
            var next =
                (delegate* unmanaged<nuint, nuint*, nuint, nuint*, nuint>)_module.Function(Cryptoki.CFindObjects);
            nuint code = Cryptoki.Ok;
            // BOUND: ObjectsMax keys.
            while (found.Count < ObjectsMax)
            {
                nuint handle = 0;
                nuint count = 0;
                code = next(_session, &handle, 1, &count);
                if (code != Cryptoki.Ok || count == 0)
                {
                    break;
                }

                found.Add(handle);
            }

            _ = ((delegate* unmanaged<nuint, nuint>)_module.Function(Cryptoki.CFindObjectsFinal))(_session);
            Pkcs11Module.Require(code, "looking for keys");
        }

        return found;
    }

    private static Cryptoki.Attribute Of(nuint type, void* value, int length) =>
        new() { Type = type, Value = value, Length = (nuint)length };
}
