using System;
using System.Collections.Generic;
using System.Diagnostics.CodeAnalysis;
using System.IO;

namespace AppChain.Node;

/// <summary>A directory of key files, one per name: <c>NAME.json</c>, readable by the user alone.</summary>
public sealed class KeyStore(string directory)
{
    private const int NameLengthMax = 32;
    private const string Extension = ".json";

    /// <summary>The directory.</summary>
    public string Directory { get; } = directory;

    /// <summary>A name has 1 to 32 characters of a–z, 0–9, '-' and '_'.</summary>
    public static bool IsName(string name) =>
        name.Length is > 0 and <= NameLengthMax
        && !name.AsSpan().ContainsAnyExcept("abcdefghijklmnopqrstuvwxyz0123456789-_");

    /// <summary>The names there are, in order.</summary>
    public IReadOnlyList<string> Names()
    {
        var names = new List<string>();
        if (System.IO.Directory.Exists(Directory))
        {
            foreach (string path in System.IO.Directory.EnumerateFiles(Directory, $"*{Extension}"))
            {
                string name = Path.GetFileNameWithoutExtension(path);
                if (IsName(name))
                {
                    names.Add(name);
                }
            }
        }

        names.Sort(StringComparer.Ordinal);
        return names;
    }

    /// <summary>Where the file of a name is or would be.</summary>
    public string PathOf(string name) => Path.Combine(Directory, name + Extension);

    /// <summary>Reads a key; false when there is none of this name.</summary>
    /// <exception cref="FormatException">The file is damaged; the message names it.</exception>
    public bool TryLoad(string name, [NotNullWhen(true)] out KeyFile? key)
    {
        key = null;
        if (!IsName(name) || !File.Exists(PathOf(name)))
        {
            return false;
        }

        try
        {
            key = KeyFile.Parse(File.ReadAllText(PathOf(name)));
            return true;
        }
        catch (FormatException cause)
        {
            throw new FormatException($"{PathOf(name)} is not a key file: {cause.Message}", cause);
        }
    }

    /// <summary>Writes a key that is not there yet, durably and in one step.</summary>
    /// <exception cref="IOException">There is a key of this name.</exception>
    public void Add(string name, KeyFile key)
    {
        if (!IsName(name))
        {
            throw new FormatException(
                $"'{name}' is no name for a key: 1 to {NameLengthMax} characters of a-z, 0-9, '-' and '_'");
        }

        System.IO.Directory.CreateDirectory(Directory);
        string path = PathOf(name);
        string temporary = $"{path}.{Environment.ProcessId}.tmp";
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        using (var file = new FileStream(temporary, options))
        using (var writer = new StreamWriter(file))
        {
            writer.Write(key.ToJson());
            writer.Flush();
            file.Flush(flushToDisk: true);
        }

        try
        {
            File.Move(temporary, path, overwrite: false);
        }
        catch (IOException cause) when (File.Exists(path))
        {
            File.Delete(temporary);
            throw new IOException($"there is a key '{name}' already in {Directory}", cause);
        }
    }
}
