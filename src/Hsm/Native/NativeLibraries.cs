using System;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Threading;

namespace AppChain.Hsm;

/// <summary>
/// Finds the native libraries of this assembly under the names they have on the platforms we run on. A library that is
/// not installed gives one line that names its Debian package.
/// </summary>
public static class NativeLibraries
{
    /// <summary>Ed25519, Argon2, XChaCha20-Poly1305.</summary>
    internal const string Sodium = "sodium";

    /// <summary>ECDSA over secp256k1.</summary>
    internal const string Secp256k1 = "secp256k1";

    private const string SodiumPackage = "libsodium23";
    private const string Secp256k1Package = "libsecp256k1-1";

    private static readonly string[] SodiumNames =
        ["libsodium.so.23", "libsodium.so.26", "libsodium.so", "libsodium.dylib"];

    private static readonly string[] Secp256k1Names =
        ["libsecp256k1.so.1", "libsecp256k1.so.2", "libsecp256k1.so", "libsecp256k1.dylib"];

    private static int _isRegistered;

    /// <summary>
    /// Loads every library this assembly needs. Called at start-up, so that a missing one is reported by itself and not
    /// as the failure of whatever first needed it.
    /// </summary>
    /// <exception cref="DllNotFoundException">One is missing; the message names its package.</exception>
    public static void RequireAll()
    {
        Load(SodiumNames, SodiumPackage);
        Load(Secp256k1Names, Secp256k1Package);
    }

    /// <summary>Makes the names above resolve. Every class with imports calls it before its first call.</summary>
    internal static void Register()
    {
        if (Interlocked.Exchange(ref _isRegistered, 1) != 0) return;
        NativeLibrary.SetDllImportResolver(typeof(NativeLibraries).Assembly, Resolve);
    }

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? searchPath) => name switch
    {
        Sodium => Load(SodiumNames, SodiumPackage),
        Secp256k1 => Load(Secp256k1Names, Secp256k1Package),
        _ => 0,
    };

    internal static nint Load(ReadOnlySpan<string> names, string package)
    {
        foreach (string name in names)
        {
            if (NativeLibrary.TryLoad(name, out nint handle)) return handle;
        }
        throw new DllNotFoundException($"{names[0]} is missing; install it with: apt-get install {package}");
    }
}
