using System;
using System.Collections.Generic;
using System.IO;
using System.Runtime.InteropServices;
using System.Text;
using System.Threading;

namespace AppChain.Hsm;

/// <summary>A token as its module describes it.</summary>
/// <param name="Slot">Number of its slot now; it may be another after a restart, so tokens are found by label.</param>
/// <param name="Label">Name of the token; empty when it is not initialised.</param>
/// <param name="Manufacturer">Maker.</param>
/// <param name="Model">Model.</param>
/// <param name="Serial">Serial number.</param>
/// <param name="IsInitialized">It can hold keys.</param>
/// <param name="HasPin">Its user PIN is set.</param>
/// <param name="PinState">Empty, or what is wrong with the PIN: a try failed, one is left, locked.</param>
public sealed record Pkcs11Token(
    ulong Slot, string Label, string Manufacturer, string Model, string Serial, bool IsInitialized, bool HasPin,
    string PinState);

/// <summary>
/// A PKCS#11 module: a shared library of a device's maker. Loaded once per process, because the standard knows one
/// initialisation per process; used from many threads, each with a session of its own.
/// </summary>
public sealed unsafe class Pkcs11Module
{
    /// <summary>SoftHSM 2 as Debian installs it.</summary>
    public const string SoftHsm = "/usr/lib/softhsm/libsofthsm2.so";

    private static readonly TimeSpan RestartPatience = TimeSpan.FromSeconds(2);
    private static readonly Lock s_lock = new();
    private static readonly Dictionary<string, Pkcs11Module> s_modules = [];

    private readonly void** _functions;
    private readonly ReaderWriterLockSlim _use = new();
    private long _generation;

    private Pkcs11Module(string path, void** functions)
    {
        Path = path;
        _functions = functions;
        Initialize();
    }

    /// <summary>File of the module.</summary>
    public string Path { get; }

    /// <summary>Grows with each <see cref="Restart"/>: sessions of an older generation are gone.</summary>
    public long Generation => Interlocked.Read(ref _generation);

    /// <summary>Loads a module, or returns the one loaded before.</summary>
    /// <exception cref="Pkcs11Exception">
    /// The file is missing or is no module; the message says what to install.
    /// </exception>
    public static Pkcs11Module Load(string path)
    {
        lock (s_lock)
        {
            if (s_modules.TryGetValue(path, out Pkcs11Module? known))
            {
                return known;
            }

            if (!File.Exists(path))
            {
                throw new Pkcs11Exception(
                    $"the PKCS#11 module {path} does not exist; for SoftHSM: apt-get install softhsm2");
            }

            if (!NativeLibrary.TryLoad(path, out nint library)
                || !NativeLibrary.TryGetExport(library, "C_GetFunctionList", out nint export))
            {
                throw new Pkcs11Exception($"{path} is no PKCS#11 module: it has no function C_GetFunctionList");
            }

            void* list = null;
            nuint code = ((delegate* unmanaged<void**, nuint>)export)(&list);
            Require(code, "C_GetFunctionList");

            // CK_VERSION and its padding come before the functions.
            return s_modules[path] = new Pkcs11Module(path, (void**)((byte*)list + sizeof(nuint)));
        }
    }

    /// <summary>Name and version of the module's library.</summary>
    public string Describe()
    {
        Cryptoki.Info info;
        Require(Call(Cryptoki.CGetInfo, &info), "C_GetInfo");
        return $"{Text(info.Library, 32)} {info.LibraryVersion.Major}.{info.LibraryVersion.Minor}, "
            + $"{Text(info.Manufacturer, 32)}";
    }

    /// <summary>The tokens that are present.</summary>
    public IReadOnlyList<Pkcs11Token> Tokens()
    {
        nuint count = 0;
        var list = (delegate* unmanaged<byte, nuint*, nuint*, nuint>)_functions[Cryptoki.CGetSlotList];
        Require(list(1, null, &count), "C_GetSlotList");
        var slots = new nuint[(int)count];
        fixed (nuint* first = slots)
        {
            Require(list(1, first, &count), "C_GetSlotList");
        }

        var tokens = new List<Pkcs11Token>();
        for (int i = 0; i < (int)count; i++)
        {
            Cryptoki.TokenInfo info;
            var get = (delegate* unmanaged<nuint, Cryptoki.TokenInfo*, nuint>)_functions[Cryptoki.CGetTokenInfo];
            if (get(slots[i], &info) == Cryptoki.Ok)
            {
                tokens.Add(TokenOf(slots[i], info));
            }
        }

        return tokens;
    }

    /// <summary>The token with a label.</summary>
    /// <exception cref="Pkcs11Exception">
    /// There is none, or more than one; the message lists those there are.
    /// </exception>
    public Pkcs11Token Find(string label)
    {
        var found = new List<Pkcs11Token>();
        var others = new List<string>();
        foreach (Pkcs11Token token in Tokens())
        {
            if (token.IsInitialized && token.Label == label)
            {
                found.Add(token);
            }
            else if (token.IsInitialized)
            {
                others.Add(token.Label);
            }
        }

        return found.Count switch
        {
            1 => found[0],
            0 => throw Pkcs11Exception.Absent(others.Count == 0
                ? $"no token '{label}' in {Path}, and no other; make one with hsm init"
                : $"no token '{label}' in {Path}; there are: {string.Join(", ", others)}"),
            _ => throw new Pkcs11Exception($"{found.Count} tokens are called '{label}'; give them different labels"),
        };
    }

