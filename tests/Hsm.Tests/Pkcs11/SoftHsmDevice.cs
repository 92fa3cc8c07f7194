using System;
using System.IO;
using System.Runtime.InteropServices;
using NUnit.Framework;

namespace AppChain.Hsm.Tests;

/// <summary>
/// A SoftHSM device for the tests of this process: the standard allows one initialisation per process, so there is one
/// directory of tokens, and every test makes its own token in it.
/// </summary>
internal static partial class SoftHsmDevice
{
    public const string Pin = "123456";
    public const string OfficerPin = "87654321";

    private static readonly Lazy<string> s_tokens = new(MakeDirectory);
    private static int s_number;

    /// <summary>Directory of the tokens: taking it away is pulling the plug.</summary>
    public static string Tokens => s_tokens.Value;

    /// <summary>The module, or the test is skipped.</summary>
    public static Pkcs11Module Module()
    {
        if (!File.Exists(Pkcs11Module.SoftHsm))
        {
            Assert.Ignore($"{Pkcs11Module.SoftHsm} is not installed (Debian package softhsm2)");
        }

        _ = Tokens;
        return Pkcs11Module.Load(Pkcs11Module.SoftHsm);
    }

    /// <summary>A new token; returns its label.</summary>
    public static string NewToken()
    {
        string label = $"token{++s_number}";
        Module().InitializeToken(label, OfficerPin, Pin);
        return label;
    }

    /// <summary>A session with a token.</summary>
    public static Pkcs11Session Open(string token, string pin = Pin) =>
        Pkcs11Session.Open(Module(), Module().Find(token), pin);

    /// <summary>A key of a new token.</summary>
    public static Pkcs11Key NewKey(Pkcs11KeyType type, string label = "key")
    {
        string token = NewToken();
        using (Pkcs11Session session = Open(token))
        {
            session.Generate(type, label);
        }

        return Pkcs11Key.Open(Pkcs11Module.SoftHsm, token, label, () => Pin);
    }

    /// <summary>
    /// Removes the device, when there is one. The host of the tests may not live to its own orderly end.
    /// </summary>
    public static void Delete()
    {
        if (s_tokens.IsValueCreated && Directory.Exists(Path.GetDirectoryName(Tokens)))
        {
            Directory.Delete(Path.GetDirectoryName(Tokens)!, recursive: true);
        }
    }

    private static string MakeDirectory()
    {
        string home = Directory.CreateTempSubdirectory("appchain-softhsm-").FullName;
        string tokens = Path.Combine(home, "tokens");
        Directory.CreateDirectory(tokens);
        string conf = Path.Combine(home, "softhsm2.conf");
        File.WriteAllText(conf, $"directories.tokendir = {tokens}\nlog.level = ERROR\n");
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Delete();

        // The module reads the C library's environment, which .NET's own setter does not reach.
        return setenv("SOFTHSM2_CONF", conf, 1) == 0 ? tokens : throw new IOException("setenv failed");
    }

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int setenv(string name, string value, int overwrite);
}
