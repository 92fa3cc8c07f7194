using System;
using System.Buffers;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text;
using System.Text.Json;
using System.Threading;
using AppChain.Hashing;

namespace AppChain.Hsm;

/// <summary>What happened to one request, as a line of the audit log tells it.</summary>
/// <param name="Outcome">One word: signed, repeated, refused, failed, witnessed, recovered, omitted.</param>
/// <param name="Height">0 when the request named none.</param>
/// <param name="Round">Its round.</param>
/// <param name="Step">What it was for.</param>
/// <param name="Block">Hash of the block in hex, "nil", or empty.</param>
/// <param name="Detail">Why, for a refusal; for whom, for a witness.</param>
public readonly record struct AuditEntry(
    string Outcome, long Height, int Round, SignStep Step, string Block, string Detail);

/// <summary>What a check of an audit log found.</summary>
/// <param name="First">Number of the first line that is here; 0 when there is none.</param>
/// <param name="Lines">Lines found right.</param>
/// <param name="Hash">Hash of the last of them.</param>
/// <param name="Fault">What is wrong with the next one, or null.</param>
/// <param name="File">The file that it is in, or empty.</param>
public readonly record struct AuditCheck(long First, long Lines, string Hash, string? Fault, string File);

/// <summary>
/// What one key on one chain was asked for, one JSON object a line, each with the hash of the one before. Written
/// before a signature leaves; on the disk when the system flushes, which the guard's state does not wait for. A full
/// file gets the number of its first line behind its name, and the chain goes on in a new one. Rules SIGN-35, SIGN-36,
/// SIGN-38 and SIGN-40.
/// </summary>
public sealed class AuditLog : IDisposable
{
    private const string HashField = ",\"hash\":\"";
    private const int HashDigits = 2 * Sha256.Size;
    private const int SuffixLength = 9 + HashDigits + 2;
    // BOUND: a line holds two hashes, a block and a short reason.
    private const int LineBytesMax = 8 * 1024;

    /// <summary>Size at which a file is full unless the configuration says another, about 150,000 lines.</summary>
    public const long DefaultFileBytes = 64L << 20;

    private const int NumberDigits = 12;

    private static readonly string NoHash = new('0', HashDigits);

    private readonly string _path;
    private readonly long _fileBytes;
    private readonly Lock _lock = new();
    private readonly AuditPace _pace = new();
    private string _chainId = "";
    private FileStream? _file;
    private long _first;
    private Tip _tip;

    /// <summary>Goes on with a log, or begins one. Half a line at its end, left by a crash, is removed.</summary>
    /// <param name="path">The file that lines are added to; full ones lie beside it.</param>
    /// <param name="fileBytes">Size above which a new file is begun.</param>
    /// <exception cref="IOException">The file cannot be written, or its last line is not as this class wrote
    /// it.</exception>
    public AuditLog(string path, long fileBytes = DefaultFileBytes)
    {
        _path = path;
        _fileBytes = fileBytes;
        _file = Open();
        try
        {
            _tip = ReadTip(_file);
        }
        catch (Exception)
        {
            _file.Dispose();
            throw;
        }
    }

    /// <summary>Number and hash of the last line, and the furthest place that any line says was signed.</summary>
    public (long Number, string Hash, SignState Signed) Last
    {
        get
        {
            lock (_lock) return (_tip.Number, _tip.Hash, _tip.Signed);
        }
    }

    /// <summary>Adds a line, or counts what gets none (SIGN-40).</summary>
    /// <exception cref="IOException">It could not be written.</exception>
    public void Append(string chainId, AuditEntry entry)
    {
        lock (_lock)
        {
            if (!_pace.IsDue(entry)) return;
            _chainId = chainId;
            TellOmitted();
            Add(chainId, entry);
            _pace.Written(entry);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_lock)
        {
            try
            {
                if (_file is { CanWrite: true }) TellOmitted();
            }
            catch (IOException)
            {
                // The disk is full or gone; whatever was signed is in the log.
            }
            _file?.Dispose();
        }
    }

    private void TellOmitted()
    {
        if (!_pace.TryTell(out AuditEntry omitted)) return;
        Add(_chainId, omitted);
        _pace.Told();
    }

