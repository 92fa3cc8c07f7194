using System.Collections.Generic;
using System.IO.Compression;
using System.IO;
using System.Text.Json;
using System;
using AppChain.Abci;
using Cosmos.Ics23.V1;
using Google.Protobuf;

namespace AppChain.Node;

/// <summary>What running a file of test vectors gave.</summary>
/// <param name="Cases">All cases in the file.</param>
/// <param name="Agreed">Cases where we do what the vectors say.</param>
/// <param name="Disagreed">Names of the cases where we do not.</param>
/// <param name="Skipped">Names of the cases that were not run, and why.</param>
public sealed record Ics23VectorResult(
    int Cases, int Agreed, IReadOnlyList<string> Disagreed, IReadOnlyList<(string Case, string Why)> Skipped);

/// <summary>
/// Runs the public ICS-23 test vectors, in the JSON of the reference repository: a proof file (key, value, root and
/// proof in hex), a table of cases of one operation (told by its file name), or an object of such files by path.
/// </summary>
public sealed class Ics23Vectors
{
    private static readonly JsonParser ProtoJson = new(JsonParser.Settings.Default);

    private readonly List<string> _disagreed = [];
    private readonly List<(string Case, string Why)> _skipped = [];
    private int _agreed;

    /// <summary>Runs all cases of a file, plain or compressed with gzip.</summary>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="InvalidDataException">Not JSON, or not gzip although its name says so.</exception>
    public static Ics23VectorResult Run(string path)
    {
        using Stream file = File.OpenRead(path);
        bool isCompressed = path.EndsWith(".gz", StringComparison.Ordinal);
        using Stream stream = isCompressed ? new GZipStream(file, CompressionMode.Decompress) : file;
        try
        {
            using JsonDocument document = JsonDocument.Parse(stream);
            string name = isCompressed ? path[..^3] : path;
            return Run(name.Replace('\\', '/'), document.RootElement);
        }
        catch (JsonException error)
        {
            throw new InvalidDataException($"{path} is not JSON: {error.Message}", error);
        }
    }

    /// <summary>Runs all cases of a parsed file; the name decides what kind of cases they are.</summary>
    public static Ics23VectorResult Run(string name, JsonElement content)
    {
        var run = new Ics23Vectors();
        run.RunFile(name, content);
        int cases = run._agreed + run._disagreed.Count + run._skipped.Count;
        return new Ics23VectorResult(cases, run._agreed, run._disagreed, run._skipped);
    }

    private void RunFile(string name, JsonElement content)
    {
        string fileName = name[(name.LastIndexOf('/') + 1)..];
        Func<JsonElement, bool?>? check = fileName switch
        {
            "TestCheckAgainstSpecData.json" => CheckAgainstSpec,
            "TestCheckLeafData.json" => CheckLeaf,
            "TestDoHashData.json" => CheckHash,
            "TestEmptyBranchData.json" => CheckEmptyBranch,
            "TestExistenceProofData.json" => CheckRoot,
            "TestInnerOpData.json" => CheckInner,
            "TestLeafOpData.json" => CheckLeafHash,
            _ => null,
        };
        if (check is not null)
        {
            RunTable(fileName, content, check);
        }
        else if (content.ValueKind == JsonValueKind.Object && content.TryGetProperty("proof", out _))
        {
            RunCase(name, content, proof => CheckProof(name, proof));
        }
        else if (content.ValueKind == JsonValueKind.Object)
        {
            foreach (JsonProperty inner in content.EnumerateObject())
            {
                RunFile(inner.Name, inner.Value);
            }
        }
        else
        {
            _skipped.Add((name, "not a form of ICS-23 vectors that is known here"));
        }
    }

    private void RunTable(string table, JsonElement content, Func<JsonElement, bool?> check)
    {
        if (content.ValueKind == JsonValueKind.Array)
        {
            int number = 0;
            foreach (JsonElement item in content.EnumerateArray())
            {
                RunCase($"{table}: {number++}", item, check);
            }

            return;
        }

        foreach (JsonProperty item in content.EnumerateObject())
        {
            RunCase($"{table}: {item.Name}", item.Value, check);
        }
    }

    private void RunCase(string name, JsonElement item, Func<JsonElement, bool?> check)
    {
        try
        {
            switch (check(item))
            {
                case true:
                    _agreed++;
                    break;
                case false:
                    _disagreed.Add(name);
                    break;
                case null:
                    _skipped.Add((name, "needs a hash function other than SHA-256 and SHA-512"));
                    break;
            }
        }
        catch (Exception error) when (error is FormatException or MalformedMessageException
            or InvalidOperationException or KeyNotFoundException)
        {
            _skipped.Add((name, $"cannot be read: {error.Message}"));
        }
    }

