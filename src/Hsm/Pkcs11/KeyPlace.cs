using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;

namespace AppChain.Hsm;

/// <summary>
/// Where a key is: a file, or a place in a device, written
/// <c>pkcs11:token=LABEL;key=LABEL;pin-file=FILE[;module=FILE]</c>; without pin-file the PIN is in APPCHAIN_HSM_PIN, or
/// is asked for.
/// </summary>
public static class KeyPlace
{
    private const string Scheme = "pkcs11:";

    private static readonly string[] s_names = ["token", "key", "pin-file", "module"];

    /// <summary>Whether the text is a place in a device and not a file.</summary>
    public static bool IsDevice(string place)
    {
        ArgumentNullException.ThrowIfNull(place);
        return place.StartsWith(Scheme, StringComparison.Ordinal);
    }

    /// <summary>Opens a consensus key (Ed25519).</summary>
    /// <param name="place">A file or a place in a device.</param>
    /// <param name="ask">Asks for a PIN that neither a file nor the environment gives; null where nobody can be
    /// asked.</param>
    /// <exception cref="FormatException">The text is no such place.</exception>
    /// <exception cref="IOException">The key cannot be opened; the message says what to do.</exception>
    public static ISigningKey Open(string place, Func<string, string>? ask = null) => IsDevice(place)
        ? OpenDevice(place, ask, Pkcs11KeyType.Ed25519)
        : SoftwareKey.Load(place);

    /// <summary>Opens an account key (secp256k1) in a device; it signs digests of 32 bytes.</summary>
    /// <param name="place">A place in a device.</param>
    /// <param name="ask">As for <see cref="Open"/>.</param>
    /// <exception cref="FormatException">The text is no such place.</exception>
    /// <exception cref="IOException">The key cannot be opened; the message says what to do.</exception>
    public static Pkcs11Key OpenAccount(string place, Func<string, string>? ask = null) =>
        OpenDevice(place, ask, Pkcs11KeyType.Secp256k1);

    /// <summary>The same place with its files named from the root, so that it may be kept and used elsewhere.</summary>
    /// <exception cref="FormatException">The text begins like a place in a device and is none.</exception>
    public static string Absolute(string place, string folder)
    {
        if (!IsDevice(place))
        {
            return place.Length == 0 ? "" : Path.GetFullPath(Path.Combine(folder, place));
        }

        SortedDictionary<string, string> parts = Split(place);
        return Scheme + string.Join(';', s_names.Where(parts.ContainsKey).Select(name => name is "module" or "pin-file"
            ? $"{name}={Path.GetFullPath(Path.Combine(folder, parts[name]))}"
            : $"{name}={parts[name]}"));
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

    private static Pkcs11Key OpenDevice(string place, Func<string, string>? ask, Pkcs11KeyType type)
    {
        SortedDictionary<string, string> parts = Split(place);
        if (!parts.TryGetValue("token", out string? token) || !parts.TryGetValue("key", out string? label))
        {
            throw Wrong(place);
        }

        // A PIN that was typed is kept: the device may have to be opened again when nobody is at the terminal.
        string? typed = null;
        var key = Pkcs11Key.Open(parts.GetValueOrDefault("module", Pkcs11Module.SoftHsm), token, label, Pin);
        if (key.Type == type)
        {
            return key;
        }

        key.Dispose();
        throw new Pkcs11Exception(type == Pkcs11KeyType.Ed25519
            ? $"the key '{label}' is for secp256k1; consensus needs an Ed25519 key"
            : $"the key '{label}' is for Ed25519; an account needs a secp256k1 key");

        string Pin()
        {
            if (parts.TryGetValue("pin-file", out string? file)) return ReadPin(file);
            if (Environment.GetEnvironmentVariable("APPCHAIN_HSM_PIN") is { Length: > 0 } pin) return pin;
            typed ??= ask?.Invoke($"PIN of token '{token}': ");
            return typed is { Length: > 0 }
                ? typed
                : throw new IOException("a PIN is needed: write pin-file=FILE behind pkcs11:, set APPCHAIN_HSM_PIN, "
                    + "or start it on a terminal and type the PIN");
        }
    }

    private static SortedDictionary<string, string> Split(string place)
    {
        if (!IsDevice(place))
        {
            throw Wrong(place);
        }

        var parts = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (string part in place[Scheme.Length..].Split(';', StringSplitOptions.RemoveEmptyEntries))
        {
            int equals = part.IndexOf('=', StringComparison.Ordinal);
            string name = equals < 0 ? part : part[..equals];
            if (equals < 0 || !s_names.Contains(name) || !parts.TryAdd(name, part[(equals + 1)..]))
            {
                throw Wrong(place);
            }
        }

        return parts;
    }

    private static FormatException Wrong(string place) =>
        new($"'{place}' is no place in a device; write pkcs11:token=LABEL;key=LABEL;pin-file=FILE[;module=FILE]");
}