    private void Add(string chainId, AuditEntry entry)
    {
        SignState place = SignState.Floor(entry.Height, entry.Round, entry.Step);
        SignState signed = entry.Outcome is "signed" && place.IsAfter(_tip.Signed) ? place : _tip.Signed;
        string body = Body(chainId, entry, _tip, signed);
        string hash = Convert.ToHexStringLower(Sha256.Hash(Encoding.UTF8.GetBytes(body)));
        byte[] line = Encoding.UTF8.GetBytes($"{body[..^1]}{HashField}{hash}\"}}\n");
        _file ??= Open();
        if (_file.Length > 0 && _file.Length + line.Length > _fileBytes) CloseFull(_file);
        Write(_file, line);
        _tip = new Tip(_tip.Number + 1, hash, signed);
    }

    /// <summary>Checks every line of a log, full files first: numbers without gaps, hashes that chain.</summary>
    /// <param name="path">The file that lines are added to.</param>
    /// <param name="after">Hash of the line before the first one that is here, when earlier files were taken away; null
    /// when the log must begin with line 1.</param>
    /// <exception cref="IOException">A file cannot be read.</exception>
    public static AuditCheck Verify(string path, string? after = null)
    {
        Tip? tip = after is null ? new Tip(0, NoHash, SignState.Fresh) : null;
        long first = 0;
        foreach (string name in (string[])[.. FullFiles(path), path])
        {
            using FileStream file = new(name, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            using StreamReader reader = new(file, Encoding.UTF8);
            while (reader.ReadLine() is { } line)
            {
                string? fault = null;
                if (!TryRead(line, out Tip next, out string previous)) fault = "it is not as it was written";
                else if (tip is { } last && next.Number != last.Number + 1)
                {
                    fault = $"it has number {next.Number}: lines are missing";
                    if (first == 0) fault += "; when earlier files were taken away, say --after HASH";
                }
                else if (previous != (tip?.Hash ?? after)) fault = "it does not follow from the line before";
                if (fault is not null) return Result($"line {(tip?.Number ?? 0) + 1}: {fault}", name);
                first = first == 0 ? next.Number : first;
                tip = next;
            }
        }
        return Result(null, "");

        AuditCheck Result(string? fault, string file) =>
            new(first, first == 0 ? 0 : tip!.Value.Number - first + 1, tip?.Hash ?? after!, fault, file);
    }

    /// <summary>The full files of a log, oldest first.</summary>
    public static IReadOnlyList<string> FullFiles(string path)
    {
        string folder = Path.GetDirectoryName(Path.GetFullPath(path)) ?? "/";
        string prefix = Path.GetFileName(path) + ".";
        return Directory.Exists(folder)
            ? [.. Directory.EnumerateFiles(folder, prefix + "*")
                .Where(file => Path.GetFileName(file).Length == prefix.Length + NumberDigits
                    && Path.GetFileName(file).AsSpan(prefix.Length).IndexOfAnyExceptInRange('0', '9') < 0)
                .Order(StringComparer.Ordinal)]
            : [];
    }

    // A line that could be written in part only, as on a full disk, leaves nothing behind.
    private static void Write(FileStream file, byte[] line)
    {
        long end = file.Length;
        try
        {
            file.Write(line);
        }
        catch (IOException)
        {
            file.SetLength(end);
            file.Seek(0, SeekOrigin.End);
            throw;
        }
    }

    private FileStream Open()
    {
        FileStreamOptions options = new()
        {
            Mode = FileMode.OpenOrCreate,
            Access = FileAccess.ReadWrite,
            Share = FileShare.Read,
            BufferSize = 0,
        };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }
        FileStream file = new(_path, options);
        file.Seek(0, SeekOrigin.End);
        return file;
    }

    /// <summary>Puts a full file aside, on the disk, and begins a new one. Should the process end in between, the next
    /// start finds the end of the chain in the file that was put aside.</summary>
    private void CloseFull(FileStream full)
    {
        full.Flush(flushToDisk: true);
        full.Dispose();
        _file = null;
        string name = string.Create(CultureInfo.InvariantCulture, $"{_path}.{_first:D12}");
        File.Move(_path, name, overwrite: false);
        _first = _tip.Number + 1;
        DurableFile.FlushFolder(_path);
        _file = Open();
    }

