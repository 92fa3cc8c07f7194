using System;
using System.Globalization;
using System.IO;
using System.Text;
using System.Text.Json;
using AppChain.Abci;
using AppChain.Hashing;
using Google.Protobuf;

namespace AppChain.Hsm;

/// <summary>
/// The guard's state on disk, in the fields of CometBFT's <c>priv_validator_state.json</c> with a checksum added. One
/// process writes it: a lock keeps others out, and should the lock fail (a deleted lock file, a network disk), a fence
/// stops the older writer. Rules SIGN-9 to SIGN-11.
/// </summary>
public sealed class SignStateFile : IDisposable
{
    private const int SizeMax = 64 * 1024;

    private readonly string _path;
    private readonly FileStream _lock;
    private readonly string _fence;

    private SignStateFile(string path, FileStream fileLock)
    {
        _path = path;
        _lock = fileLock;
        State = SignState.Fresh;
        // ORDER: the fence is raised before the state is read. A writer that is still alive either saved before, and
        // its state is read here, or finds the fence after its save and lets no signature out.
        _fence = Guid.NewGuid().ToString("N");
        try
        {
            DurableFile.Replace(FencePath, Encoding.ASCII.GetBytes(_fence));
        }
        catch (Exception)
        {
            fileLock.Dispose();
            throw;
        }
    }

    private string FencePath => _path + ".writer";

    /// <summary>What was signed last.</summary>
    public SignState State { get; private set; }

    /// <summary>Begins the state of a key that has never signed. The file must not exist.</summary>
    /// <exception cref="IOException">The file exists, or another process uses it.</exception>
    public static SignStateFile Create(string path)
    {
        SignStateFile file = new(path, Lock(path));
        try
        {
            DurableFile.Create(path, Encode(SignState.Fresh));
            return file;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            file.Dispose();
            throw new IOException($"cannot create the sign state {path}: {error.Message}", error);
        }
    }

    /// <summary>
    /// Opens the state of a key. A file that is missing is an error: going on without it could sign twice.
    /// </summary>
    /// <exception cref="IOException">Missing, damaged, or used by another process; the message says what to
    /// do.</exception>
    public static SignStateFile Open(string path)
    {
        if (!File.Exists(path))
        {
            throw new IOException($"the sign state {path} is missing. If the key has signed before, restore the newest "
                + "copy and raise its height above everything the key may have signed; only for a key that has never "
                + "signed, or one of three signers whose others are whole, create a new one: --create-state");
        }
        SignStateFile file = new(path, Lock(path));
        try
        {
            if (new FileInfo(path).Length > SizeMax) throw new FormatException("it is too large");
            file.State = Decode(File.ReadAllBytes(path));
            return file;
        }
        catch (Exception error) when (error is FormatException or IOException or UnauthorizedAccessException)
        {
            file.Dispose();
            throw new IOException($"the sign state {path} cannot be used: {error.Message}. Do not delete it; "
                + "restore it, with a height above everything the key may have signed", error);
        }
    }

    /// <summary>Makes a new state durable. Only after this may its signature leave.</summary>
    /// <exception cref="IOException">It may or may not have become durable; the signature must not leave.</exception>
    public void Save(SignState state)
    {
        try
        {
            RequireFence();
            DurableFile.Replace(_path, Encode(state));
            RequireFence();
        }
        catch (UnauthorizedAccessException error)
        {
            throw new IOException($"cannot write the sign state {_path}: {error.Message}", error);
        }
        State = state;
    }

