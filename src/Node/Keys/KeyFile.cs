using System;
using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using AppChain.Hsm;
using AppChain.StateMachine;

namespace AppChain.Node;

/// <summary>What it costs to try one passphrase.</summary>
/// <param name="Passes">Passes of Argon2id over its memory, 1…16.</param>
/// <param name="MemoryBytes">Memory of Argon2id, 8 KiB…1 GiB.</param>
public readonly record struct KeyCost(int Passes, long MemoryBytes)
{
    /// <summary>About a fifth of a second on one core.</summary>
    public static KeyCost Default => new(3, 64 << 20);

    internal bool IsValid => Passes is >= 1 and <= 16 && MemoryBytes is >= 8192 and <= 1 << 30;
}

/// <summary>
/// A trader's key in a file (docs/spec/key-files.md): JSON with the public part in clear and the secret key sealed by
/// XChaCha20-Poly1305 under a key that Argon2id makes of a passphrase. Keys of test networks may be unencrypted, and
/// then say so.
/// </summary>
public sealed class KeyFile
{
    private const string Format = "appchain-key-1";
    private const string Encrypted = "argon2id+xchacha20poly1305";
    private const string Unencrypted = "none";
    private const string Warning = "The secret key is not encrypted. For test networks only.";

    private readonly KeyCost _cost;
    private readonly byte[] _salt;
    private readonly byte[] _nonce;
    private readonly byte[] _secret;

    private KeyFile(byte[] publicKey, byte[] secret, KeyCost cost, byte[] salt, byte[] nonce)
    {
        PublicKey = publicKey;
        Owner = TransactionCodec.AddressOf(publicKey);
        _secret = secret;
        _cost = cost;
        _salt = salt;
        _nonce = nonce;
    }

    /// <summary>Compressed public key, 33 bytes.</summary>
    public byte[] PublicKey { get; }

    /// <summary>The owner that the key stands for.</summary>
    public Address Owner { get; }

    /// <summary>A passphrase is needed to use it.</summary>
    public bool IsEncrypted => _salt.Length > 0;

    /// <summary>A new random secret key.</summary>
    public static byte[] NewSecretKey()
    {
        var secretKey = new byte[Secp256k1.SecretKeySize];
        // BOUND: all but one in 2^127 draws are secret keys.
        do
        {
            RandomNumberGenerator.Fill(secretKey);
        }
        while (!Secp256k1.IsSecretKey(secretKey));

        return secretKey;
    }

    /// <summary>A file with the secret key sealed under a passphrase.</summary>
    /// <exception cref="CryptographicException">The bytes are not a secret key.</exception>
    public static KeyFile Seal(ReadOnlySpan<byte> secretKey, string passphrase, KeyCost cost)
    {
        byte[] publicKey = Secp256k1.PublicKeyOf(secretKey);
        byte[] salt = RandomNumberGenerator.GetBytes(Sodium.SaltSize);
        byte[] nonce = RandomNumberGenerator.GetBytes(Sodium.SealNonceSize);
        var secret = new byte[secretKey.Length + Sodium.SealTagSize];
        byte[] key = Stretch(passphrase, salt, cost);
        Sodium.Seal(key, nonce, secretKey, publicKey, secret);
        CryptographicOperations.ZeroMemory(key);
        return new KeyFile(publicKey, secret, cost, salt, nonce);
    }

    /// <summary>A file with the secret key in clear, for test networks.</summary>
    /// <exception cref="CryptographicException">The bytes are not a secret key.</exception>
    public static KeyFile InClear(ReadOnlySpan<byte> secretKey) =>
        new(Secp256k1.PublicKeyOf(secretKey), secretKey.ToArray(), default, [], []);

    /// <summary>
    /// The secret key; the passphrase is ignored when the file is not encrypted. False when the passphrase is wrong or
    /// the file was altered.
    /// </summary>
    public bool TryOpen(string passphrase, [NotNullWhen(true)] out byte[]? secretKey)
    {
        secretKey = new byte[Secp256k1.SecretKeySize];
        if (!IsEncrypted)
        {
            _secret.CopyTo(secretKey, 0);
            return true;
        }

        byte[] key = Stretch(passphrase, _salt, _cost);
        bool opened = Sodium.TryOpen(key, _nonce, _secret, PublicKey, secretKey);
        CryptographicOperations.ZeroMemory(key);
        secretKey = opened ? secretKey : null;
        return opened;
    }