    private static string Body(string chainId, AuditEntry entry, Tip tip, SignState signed)
    {
        ArrayBufferWriter<byte> buffer = new();
        using (Utf8JsonWriter json = new(buffer))
        {
            json.WriteStartObject();
            json.WriteNumber("n", tip.Number + 1);
            json.WriteString("time", DateTime.UtcNow.ToString("yyyy-MM-dd'T'HH:mm:ss.fffffff'Z'",
                CultureInfo.InvariantCulture));
            json.WriteString("chain", chainId);
            json.WriteString("outcome", entry.Outcome);
            json.WriteNumber("height", entry.Height);
            json.WriteNumber("round", entry.Round);
            json.WriteString("step", entry.Step.ToString());
            json.WriteString("block", entry.Block);
            json.WriteString("detail", entry.Detail);
            json.WriteString("signed", string.Create(
                CultureInfo.InvariantCulture, $"{signed.Height}/{signed.Round}/{(int)signed.Step}"));
            json.WriteString("prev", tip.Hash);
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    /// <summary>The end of the chain: the last line of this file or, when it has none yet, of the newest full
    /// one.</summary>
    private Tip ReadTip(FileStream file)
    {
        (long End, Tip Tip) here = LastLine(file);
        file.SetLength(here.End);
        file.Seek(0, SeekOrigin.End);
        _first = here.End > 0 ? FirstNumber(file) : here.Tip.Number + 1;
        if (here.End > 0 || FullFiles(_path) is not [.., string newest]) return here.Tip;

        using FileStream full = new(newest, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        Tip tip = LastLine(full).Tip;
        _first = tip.Number + 1;
        return tip;
    }

    private (long End, Tip Tip) LastLine(FileStream file)
    {
        int size = (int)Math.Min(file.Length, 2 * LineBytesMax);
        byte[] tail = new byte[size];
        file.Seek(-size, SeekOrigin.End);
        file.ReadExactly(tail);
        int end = Array.LastIndexOf(tail, (byte)'\n') + 1;
        if (end == 0)
        {
            return size < LineBytesMax ? (0, new Tip(0, NoHash, SignState.Fresh)) : throw Bad("it is not an audit log");
        }
        int start = end == 1 ? 0 : Array.LastIndexOf(tail, (byte)'\n', end - 2) + 1;
        string line = Encoding.UTF8.GetString(tail, start, end - 1 - start);
        return TryRead(line, out Tip tip, out _)
            ? (file.Length - (size - end), tip)
            : throw Bad("its last line is not as it was written");
    }

    private long FirstNumber(FileStream file)
    {
        file.Seek(0, SeekOrigin.Begin);
        byte[] head = new byte[(int)Math.Min(file.Length, LineBytesMax)];
        file.ReadExactly(head);
        file.Seek(0, SeekOrigin.End);
        int end = Array.IndexOf(head, (byte)'\n');
        return end > 0 && TryRead(Encoding.UTF8.GetString(head, 0, end), out Tip tip, out _)
            ? tip.Number
            : throw Bad("its first line is not as it was written");
    }

    private IOException Bad(string what) => new(
        $"the audit log {_path} cannot be continued: {what}. Check it with ./appchain signer audit verify {_path}, "
        + "keep it, and name a new file");

    private static bool TryRead(string line, out Tip tip, out string previous)
    {
        tip = default;
        previous = "";
        int at = line.Length - SuffixLength;
        if (at < 1 || !line.AsSpan(at).StartsWith(HashField, StringComparison.Ordinal)) return false;
        string hash = line.Substring(at + HashField.Length, HashDigits);
        if (Convert.ToHexStringLower(Sha256.Hash(Encoding.UTF8.GetBytes(line[..at] + "}"))) != hash) return false;
        try
        {
            using JsonDocument document = JsonDocument.Parse(line);
            JsonElement json = document.RootElement;
            previous = json.GetProperty("prev").GetString() ?? "";
            string[] place = (json.GetProperty("signed").GetString() ?? "").Split('/');
            SignState signed = SignState.Floor(long.Parse(place[0], CultureInfo.InvariantCulture),
                int.Parse(place[1], CultureInfo.InvariantCulture),
                (SignStep)byte.Parse(place[2], CultureInfo.InvariantCulture));
            tip = new Tip(json.GetProperty("n").GetInt64(), hash, signed);
            return true;
        }
        catch (Exception error) when (error is JsonException or FormatException or IndexOutOfRangeException
            or InvalidOperationException or KeyNotFoundException or OverflowException)
        {
            return false;
        }
    }

    private readonly record struct Tip(long Number, string Hash, SignState Signed);
}