    /// <summary>
    /// Ends the doubt about a state that is damaged, missing or too old: nothing below <paramref name="height"/> will
    /// be signed. What was there is kept beside it as <c>.replaced</c>. Never lowers a state that can be read.
    /// </summary>
    /// <exception cref="IOException">Another process uses the file, or its state is higher already.</exception>
    public static SignStateFile Raise(string path, long height)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height);
        SignState floor = SignState.Floor(height - 1, int.MaxValue, SignStep.Precommit);
        SignStateFile file = new(path, Lock(path));
        try
        {
            if (TryDecode(path) is { } old && old.IsAfter(floor))
            {
                throw new IOException($"the state is at height {old.Height} already; it is never lowered");
            }
            if (File.Exists(path)) File.Copy(path, path + ".replaced", overwrite: true);
            file.Save(floor);
            return file;
        }
        catch (Exception)
        {
            file.Dispose();
            throw;
        }
    }

    private static SignState? TryDecode(string path)
    {
        try
        {
            return File.Exists(path) ? Decode(File.ReadAllBytes(path)) : null;
        }
        catch (FormatException)
        {
            return null;
        }
    }

    private void RequireFence()
    {
        if (!File.Exists(FencePath) || File.ReadAllText(FencePath) != _fence)
        {
            throw new IOException($"another process has taken over the sign state {_path}; this one signs no more");
        }
    }

    /// <summary>Lets another process open the file.</summary>
    public void Dispose() => _lock.Dispose();

    private static FileStream Lock(string path)
    {
        string lockPath = path + ".lock";
        string folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        if (!Directory.Exists(folder))
        {
            throw new IOException(
                $"the folder {folder} of the sign state does not exist; make it, for the signer alone to read");
        }
        try
        {
            return new FileStream(lockPath, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"cannot lock the sign state {path}: {error.Message} Two signers with one key sign "
                + "twice; stop the other one first", error);
        }
    }

    private static byte[] Encode(SignState state)
    {
        using MemoryStream stream = new();
        using (Utf8JsonWriter json = new(stream, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteString("height", state.Height.ToString(CultureInfo.InvariantCulture));
            json.WriteNumber("round", state.Round);
            json.WriteNumber("step", (int)state.Step);
            if (!state.Signature.IsEmpty) json.WriteBase64String("signature", state.Signature.Span);
            if (!state.Bytes.IsEmpty) json.WriteString("signbytes", Convert.ToHexString(state.Bytes.Span));
            json.WriteString("checksum", Checksum(state));
            json.WriteEndObject();
        }
        return stream.ToArray();
    }

    private static SignState Decode(byte[] content)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(content);
            JsonElement json = document.RootElement;
            if (json.ValueKind != JsonValueKind.Object) throw new FormatException("it is not an object");
            // CometBFT may leave out fields that are empty, never these three.
            foreach (string name in (ReadOnlySpan<string>)["height", "round", "step"])
            {
                if (!json.TryGetProperty(name, out _)) throw new FormatException($"'{name}' is missing");
            }
            long step = RpcJsonReader.Int64(json, "step");
            long round = RpcJsonReader.Int64(json, "round");
            if (step is < 0 or > (long)SignStep.Precommit) throw new FormatException($"step {step} is unknown");
            if (round is < 0 or > int.MaxValue) throw new FormatException($"round {round} is out of range");
            SignState state = new(RpcJsonReader.Int64(json, "height"), (int)round, (SignStep)step,
                RpcJsonReader.Hex(json, "signbytes"), RpcJsonReader.Base64(json, "signature"));

            // A file taken over from CometBFT has no checksum; it gets one with the first signature.
            string checksum = RpcJsonReader.Text(json, "checksum");
            if (checksum.Length > 0 && checksum != Checksum(state))
            {
                throw new FormatException("its checksum does not fit, so it was damaged or changed by hand");
            }
            if (state.Fault() is { } fault) throw new FormatException(fault);
            return state;
        }
        catch (JsonException error)
        {
            throw new FormatException($"it is not JSON: {error.Message}", error);
        }
    }

    private static string Checksum(SignState state)
    {
        string content = string.Create(CultureInfo.InvariantCulture, $"{state.Height}/{state.Round}/{(int)state.Step}/"
            + $"{Convert.ToHexString(state.Bytes.Span)}/{Convert.ToHexString(state.Signature.Span)}");
        return Convert.ToHexString(Sha256.Hash(Encoding.ASCII.GetBytes(content)));
    }
}