    /// <summary>The text of the file.</summary>
    public string ToJson()
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteString("format", Format);
            json.WriteString("address", AccountText.Of(Owner));
            json.WriteString("public_key", Convert.ToHexStringLower(PublicKey));
            json.WriteString("encryption", IsEncrypted ? Encrypted : Unencrypted);
            if (IsEncrypted)
            {
                json.WriteNumber("passes", _cost.Passes);
                json.WriteNumber("memory_bytes", _cost.MemoryBytes);
                json.WriteString("salt", Convert.ToHexStringLower(_salt));
                json.WriteString("nonce", Convert.ToHexStringLower(_nonce));
            }
            else
            {
                json.WriteString("warning", Warning);
            }

            json.WriteString("secret_key", Convert.ToHexStringLower(_secret));
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan) + "\n";
    }

    /// <summary>Reads the text of a file.</summary>
    /// <exception cref="FormatException">It is no key file; the message says what is wrong.</exception>
    public static KeyFile Parse(string text)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(text);
            return Read(document.RootElement);
        }
        catch (JsonException cause)
        {
            throw new FormatException("it is not JSON", cause);
        }
    }

    private static KeyFile Read(JsonElement json)
    {
        if (json.ValueKind != JsonValueKind.Object || Text(json, "format") != Format)
        {
            throw new FormatException($"it does not say \"format\": \"{Format}\"");
        }

        byte[] publicKey = Hex(json, "public_key", Secp256k1.PublicKeySize);
        string encryption = Text(json, "encryption");
        if (encryption == Unencrypted)
        {
            byte[] secretKey = Hex(json, "secret_key", Secp256k1.SecretKeySize);
            if (!Secp256k1.IsSecretKey(secretKey) || !publicKey.AsSpan().SequenceEqual(Secp256k1.PublicKeyOf(secretKey)))
            {
                throw new FormatException("public_key does not belong to secret_key");
            }

            return new KeyFile(publicKey, secretKey, default, [], []);
        }

        if (encryption != Encrypted)
        {
            throw new FormatException($"encryption '{encryption}' is not known");
        }

        var cost = new KeyCost((int)Number(json, "passes"), Number(json, "memory_bytes"));
        if (!cost.IsValid)
        {
            throw new FormatException("passes or memory_bytes are out of range");
        }

        return new KeyFile(
            publicKey,
            Hex(json, "secret_key", Secp256k1.SecretKeySize + Sodium.SealTagSize),
            cost,
            Hex(json, "salt", Sodium.SaltSize),
            Hex(json, "nonce", Sodium.SealNonceSize));
    }

    private static byte[] Stretch(string passphrase, byte[] salt, KeyCost cost)
    {
        var key = new byte[Sodium.SealKeySize];
        byte[] bytes = Encoding.UTF8.GetBytes(passphrase.Normalize(NormalizationForm.FormC));
        Sodium.StretchPassphrase(bytes, salt, cost.Passes, cost.MemoryBytes, key);
        CryptographicOperations.ZeroMemory(bytes);
        return key;
    }

    private static string Text(JsonElement json, string name) =>
        json.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()!
            : throw new FormatException($"'{name}' is missing");

    private static long Number(JsonElement json, string name) =>
        json.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.Number
            && value.TryGetInt32(out int number)
            ? number
            : throw new FormatException($"'{name}' is missing or out of range");

    private static byte[] Hex(JsonElement json, string name, int size)
    {
        string text = Text(json, name);
        return text.Length == 2 * size && System.Linq.Enumerable.All(text, char.IsAsciiHexDigit)
            ? Convert.FromHexString(text)
            : throw new FormatException($"'{name}' is not {size} bytes in hex");
    }
}
