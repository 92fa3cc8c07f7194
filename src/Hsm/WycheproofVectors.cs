using System;
using System.Security.Cryptography;
using System.Text.Json;

namespace AppChain.Hsm;

/// <summary>
/// Runs Wycheproof files (JSON, plain or .gz) against the signature checks of the chain. A file of another algorithm or
/// shape throws <see cref="FormatException"/> with the reason.
/// </summary>
public static partial class WycheproofVectors
{
    /// <summary>A valid signature that the chain refuses, as it should; its low twin was found to verify.</summary>
    public const string HighS = "low-S rule refuses a valid high-S signature (its low-S twin verifies)";

    /// <summary>
    /// A signature with irregular encoding that CometBFT's rule admits; the strict check was found to refuse it.
    /// </summary>
    public const string Zip215 = "ZIP-215, the rule of consensus, accepts what the strict rule refuses";

    /// <summary>The file leaves the verdict open.</summary>
    public const string Acceptable = "the file allows either verdict";

    /// <summary>
    /// ECDSA over secp256k1: groups of type EcdsaVerify and EcdsaBitcoinVerify (DER signatures) and EcdsaP1363Verify
    /// (r ‖ s). Our verdict is
    /// <see cref="Secp256k1.Verify(in Secp256k1.PublicKey, ReadOnlySpan{byte}, ReadOnlySpan{byte})"/>.
    /// </summary>
    public static VectorReport RunEcdsaSecp256k1(string path) => Run(path, "ECDSA", RunEcdsaGroup);

    /// <summary>Ed25519: groups of type EddsaVerify. Our verdict is <see cref="Ed25519.Verify"/>.</summary>
    public static VectorReport RunEd25519(string path) => Run(path, "EDDSA", RunEd25519Group);

    private static VectorReport Run(string path, string algorithm, Action<JsonElement, VectorReport> runGroup)
    {
        using JsonDocument document = VectorReport.Open(path);
        JsonElement file = document.RootElement;
        try
        {
            string found = file.GetProperty("algorithm").GetString() ?? "";
            if (found != algorithm) throw new FormatException($"{path} holds vectors for {found}, not {algorithm}");
            VectorReport report = new();
            foreach (JsonElement group in file.GetProperty("testGroups").EnumerateArray()) runGroup(group, report);
            return report;
        }
        catch (Exception error) when (error is System.Collections.Generic.KeyNotFoundException
            or InvalidOperationException)
        {
            throw new FormatException(
                $"{path} does not have the shape of a Wycheproof file: an object with algorithm and testGroups", error);
        }
    }

    private static void RunEcdsaGroup(JsonElement group, VectorReport report)
    {
        JsonElement key = Key(group);
        string curve = key.GetProperty("curve").GetString() ?? "";
        string sha = group.GetProperty("sha").GetString() ?? "";
        string type = group.GetProperty("type").GetString() ?? "";
        bool isKnownType = type is "EcdsaVerify" or "EcdsaBitcoinVerify" or "EcdsaP1363Verify";
        byte[] uncompressed = Hex(key, "uncompressed");
        foreach (JsonElement test in group.GetProperty("tests").EnumerateArray())
        {
            if (curve != "secp256k1") report.Skip($"curve {curve}");
            else if (!isKnownType) report.Skip($"type {type}");
            else if (Digest(sha, Hex(test, "msg")) is not { } digest) report.Skip($"hash {sha}");
            else if (IsOpen(test)) report.Skip(Acceptable);
            else RunEcdsa(test, uncompressed, digest, isDer: type != "EcdsaP1363Verify", report);
        }
    }

    private static void RunEcdsa(
        JsonElement test, ReadOnlySpan<byte> uncompressed, ReadOnlySpan<byte> digest, bool isDer, VectorReport report)
    {
        bool expected = IsValid(test);
        byte[] given = Hex(test, "sig");
        Span<byte> signature = stackalloc byte[Secp256k1.SignatureSize];
        bool isRead = isDer ? Secp256k1.TryReadDer(given, signature) : given.AsSpan().TryCopyTo(signature)
            && given.Length == Secp256k1.SignatureSize;
        bool hasKey = Secp256k1.TryParseUncompressed(uncompressed, out Secp256k1.PublicKey key);
        bool actual = isRead && hasKey && Secp256k1.Verify(key, digest, signature);

        Span<byte> low = stackalloc byte[Secp256k1.SignatureSize];
        if (expected && isRead && hasKey && !Secp256k1.IsLowS(signature) && Secp256k1.TryNormalize(signature, low)
            && Secp256k1.Verify(key, digest, low))
        {
            report.Skip(HighS);
            return;
        }
        report.Count(Name(test), expected, actual);
    }

    private static void RunEd25519Group(JsonElement group, VectorReport report)
    {
        JsonElement key = Key(group);
        string curve = key.GetProperty("curve").GetString() ?? "";
        byte[] publicKey = Hex(key, "pk");
        foreach (JsonElement test in group.GetProperty("tests").EnumerateArray())
        {
            if (curve != "edwards25519")
            {
                report.Skip($"curve {curve}");
                continue;
            }
            if (IsOpen(test))
            {
                report.Skip(Acceptable);
                continue;
            }
            byte[] message = Hex(test, "msg");
            byte[] signature = Hex(test, "sig");
            bool actual = Ed25519.Verify(publicKey, message, signature);
            if (actual && !IsValid(test) && !Sodium.VerifyStrict(publicKey, message, signature)) report.Skip(Zip215);
            else report.Count(Name(test), IsValid(test), actual);
        }
    }

    /// <summary>The key object; files of the older schema name it differently.</summary>
    private static JsonElement Key(JsonElement group) =>
        group.TryGetProperty("publicKey", out JsonElement key) ? key : group.GetProperty("key");

    /// <summary>The digest ECDSA signs: the leftmost 32 bytes. Null for a hash this machine does not have.</summary>
    private static byte[]? Digest(string sha, byte[] message) => sha switch
    {
        "SHA-256" => SHA256.HashData(message),
        "SHA-384" => SHA384.HashData(message)[..Secp256k1.DigestSize],
        "SHA-512" => SHA512.HashData(message)[..Secp256k1.DigestSize],
        "SHA3-256" when SHA3_256.IsSupported => SHA3_256.HashData(message),
        "SHA3-384" when SHA3_384.IsSupported => SHA3_384.HashData(message)[..Secp256k1.DigestSize],
        "SHA3-512" when SHA3_512.IsSupported => SHA3_512.HashData(message)[..Secp256k1.DigestSize],
        _ => null,
    };

    private static bool IsValid(JsonElement test) => test.GetProperty("result").GetString() == "valid";

    private static bool IsOpen(JsonElement test) => test.GetProperty("result").GetString() == "acceptable";

    private static string Name(JsonElement test) =>
        $"case {test.GetProperty("tcId")} ({(test.TryGetProperty("comment", out JsonElement comment) ? comment : "")})";

    private static byte[] Hex(JsonElement json, string name)
    {
        string text = json.GetProperty(name).GetString() ?? "";
        try
        {
            return Convert.FromHexString(text);
        }
        catch (FormatException)
        {
            throw new FormatException($"'{name}' is not hex: '{text}'");
        }
    }
}
