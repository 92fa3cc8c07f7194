using System;
using System.Collections.Generic;
using System.IO;
using System.IO.Compression;
using System.Text.Json;

namespace AppChain.Hsm;

/// <summary>
/// Outcome of running a file of public test vectors: every case is agreed, disagreed, or skipped for a reason.
/// </summary>
public sealed class VectorReport
{
    private readonly List<string> _disagreements = [];
    private readonly SortedDictionary<string, int> _skipReasons = new(StringComparer.Ordinal);

    /// <summary>All cases of the file.</summary>
    public int Cases => Agreed + Disagreed + Skipped;

    /// <summary>Cases in which our verdict is the expected one.</summary>
    public int Agreed { get; private set; }

    /// <summary>Cases in which it is not.</summary>
    public int Disagreed => _disagreements.Count;

    /// <summary>Cases that do not apply to our rules.</summary>
    public int Skipped { get; private set; }

    /// <summary>One line per disagreement, with the number of the case.</summary>
    public IReadOnlyList<string> Disagreements => _disagreements;

    /// <summary>Why cases were skipped, and how many for each reason.</summary>
    public IReadOnlyDictionary<string, int> SkipReasons => _skipReasons;

    /// <summary>Counts a case by verdict.</summary>
    public void Count(string name, bool expected, bool actual)
    {
        if (expected == actual) Agreed++;
        else _disagreements.Add($"{name}: expected {Word(expected)}, found {Word(actual)}");
    }

    /// <summary>Counts a case that cannot be judged because of <paramref name="reason"/>.</summary>
    public void Skip(string reason)
    {
        Skipped++;
        _skipReasons[reason] = _skipReasons.GetValueOrDefault(reason) + 1;
    }

    /// <summary>Reads a JSON file, unpacking it when it begins like a gzip file.</summary>
    /// <exception cref="FormatException">The file is not JSON.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static JsonDocument Open(string path)
    {
        byte[] bytes = File.ReadAllBytes(path);
        using Stream file = new MemoryStream(bytes);
        using Stream content = bytes is [0x1F, 0x8B, ..] ? new GZipStream(file, CompressionMode.Decompress) : file;
        try
        {
            return JsonDocument.Parse(content);
        }
        catch (Exception error) when (error is JsonException or InvalidDataException)
        {
            throw new FormatException($"{path} is not JSON: {error.Message}", error);
        }
    }

    private static string Word(bool isValid) => isValid ? "valid" : "invalid";
}
