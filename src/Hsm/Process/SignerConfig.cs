using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Net;
using AppChain.Abci;
using Google.Protobuf;

namespace AppChain.Hsm;

/// <summary>One other signer of the validator: who it is and where it listens.</summary>
public sealed record SignerPeer(ByteString Identity, string Address);

/// <summary>One key on one chain, and whom it signs for.</summary>
public sealed record SignerChain
{
    /// <summary>Requests for any other chain are refused.</summary>
    public required string ChainId { get; init; }

    /// <summary>Where the key is, for <see cref="KeyPlace"/>.</summary>
    public required string Key { get; init; }

    /// <summary>File of the guard's state.</summary>
    public required string State { get; init; }

    /// <summary>File of the audit log; empty for none.</summary>
    public string Audit { get; init; } = "";

    /// <summary>The engines, each a priv_validator_laddr to dial.</summary>
    public IReadOnlyList<string> Engines { get; init; } = [];
}

/// <summary>
/// Configuration of a signer process (docs/configuration.md): lines of <c>key = value</c>, '#' begins a comment. A key
/// that is unknown, given twice or has a bad value is an error that names its line.
/// </summary>
public sealed record SignerConfig
{
    private const string ChainPrefix = "chain.";

    /// <summary>File of the identity key for encrypted connections; empty to draw one at every start.</summary>
    public string Identity { get; init; } = "";

    /// <summary>Loopback address of the metrics; null for none.</summary>
    public IPEndPoint? Metrics { get; init; }

    /// <summary>Size above which an audit log goes on in a new file.</summary>
    public long AuditFileBytes { get; init; } = AuditLog.DefaultFileBytes;

    /// <summary>Where the other signers of the validator reach this one; empty for a signer alone.</summary>
    public string Listen { get; init; } = "";

    /// <summary>The two other signers of the validator; none for a signer alone.</summary>
    public IReadOnlyList<SignerPeer> Peers { get; init; } = [];

    /// <summary>What this process signs for.</summary>
    public IReadOnlyList<SignerChain> Chains { get; init; } = [];

    /// <summary>Reads a file. Relative paths in it are relative to its folder.</summary>
    /// <exception cref="FormatException">Names file, line and problem.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static SignerConfig Read(string file)
    {
        if (!File.Exists(file)) throw new IOException($"the configuration {file} does not exist");
        SignerConfig config = Parse(File.ReadAllLines(file), file);
        string folder = Path.GetDirectoryName(Path.GetFullPath(file)) ?? "/";
        return config with
        {
            Identity = Absolute(config.Identity, folder),
            Chains = [.. config.Chains.Select(chain => chain with
            {
                Key = KeyPlace.Absolute(chain.Key, folder),
                State = Absolute(chain.State, folder),
                Audit = Absolute(chain.Audit, folder),
            })],
        };
    }

    /// <summary>Parses the lines of a file.</summary>
    /// <exception cref="FormatException">Names file, line and problem.</exception>
    public static SignerConfig Parse(IReadOnlyList<string> lines, string file)
    {
        ArgumentNullException.ThrowIfNull(lines);
        SortedDictionary<string, List<string>> values = new(StringComparer.Ordinal);
        for (int i = 0; i < lines.Count; i++)
        {
            string line = lines[i].Split('#')[0].Trim();
            if (line.Length == 0) continue;
            string place = string.Create(CultureInfo.InvariantCulture, $"{file}:{i + 1}");
            int equals = line.IndexOf('=', StringComparison.Ordinal);
            if (equals < 0) throw new FormatException($"{place}: expected 'key = value'");
            string key = line[..equals].Trim();
            string value = line[(equals + 1)..].Trim();
            RequireKnown(key, place);
            RequireGood(key, value, place);
            bool isMany = key == "peer" || key.EndsWith(".engine", StringComparison.Ordinal);
            if (values.TryGetValue(key, out List<string>? earlier) && !isMany)
            {
                throw new FormatException($"{place}: '{key}' is there twice");
            }
            values[key] = [.. earlier ?? [], value];
        }
        SignerConfig config = new()
        {
            Identity = One(values, "identity"),
            Metrics = One(values, "metrics") is { Length: > 0 } metrics ? IPEndPoint.Parse(metrics) : null,
            AuditFileBytes = One(values, "audit.megabytes") is { Length: > 0 } megabytes
                ? Megabytes(megabytes) << 20
                : AuditLog.DefaultFileBytes,
            Listen = One(values, "listen"),
            Peers = [.. Many(values, "peer").Select(value => Peer(value)!)],
            Chains = ReadChains(values),
        };
        return config.Problem() is { } problem ? throw new FormatException($"{file}: {problem}") : config;
    }

