using System;
using System.Collections.Generic;
using System.IO;
using System.IO.Compression;
using System.Text;
using System.Text.Json;
using NUnit.Framework;

namespace AppChain.Tests;

/// <summary>
/// Public vectors and recordings beside the repository. Tests that need them are skipped when they are absent.
/// </summary>
internal static class SharedData
{
    /// <summary>Path of a file or folder of the data set, or the test ends as ignored.</summary>
    public static string Path(params string[] names)
    {
        string path = System.IO.Path.Combine([Root(), "..", "shared", "data", .. names]);
        if (!File.Exists(path) && !Directory.Exists(path)) Assert.Ignore($"not present: {path}");
        return path;
    }

    /// <summary>The scenario folders of the recordings; none when they are absent.</summary>
    public static IReadOnlyList<string> Scenarios() => Names("7_cometbft_recordings", "*", Directory.GetDirectories);

    /// <summary>Recorded files that match, as "folder/file"; none when they are absent.</summary>
    public static IReadOnlyList<string> RecordedFiles(string pattern)
    {
        List<string> found = [];
        foreach (string scenario in Scenarios())
        {
            string folder = System.IO.Path.Combine("7_cometbft_recordings", scenario);
            foreach (string file in Names(folder, pattern, Directory.GetFiles)) found.Add($"{scenario}/{file}");
        }
        return found;
    }

    /// <summary>The text of a file, unpacked when its name ends in .gz.</summary>
    public static string Text(params string[] names)
    {
        using StreamReader reader = Open(Path(names));
        return reader.ReadToEnd();
    }

    /// <summary>The JSON objects of a file with one per line.</summary>
    public static IEnumerable<JsonElement> Lines(params string[] names)
    {
        using StreamReader reader = Open(Path(names));
        while (reader.ReadLine() is { } line)
        {
            if (line.Length > 0) yield return JsonDocument.Parse(line).RootElement;
        }
    }

    private static StreamReader Open(string path)
    {
        Stream file = File.OpenRead(path);
        Stream content = path.EndsWith(".gz", StringComparison.Ordinal)
            ? new GZipStream(file, CompressionMode.Decompress)
            : file;
        return new StreamReader(content, Encoding.UTF8);
    }

    private static List<string> Names(string folder, string pattern, Func<string, string, string[]> list)
    {
        string path = System.IO.Path.Combine(Root(), "..", "shared", "data", folder);
        List<string> names = [];
        if (!Directory.Exists(path)) return names;
        foreach (string found in list(path, pattern)) names.Add(System.IO.Path.GetFileName(found));
        names.Sort(StringComparer.Ordinal);
        return names;
    }

    private static string Root()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(System.IO.Path.Combine(folder, "AppChain.sln")))
        {
            folder = System.IO.Path.GetDirectoryName(folder);
        }
        return folder ?? throw new InvalidOperationException("the tests run outside the repository");
    }
}
