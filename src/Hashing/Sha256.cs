using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace AppChain.Hashing;

/// <summary>
/// SHA-256 of short messages, of which a block has hundreds. The platform's digest interface looks the algorithm up by
/// its name and sets up a context of its own at each call, which takes several times as long as hashing a tree node
/// does. So the functions of the same library (OpenSSL's libcrypto, which the platform has loaded already) that need
/// neither are called directly. Where they are not there, or do not agree with the platform, the platform hashes.
/// Thread safe.
/// </summary>
public static unsafe class Sha256
{
    /// <summary>Bytes of a digest.</summary>
    public const int Size = 32;

    // BOUND: SHA256_CTX has 112 bytes: eight words of state, two of length, a block of 64 bytes and two counters.
    private const int ContextWords = 16;

    private static readonly delegate* unmanaged[SuppressGCTransition]<ulong*, int> Init;
    private static readonly delegate* unmanaged<ulong*, byte*, nuint, int> Update;
    private static readonly delegate* unmanaged[SuppressGCTransition]<byte*, ulong*, int> Final;

    /// <summary>Whether the library is called directly.</summary>
    public static readonly bool IsDirect;

    static Sha256()
    {
        bool isLoaded = NativeLibrary.TryLoad("libcrypto.so.3", out nint library);
        if (!isLoaded || !NativeLibrary.TryGetExport(library, "SHA256_Init", out nint init)
            || !NativeLibrary.TryGetExport(library, "SHA256_Update", out nint update)
            || !NativeLibrary.TryGetExport(library, "SHA256_Final", out nint final)) return;
        Init = (delegate* unmanaged[SuppressGCTransition]<ulong*, int>)init;
        Update = (delegate* unmanaged<ulong*, byte*, nuint, int>)update;
        Final = (delegate* unmanaged[SuppressGCTransition]<byte*, ulong*, int>)final;
        IsDirect = AgreesWithPlatform();
    }

    /// <summary>The digest of a message.</summary>
    public static byte[] Hash(ReadOnlySpan<byte> message)
    {
        byte[] digest = new byte[Size];
        Hash(message, digest);
        return digest;
    }

    /// <summary>Writes the digest of a message into exactly 32 bytes; they may overlap the message.</summary>
    public static void Hash(ReadOnlySpan<byte> message, Span<byte> digest)
    {
        RequireSize(digest);
        if (IsDirect) HashDirectly(message, [], [], digest);
        else SHA256.HashData(message, digest);
    }

    /// <summary>
    /// Writes the digest of <c>prefix ‖ first ‖ second</c> into exactly 32 bytes: that of a leaf or of an inner node of
    /// a tree whose kinds of node are told apart by a prefix.
    /// </summary>
    public static void Hash(byte prefix, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, Span<byte> digest)
    {
        RequireSize(digest);
        if (IsDirect) HashDirectly(new(in prefix), first, second, digest);
        else SHA256.HashData((byte[])[prefix, .. first, .. second], digest);
    }

    [SkipLocalsInit]
    private static void HashDirectly(
        ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, ReadOnlySpan<byte> third, Span<byte> digest)
    {
        ulong* context = stackalloc ulong[ContextWords];
        bool isHashed = Init(context) == 1 && IsAppended(context, first)
            && (second.IsEmpty || IsAppended(context, second)) && (third.IsEmpty || IsAppended(context, third));
        fixed (byte* result = digest) isHashed = isHashed && Final(result, context) == 1;
        if (!isHashed) throw new CryptographicException("libcrypto failed to hash");
    }

    private static bool IsAppended(ulong* context, ReadOnlySpan<byte> bytes)
    {
        fixed (byte* start = bytes) return Update(context, start, (nuint)bytes.Length) == 1;
    }

    private static void RequireSize(ReadOnlySpan<byte> digest)
    {
        if (digest.Length != Size) throw new ArgumentException("a digest has 32 bytes", nameof(digest));
    }

    /// <summary>
    /// Hashes messages of every length up to three blocks both ways, cut in three at changing places. A library that
    /// hashes otherwise would fork this validator from the others at its first block.
    /// </summary>
    private static bool AgreesWithPlatform()
    {
        Span<byte> message = stackalloc byte[3 * 64];
        Span<byte> direct = stackalloc byte[Size];
        Span<byte> platform = stackalloc byte[Size];
        for (int length = 0; length <= message.Length; length++)
        {
            if (length > 0) message[length - 1] = unchecked((byte)(length * 167));
            ReadOnlySpan<byte> content = message[..length];
            HashDirectly(content[..(length / 7)], content[(length / 7)..(length / 2)], content[(length / 2)..], direct);
            SHA256.HashData(content, platform);
            if (!direct.SequenceEqual(platform)) return false;
        }
        return true;
    }
}