    /// <summary>Initialises the first free token: label, PIN of the security officer, PIN of the user.</summary>
    /// <exception cref="Pkcs11Exception">There is no free token, or one of that label exists already.</exception>
    public Pkcs11Token InitializeToken(string label, string officerPin, string userPin)
    {
        byte[] padded = new byte[32];
        padded.AsSpan().Fill((byte)' ');
        if (label.Length is 0 or > 32 || Encoding.UTF8.GetBytes(label, padded) > 32)
        {
            throw new Pkcs11Exception("the label of a token has 1 to 32 bytes");
        }

        Pkcs11Token? free = null;
        foreach (Pkcs11Token token in Tokens())
        {
            if (token.IsInitialized && token.Label == label)
            {
                throw new Pkcs11Exception($"a token '{label}' exists already; choose another label");
            }

            free ??= token.IsInitialized ? null : token;
        }

        if (free is null)
        {
            throw new Pkcs11Exception($"{Path} has no uninitialised token; initialise one with the device's own tools");
        }

        byte[] officer = Encoding.UTF8.GetBytes(officerPin);
        fixed (byte* pin = officer, name = padded)
        {
            var initialize = (delegate* unmanaged<nuint, byte*, nuint, byte*, nuint>)_functions[Cryptoki.CInitToken];
            Require(initialize((nuint)free.Slot, pin, (nuint)officer.Length, name), "initialising the token");
        }

        Pkcs11Token made = Find(label);
        using var session = Pkcs11Session.Open(this, made, officerPin, isOfficer: true);
        session.SetUserPin(userPin);
        return Find(label);
    }

    /// <summary>
    /// Shuts the module down and starts it again, so that it finds a device that was unplugged. Every session of the
    /// process ends. Does nothing when somebody else has done it since <paramref name="generation"/>.
    /// </summary>
    /// <exception cref="Pkcs11Exception">The module does not start, or another call hangs in it.</exception>
    public void Restart(long generation)
    {
        // BOUND: a call that hangs must not stop every other key of the process as well.
        if (!_use.TryEnterWriteLock(RestartPatience))
        {
            throw new Pkcs11Exception($"{Path} is not started again: another device of it does not answer");
        }

        try
        {
            if (generation != _generation)
            {
                return;
            }

            _ = Call(Cryptoki.CFinalize, null);
            Interlocked.Increment(ref _generation);
            Initialize();
        }
        finally
        {
            _use.ExitWriteLock();
        }
    }

    /// <summary>Until this is disposed of the module is not shut down; the standard leaves open what a call does
    /// then.</summary>
    internal Use InUse()
    {
        _use.EnterReadLock();
        return new Use(_use);
    }

    internal readonly ref struct Use(ReaderWriterLockSlim held)
    {
        public void Dispose() => held.ExitReadLock();
    }

    /// <summary>Fails with the name of the code and what to do, unless it is CKR_OK.</summary>
    internal static void Require(nuint code, string what)
    {
        if (code != Cryptoki.Ok)
        {
            throw new Pkcs11Exception(what, code);
        }
    }

    /// <summary>A function of the module.</summary>
    internal void* Function(int index) => _functions[index];

    private void Initialize()
    {
        var arguments = new Cryptoki.InitializeArguments { Flags = Cryptoki.LockingByTheSystem };
        nuint code = Call(Cryptoki.CInitialize, &arguments);
        if (code != Cryptoki.AlreadyInitialized)
        {
            Require(code, Path == SoftHsm ? $"starting {Path} with {SoftHsmSettings()}" : $"starting {Path}");
        }
    }

    // SoftHSM says the same of every mistake in its configuration.
    private static string SoftHsmSettings() =>
        Environment.GetEnvironmentVariable("SOFTHSM2_CONF") is { Length: > 0 } file
            ? File.Exists(file) ? $"SOFTHSM2_CONF={file}" : $"SOFTHSM2_CONF={file}, which does not exist"
            : "no SOFTHSM2_CONF set";

    private nuint Call(int index, void* argument) => ((delegate* unmanaged<void*, nuint>)_functions[index])(argument);

    private static Pkcs11Token TokenOf(nuint slot, Cryptoki.TokenInfo info)
    {
        string pin = (info.Flags & Cryptoki.UserPinLocked) != 0 ? "locked"
            : (info.Flags & Cryptoki.UserPinFinalTry) != 0 ? "one try left"
            : (info.Flags & Cryptoki.UserPinCountLow) != 0 ? "a wrong PIN was tried" : "";
        return new Pkcs11Token(
            slot, Text(info.Label, 32), Text(info.Manufacturer, 32), Text(info.Model, 16), Text(info.Serial, 16),
            (info.Flags & Cryptoki.TokenInitialized) != 0, (info.Flags & Cryptoki.UserPinInitialized) != 0, pin);
    }

    // Fields are padded with blanks, or by some with zeros.
    private static string Text(byte* bytes, int length) =>
        Encoding.UTF8.GetString(new ReadOnlySpan<byte>(bytes, length)).TrimEnd(' ', '\0');
}