    private static bool? CheckProof(string name, JsonElement item)
    {
        byte[] key = Convert.FromHexString(item.GetProperty("key").GetString()!);
        byte[] value = Convert.FromHexString(item.GetProperty("value").GetString()!);
        byte[] root = Convert.FromHexString(item.GetProperty("root").GetString()!);
        CommitmentProof proof = CommitmentProof.Parser.Read(
            Convert.FromHexString(item.GetProperty("proof").GetString()!));

        // The folder names the tree; a file from elsewhere may be of any of the three.
        foreach (ProofSpec spec in CandidateSpecs(name))
        {
            bool isAccepted = value.Length == 0
                ? Ics23Verifier.VerifyNonMembership(spec, root, proof, key, out _)
                : Ics23Verifier.VerifyMembership(spec, root, proof, key, value, out _);
            if (isAccepted)
            {
                return true;
            }
        }

        return false;
    }

    private static ReadOnlySpan<ProofSpec> CandidateSpecs(string name)
    {
        string[] parts = name.Split('/');
        return (parts.Length > 1 ? parts[^2] : string.Empty) switch
        {
            "iavl" => (ProofSpec[])[Ics23Specs.Iavl],
            "tendermint" => (ProofSpec[])[Ics23Specs.Tendermint],
            "smt" => (ProofSpec[])[Ics23Specs.Smt],
            _ => (ProofSpec[])[Ics23Specs.Iavl, Ics23Specs.Tendermint, Ics23Specs.Smt],
        };
    }

    private static bool? CheckAgainstSpec(JsonElement item)
    {
        string? refusal = Ics23Verifier.Refuse(Proto<ExistenceProof>(item, "Proof"), Proto<ProofSpec>(item, "Spec"));
        return (refusal is null) == (item.GetProperty("Err").GetString() is null or "");
    }

    private static bool? CheckLeaf(JsonElement item)
    {
        var spec = new ProofSpec { LeafSpec = Proto<LeafOp>(item, "Spec") };
        string? refusal = Ics23Operations.Refuse(Proto<LeafOp>(item, "Leaf"), spec);
        return (refusal is not null) == item.GetProperty("IsErr").GetBoolean();
    }

    private static bool? CheckHash(JsonElement item)
    {
        var operation = (HashOp)item.GetProperty("HashOp").GetInt32();
        if (!Ics23Operations.IsSupported(operation))
        {
            return null;
        }

        // The vectors write the name of this field in two ways.
        JsonElement preimage = item.TryGetProperty("Preimage", out JsonElement found)
            ? found
            : item.GetProperty("PreImage");
        bool isHashed = Ics23Operations.TryHash(
            operation, System.Text.Encoding.UTF8.GetBytes(preimage.GetString()!), out byte[]? hash);
        return isHashed && Convert.ToHexStringLower(hash!) == item.GetProperty("ExpectedHash").GetString();
    }

    private static bool? CheckEmptyBranch(JsonElement item)
    {
        InnerOp inner = Proto<InnerOp>(item, "Op");
        ProofSpec spec = Proto<ProofSpec>(item, "Spec");
        return Ics23Operations.Refuse(inner, spec, 1) is null
            && Ics23Neighbors.IsEmptyToTheLeft(spec.InnerSpec, inner) == item.GetProperty("IsLeft").GetBoolean()
            && Ics23Neighbors.IsEmptyToTheRight(spec.InnerSpec, inner) == item.GetProperty("IsRight").GetBoolean();
    }

    private static bool? CheckRoot(JsonElement item)
    {
        bool isDone = Ics23Verifier.TryCalculateRoot(Proto<ExistenceProof>(item, "Proof"), out byte[]? root);
        return IsExpected(item, isDone, root);
    }

    private static bool? CheckInner(JsonElement item)
    {
        InnerOp inner = Proto<InnerOp>(item, "Op");
        bool isDone = Ics23Operations.TryApply(inner, Bytes(item, "Child"), out byte[]? hash);
        return IsExpected(item, isDone, hash);
    }

    private static bool? CheckLeafHash(JsonElement item)
    {
        LeafOp leaf = Proto<LeafOp>(item, "Op");
        ByteString key = ByteString.CopyFrom(Bytes(item, "Key"));
        bool isDone = Ics23Operations.TryApply(leaf, key, ByteString.CopyFrom(Bytes(item, "Value")), out byte[]? hash);
        return IsExpected(item, isDone, hash);
    }

    private static bool IsExpected(JsonElement item, bool isDone, byte[]? hash) =>
        isDone != item.GetProperty("IsErr").GetBoolean()
        && Bytes(item, "Expected").AsSpan().SequenceEqual(hash ?? []);

    private static byte[] Bytes(JsonElement item, string name) =>
        item.TryGetProperty(name, out JsonElement bytes) && bytes.ValueKind == JsonValueKind.String
            ? bytes.GetBytesFromBase64()
            : [];

    private static TMessage Proto<TMessage>(JsonElement item, string name)
        where TMessage : IMessage, new() => ProtoJson.Parse<TMessage>(item.GetProperty(name).GetRawText());
}
