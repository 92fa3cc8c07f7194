using System.IO;

namespace AppChain.Hsm;

/// <summary>A device refused or cannot be reached. The message names the standard's code and says what to do.</summary>
public sealed class Pkcs11Exception : IOException
{
    /// <summary>A call that returned a code.</summary>
    internal Pkcs11Exception(string what, nuint code)
        : base(Text(what, code)) => Code = code;

    /// <summary>Something that no call said.</summary>
    internal Pkcs11Exception(string message)
        : base(message)
    {
    }

    /// <summary>The token is not there; a module that is started again may find it.</summary>
    internal static Pkcs11Exception Absent(string message) => new(message) { IsAbsent = true };

    /// <summary>The CK_RV; 0 when no call failed.</summary>
    internal nuint Code { get; }

    /// <summary>A new session, or the same device plugged in again, may make the call succeed.</summary>
    internal bool IsLoss => IsAbsent || (uint)Code is 0x05 or 0x06 or 0x30 or 0x32 or 0x60 or 0x82 or 0xB0 or 0xB3
        or 0xE0 or 0xE1 or 0x101 or 0x190 or 0x03;

    private bool IsAbsent { get; init; }

    /// <summary>The device refused the PIN; every further try may be the one that locks it.</summary>
    public bool IsPinRefusal => (uint)Code is 0xA0 or 0xA1 or 0xA2 or 0xA3 or 0xA4;

    private static string Text(string what, nuint code)
    {
        (string name, string advice) = Cryptoki.Describe(code);
        return $"{what}: {name}; {advice}";
    }
}