    /// <summary>What does not fit together, or null.</summary>
    public string? Problem()
    {
        if (Chains.Count == 0) return "there is no chain to sign for; add lines chain.CHAIN-ID.key, .state and .engine";
        foreach (SignerChain chain in Chains)
        {
            if (chain.Key.Length == 0) return $"chain.{chain.ChainId}.key is missing";
            if (chain.State.Length == 0) return $"chain.{chain.ChainId}.state is missing";
        }
        if (Chains.Select(chain => chain.State).Distinct().Count() < Chains.Count)
        {
            return "two chains share one state file";
        }
        if (Chains.Where(chain => chain.Audit.Length > 0).GroupBy(chain => chain.Audit).Any(group => group.Count() > 1))
        {
            return "two chains share one audit log";
        }
        if (Peers.Count == 0 && Listen.Length == 0)
        {
            return Chains.FirstOrDefault(chain => chain.Engines.Count == 0) is { } idle
                ? $"chain.{idle.ChainId}.engine is missing"
                : null;
        }
        if (Peers.Count != Quorum.Others || Listen.Length == 0 || Identity.Length == 0)
        {
            return "three signers of one validator need: identity, listen, and the line peer twice";
        }
        return Peers[0].Identity == Peers[1].Identity ? "both peers have the same identity" : null;
    }

    private static void RequireKnown(string key, string place)
    {
        bool isKnown = key is "identity" or "metrics" or "audit.megabytes" or "listen" or "peer"
            || (key.StartsWith(ChainPrefix, StringComparison.Ordinal) && SplitChain(key).Name.Length > 0);
        if (!isKnown)
        {
            throw new FormatException($"{place}: unknown key '{key}'; known are identity, metrics, audit.megabytes, "
                + "listen, peer and chain.CHAIN-ID.key, .state, .audit, .engine");
        }
    }

    private static void RequireGood(string key, string value, string place)
    {
        if (value.Length == 0) throw new FormatException($"{place}: '{key}' has no value");
        try
        {
            if (key == "peer" && Peer(value) is null)
            {
                throw new FormatException("write IDENTITY@tcp://host:port, the identity as 64 hex digits");
            }
            if (key == "listen" || key.EndsWith(".engine", StringComparison.Ordinal)) SocketEndpoint.Parse(value);
            if (key == "audit.megabytes") Megabytes(value);
            if (key == "metrics" && !IPAddress.IsLoopback(IPEndPoint.Parse(value).Address))
            {
                throw new FormatException("figures are served on this machine only: write 127.0.0.1:PORT");
            }
        }
        catch (FormatException error)
        {
            throw new FormatException($"{place}: {key}: {error.Message}", error);
        }
    }

    private static long Megabytes(string value) =>
        long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out long number)
        && number is > 0 and <= 1 << 20
            ? number
            : throw new FormatException("write a whole number of MiB, 1 to 1048576");

    /// <summary>A chain id may hold dots, so the name of the setting is what follows the last one.</summary>
    private static (string ChainId, string Name) SplitChain(string key)
    {
        int dot = key.LastIndexOf('.');
        string name = key[(dot + 1)..];
        return dot > ChainPrefix.Length && name is "key" or "state" or "audit" or "engine"
            ? (key[ChainPrefix.Length..dot], name)
            : ("", "");
    }

    private static SignerPeer? Peer(string value)
    {
        int at = value.IndexOf('@', StringComparison.Ordinal);
        if (at != 2 * Sodium.PublicKeySize || !value.Take(at).All(char.IsAsciiHexDigit)) return null;
        SocketEndpoint.Parse(value[(at + 1)..]);
        return new SignerPeer(ByteString.CopyFrom(Convert.FromHexString(value[..at])), value[(at + 1)..]);
    }

    private static List<SignerChain> ReadChains(SortedDictionary<string, List<string>> values)
    {
        List<SignerChain> chains = [];
        foreach (string chainId in values.Keys.Where(key => key.StartsWith(ChainPrefix, StringComparison.Ordinal))
            .Select(key => SplitChain(key).ChainId).Distinct())
        {
            string prefix = ChainPrefix + chainId;
            chains.Add(new SignerChain
            {
                ChainId = chainId,
                Key = One(values, prefix + ".key"),
                State = One(values, prefix + ".state"),
                Audit = One(values, prefix + ".audit"),
                Engines = Many(values, prefix + ".engine"),
            });
        }
        return chains;
    }

    private static string One(SortedDictionary<string, List<string>> values, string key) =>
        values.TryGetValue(key, out List<string>? found) ? found[0] : "";

    private static List<string> Many(SortedDictionary<string, List<string>> values, string key) =>
        values.TryGetValue(key, out List<string>? found) ? found : [];

    private static string Absolute(string path, string folder) => path.Length == 0 ? "" : Path.Combine(folder, path);
}
