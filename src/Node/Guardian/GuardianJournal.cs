using System;
using System.Collections.Generic;
using System.IO;
using System.Text.Json;

namespace AppChain.Node;

/// <summary>A release that a guardian signed. Times in nanoseconds since 1970, amounts in micro-USD.</summary>
internal sealed record SignedRelease(
    string ChainId, ulong Withdrawal, ulong Sequence, long Amount, string Destination, long Time);

/// <summary>
/// What a guardian has signed, one line of JSON each, on disk before the signature leaves. Its own memory, which no chain
/// can talk it out of.
/// </summary>
internal sealed class GuardianJournal
{
    private readonly string _path;
    private readonly string _chainId;
    private readonly List<SignedRelease> _signed = [];

    /// <summary>Reads what is there; a file that is not there is an empty journal.</summary>
    /// <exception cref="FormatException">A line is damaged.</exception>
    public GuardianJournal(string path, string chainId)
    {
        _path = path;
        _chainId = chainId;
        int number = 0;
        foreach (string line in File.Exists(path) ? File.ReadLines(path) : [])
        {
            number++;
            SignedRelease? one = Read(line)
                ?? throw new FormatException($"{path}, line {number} is no record of a signature; move the file away to begin anew");
            if (one.ChainId == chainId)
            {
                _signed.Add(one);
            }
        }
    }

    /// <summary>The last signature for a withdrawal; null when there is none.</summary>
    public SignedRelease? Find(ulong withdrawal) => _signed.FindLast(one => one.Withdrawal == withdrawal);

    /// <summary>Micro-USD signed since a time, each withdrawal once, but for one.</summary>
    public Int128 SignedSince(long time, ulong except)
    {
        Int128 sum = 0;
        var counted = new HashSet<ulong> { except };
        for (int i = _signed.Count - 1; i >= 0; i--)
        {
            sum += _signed[i].Time > time && counted.Add(_signed[i].Withdrawal) ? _signed[i].Amount : 0;
        }

        return sum;
    }

    /// <summary>Records a signature, durably.</summary>
    public void Add(ulong withdrawal, ulong sequence, long amount, string destination, long time)
    {
        var one = new SignedRelease(_chainId, withdrawal, sequence, amount, destination, time);
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(_path))!);
        using (var file = new FileStream(_path, FileMode.Append, FileAccess.Write))
        {
            file.Write(JsonSerializer.SerializeToUtf8Bytes(one));
            file.WriteByte((byte)'\n');
            file.Flush(flushToDisk: true);
        }

        _signed.Add(one);
    }

    private static SignedRelease? Read(string line)
    {
        try
        {
            return JsonSerializer.Deserialize<SignedRelease>(line);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
