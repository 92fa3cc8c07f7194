using System;
using System.IO;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using AppChain.Abci;

namespace AppChain.Hsm;

/// <summary>
/// A secret under a passphrase, as JSON: the passphrase is stretched with Argon2id, the secret sealed with
/// XChaCha20-Poly1305. A label that says what the secret is (for example its address) is stored readable and protected
/// against change.
/// </summary>
public static class PassphraseBox
{
    /// <summary>Passes over the memory for new boxes.</summary>
    public const int Passes = 3;

    /// <summary>Memory for new boxes: 64 MiB, about 0.2 s on one core.</summary>
    public const long MemoryBytes = 64 * 1024 * 1024;

    // BOUND: what a foreign file may demand of this machine.
    private const int PassesMax = 20;
    private const long MemoryBytesMax = 1024L * 1024 * 1024;
    private const string Kind = "argon2id-xchacha20poly1305";

    /// <summary>The JSON that holds <paramref name="secret"/>.</summary>
    public static byte[] Seal(string passphrase, ReadOnlySpan<byte> secret, string label)
    {
        byte[] salt = new byte[Sodium.SaltSize];
        byte[] nonce = new byte[Sodium.SealNonceSize];
        byte[] content = new byte[secret.Length + Sodium.SealTagSize];
        Sodium.FillRandom(salt);
        Sodium.FillRandom(nonce);
        Span<byte> key = stackalloc byte[Sodium.SealKeySize];
        Stretch(passphrase, salt, Passes, MemoryBytes, key);
        Sodium.Seal(key, nonce, secret, Encoding.UTF8.GetBytes(label), content);
        CryptographicOperations.ZeroMemory(key);

        using MemoryStream stream = new();
        using (Utf8JsonWriter json = new(stream, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteString("kind", Kind);
            json.WriteString("label", label);
            json.WriteNumber("passes", Passes);
            json.WriteNumber("memory_bytes", MemoryBytes);
            json.WriteString("salt", Convert.ToHexStringLower(salt));
            json.WriteString("nonce", Convert.ToHexStringLower(nonce));
            json.WriteString("sealed", Convert.ToHexStringLower(content));
            json.WriteEndObject();
        }
        return stream.ToArray();
    }

    /// <summary>The secret in a box. The caller wipes it after use.</summary>
    /// <exception cref="FormatException">The bytes are not a box.</exception>
    /// <exception cref="CryptographicException">The passphrase is wrong, or the box was changed.</exception>
    public static byte[] Open(string passphrase, ReadOnlyMemory<byte> box)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(box);
            JsonElement json = document.RootElement;
            string kind = RpcJsonReader.Text(json, "kind");
            if (kind != Kind) throw new FormatException($"the box is of kind '{kind}', not '{Kind}'");
            byte[] salt = RpcJsonReader.Hex(json, "salt").ToByteArray();
            byte[] nonce = RpcJsonReader.Hex(json, "nonce").ToByteArray();
            byte[] content = RpcJsonReader.Hex(json, "sealed").ToByteArray();
            long passes = RpcJsonReader.Int64(json, "passes");
            long memory = RpcJsonReader.Int64(json, "memory_bytes");
            if (salt.Length != Sodium.SaltSize || nonce.Length != Sodium.SealNonceSize
                || content.Length < Sodium.SealTagSize || passes is < 1 or > PassesMax
                || memory is < 8192 or > MemoryBytesMax) throw new FormatException("the box is damaged");

            byte[] secret = new byte[content.Length - Sodium.SealTagSize];
            Span<byte> key = stackalloc byte[Sodium.SealKeySize];
            Stretch(passphrase, salt, (int)passes, memory, key);
            byte[] label = Encoding.UTF8.GetBytes(RpcJsonReader.Text(json, "label"));
            bool isOpen = Sodium.TryOpen(key, nonce, content, label, secret);
            CryptographicOperations.ZeroMemory(key);
            return isOpen ? secret : throw new CryptographicException("wrong passphrase, or the file was changed");
        }
        catch (JsonException error)
        {
            throw new FormatException($"the box is not JSON: {error.Message}", error);
        }
    }

    private static void Stretch(string passphrase, ReadOnlySpan<byte> salt, int passes, long memory, Span<byte> key)
    {
        byte[] text = Encoding.UTF8.GetBytes(passphrase);
        Sodium.StretchPassphrase(text, salt, passes, memory, key);
        CryptographicOperations.ZeroMemory(text);
    }
}
