using System.IO;
using System.IO.Compression;
using System.Text.Json;
using NUnit.Framework;

namespace AppChain.Node.Tests.Proofs;

[TestFixture]
public sealed class Ics23VectorsTests
{
    [Test]
    public void Public_vectors_agree()
    {
        Ics23VectorResult result = Ics23Vectors.Run(VectorFile());
        Assert.That(result.Disagreed, Is.Empty);
        Assert.That(result.Cases, Is.EqualTo(69));

        // RIPEMD-160, BITCOIN, SHA-512/256 and both BLAKE2.
        Assert.That(result.Skipped, Has.Count.EqualTo(5));
        Assert.That(result.Agreed, Is.EqualTo(result.Cases - 5));
    }

    // The files testdata/smt/*.json of https://github.com/cosmos/ics23 (Apache-2.0), one object by path.
    [Test]
    public void Public_vectors_of_the_sparse_merkle_tree_agree()
    {
        using Stream stream = typeof(Ics23VectorsTests).Assembly.GetManifestResourceStream("ics23_smt_vectors.json")!;
        using JsonDocument document = JsonDocument.Parse(stream);
        Ics23VectorResult result = Ics23Vectors.Run("ics23_smt_vectors.json", document.RootElement);
        Assert.That((result.Cases, result.Agreed), Is.EqualTo((6, 6)));
    }

    [Test]
    public void A_single_proof_file_and_a_compressed_file_are_accepted()
    {
        using JsonDocument all = JsonDocument.Parse(File.ReadAllText(VectorFile()));
        string folder = Directory.CreateTempSubdirectory("appchain-ics23-").FullName;
        try
        {
            string single = Path.Combine(folder, "single.json.gz");
            using (var zip = new GZipStream(File.Create(single), CompressionLevel.Fastest))
            using (var writer = new StreamWriter(zip))
            {
                writer.Write(all.RootElement.GetProperty("iavl/nonexist_middle.json").GetRawText());
            }

            Assert.That(Ics23Vectors.Run(single).Agreed, Is.EqualTo(1));
        }
        finally
        {
            Directory.Delete(folder, true);
        }
    }

    [Test]
    public void A_changed_vector_disagrees()
    {
        using JsonDocument all = JsonDocument.Parse(File.ReadAllText(VectorFile()));
        foreach (JsonProperty file in all.RootElement.EnumerateObject())
        {
            if (file.Value.ValueKind == JsonValueKind.Object && file.Value.TryGetProperty("root", out JsonElement root))
            {
                string changed = file.Value.GetRawText().Replace(
                    root.GetString()!, new string('7', root.GetString()!.Length));
                using JsonDocument document = JsonDocument.Parse(changed);
                Ics23VectorResult result = Ics23Vectors.Run(file.Name, document.RootElement);
                Assert.That(result.Disagreed, Is.EqualTo(new[] { file.Name }));
            }
        }
    }

    [Test]
    public void A_file_of_another_form_is_skipped_with_a_reason()
    {
        using JsonDocument document = JsonDocument.Parse("""{"a.json": 5, "b.json": {"proof": "zz"}}""");
        Ics23VectorResult result = Ics23Vectors.Run("x.json", document.RootElement);
        Assert.That(result.Skipped, Has.Count.EqualTo(2));
        Assert.That(result.Agreed, Is.Zero);
    }

    private static string VectorFile()
    {
        DirectoryInfo? folder = new(TestContext.CurrentContext.TestDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "AppChain.sln")))
        {
            folder = folder.Parent;
        }

        string path = Path.Combine(
            folder?.FullName ?? ".", "..", "shared", "data", "5_vectors", "ics23_iavl_tendermint_and_unit.json");
        if (!File.Exists(path))
        {
            Assert.Ignore($"not present: {path}");
        }

        return path;
    }
}
