using System;
using System.Collections.Generic;
using System.IO;
using System.Text.Json;
using AppChain.Hsm;

namespace AppChain.Node;

/// <summary>A release that a guardian signed. Times in nanoseconds since 1970, amounts in micro-USD.</summary>
internal sealed record SignedRelease(
    string ChainId, ulong Withdrawal, ulong Sequence, long Amount, string Destination, long Time);

/// <summary>
/// What a guardian has signed, one line of JSON each, on disk before the signature leaves. Its own memory, which no
/// chain can talk it out of. A line counts from its end of line on: one without was being written when the guardian
/// stopped, so nothing was signed for it. One process at a time has the file.
/// </summary>
internal sealed class GuardianJournal : IDisposable
{
    private static readonly JsonSerializerOptions Whole = new() { RespectRequiredConstructorParameters = true };

    private readonly string _path;
    private readonly string _chainId;
    private readonly List<SignedRelease> _signed = [];
    private FileStream? _file;
    private long _end;

    /// <summary>Reads what is there; a file that is not there is an empty journal.</summary>
    /// <param name="path">The file.</param>
    /// <param name="chainId">Signatures for other chains are passed over.</param>
    /// <param name="log">Told of half a line that was cut off.</param>
    /// <exception cref="FormatException">A line is damaged.</exception>
    /// <exception cref="IOException">Another process has it, or it cannot be read and written.</exception>
    public GuardianJournal(string path, string chainId, Action<string> log)
    {
        _path = path;
        _chainId = chainId;
        if (!File.Exists(path))
        {
            return;
        }

        _file = Open(FileMode.Open);
        try
        {
            ReadAll(_file, log);
        }
        catch (Exception)
        {
            _file.Dispose();
            throw;
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

    /// <summary>Records a signature that is about to be made, durably.</summary>
    /// <exception cref="IOException">It is not recorded: nothing may be signed.</exception>
    public void Add(ulong withdrawal, ulong sequence, long amount, string destination, long time)
    {
        var one = new SignedRelease(_chainId, withdrawal, sequence, amount, destination, time);
        byte[] line = [.. JsonSerializer.SerializeToUtf8Bytes(one), (byte)'\n'];
        _file ??= Create();
        CutTail(_file);
        _file.Write(line);
        _file.Flush(flushToDisk: true);
        _end += line.Length;
        _signed.Add(one);
    }

    /// <inheritdoc/>
    public void Dispose() => _file?.Dispose();

    private FileStream Create()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(_path))!);
        FileStream file = Open(FileMode.CreateNew);
        DurableFile.FlushFolder(_path);
        return file;
    }

    private FileStream Open(FileMode mode)
    {
        try
        {
            return new FileStream(_path, mode, FileAccess.ReadWrite, FileShare.None, bufferSize: 0);
        }
        catch (IOException error)
        {
            throw new IOException(
                $"the journal {_path} cannot be used: {error.Message} If another guardian with this key runs, stop it",
                error);
        }
    }

    // What an earlier write left behind that failed in the middle, as on a full disk, is no line.
    private void CutTail(FileStream file)
    {
        if (file.Length > _end)
        {
            file.SetLength(_end);
            file.Flush(flushToDisk: true);
        }

        file.Seek(_end, SeekOrigin.Begin);
    }

    private void ReadAll(FileStream file, Action<string> log)
    {
        byte[] bytes = new byte[file.Length];
        file.ReadExactly(bytes);
        int number = 0;
        int length;
        for (int start = 0; (length = bytes.AsSpan(start).IndexOf((byte)'\n')) >= 0; start += length + 1)
        {
            number++;
            SignedRelease one = Read(bytes.AsSpan(start, length))
                ?? throw new FormatException(
                    $"{_path}, line {number} is no record of a signature; move the file away to begin anew");
            if (one.ChainId == _chainId)
            {
                _signed.Add(one);
            }

            _end = start + length + 1;
        }

        if (_end < bytes.Length)
        {
            CutTail(file);
            log($"{_path}: half a line after line {number} was cut off; nothing was signed for it");
        }
    }

    private static SignedRelease? Read(ReadOnlySpan<byte> line)
    {
        try
        {
            return JsonSerializer.Deserialize<SignedRelease>(line, Whole);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
