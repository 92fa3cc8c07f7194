using System;
using System.IO;
using System.Security.Cryptography;
using System.Text.Json;
using AppChain.Abci;
using Google.Protobuf;

namespace AppChain.Hsm;

/// <summary>
/// An Ed25519 key in memory, from a file that only its owner can read. For development networks; a validator with
/// something to lose keeps its key in a device.
/// </summary>
public sealed class SoftwareKey : ISigningKey
{
    private const string CometBftKeyType = "tendermint/PrivKeyEd25519";

    private readonly byte[] _secretKey = new byte[Sodium.SecretKeySize];

    private SoftwareKey(ReadOnlySpan<byte> seed)
    {
        Sodium.SecretKeyOf(seed, _secretKey);
        PublicKey = ByteString.CopyFrom(_secretKey.AsSpan(Sodium.SeedSize));
    }

    /// <inheritdoc/>
    public ByteString PublicKey { get; }

    /// <summary>The key of a 32-byte seed.</summary>
    public static SoftwareKey FromSeed(ReadOnlySpan<byte> seed) => new(seed);

    /// <summary>Draws a new key and stores its seed in hex in a file that must not exist yet.</summary>
    /// <exception cref="IOException">The file exists or cannot be written.</exception>
    public static SoftwareKey Create(string path)
    {
        Span<byte> seed = stackalloc byte[Sodium.SeedSize];
        Sodium.FillRandom(seed);
        Store(path, seed);
        SoftwareKey key = new(seed);
        CryptographicOperations.ZeroMemory(seed);
        return key;
    }

    /// <summary>Stores a given seed in hex in a file that must not exist yet, readable by its owner only.</summary>
    /// <exception cref="IOException">The file exists or cannot be written.</exception>
    public static void Store(string path, ReadOnlySpan<byte> seed)
    {
        if (seed.Length != Sodium.SeedSize) throw new ArgumentException("takes 32 bytes", nameof(seed));
        byte[] text = new byte[(2 * Sodium.SeedSize) + 1];
        for (int i = 0; i < seed.Length; i++)
        {
            text[2 * i] = (byte)Digit(seed[i] >> 4);
            text[(2 * i) + 1] = (byte)Digit(seed[i] & 15);
        }
        text[^1] = (byte)'\n';
        DurableFile.Create(path, text);
        CryptographicOperations.ZeroMemory(text);
    }

    /// <summary>
    /// Reads a key file: 64 hex digits, or CometBFT's <c>priv_validator_key.json</c> (also <c>node_key.json</c>).
    /// </summary>
    /// <exception cref="IOException">The file is missing, readable by others, or not a key.</exception>
    public static SoftwareKey Load(string path)
    {
        RequirePrivate(path);
        byte[] content = File.ReadAllBytes(path);
        byte[]? seed = null;
        try
        {
            ReadOnlySpan<byte> text = content.AsSpan().Trim(" \t\r\n"u8);
            seed = text is [(byte)'{', ..] ? FromJson(content) : FromHex(text);
            return new SoftwareKey(seed);
        }
        catch (Exception error) when (error is FormatException or JsonException or InvalidOperationException)
        {
            throw new IOException($"{path} is not a key: {error.Message}", error);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(content);
            CryptographicOperations.ZeroMemory(seed);
        }
    }

    /// <inheritdoc/>
    public byte[] Sign(ReadOnlySpan<byte> message)
    {
        byte[] signature = new byte[Sodium.SignatureSize];
        Sodium.Sign(_secretKey, message, signature);
        return signature;
    }

    /// <inheritdoc/>
    public void Probe()
    {
    }

    /// <summary>Wipes the key.</summary>
    public void Dispose() => CryptographicOperations.ZeroMemory(_secretKey);

    private static byte[] FromHex(ReadOnlySpan<byte> text)
    {
        byte[] seed = new byte[Sodium.SeedSize];
        bool isKey = text.Length == 2 * Sodium.SeedSize
            && Convert.FromHexString(text, seed, out _, out _) == System.Buffers.OperationStatus.Done;
        return isKey ? seed : throw new FormatException("it does not hold 64 hex digits");
    }

    private static byte[] FromJson(byte[] content)
    {
        using JsonDocument document = JsonDocument.Parse(content);
        JsonElement key = RpcJsonReader.Member(document.RootElement, "priv_key");
        string type = RpcJsonReader.Text(key, "type");
        if (type != CometBftKeyType) throw new FormatException($"its type is '{type}', not {CometBftKeyType}");
        byte[] bytes = key.GetProperty("value").GetBytesFromBase64();
        if (bytes.Length != Sodium.SecretKeySize) throw new FormatException("the key does not have 64 bytes");

        byte[] seed = bytes[..Sodium.SeedSize];
        using SoftwareKey check = new(seed);
        bool fits = check.PublicKey.Span.SequenceEqual(bytes.AsSpan(Sodium.SeedSize));
        CryptographicOperations.ZeroMemory(bytes);
        return fits ? seed : throw new FormatException("its public half does not belong to its secret half");
    }

    private static void RequirePrivate(string path)
    {
        if (!File.Exists(path)) throw new IOException($"the key file {path} does not exist");
        if (OperatingSystem.IsWindows()) return;
        UnixFileMode others = ~(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        if ((File.GetUnixFileMode(path) & others) != 0)
        {
            throw new IOException($"the key file {path} can be read by others; run: chmod 600 {path}");
        }
    }

    private static char Digit(int value) => "0123456789abcdef"[value];
}
