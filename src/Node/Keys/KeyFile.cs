using System;
using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using AppChain.Hsm;
using AppChain.StateMachine;

namespace AppChain.Node;

/// <summary>
/// A trader's key in a file: JSON with the public part in clear and the secret key under a passphrase
/// (<see cref="PassphraseBox"/>). Keys of test networks may be in clear, and then say so. The file of a key in a device
/// holds the place of the key and no secret.
/// </summary>
public sealed class KeyFile
{
    private const string Format = "appchain-key-1";
    private const string Warning = "The secret key is not encrypted. For test networks only.";

    // The sealed box when encrypted, the secret key when in clear, nothing when in a device.
    private readonly byte[] _secret;

    private KeyFile(byte[] publicKey, byte[] secret, bool isEncrypted, string? device = null)
    {
        Device = device;
        PublicKey = publicKey;
        Owner = TransactionCodec.AddressOf(publicKey);
        IsEncrypted = isEncrypted;
        _secret = secret;
    }

    /// <summary>Compressed public key, 33 bytes.</summary>
    public byte[] PublicKey { get; }

    /// <summary>The owner that the key stands for.</summary>
    public Address Owner { get; }

    /// <summary>
    /// Where the key is when it is in a device (<see cref="KeyPlace"/>); null when it is in this file.
    /// </summary>
    public string? Device { get; }

    /// <summary>A passphrase is needed to use it.</summary>
    public bool IsEncrypted { get; }

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

    /// <summary>A file with the secret key under a passphrase.</summary>
    /// <exception cref="CryptographicException">The bytes are not a secret key.</exception>
    public static KeyFile Seal(ReadOnlySpan<byte> secretKey, string passphrase)
    {
        byte[] publicKey = Secp256k1.PublicKeyOf(secretKey);
        string label = AccountText.Of(TransactionCodec.AddressOf(publicKey));
        return new KeyFile(publicKey, PassphraseBox.Seal(Composed(passphrase), secretKey, label), isEncrypted: true);
    }

    /// <summary>A file with the secret key in clear, for test networks.</summary>
    /// <exception cref="CryptographicException">The bytes are not a secret key.</exception>
    public static KeyFile InClear(ReadOnlySpan<byte> secretKey) =>
        new(Secp256k1.PublicKeyOf(secretKey), secretKey.ToArray(), isEncrypted: false);

    /// <summary>A file that names a key in a device.</summary>
    public static KeyFile InDevice(ReadOnlySpan<byte> publicKey, string place) =>
        new(publicKey.ToArray(), [], isEncrypted: false, place);

    /// <summary>
    /// The secret key; the passphrase is ignored when the file is not encrypted. False when the passphrase is wrong or
    /// the file was altered, and for a key in a device.
    /// </summary>
    /// <exception cref="FormatException">The sealed part is damaged.</exception>
    public bool TryOpen(string passphrase, [NotNullWhen(true)] out byte[]? secretKey)
    {
        try
        {
            secretKey = IsEncrypted ? PassphraseBox.Open(Composed(passphrase), _secret) : [.. _secret];
        }
        catch (CryptographicException)
        {
            secretKey = null;
            return false;
        }

        bool belongs = Secp256k1.IsSecretKey(secretKey)
            && PublicKey.AsSpan().SequenceEqual(Secp256k1.PublicKeyOf(secretKey));
        secretKey = belongs ? secretKey : null;
        return belongs;
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
            if (Device is not null)
            {
                json.WriteString("device", Device);
            }
            else if (IsEncrypted)
            {
                using JsonDocument box = JsonDocument.Parse(_secret);
                json.WritePropertyName("sealed");
                box.RootElement.WriteTo(json);
            }
            else
            {
                json.WriteString("warning", Warning);
                json.WriteString("secret_key", Convert.ToHexStringLower(_secret));
            }

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
        if (json.TryGetProperty("device", out _))
        {
            string place = Text(json, "device");
            return KeyPlace.IsDevice(place)
                ? InDevice(publicKey, place)
                : throw new FormatException("'device' does not begin with pkcs11:");
        }

        if (json.TryGetProperty("sealed", out JsonElement box))
        {
            return new KeyFile(publicKey, Encoding.UTF8.GetBytes(box.GetRawText()), isEncrypted: true);
        }

        byte[] secretKey = Hex(json, "secret_key", Secp256k1.SecretKeySize);
        bool belongs = Secp256k1.IsSecretKey(secretKey)
            && publicKey.AsSpan().SequenceEqual(Secp256k1.PublicKeyOf(secretKey));
        return belongs
            ? new KeyFile(publicKey, secretKey, isEncrypted: false)
            : throw new FormatException("public_key does not belong to secret_key");
    }

    // One passphrase has one form, however a keyboard composes its letters.
    private static string Composed(string passphrase) => passphrase.Normalize(NormalizationForm.FormC);

    private static string Text(JsonElement json, string name) =>
        json.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()!
            : throw new FormatException($"'{name}' is missing");

    private static byte[] Hex(JsonElement json, string name, int size)
    {
        string text = Text(json, name);
        return text.Length == 2 * size && System.Linq.Enumerable.All(text, char.IsAsciiHexDigit)
            ? Convert.FromHexString(text)
            : throw new FormatException($"'{name}' is not {size} bytes in hex");
    }
}
