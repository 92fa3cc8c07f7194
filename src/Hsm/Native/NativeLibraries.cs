using System;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Threading;

namespace AppChain.Hsm;

/// <summary>
/// Finds the native libraries of this assembly under the names they have on the platforms we run on. A library that is
/// not installed gives one line that names its Debian package.
/// </summary>
internal static class NativeLibraries
{
    /// <summary>Ed25519, Argon2, XChaCha20-Poly1305.</summary>
    public const string Sodium = "sodium";

    /// <summary>ECDSA over secp256k1.</summary>
    public const string Secp256k1 = "secp256k1";

    private static int _isRegistered;

    /// <summary>Makes the names above resolve. Every class with imports calls it before its first call.</summary>
    public static void Register()
    {
        if (Interlocked.Exchange(ref _isRegistered, 1) != 0) return;
        NativeLibrary.SetDllImportResolver(typeof(NativeLibraries).Assembly, Resolve);
    }

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? searchPath) => name switch
    {
        Sodium => Load(["libsodium.so.23", "libsodium.so.26", "libsodium.so", "libsodium.dylib"], "libsodium23"),
        Secp256k1 => Load(
            ["libsecp256k1.so.1", "libsecp256k1.so.2", "libsecp256k1.so", "libsecp256k1.dylib"], "libsecp256k1-1"),
        _ => 0,
    };

    private static nint Load(ReadOnlySpan<string> names, string package)
    {
        foreach (string name in names)
        {
            if (NativeLibrary.TryLoad(name, out nint handle)) return handle;
        }
        throw new DllNotFoundException($"{names[0]} is missing; install it with: apt-get install {package}");
    }
}
