using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;

namespace AppChain.Hsm;

/// <summary>
/// Where a consensus key is: a file, or a place in a device, written
/// <c>pkcs11:token=LABEL;key=LABEL;pin-file=FILE[;module=FILE]</c>; without pin-file the PIN is in APPCHAIN_HSM_PIN.
/// </summary>
public static class KeyPlace
{
    private const string Scheme = "pkcs11:";

    /// <summary>Whether the text is a place in a device and not a file.</summary>
    public static bool IsDevice(string place)
    {
        ArgumentNullException.ThrowIfNull(place);
        return place.StartsWith(Scheme, StringComparison.Ordinal);
    }

    /// <summary>Opens the key.</summary>
    /// <exception cref="FormatException">The text is no such place.</exception>
    /// <exception cref="IOException">The key cannot be opened; the message says what to do.</exception>
    public static ISigningKey Open(string place)
    {
        if (!IsDevice(place))
        {
            return SoftwareKey.Load(place);
        }

        var parts = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (string part in place[Scheme.Length..].Split(';', StringSplitOptions.RemoveEmptyEntries))
        {
            int equals = part.IndexOf('=', StringComparison.Ordinal);
            string name = equals < 0 ? part : part[..equals];
            if (name is not ("module" or "token" or "key" or "pin-file") || equals < 0 || !parts.TryAdd(name, part[(equals + 1)..]))
            {
                throw Wrong(place);
            }
        }

        if (!parts.ContainsKey("token") || !parts.ContainsKey("key"))
        {
            throw Wrong(place);
        }

        var key = Pkcs11Key.Open(
            parts.GetValueOrDefault("module", Pkcs11Module.SoftHsm), parts["token"], parts["key"],
            () => Pin(parts.GetValueOrDefault("pin-file")));
        if (key.Type == Pkcs11KeyType.Ed25519)
        {
            return key;
        }

        key.Dispose();
        throw new Pkcs11Exception($"the key '{parts["key"]}' is for secp256k1; consensus needs an Ed25519 key");
    }

    /// <summary>The first line of a PIN file that only its owner can read.</summary>
    /// <exception cref="IOException">It does not exist, others can read it, or it is empty.</exception>
    public static string ReadPin(string file)
    {
        if (!File.Exists(file))
        {
            throw new IOException($"the PIN file {file} does not exist");
        }

        const UnixFileMode others = UnixFileMode.GroupRead | UnixFileMode.OtherRead;
        if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(file) & others) != 0)
        {
            throw new IOException($"the PIN file {file} can be read by others; run: chmod 600 {file}");
        }

        string pin = File.ReadLines(file).FirstOrDefault()?.Trim() ?? "";
        return pin.Length > 0 ? pin : throw new IOException($"the PIN file {file} is empty");
    }

    private static string Pin(string? file) => file is not null
        ? ReadPin(file)
        : Environment.GetEnvironmentVariable("APPCHAIN_HSM_PIN") is { Length: > 0 } pin
            ? pin
            : throw new IOException("a PIN is needed: write pin-file=FILE behind pkcs11:, or set APPCHAIN_HSM_PIN");

    private static FormatException Wrong(string place) =>
        new($"'{place}' is no place in a device; write pkcs11:token=LABEL;key=LABEL;pin-file=FILE[;module=FILE]");
}
