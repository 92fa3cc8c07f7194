using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Runtime.InteropServices;
using AppChain.Hsm;

namespace AppChain.Localnet;

/// <summary>Consensus keys in SoftHSM: a token for each validator, all in one directory of the run.</summary>
internal sealed partial class DeviceKeys
{
    private const string Variable = "SOFTHSM2_CONF";
    private const string KeyLabel = "consensus";

    private readonly string _conf;
    private readonly string _pinFile;
    private readonly List<byte[]> _publicKeys = [];

    /// <summary>Makes the tokens and keys.</summary>
    /// <exception cref="IOException">SoftHSM is not installed or refuses.</exception>
    public DeviceKeys(string home, int validators)
    {
        string directory = Path.Combine(home, "softhsm");
        Directory.CreateDirectory(Path.Combine(directory, "tokens"));
        _conf = Path.Combine(directory, "softhsm2.conf");
        _pinFile = Path.Combine(directory, "pin");
        File.WriteAllText(_conf, $"directories.tokendir = {Path.Combine(directory, "tokens")}\nlog.level = ERROR\n");
        File.WriteAllText(_pinFile, "123456\n");
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(_pinFile, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }

        // The module reads the C library's environment, which .NET's own setter does not reach.
        if (setenv(Variable, _conf, 1) != 0)
        {
            throw new IOException($"{Variable} cannot be set");
        }

        Pkcs11Module module = Pkcs11Module.Load(Pkcs11Module.SoftHsm);
        for (int i = 0; i < validators; i++)
        {
            Pkcs11Token token = module.InitializeToken(TokenOf(i), "12345678", "123456");
            using Pkcs11Session session = Pkcs11Session.Open(module, token, "123456");
            _publicKeys.Add(session.Generate(Pkcs11KeyType.Ed25519, KeyLabel).PublicKey);
        }
    }

    /// <summary>What the signers' processes need to find the tokens.</summary>
    public IReadOnlyDictionary<string, string> Environment => new Dictionary<string, string> { [Variable] = _conf };

    /// <summary>Public key of a validator.</summary>
    public byte[] PublicKey(int validator) => _publicKeys[validator];

    /// <summary>Where the signer finds the key of a validator.</summary>
    public string PlaceOf(int validator) => $"pkcs11:token={TokenOf(validator)};key={KeyLabel};pin-file={_pinFile}";

    private static string TokenOf(int validator) =>
        string.Create(CultureInfo.InvariantCulture, $"validator{validator}");

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int setenv(string name, string value, int overwrite);
}
