using System;
using System.Buffers;
using System.Globalization;
using System.IO;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Threading;

namespace AppChain.Hsm;

/// <summary>What happened to one request, as a line of the audit log tells it.</summary>
/// <param name="Outcome">One word: signed, repeated, refused, failed, witnessed, recovered.</param>
/// <param name="Height">0 when the request named none.</param>
/// <param name="Round">Its round.</param>
/// <param name="Step">What it was for.</param>
/// <param name="Block">Hash of the block in hex, "nil", or empty.</param>
/// <param name="Detail">Why, for a refusal; for whom, for a witness.</param>
public readonly record struct AuditEntry(
    string Outcome, long Height, int Round, SignStep Step, string Block, string Detail);

/// <summary>
/// Everything one key on one chain was asked for, one JSON object a line, each with the hash of the one before. Written
/// before a signature leaves; on the disk when the system flushes, which the guard's state does not wait for. Rules
/// SIGN-35 and SIGN-36.
/// </summary>
public sealed class AuditLog : IDisposable
{
    private const string HashField = ",\"hash\":\"";
    private const int HashDigits = 2 * SHA256.HashSizeInBytes;
    private const int SuffixLength = 9 + HashDigits + 2;
    // BOUND: a line holds two hashes, a block and a short reason.
    private const int LineBytesMax = 8 * 1024;

    private static readonly string NoHash = new('0', HashDigits);

    private readonly string _path;
    private readonly FileStream _file;
    private readonly Lock _lock = new();
    private Tip _tip;

    /// <summary>Goes on with a file, or begins one. Half a line at its end, left by a crash, is removed.</summary>
    /// <exception cref="IOException">The file cannot be written, or its last line is not as this class wrote
    /// it.</exception>
    public AuditLog(string path)
    {
        _path = path;
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
        _file = new FileStream(path, options);
        try
        {
            _tip = ReadTip();
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

    /// <summary>Adds a line.</summary>
    /// <exception cref="IOException">It could not be written.</exception>
    public void Append(string chainId, AuditEntry entry)
    {
        lock (_lock)
        {
            SignState place = SignState.Floor(entry.Height, entry.Round, entry.Step);
            SignState signed = entry.Outcome is "signed" && place.IsAfter(_tip.Signed) ? place : _tip.Signed;
            string body = Body(chainId, entry, _tip, signed);
            string hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(body)));
            _file.Write(Encoding.UTF8.GetBytes($"{body[..^1]}{HashField}{hash}\"}}\n"));
            _tip = new Tip(_tip.Number + 1, hash, signed);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    /// <summary>Checks every line of a file: numbers without gaps, hashes that chain.</summary>
    /// <returns>Lines found right; hash of the last of them; what is wrong with the next one, or null.</returns>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static (long Lines, string Hash, string? Fault) Verify(string path)
    {
        Tip tip = new(0, NoHash, SignState.Fresh);
        using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using StreamReader reader = new(file, Encoding.UTF8);
        while (reader.ReadLine() is { } line)
        {
            if (!TryRead(line, out Tip next, out string previous)) return Fault("it is not as it was written");
            if (next.Number != tip.Number + 1) return Fault($"it has number {next.Number}: lines are missing");
            if (previous != tip.Hash) return Fault("it does not follow from the line before");
            tip = next;
        }
        return (tip.Number, tip.Hash, null);

        (long, string, string?) Fault(string what) =>
            (tip.Number, tip.Hash, string.Create(CultureInfo.InvariantCulture, $"line {tip.Number + 1}: {what}"));
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

    private Tip ReadTip()
    {
        int size = (int)Math.Min(_file.Length, 2 * LineBytesMax);
        byte[] tail = new byte[size];
        _file.Seek(-size, SeekOrigin.End);
        _file.ReadExactly(tail);
        int end = Array.LastIndexOf(tail, (byte)'\n') + 1;
        _file.SetLength(_file.Length - (size - end));
        _file.Seek(0, SeekOrigin.End);
        if (end == 0)
        {
            return size < LineBytesMax ? new Tip(0, NoHash, SignState.Fresh) : throw Bad("it is not an audit log");
        }
        int start = end == 1 ? 0 : Array.LastIndexOf(tail, (byte)'\n', end - 2) + 1;
        string line = Encoding.UTF8.GetString(tail, start, end - 1 - start);
        return TryRead(line, out Tip tip, out _) ? tip : throw Bad("its last line is not as it was written");
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
        if (Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(line[..at] + "}"))) != hash) return false;
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
            or InvalidOperationException or System.Collections.Generic.KeyNotFoundException or OverflowException)
        {
            return false;
        }
    }

    private readonly record struct Tip(long Number, string Hash, SignState Signed);
}
