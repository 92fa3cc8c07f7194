using System;
using System.Collections.Generic;
using System.IO;
using System.IO.Compression;
using System.Linq;
using System.Text.Json;
using AppChain.Abci;
using AppChain.Abci.Wire;
using AppChain.Hsm;
using AppChain.Localnet.Tests.Vectors;
using Google.Protobuf;
using NUnit.Framework;

namespace AppChain.Localnet.Tests;

/// <summary>A folder of recorded CometBFT traffic, found beside the repository.</summary>
public sealed class Recording
{
    public static readonly string[] Names =
    [
        "a_plain", "b_absent", "c_reject", "d_crash", "e_updates", "f_signer_tcp", "f_signer_unix", "g_mixed_votes",
        "h_initial_height",
    ];

    private readonly string _folder;
    private readonly Dictionary<(string Method, string Height), JsonElement> _answers = [];

    private Recording(string folder)
    {
        _folder = folder;
        foreach (JsonElement line in Lines("rpc.jsonl.gz"))
        {
            JsonElement parameters = line.GetProperty("params");
            string height = parameters.TryGetProperty("height", out JsonElement value) ? value.GetString()! : "";
            _answers[(line.GetProperty("method").GetString()!, height)] = line.GetProperty("result");
        }
        Heights = [.. _answers.Keys.Where(key => key.Method == "block").Select(key => long.Parse(key.Height)).Order()];
    }

    public IReadOnlyList<long> Heights { get; }

    /// <summary>The consensus keys, by address; throw-away keys that came with the recording.</summary>
    public IReadOnlyDictionary<ByteString, SoftwareKey> Keys()
    {
        using JsonDocument keys = JsonDocument.Parse(File.ReadAllText(Path.Combine(_folder, "keys.json")));
        return keys.RootElement.EnumerateArray().ToDictionary(
            key => ByteString.CopyFrom(Convert.FromHexString(key.GetProperty("address").GetString()!)),
            key => SoftwareKey.FromSeed(Convert.FromHexString(key.GetProperty("seed").GetString()!)));
    }

    public Genesis Genesis => Genesis.Parse(File.ReadAllText(Path.Combine(_folder, "genesis.json")));

    /// <summary>Opens a recording; the test is skipped where the recordings are not at hand.</summary>
    public static Recording Open(string name)
    {
        string? folder = TestContext.CurrentContext.TestDirectory;
        for (; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            if (!File.Exists(Path.Combine(folder, "AppChain.sln"))) continue;
            string path = Path.Combine(folder, "..", "shared", "data", "7_cometbft_recordings", name);
            if (Directory.Exists(path)) return new Recording(path);
        }
        Assert.Ignore("the CometBFT recordings (../shared/data/7_cometbft_recordings) are not there");
        throw new InvalidOperationException("unreachable");
    }

    public JsonElement Answer(string method, long height) => _answers[(method, $"{height}")];

    /// <summary>Numbers of the nodes whose ABCI traffic was recorded.</summary>
    public IEnumerable<int> Nodes => Enumerable.Range(0, 4).Where(
        node => File.Exists(Path.Combine(_folder, $"abci_node{node}.jsonl.gz")));

    /// <summary>
    /// Kinds of the requests on the consensus connection of a node, one list per run of its application, flushes left
    /// out.
    /// </summary>
    public List<List<string>> ConsensusCalls(int node)
    {
        SortedDictionary<int, List<string>> runs = [];
        foreach (JsonElement line in Lines($"abci_node{node}.jsonl.gz"))
        {
            if (!line.TryGetProperty("dir", out JsonElement direction) || direction.GetString() != "req") continue;
            string kind = line.GetProperty("kind").GetString()!;
            if (line.GetProperty("conn").GetInt32() != 3 || kind == "flush") continue;
            int run = line.GetProperty("run").GetInt32();
            if (!runs.TryGetValue(run, out List<string>? calls)) runs.Add(run, calls = []);
            calls.Add(kind);
        }
        return [.. runs.Values];
    }

    /// <summary>
    /// The calls of all runs of a node's application that <see cref="CallGrammar"/> knows, in the order of execution.
    /// </summary>
    public IEnumerable<AbciCall> Calls(int node)
    {
        foreach (JsonElement line in Lines($"abci_node{node}.jsonl.gz"))
        {
            if (line.TryGetProperty("ev", out JsonElement happened))
            {
                if (happened.GetString() == "start") yield return new AbciCall(CallKind.Start, 0);
                continue;
            }
            byte[] frame = line.GetProperty("frame").GetBytesFromBase64();
            bool isRequest = line.GetProperty("dir").GetString() == "req";
            AbciCall? call = isRequest
                ? Tapes.CallOf(Request.Parser.ParseDelimitedFrom(new MemoryStream(frame)), null)
                : Response.Parser.ParseDelimitedFrom(new MemoryStream(frame)).Info is { } info
                    ? new AbciCall(CallKind.Info, info.LastBlockHeight)
                    : null;
            if (call is { } known) yield return known;
        }
    }

    /// <summary>The requests that a node sent to its application, on all connections and in all runs.</summary>
    public IEnumerable<Request> Requests(int node)
    {
        foreach (JsonElement line in Lines($"abci_node{node}.jsonl.gz"))
        {
            if (!line.TryGetProperty("dir", out JsonElement direction) || direction.GetString() != "req") continue;
            byte[] frame = line.GetProperty("frame").GetBytesFromBase64();
            yield return Request.Parser.ParseDelimitedFrom(new MemoryStream(frame));
        }
    }

    private IEnumerable<JsonElement> Lines(string file)
    {
        using StreamReader reader =
            new(new GZipStream(File.OpenRead(Path.Combine(_folder, file)), CompressionMode.Decompress));
        while (reader.ReadLine() is { } line)
        {
            using JsonDocument document = JsonDocument.Parse(line);
            yield return document.RootElement.Clone();
        }
    }
}
